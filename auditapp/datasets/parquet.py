"""Parquet uploads: the file's own types are facts; only what cannot be audited is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from auditapp.datasets.dialect import column_names
from auditapp.datasets.options import MAX_COLUMNS, ReadOptions, Tick
from auditapp.datasets.sniff import damaged_parquet
from auditapp.datasets.staged import Staged, StagedColumn, notice
from auditapp.errors import AuditError


def read(source: Path, name: str, work: Path, options: ReadOptions, tick: Tick) -> Staged:
    """Check a Parquet file's footer and list the columns that can be used.

    Raises
    ------
    AuditError
        ``damaged-parquet``, ``header-only``, ``too-many-columns`` or ``no-usable-column``.
    """
    with source.open("rb") as file:
        file.seek(max(0, source.stat().st_size - 4))
        if file.read() != b"PAR1":
            raise damaged_parquet(name, "It does not end with the Parquet signature PAR1.")
    try:
        with pq.ParquetFile(source) as parquet:
            schema, rows = parquet.schema_arrow, parquet.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise damaged_parquet(name, "Its table of contents cannot be read.") from error
    if len(schema) > MAX_COLUMNS:
        raise AuditError(
            "too-many-columns",
            f"{name} has {len(schema):,} columns; at most {MAX_COLUMNS:,} are read.",
            "Keep the columns the audit needs.",
        )
    if rows == 0:
        raise AuditError(
            "header-only",
            f"{name} has {len(schema):,} columns and no rows.",
            "Export the table with its rows.",
        )
    columns, notices = _columns(schema)
    if not columns:
        raise AuditError(
            "no-usable-column",
            f"{name} has no column with one number, text or date per row.",
            "Flatten lists and records into columns of their own.",
        )
    return Staged(source, columns, rows, "parquet", {"header": True}, notices)


def usable(kind: pa.DataType) -> bool:
    """Whether one value of this type can be shown, grouped or counted."""
    if pa.types.is_dictionary(kind):
        return usable(kind.value_type)
    return bool(
        pa.types.is_null(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_temporal(kind)
        or is_text(kind)
    )


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is any of Arrow's text types."""
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _columns(schema: pa.Schema) -> tuple[tuple[StagedColumn, ...], tuple[dict[str, Any], ...]]:
    was = tuple(str(field.name) for field in schema)
    names, notices = column_names(was)
    columns = []
    for i, field in enumerate(schema):
        if usable(field.type):
            columns.append(StagedColumn(i, names[i], was[i], trusted=True))
        else:
            notices.append(
                notice(
                    "column-left-out",
                    f"Column “{names[i]}” holds lists, records or bytes and is left out.",
                    "Flatten it into columns of its own if the audit needs it.",
                    level="check",
                    column=names[i],
                )
            )
    return tuple(columns), tuple(notices)
