"""The largest gap over many subgroups beside what shuffling inside them gives.

Inside a subgroup that holds n_g people of group g, m of them with the outcome, shuffling the
decisions makes the counts multivariate hypergeometric, so a thousand shuffles of any number of
rows are a thousand small tables.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from metrics import intervals

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Places = NDArray[np.intp]

BLOCK = 4_000_000
"""Numbers held at a time while drawing."""
MOST_GROUPS = 12
"""Groups compared inside one subgroup: its largest; their pairs grow with the square."""


@dataclass(frozen=True)
class Pairs:
    """Every comparison of two groups inside a subgroup, m of them over J subgroups.

    Attributes
    ----------
    hits, totals : (J, G) int64
        Numerators and denominators of the groups that are compared, 0 for the others.
    cell, first, second : (m,) int
        Subgroup and its two groups.
    gap : (m,) float
        Rate of the first less rate of the second.
    chance : (m,) float
        Standard deviation of the gap when decisions are shuffled inside the subgroup.
    """

    hits: Counts
    totals: Counts
    cell: Places
    first: Places
    second: Places
    gap: Floats
    chance: Floats

    def __len__(self) -> int:
        """Return the number of comparisons."""
        return len(self.cell)

    def bars(self, alpha: float) -> tuple[Floats, Floats]:
        """Limits of every gap at level alpha, Jeffreys limits joined by square-and-add."""
        low, high = intervals.jeffreys(self.hits, self.totals, alpha)
        rate = _rates(self.hits, self.totals)
        one, two = (self.cell, self.first), (self.cell, self.second)
        return intervals.square_and_add(
            rate[one], low[one], high[one], rate[two], low[two], high[two]
        )


@dataclass(frozen=True)
class Worst:
    """The comparison that stands out most, beside the same search on shuffled decisions.

    Attributes
    ----------
    place : int
        Position among the pairs.
    gap, null_mean, null_p95 : float
        Absolute gap found, and mean and 95 % point of what the search finds after shuffling.
    p : float
        (1 + shuffles that stand out at least as much) / (1 + shuffles).
    draws : int
        Number of shuffles.
    """

    place: int
    gap: float
    null_mean: float
    null_p95: float
    p: float
    draws: int


def pairs(
    rows: Counts, hits: Counts, totals: Counts, *, floor: int, denominator_floor: int
) -> Pairs:
    """Comparisons between the groups of each subgroup that have enough rows.

    Parameters
    ----------
    rows, hits, totals : (J, G) int64
        People of each group in each subgroup, and numerator and denominator of the metric.
    floor, denominator_floor
        Rows and denominator that either side needs.
    """
    enough = (rows >= floor) & (totals >= max(denominator_floor, 1))
    if enough.shape[1] > MOST_GROUPS:
        size = np.where(enough, totals, -1)
        rank = np.argsort(np.argsort(-size, axis=1, kind="stable"), axis=1, kind="stable")
        enough &= rank < MOST_GROUPS
    enough &= enough.sum(axis=1, keepdims=True) > 1
    hits, totals = np.where(enough, hits, 0), np.where(enough, totals, 0)
    one, two = np.triu_indices(rows.shape[1], k=1)
    cell, which = np.nonzero(enough[:, one] & enough[:, two])
    first, second = one[which], two[which]
    everyone = totals.sum(axis=1).astype(np.float64)
    share = _rates(hits.sum(axis=1), totals.sum(axis=1))[cell]
    # Sampling without replacement: the finite population factor is N / (N - 1).
    spread = share * (1.0 - share) * everyone[cell] / np.maximum(everyone[cell] - 1.0, 1.0)
    rate = _rates(hits, totals)
    return Pairs(
        hits=hits,
        totals=totals,
        cell=cell,
        first=first,
        second=second,
        gap=rate[cell, first] - rate[cell, second],
        chance=np.sqrt(spread * (1.0 / totals[cell, first] + 1.0 / totals[cell, second])),
    )


def margin(compared: Pairs, *, level: float, rank: str) -> Floats:
    """Return what is taken off each gap before the largest is chosen.

    Parameters
    ----------
    compared
        The comparisons.
    level
        Error rate of the section.
    rank
        ``"supported"``: z chance, z the normal quantile at level / 2m; ``"raw"``: nothing.
    """
    if rank == "raw":
        return np.zeros(len(compared))
    z = -float(ndtri(level / (2.0 * max(len(compared), 1))))
    # A subgroup in which everybody is decided alike can neither stand out nor be shuffled.
    return np.where(compared.chance > 0, z * compared.chance, np.inf)


def worst(
    compared: Pairs,
    *,
    level: float,
    rank: str,
    rng: np.random.Generator,
    draws: int,
    least: int | None = None,
    claim: float = 1.0,
) -> Worst:
    """Find the comparison that stands out most and shuffle inside the subgroups.

    Parameters
    ----------
    compared
        At least one comparison.
    level, rank
        As in `margin`.
    rng, draws
        Random stream and number of shuffles.
    least, claim
        After `least` shuffles, stop as soon as no further one could bring p down to `claim`:
        what is said does not change, and p is then known more coarsely. None never stops.
    """
    off = margin(compared, level=level, rank=rank)
    if not np.isfinite(off).any():
        return Worst(place=0, gap=0.0, null_mean=0.0, null_p95=0.0, p=1.0, draws=draws)
    over = np.abs(compared.gap) - off
    place = int(np.argmax(over))
    informed = np.flatnonzero(np.isfinite(off))
    used, cell = np.unique(compared.cell[informed], return_inverse=True)
    hits, totals = compared.hits[used], compared.totals[used]
    one = cell * totals.shape[1] + compared.first[informed]
    two = cell * totals.shape[1] + compared.second[informed]
    gaps = np.empty(draws)
    step = max(1, BLOCK // max(totals.size, informed.size))
    first = draws if least is None else min(least, draws)
    done = reached = 0
    while done < draws:
        if done >= first and 1 + reached > claim * (draws + 1):
            break
        start, size = done, min(step, (first if done < first else draws) - done)
        rate = _rates(shuffled(hits, totals, rng, size), totals).reshape(size, -1)
        gap = np.abs(rate[:, one] - rate[:, two])
        shown = gap - off[informed]
        at = shown.argmax(axis=1)
        row = np.arange(size)
        gaps[start : start + size] = gap[row, at]
        reached += int((shown[row, at] >= over[place] - 1e-12).sum())
        done += size
    return Worst(
        place=place,
        gap=float(abs(compared.gap[place])),
        null_mean=float(gaps[:done].mean()),
        null_p95=float(np.quantile(gaps[:done], 0.95)),
        p=(1 + reached) / (done + 1),
        draws=done,
    )


def shuffled(hits: Counts, totals: Counts, rng: np.random.Generator, draws: int) -> Counts:
    """Numerators after shuffling decisions inside each subgroup.

    Parameters
    ----------
    hits, totals : (J, G) int64
        Numerators and denominators.
    rng, draws
        Random stream and number of shuffles.

    Returns
    -------
    (draws, J, G) int64
        Multivariate hypergeometric given the denominators and each subgroup's sum.
    """
    out = np.zeros((draws, *totals.shape), dtype=np.int64)
    left = np.broadcast_to(hits.sum(axis=1), (draws, len(totals))).copy()
    rest = totals.sum(axis=1)
    for group in range(totals.shape[1] - 1):
        own = totals[:, group]
        rest = rest - own
        at = np.flatnonzero(own)
        if at.size:
            drawn = rng.hypergeometric(own[at], rest[at], left[:, at])
            out[:, at, group] = drawn
            left[:, at] -= drawn
    out[:, :, -1] = left
    return out


def _rates(hits: Counts, totals: Counts) -> Floats:
    return np.asarray(hits / np.maximum(totals, 1))
