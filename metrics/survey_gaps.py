"""Comparisons of groups in survey data: the same procedure on counts over the design effect."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metrics import intervals, rates, verdicts
from metrics.cells import Counts, Floats
from metrics.design import ROWS_FOR_T, Weighted
from metrics.groups import Grouping
from metrics.survey import RaoScott, deflated, rao_scott

if TYPE_CHECKING:
    from metrics.estimates import Frame, Policy

Record = dict[str, Any]


@dataclass(frozen=True)
class Beside:
    """What stands beside the k comparisons of one metric in one table.

    Parameters
    ----------
    effect
        Mean design effect of the table.
    weighted : (4, k) float64
        Weighted numerator and denominator of the group, then of its comparator.
    rate : (2, 1 + R, k) float64
        Rates of group and comparator with the full weights and with each replicate.
    people
        The comparisons in people.
    scheme
        Standard errors of replicates, and the quantile of Student's t.
    """

    effect: float
    weighted: Floats
    rate: Floats
    people: verdicts.Comparisons
    design: Weighted

    def rates(self, k: int) -> tuple[float | None, float | None]:
        """Weighted rates of a group and of its comparator."""
        return _number(self.rate[0, 0, k]), _number(self.rate[1, 0, k])

    def record(self, k: int) -> Record:
        """Standard error of the paired difference, and limits with and without the design."""
        difference = self.rate[0, :, k] - self.rate[1, :, k]
        error = float(self.design.error(difference))
        naive = self._naive(k)
        return self._head(k) | self._limits(k, float(difference[0]), error) | {
            "naive_low": _number(naive[0]),
            "naive_high": _number(naive[1]),
        }  # fmt: skip

    def ratio(self, k: int) -> Record:
        """The ratio's limits from replicates of its logarithm."""
        both = self.rate[:, :, k]
        if (both > 0).all():
            logs = np.log(both[0]) - np.log(both[1])
            error, middle = float(self.design.error(logs)), float(logs[0])
        else:
            error = middle = np.nan
        found = self._limits(k, middle, error)
        for name in ("t_low", "t_high"):
            if found[name] is not None:
                found[name] = float(np.exp(found[name]))
        return self._head(k) | found | {"se_of": "log"}

    def _head(self, k: int) -> Record:
        names = ("numerator", "denominator", "numerator_comparator", "denominator_comparator")
        return {
            **{f"weighted_{name}": float(self.weighted[i, k]) for i, name in enumerate(names)},
            "design_effect": self.effect,
        }

    def _limits(self, k: int, middle: float, error: float) -> Record:
        fewest = min(int(self.people.n1[k]), int(self.people.n2[k]))
        wide = self.design.t() * error if fewest >= ROWS_FOR_T else np.nan
        return {
            "se": _number(error),
            "t_low": _number(middle - wide),
            "t_high": _number(middle + wide),
        }

    def _naive(self, k: int) -> tuple[float, float]:
        c = self.people
        if min(c.n1[k], c.n2[k]) == 0 or not np.isfinite(self.rate[:, 0, k]).all():
            return np.nan, np.nan
        sides: list[Any] = []
        for rate, n in ((self.rate[0, 0, k], c.n1[k]), (self.rate[1, 0, k], c.n2[k])):
            sides += [rate, *intervals.jeffreys(np.clip(rate, 0.0, 1.0) * n, n, 0.05)]
        low, high = intervals.square_and_add(*sides)
        return float(low), float(high)


def compared(
    frame: Frame,
    table: Grouping,
    metric: str,
    listed: NDArray[np.intp],
    people: verdicts.Comparisons,
) -> tuple[verdicts.Comparisons, Beside]:
    """Comparisons in weighted counts over the design effect, and what stands beside them.

    Each side has its weighted rate and its people over the design effect of the table. The
    rest of a table is everybody in it but the group.

    Parameters
    ----------
    frame
        Counts, weights and choices.
    table, metric
        Groups, and a rate.
    listed
        Positions of the groups that comparisons point to.
    people
        The comparisons, counted in people.

    References
    ----------
    Rao, Scott, Annals of Statistics 12, 1984, section 3 (mean design effect).
    """
    design = frame.design
    assert design is not None
    effect = design.effect(table, metric, frame.policy.denominator_floor)
    above, below = (side[..., 0] for side in rates.tally(design.sums(table), (metric,)))
    group = listed[people.group]
    rest = people.comparator == verdicts.REST
    against = listed[np.where(rest, 0, people.comparator)]
    sides = []
    for sums in (above, below):
        whole = sums.sum(axis=1, keepdims=True)
        sides.append((sums[:, group], np.where(rest, whole - sums[:, group], sums[:, against])))
    (x1, x2), (n1, n2) = sides
    first = deflated(x1[0], n1[0], people.n1, effect)
    second = deflated(x2[0], n2[0], people.n2, effect)
    rate = np.stack([rates.divide(x1, n1), rates.divide(x2, n2)])
    # A side whose weights are all 0 has people and no rate.
    empty = (n1[0] <= 0) | (n2[0] <= 0)
    changed = replace(
        people,
        rows=np.rint(people.rows / effect).astype(np.int64),
        x1=np.asarray(np.where(empty, 0.0, first[0])),
        n1=np.where(empty, 0, first[1]),
        x2=np.asarray(np.where(empty, 0.0, second[0])),
        n2=np.where(empty, 0, second[1]),
    )
    weighted = np.stack([x1[0], n1[0], x2[0], n2[0]])
    return changed, Beside(effect, weighted, rate, people, design)


def overall(design: Weighted, table: Grouping, metric: str, used: NDArray[np.bool_]) -> RaoScott:
    """Second-order Rao-Scott test that all groups of a table share one rate."""
    above, below = (side[..., 0] for side in rates.tally(design.sums(table), (metric,)))
    rows = rates.tally(table.counts, (metric,))[1][:, 0]
    return rao_scott(
        above[0, used], below[0, used], above[1:, used], below[1:, used],
        rows=int(rows[used].sum()), df_design=design.scheme.df, factor=design.scheme.factor,
    )  # fmt: skip


def equivalent(
    design: Weighted, table: Grouping, metric: str, policy: Policy
) -> tuple[Counts, Counts]:
    """Whole counts over the design effect, numerators and denominators of the groups."""
    effect = design.effect(table, metric, policy.denominator_floor)
    above, below = (side[0, :, 0] for side in rates.tally(design.sums(table), (metric,)))
    rows = rates.tally(table.counts, (metric,))[1][:, 0]
    x, n = deflated(above, below, rows, effect)
    return np.rint(x).astype(np.int64), n


def _number(value: float | np.floating[Any]) -> float | None:
    return float(value) if np.isfinite(value) else None
