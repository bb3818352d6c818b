"""What a counterfactual distribution looks like: shares of the levels of every column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import Column, Table
from mitigations.counterfactual.group import Group
from mitigations.counterfactual.people import People

Floats = NDArray[np.float64]

#: Levels of a number, rows of the table.
BINS, MOST_ROWS = 5, 200
COLUMNS = ("column", "level", "now", "target", "reference")


@dataclass(frozen=True)
class _Level:
    column: str
    level: str
    now: float
    target: float
    reference: float


def profile(
    columns: Sequence[Column], group: Group, weight: Floats, other: People, words: str
) -> Table:
    """Shares of every level now, under the new distribution, and among the others.

    Parameters
    ----------
    columns
        Of the model.
    group, weight
        The group and its new distribution.
    other
        The people it is compared with.
    words
        Who they are.
    """
    here = group.support.points
    there = group.support.space.points(other.part.x)
    share = other.weight / other.weight.sum()
    levels: list[_Level] = []
    for i, column in enumerate(columns):
        for name, mine, others in _levels(column, here[:, i], group.start, there[:, i]):
            levels.append(
                _Level(
                    column.name, name, float(group.start[mine].sum()),
                    float(weight[mine].sum()), float(share[others].sum()),
                )
            )  # fmt: skip
    levels.sort(key=lambda level: (-abs(level.target - level.now), level.column, level.level))
    rows = tuple(
        (one.column, one.level, one.now, one.target, one.reference) for one in levels[:MOST_ROWS]
    )
    caption = (
        f"{group.name}: share of people at each level, now and under the distribution that "
        f"closes the gap, beside {words}; largest moves first."
    )
    return Table(COLUMNS, rows, caption, "train")


def _levels(
    column: Column, here: Floats, weight: Floats, there: Floats
) -> list[tuple[str, NDArray[np.bool_], NDArray[np.bool_]]]:
    """Words of each level, and where it is found."""
    known = here[~np.isnan(here)]
    values = np.unique(np.concatenate([known, there[~np.isnan(there)]]))
    out: list[tuple[str, NDArray[np.bool_], NDArray[np.bool_]]] = []
    if column.kind in ("categorical", "binary") or values.size <= BINS:
        for value in values:
            out.append((_word(column, value), here == value, there == value))
    else:
        out += _bins(here, weight, there)
    if np.isnan(here).any() or np.isnan(there).any():
        out.append(("missing", np.isnan(here), np.isnan(there)))
    return out


def _bins(
    here: Floats, weight: Floats, there: Floats
) -> list[tuple[str, NDArray[np.bool_], NDArray[np.bool_]]]:
    order = np.argsort(here, kind="stable")
    order = order[~np.isnan(here[order])]
    mass = np.cumsum(weight[order])
    places = np.searchsorted(mass, mass[-1] * np.arange(1, BINS) / BINS)
    cuts = np.unique(here[order][places])
    cuts = cuts[cuts > here[order][0]]
    edges = [-np.inf, *cuts.tolist(), np.inf]
    out = []
    for low, high in pairwise(edges):
        if low == -np.inf:
            word = f"under {high:g}"
        elif high == np.inf:
            word = f"{low:g} and over"
        else:
            word = f"{low:g} to under {high:g}"
        out.append((word, (here >= low) & (here < high), (there >= low) & (there < high)))
    return out


def _word(column: Column, value: float) -> str:
    code = int(value)
    if column.levels and code == value and 0 <= code < len(column.levels):
        return str(column.levels[code])
    return f"{value:g}"


def as_number(value: float | None) -> Any:
    """A finite number or None."""
    return None if value is None or not np.isfinite(value) else float(value)
