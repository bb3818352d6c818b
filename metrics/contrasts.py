"""Differences of two estimates with a test and an interval at every level.

Welch's t for means, a Student interval for what has a standard error, and limits joined by
square-and-add for what has skew limits of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from metrics.intervals import square_and_add

Floats = NDArray[np.float64]
Limits = tuple[Floats, Floats]
Bar = Callable[[Floats], Limits]

_TINY = 1e-300


@dataclass(frozen=True)
class Test:
    """A difference with its test and its interval at any level, K entries.

    Parameters
    ----------
    value : (K,) float
        Group less comparator.
    p : (K,) float
        Two-sided; NaN where there is no test.
    bar
        Error rates (K,) to limits of the difference; agrees with `p`.
    error : (K,) float
        Standard error of the difference, for planning.
    spread : (K,) float
        Variance of one row of the group, for planning; NaN where it has no meaning.
    """

    __test__ = False

    value: Floats
    p: Floats
    bar: Bar
    error: Floats
    spread: Floats


def t_quantile(df: Floats, alpha: Floats) -> Floats:
    """Upper alpha/2 quantile of Student's t; NaN below one degree of freedom."""
    ok = df > 0
    safe = np.where(ok, df, 1.0)
    return np.asarray(np.where(ok, -stdtrit(safe, np.asarray(alpha) / 2), np.nan))


def welch(
    mean1: Floats, var1: Floats, n1: Floats, mean2: Floats, var2: Floats, n2: Floats
) -> Test:
    """Welch's t test of two means with its interval.

    t = (m1 - m2) / sqrt(v1/n1 + v2/n2), degrees of freedom by Welch and Satterthwaite.

    Parameters
    ----------
    mean1, var1, n1 : (K,) float
        Mean, variance (n - 1 in the denominator) and rows of the group.
    mean2, var2, n2 : (K,) float
        The same of the comparator.

    Returns
    -------
    Test
        NaN where a side has fewer than two rows or neither side varies.

    References
    ----------
    Welch, The generalization of Student's problem when several different population
    variances are involved, Biometrika 34, 1947.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        part1, part2 = var1 / n1, var2 / n2
        error = np.sqrt(part1 + part2)
        df = (part1 + part2) ** 2 / (part1**2 / (n1 - 1) + part2**2 / (n2 - 1))
    value = mean1 - mean2
    ok = (n1 > 1) & (n2 > 1) & (error > 0)
    error = np.where(ok, error, np.nan)
    df = np.where(ok, df, np.nan)
    return student(value, error, df, spread=var1)


def student(value: Floats, error: Floats, df: Floats, *, spread: Floats | None = None) -> Test:
    """Test and interval of an estimate with a standard error on t's scale.

    Parameters
    ----------
    value, error, df : (K,) float
        Estimate, standard error and degrees of freedom; NaN for none.
    spread : (K,) float, optional
        Variance of one row of the group.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.abs(value) / error
    ok = np.isfinite(ratio) & (df > 0)
    p = np.where(ok, 2 * stdtr(np.where(ok, df, 1.0), -np.where(ok, ratio, 0.0)), np.nan)

    def bar(alpha: Floats) -> Limits:
        half = t_quantile(np.where(ok, df, np.nan), alpha) * error
        return value - half, value + half

    nothing = np.full(value.shape, np.nan)
    return Test(value, np.minimum(p, 1.0), bar, error, nothing if spread is None else spread)


def joined(theta1: Floats, limits1: Bar, theta2: Floats, limits2: Bar, error: Floats) -> Test:
    """Difference of two independent estimates with limits of their own at every level.

    The bar joins the limits by square-and-add; p is the level at which it touches 0, found by
    bisection on log alpha, so that test and bar agree.

    Parameters
    ----------
    theta1, theta2 : (K,) float
        The estimates, NaN for none.
    limits1, limits2
        Their limits at error rates (K,).
    error : (K,) float
        Standard error of the difference, for planning.

    References
    ----------
    Zou, Donner, Construction of confidence limits about effect measures, Statistics in
    Medicine 27, 2008.
    """
    value = theta1 - theta2

    def bar(alpha: Floats) -> Limits:
        return square_and_add(theta1, *limits1(alpha), theta2, *limits2(alpha))

    low, high = np.full(value.shape, np.log(_TINY)), np.zeros(value.shape)
    for _ in range(45):
        middle = (low + high) / 2
        lower, upper = bar(np.exp(middle))
        covers = (lower <= 0) & (upper >= 0)
        low, high = np.where(covers, middle, low), np.where(covers, high, middle)
    p = np.where(value == 0, 1.0, np.exp(high))
    lower, _ = bar(np.full(value.shape, 0.5))
    p = np.where(np.isfinite(value) & np.isfinite(lower), np.minimum(p, 1.0), np.nan)
    return Test(value, p, bar, error, np.full(value.shape, np.nan))
