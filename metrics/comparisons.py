"""Who is compared with whom.

A group of one attribute is compared with a fixed reference, the reference with everybody
else, and a cell of several attributes with everybody else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
TextArray = NDArray[np.object_]

REST = -1
"""Comparator code of everybody outside the group."""

ONE_GROUP = "one-group"
NO_DENOMINATOR = "no-denominator"

COMPLEMENTS: Mapping[str, str] = MappingProxyType(
    {
        "fnr": "tpr",
        "tnr": "fpr",
        "fdr": "precision",
        "for": "npv",
    }
)
"""Metrics that are one less another, so that both are a single test."""


@dataclass(frozen=True)
class Comparisons:
    """Comparisons of groups with their comparators, one entry each.

    Attributes
    ----------
    group : ndarray of int, shape (K,)
        Position of the group in its table.
    comparator : ndarray of int, shape (K,)
        Position of the reference group, or REST.
    rows : ndarray of int, shape (K,)
        Rows of the group, whatever the metric's denominator.
    x1, n1, x2, n2 : ndarray of int, shape (K,)
        Numerator and denominator of the group and of its comparator.
    primary : ndarray of bool, shape (K,)
        Whether the metric is one the auditor chose as primary.
    judged : ndarray of bool, shape (K,)
        Whether the metric belongs to the family; others are described without a verdict.
    test : ndarray of str, shape (K,)
        Name of the test; entries with equal names are complements and count once.
    reason : ndarray of str, shape (K,)
        Why no verdict can apply, or empty.
    """

    group: IntArray
    comparator: IntArray
    rows: IntArray
    x1: IntArray
    n1: IntArray
    x2: IntArray
    n2: IntArray
    primary: BoolArray
    judged: BoolArray
    test: TextArray
    reason: TextArray

    def __len__(self) -> int:
        """Return the number of comparisons."""
        return int(self.group.size)


def comparisons_of(
    rows: ArrayLike,
    x: ArrayLike,
    n: ArrayLike,
    *,
    kind: Literal["attribute", "intersection"],
    reference: int | None = None,
    table: str = "",
    metric: str = "",
    primary: bool = False,
    judged: bool = True,
) -> Comparisons:
    """List the comparisons of one metric in one table of groups.

    Attribute with three or more groups: every group with the reference, and the reference
    with the rest. Attribute with two groups: the other group with the reference.
    Intersection: every cell with the rest. Groups without rows take no part.

    Parameters
    ----------
    rows, x, n : array_like of int, shape (G,)
        Rows, numerator and denominator of each group; rows of unknown groups are not in it.
    kind : {"attribute", "intersection"}
        Whether the groups come from one attribute or from several.
    reference : int, optional
        Position of the reference group of an attribute; by default the largest, the first
        of equals. A reference without rows is replaced by that default.
    table, metric : str
        Names that tell this test from those of other tables and metrics.
    primary, judged : bool
        See :class:`Comparisons`.

    Returns
    -------
    Comparisons
        In the order of the groups, the reference in its own place. A table with one group
        gives one entry, not applicable.

    Raises
    ------
    ValueError
        The arrays differ in length, or the reference lies outside them.
    """
    size, hits, totals = (np.asarray(v, dtype=np.int64).ravel() for v in (rows, x, n))
    if not size.size == hits.size == totals.size:
        raise ValueError(f"{size.size} groups, {hits.size} numerators, {totals.size} denominators")
    if reference is not None and not 0 <= reference < size.size:
        raise ValueError(f"the reference {reference} is none of {size.size} groups")
    group = np.flatnonzero(size > 0)
    comparator = np.full(group.size, REST, dtype=np.int64)
    if kind == "attribute" and group.size > 1:
        if reference is None or size[reference] == 0:
            reference = int(np.argmax(size))
        if group.size == 2:
            group, comparator = group[group != reference], comparator[:1]
        comparator[group != reference] = reference
    against_rest = comparator == REST
    x2 = np.where(against_rest, hits.sum() - hits[group], hits[comparator])
    n2 = np.where(against_rest, totals.sum() - totals[group], totals[comparator])
    reason = ""
    if totals.sum() == 0:
        reason = NO_DENOMINATOR
    elif np.count_nonzero(size) == 1:
        reason = ONE_GROUP
    name = COMPLEMENTS.get(metric, metric)
    tests = [f"{table}|{name}|{g}|{c}" for g, c in zip(group, comparator, strict=True)]
    return Comparisons(
        group=group,
        comparator=comparator,
        rows=size[group],
        x1=hits[group],
        n1=totals[group],
        x2=x2,
        n2=n2,
        primary=np.full(group.size, primary),
        judged=np.full(group.size, judged),
        test=np.array(tests, dtype=object),
        reason=np.full(group.size, reason, dtype=object),
    )


def join(parts: Sequence[Comparisons]) -> Comparisons:
    """Join the comparisons of all tables and metrics of a report, in the given order."""
    if not parts:
        return comparisons_of([], [], [], kind="intersection")
    columns = {f.name: [getattr(part, f.name) for part in parts] for f in fields(Comparisons)}
    return Comparisons(**{name: np.concatenate(column) for name, column in columns.items()})
