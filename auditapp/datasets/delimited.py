"""Delimited text to a staged Parquet file in which every column is text.

Types are decided later over the whole file, so a late value never changes what was read.
Row numbers count the header as row 1 and leave blank lines out.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from auditapp.datasets.dialect import HEAD_CHARS, Dialect, detect
from auditapp.datasets.encoding import Text, to_utf8
from auditapp.datasets.options import MAX_COLUMNS, ReadOptions, Tick
from auditapp.datasets.staged import Staged, StagedColumn, counted
from auditapp.errors import AuditError

BLOCKS = (8 << 20, 32 << 20, 128 << 20)
_GROUP_ROWS = 262_144
_GROUP_BYTES = 64 << 20
_MAX_RAGGED = 10_000


def read(source: Path, name: str, work: Path, options: ReadOptions, tick: Tick) -> Staged:
    """Read a delimited file into ``work/staged.parquet``.

    Raises
    ------
    AuditError
        ``header-only``, ``ragged-rows``, ``unclosed-quote``, ``field-too-large``,
        ``too-many-columns``, or what encoding and dialect refuse.
    """
    text = to_utf8(source, name, work / "utf8.txt", options, tick)
    with text.path.open(encoding="utf-8", errors="ignore", newline="") as file:
        head = file.read(HEAD_CHARS)
    if not head.strip("\ufeff \t\r\n"):
        raise AuditError("empty-file", f"{name} holds no text.", "Export the table again.")
    dialect = detect(head, len(head) < HEAD_CHARS, options)
    if len(dialect.names) > MAX_COLUMNS:
        raise AuditError(
            "too-many-columns",
            f"{name} has {len(dialect.names):,} columns; at most {MAX_COLUMNS:,} are read.",
            "Keep the columns the audit needs.",
        )
    staged = work / "staged.parquet"
    rows = 0 if dialect.header_only else _stage(text, name, dialect, staged, tick)
    if rows == 0:
        raise AuditError(
            "header-only",
            f"{name} has a header with {counted(len(dialect.names), 'column')} and no rows.",
            "Export the table with its rows.",
        )
    _refuse_swallowed_rows(text, name, dialect, rows)
    columns = tuple(
        StagedColumn(i, column, was, trusted=False)
        for i, (column, was) in enumerate(zip(dialect.names, dialect.was, strict=True))
    )
    facts = {
        "delimiter": dialect.delimiter,
        "encoding": text.encoding,
        "header": dialect.header,
        "quote": dialect.quote,
    }
    return Staged(
        staged,
        columns,
        rows,
        "csv",
        facts,
        dialect.notices,
        control=text.control,
        decimal_comma=dialect.delimiter != ",",
    )


@dataclass
class _Ragged:
    """Rows whose number of fields differs from the header's."""

    expected: int
    rows: list[tuple[int, int]] = field(default_factory=list)
    widths: Counter[int] = field(default_factory=Counter)
    several_lines: int | None = None

    def __call__(self, row: Any) -> str:
        if len(self.rows) < 5:
            self.rows.append((row.number, row.actual_columns))
        self.widths[row.actual_columns] += 1
        if self.several_lines is None and "\n" in (row.text or ""):
            self.several_lines = row.number
        return "error" if self.widths.total() >= _MAX_RAGGED else "skip"

    def refusal(self, name: str, names: tuple[str, ...]) -> AuditError:
        """Return the error that names the rows and the fields expected and found."""
        total = self.widths.total()
        number, width = self.rows[0]
        usual = self.widths.most_common(3)
        shown = "; ".join(f"row {n:,}: {w:,}" for n, w in self.rows)
        many = "At least " if total >= _MAX_RAGGED else ""
        return AuditError(
            "ragged-rows",
            f"{many}{counted(total, 'row')} of {name} "
            f"{'has' if total == 1 else 'have'} another number of fields than the "
            f"{self.expected:,} columns: row {number:,} has {width:,}.",
            "Look for a delimiter inside a value that is not quoted, or a line broken in two, "
            "and export the table again. If every row is named, choose another delimiter.",
            where=shown + ("; and others" if total > len(self.rows) else ""),
            found=f"{self.expected:,} fields expected (“{names[0]}” to “{names[-1]}”); found "
            + ", ".join(f"{counted(w, 'field')} in {counted(n, 'row')}" for w, n in usual),
        )


