"""What the profile says in words of Census files: how they were read, joined and summed up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditapp.datasets import pums
from auditapp.datasets.pums_dictionary import Dictionary
from auditapp.datasets.staged import counted, notice

Json = dict[str, Any]
Column = dict[str, Any]


def reading(staging: Mapping[str, Any]) -> list[Json]:
    """Say what was left out or understood while the files were read."""
    notices: list[Json] = []
    files = staging.get("files", [])
    if staging.get("not_asked"):
        notices.append(
            notice(
                "not-asked",
                "“N” is read as blank: the question was not asked of that person.",
            )
        )
    if staging.get("left_out"):
        gone = staging["left_out"]
        notices.append(
            notice(
                "flags-left-out",
                f"{counted(len(gone), 'column')} left out that only "
                f"{'says' if len(gone) == 1 else 'say'} how the record was made.",
                f"{', '.join(gone[:6])}{' and others' if len(gone) > 6 else ''}.",
            )
        )
    unknown = [item["name"] for item in files if not item["years"]]
    if unknown:
        notices.append(
            notice(
                "year-unknown",
                f"The survey year of {unknown[0]}"
                f"{f' and {len(unknown) - 1:,} more' if unknown[1:] else ''} is not in the file.",
                "Keep the folders of the Census, such as 2017/1-Year, or the name ss16pca.csv.",
                level="check",
            )
        )
    return [*notices, *(_union(files) if len(files) > 1 else [])]


def _union(files: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Say how several files became one, and which columns only some of them have."""
    sets = [set(item["columns"]) for item in files]
    every, common = set().union(*sets), set(sets[0]).intersection(*sets)
    some = sorted(name for name in every - common if not pums.is_replicate(name))
    found = [
        notice(
            "several-files",
            f"{len(files):,} files are one table: "
            + ", ".join(f"{_dated(item)} {item['rows']:,} rows" for item in files[:6])
            + (" and others." if len(files) > 6 else "."),
            "YEAR says which survey year a row is from, ST which state.",
        )
    ]
    if some:
        found.append(
            notice(
                "mixed-columns",
                f"{counted(len(some), 'column')} {'is' if len(some) == 1 else 'are'} in some of "
                "the files only, and blank in the rows of the others.",
                f"{', '.join(some[:8])}{' and others' if len(some) > 8 else ''}. "
                "Use columns that all years have, or compare years one by one.",
                level="check",
                lines=some,
            )
        )
    return found


def _dated(item: Mapping[str, Any]) -> str:
    years = ", ".join(map(str, item["years"]))
    return f"{item['name']} ({years})" if years else str(item["name"])


def add_words(columns: Sequence[Column], words: Dictionary) -> list[Json]:
    """Titles and words of a dictionary where the own code book has none."""
    added = 0
    for column in columns:
        code = column["name"].upper()
        if column["title"] is None and code in words.titles:
            column["title"] = words.titles[code]
        book = words.codes.get(code, {})
        if column["words"] is None and book and column["top"]:
            keys = [str(item["value"]) for item in column["top"]]
            known = {key: book.get(key.lstrip("0") or "0") for key in keys}
            table = {key: word for key, word in known.items() if word is not None}
            if table:
                column["words"] = table
                added += 1
    text = f"The data dictionary gives words to {counted(added, 'more column')}."
    return [notice("dictionary", text)]


def summary(survey: Json, rows: int) -> Json:
    """Say what kind of file this is, of which years and states."""
    states = [state["name"] for state in survey["states"]]
    where = ", ".join(states[:3]) + (f" and {len(states) - 3:,} more" if len(states) > 3 else "")
    years = ", ".join(str(year) for year in survey["years"])
    what = "persons" if survey["record"] == "person" else "housing units"
    told = " ".join(part for part in (survey["horizon"] or "", years) if part)
    weighted = survey["weights"]["total"]
    return notice(
        "census",
        f"Census public-use file of {what}: {counted(rows, 'row')}, standing for {weighted:,.0f}.",
        "; ".join(part for part in (told, where) if part) + ("." if told or where else ""),
    )
