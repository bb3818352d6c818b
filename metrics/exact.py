"""Exact intervals and tests of counts: Clopper-Pearson, McNemar, one table per stratum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, betaincinv, gammaln

Floats = NDArray[np.float64]


def clopper_pearson(x: ArrayLike, n: ArrayLike, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Clopper-Pearson limits of a rate.

    l = BetaInv(a/2; x, n - x + 1), 0 if x = 0; u = BetaInv(1 - a/2; x + 1, n - x), 1 if x = n;
    a = 1 - level.

    Parameters
    ----------
    x, n : array_like of int
        Numerator and denominator counts, broadcast against each other.
    level : float
        Coverage of the interval, in (0, 1); reached at least, whatever the rate.

    Returns
    -------
    low, high : ndarray
        Limits in [0, 1]; NaN where `n` is 0.

    Raises
    ------
    ValueError
        A count lies outside 0 to its denominator.

    References
    ----------
    Clopper, Pearson, The use of confidence or fiducial limits illustrated in the case of the
    binomial, Biometrika 26, 1934.
    """
    counts, totals = np.broadcast_arrays(
        np.asarray(x, dtype=np.float64), np.asarray(n, dtype=np.float64)
    )
    if np.any(counts < 0) or np.any(counts > totals):
        raise ValueError("a count lies outside 0 to its denominator")
    half = (1.0 - level) / 2.0
    inner, rest = counts > 0, totals - counts
    low = np.where(inner, betaincinv(np.where(inner, counts, 1.0), rest + 1.0, half), 0.0)
    inner = rest > 0
    high = np.where(inner, 1.0 - betaincinv(np.where(inner, rest, 1.0), counts + 1.0, half), 1.0)
    undefined = totals == 0
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)


def mcnemar(up: ArrayLike, down: ArrayLike) -> Floats:
    """Exact two-sided McNemar p-values: is the net change zero?

    p = min(1, 2 P(X <= min(up, down))), X ~ Binomial(up + down, 1/2).

    Parameters
    ----------
    up, down : array_like of int
        Rows that changed one way and the other.

    Returns
    -------
    ndarray of float
        p-values in (0, 1]; 1 where no row changed.

    References
    ----------
    McNemar, Note on the sampling error of the difference between correlated proportions,
    Psychometrika 12, 1947 (here with the binomial in place of its chi-square).
    """
    first, second = np.broadcast_arrays(np.asarray(up), np.asarray(down))
    total = (first + second).astype(np.int64)
    least = np.minimum(first, second).astype(np.float64)
    return np.asarray(np.minimum(1.0, 2.0 * bdtr(least, total, 0.5)))


def stratified(x1: ArrayLike, n1: ArrayLike, x0: ArrayLike, n0: ArrayLike) -> float | None:
    """Exact central two-sided p-value that two groups share a rate in every stratum.

    The sum of the group's counts given all margins is a sum of independent hypergeometric
    counts; p = min(1, 2 min(P(S <= s), P(S >= s))). With one stratum this is Fisher's test.

    Parameters
    ----------
    x1, n1 : array_like of int, shape (S,)
        Count and size of the group in each stratum.
    x0, n0 : array_like of int, shape (S,)
        Count and size of the comparator in each stratum.

    Returns
    -------
    float or None
        None where no stratum holds both groups and both outcomes.

    References
    ----------
    Gart, Point and interval estimation of the common odds ratio in the combination of 2 x 2
    tables with fixed marginals, Biometrika 57, 1970.
    """
    arrays = [np.asarray(v, dtype=np.int64).ravel() for v in (x1, n1, x0, n0)]
    a, size1, c, size0 = arrays
    hits, total = a + c, size1 + size0
    keep = (size1 > 0) & (size0 > 0) & (hits > 0) & (hits < total)
    if not keep.any():
        return None
    law = np.ones(1)
    seen = 0
    for x, n, k, m in zip(a[keep], size1[keep], hits[keep], size0[keep], strict=True):
        law = np.convolve(law, _hypergeometric(int(n), int(k), int(m)))
        seen += int(x) - max(0, int(k) - int(m))
    law /= law.sum()
    return float(min(1.0, 2.0 * min(law[: seen + 1].sum(), law[seen:].sum())))


def _hypergeometric(n: int, hits: int, rest: int) -> Floats:
    """Probabilities of every possible count among `n` when `hits` are in `n + rest` rows."""
    x = np.arange(max(0, hits - rest), min(n, hits) + 1, dtype=np.float64)
    log = -(gammaln(x + 1) + gammaln(n - x + 1) + gammaln(hits - x + 1))
    log -= gammaln(rest - hits + x + 1)
    law = np.exp(log - log.max())
    return np.asarray(law / law.sum())
