"""Sensitive columns as coded groups: intersections, unknowns, reference, floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from metrics.cells import Axis, CellTable, Counts, IntArray

# Every possible cell of an intersection is listed, empty ones too, up to this many.
LISTED_CELLS = 1000


@dataclass(frozen=True)
class Attribute:
    """One sensitive column.

    Parameters
    ----------
    name
        Column name.
    levels
        Words of the groups, in code order.
    codes : (n,) int
        Group of each row, -1 unknown.
    reference
        Code of the group the others are compared with; None takes the largest.
    title
        What a report calls the column; None takes the name.
    """

    name: str
    levels: tuple[str, ...]
    codes: IntArray
    reference: int | None = None
    title: str | None = None

    @property
    def axis(self) -> Axis:
        """Axis of a count table: one slot for unknown, one per level."""
        return Axis(self.name, len(self.levels) + 1)

    @property
    def heading(self) -> str:
        """What a report calls the column."""
        return self.name if self.title is None else self.title


def combine(names: Sequence[str], most: int) -> list[tuple[str, ...]]:
    """Every single column, then every combination of 2 to `most` columns."""
    return [group for size in range(1, max(most, 1) + 1) for group in combinations(names, size)]


@dataclass(frozen=True)
class Grouping:
    """Known groups of one attribute or intersection with their counts.

    Parameters
    ----------
    by
        Attribute names; empty for the whole population.
    cells : (g, k) int32
        Codes of each known group.
    counts : (g, *tail) int64
        Rows of each group over the tail axes.
    unknown : (*tail,) int64
        Rows in which at least one of the columns is blank: in totals, never compared.
    """

    by: tuple[str, ...]
    cells: NDArray[np.int32]
    counts: Counts
    unknown: Counts

    @property
    def n(self) -> NDArray[np.int64]:
        """Rows of each group."""
        return np.asarray(self.counts.sum(axis=tuple(range(1, self.counts.ndim))))


def grouping(table: CellTable, by: Sequence[str]) -> Grouping:
    """Known groups of the columns `by`, empty levels included where they are few.

    Parameters
    ----------
    table
        Counts whose attributes include `by`.
    by
        Attribute names.
    """
    part = table.marginal(by)
    if not by:
        return Grouping((), part.cells, part.counts, np.zeros_like(part.counts[0]))
    known = (part.cells >= 0).all(axis=1)
    unknown = part.counts[~known].sum(axis=0)
    cells, counts = part.cells[known], part.counts[known]
    widths = [axis.size + axis.low for axis in part.axes]
    every = int(np.prod(widths, dtype=float))
    if len(cells) < every and (len(widths) == 1 or every <= LISTED_CELLS):
        full = np.zeros((every, *counts.shape[1:]), dtype=np.int64)
        full[np.ravel_multi_index(tuple(cells.T), tuple(widths))] = counts
        cells = np.array(list(product(*map(range, widths))), dtype=np.int32)
        counts = full
    return Grouping(tuple(by), cells.reshape(-1, len(widths)), counts, unknown)


def largest(n: NDArray[np.int64]) -> int | None:
    """Index of the group with most rows, the lower code on a tie; None without rows."""
    return int(np.argmax(n)) if n.size and n.max() > 0 else None
