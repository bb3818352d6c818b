"""Turn one batch of a staged column into its canonical Arrow type.

Canonical types: int64, double, bool and string. Missing marks, NaN and infinities are null.
Text keeps its spaces, as a model may have been fitted on them; keys are compared trimmed.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from auditapp.datasets.infer import ColumnType, plain_text
from auditapp.datasets.keys import FORBIDDEN_RE2
from auditapp.datasets.parquet import is_text

ARROW: dict[ColumnType, pa.DataType] = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.string(),
}


def trusted_type(kind: pa.DataType) -> ColumnType:
    """Return the column type of an Arrow type that is a fact."""
    if pa.types.is_dictionary(kind):
        return trusted_type(kind.value_type)
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind) or pa.types.is_duration(kind):
        return "integer"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "date"
    return "text"


def from_text(
    column: pa.Array, target: ColumnType, marks: frozenset[str], *, control: bool
) -> pa.Array:
    """Convert a batch of text, dictionary-encoded or not."""
    if pa.types.is_dictionary(column.type):
        values = _from_values(column.dictionary.cast(pa.string()), target, marks, control=control)
        return values.take(column.indices)
    return _from_values(column.cast(pa.string()), target, marks, control=control)


def from_trusted(
    column: pa.Array, target: ColumnType, marks: frozenset[str], *, control: bool
) -> pa.Array:
    """Convert a batch whose own type is a fact."""
    kind = column.type
    if pa.types.is_dictionary(kind) and not is_text(kind.value_type):
        column = column.dictionary_decode()
    elif pa.types.is_dictionary(kind) or is_text(kind):
        return from_text(column, target, marks, control=control)
    if target == "number":
        column = column.cast(pa.float64())
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, pa.float64()))
    return column.cast(ARROW[target])


def _from_values(
    values: pa.Array, target: ColumnType, marks: frozenset[str], *, control: bool
) -> pa.Array:
    trimmed = plain_text(values)
    gone = pc.is_in(trimmed, value_set=pa.array(sorted(marks), pa.string()))
    if target in {"text", "date"}:
        kept = values
        if control:
            kept = pc.replace_substring_regex(kept, FORBIDDEN_RE2, "")
        return pc.if_else(gone, pa.scalar(None, pa.string()), kept)
    kept = pc.if_else(gone, pa.scalar(None, pa.string()), trimmed)
    if target == "boolean":
        return pc.if_else(pc.is_null(kept), pa.scalar(None, pa.bool_()), _is_true(kept))
    kept = pc.replace_substring_regex(kept, r"^\+", "")
    if target == "number":
        kept = pc.replace_substring(kept, ",", ".")
    return kept.cast(ARROW[target])


def _is_true(values: pa.Array) -> pa.Array:
    return pc.equal(pc.utf8_lower(values), "true")
