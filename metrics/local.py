"""Gaps between groups inside regions of a population, and how large chance alone makes the worst.

A region is a part of the people described by their columns, never by their group. Regions come in
families: declared ones, quantile bins of single columns, one found by a tree on half of the rows
and measured on the other half, and random ones as a control.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from metrics.intervals import jeffreys, square_and_add
from metrics.local_families import LEAST, Family
from metrics.subgroup_null import shuffled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

DRAWS = 999
BLOCK = 2_000_000
"""Numbers held at a time while shuffling."""


@dataclass(frozen=True)
class Gap:
    """Largest difference between two groups inside one region.

    Attributes
    ----------
    region
        In words.
    n
        Rows of each group that count in the rate, G of them.
    less, more
        Groups with the lowest and the highest rate.
    gap, low, high
        Rate of `more` less rate of `less`, with its interval.
    """

    region: str
    n: tuple[int, ...]
    less: int
    more: int
    gap: float
    low: float
    high: float


@dataclass(frozen=True)
class Local:
    """Gaps of one family, and the worst of them beside what shuffling gives.

    Attributes
    ----------
    family
        Its name.
    gaps
        Regions in which at least two groups have enough rows, the widest gap first.
    left_out
        Regions with too few rows.
    worst
        Widest gap, None if there is none.
    null_mean, null_p95
        Mean and 95 % point of the widest gap when outcomes are shuffled between the groups
        inside every region.
    p
        (1 + shuffles at least as wide) / (1 + shuffles).
    draws
        Number of shuffles.
    """

    family: str
    gaps: tuple[Gap, ...]
    left_out: int
    worst: float | None = None
    null_mean: float | None = None
    null_p95: float | None = None
    p: float | None = None
    draws: int = 0

    @property
    def excess(self) -> float | None:
        """Widest gap less what chance gives on average."""
        if self.worst is None or self.null_mean is None:
            return None
        return self.worst - self.null_mean


def measure(
    family: Family,
    group: NDArray[Any],
    hit: NDArray[Any],
    counted: NDArray[Any],
    groups: int,
    *,
    rng: np.random.Generator,
    least: int = LEAST,
    alpha: float = 0.05,
    draws: int = DRAWS,
) -> Local:
    """Measure every region and shuffle.

    In a region with counts x_g of n_g, the gap is max_g x_g/n_g - min_g x_g/n_g over the groups
    with n_g >= `least`. Its interval joins the Jeffreys limits of the two rates by
    square-and-add, at `alpha` divided by the number of pairs of groups compared there, since
    the two are chosen. Shuffling inside a region makes its counts multivariate
    hypergeometric. Layers are shuffled independently of each other: where regions of
    several layers overlap, the null of the widest gap is an upper bound.

    Parameters
    ----------
    family
        Regions of the n rows.
    group : (n,) int
        Group, -1 unknown.
    hit, counted : (n,) bool
        Whether the row is in the numerator and in the denominator of the rate.
    groups
        Number of groups G.
    rng
        Random stream of the shuffles.
    least, alpha, draws
        Fewest rows of a group, error rate of an interval, number of shuffles.

    Returns
    -------
    Local
        Without a worst gap where no region has two groups with enough rows.

    References
    ----------
    Newcombe, Interval estimation for the difference between independent proportions,
    Statistics in Medicine 17, 1998 (square-and-add). Phipson, Smyth, Permutation p-values
    should never be zero, Statistical Applications in Genetics and Molecular Biology 9, 2010.
    """
    hits, totals = counts(family, group, hit, counted, groups)
    enough = totals >= max(least, 1)
    regions = np.flatnonzero(enough.sum(axis=1) >= 2)
    met = int((totals.sum(axis=1) > 0).sum())
    if regions.size == 0:
        return Local(family.name, (), met)
    hits, totals, enough = hits[regions], totals[regions], enough[regions]
    gaps = _gaps([family.words[j] for j in regions], hits, totals, enough, alpha)
    worst = max(gap.gap for gap in gaps)
    null = _null(np.where(enough, hits, 0), np.where(enough, totals, 0), rng, draws)
    return Local(
        family=family.name,
        gaps=tuple(sorted(gaps, key=lambda gap: -gap.gap)),
        left_out=met - regions.size,
        worst=worst,
        null_mean=float(null.mean()) if draws else None,
        null_p95=float(np.quantile(null, 0.95)) if draws else None,
        p=(1 + int((null >= worst - 1e-12).sum())) / (1 + draws) if draws else None,
        draws=draws,
    )


def counts(
    family: Family,
    group: NDArray[Any],
    hit: NDArray[Any],
    counted: NDArray[Any],
    groups: int,
) -> tuple[Ints, Ints]:
    """Numerators and denominators, (J, G), of the groups in every region."""
    size = len(family) * groups
    known = np.asarray(counted, dtype=bool) & (np.asarray(group) >= 0)
    hits, totals = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    for layer in family.layers:
        inside = known & (layer >= 0)
        cell = layer[inside] * groups + np.asarray(group)[inside].astype(np.int64)
        totals += np.bincount(cell, minlength=size)
        hits += np.bincount(cell[np.asarray(hit, dtype=bool)[inside]], minlength=size)
    return hits.reshape(-1, groups), totals.reshape(-1, groups)


def _gaps(words: Sequence[str], hits: Ints, totals: Ints, enough: Mask, alpha: float) -> list[Gap]:
    rate = np.where(enough, hits / np.maximum(totals, 1), np.nan)
    more, less = np.nanargmax(rate, axis=1), np.nanargmin(rate, axis=1)
    # Where all rates are equal both are the first; the second group is then the other end.
    other = np.argmax(enough & (np.arange(enough.shape[1]) != more[:, None]), axis=1)
    less = np.where(more == less, other, less)
    k = enough.sum(axis=1)
    low, high = jeffreys(hits, totals, (alpha / (k * (k - 1) / 2))[:, None])
    row = np.arange(len(words))
    one, two = (row, more), (row, less)
    bottom, top = square_and_add(rate[one], low[one], high[one], rate[two], low[two], high[two])
    return [
        Gap(
            region=words[j],
            n=tuple(int(v) for v in totals[j]),
            less=int(less[j]),
            more=int(more[j]),
            gap=float(rate[j, more[j]] - rate[j, less[j]]),
            low=float(bottom[j]),
            high=float(top[j]),
        )
        for j in range(len(words))
    ]


def _null(hits: Ints, totals: Ints, rng: np.random.Generator, draws: int) -> Floats:
    """Widest gap of each shuffle."""
    out = np.empty(draws)
    step = max(1, BLOCK // totals.size)
    empty = totals == 0
    for start in range(0, draws, step):
        size = min(step, draws - start)
        rate = shuffled(hits, totals, rng, size) / np.maximum(totals, 1)
        top = np.where(empty, -np.inf, rate).max(axis=2)
        bottom = np.where(empty, np.inf, rate).min(axis=2)
        out[start : start + size] = (top - bottom).max(axis=1)
    return out


def rank_gap(
    family: Family,
    group: NDArray[Any],
    score: Floats,
    counted: NDArray[Any],
    groups: int,
    *,
    least: int = LEAST,
) -> float:
    """Widest difference between two groups in mean rank, over all regions.

    Ranks are those of `score` among all n rows over n, ties sharing their mean; no threshold
    is involved.

    Parameters
    ----------
    family, group, counted, groups, least
        As in `measure`.
    score : (n,) float
        Finite scores.

    Returns
    -------
    float
        NaN where no region has two groups with enough rows.
    """
    rank = rankdata(score) / max(len(score), 1)
    size = len(family) * groups
    known = np.asarray(counted, dtype=bool) & (np.asarray(group) >= 0)
    total, n = np.zeros(size), np.zeros(size, dtype=np.int64)
    for layer in family.layers:
        inside = known & (layer >= 0)
        cell = layer[inside] * groups + np.asarray(group)[inside].astype(np.int64)
        n += np.bincount(cell, minlength=size)
        total += np.bincount(cell, weights=rank[inside], minlength=size)
    sizes, totals = n.reshape(-1, groups), total.reshape(-1, groups)
    enough = sizes >= max(least, 1)
    regions = enough.sum(axis=1) >= 2
    if not regions.any():
        return float("nan")
    mean = totals[regions] / np.maximum(sizes[regions], 1)
    top = np.where(enough[regions], mean, -np.inf).max(axis=1)
    return float((top - np.where(enough[regions], mean, np.inf).min(axis=1)).max())


def score_sd(score: Floats) -> float:
    """Standard deviation of scores on [0, 1]; near 0 where everybody is scored alike."""
    return float(np.std(score)) if len(score) else 0.0
