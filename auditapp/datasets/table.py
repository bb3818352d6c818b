"""Read a canonical table: codes for groups and labels, numbers for scores, frames for models."""

from __future__ import annotations

import json
import math
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditapp.datasets.keys import is_number, key_of, natural_sorted
from auditapp.datasets.lookup import unknown_column
from auditapp.datasets.staged import counted
from auditapp.errors import AuditError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_SHOWN = 5


class Table:
    """A canonical Parquet table, read column by column on demand.

    Parameters
    ----------
    path
        A dataset version's directory, or a canonical Parquet file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path / "table.parquet" if path.is_dir() else path
        with pq.ParquetFile(self.path) as file:
            self._schema = file.schema_arrow
            self.n_rows: int = file.metadata.num_rows
        self.names: tuple[str, ...] = tuple(self._schema.names)

    @classmethod
    def open(cls, path: Path | str) -> Table:
        """Open a dataset version's directory or a canonical Parquet file."""
        return cls(Path(path))

    @cached_property
    def images(self) -> NDArray[np.uint8] | None:
        """The picture of every row, a memory map uint8 (n, 3, s, s); None without pictures."""
        path = self.path.parent / "images.npy"
        if self.path.name != "table.parquet" or not path.exists():
            return None
        found: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
        if found.dtype != np.uint8 or found.ndim != 4 or len(found) != self.n_rows:
            raise AuditError(
                "pictures-do-not-fit",
                f"There are {self.n_rows:,} rows and pictures of the shape {found.shape}.",
                "Read the image set again.",
            )
        return found

    @cached_property
    def left_out(self) -> list[dict[str, Any]]:
        """Rows that were left out while the file was read: ``code, reason, n``."""
        path = self.path.parent / "profile.json"
        if self.path.name != "table.parquet" or not path.exists():
            return []
        return list(json.loads(path.read_text(encoding="utf-8")).get("left_out", ()))

    def has(self, name: str) -> bool:
        """Whether there is a column of this name."""
        return name in self.names

    def codes(self, name: str) -> tuple[list[str], NDArray[np.int32]]:
        """Return a column as keys in natural order and codes into them.

        Returns
        -------
        levels : list of str
            Different keys: trimmed text, ``1`` for 1 and 1.0, ``true`` and ``false``.
        codes : (n,) int32 array
            Position of each row's key in `levels`; -1 where blank.
        """
        encoded = _encode(self._column(name))
        found = [key_of(value) for value in encoded.dictionary.to_pylist()]
        levels = natural_sorted({key for key in found if key != ""})
        place = {key: i for i, key in enumerate(levels)}
        lookup = np.array([place.get(key, -1) for key in found] + [-1], dtype=np.int32)
        indices = pc.fill_null(encoded.indices, len(found)).to_numpy(zero_copy_only=False)
        return levels, lookup[indices]

    def units(self, name: str) -> NDArray[np.int64]:
        """Return a column's values as whole numbers, equal where the values are equal.

        Returns
        -------
        (n,) int64 array
            -1 where blank.
        """
        column = self._column(name)
        if pa.types.is_integer(column.type) and len(column) and column.null_count == 0:
            values = column.to_numpy()
            if values.min() >= 0:
                return np.asarray(values, dtype=np.int64)
        encoded = _encode(column)
        blank = pc.fill_null(encoded.indices, -1)
        return np.asarray(blank.to_numpy(zero_copy_only=False), dtype=np.int64)

    def counts(self, name: str) -> list[tuple[str, int]]:
        """Return (key, rows) pairs, the most frequent first; blanks are left out."""
        levels, codes = self.codes(name)
        n = np.bincount(codes[codes >= 0], minlength=len(levels))
        order = np.argsort(-n, kind="stable")
        return [(levels[i], int(n[i])) for i in order]

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column as numbers.

        Returns
        -------
        (n,) float64 array
            NaN where blank; true is 1.

        Raises
        ------
        AuditError
            ``not-numeric``, naming the values that are not numbers and their counts.
        """
        column = self._column(name)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            levels, codes = self.codes(name)
            odd = [i for i, level in enumerate(levels) if not _finite(level)]
            if odd:
                raise _not_numeric(name, levels, codes, odd)
            values = np.array([float(level) for level in levels] + [math.nan])
            return values[codes]
        numbers = column.cast(pa.float64())
        return np.asarray(pc.fill_null(numbers, math.nan).to_numpy(), dtype=np.float64)

    def frame(self, names: list[str] | tuple[str, ...]) -> pd.DataFrame:
        """Return columns as a pandas frame for a model.

        Text is categorical with its spaces as uploaded, whole numbers are int64, and numbers or
        booleans with blanks are float64 with NaN.
        """
        import pandas as pd

        series = {}
        for name in names:
            column = self._column(name)
            if pa.types.is_string(column.type):
                encoded = _encode(column)
                indices = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
                plain = pd.Categorical.from_codes(indices, encoded.dictionary.to_pylist())
                series[name] = plain.reorder_categories(sorted(plain.categories))
            elif column.null_count:
                series[name] = self.numbers(name)
            else:
                series[name] = column.to_numpy()
        return pd.DataFrame(series)

    def _column(self, name: str) -> pa.ChunkedArray:
        if name not in self.names:
            raise unknown_column(name, self.names)
        return pq.read_table(self.path, columns=[name], memory_map=True).column(0)


def _encode(column: pa.ChunkedArray) -> pa.DictionaryArray:
    if pa.types.is_floating(column.type):
        finite = pc.is_finite(column)
        column = pc.if_else(finite, column, pa.scalar(None, column.type))
    whole = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    encoded = whole.dictionary_encode()
    return encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded


def _finite(text: str) -> bool:
    return is_number(text) and math.isfinite(float(text))


def _not_numeric(
    name: str, levels: list[str], codes: NDArray[np.int32], odd: list[int]
) -> AuditError:
    n = np.bincount(codes[codes >= 0], minlength=len(levels))
    rows = int(n[odd].sum())
    if len(odd) <= 4 * _SHOWN:
        top = sorted(odd, key=lambda i: -int(n[i]))
        found = ", ".join(f"“{levels[i]}” {int(n[i]):,}" for i in top[:_SHOWN])
        found += f" and {len(odd) - _SHOWN:,} more" if len(odd) > _SHOWN else ""
    else:
        found = f"{len(odd):,} different values"
    return AuditError(
        "not-numeric",
        f"Column “{name}” is not numeric: {counted(rows, 'row')} of {len(codes):,} "
        f"{'holds' if rows == 1 else 'hold'} text.",
        "Choose another column, or add the value to the missing marks when it means missing.",
        where=name,
        found=found,
    )
