"""Read the canonical table in batches and hand its columns to a model in the shape it wants."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from auditapp.datasets.staged import counted
from auditapp.errors import AuditError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

BATCH = 65_536
SHOWN = 12


class Rows:
    """The columns of a table that a model takes, in order.

    Parameters
    ----------
    path
        The canonical Parquet file.
    columns
        Names of the columns, in the model's order.
    numeric
        Those of them that the model takes as numbers; text in them is an error.

    Raises
    ------
    AuditError
        ``model-inputs``: a column is missing; ``model-column-type``: it holds text.
    """

    def __init__(self, path: Path, columns: Sequence[str], *, numeric: Sequence[str] = ()) -> None:
        import pyarrow.parquet as pq

        self.path = path
        self.columns = list(columns)
        with pq.ParquetFile(path) as file:
            self.n_rows: int = file.metadata.num_rows
            self._schema = file.schema_arrow
        self._check_names()
        self._blanks = {name: self._count_blanks(name) for name in self.columns}
        self._check_numbers(numeric)

    def batches(self, size: int = BATCH) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield (first row, columns) in the order of the rows, every row once."""
        import pyarrow.parquet as pq

        start = 0
        wanted = list(dict.fromkeys(self.columns))
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(batch_size=size, columns=wanted, use_threads=False):
                for at in range(0, batch.num_rows, size):
                    part = batch.slice(at, size)
                    yield start, part
                    start += part.num_rows

    def blanks(self, name: str) -> int:
        """Count the rows whose value is blank."""
        return self._blanks[name]

    def words(self) -> str:
        """Say which columns have blanks, for the hint of an error."""
        found = [f"{name} {n:,}" for name, n in self._blanks.items() if n]
        return f"Blank values: {', '.join(found[:SHOWN])}." if found else ""

    def _check_names(self) -> None:
        names = self._schema.names
        missing = [name for name in self.columns if name not in names]
        if not missing:
            return
        near = {
            name: difflib.get_close_matches(name.casefold(), [n.casefold() for n in names], n=1)
            for name in missing
        }
        plain = {n.casefold(): n for n in names}
        pairs = [f"{name} → {plain[found[0]]}" for name, found in near.items() if found]
        raise AuditError(
            "model-inputs",
            f"The model takes {len(self.columns):,} columns, and the table lacks"
            f" {len(missing):,} of them: {_listed(missing)}.",
            "Rename the columns of the table to the names the model was trained with."
            + (f" Closest: {', '.join(pairs[:SHOWN])}." if pairs else ""),
            where=f"The model takes: {_listed(self.columns)}",
            found=f"The table has: {_listed(names)}",
        )

    def _count_blanks(self, name: str) -> int:
        import pyarrow.parquet as pq

        return int(pq.read_table(self.path, columns=[name]).column(0).null_count)

    def _check_numbers(self, numeric: Sequence[str]) -> None:
        from auditapp.datasets.table import Table

        text = [name for name in numeric if _is_text(self._schema.field(name).type)]
        if not text:
            return
        table = Table.open(self.path)
        for name in text:
            try:
                table.numbers(name)
            except AuditError as error:
                raise AuditError(
                    "model-column-type",
                    f"The model takes numbers in “{name}”. {error.message}",
                    "Encode the column the way the model was trained, or export the model with"
                    " its encoder in the pipeline.",
                    where=f"column {name}",
                    found=error.found,
                ) from None

    def numbers(self, batch: pa.RecordBatch, name: str) -> NDArray[np.float64]:
        """Return one column of a batch as float64, NaN where blank."""
        import pyarrow as pa
        import pyarrow.compute as pc

        column = batch.column(name)
        if _is_text(column.type):
            column = pc.utf8_trim_whitespace(_plain(column))
            column = pc.if_else(pc.equal(column, ""), pa.scalar(None, column.type), column)
            values = [float("nan") if v is None else float(v) for v in column.to_pylist()]
            return np.array(values, dtype=np.float64)
        if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
            raise AuditError(
                "model-column-type",
                f"The model takes numbers in “{name}”, and the column holds dates.",
                "Turn the dates into numbers the way the model was trained.",
                where=f"column {name}",
            )
        numbers = column.cast(pa.float64())
        return np.asarray(pc.fill_null(numbers, float("nan")), dtype=np.float64)

    def integers(self, batch: pa.RecordBatch, name: str) -> NDArray[np.int64]:
        """Return one column of a batch as int64; blanks and fractions are errors."""
        if self._blanks[name]:
            raise AuditError(
                "model-column-blank",
                f"The model takes whole numbers in “{name}”, and {self._blanks[name]:,} of"
                f" {self.n_rows:,} rows are blank.",
                "Fill in the blanks, or export the model with inputs of type float.",
                where=f"column {name}",
            )
        import pyarrow as pa

        column = batch.column(name)
        if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type):
            return np.asarray(column.cast(pa.int64()), dtype=np.int64)
        values = self.numbers(batch, name)
        broken = values != np.floor(values)
        if broken.any():
            raise AuditError(
                "model-column-type",
                f"The model takes whole numbers in “{name}”, and the column holds"
                f" {values[broken][0]:g}.",
                "Export the model with inputs of type float.",
                where=f"column {name}",
            )
        return values.astype(np.int64)

    def texts(self, batch: pa.RecordBatch, name: str) -> NDArray[np.object_]:
        """Return one column of a batch as text, "" where blank; 1.0 is written "1"."""
        from auditapp.datasets.keys import key_of

        column = batch.column(name)
        values = _plain(column).to_pylist()
        if _is_text(column.type):
            return np.array(["" if v is None else v for v in values], dtype=object)
        return np.array(["" if v is None else key_of(v) for v in values], dtype=object)

    def frame(self, batch: pa.RecordBatch) -> pd.DataFrame:
        """Return a batch as pandas would have read it from a file: one type per column."""
        import pandas as pd
        import pyarrow as pa

        series: dict[str, Any] = {}
        for name in self.columns:
            column = batch.column(name)
            kind = column.type
            if _is_text(kind):
                values = np.array(_plain(column).to_pylist(), dtype=object)
                if self._blanks[name]:
                    values[[v is None for v in values]] = np.nan
                series[name] = pd.Series(values, dtype=object)
            elif pa.types.is_date(kind) or pa.types.is_timestamp(kind):
                series[name] = pd.Series(column.to_pandas())
            elif self._blanks[name] or pa.types.is_floating(kind):
                series[name] = self.numbers(batch, name)
            else:
                series[name] = np.asarray(column)
        return pd.DataFrame(series, columns=self.columns)

    def matrix(self, batch: pa.RecordBatch, dtype: Any = np.float64) -> NDArray[Any]:
        """Return a batch as one (rows, columns) array of numbers."""
        parts = [self.numbers(batch, name) for name in self.columns]
        return np.stack(parts, axis=1).astype(dtype, copy=False)


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if hasattr(column, "dictionary_decode") else column


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(str(name) for name in names[:SHOWN])
    return shown + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")


def need_features(features: Sequence[str] | None, count: int | None) -> list[str]:
    """Return the chosen columns, checked against the number the model takes.

    Raises
    ------
    AuditError
        ``model-inputs``, naming both numbers.
    """
    if not features:
        raise AuditError(
            "model-inputs",
            "The model takes its columns by position, and no feature columns are chosen.",
            "Choose the columns in the order the model was trained with (role feature, or"
            " --features on the command line).",
        )
    if count is not None and len(features) != count:
        raise AuditError(
            "model-inputs",
            f"The model takes {counted(count, 'column')} by position, and {len(features):,} "
            f"{'is' if len(features) == 1 else 'are'} chosen.",
            "Choose the columns the model was trained with, in the same order"
            " (--features on the command line).",
            found=f"Chosen: {_listed(list(features))}",
        )
    return list(features)
