"""Measure ranked lists by group: selection at k, exposure, NDCG, skew at k.

Everything follows from sums by list and group, which add over shards of whole lists. With
several lists, intervals come from drawing lists again; with a single one, selection at k is
exact given its k places, exposure is compared with shuffled orders, and NDCG has no interval.

NDCG of a group is that of its own people in the order of the list. Where one list holds several
groups it depends on how many each has, so it gets a verdict only where groups have lists of
their own; beside it stands what a random order would reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrics import bootstrap, contrasts, hypergeometric, lists, ranks, values
from metrics.cells import Floats, IntArray
from metrics.estimates import BASELINE, Record, plain
from metrics.groups import Attribute
from metrics.lists import METRICS, Lists
from metrics.ranks import RankCounts, count_ranking

__all__ = [
    "RankCounts",
    "RankingPolicy",
    "count_ranking",
    "derive_ranking",
    "measure_ranking",
]

JUDGED = ("selection-at-k", "exposure", "ndcg")
ONE_LIST = "one-list"
FEW_LISTS = "too-few-lists"


@dataclass(frozen=True)
class RankingPolicy:
    """What the auditor chose before seeing a number.

    Parameters
    ----------
    goal
        Primary metric: ``selection-at-k``, ``exposure`` or ``ndcg``.
    k
        Places.
    tolerance
        Largest difference that does not matter: of selection rates and NDCG as a fraction,
        of exposure as a share of the average exposure.
    floor, denominator_floor
        Rows a group needs, and people either side needs in lists with a clear cut.
    lists_floor
        Lists that must hold both sides for an interval by drawing lists.
    intersections
        Largest number of columns that are combined.
    family
        Metrics that get a verdict; the goal is added.
    draws, seed
        Bootstrap and shuffle draws; seed of every random stream.
    alpha
        Error rate of the whole report.
    """

    goal: str = "selection-at-k"
    k: int = 10
    tolerance: float = 0.05
    floor: int = 30
    denominator_floor: int = 10
    lists_floor: int = 20
    intersections: int = 2
    family: tuple[str, ...] = JUDGED
    draws: int = 1000
    seed: int = 0
    alpha: float = 0.05

    @property
    def judged(self) -> tuple[str, ...]:
        """Metrics of the family, the goal first."""
        return tuple(dict.fromkeys((self.goal, *self.family)))


def measure_ranking(
    attributes: Sequence[Attribute],
    *,
    score: Floats,
    query: IntArray | None = None,
    relevance: Floats | None = None,
    policy: RankingPolicy | None = None,
) -> Record:
    """Sum ranked lists and derive the report's numbers in one call.

    Parameters
    ----------
    attributes, score, query, relevance
        As in `count_ranking`.
    policy
        The auditor's choices; None takes the defaults.

    Returns
    -------
    dict
        As `derive_ranking`.

    Raises
    ------
    ValueError
        From `count_ranking`, or a metric that cannot be judged.
    """
    chosen = RankingPolicy() if policy is None else policy
    counted = count_ranking(
        attributes,
        score=np.asarray(score, dtype=np.float64),
        query=query,
        relevance=None if relevance is None else np.asarray(relevance, dtype=np.float64),
        k=chosen.k,
        intersections=chosen.intersections,
    )
    return derive_ranking(counted, attributes, chosen)


def derive_ranking(
    counted: RankCounts, attributes: Sequence[Attribute], policy: RankingPolicy
) -> Record:
    """Everything a report says about groups, from sums alone.

    Returns
    -------
    dict
        Keys ``groups``, ``estimates``, ``gaps``, ``verdicts`` and ``family`` of the result
        document, and ``lists`` (how many, how many without a clear cut at k, rows in none);
        None where something is undefined, never NaN.

    Raises
    ------
    ValueError
        A metric that cannot be judged, or another k than was counted.
    """
    wrong = [slug for slug in policy.judged if slug not in JUDGED]
    if wrong:
        raise ValueError(f"{wrong[0]!r} cannot be judged; choose from {', '.join(JUDGED)}")
    if policy.k != counted.k:
        raise ValueError(f"the policy has k = {policy.k}, the lists were cut at {counted.k}")
    frame = Lists.of(counted, attributes, floor=policy.floor)
    blocks = []
    for by in frame.layout.tables:
        blocks += _blocks(frame, by, policy)
    gaps, order, family = values.gap_list(frame.layout, blocks, alpha=policy.alpha)
    estimates = []
    for by in frame.layout.groups:
        estimates += _estimates(frame, by, policy)
    return {
        "groups": frame.layout.levels(),
        "estimates": estimates,
        "gaps": gaps,
        "verdicts": order,
        "family": family,
        "lists": {
            "n": len(counted.queries),
            "k": counted.k,
            "tied_at_k": counted.tied,
            "shorter_than_k": counted.short,
            "left_out": [{"code": code, "n": n} for code, n in counted.left_out.items() if n],
        },
    }


def _why(frame: Lists, metric: str) -> str:
    """Reason a metric is undefined for everybody, or empty."""
    counted = frame.counted
    if metric == "ndcg" and not counted.has_relevance:
        return "no-relevance"
    if metric in ("selection-at-k", "skew-at-k") and len(counted.queries):
        if counted.short == len(counted.queries):
            return "k-above-n"
        if counted.short + counted.tied >= len(counted.queries):
            return "tied-at-k"
    return ""


def _estimates(frame: Lists, by: tuple[str, ...], policy: RankingPolicy) -> list[Record]:
    layout, listed = frame.layout, frame.layout.listed(by)
    sums, held, chance = frame.totals(by), frame.held(by), plain(frame.chance(by))
    value = lists.measures(sums, frame.totals(()).sum(axis=0))
    low, high, interval = _limits(frame, by, value, policy)
    out: list[Record] = []
    for j in listed.tolist():
        n = int(layout.rows[by][j])
        for m, metric in enumerate(METRICS):
            number, lower, upper = plain(np.array([value[j, m], low[j, m], high[j, m]]))
            cut = metric in ("selection-at-k", "skew-at-k")
            why = None
            if number is None:
                why = _why(frame, metric) or _nothing(metric, n, int(sums[j, ranks.PLACES]))
            elif lower is None:
                few = held[j] < policy.lists_floor
                why = ONE_LIST if frame.single else FEW_LISTS if few else "below-floor"
            below = sums[j, ranks.PLACES if cut else ranks.N]
            out.append(
                {
                    "subject": BASELINE,
                    "metric": metric,
                    "by": list(by),
                    "group": layout.words(by, j),
                    "n": n,
                    "numerator": int(sums[j, ranks.SELECTED]) if cut else None,
                    "denominator": int(sums[j, ranks.LISTS] if metric == "ndcg" else below),
                    "value": number,
                    "low": lower,
                    "high": upper,
                    "undefined": why,
                    "below_floor": n < policy.floor,
                    "interval": interval[m],
                    "chance": chance[j] if metric == "ndcg" else None,
                    "shrunken": None,
                }
            )
    return out


def _nothing(metric: str, n: int, places: int) -> str:
    if n == 0:
        return "empty-group"
    if metric == "ndcg":
        return "no-relevance"
    return "none-selected" if metric == "skew-at-k" and places else "empty-denominator"


def _limits(
    frame: Lists, by: tuple[str, ...], value: Floats, policy: RankingPolicy
) -> tuple[Floats, Floats, list[str]]:
    low, high = np.full(value.shape, np.nan), np.full(value.shape, np.nan)
    if not frame.single:
        enough = frame.held(by) >= policy.lists_floor
        enough &= frame.layout.rows[by] >= (policy.floor if by else 1)
        if enough.any() and policy.draws:
            drawn = frame.drawn(by, policy)[:, enough]
            low[enough], high[enough] = bootstrap.percentile_interval(
                np.moveaxis(drawn, 0, -1).copy()
            )
        low[np.isnan(value)] = high[np.isnan(value)] = np.nan
        return low, high, ["bootstrap-lists"] * len(METRICS)
    sums, everybody = frame.totals(by), frame.totals(()).sum(axis=0)
    k, total = int(everybody[ranks.SELECTED]), int(everybody[ranks.PLACES])
    for j in range(len(sums)):
        x, n = int(sums[j, ranks.SELECTED]), int(sums[j, ranks.PLACES])
        if n and total:
            ends = hypergeometric.expected_limits(x, n, k, total, 0.05)
            low[j, 0], high[j, 0] = (end / n for end in ends)
            if x:
                with np.errstate(divide="ignore"):
                    low[j, 3], high[j, 3] = np.log(np.array([low[j, 0], high[j, 0]]) * total / k)
        low[j, 1], high[j, 1] = frame.exposure_limits(by, j, float(value[j, 1]), policy)
    # Nothing selected pins skew from above only, which is no interval.
    low[~np.isfinite(low)] = np.nan
    if not by:
        return low, high, ["fixed", "fixed", "none", "fixed"]
    return low, high, ["hypergeometric", "permutation", "none", "hypergeometric"]


def _blocks(frame: Lists, by: tuple[str, ...], policy: RankingPolicy) -> list[values.Block]:
    layout = frame.layout
    pairs = layout.compared(by)
    here, there = frame.sides(by, pairs)
    everybody = frame.totals(()).sum(axis=0)
    first, second = lists.measures(here, everybody), lists.measures(there, everybody)
    tests = _tests(frame, by, policy)
    out = []
    for m, metric in enumerate(METRICS[:3]):
        slot = {"selection-at-k": ranks.PLACES, "exposure": ranks.N, "ndcg": ranks.LISTS}[metric]
        n1, n2 = here[:, slot], there[:, slot]
        enough = here[:, ranks.N] >= policy.floor
        if metric != "ndcg":
            enough &= np.minimum(n1, n2) >= policy.denominator_floor
        if not frame.single:
            enough &= frame.shared(by, pairs) >= policy.lists_floor
        reason = np.where(pairs.reason != "", pairs.reason, "").astype(object)
        known = np.isfinite(tests[metric].p)
        lacks = ONE_LIST if frame.single and metric == "ndcg" else "zero-variance"
        reason[(reason == "") & enough & ~known] = lacks
        if _why(frame, metric):
            reason[reason == ""] = _why(frame, metric)
        out.append(
            values.Block(
                by=by,
                metric=metric,
                pairs=pairs,
                n=here[:, ranks.N],
                n_comparator=there[:, ranks.N],
                here=first[:, m],
                there=second[:, m],
                test=tests[metric],
                reason=reason,
                tolerance=policy.tolerance,
                primary=metric == policy.goal,
                judged=metric in policy.judged and (metric != "ndcg" or frame.whole(by)),
                enough=enough,
                extra=_counts(here, there) if metric == "selection-at-k" else {},
            )
        )
    return out


def _counts(here: IntArray, there: IntArray) -> dict[str, list[object]]:
    return {
        "numerator": here[:, ranks.SELECTED].tolist(),
        "denominator": here[:, ranks.PLACES].tolist(),
        "numerator_comparator": there[:, ranks.SELECTED].tolist(),
        "denominator_comparator": there[:, ranks.PLACES].tolist(),
    }


def _tests(frame: Lists, by: tuple[str, ...], policy: RankingPolicy) -> dict[str, contrasts.Test]:
    pairs = frame.layout.compared(by)
    if not frame.single:
        return frame.drawn_tests(by, pairs, policy)
    here, there = frame.sides(by, pairs)
    x1, n1 = here[:, ranks.SELECTED], here[:, ranks.PLACES]
    x2, n2 = there[:, ranks.SELECTED], there[:, ranks.PLACES]
    everybody = frame.totals(()).sum(axis=0)
    gap = lists.measures(here, everybody) - lists.measures(there, everybody)
    nothing = np.full(len(pairs), np.nan)
    return {
        "selection-at-k": lists.places_test(x1, n1, x2, n2),
        "exposure": frame.shuffled_test(by, pairs, gap[:, 1], policy),
        "ndcg": contrasts.student(gap[:, 2], nothing, nothing),
    }
