"""Write the canonical Parquet table and count every column on the way, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditapp.datasets import convert
from auditapp.datasets.infer import ColumnType, Tally
from auditapp.datasets.options import ReadOptions, Tick
from auditapp.datasets.parquet import is_text
from auditapp.datasets.sniff import damaged_parquet
from auditapp.datasets.staged import Staged, StagedColumn
from auditapp.datasets.tally import ColumnTally, bars
from auditapp.errors import AuditError

BATCH = 131_072


def decide_types(
    staged: Staged, options: ReadOptions, tick: Tick
) -> tuple[list[ColumnType], list[Tally | None]]:
    """Return every column's type: the file's own where trusted, else by all its values."""
    with pq.ParquetFile(staged.path) as file:
        schema = file.schema_arrow
    tallies: list[Tally | None] = [
        None if column.trusted else Tally(decimal_comma=staged.decimal_comma)
        for column in staged.columns
    ]
    if any(tally is not None for tally in tallies):
        done = 0
        marks = options.marks()
        for batch in batches(staged):
            for column, tally in zip(staged.columns, tallies, strict=True):
                if tally is not None:
                    tally.add(batch[column.position], marks)
            done += len(batch[0])
            tick(done, staged.rows, "Deciding the type of every column")
    types = [
        _trusted(staged.path, column.position, schema) if tally is None else tally.decide()
        for column, tally in zip(staged.columns, tallies, strict=True)
    ]
    return types, tallies


def _trusted(path: Path, position: int, schema: pa.Schema) -> ColumnType:
    """Return the type that is a fact; identifiers that only fit 64 bits without sign are text."""
    kind = schema.field(position).type
    if pa.types.is_uint64(kind):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=BATCH, columns=[schema.names[position]]):
                # Columns of one name come together; the largest number of them decides.
                whole = [c for c in batch.columns if pa.types.is_uint64(c.type)]
                if any((pc.max(column).as_py() or 0) >= 1 << 63 for column in whole):
                    return "text"
    return convert.trusted_type(kind)


def write(
    staged: Staged,
    types: list[ColumnType],
    target: Path,
    name: str,
    options: ReadOptions,
    tick: Tick,
) -> list[ColumnTally]:
    """Write `target` and return one tally per column.

    Raises
    ------
    AuditError
        ``damaged-parquet`` when a page cannot be read, ``unreadable-column`` when a value does
        not fit its canonical type.
    """
    names = [column.name for column in staged.columns]
    schema = pa.schema(list(zip(names, (convert.ARROW[kind] for kind in types), strict=True)))
    tallies = [ColumnTally(kind) for kind in types]
    marks = options.marks()
    done = 0
    with pq.ParquetWriter(target, schema, compression="zstd", compression_level=1) as writer:
        try:
            for batch in batches(staged):
                arrays = []
                for column, kind, tally in zip(staged.columns, types, tallies, strict=True):
                    array = _converted(column, batch[column.position], kind, marks, staged, name)
                    tally.add(array)
                    arrays.append(array)
                done += len(batch[0])
                table = pa.Table.from_arrays(arrays, schema=schema)
                writer.write_table(table, row_group_size=max(1, len(table)))
                tick(done, staged.rows, f"{done:,} of {staged.rows:,} rows stored")
        except (OSError, pa.ArrowInvalid) as error:
            raise damaged_parquet(name, "A page of it cannot be read.") from error
    return tallies


def histograms(table: Path, tallies: list[ColumnTally]) -> list[list[int]]:
    """Return every column's bars; columns with many different numbers are read once more."""
    shapes = [tally.histogram() for tally in tallies]
    with pq.ParquetFile(table) as file:
        names = file.schema_arrow.names
        for i, shape in enumerate(shapes):
            if shape is None:
                parts = (
                    (batch.column(0).drop_null().to_numpy(), None)
                    for batch in file.iter_batches(columns=[names[i]])
                )
                shapes[i] = bars(parts, low=tallies[i].ends[0], high=tallies[i].ends[1])
    return [shape if shape is not None else [] for shape in shapes]


def batches(staged: Staged) -> Iterator[list[pa.Array]]:
    """Yield the staged columns batch by batch, text dictionary-encoded where it can be."""
    with pq.ParquetFile(staged.path) as file:
        text = [field.name for field in file.schema_arrow if is_text(field.type)]
    with pq.ParquetFile(staged.path, read_dictionary=text, memory_map=True) as file:
        if staged.format == "csv":
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, use_threads=False)
                yield [_one(column) for column in table.columns]
        else:
            for batch in file.iter_batches(batch_size=BATCH):
                yield list(batch.columns)


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _converted(
    column: StagedColumn,
    array: pa.Array,
    kind: ColumnType,
    marks: frozenset[str],
    staged: Staged,
    name: str,
) -> pa.Array:
    if not column.trusted:
        return convert.from_text(array, kind, marks, control=staged.control)
    try:
        return convert.from_trusted(array, kind, marks, control=staged.control)
    except pa.ArrowInvalid as error:
        raise AuditError(
            "unreadable-column",
            f"Column “{column.name}” of {name} holds a value that cannot be read as "
            f"{array.type}, such as a number beyond 64 bits.",
            "Store that column as text or as a smaller number.",
        ) from error
