"""Survey weights: weighted counts by group, once with the weights and once with each replicate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from metrics import rates
from metrics.cells import DECISION, LABEL, Axis, Floats, IntArray, cover, index_cells
from metrics.groups import Attribute, Grouping, combine
from metrics.survey import rao_scott
from metrics.survey_scores import Collector, Scored

Kind = Literal["replicates", "clusters", "rows"]

#: Slots of one table of weighted counts, all replicates together.
BUDGET = 1 << 24
#: Bootstrap draws where there are no replicate weights.
DRAWS = 500
#: Rows from which a difference over its standard error follows Student's t (verdicts.md 4).
ROWS_FOR_T = 140
#: Relative standard error above which a rate is flagged.
LARGEST_CV = 0.3


@dataclass(frozen=True)
class Scheme:
    """How replicate estimates become a variance: factor * sum_r (theta_r - theta)^2.

    Parameters
    ----------
    kind
        ``replicates`` of the survey itself; ``clusters`` or ``rows`` drawn anew where there are
        none, which is approximate.
    factor
        4 / R for successive differences, 1 / R for a bootstrap.
    df
        Degrees of freedom of the variance.
    """

    kind: Kind
    factor: float
    df: float

    @classmethod
    def successive_differences(cls, count: int) -> Scheme:
        """Successive difference replication with `count` sets of weights."""
        return cls("replicates", 4.0 / count, count - 1.0)

    @classmethod
    def drawn(cls, kind: Kind, clusters: int, draws: int = DRAWS) -> Scheme:
        """Bootstrap of clusters (or rows)."""
        return cls(kind, 1.0 / draws, max(min(draws, clusters) - 1.0, 1.0))


@dataclass(frozen=True)
class Weighted:
    """Weighted counts of label and decision by cell.

    Parameters
    ----------
    axes
        Attributes.
    tables
        For each table of `metrics.cells.cover`: names, cells (c, k) and sums (1 + R, c, 3, 4),
        the full weights first.
    squares
        For each table: sums (c, 3, 4) of squared weights.
    scheme
        How replicates become a variance.
    scores
        Score statistics of every attribute, None without scores.
    """

    axes: tuple[Axis, ...]
    tables: tuple[tuple[tuple[str, ...], NDArray[np.int32], Floats], ...]
    squares: tuple[Floats, ...]
    scheme: Scheme
    scores: Scored | None = None
    effects: dict[tuple[tuple[str, ...], str], float] = field(default_factory=dict)

    def sums(self, table: Grouping) -> Floats:
        """Weighted counts of the groups of a table, in its order.

        Returns
        -------
        (1 + R, g, 3, 4) float64
            One group, everybody, where the table is of no attribute.
        """
        names, cells, sums = self._of(table.by)
        if not table.by:
            return np.asarray(sums.sum(axis=1, keepdims=True))
        return self._merged(names, cells, sums, table)

    def effective(self, table: Grouping) -> Floats:
        """Kish's effective number of rows of each group, (sum w)^2 / sum w^2, (g,)."""
        place = next(i for i, (names, _, _) in enumerate(self.tables) if set(table.by) <= {*names})
        names, cells, sums = self.tables[place]
        square = self.squares[place][None]
        if table.by:
            square = self._merged(names, cells, square, table)
            whole = self._merged(names, cells, sums[:1], table)
        else:
            square, whole = square.sum(axis=1, keepdims=True), sums[:1].sum(axis=1, keepdims=True)
        top, below = whole[0].sum(axis=(1, 2)) ** 2, square[0].sum(axis=(1, 2))
        return np.asarray(np.divide(top, below, out=np.zeros_like(top), where=below > 0))

    def error(self, draws: Floats) -> Floats:
        """Standard errors of estimates, their replicates along the first axis, the full first.

        NaN where an estimate or one of its replicates is undefined.
        """
        apart = draws[1:] - draws[0]
        return np.asarray(np.sqrt(self.scheme.factor * (apart**2).sum(axis=0)))

    def t(self, level: float = 0.95) -> float:
        """Quantile of Student's t for a two-sided interval."""
        return float(stdtrit(self.scheme.df, (1.0 + level) / 2.0))

    def effect(self, table: Grouping, metric: str, floor: int) -> float:
        """Mean design effect of a rate over the groups of a table, at least 1.

        From `metrics.survey.rao_scott` over the groups whose denominator has at least `floor`
        rows; where fewer than two have, that of the rate of everybody.

        Parameters
        ----------
        table
            Groups with their unweighted counts.
        metric
            A rate.
        floor
            Rows a denominator needs to take part.
        """
        key = (table.by, metric)
        if key not in self.effects:
            self.effects[key] = max(self._effect(table, metric, floor), 1.0)
        return self.effects[key]

    def _effect(self, table: Grouping, metric: str, floor: int) -> float:
        sums = self.sums(table)
        top, below = (side[..., 0] for side in rates.tally(sums, (metric,)))
        rows = rates.tally(table.counts, (metric,))[1][:, 0]
        use = (rows >= floor) & (below > 0).all(axis=0)
        if use.sum() >= 2:
            found = rao_scott(
                top[0, use], below[0, use], top[1:, use], below[1:, use],
                rows=int(rows[use].sum()), df_design=self.scheme.df, factor=self.scheme.factor,
            )  # fmt: skip
            if found["design_effect"] is not None:
                return found["design_effect"]
        return self._effect_of_all(top.sum(axis=1), below.sum(axis=1), int(rows.sum()))

    def _effect_of_all(self, top: Floats, below: Floats, rows: int) -> float:
        if rows == 0 or (below <= 0).any():
            return 1.0
        rate = top / below
        plain = rate[0] * (1.0 - rate[0]) / rows
        return float(self.error(rate)) ** 2 / plain if plain > 0 else 1.0

    def _of(self, by: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int32], Floats]:
        return next(item for item in self.tables if set(by) <= set(item[0]))

    def _merged(
        self, names: tuple[str, ...], cells: NDArray[np.int32], sums: Floats, table: Grouping
    ) -> Floats:
        """Sums of the cells in each group of a table; cells with an unknown value in none."""
        keep = [names.index(name) for name in table.by]
        mine = cells[:, keep]
        place = {tuple(cell): j for j, cell in enumerate(table.cells.tolist())}
        to = np.array([place.get(tuple(cell), -1) for cell in mine.tolist()])
        out = np.zeros((len(table.cells), sums.shape[0], *sums.shape[2:]))
        known = to >= 0
        np.add.at(out, to[known], np.moveaxis(sums[:, known], 1, 0))
        return np.ascontiguousarray(np.moveaxis(out, 0, 1))


