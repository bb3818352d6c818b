"""Decide what the columns of Census tables become: names of most years, types by their values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from auditapp.datasets import pums
from auditapp.datasets.options import MAX_COLUMNS, ReadOptions
from auditapp.datasets.parquet import usable
from auditapp.datasets.pums_parts import HEAD, Part
from auditapp.errors import AuditError

BLOCK = 8 << 20
TEXT = frozenset({"SERIALNO", "RT", "SOCP", "NAICSP", "SOCP10", "SOCP12", "NAICSP07"})
LEFT_OUT = frozenset({"RT"})
NOT_ASKED = "N"
"""Written for a blank in some excerpts."""

_CONVERSION = re.compile(r"CSV column #(\d+).*invalid value '(.*)'", re.DOTALL)
_WIDER = {pa.int64(): 0, pa.float64(): 1, pa.string(): 2}
_WHOLE = r"^[+-]?\d{1,18}$"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)$"


class NotRead(Exception):
    """A table that is not as the Census writes it; the reader of ordinary tables says why."""


class Widened(Exception):
    """A column's type or the marks for blanks were changed; the tables are read again."""


@dataclass
class Plan:
    """Columns of the staged table, and how each part is read into them."""

    types: dict[str, pa.DataType]
    was: dict[str, str]
    marks: set[str]
    left_out: set[str]
    noted: bool = False

    def takes(self, name: str) -> bool:
        """Whether a column of a part, as it is called there, is read."""
        return pums.canonical(name) in self.types


def planned(parts: Sequence[Part], options: ReadOptions) -> Plan:
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
    return Plan({**types, pums.YEAR: pa.int64()}, was, marks, left_out, noted)


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
            read_options=csv_names(part),
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


def csv_names(part: Part) -> pacsv.ReadOptions:
    return pacsv.ReadOptions(
        column_names=list(part.names), skip_rows=1, use_threads=False, block_size=BLOCK
    )


def widen(error: pa.ArrowInvalid, part: Part, plan: Plan) -> None:
    """Change what a value later in the file does not fit, and have everything read again."""
    found = _CONVERSION.search(str(error))
    if found is None:
        raise NotRead(str(error)) from error
    name, value = pums.canonical(part.names[int(found[1])]), found[2].strip()
    if value == NOT_ASKED and NOT_ASKED not in plan.marks:
        plan.marks.add(NOT_ASKED)
        plan.noted = True
    elif plan.types[name] == pa.int64() and re.fullmatch(_NUMBER, value):
        plan.types[name] = pa.float64()
    elif plan.types[name] != pa.string():
        plan.types[name] = pa.string()
    else:
        raise NotRead(str(error)) from error
    raise Widened from error
