"""One statistical procedure for every verdict of a report.

Each group is compared with its comparator by a central Fisher exact test; all comparisons
of the report share one weighted family; intervals join Jeffreys limits by square-and-add.
A difference is found when the adjusted test and the simultaneous interval agree, no
difference is found when the pointwise 90 % interval lies inside the tolerance (two
one-sided tests at 5 %), and otherwise there are not enough data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from metrics import intervals, significance
from metrics.comparisons import (
    COMPLEMENTS,
    NO_DENOMINATOR,
    ONE_GROUP,
    REST,
    Comparisons,
    comparisons_of,
    join,
)

__all__ = [
    "BELOW_FLOOR",
    "COMPLEMENTS",
    "DIFFERENCE",
    "NOT_APPLICABLE",
    "NOT_ENOUGH_DATA",
    "NO_DENOMINATOR",
    "NO_DIFFERENCE",
    "ONE_GROUP",
    "REST",
    "Comparisons",
    "Judgement",
    "comparisons_of",
    "family",
    "join",
    "judge",
    "order",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
TextArray = NDArray[np.object_]

DIFFERENCE = "difference"
NO_DIFFERENCE = "no-difference"
NOT_ENOUGH_DATA = "not-enough-data"
NOT_APPLICABLE = "not-applicable"

BELOW_FLOOR = "below-floor"

PRIMARY_SHARE = 0.8
THICK_ALPHA = 0.10
_SETTLE = 2.927
_POWER_80 = 0.8416


@dataclass(frozen=True)
class Judgement:
    """Verdicts and their numbers, one entry for each comparison; NaN means not computed.

    Attributes
    ----------
    value : ndarray of float, shape (K,)
        Rate of the group less rate of its comparator.
    p, p_adjusted : ndarray of float, shape (K,)
        Central Fisher p-value and min(1, p / weight); NaN outside the family.
    weight, level : ndarray of float, shape (K,)
        Weight w_k in the family and local level a_k = alpha w_k; 0 and NaN outside it.
    low, high : ndarray of float, shape (K,)
        Thin bar, simultaneous over the report.
    thick_low, thick_high : ndarray of float, shape (K,)
        Thick bar, 90 % pointwise.
    verdict : ndarray of str, shape (K,)
        One of the four verdicts, or empty for a metric outside the family.
    size_class : ndarray of str, shape (K,)
        "above", "near" or "below" the tolerance for a difference, else empty.
    b : ndarray of float, shape (K,)
        Larger absolute end of the thick bar.
    rows_needed : ndarray of float, shape (K,)
        Denominator the group needs for an 80 % chance of settling a true zero; inf if the
        comparator is too small for any.
    mdd : ndarray of float, shape (K,)
        Smallest difference found with a chance of 80 % at the local level.
    reason : ndarray of str, shape (K,)
        Why there is no verdict or no test, or empty.
    in_family : ndarray of bool, shape (K,)
        Whether the comparison was tested.
    k_primary, k_secondary : int
        Numbers of tests on primary and on other metrics.
    alpha, tolerance : float
        Error rate of the family and the auditor's limit.
    """

    value: FloatArray
    p: FloatArray
    p_adjusted: FloatArray
    weight: FloatArray
    level: FloatArray
    low: FloatArray
    high: FloatArray
    thick_low: FloatArray
    thick_high: FloatArray
    verdict: TextArray
    size_class: TextArray
    b: FloatArray
    rows_needed: FloatArray
    mdd: FloatArray
    reason: TextArray
    in_family: BoolArray
    k_primary: int
    k_secondary: int
    alpha: float
    tolerance: float


def family(
    active: ArrayLike, primary: ArrayLike, test: ArrayLike | None = None
) -> tuple[FloatArray, int, int]:
    """Weights of the report's comparisons in their one family.

    w = 0.8 / K1 on primary metrics and 0.2 / K2 on others, 1 / K if one kind is empty, with
    K1 and K2 the numbers of different tests.

    Parameters
    ----------
    active : array_like of bool, shape (K,)
        Whether the comparison is tested.
    primary : array_like of bool, shape (K,)
        Whether its metric is primary. A test is primary if one of its entries is.
    test : array_like of str, shape (K,), optional
        Names of the tests, equal for complements; by default all differ.

    Returns
    -------
    weight : ndarray of float, shape (K,)
        0 where not active; the weights of different tests add up to 1.
    k_primary, k_secondary : int
        K1 and K2.
    """
    tested = np.asarray(active, dtype=np.bool_)
    weight = np.zeros(tested.shape)
    names = np.arange(tested.size) if test is None else np.asarray(test)
    _, position = np.unique(names[tested].astype(str), return_inverse=True)
    leads = np.zeros(int(position.max(initial=-1)) + 1, dtype=np.bool_)
    np.logical_or.at(leads, position, np.asarray(primary, dtype=np.bool_)[tested])
    k_primary, k_secondary = int(leads.sum()), int((~leads).sum())
    if k_primary == 0 or k_secondary == 0:
        each = np.full(leads.size, 1.0 / max(leads.size, 1))
    else:
        each = np.where(leads, PRIMARY_SHARE / k_primary, (1 - PRIMARY_SHARE) / k_secondary)
    weight[tested] = each[position]
    return weight, k_primary, k_secondary


def judge(
    comparisons: Comparisons,
    *,
    tolerance: float,
    alpha: float = 0.05,
    floor: int = 30,
    denominator_floor: int = 10,
) -> Judgement:
    """Give each comparison of a report its verdict.

    Parameters
    ----------
    comparisons : Comparisons
        All comparisons of the report: the family is the whole of it.
    tolerance : float
        The auditor's limit t as a fraction, at least 0.
    alpha : float
        Error rate of the family.
    floor : int
        Rows a group needs.
    denominator_floor : int
        Denominator that the group and its comparator need.

    Returns
    -------
    Judgement
        Arrays in the order of the comparisons.

    Raises
    ------
    ValueError
        The tolerance is negative or alpha outside (0, 0.1]: above it the thick bar would be
        longer than the thin one.
    """
    if tolerance < 0:
        raise ValueError(f"the tolerance {tolerance} is negative")
    if not 0 < alpha <= THICK_ALPHA:
        raise ValueError(f"alpha {alpha} is outside (0, {THICK_ALPHA}]")
    c = comparisons
    applies = c.reason == ""
    enough = (c.rows >= floor) & (np.minimum(c.n1, c.n2) >= denominator_floor)
    active = applies & enough & c.judged
    weight, k_primary, k_secondary = family(active, c.primary, c.test)
    level = np.where(active, alpha * weight, np.nan)
    # What is described without a verdict gets a pointwise interval.
    described = applies & enough & ~c.judged
    level[described] = alpha
    p = np.full(len(c), np.nan)
    # Counts of people are whole; weighted counts over a design effect are made so.
    whole = (np.rint(v[active]).astype(np.int64) for v in (c.x1, c.n1, c.x2, c.n2))
    p[active] = significance.fisher_central(*whole)
    p_adjusted = np.full(len(c), np.nan)
    p_adjusted[active] = np.minimum(1.0, p[active] / weight[active])

    value, (low, high), (thick_low, thick_high) = _bars(c, level)
    inside = (thick_low > -tolerance) & (thick_high < tolerance)
    found = (p_adjusted <= alpha) & ((low > 0) | (high < 0))
    verdict = np.full(len(c), NOT_ENOUGH_DATA, dtype=object)
    verdict[active & inside] = NO_DIFFERENCE
    verdict[active & found] = DIFFERENCE
    verdict[~c.judged] = ""
    verdict[~applies] = NOT_APPLICABLE
    reason = c.reason.copy()
    reason[applies & ~enough] = BELOW_FLOOR
    size_class = np.full(len(c), "", dtype=object)
    size_class[found] = "near"
    size_class[found & inside] = "below"
    size_class[found & ((low > tolerance) | (high < -tolerance))] = "above"
    rows_needed, mdd = _planning(c, level, tolerance, denominator_floor)
    return Judgement(
        value=value,
        p=p,
        p_adjusted=p_adjusted,
        weight=weight,
        level=level,
        low=low,
        high=high,
        thick_low=thick_low,
        thick_high=thick_high,
        verdict=verdict,
        size_class=size_class,
        b=np.maximum(np.abs(thick_low), np.abs(thick_high)),
        rows_needed=rows_needed,
        mdd=mdd,
        reason=reason,
        in_family=active,
        k_primary=k_primary,
        k_secondary=k_secondary,
        alpha=alpha,
        tolerance=tolerance,
    )


def order(judgement: Judgement, primary: ArrayLike) -> IntArray:
    """Order the comparisons as a report names them.

    Differences first: primary metrics, then by supported gap (distance from 0 to the nearer
    end of the thin bar), largest first. Then not enough data, those above the floor first,
    then no difference, each on primary metrics first and by `b`, largest first. What is not
    applicable or described without a verdict is left out.

    Parameters
    ----------
    judgement : Judgement
        Verdicts of K comparisons.
    primary : array_like of bool, shape (K,)
        Whether the metric is primary.

    Returns
    -------
    ndarray of int
        Positions of the comparisons; equals keep their order.
    """
    j = judgement
    rank = {DIFFERENCE: 0, NOT_ENOUGH_DATA: 1, NO_DIFFERENCE: 2}
    place = np.array([rank.get(str(v), 3) for v in j.verdict], dtype=np.int64)
    supported = np.maximum(j.low, -j.high)
    size = np.nan_to_num(np.where(place == 0, supported, j.b), nan=np.inf)
    keys = (-size, ~np.asarray(primary, dtype=np.bool_), ~j.in_family, place)
    ranked = np.lexsort(keys)
    return np.asarray(ranked[place[ranked] < 3], dtype=np.int64)


Limits = tuple[FloatArray, FloatArray]


def _bars(c: Comparisons, level: FloatArray) -> tuple[FloatArray, Limits, Limits]:
    """Return the differences with their thin and thick bars."""
    counted = (c.n1 > 0) & (c.n2 > 0)
    rate1 = np.divide(c.x1, c.n1, out=np.full(len(c), np.nan), where=counted)
    rate2 = np.divide(c.x2, c.n2, out=np.full(len(c), np.nan), where=counted)

    def bar(where: BoolArray, alpha: FloatArray) -> Limits:
        low, high = np.full(len(c), np.nan), np.full(len(c), np.nan)
        first = intervals.jeffreys(c.x1[where], c.n1[where], alpha[where])
        second = intervals.jeffreys(c.x2[where], c.n2[where], alpha[where])
        low[where], high[where] = intervals.square_and_add(
            rate1[where], *first, rate2[where], *second
        )
        return low, high

    thin = bar(counted & ~np.isnan(level), level)
    return rate1 - rate2, thin, bar(counted, np.full(len(c), THICK_ALPHA))


def _planning(
    c: Comparisons, level: FloatArray, tolerance: float, denominator_floor: int
) -> Limits:
    """Return the denominators needed to settle a true zero, and the detectable differences."""
    rows_needed, mdd = np.full(len(c), np.nan), np.full(len(c), np.nan)
    counted = (c.n1 > 0) & (c.n2 > 0)
    x1, n1, x2, n2 = (v[counted].astype(np.float64) for v in (c.x1, c.n1, c.x2, c.n2))
    # Half a person on either side keeps a rate of 0 or 1 from needing nobody.
    none = (x1 + x2 == 0) | (x1 + x2 == n1 + n2)
    pooled = (x1 + x2 + 0.5 * none) / (n1 + n2 + none)
    spread = pooled * (1.0 - pooled)
    if tolerance > 0:
        share = (tolerance / _SETTLE) ** 2 / spread - 1.0 / n2
        needed = np.divide(1.0, share, out=np.full(share.shape, np.inf), where=share > 0)
        rows_needed[counted] = np.maximum(np.ceil(needed), denominator_floor)
    z = -ndtri(level[counted] / 2.0)
    mdd[counted] = (z + _POWER_80) * np.sqrt(spread * (1.0 / n1 + 1.0 / n2))
    return rows_needed, mdd
