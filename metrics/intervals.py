"""Confidence intervals for rates, for differences of two rates and for their ratios.

Pointwise intervals of single rates are Wilson's. Differences join the Jeffreys limits of
two rates by square-and-add: at the small levels a report with many comparisons needs,
Newcombe's Wilson-based form covers too little.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, ndtri

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def wilson(x: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Wilson score limits of a rate.

    (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), z the normal quantile.

    Parameters
    ----------
    x : array_like of int
        Numerator counts.
    n : array_like of int
        Denominator counts, broadcast against `x`.
    level : float
        Coverage of the interval, in (0, 1).

    Returns
    -------
    low, high : ndarray
        Limits in [0, 1]; NaN where `n` is 0.

    References
    ----------
    Wilson, Probable inference, the law of succession, and statistical inference,
    Journal of the American Statistical Association 22, 1927.
    """
    counts, totals = _counts(x, n)
    z2 = float(ndtri((1.0 + level) / 2.0)) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = counts / totals
        middle = rate + z2 / (2.0 * totals)
        half = np.sqrt(z2 * (rate * (1.0 - rate) / totals + z2 / (4.0 * totals**2)))
        shrink = 1.0 + z2 / totals
        low = np.where(counts == 0, 0.0, (middle - half) / shrink)
        high = np.where(counts == totals, 1.0, (middle + half) / shrink)
    undefined = totals == 0
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)


def jeffreys(x: ArrayLike, n: ArrayLike, alpha: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Jeffreys limits of a rate at level alpha.

    l = BetaInv(alpha/2; x + 1/2, n - x + 1/2), 0 if x = 0;
    u = BetaInv(1 - alpha/2; x + 1/2, n - x + 1/2), 1 if x = n.

    Parameters
    ----------
    x : array_like of int
        Numerator counts.
    n : array_like of int
        Denominator counts, broadcast against `x`.
    alpha : array_like of float
        Error rate of the interval in (0, 1); may differ from entry to entry.

    Returns
    -------
    low, high : ndarray
        Limits in [0, 1]; 0 and 1 where `n` is 0.

    References
    ----------
    Brown, Cai, DasGupta, Interval estimation for a binomial proportion, Statistical
    Science 16, 2001, section 4.1.2.
    """
    counts, totals = _counts(x, n)
    half = np.asarray(alpha, dtype=np.float64) / 2.0
    yes, no = counts + 0.5, totals - counts + 0.5
    low = np.where(counts == 0, 0.0, betaincinv(yes, no, half))
    # The upper limit of successes is one minus the lower limit of failures, which keeps
    # full precision when alpha is far below the spacing of floats near 1.
    high = np.where(counts == totals, 1.0, 1.0 - betaincinv(no, yes, half))
    return low, high


def square_and_add(
    p1: ArrayLike,
    l1: ArrayLike,
    u1: ArrayLike,
    p2: ArrayLike,
    l2: ArrayLike,
    u2: ArrayLike,
) -> tuple[FloatArray, FloatArray]:
    """Limits of the difference p1 - p2 from the limits of its two parts.

    lo = d - sqrt((p1 - l1)^2 + (u2 - p2)^2), hi = d + sqrt((u1 - p1)^2 + (p2 - l2)^2).

    Parameters
    ----------
    p1, l1, u1 : array_like of float
        Estimate and limits of the first part.
    p2, l2, u2 : array_like of float
        Estimate and limits of the second, independent part.

    Returns
    -------
    low, high : ndarray
        Limits of the difference at the level of the given limits.

    References
    ----------
    Newcombe, Interval estimation for the difference between independent proportions,
    Statistics in Medicine 17, 1998, method 10 (there with Wilson limits).
    """
    first, low1, high1 = (np.asarray(v, dtype=np.float64) for v in (p1, l1, u1))
    second, low2, high2 = (np.asarray(v, dtype=np.float64) for v in (p2, l2, u2))
    gap = first - second
    return (
        np.asarray(gap - np.hypot(first - low1, high2 - second)),
        np.asarray(gap + np.hypot(high1 - first, second - low2)),
    )


def log_ratio(
    x1: ArrayLike, n1: ArrayLike, x0: ArrayLike, n0: ArrayLike, level: float = 0.95
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Ratio of two rates with limits on the log scale.

    exp(ln RR -+ z sqrt(1/x1 - 1/n1 + 1/x0 - 1/n0)). Half a person is added to each of the
    four counts (chosen and not chosen, in both groups) where a numerator is 0 or where
    everybody was chosen in both groups, since the formula has no value or no width there.

    Parameters
    ----------
    x1, n1 : array_like of int
        Numerator and denominator of the group.
    x0, n0 : array_like of int
        Numerator and denominator of the comparator.
    level : float
        Coverage of the interval, in (0, 1).

    Returns
    -------
    ratio, low, high : ndarray
        The ratio and its limits, positive; NaN where a denominator is 0. The ratio is that
        of the unadjusted counts unless a numerator is 0.
    adjusted : ndarray of bool
        Where half a person was added.

    References
    ----------
    Katz, Baptista, Azen, Pike, Obtaining confidence intervals for the risk ratio in cohort
    studies, Biometrics 34, 1978, method C.
    """
    a, n_a = _counts(x1, n1)
    c, n_c = _counts(x0, n0)
    a, n_a, c, n_c = np.broadcast_arrays(a, n_a, c, n_c)
    empty = (a == 0) | (c == 0)
    adjusted = empty | ((a == n_a) & (c == n_c))
    undefined = (n_a == 0) | (n_c == 0)
    half = np.where(adjusted, 0.5, 0.0)
    z = float(ndtri((1.0 + level) / 2.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        yes1, all1, yes0, all0 = a + half, n_a + 2 * half, c + half, n_c + 2 * half
        middle = np.log(yes1 / all1) - np.log(yes0 / all0)
        spread = z * np.sqrt(1 / yes1 - 1 / all1 + 1 / yes0 - 1 / all0)
        ratio = np.where(empty, np.exp(middle), (a / n_a) / (c / n_c))
    low, high = np.exp(middle - spread), np.exp(middle + spread)
    limits = [np.where(undefined, np.nan, v) for v in (ratio, low, high)]
    return limits[0], limits[1], limits[2], np.asarray(adjusted & ~undefined)


def _counts(x: ArrayLike, n: ArrayLike) -> tuple[FloatArray, FloatArray]:
    counts, totals = np.asarray(x, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if np.any(counts < 0) or np.any(counts > totals):
        raise ValueError("a count lies outside 0 to its denominator")
    return counts, totals