def weigh(
    attributes: Sequence[Attribute],
    *,
    label: IntArray | None,
    decision: IntArray | None,
    weight: Floats,
    replicates: Iterable[Floats],
    scheme: Scheme,
    intersections: int = 2,
    score: Floats | None = None,
) -> Weighted:
    """Sum the weights of label and decision by cell, for every set of weights in turn.

    One pass of n additions for each set, so that no more than one of them is in memory.

    Parameters
    ----------
    attributes
        Sensitive columns with n codes each.
    label, decision : (n,) int, optional
        As for `metrics.count.count`.
    weight : (n,) float64
        Full weights, at least 0.
    replicates
        Sets of replicate weights, (n,) each; they may be negative.
    scheme
        How they become a variance.
    intersections
        Largest number of columns that are combined.
    score : (n,) float64, optional
        As for `metrics.count.count`.

    Raises
    ------
    ValueError
        A weight is negative or not a number, or all are 0.
    """
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError("weights have to be numbers of 0 or more")
    if weight.sum() <= 0:
        raise ValueError("no row has a weight above 0")
    n = len(weight)
    blank = np.full(n, -1, dtype=np.int8)
    labels = blank if label is None else label
    decisions = blank if decision is None else decision
    slot = (np.asarray(labels, np.int64) + 1) * DECISION.size + np.asarray(decisions, np.int64) + 1
    codes = {attribute.name: attribute.codes for attribute in attributes}
    axes: Mapping[str, Axis] = {attribute.name: attribute.axis for attribute in attributes}
    wanted = cover(
        {name: axis.size for name, axis in axes.items()},
        combine(list(axes), intersections),
        width=rates.SLOTS,
        budget=BUDGET // 81,
    )
    indexes = [
        index_cells([codes[n] for n in names], [axes[n] for n in names]) for names in wanted
    ]
    places = [index.codes.astype(np.int64) * rates.SLOTS + slot for index in indexes]

    def summed(column: Floats) -> Iterator[Floats]:
        for index, place in zip(indexes, places, strict=True):
            size = len(index.cells) * rates.SLOTS
            yield np.asarray(np.bincount(place, column, minlength=size), dtype=np.float64)

    collector = None if score is None else Collector(attributes, label, score)
    parts: list[list[Floats]] = [[] for _ in wanted]
    for column in chain((weight,), _checked(replicates, n)):
        if collector is not None:
            collector.add(column)
        for part, found in zip(parts, summed(column), strict=True):
            part.append(found)
    shape = (-1, LABEL.size, DECISION.size)
    squares = tuple(found.reshape(shape) for found in summed(weight**2))
    tables = tuple(
        (names, index.cells, np.stack(part).reshape(len(part), *shape))
        for names, index, part in zip(wanted, indexes, parts, strict=True)
    )
    scored = None if collector is None else collector.done()
    return Weighted(tuple(axes.values()), tables, squares, scheme, scored)


def _checked(replicates: Iterable[Floats], n: int) -> Iterator[Floats]:
    for column in replicates:
        if len(column) != n:
            raise ValueError(f"a set of replicate weights has {len(column)} rows, not {n}")
        if not np.isfinite(column).all():
            raise ValueError("a replicate weight is not a number")
        yield column


def drawn(
    weight: Floats, unit: IntArray | None, rng: np.random.Generator, draws: int = DRAWS
) -> Iterator[Floats]:
    """Weights of bootstrap samples of whole units: weight times how often its unit was drawn.

    Parameters
    ----------
    weight : (n,) float64
    unit : (n,) int, optional
        Households or persons; -1 stands alone. Rows are drawn where there are none.
    rng, draws
        Random stream and number of samples.

    Yields
    ------
    (n,) float64
    """
    member = units(len(weight), unit)
    count = int(member.max(initial=-1)) + 1
    for _ in range(draws):
        times = np.bincount(rng.integers(0, count, count), minlength=count)
        sample: Floats = weight * times[member].astype(np.float64)
        yield sample


def units(n: int, unit: IntArray | None) -> NDArray[np.int64]:
    """Number of each row's unit, 0 to the number of units less one."""
    if unit is None:
        return np.arange(n)
    ids = np.asarray(unit, dtype=np.int64).copy()
    alone = ids < 0
    ids[alone] = ids.max(initial=-1) + 1 + np.arange(int(alone.sum()))
    return np.asarray(np.unique(ids, return_inverse=True)[1], dtype=np.int64)
