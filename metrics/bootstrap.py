"""Multinomial bootstrap over count cells, for functions that have no formula.

Drawing the cells of a table from a multinomial has the same law as resampling its rows when
every measure is a function of the cells, and costs the same for a thousand rows as for a
hundred million.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metrics import rates
from metrics.cells import Counts, Floats

# Groups drawn at a time, which bounds memory at block x slots x draws floats.
BLOCK = 512


def stream(seed: int, name: str) -> np.random.Generator:
    """Random stream of its own for each (seed, name).

    Parameters
    ----------
    seed
        Seed of the audit, at least 0.
    name
        What is drawn, such as ``"bootstrap/SEX"``.
    """
    digest = hashlib.sha256(name.encode()).digest()
    words = np.frombuffer(digest[:16], dtype="<u4")
    return np.random.default_rng(np.random.SeedSequence([seed, *words.tolist()]))


def resample(counts: Counts | Floats, *, rng: np.random.Generator, draws: int) -> Floats:
    """Draw tables with the total of `counts` and its shares as probabilities.

    Parameters
    ----------
    counts : (..., ) int64 or float64
        Cells of any shape; their total is rounded.
    rng, draws
        Random stream and number of tables.

    Returns
    -------
    (..., draws) float64
        Counts of each drawn table, the draw last.
    """
    whole = counts.sum()
    total = int(np.rint(whole))
    shares = counts.ravel() / (whole if whole > 0 else 1)
    drawn = rng.multinomial(total, shares, size=draws)
    return np.ascontiguousarray(drawn.T, dtype=np.float64).reshape(*counts.shape, draws)


def percentile_interval(
    draws: Floats, *, level: float = 0.95, enough: float = 0.9
) -> tuple[Floats, Floats]:
    """Percentile limits along the last axis; sorts `draws` in place.

    Parameters
    ----------
    draws : (..., d) float64
        Values of a measure in each draw, NaN where it was undefined.
    level
        Coverage of the interval.
    enough
        Share of draws that must be defined.

    Returns
    -------
    low, high : (...) float64
        Linearly interpolated quantiles of the defined draws, NaN where too few are.
    """
    d = draws.shape[-1]
    if d == 0:
        nothing = np.full(draws.shape[:-1], np.nan)
        return nothing, nothing.copy()
    draws.sort(axis=-1)
    defined = d - np.isnan(draws).sum(axis=-1) if np.isnan(draws[..., -1]).any() else None
    if defined is None:
        return _quantile(draws, (1 - level) / 2), _quantile(draws, (1 + level) / 2)
    limits = []
    for q in ((1 - level) / 2, (1 + level) / 2):
        place = q * np.maximum(defined - 1, 0)
        left = np.floor(place).astype(np.intp)
        right = np.minimum(left + 1, np.maximum(defined - 1, 0))
        below = np.take_along_axis(draws, left[..., None], axis=-1)[..., 0]
        above = np.take_along_axis(draws, right[..., None], axis=-1)[..., 0]
        value = below + (above - below) * (place - left)
        limits.append(np.where(defined >= enough * d, value, np.nan))
    return limits[0], limits[1]


def _quantile(ranked: Floats, q: float) -> Floats:
    place = q * (ranked.shape[-1] - 1)
    left = int(place)
    below = ranked[..., left]
    if left + 1 == ranked.shape[-1]:
        return np.asarray(below.copy())
    return np.asarray(below + (ranked[..., left + 1] - below) * (place - left))


def draw_values(
    counts: Counts,
    slugs: Sequence[str],
    *,
    rng: np.random.Generator,
    draws: int,
    rest: Counts | None = None,
) -> Floats:
    """Values of measures in each drawn table.

    Parameters
    ----------
    counts : (g, 3, 4) int64
        People of each group by label and decision.
    slugs
        Measures, m of them.
    rng, draws
        Random stream and number of tables.
    rest : (3, 4) int64, optional
        People in no group: they take part in the draw and in the common base rate.

    Returns
    -------
    (m, g, draws) float64
        NaN where a measure is undefined in a draw.
    """
    flat = counts.reshape(len(counts), rates.SLOTS)
    if rest is not None:
        flat = np.concatenate([flat, rest.reshape(1, rates.SLOTS)])
    used = np.asarray(flat.any(axis=0))
    drawn = resample(flat[:, used], rng=rng, draws=draws)
    needed = rates.parts(slugs)
    above, below = (part[used].T.astype(float) for part in rates.masks(needed))
    groups = drawn[: len(counts)]
    rate = rates.divide(above @ groups, below @ groups)
    base = _base(drawn, used) if needed != tuple(slugs) else np.zeros(1)
    by_slug = {slug: rate[:, j] for j, slug in enumerate(needed)}
    return np.stack(rates.assemble(slugs, by_slug, base))


def _base(drawn: Floats, used: NDArray[np.bool_]) -> Floats:
    above, below = (part[used, 0].astype(float) for part in rates.masks(("base-rate",)))
    everybody = drawn.sum(axis=0)
    return rates.divide(above @ everybody, below @ everybody)


def intervals(
    counts: Counts,
    slugs: Sequence[str],
    *,
    rng: np.random.Generator,
    draws: int = 1000,
    rest: Counts | None = None,
    level: float = 0.95,
) -> tuple[Floats, Floats]:
    """Percentile bootstrap intervals of measures in each group.

    Parameters
    ----------
    counts : (g, 3, 4) int64
        People of each group by label and decision.
    slugs
        Measures, m of them.
    rng, draws, rest
        As in `draw_values`.
    level
        Coverage of the intervals, pointwise.

    Returns
    -------
    low, high : (g, m) float64
        NaN where the measure was undefined in more than a tenth of the draws.
    """
    everybody = counts.sum(axis=0) if rest is None else counts.sum(axis=0) + rest
    low, high = [np.zeros((0, len(slugs)))], [np.zeros((0, len(slugs)))]
    for start in range(0, len(counts), BLOCK):
        block = counts[start : start + BLOCK]
        drawn = draw_values(block, slugs, rng=rng, draws=draws, rest=everybody - block.sum(axis=0))
        part = percentile_interval(drawn, level=level)
        low.append(part[0].T)
        high.append(part[1].T)
    return np.concatenate(low), np.concatenate(high)
