"""Two decisions about the same people: how a rate and a gap differ from one to the other.

Everything is a function of joint counts: people by recorded outcome, first decision and second
decision. Two independent intervals are never drawn: people whom both decide alike carry no
news, however many they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from metrics import exact, intervals, rates
from metrics.cells import Counts, Floats, IntArray

Limits = tuple[Floats, Floats]
Three = tuple[Floats, Floats, Floats]

#: Where a person stands with one rate: not in its denominator, in it, in its numerator too.
OUTSIDE, BELOW, ABOVE = 0, 1, 2


def joint(
    codes: IntArray,
    size: int,
    label: IntArray | None,
    first: IntArray,
    second: IntArray,
) -> Counts:
    """Count people by group, recorded outcome and both decisions.

    Parameters
    ----------
    codes : (n,) int
        Group of each person, -1 unknown.
    size
        Number of groups.
    label : (n,) int, optional
        0, 1, -1 for blank.
    first, second : (n,) int
        0, 1, 2 for abstained, -1 for none.

    Returns
    -------
    (size + 1, 3, 4, 4) int64
        The unknown group first; blank before 0 and 1.
    """
    cell = codes.astype(np.int64) + 1
    cell = cell * len(rates.LABELS) + (0 if label is None else label.astype(np.int64) + 1)
    for decision in (first, second):
        cell = cell * len(rates.DECISIONS) + decision.astype(np.int64) + 1
    shape = (size + 1, len(rates.LABELS), len(rates.DECISIONS), len(rates.DECISIONS))
    counted = np.bincount(cell, minlength=int(np.prod(shape)))
    return counted.reshape(shape).astype(np.int64)


def places(slug: str) -> IntArray:
    """Where (label, decision) stands with a rate.

    Parameters
    ----------
    slug
        A rate of `rates.REGISTRY` that is a proportion.

    Returns
    -------
    (3, 4) int64
        `OUTSIDE`, `BELOW` or `ABOVE`.

    Raises
    ------
    ValueError
        The rate is no proportion.
    """
    rate = rates.REGISTRY[slug]
    if not isinstance(rate, rates.Rate) or not rate.proportion:
        raise ValueError(f"{slug} is no proportion")
    return rate.denominator.astype(np.int64) + rate.numerator


def nine(counts: Counts, slug: str) -> Counts:
    """Joint counts as one rate sees them.

    Parameters
    ----------
    counts : (..., 3, 4, 4) int64
        From `joint`.
    slug
        A rate.

    Returns
    -------
    (..., 3, 3) int64
        People by their place with the first decision and with the second.
    """
    place = places(slug)
    out = np.zeros((*counts.shape[:-3], 3, 3), dtype=np.int64)
    for label, row in enumerate(place):
        for a, one in enumerate(row):
            for b, other in enumerate(row):
                out[..., one, other] += counts[..., label, a, b]
    return out


def possible(slug: str) -> NDArray[np.bool_]:
    """Which of the nine places one person can have: (3, 3)."""
    out = np.zeros((3, 3), dtype=np.bool_)
    for row in places(slug):
        out[np.ix_(np.unique(row), np.unique(row))] = True
    return out


def fixed(cells: Counts, slug: str) -> bool:
    """Whether both decisions have the same people below the line, in every table.

    Never where yes and no put people on different lines (precision), though by chance they may
    not have done so here.
    """
    no, yes = (places(slug)[:, rates.DECISIONS.index(word)] == OUTSIDE for word in "01")
    if (no != yes).any():
        return False
    total = cells.reshape(-1, 3, 3).sum(axis=0)
    return not bool(total[OUTSIDE, BELOW:].any() or total[BELOW:, OUTSIDE].any())


def margins(cells: Counts) -> tuple[Counts, Counts, Counts, Counts]:
    """Numerator and denominator under the first decision, then under the second."""
    first, second = cells.sum(axis=-1), cells.sum(axis=-2)
    return (
        first[..., ABOVE], first[..., BELOW:].sum(axis=-1),
        second[..., ABOVE], second[..., BELOW:].sum(axis=-1),
    )  # fmt: skip


def difference(cells: Counts, slug: str, alpha: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Rate under the second decision less that under the first, with limits.

    Where both rates have the same n people below the line, d = (u - w) / n with u and w people
    who are above it under one decision only. Jeffreys limits of u / n and of w / n are joined
    with their multinomial correlation r = -sqrt(ab / ((1-a)(1-b))), a = u / n, b = w / n:

        lo = d - sqrt((a - l_a)^2 + (u_b - b)^2 - 2 r (a - l_a)(u_b - b)), hi likewise.

    Where the second decision changes who is below the line (precision, or people sent to a
    person), the Jeffreys limits of the two rates are joined in the same way; their correlation
    comes from the people below both lines, with half a person added to every place that can be.

    Parameters
    ----------
    cells : (..., 3, 3) int64
        From `nine`. All tables are of one comparison: whether the line is the same is asked of
        them together.
    slug
        The rate.
    alpha : array_like
        Error rate of each interval.

    Returns
    -------
    value, low, high : (...) float64
        NaN where a denominator is 0.

    References
    ----------
    Zou, Donner, Statistics in Medicine 27, 2008 (limits of a difference of dependent parts);
    Newcombe, Improved confidence intervals for the difference between binomial proportions
    based on paired data, Statistics in Medicine 17, 1998.
    """
    x1, n1, x2, n2 = margins(cells)
    known = (n1 > 0) & (n2 > 0)
    value, low, high = (np.full(known.shape, np.nan) for _ in range(3))
    if not known.any():
        return value, low, high
    a = np.broadcast_to(np.asarray(alpha, dtype=np.float64), known.shape)[known]
    inside = cells[known]
    if fixed(cells, slug):
        up, down = inside[:, BELOW, ABOVE], inside[:, ABOVE, BELOW]
        found = _same_line(up, down, n1[known], a)
    else:
        first, second = (x1[known], n1[known]), (x2[known], n2[known])
        found = _moved_line(first, second, _correlation(inside, slug), a)
    value[known], low[known], high[known] = found
    return value, low, high


