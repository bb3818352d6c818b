"""Stream Census tables into one staged table of known types.

Codes are whole numbers, household numbers and industry codes are text, blank cells are blank.
Several tables become one: columns are called as in most years, a column that one of them lacks
is blank there, and YEAR says where a row comes from. Nothing is unpacked to disk.
"""

from __future__ import annotations

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
from auditapp.datasets.options import ReadOptions, Tick
from auditapp.datasets.pums_columns import NotRead, Plan, Widened, csv_names, planned, widen
from auditapp.datasets.pums_parts import Found, Part
from auditapp.datasets.staged import Staged, StagedColumn
from auditapp.errors import AuditError

__all__ = ["NotRead", "Seen", "refused", "stage"]

GROUP_ROWS = 131_072
GROUP_BYTES = 64 << 20
_MOST_TRIES = 12


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


def stage(found: Found, work: Path, options: ReadOptions, tick: Tick) -> Staged:
    """Write ``work/staged.parquet`` from every part.

    Raises
    ------
    NotRead
        A part is damaged or written in another way.
    AuditError
        ``too-many-columns``, ``header-only``.
    """
    plan = planned(found.parts, options)
    target = work / "staged.parquet"
    for _ in range(_MOST_TRIES):
        try:
            seen = _write(found.parts, plan, target, tick)
            break
        except Widened:
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


def _staged(found: Found, plan: Plan, seen: list[Seen], target: Path, rows: int) -> Staged:
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


def _write(parts: Sequence[Part], plan: Plan, target: Path, tick: Tick) -> list[Seen]:
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


def _batches(part: Part, plan: Plan) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Yield a part's batches, with the bytes that were read so far."""
    if part.kind == "parquet":
        yield from _parquet_batches(part, plan)
        return
    wanted = {n: plan.types[pums.canonical(n)] for n in part.names if plan.takes(n)}
    spaces = {" " * k for k in range(1, 21)}
    done = 0
    try:
        with part.open() as stream:
            reader = pacsv.open_csv(
                pa.PythonFile(stream, mode="r"),
                read_options=csv_names(part),
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
        widen(error, part, plan)
    except (zipfile.BadZipFile, EOFError, zlib.error, OSError) as error:
        raise NotRead(str(error)) from error


def _parquet_batches(part: Part, plan: Plan) -> Iterator[tuple[pa.RecordBatch, int]]:
    assert part.source is not None
    done = 0
    with pq.ParquetFile(part.source) as file:
        wanted = [n for n in part.names if plan.takes(n)]
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
                    raise Widened from error
            done += batch.nbytes
            yield pa.RecordBatch.from_arrays(arrays, names=batch.schema.names), done


def _batch(
    batch: pa.RecordBatch,
    part: Part,
    said: pums.Origin,
    plan: Plan,
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
