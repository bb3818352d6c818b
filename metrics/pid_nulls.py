"""Tables as they would look if a part of the disparity were not there.

Counts of strata have the axes (stratum, group z, site s, decision y); drawn tables come first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metrics.cells import Floats

# Largest population numpy draws hypergeometric counts from.
EXACT_BELOW = 10**9
_EM_STEPS = 500
_EM_CHANGE = 1e-10


def shuffled(
    rows: NDArray[np.int64], columns: NDArray[np.int64], *, rng: np.random.Generator, draws: int
) -> Floats:
    """Tables of two variables after one of them was shuffled over the people.

    Parameters
    ----------
    rows : (..., a) int64
        Margin of the first variable.
    columns : (..., b) int64
        Margin of the second, with the same totals.
    rng, draws
        Random stream and number of tables.

    Returns
    -------
    (draws, ..., a, b) float64
        Counts with both margins kept.
    """
    a, b = rows.shape[-1], columns.shape[-1]
    left = np.broadcast_to(columns, (draws, *columns.shape)).copy()
    out = np.empty((*left.shape[:-1], a, b))
    for i in range(a - 1):
        need = np.broadcast_to(rows[..., i], left.shape[:-1]).copy()
        rest = left.sum(axis=-1)
        for j in range(b):
            rest -= left[..., j]
            taken = need if j == b - 1 else rng.hypergeometric(left[..., j], rest, need)
            out[..., i, j] = taken
            need = need - taken
        left -= out[..., i, :].astype(np.int64)
    out[..., a - 1, :] = left
    return out


def multinomial(shares: Floats, *, n: int, rng: np.random.Generator, draws: int) -> Floats:
    """Tables of `n` people drawn from `shares`, which may have any shape and scale.

    Returns
    -------
    (draws, *shares.shape) float64
        Counts.
    """
    flat = np.maximum(shares.ravel(), 0.0)
    drawn = rng.multinomial(n, flat / flat.sum(), size=draws)
    return np.asarray(drawn.reshape(draws, *shares.shape), dtype=np.float64)


def independent(
    pairs: Floats, *, n: int, exact: bool, rng: np.random.Generator, draws: int
) -> Floats:
    """Tables of two variables that have nothing to do with each other.

    Parameters
    ----------
    pairs : (..., a, b)
        Observed counts or sums of weights, one table for each stratum.
    n
        People in all strata together; the effective number with weights.
    exact
        Keep both margins of every stratum (a permutation). Else margins vary as in a sample.
    rng, draws
        Random stream and number of tables.

    Returns
    -------
    (draws, ..., a, b) float64
        Counts.
    """
    rows, columns = pairs.sum(axis=-1), pairs.sum(axis=-2)
    if exact and n < EXACT_BELOW:
        return shuffled(rows.astype(np.int64), columns.astype(np.int64), rng=rng, draws=draws)
    total = np.maximum(rows.sum(axis=-1), np.finfo(float).tiny)[..., None, None]
    law = rows[..., :, None] * columns[..., None, :] / total
    return multinomial(law, n=n, rng=rng, draws=draws)


def through_site(shares: Floats) -> Floats:
    """Nearest law in which the group reaches the decision through the site only.

    p(z,s) K(yh|s), K the maximum likelihood fit of p(yh|z) = sum_s p(s|z) K(yh|s) by
    expectation maximisation. No information in it is unique to the decision.

    Parameters
    ----------
    shares : (z, s, y) float64
        Observed counts or shares.

    Returns
    -------
    (z, s, y) float64
        On the scale of `shares`.
    """
    pairs, decided = shares.sum(axis=2), shares.sum(axis=1)
    groups = pairs.sum(axis=1, keepdims=True)
    sites = np.divide(pairs, groups, out=np.zeros_like(pairs), where=groups > 0)
    by_site = shares.sum(axis=0)
    total = by_site.sum(axis=1, keepdims=True)
    even = np.full_like(by_site, 1.0 / shares.shape[2])
    kernel = np.divide(by_site, total, out=even.copy(), where=total > 0)
    # A zero never leaves zero: start strictly inside.
    kernel = 0.99 * kernel + 0.01 / shares.shape[2]
    for _ in range(_EM_STEPS):
        fitted = sites @ kernel
        ratio = np.divide(decided, fitted, out=np.zeros_like(decided), where=fitted > 0)
        grown = kernel * (sites.T @ ratio)
        total = grown.sum(axis=1, keepdims=True)
        changed = np.divide(grown, total, out=even.copy(), where=total > 0)
        done = np.abs(changed - kernel).max() < _EM_CHANGE
        kernel = changed
        if done:
            break
    return np.asarray(pairs[:, :, None] * kernel[None])


def p_value(value: float, null: Floats, *, slack: float = 0.0) -> float:
    """Share of null values at least as large, the observed one counted among them.

    Parameters
    ----------
    value
        Observed.
    null : (draws,) float64
        Drawn.
    slack
        Numerical error of either: values this close count as larger.
    """
    return float((1 + (null >= value - slack).sum()) / (1 + len(null)))
