"""Counts of two audits and what they say of a rate: the same people twice, or different ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from metrics import compare, intervals, paired, rates, significance
from metrics.cells import Counts, Floats

ALPHA = 0.05

Three = paired.Three


class Evidence(Protocol):
    """Counts of G groups in two audits, and what they say of each rate."""

    def __len__(self) -> int:
        """Return the number of groups."""

    def at(self, where: NDArray[np.int64]) -> Evidence:
        """Return those groups."""

    def rest(self) -> Evidence:
        """Return everybody outside each group."""

    def total(self) -> Evidence:
        """Return all groups as one."""

    def people(self) -> tuple[Counts, Counts]:
        """Rows of each group in the first audit and in the second."""

    def margins(self, slug: str) -> tuple[Counts, Counts, Counts, Counts]:
        """Numerator and denominator in the first audit, then in the second."""

    def rate_p(self, slug: str) -> Floats:
        """p-values that the rate is the same in both."""

    def rate_bar(self, slug: str, alpha: Floats) -> Three:
        """Rate in the second audit less that in the first, with limits."""

    def gap_p(self, other: Evidence, slug: str) -> Floats:
        """p-values that the gap to `other` is the same in both."""

    def gap_bar(self, other: Evidence, slug: str, alpha: Floats) -> Three:
        """Gap in the second audit less that in the first, with limits."""


@dataclass(frozen=True)
class Paired:
    """The same people decided twice.

    Parameters
    ----------
    counts : (G, 3, 4, 4) int64
        People by group, label, first and second decision (`metrics.paired.joint`).
    """

    counts: Counts

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.counts)

    def at(self, where: NDArray[np.int64]) -> Paired:
        """Return those groups."""
        return Paired(self.counts[where])

    def rest(self) -> Paired:
        """Return everybody outside each group."""
        return Paired(self.counts.sum(axis=0) - self.counts)

    def total(self) -> Paired:
        """Return all groups as one."""
        return Paired(self.counts.sum(axis=0, keepdims=True))

    def people(self) -> tuple[Counts, Counts]:
        """Rows of each group, the same twice."""
        n = self.counts.sum(axis=(1, 2, 3))
        return n, n

    def margins(self, slug: str) -> tuple[Counts, Counts, Counts, Counts]:
        """Numerator and denominator in the first audit, then in the second."""
        return paired.margins(paired.nine(self.counts, slug))

    def rate_p(self, slug: str) -> Floats:
        """Exact McNemar p-values, or of Z where the denominators differ."""
        return paired.change_p(paired.nine(self.counts, slug), slug)

    def rate_bar(self, slug: str, alpha: Floats) -> Three:
        """Paired difference with limits."""
        return paired.difference(paired.nine(self.counts, slug), slug, alpha)

    def gap_p(self, other: Evidence, slug: str) -> Floats:
        """p-values of two paired differences."""
        return paired.gap_change_p(*self._both(other, slug), slug)

    def gap_bar(self, other: Evidence, slug: str, alpha: Floats) -> Three:
        """Difference of two paired differences with limits."""
        return paired.gap_change(*self._both(other, slug), slug, alpha)

    def _both(self, other: Evidence, slug: str) -> tuple[Counts, Counts]:
        if not isinstance(other, Paired):
            raise TypeError("people of one audit are compared with people of another")
        return paired.nine(self.counts, slug), paired.nine(other.counts, slug)


@dataclass(frozen=True)
class Apart:
    """Different people in each audit.

    Parameters
    ----------
    first, second : (G, 3, 4) int64
        People by group, label and decision.
    """

    first: Counts
    second: Counts

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.first)

    def at(self, where: NDArray[np.int64]) -> Apart:
        """Return those groups."""
        return Apart(self.first[where], self.second[where])

    def rest(self) -> Apart:
        """Return everybody outside each group."""
        return Apart(*(side.sum(axis=0) - side for side in (self.first, self.second)))

    def total(self) -> Apart:
        """Return all groups as one."""
        return Apart(*(side.sum(axis=0, keepdims=True) for side in (self.first, self.second)))

    def people(self) -> tuple[Counts, Counts]:
        """Rows of each group in the first audit and in the second."""
        return self.first.sum(axis=(1, 2)), self.second.sum(axis=(1, 2))

    def margins(self, slug: str) -> tuple[Counts, Counts, Counts, Counts]:
        """Numerator and denominator in the first audit, then in the second."""
        (x1, n1), (x2, n2) = (rates.tally(side, (slug,)) for side in (self.first, self.second))
        return x1[..., 0], n1[..., 0], x2[..., 0], n2[..., 0]

    def rate_p(self, slug: str) -> Floats:
        """Fisher's exact p-values."""
        x1, n1, x2, n2 = self.margins(slug)
        known = (n1 > 0) & (n2 > 0)
        out = np.full(known.shape, np.nan)
        out[known] = significance.fisher_central(x2[known], n2[known], x1[known], n1[known])
        return out

    def rate_bar(self, slug: str, alpha: Floats) -> Three:
        """Difference of independent rates, Jeffreys limits by square-and-add."""
        return apart_bar(*self.margins(slug), alpha)

    def gap_p(self, other: Evidence, slug: str) -> Floats:
        """Z = change / sqrt of four variances q (1 - q) / (n + 2), q = (x + 1) / (n + 2)."""
        x1, n1, x2, n2 = self.margins(slug)
        y1, m1, y2, m2 = other.margins(slug)
        change = rates.divide(x2, n2) - rates.divide(x1, n1)
        change = change - (rates.divide(y2, m2) - rates.divide(y1, m1))
        spread = _variance(x1, n1) + _variance(x2, n2) + _variance(y1, m1) + _variance(y2, m2)
        return np.asarray(2 * ndtr(-np.abs(change) / np.sqrt(spread)))

    def gap_bar(self, other: Evidence, slug: str, alpha: Floats) -> Three:
        """Change of a gap: limits of all four rates by square-and-add."""
        own, low, high = self.rate_bar(slug, alpha)
        across, l2, h2 = other.rate_bar(slug, alpha)
        low, high = intervals.square_and_add(own, low, high, across, l2, h2)
        return np.asarray(own - across), np.maximum(low, -2.0), np.minimum(high, 2.0)


