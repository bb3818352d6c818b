"""Stream Census tables into one staged table of known types.

Codes are whole numbers, household numbers and industry codes are text, blank cells are blank.
Several tables become one: columns are called as in most years, a column that one of them lacks
is blank there, and YEAR says where a row comes from. Nothing is unpacked to disk.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from auditapp.datasets import pums
from auditapp.datasets.options import MAX_COLUMNS, ReadOptions, Tick
from auditapp.datasets.parquet import usable
from auditapp.datasets.pums_parts import HEAD, Found, Part
from auditapp.datasets.staged import Staged, StagedColumn
from auditapp.errors import AuditError

BLOCK = 8 << 20
GROUP_ROWS = 131_072
GROUP_BYTES = 64 << 20
TEXT = frozenset({"SERIALNO", "RT", "SOCP", "NAICSP", "SOCP10", "SOCP12", "NAICSP07"})
LEFT_OUT = frozenset({"RT"})
NOT_ASKED = "N"
"""Written for a blank in some excerpts."""

_CONVERSION = re.compile(r"CSV column #(\d+).*invalid value '(.*)'", re.DOTALL)
_WIDER = {pa.int64(): 0, pa.float64(): 1, pa.string(): 2}
_MOST_TRIES = 12


class NotRead(Exception):
    """A table that is not as the Census writes it; the reader of ordinary tables says why."""


def refused(sources: Sequence[tuple[Path, str]], error: NotRead) -> AuditError:
    """The refusal of several files of which one is not as the Census writes it."""
    return AuditError(
        "census-file-odd",
        "One of the files is damaged, or not written as the Census writes it.",
        "Give the files one by one: the odd one is refused with the row to look at.",
        where=", ".join(PurePath(name).name for _, name in sources[:6]),
        found=" ".join(str(error).split())[:200],
    )


@dataclass
class Seen:
    """What a part turned out to hold: rows, survey years, states and values of ADJINC."""

    rows: int = 0
    years: set[int] = field(default_factory=set)
    states: set[int] = field(default_factory=set)
    adjinc: set[int] = field(default_factory=set)

    @property
    def horizon(self) -> str | None:
        """5-Year where a file holds several years or dollars of several years."""
        if len(self.years) > 1 or len(self.adjinc) > 1:
            return "5-Year"
        return "1-Year" if self.years or self.adjinc else None


@dataclass
class _Plan:
    """Columns of the staged table, and how each part is read into them."""

    types: dict[str, pa.DataType]
    was: dict[str, str]
    marks: set[str]
    left_out: set[str]
    noted: bool = False


def stage(found: Found, work: Path, options: ReadOptions, tick: Tick) -> Staged:
    """Write ``work/staged.parquet`` from every part.

    Raises
    ------
    NotRead
        A part is damaged or written in another way.
    AuditError
        ``too-many-columns``, ``header-only``.
    """
    plan = _plan(found.parts, options)
    target = work / "staged.parquet"
    for _ in range(_MOST_TRIES):
        try:
            seen = _write(found.parts, plan, target, tick)
            break
        except _Widened:
            continue
    else:
        raise NotRead("its columns change their type too often")
    rows = sum(part.rows for part in seen)
    if rows == 0:
        raise AuditError(
            "header-only",
            f"{found.parts[0].name} has {len(plan.types):,} columns and no rows.",
            "Export the table with its rows.",
        )
    return _staged(found, plan, seen, target, rows)


class _Widened(Exception):
    """A column's type or the marks for blanks were changed; the tables are read again."""


def _staged(found: Found, plan: _Plan, seen: list[Seen], target: Path, rows: int) -> Staged:
    years = {year for part in seen for year in part.years}
    many = len(found.parts) > 1 or len(years) > 1
    names = [name for name in plan.types if name != pums.YEAR or many]
    stored = list(plan.types)
    columns = tuple(
        StagedColumn(stored.index(name), name, plan.was.get(name, name), trusted=True)
        for name in names
    )
    survey = {
        "record": found.parts[0].record,
        "left_out": sorted(plan.left_out),
        "not_asked": plan.noted,
        "files": [
            {
                "name": part.name,
                "rows": facts.rows,
                "years": sorted(facts.years),
                "states": sorted(facts.states),
                "horizon": _horizon(part, facts),
                "columns": sorted({pums.canonical(name) for name in part.names}),
            }
            for part, facts in zip(found.parts, seen, strict=True)
        ],
        "words": found.words,
    }
    read = {"delimiter": ",", "encoding": "utf-8", "header": True, "quote": '"'}
    return Staged(target, columns, rows, "csv", read, survey=survey)


def _horizon(part: Part, seen: Seen) -> str | None:
    said = pums.origin(part.path).horizon
    return seen.horizon if said is None else said


