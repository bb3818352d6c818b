"""Measure predictions of a number by group: signed error, size of errors, mean, R².

Everything follows from moment tables that add: means by Welch's t, RMSE and R² on the log
scale from fourth moments, error quantiles from a histogram with fixed cut points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from metrics import moments, stats, values
from metrics.cells import Floats
from metrics.comparisons import REST, Comparisons
from metrics.estimates import BASELINE, Record, plain
from metrics.groups import Attribute, combine
from metrics.layout import Layout
from metrics.moments import MomentSet, Scale, Sums, choose_scale, count_moments

__all__ = [
    "RegressionPolicy",
    "Scale",
    "choose_scale",
    "count_moments",
    "derive_regression",
    "measure_regression",
]

# RMSE and R² are described: their intervals keep no small level when errors have long tails.
GOALS = ("bias", "mae", "mean-prediction")
SKEWED = "skewed"


@dataclass(frozen=True)
class RegressionPolicy:
    """What the auditor chose before seeing a number.

    Parameters
    ----------
    goal
        Primary metric: ``bias`` (signed error), ``mae`` or ``mean-prediction``.
    tolerance
        Largest difference that does not matter.
    tolerance_unit
        ``units`` of the outcome, or ``sd``: standard deviations of the labels of everybody
        (of the predictions without labels).
    floor
        Rows with a value that a group and its comparator need.
    intersections
        Largest number of columns that are combined.
    family
        Metrics that get a verdict; the goal is added.
    quantiles
        Levels of the pinball error and of the error quantiles.
    alpha
        Error rate of the whole report.
    """

    goal: str = "bias"
    tolerance: float = 0.1
    tolerance_unit: Literal["sd", "units"] = "sd"
    floor: int = 30
    intersections: int = 2
    family: tuple[str, ...] = GOALS
    quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)
    alpha: float = 0.05

    @property
    def judged(self) -> tuple[str, ...]:
        """Metrics of the family, the goal first."""
        return tuple(dict.fromkeys((self.goal, *self.family)))

    def check(self) -> None:
        """Refuse what cannot be judged.

        Raises
        ------
        ValueError
            A metric without a verdict, a negative tolerance, or a quantile outside (0, 1).
        """
        unknown = [slug for slug in self.judged if slug not in GOALS]
        if unknown:
            raise ValueError(f"{unknown[0]!r} cannot be judged; choose from {', '.join(GOALS)}")
        if self.tolerance < 0:
            raise ValueError(f"the tolerance {self.tolerance} is negative")
        if any(not 0 < q < 1 for q in self.quantiles):
            raise ValueError(f"quantiles {self.quantiles} are not all between 0 and 1")


def measure_regression(
    attributes: Sequence[Attribute],
    *,
    prediction: Floats,
    label: Floats | None = None,
    policy: RegressionPolicy | None = None,
    scale: Scale | None = None,
) -> Record:
    """Fold rows into moments and derive the report's numbers in one call.

    Parameters
    ----------
    attributes
        Sensitive columns, at least one, n rows each.
    prediction : (n,) float
        In any unit, NaN for none.
    label : (n,) float, optional
        True value, NaN for none; without it only mean predictions are measured.
    policy
        The auditor's choices; None takes the defaults.
    scale
        Origin, unit and cut points of errors; None fixes them from these rows.

    Returns
    -------
    dict
        As `derive_regression`.

    Raises
    ------
    ValueError
        From `count_moments`, or from the policy.
    """
    chosen = RegressionPolicy() if policy is None else policy
    prediction = np.asarray(prediction, dtype=np.float64)
    truth = None if label is None else np.asarray(label, dtype=np.float64)
    counted = count_moments(
        attributes,
        label=truth,
        prediction=prediction,
        intersections=chosen.intersections,
        scale=scale,
    )
    return derive_regression(counted, attributes, chosen)


def derive_regression(
    counted: MomentSet, attributes: Sequence[Attribute], policy: RegressionPolicy
) -> Record:
    """Everything a report says about groups, from moments alone.

    Returns
    -------
    dict
        Keys ``groups``, ``estimates``, ``gaps``, ``verdicts``, ``family`` of the result
        document, ``spread`` (standard deviations of label and prediction, the tolerance in
        units) and ``errors`` (histograms); None where something is undefined, never NaN.
    """
    policy.check()
    layout = _layout(counted, attributes, policy)
    spread = _spread(counted, layout, policy)
    blocks: list[values.Block] = []
    for by in layout.tables:
        blocks += _blocks(counted, layout, by, policy, spread["tolerance"])
    gaps, order, family = values.gap_list(layout, blocks, alpha=policy.alpha)
    for by in layout.tables:
        for record in _standardised(counted, layout, by, policy):
            gaps.append(record | {"id": f"g{len(gaps) + 1}"})
    return {
        "groups": layout.levels(),
        "estimates": [r for by in layout.groups for r in _estimates(counted, layout, by, policy)],
        "gaps": gaps,
        "verdicts": order,
        "family": family | {"tolerance_unit": policy.tolerance_unit},
        "spread": spread,
        "errors": [r for by in layout.groups if len(by) < 2 for r in _errors(counted, layout, by)],
    }


def _layout(
    counted: MomentSet, attributes: Sequence[Attribute], policy: RegressionPolicy
) -> Layout:
    named = {attribute.name: attribute for attribute in attributes}
    tables = [(), *combine(list(named), policy.intersections)]
    groups = {by: counted.moments.groups(by) for by in tables}
    return Layout(
        named,
        groups,
        {by: table.counts[:, 0] for by, table in groups.items()},
        {by: int(table.unknown[0]) for by, table in groups.items()},
        policy.floor,
    )


def _spread(counted: MomentSet, layout: Layout, policy: RegressionPolicy) -> dict[str, Any]:
    """Standard deviations of everybody and the tolerance in the unit of the outcome."""
    everybody = moments.read(layout.groups[()].counts, counted.scale)
    sd = {
        name: plain(np.sqrt(stats.mean(everybody, f"mean-{name}").variance))[0]
        for name in ("label", "prediction")
    }
    used = sd["label"] if sd["label"] is not None else sd["prediction"]
    units = policy.tolerance
    if policy.tolerance_unit == "sd":
        units = 0.0 if used is None else policy.tolerance * used
    return {"label_sd": sd["label"], "prediction_sd": sd["prediction"], "tolerance": units}


def _slugs(policy: RegressionPolicy) -> list[str]:
    pinball = [f"pinball-{100 * q:g}" for q in policy.quantiles]
    return ["bias", "mae", "rmse", "r2", *pinball, "mean-prediction", "mean-label"]


def _missing(counted: MomentSet, slug: str) -> str:
    return "" if counted.has_label or slug == "mean-prediction" else "no-label"


def _estimates(
    counted: MomentSet, layout: Layout, by: tuple[str, ...], policy: RegressionPolicy
) -> list[Record]:
    table, listed = layout.groups[by], layout.listed(by)
    sums = moments.read(table.counts[listed], counted.scale)
    columns = {slug: stats.estimate(sums, slug) for slug in _slugs(policy)}
    limits = {slug: found.limits(np.full(len(listed), 0.05)) for slug, found in columns.items()}
    quantiles = _quantiles(counted, by, listed, policy)
    out: list[Record] = []
    for place, j in enumerate(listed.tolist()):
        head = {
            "subject": BASELINE,
            "by": list(by),
            "group": layout.words(by, j),
            "n": int(layout.rows[by][j]),
            "numerator": None,
        }
        for slug, found in columns.items():
            n = int(found.n[place])
            numbers = np.array([found.value[place], *(side[place] for side in limits[slug])])
            value, low, high = plain(numbers)
            out.append(
                head
                | {
                    "metric": slug,
                    "denominator": n,
                    "value": value,
                    "low": low,
                    "high": high,
                    "undefined": _missing(counted, slug) or found.reason[place] or None,
                    "below_floor": n < policy.floor,
                    "interval": found.interval,
                    "shrunken": None,
                }
            )
        out += [head | columns_ for columns_ in quantiles[place]]
    return out


def _quantiles(
    counted: MomentSet, by: tuple[str, ...], listed: NDArray[np.intp], policy: RegressionPolicy
) -> list[list[Record]]:
    by_bin = counted.errors.groups(by).counts[listed, 1:]
    out: list[list[Record]] = [[] for _ in listed]
    for q in policy.quantiles:
        found = stats.quantile(by_bin, counted.scale, q)
        for place, (value, low, high) in enumerate(zip(*map(plain, found), strict=True)):
            n = int(by_bin[place].sum())
            out[place].append(
                {
                    "metric": f"error-quantile-{100 * q:g}",
                    "denominator": n,
                    "value": value,
                    "low": low,
                    "high": high,
                    "undefined": (_missing(counted, "") or "empty-group") if n == 0 else None,
                    "below_floor": n < policy.floor,
                    "interval": "woodruff",
                    "shrunken": None,
                }
            )
    return out


def _sides(
    counted: MomentSet, layout: Layout, by: tuple[str, ...]
) -> tuple[Comparisons, Sums, Sums]:
    """Comparisons of a table with the moments of both sides."""
    table, pairs = layout.groups[by], layout.compared(by)
    rest = moments.pooled(table)
    against = np.where(
        (pairs.comparator == REST)[:, None],
        rest[pairs.group],
        table.counts[pairs.comparator],
    )
    scale = counted.scale
    return pairs, moments.read(table.counts[pairs.group], scale), moments.read(against, scale)


def _blocks(
    counted: MomentSet,
    layout: Layout,
    by: tuple[str, ...],
    policy: RegressionPolicy,
    tolerance: float,
) -> list[values.Block]:
    pairs, here, there = _sides(counted, layout, by)
    everybody = moments.read(layout.groups[()].counts, counted.scale)
    out = []
    for slug in _slugs(policy):
        first, second = stats.estimate(here, slug), stats.estimate(there, slug)
        test = stats.compare(first, second)
        missing = _missing(counted, slug)
        applies = (pairs.reason == "") & (missing == "")
        reason = np.where(applies, "", missing or pairs.reason).astype(object)
        enough = np.minimum(first.n, second.n) >= policy.floor
        why = np.where(np.isfinite(first.value), second.reason, first.reason).astype(object)
        why[why == ""] = "zero-variance"
        undefined = applies & enough & ~np.isfinite(test.p)
        reason[undefined] = why[undefined]
        if slug in policy.judged:
            few = np.minimum(first.n, second.n) < stats.rows_for_t(everybody, slug)[0]
            reason[(reason == "") & enough & few] = SKEWED
        out.append(
            values.Block(
                by=by,
                metric=slug,
                pairs=pairs,
                n=first.n,
                n_comparator=second.n,
                here=first.value,
                there=second.value,
                test=test,
                reason=reason,
                tolerance=tolerance,
                primary=slug == policy.goal,
                judged=slug in policy.judged,
                enough=enough,
            )
        )
    return out


def _standardised(
    counted: MomentSet, layout: Layout, by: tuple[str, ...], policy: RegressionPolicy
) -> list[Record]:
    """Differences of mean predictions in standard deviations of everybody's; no verdict."""
    pairs, here, there = _sides(counted, layout, by)
    everybody = moments.read(layout.groups[()].counts, counted.scale)
    test = stats.standardised(here, there, everybody)
    enough = np.minimum(here.predicted, there.predicted) >= policy.floor
    known = np.isfinite(test.value)
    reason = np.where(known, "", "zero-variance").astype(object)
    reason = np.where(pairs.reason != "", pairs.reason, reason).astype(object)
    block = values.Block(
        by=by,
        metric="mean-prediction",
        pairs=pairs,
        n=here.predicted,
        n_comparator=there.predicted,
        here=stats.estimate(here, "mean-prediction").value,
        there=stats.estimate(there, "mean-prediction").value,
        test=test,
        reason=reason,
        tolerance=0.0,
        primary=False,
        judged=False,
        enough=enough,
        extra={"kind": ["standardised"] * len(pairs)},
    )
    (judged,) = values.judge([block], alpha=policy.alpha)
    return values.records(layout, block, judged)


def _errors(counted: MomentSet, layout: Layout, by: tuple[str, ...]) -> list[Record]:
    """Histograms of prediction less label."""
    if not counted.has_label:
        return []
    table = counted.errors.groups(by)
    edges = list(counted.scale.edges)
    return [
        {
            "by": list(by),
            "group": layout.words(by, j),
            "edges": edges,
            "edges_kind": "values" if counted.scale.exact else "quantile",
            "counts": table.counts[j, 1:].tolist(),
        }
        for j in range(len(table.counts))
    ]
