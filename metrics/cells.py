"""Tables of counts with named axes: rows are folded in once, tables add up.

A table has *cell* axes (the sensitive columns; stored sparsely, one row per observed
combination) and *tail* axes (label, decision, score bin; stored densely). Every attribute
and intersection is a marginal of the finest table, so rows are read once however many
groups a report looks at.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.integer]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

# Above this many possible combinations, the observed ones are numbered first.
DENSE = 1 << 14
# Largest presence bitmap; beyond it observed combinations are found by sorting.
BITMAP = 1 << 26


@dataclass(frozen=True)
class Axis:
    """One dimension of a table: codes run from ``low`` to ``low + size - 1``.

    Parameters
    ----------
    name
        What the dimension is: a column name, ``"label"``, ``"decision"`` or ``"bin"``.
    size
        Number of slots, the unknown one included.
    low
        Smallest code: -1 where slot 0 holds unknown or blank, else 0.
    """

    name: str
    size: int
    low: int = -1

    def check(self, codes: IntArray) -> bool:
        """Whether any code is unknown; out-of-range codes are an error.

        Raises
        ------
        ValueError
            If a code lies outside the axis.
        """
        if codes.size == 0:
            return False
        least, most = int(codes.min()), int(codes.max())
        if least < self.low or most >= self.low + self.size:
            raise ValueError(
                f"codes of {self.name!r} run from {least} to {most}, "
                f"outside {self.low} to {self.low + self.size - 1}"
            )
        return least == -1


LABEL = Axis("label", 3)
DECISION = Axis("decision", 4)


@dataclass(frozen=True)
class CellIndex:
    """Which observed cell each row belongs to.

    Parameters
    ----------
    codes : (n,) int
        Row of ``cells``, in the smallest dtype that holds it.
    cells : (c, k) int32
        Codes of the attributes in each cell, -1 unknown; lexicographic order.
    axes
        The k attributes.
    """

    codes: IntArray
    cells: NDArray[np.int32]
    axes: tuple[Axis, ...]


def _dtype(size: int) -> type[np.signedinteger]:
    for kind in (np.int8, np.int16, np.int32):
        if size <= np.iinfo(kind).max:
            return kind
    return np.int64


def _append(codes: IntArray | None, size: int, part: IntArray, width: int, low: int) -> IntArray:
    """``codes * width + part - low`` in the smallest dtype that holds the result."""
    kind = _dtype(size * width)
    if codes is None:
        out = part.astype(kind)
    else:
        out = codes.astype(kind)
        out *= kind(width)
        np.add(out, part, out=out, casting="unsafe")
    if low:
        out -= kind(low)
    return out


def _compress(codes: IntArray, size: int) -> tuple[IntArray, NDArray[np.int64]]:
    """Renumber the values that occur; returns the new codes and the values in order."""
    if size <= BITMAP:
        seen = np.zeros(size, dtype=bool)
        seen[codes] = True
        values = np.flatnonzero(seen)
        place = np.zeros(size, dtype=_dtype(len(values)))
        place[values] = np.arange(len(values))
        return place[codes], values
    values, inverse = np.unique(codes, return_inverse=True)
    return inverse.astype(_dtype(len(values))), values.astype(np.int64)


def index_cells(columns: Sequence[IntArray], axes: Sequence[Axis]) -> CellIndex:
    """Number the combinations of several coded columns.

    Parameters
    ----------
    columns : sequence of (n,) int
        One coded column per axis.
    axes
        Name, size and smallest code of each column.

    Returns
    -------
    CellIndex
        With every possible combination where these are few, else the observed ones.

    Raises
    ------
    ValueError
        If a code lies outside its axis or the columns differ in length.
    """
    if len({len(column) for column in columns}) > 1:
        raise ValueError(f"columns differ in length: {[len(column) for column in columns]}")
    codes: IntArray | None = None
    cells = np.zeros((1, 0), dtype=np.int32)
    size = 1
    for column, axis in zip(columns, axes, strict=True):
        low = -1 if axis.check(column) else 0
        width = axis.size + axis.low - low
        if width <= 0:
            low, width = 0, 1
        codes = _append(codes, size, column, width, low)
        size *= width
        slots = np.arange(size, dtype=np.int64)
        if size > DENSE:
            codes, slots = _compress(codes, size)
            size = max(len(slots), 1)
        head, last = np.divmod(slots, width)
        cells = np.column_stack([cells[head], (last + low).astype(np.int32)])
    if codes is None:
        raise ValueError("at least one column is needed")
    return CellIndex(codes, cells.astype(np.int32), tuple(axes))


@dataclass(frozen=True)
class CellTable:
    """Counts over (cell, tail axes); tables over the same axes add.

    Parameters
    ----------
    axes
        Attributes that span the cells, possibly none (the whole population).
    tail
        Dense axes: label and decision, or label and score bin.
    cells : (c, k) int32
        Codes of each observed cell, lexicographic order.
    counts : (c, *tail sizes) int64
        Rows.
    weights : (c, *tail sizes) float64, optional
        Sums of survey weights over the same rows.
    """

    axes: tuple[Axis, ...]
    tail: tuple[Axis, ...]
    cells: NDArray[np.int32]
    counts: Counts
    weights: Floats | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the attributes that span the cells."""
        return tuple(axis.name for axis in self.axes)

    @property
    def n(self) -> int:
        """Rows counted."""
        return int(self.counts.sum())

    @classmethod
    def fold(
        cls,
        index: CellIndex,
        columns: Sequence[IntArray],
        tail: Sequence[Axis],
        *,
        weight: Floats | None = None,
        sparse: bool = True,
    ) -> CellTable:
        """Count rows by cell and tail codes, in one pass.

        Parameters
        ----------
        index
            Cell of each row, from `index_cells`.
        columns : sequence of (n,) int
            One coded column per tail axis.
        tail
            The tail axes.
        weight : (n,) float64, optional
            Survey weights to sum beside the counts.
        sparse
            Drop cells without a row.
        """
        codes, size = index.codes, len(index.cells)
        shape, place = [size], [slice(None)]
        for column, axis in zip(columns, tail, strict=True):
            low = -1 if axis.check(column) else 0
            low = max(low, axis.low)
            width = axis.size + axis.low - low
            codes = _append(codes, size, column, width, low)
            size *= width
            shape.append(width)
            place.append(slice(low - axis.low, None))
        full = (len(index.cells), *(axis.size for axis in tail))
        counts = np.zeros(full, dtype=np.int64)
        counts[tuple(place)] = np.bincount(codes, minlength=size).reshape(shape)
        sums: Floats | None = None
        if weight is not None:
            sums = np.zeros(full)
            sums[tuple(place)] = np.bincount(codes, weight, minlength=size).reshape(shape)
        cells = index.cells
        if sparse:
            kept = counts.any(axis=tuple(range(1, counts.ndim)))
            if not kept.all():
                cells, counts = cells[kept], counts[kept]
                sums = None if sums is None else sums[kept]
        return cls(index.axes, tuple(tail), cells, counts, sums)

    def _merged(self, cells: NDArray[np.int32], axes: tuple[Axis, ...]) -> CellTable:
        """Sum rows of the table whose (new) cell codes agree."""
        if not axes:
            weights = None if self.weights is None else self.weights.sum(axis=0, keepdims=True)
            counts = self.counts.sum(axis=0, keepdims=True)
            return CellTable((), self.tail, np.zeros((1, 0), np.int32), counts, weights)
        index = index_cells([cells[:, j] for j in range(len(axes))], axes)
        order = np.argsort(index.codes, kind="stable")
        ranked = index.codes[order]
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if len(ranked) else ranked
        if not len(ranked):
            return CellTable(axes, self.tail, cells, self.counts, self.weights)
        counts = np.add.reduceat(self.counts[order], starts, axis=0)
        weights = self.weights
        if weights is not None:
            weights = np.add.reduceat(weights[order], starts, axis=0)
        return CellTable(axes, self.tail, index.cells[ranked[starts]], counts, weights)

    def marginal(self, names: Sequence[str]) -> CellTable:
        """Sum over every attribute not named; the order of `names` is kept.

        Raises
        ------
        KeyError
            If a name is not an attribute of this table.
        """
        if tuple(names) == self.names:
            return self
        place = {name: j for j, name in enumerate(self.names)}
        keep = [place[name] for name in names]
        return self._merged(self.cells[:, keep], tuple(self.axes[j] for j in keep))

    def __add__(self, other: CellTable) -> CellTable:
        """Table of the rows of both.

        Raises
        ------
        ValueError
            If the axes differ or only one of the two has weights.
        """
        if (self.axes, self.tail) != (other.axes, other.tail):
            raise ValueError(f"tables over {self.names} and {other.names} do not add")
        if (self.weights is None) != (other.weights is None):
            raise ValueError("a weighted and an unweighted table do not add")
        weights: Floats | None = None
        if self.weights is not None and other.weights is not None:
            weights = np.concatenate([self.weights, other.weights])
        cells = np.concatenate([self.cells, other.cells])
        counts = np.concatenate([self.counts, other.counts])
        return CellTable(self.axes, self.tail, cells, counts, weights)._merged(cells, self.axes)

    def arrays(self, prefix: str = "") -> dict[str, NDArray[np.generic]]:
        """Plain arrays that hold the table, for `numpy.savez`."""
        axes = [
            [(axis.name, axis.size, axis.low) for axis in part] for part in (self.axes, self.tail)
        ]
        out: dict[str, NDArray[np.generic]] = {
            f"{prefix}axes": np.array(json.dumps(axes)),
            f"{prefix}cells": self.cells,
            f"{prefix}counts": self.counts,
        }
        if self.weights is not None:
            out[f"{prefix}weights"] = self.weights
        return out

    @classmethod
    def from_arrays(cls, data: dict[str, NDArray[np.generic]], prefix: str = "") -> CellTable:
        """Rebuild a table from `arrays`."""
        axes, tail = json.loads(str(data[f"{prefix}axes"]))
        weights = data.get(f"{prefix}weights")
        return cls(
            tuple(Axis(*axis) for axis in axes),
            tuple(Axis(*axis) for axis in tail),
            data[f"{prefix}cells"].astype(np.int32),
            data[f"{prefix}counts"].astype(np.int64),
            None if weights is None else weights.astype(np.float64),
        )

    def save(self, path: Path) -> None:
        """Write the table as ``.npz``; no pickle is involved."""
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **self.arrays())

    @classmethod
    def load(cls, path: Path) -> CellTable:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as data:
            return cls.from_arrays(dict(data))


def cover(
    sizes: dict[str, int], combinations: Sequence[tuple[str, ...]], *, width: int, budget: int
) -> tuple[tuple[str, ...], ...]:
    """Choose tables whose marginals give every wanted combination within a memory budget.

    One table over all attributes where its possible cells times `width` stay within
    `budget` slots; else one table per wanted combination that is not contained in another.
    The choice depends on sizes only, so shards agree on it.

    Parameters
    ----------
    sizes
        Slots of each attribute, unknown included.
    combinations
        Attribute names that must be derivable, the empty tuple aside.
    width
        Tail slots per cell.
    budget
        Largest number of slots of a joint table.
    """
    every = tuple(sizes)
    if prod(sizes.values()) * width <= budget:
        return (every,)
    sets = [frozenset(names) for names in combinations]
    return tuple(
        names
        for names, own in zip(combinations, sets, strict=True)
        if not any(own < other for other in sets)
    )
