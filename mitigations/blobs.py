"""Rows of an array that may be larger than memory: chosen now, read when asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Chosen:
    """Some rows of a memory map, in some order; nothing is read until `numpy.asarray` or `read`.

    Parameters
    ----------
    whole
        Array whose first axis is rows.
    rows
        Positions in it.
    """

    def __init__(self, whole: NDArray[Any], rows: NDArray[np.intp]) -> None:
        self.whole = whole
        self.rows = rows

    @classmethod
    def all(cls, whole: NDArray[Any]) -> Chosen:
        """Every row."""
        return cls(whole, np.arange(len(whole)))

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.whole.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.whole.dtype

    @property
    def nbytes(self) -> int:
        return len(self.rows) * int(np.prod(self.whole.shape[1:])) * self.whole.itemsize

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Any) -> Any:
        """The rows of a mask, positions or a slice; one row as an array."""
        found = self.rows[rows]
        return np.array(self.whole[found]) if np.ndim(found) == 0 else Chosen(self.whole, found)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        found = self.read()
        return found if dtype is None else found.astype(dtype, copy=False)

    def read(self, rows: NDArray[Any] | slice | None = None) -> NDArray[Any]:
        """The rows, or some of them by position, as an array of their own."""
        wanted = self.rows if rows is None else self.rows[rows]
        return np.ascontiguousarray(self.whole[wanted])
