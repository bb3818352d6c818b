"""Impact ratios of New York City Local Law 144: exact fractions from counts, printed with care.

Everything is decided on integers: which rate is the highest, whether a category is small, on
which side of a mark a ratio lies. Floats appear only in intervals and as a copy for readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.intervals import log_ratio, wilson

Record = dict[str, Any]

FOUR_FIFTHS = Fraction(4, 5)
#: A category with fewer people per hundred than this may be left out of the ratios.
SMALL_PERCENT = 2
MOST_DECIMALS = 6


@dataclass(frozen=True)
class Category:
    """One row of a table: its names, and how many people of how many were selected."""

    names: tuple[str, ...]
    selected: int
    people: int
    left_out: bool = False

    @property
    def rate(self) -> Fraction | None:
        """Selected people over people; None where there is nobody."""
        return Fraction(self.selected, self.people) if self.people else None


def is_small(people: int, total: int) -> bool:
    """Whether a category is under 2% of the people of its table.

    100 n < 2 N on integers, so exactly 2% is not small.

    Parameters
    ----------
    people, total
        People of the category and of all categories of the table.

    Returns
    -------
    bool
    """
    return 100 * people < SMALL_PERCENT * total


def highest(categories: Sequence[Category]) -> Fraction | None:
    """Rate of the most selected category that was not left out; None where nobody is in one."""
    rates = [c.rate for c in categories if not c.left_out]
    return max((rate for rate in rates if rate is not None), default=None)


def impact_ratio(rate: Fraction | None, best: Fraction | None) -> tuple[Fraction | None, str]:
    """A rate over the highest rate.

    Parameters
    ----------
    rate, best
        The category's rate and the highest one, None where nobody was counted.

    Returns
    -------
    ratio : Fraction or None
        1 for every category that ties for the highest rate; above 1 only for a category that is
        not among those `best` was taken from.
    reason : str
        Why there is none: ``no-applicants``, ``nobody-selected`` (the highest rate is 0), or "".
    """
    if rate is None or best is None:
        return None, "no-applicants"
    if best == 0:
        return None, "nobody-selected"
    return rate / best, ""


def table(
    categories: Sequence[Category],
    *,
    level: float = 0.95,
    mark: Fraction | None = None,
    against: Sequence[Category] | None = None,
) -> Record:
    """One table of the rule: rates and impact ratios of its categories.

    Parameters
    ----------
    categories
        In the order they are to be printed.
    level
        Coverage of the intervals: Wilson's for a rate, on the log scale for a ratio, as if the
        most selected category had been known beforehand; from 0 where nobody was selected.
    mark
        Ratios are printed with enough decimals to stay on their side of it; None for no mark.
    against
        Categories whose highest rate is the denominator; None takes `categories` themselves.

    Returns
    -------
    dict
        ``base`` (people of all categories), ``highest`` (names of those with the highest rate)
        and ``rows``: ``{names, small, left_out, rate, ratio}`` with integers, value, limits,
        printed text, and why a value is missing.
    """
    pool = categories if against is None else against
    best = highest(pool)
    top = next((c for c in pool if not c.left_out and c.rate == best and c.people), None)
    base = sum(c.people for c in categories)
    return {
        "base": base,
        "highest": [list(c.names) for c in pool if not c.left_out and c.rate == best and c.people],
        "rows": [
            {
                "names": list(c.names),
                "small": against is None and is_small(c.people, base),
                "left_out": c.left_out,
                "rate": _rate(c, level),
                "ratio": _ratio(c, top, level, mark),
            }
            for c in categories
        ],
    }


def _rate(category: Category, level: float) -> Record:
    rate = category.rate
    low, high = wilson(category.selected, category.people, level)
    return {
        "numerator": category.selected,
        "denominator": category.people,
        "value": None if rate is None else float(rate),
        "low": None if rate is None else float(low),
        "high": None if rate is None else float(high),
        "printed": None if rate is None else printed(100 * rate, 1),
        "undefined": "no-applicants" if rate is None else None,
    }


def _ratio(
    category: Category, top: Category | None, level: float, mark: Fraction | None
) -> Record:
    """The ratio of a row; the highest category itself has no interval, its ratio is 1."""
    best = None if top is None else top.rate
    value, reason = impact_ratio(category.rate, best)
    if category.left_out:
        value, reason = None, "left-out"
    low = high = None
    if value is not None and top is not None and category.names != top.names:
        _, ends_low, ends_high, _ = log_ratio(
            category.selected, category.people, top.selected, top.people, level
        )
        low, high = float(ends_low) if category.selected else 0.0, float(ends_high)
    return {
        "numerator": None if value is None else value.numerator,
        "denominator": None if value is None else value.denominator,
        "value": None if value is None else float(value),
        "low": low,
        "high": high,
        "printed": None if value is None else printed(value, 2, mark=mark),
        "below": None if value is None or mark is None else value < mark,
        "undefined": reason or None,
    }


def printed(value: Fraction, digits: int, *, mark: Fraction | None = None) -> str:
    """A fraction as decimals, rounded half away from zero, never onto the other side of a mark.

    Parameters
    ----------
    value
        The exact number.
    digits
        Decimals to print.
    mark
        A threshold: decimals are added, up to six, until the printed number lies on the same
        side of it as the exact one (at the mark counts as above). If six do not suffice, the
        sixth is rounded away from the mark.

    Returns
    -------
    str
        As in ``0.56``; 0.79996 with a mark at 0.8 gives ``0.79996``, not ``0.80``.
    """
    if mark is None:
        return _decimals(_scaled(value, digits), digits)
    for places in range(digits, max(digits, MOST_DECIMALS) + 1):
        whole = _scaled(value, places)
        if (Fraction(whole, 10**places) < mark) == (value < mark):
            return _decimals(whole, places)
    # Only rounding up onto the mark can end here, so the next lower decimal is below it.
    return _decimals(value * 10**MOST_DECIMALS // 1, MOST_DECIMALS)


def _scaled(value: Fraction, digits: int) -> int:
    """A fraction times a power of ten, to the nearest integer, halves away from zero."""
    whole = (2 * abs(value) * 10**digits + 1) // 2
    return int(whole) if value >= 0 else -int(whole)


def _decimals(whole: int, digits: int) -> str:
    text = str(abs(whole)).rjust(digits + 1, "0")
    sign = "-" if whole < 0 else ""
    return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else f"{sign}{text}"


@dataclass(frozen=True)
class Median:
    """The middle of the scores and who lies above it.

    `lower` and `upper` are the two middle scores, equal for an odd number of people; `ties` are
    people exactly at the median, who do not count as above.
    """

    lower: float
    upper: float
    above: NDArray[np.bool_]
    ties: int

    @property
    def value(self) -> float:
        """Mean of the two middle scores."""
        return self.lower + (self.upper - self.lower) / 2.0


def above_median(scores: NDArray[np.float64]) -> Median:
    """Who scores strictly above the median of the full sample.

    With an even number of people nobody lies between the two middle scores, so "above their
    mean" is "from the upper one on" where they differ: no rounded mean is compared.

    Parameters
    ----------
    scores : (n,) float
        One for each person, none blank, n at least 1.

    Returns
    -------
    Median
    """
    n = scores.size
    at = ((n - 1) // 2, n // 2)
    ordered = np.partition(scores, at)
    lower, upper = float(ordered[at[0]]), float(ordered[at[1]])
    if lower < upper:
        return Median(lower, upper, scores >= upper, 0)
    return Median(lower, upper, scores > lower, int((scores == lower).sum()))
