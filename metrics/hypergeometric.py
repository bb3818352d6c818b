"""Selection of a fixed number of places: exact limits given how many places there are.

With k places, the number that goes to a group follows Fisher's noncentral hypergeometric law
with one odds ratio; it is the plain hypergeometric law when order and group are unrelated.
Limits of the odds ratio turn into limits of the difference of expected selection rates. They
exclude 0 exactly where the central Fisher test rejects.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from metrics.cells import Floats

REACH = 100.0
STEPS = 60


def _log_binomial(n: float, x: Floats) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1))


def _tails(base: Floats, support: Floats, x: int, log_odds: float) -> tuple[float, float, float]:
    """P(X <= x), P(X >= x) and E[X] at an odds ratio."""
    weight = base + support * log_odds
    weight = np.exp(weight - weight.max())
    weight /= weight.sum()
    upper = float(weight[support >= x].sum())
    return float(weight[support <= x].sum()), upper, float(weight @ support)


def expected_limits(x: int, n: int, k: int, total: int, alpha: float) -> tuple[float, float]:
    """Limits of the expected number of places a group gets.

    Parameters
    ----------
    x
        Places the group got.
    n
        People of the group.
    k
        Places given to anybody.
    total
        People in all.
    alpha
        Error rate; each side gets half.

    Returns
    -------
    low, high : float
        Expected places at the limits of the odds ratio.

    References
    ----------
    Fisher, The logic of inductive inference, Journal of the Royal Statistical Society 98,
    1935. Fay, Biostatistics 11, 2010, section 2 (interval that matches the central test).
    """
    least, most = max(0, k - (total - n)), min(n, k)
    support = np.arange(least, most + 1, dtype=float)
    base = _log_binomial(n, support) + _log_binomial(total - n, k - support)

    def solve(side: int) -> float:
        low, high = -REACH, REACH
        for _ in range(STEPS):
            middle = (low + high) / 2
            tail = _tails(base, support, x, middle)[side]
            # P(X <= x) falls with the odds ratio, P(X >= x) rises.
            beyond = tail < alpha / 2 if side == 0 else tail > alpha / 2
            low, high = (low, middle) if beyond else (middle, high)
        return _tails(base, support, x, (low + high) / 2)[2]

    low = float(least) if x == least else solve(1)
    high = float(most) if x == most else solve(0)
    return low, high


def difference_limits(
    x1: NDArray[np.int64],
    n1: NDArray[np.int64],
    x2: NDArray[np.int64],
    n2: NDArray[np.int64],
    alpha: Floats,
) -> tuple[Floats, Floats]:
    """Limits of the difference of two selection rates when the places are fixed.

    Parameters
    ----------
    x1, n1, x2, n2 : (K,) int
        Places and people of the group and of its comparator.
    alpha : (K,) float
        Error rates.

    Returns
    -------
    low, high : (K,) float
        NaN where a side is empty.
    """
    low, high = np.full(len(x1), np.nan), np.full(len(x1), np.nan)
    for j, (a, n, b, m) in enumerate(zip(*(v.tolist() for v in (x1, n1, x2, n2)), strict=True)):
        if n == 0 or m == 0 or not 0 < alpha[j] < 1:
            continue
        ends = expected_limits(a, n, a + b, n + m, float(alpha[j]))
        low[j], high[j] = (e / n - (a + b - e) / m for e in ends)
    return low, high
