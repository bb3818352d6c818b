"""Estimates of survey data: weighted rates of groups, their limits and what stands beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metrics import intervals, rates
from metrics.cells import Counts, Floats
from metrics.design import LARGEST_CV, ROWS_FOR_T, Weighted
from metrics.groups import Grouping
from metrics.survey import deflated

if TYPE_CHECKING:
    from metrics.estimates import Policy

Record = dict[str, Any]


@dataclass(frozen=True)
class Columns:
    """Measures of the g groups of a table, m of them.

    Parameters
    ----------
    value, low, high : (g, m) float64
        Weighted; limits take the design effect into account.
    error : (g, m) float64
        Standard error from replicate weights.
    numerator, denominator : (g, m) float64
        Weighted; NaN where a measure is no rate.
    plain, plain_low, plain_high : (g, m) float64
        Every person counted once, and the limits that ignore the design at the weighted rate.
    rows : (g, m) int64
        People in the denominator, not weighted.
    effect : (m,) float64
        Mean design effect of the table.
    effective : (g,) float64
        Kish's effective number of rows.
    t
        Quantile of Student's t.
    floor : (2,) int
        Rows and denominator a group needs.
    """

    value: Floats
    low: Floats
    high: Floats
    error: Floats
    numerator: Floats
    denominator: Floats
    plain: Floats
    plain_low: Floats
    plain_high: Floats
    rows: Counts
    effect: Floats
    effective: Floats
    t: float
    floor: tuple[int, int]
    group_rows: Counts

    def records(self, j: int) -> list[Record | None]:
        """What a document says of the survey beside each estimate of measure j."""
        out: list[Record | None] = []
        for g in range(len(self.value)):
            error = self.error[g, j]
            value = self.value[g, j]
            wide = self.t * error if self.rows[g, j] >= ROWS_FOR_T else np.nan
            out.append(
                {
                    "weighted_numerator": _number(self.numerator[g, j]),
                    "weighted_denominator": _number(self.denominator[g, j]),
                    "se": _number(error),
                    "t_low": _number(value - wide),
                    "t_high": _number(value + wide),
                    "unweighted": _number(self.plain[g, j]),
                    "naive_low": _number(self.plain_low[g, j]),
                    "naive_high": _number(self.plain_high[g, j]),
                    "design_effect": float(self.effect[j]),
                    "effective_n": _number(self.effective[g]),
                    "flag": self._flag(g, j),
                }
            )
        return out

    def small(self, j: int) -> list[bool]:
        """Groups that carry fewer than the floor's people, once the design is counted in."""
        rows = self.group_rows / self.effect[j]
        below = self.rows[:, j] / self.effect[j]
        few = (rows < self.floor[0]) | (self.effective < self.floor[0]) | (below < self.floor[1])
        return [bool(item) for item in few]

    def _flag(self, g: int, j: int) -> str | None:
        value, error = self.value[g, j], self.error[g, j]
        if not np.isfinite(value):
            return None
        if self.effective[g] < self.floor[0]:
            return "effective-n"
        if np.isfinite(error) and value > 0 and error > LARGEST_CV * value:
            return "cv"
        return None


def columns(
    design: Weighted,
    table: Grouping,
    slugs: Sequence[str],
    policy: Policy,
    *,
    base: float | None = None,
) -> Columns:
    """Weighted measures of the groups of a table.

    Limits of rates are Wilson's, at the weighted rate and the people of the denominator over
    the table's design effect; limits of other measures are value -+ t * standard error.

    Parameters
    ----------
    design, table
        Weighted counts, and groups with their counts of people.
    slugs
        Measures, m of them.
    policy
        The auditor's choices.
    base
        Weighted base rate of everybody, for measures adjusted to it.

    References
    ----------
    Korn, Graubard, Analysis of health surveys, 1999, section 2.5 (effective sample sizes).
    """
    sums = design.sums(table)
    drawn = rates.values(sums, slugs, base=base)
    g, m = drawn.shape[1:]
    shape = (g, m)
    error = design.error(drawn)
    out = {
        name: np.full(shape, np.nan)
        for name in ("low", "high", "numerator", "denominator", "plain_low", "plain_high")
    }
    rows, effect = np.zeros(shape, dtype=np.int64), np.ones(m)
    for j, slug in enumerate(slugs):
        needed = rates.parts((slug,))
        people = rates.tally(table.counts, needed)[1].min(axis=1)
        rows[:, j] = people
        effect[j] = max(design.effect(table, part, policy.denominator_floor) for part in needed)
        item = rates.REGISTRY[slug]
        if not isinstance(item, rates.Rate):
            wide = design.t() * error[:, j]
            out["low"][:, j], out["high"][:, j] = drawn[0, :, j] - wide, drawn[0, :, j] + wide
            continue
        above, below = (side[0, :, 0] for side in rates.tally(sums[:1], (slug,)))
        out["numerator"][:, j], out["denominator"][:, j] = above, below
        for names, by in ((("low", "high"), effect[j]), (("plain_low", "plain_high"), 1.0)):
            limits = intervals.wilson(*deflated(above, below, people, by))
            for name, limit in zip(names, limits, strict=True):
                out[name][:, j] = np.where(below > 0, limit, np.nan)
    return Columns(
        value=drawn[0],
        error=error,
        plain=rates.values(table.counts, slugs),
        rows=rows,
        effect=effect,
        effective=design.effective(table),
        t=design.t(),
        floor=(policy.floor, policy.denominator_floor),
        group_rows=table.n,
        **out,
    )


def sizes(design: Weighted, table: Grouping) -> list[Record | None]:
    """People each group stands for, its share of them, and its effective number of rows."""
    people = design.sums(table).sum(axis=(2, 3))
    error = design.error(people)
    everybody = people[0].sum()
    effective = design.effective(table)
    return [
        {
            "people": float(people[0, g]),
            "people_se": _number(error[g]),
            "share": float(people[0, g] / everybody) if everybody > 0 else None,
            "effective_n": float(effective[g]),
        }
        for g in range(len(error))
    ]


def _number(value: float | np.floating[Any]) -> float | None:
    return float(value) if np.isfinite(value) else None
