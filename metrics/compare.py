"""What the sections of a document share: numbers, rates, references, adjusted p-values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics import intervals
from metrics.cells import IntArray
from metrics.groups import Attribute, largest

Record = dict[str, Any]
Counts = NDArray[np.int64]

# Rows of a group, and denominator of a rate, below which nothing is compared.
FLOOR = 30
DENOMINATOR_FLOOR = 10
ALPHA = 0.05


def number(value: float | np.floating[Any] | None) -> float | None:
    """Plain float, None where it is undefined or infinite."""
    if value is None or not np.isfinite(value):
        return None
    return float(value)


def group_counts(attribute: Attribute, use: NDArray[np.bool_] | None = None) -> Counts:
    """Rows of each known group.

    Parameters
    ----------
    attribute
        A column of n rows.
    use : (n,) bool, optional
        Rows to count.
    """
    codes = attribute.codes if use is None else attribute.codes[use]
    return np.bincount(codes[codes >= 0], minlength=len(attribute.levels)).astype(np.int64)


def tally(
    attribute: Attribute, use: NDArray[np.bool_], hit: NDArray[np.bool_]
) -> tuple[Counts, Counts]:
    """Rows of each known group with a property, and rows in which it could be seen.

    Parameters
    ----------
    attribute
        A column of n rows.
    use, hit : (n,) bool
        Rows that count, and those among them with the property.
    """
    return group_counts(attribute, use & hit), group_counts(attribute, use)


def reference(attribute: Attribute, n: Counts) -> tuple[int | None, str]:
    """Position of the group the others are compared with and how it was chosen."""
    chosen = attribute.reference
    if chosen is not None and n[chosen] > 0:
        return chosen, "chosen"
    return largest(n), "largest"


def head(attribute: Attribute, j: int, r: int, choice: str) -> Record:
    """Who is compared with whom, as a document writes it."""
    return {
        "by": [attribute.name],
        "group": {attribute.name: attribute.levels[j]},
        "comparator": {"group": {attribute.name: attribute.levels[r]}},
        "reference_choice": choice,
    }


def rate(x: int, n: int, *, level: float = 0.95) -> Record:
    """A rate with its Wilson interval, undefined without a row."""
    if n == 0:
        return {
            "numerator": 0, "denominator": 0, "value": None, "low": None, "high": None,
            "undefined": "empty-denominator",
        }  # fmt: skip
    low, high = intervals.wilson(x, n, level)
    return {
        "numerator": int(x), "denominator": int(n), "value": int(x) / int(n),
        "low": float(low), "high": float(high), "undefined": None,
    }  # fmt: skip


def difference(x1: int, n1: int, x0: int, n0: int, *, alpha: float = ALPHA) -> Record:
    """Difference of two rates with the Jeffreys square-and-add interval at level `alpha`."""
    if n1 == 0 or n0 == 0:
        return {"value": None, "low": None, "high": None, "undefined": "empty-denominator"}
    first, second = x1 / n1, x0 / n0
    l1, u1 = intervals.jeffreys(x1, n1, alpha)
    l0, u0 = intervals.jeffreys(x0, n0, alpha)
    low, high = intervals.square_and_add(first, l1, u1, second, l0, u0)
    return {
        "value": float(first - second), "low": float(low), "high": float(high), "undefined": None,
    }  # fmt: skip


def adjusted(p: Sequence[float | None]) -> list[float | None]:
    """Bonferroni-adjusted p-values: times the number of tests that were possible."""
    k = sum(value is not None for value in p)
    return [None if value is None else min(1.0, value * k) for value in p]


def adjust(records: Sequence[Record]) -> int:
    """Write ``p_adjusted`` into records that hold ``p``; returns the number of tests."""
    found = adjusted([record["p"] for record in records])
    for record, value in zip(records, found, strict=True):
        record["p_adjusted"] = value
    return sum(value is not None for value in found)


def same_length(n: int, **columns: ArrayLike | None) -> None:
    """Refuse columns of different lengths.

    Raises
    ------
    ValueError
        Naming the column.
    """
    for name, column in columns.items():
        if column is not None and len(np.asarray(column)) != n:
            raise ValueError(f"{name} has {len(np.asarray(column))} rows, the groups have {n}")


def too_small(n: IntArray, floor: int) -> list[str | None]:
    """Why a group is not compared: ``empty-group``, ``below-floor``, or None where it is."""
    return [
        "empty-group" if rows == 0 else "below-floor" if rows < floor else None
        for rows in n.tolist()
    ]