def _same_line(up: Counts, down: Counts, n: Counts, alpha: Floats) -> Three:
    a, b = up / n, down / n
    spread = (1 - a) * (1 - b)
    r = -np.sqrt(np.divide(a * b, spread, out=np.ones_like(a), where=spread > 0))
    r = np.clip(r, -1.0, 0.0)
    return _joined(a, intervals.jeffreys(up, n, alpha), b, intervals.jeffreys(down, n, alpha), r)


def _moved_line(
    first: tuple[Counts, Counts], second: tuple[Counts, Counts], r: Floats, alpha: Floats
) -> Three:
    limits = intervals.jeffreys(*second, alpha), intervals.jeffreys(*first, alpha)
    return _joined(second[0] / second[1], limits[0], first[0] / first[1], limits[1], r)


def _joined(p: Floats, own: Limits, q: Floats, other: Limits, r: Floats) -> Three:
    """Limits of p - q from those of its parts and their correlation."""

    def reach(x: Floats, y: Floats) -> Floats:
        return np.asarray(np.sqrt(np.maximum(x * x + y * y - 2 * r * x * y, 0.0)))

    d = p - q
    low = d - reach(p - own[0], other[1] - q)
    high = d + reach(own[1] - p, q - other[0])
    return d, np.maximum(low, -1.0), np.minimum(high, 1.0)


def _smoothed(cells: Counts, slug: str) -> Floats:
    """Half a person more wherever one can be, those outside both lines left alone."""
    extra = 0.5 * possible(slug)
    extra[OUTSIDE, OUTSIDE] = 0.0
    return np.asarray(cells + extra, dtype=np.float64)