def _plan(parts: Sequence[Part], options: ReadOptions) -> _Plan:
    types: dict[str, pa.DataType] = {}
    was: dict[str, str] = {}
    marks, left_out = set(options.marks()), set()
    noted = False
    for part in parts:
        dropped = {*pums.flags(part.names), *(n for n in part.names if n.upper() in LEFT_OUT)}
        left_out |= {pums.canonical(name) for name in dropped}
        kinds, has_mark = _types(part, marks)
        noted |= has_mark
        for name, kind in kinds.items():
            code = pums.canonical(name)
            if name in dropped:
                continue
            if code == pums.YEAR:
                raise NotRead("it has a column YEAR of its own")
            known = types.get(code)
            types[code] = kind if known is None or _WIDER[kind] > _WIDER[known] else known
            was.setdefault(code, name)
    if noted:
        marks.add(NOT_ASKED)
    if len(types) > MAX_COLUMNS:
        raise AuditError(
            "too-many-columns",
            f"The files have {len(types):,} columns; at most {MAX_COLUMNS:,} are read.",
            "Keep the columns the audit needs.",
        )
    return _Plan({**types, pums.YEAR: pa.int64()}, was, marks, left_out, noted)


def _types(part: Part, marks: set[str]) -> tuple[dict[str, pa.DataType], bool]:
    """Return the type of every column by the first rows, and whether N stands for blanks."""
    if len({pums.canonical(name) for name in part.names}) < len(part.names):
        raise NotRead("two columns have one name")
    if part.kind == "parquet":
        return _parquet_types(part), False
    with part.open() as stream:
        head = stream.read(HEAD)
    if len(head) == HEAD:
        head = head[: head.rfind(b"\n") + 1]
    try:
        table = pacsv.read_csv(
            pa.BufferReader(head),
            read_options=_names(part),
            convert_options=pacsv.ConvertOptions(
                column_types={name: pa.string() for name in part.names}, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise NotRead(str(error)) from error
    kinds, noted = {}, False
    for name in part.names:
        kinds[name], marked = _type(name, table.column(name), marks)
        noted |= marked
    return kinds, noted


def _type(name: str, column: pa.ChunkedArray, marks: set[str]) -> tuple[pa.DataType, bool]:
    if name.upper() in TEXT:
        return pa.string(), False
    values = pc.unique(pc.utf8_trim_whitespace(column))
    gone = pa.array(sorted({*marks, ""}), pa.string())
    values = values.filter(pc.invert(pc.is_in(values, value_set=gone)))
    rest = values.filter(pc.not_equal(values, NOT_ASKED))
    marked = len(rest) < len(values)
    if not len(rest):
        return pa.int64(), marked
    if pc.all(pc.match_substring_regex(rest, r"^[+-]?\d{1,18}$")).as_py():
        return pa.int64(), marked
    if pc.all(pc.match_substring_regex(rest, r"^[+-]?(\d+\.?\d*|\.\d+)$")).as_py():
        return pa.float64(), marked
    return pa.string(), False


def _parquet_types(part: Part) -> dict[str, pa.DataType]:
    assert part.source is not None
    with pq.ParquetFile(part.source) as file:
        first = next(file.iter_batches(batch_size=4096), None)
        kinds = {}
        for column in file.schema_arrow:
            kind = column.type
            if pa.types.is_dictionary(kind):
                kind = kind.value_type
            if not usable(kind):
                continue
            if pa.types.is_integer(kind) or pa.types.is_null(kind):
                kinds[column.name] = pa.int64()
            elif pa.types.is_floating(kind):
                kinds[column.name] = pa.float64()
            else:
                kinds[column.name] = pa.string()
                text = None if first is None else first.column(column.name).cast(pa.string())
                if text is not None and column.name.upper() not in TEXT:
                    kinds[column.name] = _type(column.name, pa.chunked_array([text]), set())[0]
    return kinds


def _names(part: Part) -> pacsv.ReadOptions:
    return pacsv.ReadOptions(
        column_names=list(part.names), skip_rows=1, use_threads=False, block_size=BLOCK
    )


def _write(parts: Sequence[Part], plan: _Plan, target: Path, tick: Tick) -> list[Seen]:
    schema = pa.schema(list(plan.types.items()))
    total = sum(part.size for part in parts)
    several = len(parts) > 1
    seen = [Seen() for _ in parts]
    before = rows = 0
    with pq.ParquetWriter(target, schema, compression="lz4") as writer:
        waiting: list[pa.RecordBatch] = []
        for i, part in enumerate(parts):
            said = pums.origin(part.path)
            for batch, done in _batches(part, plan):
                made = _batch(batch, part, said, plan, schema, seen[i], i if several else None)
                waiting.append(made)
                rows += made.num_rows
                if (
                    sum(b.num_rows for b in waiting) >= GROUP_ROWS
                    or sum(b.nbytes for b in waiting) >= GROUP_BYTES
                ):
                    writer.write_table(pa.Table.from_batches(waiting))
                    waiting = []
                tick(min(before + done, total), total, f"{rows:,} rows read")
            before += part.size
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting))
    return seen


