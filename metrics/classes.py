"""Rows by group, true class and chosen class, and the rates of one class against the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrics.cells import Axis, CellTable, Counts, IntArray
from metrics.groups import Attribute
from metrics.layout import TableSet, check_lengths, indexes


@dataclass(frozen=True)
class ClassCounts:
    """Rows by group, label and decision; counts of the same classes add.

    Parameters
    ----------
    tables
        Tables over (attributes; label, decision), each with a slot for none first.
    classes
        Words of the classes in code order.
    has_label
        Whether a label column was given.
    """

    tables: TableSet
    classes: tuple[str, ...]
    has_label: bool

    def __add__(self, other: ClassCounts) -> ClassCounts:
        """Counts of the rows of both.

        Raises
        ------
        ValueError
            If the classes, the columns or the attributes differ.
        """
        if (self.classes, self.has_label) != (other.classes, other.has_label):
            raise ValueError("these counts have different classes or columns")
        return ClassCounts(self.tables + other.tables, self.classes, self.has_label)


def count_classes(
    attributes: Sequence[Attribute],
    *,
    decision: IntArray,
    classes: Sequence[str],
    label: IntArray | None = None,
    intersections: int = 2,
) -> ClassCounts:
    """Count rows by group, label and decision in one pass; shards add.

    Parameters
    ----------
    attributes
        Sensitive columns, at least one, with codes of n rows each.
    decision : (n,) int
        Class the system chose, -1 for none.
    classes
        Words of the classes in code order, at least two.
    label : (n,) int, optional
        True class, -1 for blank.
    intersections
        Largest number of columns that are combined.

    Raises
    ------
    ValueError
        Without attributes, with fewer than two classes, if columns differ in length, or a
        code lies outside its range.
    """
    if len(classes) < 2:
        raise ValueError(f"{len(classes)} classes given, at least two are needed")
    n = check_lengths(attributes, {"decision": decision, "label": label})
    labels = np.full(n, -1, dtype=np.int8) if label is None else label
    tail = (Axis("label", len(classes) + 1), Axis("decision", len(classes) + 1))
    width = tail[0].size * tail[1].size
    tables = tuple(
        CellTable.fold(index, (labels, decision), tail)
        for index in indexes(attributes, intersections=intersections, width=width)
    )
    axes = tuple(attribute.axis for attribute in attributes)
    return ClassCounts(TableSet(axes, tables), tuple(classes), label is not None)


def tally(counts: Counts, metric: str, j: int | None) -> tuple[Counts, Counts]:
    """Numerator and denominator of a rate of one class against the rest.

    Parameters
    ----------
    counts : (..., K + 1, K + 1) int64
        Rows by label and decision, none first.
    metric
        ``selection-rate``, ``tpr``, ``fpr``, ``precision`` or ``accuracy``.
    j
        The class; None for accuracy.
    """
    decided = counts[..., 1:].sum(axis=-2)
    both = counts[..., 1:, 1:]
    if metric == "accuracy" or j is None:
        return np.trace(both, axis1=-2, axis2=-1), both.sum(axis=(-2, -1))
    if metric == "selection-rate":
        return decided[..., j], decided.sum(axis=-1)
    hit, labelled, chosen = both[..., j, j], both[..., j, :].sum(axis=-1), both[..., j].sum(-1)
    if metric == "tpr":
        return hit, labelled
    if metric == "precision":
        return hit, chosen
    return chosen - hit, both.sum(axis=(-2, -1)) - labelled