def apart_bar(x1: Counts, n1: Counts, x2: Counts, n2: Counts, alpha: Floats) -> Three:
    known = (n1 > 0) & (n2 > 0)
    value, low, high = (np.full(known.shape, np.nan) for _ in range(3))
    a = np.broadcast_to(alpha, known.shape)[known]
    second = intervals.jeffreys(x2[known], n2[known], a)
    first = intervals.jeffreys(x1[known], n1[known], a)
    p, q = x2[known] / n2[known], x1[known] / n1[known]
    value[known] = p - q
    low[known], high[known] = intervals.square_and_add(p, *second, q, *first)
    return value, np.maximum(low, -1.0), np.minimum(high, 1.0)


def _variance(x: Counts, n: Counts) -> Floats:
    q = (x + 1) / (n + 2)
    return np.asarray(q * (1 - q) / (n + 2))


@dataclass(frozen=True)
class Groups:
    """One attribute or intersection of both audits.

    Parameters
    ----------
    by
        Column names.
    words
        Words of each group, one for each column.
    evidence
        Counts of the known groups.
    reference
        Position of the group the others are compared with; None compares each with the rest.
    choice
        How the reference was chosen: ``chosen`` or ``largest``.
    """

    by: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]
    evidence: Evidence
    reference: int | None
    choice: str = "largest"

    def name(self, j: int) -> dict[str, str]:
        """Words of a group by column."""
        return dict(zip(self.by, self.words[j], strict=True))


@dataclass(frozen=True)
class Rules:
    """What both audits were asked.

    Parameters
    ----------
    metrics
        Rates to compare, the primary ones among them.
    primary
        Rates the goal names.
    tolerance
        Largest change of a rate or gap that does not matter, as a fraction.
    floor, denominator_floor
        Rows and denominator a group needs in both audits.
    alpha
        Error rate of the whole comparison.
    """

    metrics: tuple[str, ...]
    primary: tuple[str, ...]
    tolerance: float
    floor: int = compare.FLOOR
    denominator_floor: int = compare.DENOMINATOR_FLOOR
    alpha: float = ALPHA
