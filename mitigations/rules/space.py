"""Distance between two people's inputs, which moves are allowed, and what a move changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mitigations.contract import Column

Floats = NDArray[np.float64]

#: Values up to which each is a level of its own: of a fixed number, and of one that is rounded.
FEW_VALUES, MOST_LEVELS = 10, 50
#: Bins of a fixed number with more values; a move stays inside its bin.
BINS = 5
#: Distances held at once.
CHUNK = 4_000_000


@dataclass(frozen=True)
class Axis:
    """One column as moves see it.

    Parameters
    ----------
    name, slot
        The column, and its place in `Part.x`.
    numeric
        Whether distances are differences; otherwise any two values are equally far apart.
    scale
        Difference that costs 1.
    weight
        Cost of one such difference, or of another value.
    blank
        Cost of a value where there was none, and the other way round.
    fixed
        Whether a move leaves it as it is.
    direction
        1 or -1 where it may only grow or only fall.
    low, high
        Smallest and largest value seen.
    levels
        Values seen of a number with few of them; others are rounded to the nearest.
    cuts
        Upper limits of the bins of a fixed number.
    """

    name: str
    slot: int
    numeric: bool
    scale: float
    weight: float
    blank: float
    fixed: bool
    direction: int
    low: float
    high: float
    levels: tuple[float, ...] = ()
    cuts: tuple[float, ...] = ()


def _axis(column: Column, values: Floats) -> Axis:
    known = values[np.isfinite(values)]
    numeric = column.kind in ("numeric", "ordinal")
    fixed = column.immutable or column.sensitive
    if known.size == 0:
        known = np.zeros(1)
    low, high = float(known.min()), float(known.max())
    distinct = np.unique(known)
    scale = 1.0
    levels: tuple[float, ...] = ()
    cuts: tuple[float, ...] = ()
    if numeric:
        spread = float(np.subtract(*np.percentile(known, [75, 25])))
        spread = spread if spread > 0.0 else float(known.std())
        scale = spread if spread > 0.0 else 1.0
        if distinct.size <= MOST_LEVELS:
            levels = tuple(distinct.tolist())
        if fixed:
            many = distinct.size > FEW_VALUES
            edges = np.quantile(known, np.arange(1, BINS) / BINS) if many else distinct[:-1]
            cuts = tuple(np.unique(edges).tolist())
    # Half the range, so that no detour by way of a blank is shorter than the direct way.
    blank = max(1.0, 0.5 * (high - low) / scale) if numeric else 1.0
    return Axis(
        column.name, column.slot, numeric, scale, column.move_cost, blank * column.move_cost,
        fixed, column.direction if numeric else 0, low, high, levels, cuts,
    )  # fmt: skip


@dataclass(frozen=True)
class Space:
    """All columns of a model; points are (n, axes) float64 with NaN for missing.

    The distance is a sum over columns: weight times difference over scale for numbers, weight for
    another value otherwise. It obeys the triangle inequality, and so does a cost that forbids
    one direction.
    """

    axes: tuple[Axis, ...]

    @classmethod
    def fit(cls, columns: Sequence[Column], x: NDArray[np.float32]) -> Space:
        """Learn scales (interquartile ranges), levels and bins from rows (n, d)."""
        return cls(tuple(_axis(c, x[:, c.slot].astype(np.float64)) for c in columns))

    def points(self, x: NDArray[np.float32]) -> Floats:
        """Inputs in the order of the axes; whatever is not a finite number is missing."""
        out = x[:, [axis.slot for axis in self.axes]].astype(np.float64)
        out[~np.isfinite(out)] = np.nan
        return out + 0.0

    def inputs(self, x: NDArray[np.float32], points: Floats) -> NDArray[np.float32]:
        """Rows of a model with these points in the places of the axes."""
        out = x.copy()
        out[:, [axis.slot for axis in self.axes]] = points.astype(np.float32)
        return out

    def keys(self, points: Floats) -> list[bytes]:
        """What is equal for equal points alone."""
        return _bytes(np.where(np.isnan(points), np.inf, points))

    def strata(self, points: Floats) -> list[bytes]:
        """What is equal for points between which a fixed column allows a move."""
        parts = []
        for i, axis in enumerate(self.axes):
            if not axis.fixed:
                continue
            values = points[:, i]
            code = np.searchsorted(np.array(axis.cuts), values) if axis.numeric else values
            parts.append(np.where(np.isnan(values), np.inf, code))
        return _bytes(np.column_stack(parts) if parts else np.zeros((len(points), 0)))

    def distance(self, a: Floats, b: Floats) -> Floats:
        """Cost of every move from a (n, d) to b (m, d), (n, m)."""
        out = np.zeros((len(a), len(b)))
        for i, axis in enumerate(self.axes):
            out += _cost(axis, a[:, i, None], b[None, :, i])
        return out

    def apart(self, a: Floats, b: Floats) -> Floats:
        """Cost of the moves a -> b row by row, (n,)."""
        out = np.zeros(len(a))
        for i, axis in enumerate(self.axes):
            out += _cost(axis, a[:, i], b[:, i])
        return out

    @property
    def directed(self) -> bool:
        """Whether any column may move one way only."""
        return any(axis.direction != 0 and not axis.fixed for axis in self.axes)

    def backwards(self, a: Floats, b: Floats) -> NDArray[np.bool_]:
        """Moves against a direction, (n, m)."""
        out = np.zeros((len(a), len(b)), dtype=np.bool_)
        for i, axis in enumerate(self.axes):
            if axis.direction == 0 or axis.fixed:
                continue
            left, right = a[:, i, None], b[None, :, i]
            wrong = ~(axis.direction * (right - left) >= 0.0)
            out |= wrong & ~(np.isnan(left) & np.isnan(right))
        return out

    def nearest(
        self, points: Floats, to: Floats, tick: Callable[[], None] | None = None
    ) -> NDArray[np.intp]:
        """Nearest row of `to` for every point; the first of equals."""
        out = np.zeros(len(points), dtype=np.intp)
        step = max(1, CHUNK // max(1, len(to)))
        for start in range(0, len(points), step):
            if tick is not None:
                tick()
            rows = slice(start, start + step)
            out[rows] = self.distance(points[rows], to).argmin(axis=1)
        return out

    def step(self, points: Floats, start: Floats, end: Floats) -> Floats:
        """The points after the moves start -> end, row by row.

        Numbers take the difference and stay among values seen, codes take the new value; columns
        that the move leaves as they are, and fixed ones, keep their own value.
        """
        out = points.copy()
        for i, axis in enumerate(self.axes):
            own, old, new = points[:, i], start[:, i], end[:, i]
            moved = ~((old == new) | (np.isnan(old) & np.isnan(new)))
            if axis.fixed or not moved.any():
                continue
            value = new
            if axis.numeric:
                shifted = np.clip(
                    own + (new - old), np.minimum(axis.low, own), np.maximum(axis.high, own)
                )
                if axis.levels:
                    shifted = _snap(shifted, np.array(axis.levels))
                value = np.where(np.isnan(shifted), new, np.where(own == old, new, shifted))
                if axis.direction != 0:
                    value = np.where(axis.direction * (value - own) < 0.0, own, value)
            out[:, i] = np.where(moved, value, own)
        return out

    def state(self) -> list[dict[str, Any]]:
        """The space as JSON types."""
        return [
            {**vars(axis), "levels": list(axis.levels), "cuts": list(axis.cuts)}
            for axis in self.axes
        ]

    @classmethod
    def from_state(cls, state: Sequence[Mapping[str, Any]]) -> Space:
        """The space of a state."""
        return cls(
            tuple(
                Axis(**{**item, "levels": tuple(item["levels"]), "cuts": tuple(item["cuts"])})
                for item in state
            )
        )


def _cost(axis: Axis, left: Floats, right: Floats) -> Floats:
    if axis.numeric:
        out = np.abs(left - right)
        out *= axis.weight / axis.scale
    else:
        out = (left != right) * axis.weight
    if np.isnan(left).any() or np.isnan(right).any():
        blank = np.isnan(left) | np.isnan(right)
        both = np.isnan(left) & np.isnan(right)
        out = np.where(blank, np.where(both, 0.0, axis.blank), out)
    return np.asarray(out)


def _snap(values: Floats, levels: Floats) -> Floats:
    place = np.searchsorted((levels[1:] + levels[:-1]) / 2.0, values)
    return np.where(np.isnan(values), np.nan, levels[place])


def _bytes(rows: Floats) -> list[bytes]:
    table = np.ascontiguousarray(rows + 0.0)
    width = table.shape[1] * table.itemsize
    raw = table.tobytes()
    return [raw[i * width : (i + 1) * width] for i in range(len(table))]
