"""Join a second canonical table by an id column: predictions, groups, labels, gold relabels."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditapp.datasets.inspect import IMAGES, PROFILE, TABLE, ReadOptions, inspect
from auditapp.datasets.lookup import unknown_column
from auditapp.datasets.options import Tick, silent
from auditapp.datasets.staged import counted, notice
from auditapp.datasets.table import Table
from auditapp.errors import AuditError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Duplicates = Literal["refuse", "first"]

_SHOWN = 5
_WHOLE = 2.0**53


@dataclass(frozen=True)
class Match:
    """Which row of the second table belongs to each row of the first.

    Parameters
    ----------
    places : (n,) int64
        Row of the second table, -1 where there is none.
    report
        Counts of both sides: ``rows``, ``matched``, ``unmatched``, ``blank`` and, of the second
        table, ``duplicates`` (rows after the first of their id).
    """

    places: NDArray[np.int64]
    report: dict[str, Any]

    @property
    def matched(self) -> NDArray[np.bool_]:
        """Rows of the first table that found one, (n,) bool."""
        return np.asarray(self.places >= 0)


def child_main(payload: dict[str, Any], tick: Tick) -> dict[str, Any]:
    """Join in a child process: the arguments of `join`, folders as text."""
    folders = {name: Path(payload[name]) for name in ("first", "second", "out")}
    names = ("on", "second_on", "duplicates", "keep", "name", "columns")
    rest = {name: payload[name] for name in names if payload.get(name) is not None}
    return join(**folders, **rest, tick=tick)


def match(
    first: Table,
    second: Table,
    on: str,
    *,
    second_on: str | None = None,
    duplicates: Duplicates = "refuse",
    name: str = "the second file",
) -> Match:
    """Find the row of the second table for every row of the first.

    Ids are compared as keys: text without the spaces around it, 1 equal to 1.0; ``007`` is not 7.

    Parameters
    ----------
    first, second
        Canonical tables. Several rows of the first may have one id.
    on, second_on
        Id column of the first and of the second table; the same name where only one is given.
    duplicates
        What to do when an id is on several rows of the second table.
    name
        What messages call the second table.

    Returns
    -------
    Match

    Raises
    ------
    AuditError
        ``unknown-column``; ``join-duplicates`` when an id is on several rows of the second table
        and `duplicates` is ``"refuse"``; ``join-no-match`` when no id is in both.
    """
    other = on if second_on is None else second_on
    own, theirs = _keys(first, on), _keys(second, other)
    distinct = pc.unique(theirs).drop_null()
    spot = pc.index_in(theirs, value_set=distinct)
    codes = np.asarray(pc.fill_null(spot, -1).to_numpy(zero_copy_only=False), dtype=np.int64)
    row = np.full(len(distinct), -1, dtype=np.int64)
    known = np.flatnonzero(codes >= 0)
    # Written from the last row up, so that the first row of an id stays.
    row[codes[known[::-1]]] = known[::-1]
    repeated = int(known.size - len(distinct))
    if repeated and duplicates == "refuse":
        raise _duplicates(second, other, name, codes, distinct)
    found = pc.fill_null(pc.index_in(own, value_set=distinct), -1)
    place = np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)
    places = np.where(place >= 0, row[place] if len(row) else -1, -1)
    if first.n_rows and second.n_rows and not (places >= 0).any():
        raise _no_match(on, other, name, own, distinct)
    return Match(places, _report(on, other, own, theirs, places, row, repeated))


def _report(
    on: str,
    other: str,
    own: pa.Array,
    theirs: pa.Array,
    places: NDArray[np.int64],
    row: NDArray[np.int64],
    repeated: int,
) -> dict[str, Any]:
    matched = int((places >= 0).sum())
    used = np.unique(places[places >= 0])
    taken = int(used.size)
    return {
        "on": on,
        "second_on": other,
        "first": {
            "rows": len(own),
            "matched": matched,
            "unmatched": len(own) - matched - own.null_count,
            "blank": int(own.null_count),
            "shared": matched - taken,
        },
        "second": {
            "rows": len(theirs),
            "matched": taken,
            "unmatched": int(row.size) - taken,
            "blank": int(theirs.null_count),
            "duplicates": repeated,
        },
    }


def join(
    first: Path,
    second: Path,
    out: Path,
    *,
    on: str,
    second_on: str | None = None,
    columns: Sequence[str] | None = None,
    duplicates: Duplicates = "refuse",
    keep: Literal["all", "matched"] = "all",
    name: str = "the second file",
    tick: Tick | None = None,
) -> dict[str, Any]:
    """Write a dataset version that holds the first table with columns of the second.

    Parameters
    ----------
    first, second
        Directories of two dataset versions, each with a table and a profile.
    out
        Directory of the joined version; made when absent.
    on, second_on, duplicates, name
        As `match`.
    columns
        Columns of the second table to add; None adds all but its id. A name that the first
        table has already gets the number of the copy: ``label (2)``.
    keep
        ``"all"`` leaves rows without a match with blanks in the added columns, ``"matched"``
        drops them.
    tick
        ``tick(done, total, text)``.

    Returns
    -------
    dict
        The profile of the joined table, that of the first one in name, bytes and hash. The last
        of its ``joins`` holds the counts of both sides and ``columns`` (added name to original
        name); the notices say the same in words.

    Raises
    ------
    AuditError
        As `match`.
    """
    tick = silent if tick is None else tick
    left, right = Table.open(first), Table.open(second)
    found = match(left, right, on, second_on=second_on, duplicates=duplicates, name=name)
    other = on if second_on is None else second_on
    wanted = [c for c in right.names if c != other] if columns is None else list(columns)
    for column in wanted:
        if not right.has(column):
            raise unknown_column(column, right.names)
    added = _names(left.names, wanted)
    out.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".join-", dir=out))
    try:
        _write(left, right, found, added, work / "joined.parquet", keep, tick)
        profile = inspect(work / "joined.parquet", "joined.parquet", work / "new", READ, tick)
        _describe(profile, first, second, found.report, added, keep, name)
        text = json.dumps(profile, ensure_ascii=False, allow_nan=False, indent=1)
        (work / "new" / PROFILE).write_text(text + "\n", encoding="utf-8")
        if left.images is not None:
            _pictures(left.images, found, keep, out / IMAGES)
        (work / "new" / TABLE).replace(out / TABLE)
        (work / "new" / PROFILE).replace(out / PROFILE)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return profile


# The joined table is canonical already: blanks are blanks and no text is a mark.
READ = ReadOptions(missing=())


def _names(taken: Sequence[str], wanted: Sequence[str]) -> dict[str, str]:
    """Added name to original name, no name twice."""
    used, out = set(taken), {}
    for column in dict.fromkeys(wanted):
        new, copy = column, 2
        while new in used:
            new, copy = f"{column} ({copy})", copy + 1
        used.add(new)
        out[new] = column
    return out


def _write(
    left: Table,
    right: Table,
    found: Match,
    added: Mapping[str, str],
    target: Path,
    keep: str,
    tick: Tick,
) -> None:
    """Write the first table row group by row group beside the rows taken from the second."""
    names = list(dict.fromkeys(added.values()))
    extra = pq.read_table(right.path, columns=names, memory_map=True).combine_chunks()
    schema: pa.Schema | None = None
    writer: pq.ParquetWriter | None = None
    start = 0
    with pq.ParquetFile(left.path, memory_map=True) as file:
        try:
            for group in range(file.num_row_groups):
                part = file.read_row_group(group, use_threads=False)
                places = found.places[start : start + len(part)]
                start += len(part)
                if keep == "matched":
                    part, places = part.filter(pa.array(places >= 0)), places[places >= 0]
                at = pa.array(places, mask=places < 0)
                for new, old in added.items():
                    part = part.append_column(new, extra.column(old).take(at))
                if writer is None:
                    schema = part.schema.remove_metadata()
                    writer = pq.ParquetWriter(target, schema, compression="zstd")
                writer.write_table(part.cast(schema), row_group_size=max(1, len(part)))
                tick(start, left.n_rows, f"{start:,} of {left.n_rows:,} rows joined")
        finally:
            if writer is not None:
                writer.close()


def _pictures(images: NDArray[np.uint8], found: Match, keep: str, target: Path) -> None:
    """The pictures of the rows that stay."""
    rows = np.flatnonzero(found.matched) if keep == "matched" else np.arange(len(images))
    shape = (len(rows), *images.shape[1:])
    with target.open("wb") as out:
        head = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(out, head)
        for start in range(0, len(rows), 256):
            out.write(images[rows[start : start + 256]].tobytes())


def _describe(
    profile: dict[str, Any],
    first: Path,
    second: Path,
    report: dict[str, Any],
    added: Mapping[str, str],
    keep: str,
    name: str,
) -> None:
    """Give the joined profile the identity of the first table and the words of both."""
    own, theirs = (
        json.loads((folder / PROFILE).read_text(encoding="utf-8")) for folder in (first, second)
    )
    for key in ("name", "bytes", "sha256", "format", "read", "recognised"):
        profile[key] = own.get(key)
    profile |= {key: own[key] for key in ("images", "left_out") if key in own}
    known = {column["name"]: column for column in own["columns"]}
    other = {column["name"]: column for column in theirs["columns"]}
    for column in profile["columns"]:
        before = known.get(column["name"])
        if before is None:
            before = other[added[column["name"]]]
        column |= {key: before[key] for key in ("was", "title", "words", "guess", "why")}
    profile["notices"] = [*own["notices"], *_notices(report, keep, name)]
    facts = report | {
        "name": theirs["name"], "sha256": theirs["sha256"], "bytes": theirs["bytes"],
        "columns": dict(added), "kept": keep,
    }  # fmt: skip
    profile["joins"] = [*own.get("joins", []), facts]


def _notices(report: dict[str, Any], keep: str, name: str) -> list[dict[str, Any]]:
    first, second = report["first"], report["second"]
    lone = first["unmatched"] + first["blank"]
    lines = [
        notice(
            "joined",
            f"{first['matched']:,} of {counted(first['rows'], 'row')} found their row in {name}.",
            level="check" if lone else "ok",
            column=report["on"],
        )
    ]
    if lone:
        kept = "left out" if keep == "matched" else "kept, blank in the added columns"
        detail = (
            f"{counted(first['blank'], 'row')} of them without an id" if first["blank"] else ""
        )
        lines.append(
            notice(
                "join-unmatched",
                f"{counted(lone, 'row')} without a row in {name}: {kept}.",
                detail,
                level="check",
                column=report["on"],
            )
        )
    unused = second["unmatched"] + second["blank"]
    if unused:
        text = f"{counted(unused, 'row')} of {name} not used: no row has their id."
        lines.append(notice("join-unused", text, level="check", column=report["on"]))
    if second["duplicates"]:
        text = (
            f"{counted(second['duplicates'], 'row')} of {name} not used: their id was on an "
            "earlier row, which was taken."
        )
        lines.append(notice("join-duplicates", text, level="check", column=report["on"]))
    return lines


def _keys(table: Table, name: str) -> pa.Array:
    """Return a column's ids as key text, null where blank."""
    if not table.has(name):
        raise unknown_column(name, table.names)
    column = pq.read_table(table.path, columns=[name], memory_map=True).column(0)
    values = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if pa.types.is_floating(values.type):
        return _number_keys(values)
    text = pc.utf8_trim_whitespace(values.cast(pa.string()))
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def _number_keys(values: pa.Array) -> pa.Array:
    finite = pc.fill_null(pc.is_finite(values), False)
    whole = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), _WHOLE))
    whole = pc.and_(finite, pc.fill_null(whole, False))
    rounded = pc.if_else(whole, values, pa.scalar(0.0)).cast(pa.int64()).cast(pa.string())
    keys = pc.if_else(whole, rounded, values.cast(pa.string()))
    return pc.if_else(finite, keys, pa.scalar(None, pa.string()))


