"""Critical values of the scan for a change: simulated once, kept as a smooth formula.

`benchmarks.changes` draws the runs again and prints the table below.
"""

from __future__ import annotations

import math

#: By T looks: a, b, c of the critical value a + b u + c u^2 at tail probability p, with
#: u = sqrt(2 ln(1/p)). Fitted to quantiles at p of 0.1 to 0.00005: 4,000,000 years of independent
#: normal runs of equal size up to T = 52, 200,000 above.
LEVELS: dict[int, tuple[float, float, float]] = {
    2: (-0.59462, 1.04026, 0.00146),
    3: (-0.01328, 0.92328, 0.01012),
    4: (0.28696, 0.87714, 0.01197),
    6: (0.66024, 0.81241, 0.01621),
    8: (0.90588, 0.76371, 0.02037),
    12: (1.20596, 0.7093, 0.02465),
    16: (1.40217, 0.6731, 0.02768),
    24: (1.67092, 0.61655, 0.03315),
    36: (1.89947, 0.57895, 0.03574),
    52: (2.10199, 0.54052, 0.03922),
    80: (2.31512, 0.50876, 0.0398),
    122: (2.5378, 0.45009, 0.04816),
    183: (2.65008, 0.47335, 0.04019),
    275: (2.83891, 0.43166, 0.04504),
    366: (2.99558, 0.38411, 0.05086),
}
_GRID = tuple(LEVELS)


def critical(k: int, looks: int, alpha: float) -> float:
    """Return c(K, T): what max over t <= T and j <= t of abs(Z_jt) exceeds with alpha/K.

    Between the stored T the value is linear in ln T, and above them it goes on so, which is a
    little high: c grows more slowly than ln T.

    Parameters
    ----------
    k
        Streams that share the level.
    looks
        T >= 2, runs of the budget.
    alpha
        Error rate of all streams over all looks, in (0, 0.1].

    Raises
    ------
    ValueError
        A number outside these limits.
    """
    if k < 1 or looks < 2 or not 0 < alpha <= 0.1:
        raise ValueError(f"no critical value for {k} streams, {looks} looks, level {alpha}")
    u = math.sqrt(2.0 * math.log(k / alpha))
    above = next((t for t in _GRID if t >= looks), _GRID[-1])
    below = max((t for t in _GRID if t <= looks and t < above), default=_GRID[0])
    if above == below:
        return _at(above, u)
    share = math.log(looks / below) / math.log(above / below)
    return (1.0 - share) * _at(below, u) + share * _at(above, u)


def _at(looks: int, u: float) -> float:
    a, b, c = LEVELS[looks]
    return a + b * u + c * u * u
