"""The list of an image set: its columns, its parts, and how many pictures each cell has."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from auditapp.datasets.images_archive import plain, some, unsafe
from auditapp.datasets.keys import folded, natural_sorted
from auditapp.datasets.split import WORDS
from auditapp.datasets.staged import counted, notice
from auditapp.errors import AuditError

PATHS = ("path", "file", "filename", "file_name", "image", "image_path", "img", "picture")
NEEDED = ("path", "label", "split")
PART_WORDS = ("train", "valid", "audit")
LEAST_IN_CELL = 10
MOST_LEVELS = 50

Values = Mapping[str, Sequence[str | None]]


def roles_of(names: Sequence[str], *, manifest: bool) -> dict[str, Any]:
    """Which column is what: ``path, label, split, weight, unit, groups``; None for none.

    Raises
    ------
    AuditError
        ``manifest-columns``: a manifest without path, label or split.
    """
    known = {folded(name): name for name in reversed(names)}
    missing = [name for name in NEEDED if name not in known]
    if manifest and missing:
        raise AuditError(
            "manifest-columns",
            f"manifest.csv has no column {' and no column '.join(missing)}.",
            "Its columns are path, label, split, one for each way people are grouped, and if "
            "known weight and subject_id.",
            where="manifest.csv",
            found=some(names),
        )
    roles: dict[str, Any] = {
        "path": next((known[name] for name in PATHS if name in known), None),
        "label": known.get("label"),
        "split": known.get("split"),
        "weight": known.get("weight"),
        "unit": known.get("subject_id"),
    }
    taken = set(roles.values())
    roles["groups"] = [name for name in names if name not in taken]
    return roles


def check_paths(paths: Sequence[str | None], entries: Mapping[str, Any], listing: str) -> None:
    """Every row names one picture of the archive, and no two rows name the same.

    Raises
    ------
    AuditError
        ``blank-path``, ``unsafe-path``, ``duplicate-path`` or ``missing-picture``.
    """
    for row, path in enumerate(paths, start=2):
        if path is None or path == "":
            raise AuditError(
                "blank-path",
                f"Row {row:,} of {listing} names no picture.",
                "Give every row the path of its picture, or take the row out.",
            )
        why = unsafe(path)
        if why is not None:
            raise AuditError(
                "unsafe-path",
                f"Row {row:,} of {listing} holds {why}.",
                "Write paths as they are inside the zip file, such as images/0001.png.",
                where=plain(path),
            )
    counts = Counter(paths)
    twice = [str(path) for path, n in counts.items() if n > 1]
    if twice:
        raise AuditError(
            "duplicate-path",
            f"{counted(len(twice), 'picture')} {'is' if len(twice) == 1 else 'are'} on more than "
            f"one row of {listing}.",
            "Keep one row per picture: copies of one picture count twice, and may be learnt from "
            "and measured on at once.",
            found=some(twice),
        )
    absent = [str(path) for path in paths if path not in entries]
    if absent:
        raise AuditError(
            "missing-picture",
            f"{listing} names {counted(len(absent), 'picture')} that "
            f"{'is' if len(absent) == 1 else 'are'} not in the zip file.",
            "Add the pictures, or take their rows out. Capital letters count.",
            found=some(absent),
        )


def check_split(values: Sequence[str | None], column: str) -> list[str]:
    """The part of each row as Evenhand calls it.

    Raises
    ------
    AuditError
        ``bad-split``: blanks or other words.
    """
    odd = Counter(value for value in values if folded(value or "") not in WORDS)
    if odd:
        shown = [f"“{plain(v)}” {n:,}" if v else f"blank {n:,}" for v, n in odd.most_common(5)]
        raise AuditError(
            "bad-split",
            f"Column “{column}” does not say for {counted(sum(odd.values()), 'picture')} "
            "which part of the set they belong to.",
            "Write train, valid or test in every row.",
            where=f"column {column}",
            found=", ".join(shown),
        )
    return [PART_WORDS[WORDS[folded(value or "")]] for value in values]


def check_units(units: Sequence[str | None], parts: Sequence[str], column: str) -> None:
    """Nobody is in two parts.

    Raises
    ------
    AuditError
        ``subject-in-two-splits``.
    """
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for unit, part in zip(units, parts, strict=True):
        if unit is not None:
            seen[unit].add(part)
    both = [unit for unit, found in seen.items() if len(found) > 1]
    if both:
        raise AuditError(
            "subject-in-two-splits",
            f"{counted(len(both), 'person', 'people')} of column “{column}” "
            f"{'has' if len(both) == 1 else 'have'} pictures in more than one part: what is "
            "learnt from some would be measured on the others.",
            "Put all pictures of one person into one part.",
            where=f"column {column}",
            found=some(natural_sorted(both)),
        )


def cells(
    roles: Mapping[str, Any], values: Values, parts: Sequence[str] | None
) -> list[dict[str, Any]]:
    """Pictures by part, group and label, for every column of groups with few values.

    Returns
    -------
    list of dict
        ``column, groups, labels, rows``: for each group its name and, by part and label, its
        pictures: ``[[group, [[part, [n, ...]], ...]], ...]``.
    """
    label = roles["label"]
    if label is None:
        return []
    where = ["all"] * len(values[label]) if parts is None else list(parts)
    labels = natural_sorted({v for v in values[label] if v})
    if not 2 <= len(labels) <= MOST_LEVELS:
        return []
    out = []
    for column in roles["groups"]:
        levels = natural_sorted({v for v in values[column] if v})
        if not 2 <= len(levels) <= MOST_LEVELS:
            continue
        counts = Counter(zip(values[column], where, values[label], strict=True))
        shown = [word for word in ("all", *PART_WORDS) if word in set(where)]
        rows = [
            [group, [[part, [counts[group, part, v] for v in labels]] for part in shown]]
            for group in levels
        ]
        out.append({"column": column, "labels": labels, "parts": shown, "rows": rows})
    return out


def small_cells(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A notice on cells with fewer than ten pictures, if there are any."""
    lines, total = [], 0
    for table in found:
        for group, parts in table["rows"]:
            for part, counts in parts:
                for label, n in zip(table["labels"], counts, strict=True):
                    total += 1
                    if n < LEAST_IN_CELL:
                        lines.append(
                            f"{table['column']} {plain(group)}, label {plain(label)}"
                            f"{'' if part == 'all' else f', {part}'}: {counted(n, 'picture')}"
                        )
    if not lines:
        return []
    return [
        notice(
            "small-cells",
            f"{len(lines):,} of {total:,} combinations of part, group and label have fewer than "
            f"{LEAST_IN_CELL} pictures.",
            "Numbers on them are uncertain, and a search may fit their noise.",
            level="check",
            lines=lines,
        )
    ]