def _duplicates(
    second: Table, column: str, name: str, codes: NDArray[np.int64], distinct: pa.Array
) -> AuditError:
    n = np.bincount(codes[codes >= 0], minlength=len(distinct))
    several = np.flatnonzero(n > 1)
    top = several[np.argsort(-n[several], kind="stable")][:_SHOWN]
    found = ", ".join(f"“{distinct[int(i)].as_py()}” {int(n[i]):,} times" for i in top)
    found += f" and {several.size - _SHOWN:,} more" if several.size > _SHOWN else ""
    return AuditError(
        "join-duplicates",
        f"{counted(int(several.size), 'id')} of column “{column}” "
        f"{'is' if several.size == 1 else 'are'} on more than one of the "
        f"{counted(second.n_rows, 'row')} of {name}.",
        "Keep one row per id in that file, choose another id column, or take the first row "
        "of each id.",
        where=column,
        found=found,
    )


def _no_match(on: str, other: str, name: str, own: pa.Array, distinct: pa.Array) -> AuditError:
    sides = [
        ", ".join(f"“{key}”" for key in keys.slice(0, 3).to_pylist()) if len(keys) else "no ids"
        for keys in (pc.unique(own.drop_null().slice(0, 1000)), distinct)
    ]
    return AuditError(
        "join-no-match",
        f"No id of column “{on}” is in column “{other}” of {name}.",
        "Choose the columns that hold the same ids in both files. Zeros in front count: 007 "
        "is not 7.",
        where=on,
        found=f"“{on}”: {sides[0]}; “{other}” of {name}: {sides[1]}",
    )
