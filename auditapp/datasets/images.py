"""Image sets: a zip of pictures and the list that says who is on them.

Runs in the sandboxed child like every reading of an upload. The pictures become one array
``images.npy``, uint8 (N, 3, s, s), beside the table; a picture that cannot be decoded is named
and its row left out.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from auditapp.datasets import images_archive as archives
from auditapp.datasets import images_decode as pictures
from auditapp.datasets import images_manifest as manifests
from auditapp.datasets.images_archive import Archive, plain, some
from auditapp.datasets.inspect import IMAGES
from auditapp.datasets.options import LARGEST_IMAGE, SMALLEST_IMAGE, ReadOptions, Tick
from auditapp.datasets.staged import Staged, counted, notice
from auditapp.datasets.unpack import size_words
from auditapp.errors import AuditError

#: With more damaged pictures than this share, and than this number, the set itself is damaged.
MOST_DAMAGED = 0.1
FEW = 10
LISTED = 200

Json = dict[str, Any]


@dataclass
class Summary:
    """What was seen of the pictures."""

    kinds: Counter[str] = field(default_factory=Counter)
    widths: list[int] = field(default_factory=list)
    heights: list[int] = field(default_factory=list)
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    squares: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    damaged: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, found: pictures.Decoded) -> None:
        """Count one picture."""
        self.kinds[found.kind] += 1
        self.widths.append(found.width)
        self.heights.append(found.height)
        flat = found.pixels.reshape(3, -1).astype(np.float64) / 255.0
        self.sums += flat.mean(axis=1)
        self.squares += (flat**2).mean(axis=1)

    def facts(self) -> Json:
        """As JSON: fractions of full brightness per channel."""
        n = len(self.widths)
        mean = self.sums / n
        return {
            "kinds": dict(self.kinds.most_common()),
            "width": [min(self.widths), int(np.median(self.widths)), max(self.widths)],
            "height": [min(self.heights), int(np.median(self.heights)), max(self.heights)],
            "mean": [round(float(v), 6) for v in mean],
            "sd": [
                round(float(v), 6) for v in np.sqrt(np.maximum(self.squares / n - mean**2, 0.0))
            ],
            "damaged": len(self.damaged),
        }


def open_manifest(archive: Archive, work: Path) -> Path:
    """Unpack the manifest."""
    target = work / archives.MANIFEST
    assert archive.manifest is not None
    with zipfile.ZipFile(archive.path) as file:
        try:
            target.write_bytes(file.read(archive.manifest))
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise AuditError(
                "truncated-file",
                f"manifest.csv in {archive.name} is damaged.",
                "Pack the set again.",
                found=str(error)[:200],
            ) from error
    return target


def attach(
    staged: Staged, archive: Archive, work: Path, options: ReadOptions, tick: Tick
) -> tuple[Staged, Json]:
    """Decode the picture of every row into ``images.npy`` and leave out rows that have none.

    Parameters
    ----------
    staged
        The rows, as the reader of the table handed them over.
    archive
        The pictures.
    work
        Folder to write to.
    options
        ``image_size`` and limits.

    Returns
    -------
    Staged
        Without the rows whose picture cannot be decoded, and with notices.
    dict
        The profile of the pictures: counts, sizes, colours, columns, cells; no picture.

    Raises
    ------
    AuditError
        Whatever the modules beside this one refuse; ``unlisted-picture``, ``foreign-file``,
        ``picture-too-large``, ``unreadable-pictures``, ``over-the-limit``.
    """
    _check_room(staged.rows, options)
    names = [column.name for column in staged.columns]
    roles = manifests.roles_of(names, manifest=archive.manifest is not None)
    listing = "manifest.csv" if archive.manifest is not None else "the table"
    if archive.manifest is None:
        roles["path"] = _path_column(staged, roles, archive)
        roles["groups"] = [name for name in roles["groups"] if name != roles["path"]]
    archive, paths = _paths(staged, roles["path"], archive)
    manifests.check_paths(paths, archive.entries, listing)
    values = {name: _texts(staged, name) for name in _wanted(roles)}
    parts = None
    if roles["split"] is not None and archive.manifest is not None:
        parts = manifests.check_split(values[roles["split"]], roles["split"])
        if roles["unit"] is not None:
            manifests.check_units(values[roles["unit"]], parts, roles["unit"])
    extra = _unlisted(archive, paths, refuse=archive.manifest is not None)
    summary, digest = _decode(archive, paths, work, options, tick)
    left_out = [
        {"row": row + 2, "path": plain(path), "reason": why} for row, path, why in summary.damaged
    ]
    kept = np.ones(staged.rows, dtype=bool)
    kept[[row for row, _, _ in summary.damaged]] = False
    if left_out:
        staged = _without(staged, kept, work)
        values = {k: [v for v, k_ in zip(x, kept, strict=True) if k_] for k, x in values.items()}
        parts = None if parts is None else [p for p, k in zip(parts, kept, strict=True) if k]
    found = manifests.cells(roles, values, parts)
    facts = {
        "size": options.image_size,
        "count": int(kept.sum()),
        "archive": archive.name,
        "sha256": digest,
        **summary.facts(),
        "left_out": left_out[:LISTED],
        "unlisted": extra,
        "roles": roles,
        "cells": found,
    }
    notices = [*_said(summary, staged.rows + len(left_out), listing), *_extra_said(extra)]
    notices += manifests.small_cells(found)
    return replace(staged, notices=(*staged.notices, *notices)), facts


def describe(document: Json, facts: Json) -> None:
    """Write the pictures into a profile: facts, rows they cost, and what each column is for."""
    document["images"] = facts
    n = facts["damaged"]
    reason = "the picture cannot be decoded"
    document["left_out"] = [{"code": "picture", "reason": reason, "n": n}] if n else []
    document["read"]["image_size"] = facts["size"]
    roles = facts["roles"]
    why = "the list of an image set names it so"
    guesses = {roles["label"]: "label", roles["weight"]: "weight", roles["path"]: "identifier"}
    guesses |= {roles["unit"]: "identifier", roles["split"]: "unused"}
    listed = {cell["column"] for cell in facts["cells"]}
    for column in document["columns"]:
        guess = guesses.get(column["name"])
        if guess is None and column["name"] in listed and document["format"] == "images":
            guess = "sensitive"
        if guess is not None:
            column["guess"], column["why"] = guess, why


def _check_room(rows: int, options: ReadOptions) -> None:
    size = options.image_size
    if not SMALLEST_IMAGE <= size <= LARGEST_IMAGE:
        raise AuditError(
            "image-size",
            f"Pictures of {size} pixels a side were asked for.",
            f"Choose between {SMALLEST_IMAGE} and {LARGEST_IMAGE}.",
        )
    needed = rows * 3 * size * size
    if needed > options.max_expanded:
        raise AuditError(
            "over-the-limit",
            f"{rows:,} pictures of {size} pixels a side need {size_words(needed)}; at most "
            f"{size_words(options.max_expanded)} are taken.",
            "Choose a smaller size of the pictures, or fewer of them.",
        )


def _wanted(roles: Json) -> list[str]:
    single = [roles[key] for key in ("label", "split", "unit") if roles[key] is not None]
    return list(dict.fromkeys([*single, *roles["groups"]]))


def _texts(staged: Staged, name: str) -> list[str | None]:
    """A staged column as trimmed text, None where blank."""
    position = next(c.position for c in staged.columns if c.name == name)
    out: list[str | None] = []
    with pq.ParquetFile(staged.path) as file:
        for group in range(file.num_row_groups):
            column = file.read_row_group(group, use_threads=False).column(position)
            out += [None if v is None else str(v).strip() or None for v in column.to_pylist()]
    return out


def _path_column(staged: Staged, roles: Json, archive: Archive) -> str:
    """The column whose values are in the archive, those that are called like paths first."""
    names = [column.name for column in staged.columns]
    if roles["path"] is not None:
        names = [roles["path"], *(name for name in names if name != roles["path"])]
    ends = {path.rpartition("/")[2] for path in archive.entries}
    for name in names:
        some_values = [value for value in _texts(staged, name)[:1000] if value is not None]
        if any(value.rpartition("/")[2] in ends for value in some_values):
            return name
    raise AuditError(
        "no-path-column",
        f"No column of the table names pictures of {archive.name}.",
        "Add a column path with the path of each row's picture in the zip file.",
        found=some(archive.entries),
    )


def _paths(staged: Staged, column: str, archive: Archive) -> tuple[Archive, list[str | None]]:
    """Paths of the rows; a folder that only the archive has, or only the table, is cut off."""
    paths = _texts(staged, column)
    paths = [None if path is None else path.removeprefix("./") for path in paths]
    known = archive.entries
    if any(path in known for path in paths):
        return archive, paths
    tops = {path.partition("/")[0] for path in known if "/" in path}
    if len(tops) == 1 and all("/" in path for path in known):
        cut = next(iter(tops)) + "/"
        return replace(archive, entries={k.removeprefix(cut): v for k, v in known.items()}), paths
    return archive, paths


def _unlisted(archive: Archive, paths: Sequence[str | None], *, refuse: bool) -> int:
    """How many files of the archive no row names; in a set with a manifest there may be none."""
    listed = set(paths)
    extra = [path for path in archive.entries if path not in listed]
    if not extra or not refuse:
        return len(extra)
    with zipfile.ZipFile(archive.path) as file:
        for path in extra[:LISTED]:
            with file.open(archive.entries[path]) as stream:
                head = stream.read(64)
            if pictures.kind_of(head) is None:
                words = pictures.foreign(head)
                raise AuditError(
                    "foreign-file",
                    f"{plain(path)} in {archive.name} is no picture"
                    f"{'' if words is None else f' but {words}'}.",
                    "Leave everything out of the zip file but manifest.csv and PNG, JPEG or "
                    "WebP pictures.",
                    where=plain(path),
                )
    raise AuditError(
        "unlisted-picture",
        f"{counted(len(extra), 'picture')} of {archive.name} "
        f"{'is' if len(extra) == 1 else 'are'} on no row of manifest.csv.",
        "Add a row for each, or leave them out of the zip file.",
        found=some(extra),
    )


def _decode(
    archive: Archive, paths: Sequence[str | None], work: Path, options: ReadOptions, tick: Tick
) -> tuple[Summary, str]:
    summary, n, size = Summary(), len(paths), options.image_size
    digest = hashlib.sha256()
    with (work / IMAGES).open("wb") as out, zipfile.ZipFile(archive.path) as file:
        begin = _header(out, n, size)
        for row, path in enumerate(paths):
            if row % 25 == 0:
                tick(row, n, f"{row:,} of {n:,} pictures read")
            name = "" if path is None else path
            try:
                found = pictures.decode(_bytes(file, archive.entries[name]), size)
            except pictures.Damaged as error:
                summary.damaged.append((row, name, str(error)))
                _give_up(summary, n)
                continue
            except pictures.Forbidden as error:
                raise _forbidden(error, name) from error
            summary.add(found)
            data = found.pixels.tobytes()
            digest.update(data)
            out.write(data)
        if not summary.widths:
            raise _unreadable(summary, n)
        if summary.damaged:
            out.seek(0)
            if _header(out, len(summary.widths), size) != begin:
                raise RuntimeError("the array's header changed its length")
    tick(n, n, f"{n:,} pictures read")
    return summary, digest.hexdigest()


def _bytes(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        return file.read(info)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise pictures.Damaged("is cut off or damaged inside the zip file") from error


def _header(out: IO[bytes], n: int, size: int) -> int:
    """Write the header of an array that may turn out shorter; return where its bytes begin."""
    shape = (n, 3, size, size)
    head = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(out, head)
    return out.tell()


def _give_up(summary: Summary, n: int) -> None:
    damaged = len(summary.damaged)
    if damaged > FEW and damaged > MOST_DAMAGED * n:
        raise _unreadable(summary, n)


def _unreadable(summary: Summary, n: int) -> AuditError:
    shown = [f"{plain(path)} {why}" for _, path, why in summary.damaged[:3]]
    return AuditError(
        "unreadable-pictures",
        f"At least {len(summary.damaged):,} of {counted(n, 'picture')} cannot be decoded.",
        "Store them as PNG, JPEG or WebP, and compare the zip file with the original.",
        found="; ".join(shown),
    )


def _forbidden(error: pictures.Forbidden, path: str) -> AuditError:
    if error.code == "picture-too-large":
        return AuditError(
            "picture-too-large",
            f"{plain(path)} has {error}, so the set was refused.",
            "Reduce the picture, or take it out with its row.",
            where=plain(path),
        )
    return AuditError(
        "foreign-file",
        f"{plain(path)} is {error}, not a picture, so the set was refused.",
        "Keep PNG, JPEG and WebP pictures only; the name of a file does not make it one.",
        where=plain(path),
    )


def _without(staged: Staged, kept: NDArray[np.bool_], work: Path) -> Staged:
    """The staged rows whose picture could be decoded."""
    target = work / "kept.parquet"
    start = 0
    with (
        pq.ParquetFile(staged.path) as file,
        pq.ParquetWriter(target, file.schema_arrow) as writer,
    ):
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group, use_threads=False)
            mask = kept[start : start + len(rows)]
            start += len(rows)
            rows = rows.filter(pa.array(mask))
            if len(rows):
                writer.write_table(rows, row_group_size=len(rows))
    return replace(staged, path=target, rows=int(kept.sum()))


def _said(summary: Summary, rows: int, listing: str) -> list[Json]:
    if not summary.damaged:
        return []
    n = len(summary.damaged)
    row, path, why = summary.damaged[0]
    detail = f"{plain(path)} (row {row + 2:,} of {listing}) {why}."
    lines = [f"{plain(p)}, row {r + 2:,}: {w}" for r, p, w in summary.damaged[:LISTED]]
    return [
        notice(
            "pictures-left-out",
            f"{n:,} of {counted(rows, 'picture')} cannot be decoded; "
            f"{'its row is' if n == 1 else 'their rows are'} left out.",
            detail,
            level="check",
            lines=lines if n > 1 else (),
        )
    ]


def _extra_said(extra: int) -> list[Json]:
    if not extra:
        return []
    return [
        notice(
            "unlisted-pictures",
            f"{counted(extra, 'file')} of the zip file "
            f"{'is' if extra == 1 else 'are'} on no row of the table and not used.",
        )
    ]
