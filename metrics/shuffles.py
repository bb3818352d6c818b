"""Permutation null of the attention a group gets in one ranked list, from counts of positions.

Under the null the people of the two sides are spread over their positions at random, so the
counts of one side over bins of positions follow a multivariate hypergeometric law.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from metrics.cells import Counts, Floats

# Steps of the search for the best exponent of the tail bound.
STEPS = 60


def null_differences(
    here: Counts, there: Counts, value: Floats, *, rng: np.random.Generator, draws: int
) -> Floats:
    """Differences of mean discounts when the two sides are shuffled.

    Parameters
    ----------
    here, there : (bins,) int64
        People of each side by bin of positions, both sides with at least one.
    value : (bins,) float
        Mean discount of each bin.
    rng, draws
        Random stream and number of shuffles.

    Returns
    -------
    (draws,) float
        Sorted.
    """
    pool = here + there
    used = pool > 0
    n, m = int(here.sum()), int(there.sum())
    drawn = rng.multivariate_hypergeometric(pool[used], n, size=draws, method="marginals")
    total = float(pool[used] @ value[used])
    sums = drawn @ value[used]
    return np.sort(sums / n - (total - sums) / m)


def shuffled_p(difference: float, null: Floats) -> float:
    """Two-sided p: twice the smaller tail, the observed order counted in."""
    # The bins are coarser than the value itself by rounding only.
    slack = 1e-9
    below = int(np.searchsorted(null, difference + slack, side="right"))
    above = len(null) - int(np.searchsorted(null, difference - slack, side="left"))
    return min(1.0, 2.0 * (min(below, above) + 1) / (len(null) + 1))


def shifted_limits(difference: float, null: Floats, alpha: float) -> tuple[float, float]:
    """Shifts of the difference that the shuffles do not reject at `alpha`.

    Beyond the reach of the draws the quantile is carried on at the pace of the normal law.

    Parameters
    ----------
    difference
        Observed.
    null : (draws,) float
        Sorted shuffles.
    alpha
        Error rate; each side gets half.
    """
    return difference - _tail(null, alpha), difference + _tail(-null[::-1], alpha)


def _tail(null: Floats, alpha: float) -> float:
    """Upper alpha/2 point of the null."""
    draws = len(null)
    reach = 10 / (draws + 1)
    share = max(alpha / 2, reach)
    place = min(max(int(np.ceil((1 - share) * (draws + 1))) - 1, 0), draws - 1)
    quantile = float(null[place])
    if alpha / 2 >= reach:
        return quantile
    return quantile * float(ndtri(alpha / 2) / ndtri(reach))


def tail_bound(here: Counts, there: Counts, value: Floats) -> float:
    """Upper bound of the two-sided p when the two sides are shuffled, valid at any size.

    P(S >= s) <= min over t of exp(-t s) E[exp(t V)]^n, V one value drawn from the pool: the
    bound for draws with replacement holds for those without (Hoeffding, theorem 4). It reaches
    the small levels of a large family, which a thousand shuffles cannot.

    Parameters
    ----------
    here, there : (bins,) int64
        People of each side by bin of positions, both sides with at least one.
    value : (bins,) float
        Mean discount of each bin.

    References
    ----------
    Hoeffding, Probability inequalities for sums of bounded random variables, Journal of the
    American Statistical Association 58, 1963, theorem 4.
    """
    pool = here + there
    share = pool / pool.sum()
    used = share > 0
    # Either side tells the same; the bound of the better one holds too.
    return min(
        1.0, *(2 * _chernoff(side, share[used], value[used], used) for side in (here, there))
    )


def _chernoff(side: Counts, share: Floats, value: Floats, used: NDArray[np.bool_]) -> float:
    n = int(side.sum())
    mean = float(side[used] @ value) / n
    centre = float(share @ value)
    away = value - centre if mean >= centre else centre - value
    target, most = abs(mean - centre), float(away.max())
    if target == 0 or most <= 0:
        return 1.0

    def slope(t: float) -> tuple[float, float]:
        tilted = share * np.exp(t * (away - most))
        total = float(tilted.sum())
        return float(tilted @ away) / total, np.log(total) + t * most

    low, high = 0.0, 1.0 / most
    while slope(high)[0] < target and high * most < 1e6:
        high *= 2
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle)[0] < target else (low, middle)
    return float(np.exp(min(n * (slope(low)[1] - low * target), 0.0)))