def _stage(text: Text, name: str, dialect: Dialect, target: Path, tick: Tick) -> int:
    for last, block in enumerate(BLOCKS, start=1):
        ragged = _Ragged(len(dialect.names))
        progress = [0]
        try:
            rows = _parse(text, dialect, target, block, ragged, progress, tick)
        except pa.ArrowInvalid as error:
            if ragged.widths:
                break
            if "straddl" not in str(error):
                raise _unreadable(name, progress[0]) from error
            if last == len(BLOCKS) or text.size <= block:
                raise _too_large(text, name, dialect, progress[0]) from error
            continue
        if ragged.widths:
            break
        return rows
    if text.quotes and dialect.quote:
        row = _broken_quote(text.path, dialect)
        if row is not None and (ragged.several_lines is not None or row == ragged.rows[0][0]):
            raise _unclosed(name, row)
    raise ragged.refusal(name, dialect.names)


def _parse(
    text: Text,
    dialect: Dialect,
    target: Path,
    block: int,
    ragged: _Ragged,
    progress: list[int],
    tick: Tick,
) -> int:
    stored = [f"c{i}" for i in range(len(dialect.names))]
    reader = pacsv.open_csv(
        pa.OSFile(str(text.path)),
        read_options=pacsv.ReadOptions(
            block_size=block,
            use_threads=False,
            column_names=stored,
            skip_rows=dialect.skip,
            skip_rows_after_names=int(dialect.header),
        ),
        parse_options=pacsv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote or False,
            newlines_in_values=bool(dialect.quote),
            invalid_row_handler=ragged,
        ),
        convert_options=pacsv.ConvertOptions(
            column_types={column: pa.string() for column in stored},
            strings_can_be_null=False,
        ),
    )
    waiting: list[pa.RecordBatch] = []
    read_bytes = 0
    with pq.ParquetWriter(target, reader.schema, compression="lz4") as writer:
        for batch in reader:
            if ragged.widths:
                waiting = []
                continue
            progress[0] += batch.num_rows
            waiting.append(batch)
            read_bytes += batch.nbytes
            full = sum(b.nbytes for b in waiting) >= _GROUP_BYTES
            if full or sum(b.num_rows for b in waiting) >= _GROUP_ROWS:
                _write(writer, waiting)
                waiting = []
            tick(min(read_bytes, text.size), text.size, f"{progress[0]:,} rows read")
        _write(writer, waiting)
    return progress[0]


def _write(writer: pq.ParquetWriter, batches: list[pa.RecordBatch]) -> None:
    if batches:
        table = pa.Table.from_batches(batches)
        if table.num_rows:
            writer.write_table(table, row_group_size=table.num_rows)


def _refuse_swallowed_rows(text: Text, name: str, dialect: Dialect, rows: int) -> None:
    """Look for an unclosed quote when values span lines: the parser reports none at the end."""
    lines = text.newlines - dialect.skip - int(dialect.header)
    if dialect.quote and text.quotes and lines - rows > 0:
        row = _broken_quote(text.path, dialect)
        if row is not None:
            raise _unclosed(name, row)


def _broken_quote(path: Path, dialect: Dialect) -> int | None:
    """Return the row whose quote is not closed properly, by a strict walk, or None."""
    row = dialect.skip
    usual = csv.field_size_limit(BLOCKS[-1])
    try:
        with path.open(encoding="utf-8", errors="ignore", newline="") as file:
            for _ in range(dialect.skip):
                file.readline()
            for cells in csv.reader(
                file, delimiter=dialect.delimiter, quotechar=dialect.quote or None, strict=True
            ):
                row += bool(cells)
    except csv.Error:
        return row + 1
    finally:
        csv.field_size_limit(usual)
    return None


def _unclosed(name: str, row: int) -> AuditError:
    return AuditError(
        "unclosed-quote",
        f"{name} has a quote in row {row:,} that is opened and not closed as it should be.",
        "Close the quote there, double it inside a quoted value, or choose “No quotes” "
        "(--no-quotes on the command line) when quotes are ordinary characters in this file.",
        where=f"row {row:,}",
    )


def _too_large(text: Text, name: str, dialect: Dialect, good: int) -> AuditError:
    row = _broken_quote(text.path, dialect) if text.quotes and dialect.quote else None
    if row is not None:
        return _unclosed(name, row)
    number = good + dialect.skip + int(dialect.header) + 1
    return AuditError(
        "field-too-large",
        f"{name} has a row after row {number - 1:,} that is longer than {BLOCKS[-1] >> 20} MB.",
        "Leave out the column with long texts, or upload the table as Parquet.",
        where=f"after row {number - 1:,}",
    )


def _unreadable(name: str, good: int) -> AuditError:
    return AuditError(
        "unreadable-table",
        f"{name} cannot be read as a table after {counted(good, 'row')}.",
        "Choose the delimiter and the encoding by hand, or upload the table as Parquet.",
    )