def _batches(part: Part, plan: _Plan) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Yield a part's batches, with the bytes that were read so far."""
    if part.kind == "parquet":
        yield from _parquet_batches(part, plan)
        return
    wanted = {n: plan.types[pums.canonical(n)] for n in part.names if _wanted(n, plan)}
    spaces = {" " * k for k in range(1, 21)}
    done = 0
    try:
        with part.open() as stream:
            reader = pacsv.open_csv(
                pa.PythonFile(stream, mode="r"),
                read_options=_names(part),
                convert_options=pacsv.ConvertOptions(
                    include_columns=list(wanted),
                    column_types=wanted,
                    null_values=sorted(plan.marks | spaces | {""}),
                    strings_can_be_null=False,
                ),
            )
            for batch in reader:
                done += batch.nbytes
                yield batch, done
    except pa.ArrowInvalid as error:
        _widen(error, part, plan)
    except (zipfile.BadZipFile, EOFError, zlib.error, OSError) as error:
        raise NotRead(str(error)) from error


def _parquet_batches(part: Part, plan: _Plan) -> Iterator[tuple[pa.RecordBatch, int]]:
    assert part.source is not None
    done = 0
    with pq.ParquetFile(part.source) as file:
        wanted = [n for n in part.names if _wanted(n, plan)]
        for batch in file.iter_batches(batch_size=65_536, columns=wanted):
            arrays = []
            for name in batch.schema.names:
                kind = plan.types[pums.canonical(name)]
                column = batch.column(name)
                if pa.types.is_dictionary(column.type):
                    column = column.dictionary_decode()
                try:
                    arrays.append(column.cast(kind))
                except pa.ArrowInvalid as error:
                    plan.types[pums.canonical(name)] = pa.string()
                    raise _Widened from error
            done += batch.nbytes
            yield pa.RecordBatch.from_arrays(arrays, names=batch.schema.names), done


def _wanted(name: str, plan: _Plan) -> bool:
    return pums.canonical(name) in plan.types


def _widen(error: pa.ArrowInvalid, part: Part, plan: _Plan) -> None:
    """Change what a value later in the file does not fit, and have everything read again."""
    found = _CONVERSION.search(str(error))
    if found is None:
        raise NotRead(str(error)) from error
    name, value = pums.canonical(part.names[int(found[1])]), found[2].strip()
    if value == NOT_ASKED and NOT_ASKED not in plan.marks:
        plan.marks.add(NOT_ASKED)
        plan.noted = True
    elif plan.types[name] == pa.int64() and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", value):
        plan.types[name] = pa.float64()
    elif plan.types[name] != pa.string():
        plan.types[name] = pa.string()
    else:
        raise NotRead(str(error)) from error
    raise _Widened from error


def _batch(
    batch: pa.RecordBatch,
    part: Part,
    said: pums.Origin,
    plan: _Plan,
    schema: pa.Schema,
    seen: Seen,
    number: int | None,
) -> pa.RecordBatch:
    own = {pums.canonical(name): batch.column(name) for name in batch.schema.names}
    serial = pc.utf8_trim_whitespace(own["SERIALNO"].cast(pa.string()))
    fallback = said.year if said.year is not None else _year_of_dollars(own.get("ADJINC"))
    years, dated = _years(serial, fallback)
    if number is not None and not dated:
        before = f"{fallback}-" if fallback is not None else f"file {number + 1}-"
        serial = pc.binary_join_element_wise(before, serial, "")
    own["SERIALNO"] = serial
    own[pums.YEAR] = years
    _note(own, seen, batch.num_rows)
    arrays = [
        own[name].cast(kind) if name in own else pa.nulls(batch.num_rows, kind)
        for name, kind in plan.types.items()
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _years(serial: pa.Array, fallback: int | None) -> tuple[pa.Array, bool]:
    """Return the survey year of each row, and whether household numbers begin with theirs."""
    starts = pc.unique(pc.utf8_slice_codeunits(serial, 0, 6)).drop_null().to_pylist()
    whole = serial[0].as_py() if len(serial) else None
    long = whole is not None and len(whole) == 13
    known = [pums.year_of_serial(start + "0" * 9) if long else None for start in starts]
    if not starts or any(year is None for year in known):
        value = pa.scalar(fallback, pa.int64())
        return pa.array([value.as_py()] * len(serial), pa.int64()), False
    return pc.utf8_slice_codeunits(serial, 0, 4).cast(pa.int64()), True


def _year_of_dollars(adjinc: pa.Array | None) -> int | None:
    if adjinc is None or pa.types.is_string(adjinc.type):
        return None
    values = pc.unique(adjinc).drop_null().to_pylist()
    return pums.ADJUSTMENTS.get(int(values[0])) if len(values) == 1 else None


def _note(own: dict[str, Any], seen: Seen, rows: int) -> None:
    seen.rows += rows
    for name, found in (
        (pums.YEAR, seen.years),
        (pums.STATE, seen.states),
        ("ADJINC", seen.adjinc),
    ):
        column = own.get(name)
        if column is not None and not pa.types.is_string(column.type):
            found.update(int(value) for value in pc.unique(column).drop_null().to_pylist())