def _rates_of(cells: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    x1, n1, x2, n2 = (np.asarray(v, dtype=np.float64) for v in margins(cells))  # type: ignore[arg-type]
    return x1 / n1, n1, x2 / n2, n2


def _correlation(cells: Counts, slug: str) -> Floats:
    """Of the two estimated rates."""
    c = _smoothed(cells, slug)
    p, n1, q, n2 = _rates_of(c)
    shared = c[..., ABOVE, ABOVE] * (1 - p) * (1 - q) + c[..., BELOW, BELOW] * p * q
    shared -= c[..., ABOVE, BELOW] * (1 - p) * q + c[..., BELOW, ABOVE] * p * (1 - q)
    both = np.sqrt(p * (1 - p) / n1 * q * (1 - q) / n2)
    return np.asarray(np.clip(shared / (n1 * n2) / both, -1.0, 1.0))


def variance(cells: Counts, slug: str) -> Floats:
    """Variance of the difference that tests use, positive however few people changed.

    With the same people below the line, a = (u + 1) / (n + 2), b = (w + 1) / (n + 2) and
    (a + b - (a - b)^2) / (n + 2). Otherwise the sum over people of their squared influence on
    the difference, with half a person added to every place that can be.

    Parameters
    ----------
    cells : (..., 3, 3) int64
        From `nine`.
    slug
        The rate.
    """
    if fixed(cells, slug):
        n = margins(cells)[1] + 2
        a, b = (cells[..., BELOW, ABOVE] + 1) / n, (cells[..., ABOVE, BELOW] + 1) / n
        return np.asarray((a + b - (a - b) ** 2) / n)
    c = _smoothed(cells, slug)
    p, n1, q, n2 = _rates_of(c)
    zero = np.zeros_like(p)
    first, second = (zero, -p / n1, (1 - p) / n1), (zero, -q / n2, (1 - q) / n2)
    return np.asarray(
        sum(c[..., i, j] * (second[j] - first[i]) ** 2 for i in range(3) for j in range(3))
    )


def change_p(cells: Counts, slug: str) -> Floats:
    """Two-sided p-values that the rate is the same under both decisions.

    McNemar's exact test where both have the same people below the line; else
    Z = d / sqrt(variance).

    Parameters
    ----------
    cells : (..., 3, 3) int64
        From `nine`.
    slug
        The rate.

    Returns
    -------
    (...) float64
        NaN where a denominator is 0.
    """
    x1, n1, x2, n2 = margins(cells)
    known = (n1 > 0) & (n2 > 0)
    if fixed(cells, slug):
        p = exact.mcnemar(cells[..., BELOW, ABOVE], cells[..., ABOVE, BELOW])
    else:
        d = rates.divide(x2, n2) - rates.divide(x1, n1)
        p = 2 * ndtr(-np.abs(d) / np.sqrt(variance(cells, slug)))
    return np.asarray(np.where(known, p, np.nan))


def gap_change(
    group: Counts, comparator: Counts, slug: str, alpha: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Gap under the second decision less the gap under the first, with limits.

    The two paired differences are of different people, so their limits are joined by
    square-and-add.

    Parameters
    ----------
    group, comparator : (..., 3, 3) int64
        From `nine`: the people of a group, and those it is compared with.
    slug
        The rate.
    alpha : array_like
        Error rate of each interval.
    """
    own, low, high = difference(group, slug, alpha)
    other, l2, h2 = difference(comparator, slug, alpha)
    low, high = intervals.square_and_add(own, low, high, other, l2, h2)
    return np.asarray(own - other), np.maximum(low, -2.0), np.minimum(high, 2.0)


def gap_change_p(group: Counts, comparator: Counts, slug: str) -> Floats:
    """Two-sided p-values that the gap is the same under both decisions.

    Z = (d_group - d_comparator) / sqrt(variance of the one + variance of the other). Alone it is
    too eager where few people changed and all of them one way; a verdict asks the interval of
    `gap_change` as well.
    """
    d = [rates.divide(x2, n2) - rates.divide(x1, n1)
         for x1, n1, x2, n2 in (margins(group), margins(comparator))]  # fmt: skip
    spread = np.sqrt(variance(group, slug) + variance(comparator, slug))
    return np.asarray(2 * ndtr(-np.abs(d[0] - d[1]) / spread))
