"""What kind of shift the data has, and how the model does in every cell of it.

Everything is a function of counts by group, label and decision.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metrics import bootstrap, compare, intervals
from metrics.cells import Counts, IntArray
from metrics.compare import Record
from metrics.groups import Attribute
from metrics.imbalance import score_records


def generalisation(fitted: Counts, audited: Counts, levels: Sequence[str]) -> Record:
    """Attribute generalisation: share of audited values that no fitted row has.

    AG = #{a : n_audit(a) > 0, n_fit(a) = 0} / #{a : n_audit(a) > 0}.

    Parameters
    ----------
    fitted, audited : (a,) int64
        Rows by attribute value in the two parts.
    levels
        Words of the values.

    Returns
    -------
    dict
        value without an interval (a missing value is a fact of the file, and no resampling of
        it brings one back), the values concerned, and the share of audited rows that have
        them, with Wilson limits.
    """
    seen = audited > 0
    new = seen & (fitted == 0)
    out: Record = {"slug": "attribute-generalisation", "value": None, "undefined": None}
    out |= {"levels": [levels[j] for j in np.flatnonzero(new).tolist()], "values": int(seen.sum())}
    out["rows"] = compare.rate(int(audited[new].sum()), int(audited.sum()))
    if not fitted.any() or not seen.any():
        return out | {"undefined": "no-fitted-rows" if seen.any() else "no-rows"}
    return out | {"value": float(new.sum() / seen.sum())}


def cell_accuracy(
    hits: Counts, n: Counts, *, floor: int = compare.DENOMINATOR_FLOOR, alpha: float = 0.05
) -> Record:
    """Worst and unweighted mean accuracy over cells.

    worst = min_c k_c / n_c over the m cells at the floor, with limits [min l_c, min u_c] from
    Jeffreys limits at level alpha / m, which hold for the smallest of the true accuracies
    whichever cell it is. adjusted = mean over all cells with rows, with square-and-add of the
    Jeffreys limits.

    Parameters
    ----------
    hits, n : (c,) int64
        Right decisions and rows of each cell.
    floor
        Rows a cell needs to be the worst one.
    alpha
        Error rate of each interval.

    Returns
    -------
    dict
        ``worst`` with the place of the cell, ``adjusted``, cells counted and left out.
    """
    big, some = np.flatnonzero(n >= max(floor, 1)), np.flatnonzero(n > 0)
    nothing = {"value": None, "low": None, "high": None}
    worst: Record = {"cell": None, **nothing, "undefined": "below-floor"}
    adjusted: Record = {**nothing, "undefined": "no-rows"}
    if big.size:
        value = hits[big] / n[big]
        low, high = intervals.jeffreys(hits[big], n[big], alpha / big.size)
        j = int(np.argmin(value))
        worst = {"cell": int(big[j]), "value": float(value[j]), "undefined": None}
        worst |= {"low": float(low.min()), "high": float(high.min())}
    if some.size:
        value = hits[some] / n[some]
        low, high = intervals.jeffreys(hits[some], n[some], alpha)
        mean = float(value.mean())
        down = float(np.sqrt(((value - low) ** 2).sum())) / some.size
        up = float(np.sqrt(((high - value) ** 2).sum())) / some.size
        adjusted = {"value": mean, "low": max(0.0, mean - down), "high": min(1.0, mean + up)}
        adjusted["undefined"] = None
    return {
        "worst": worst,
        "adjusted": adjusted,
        "cells": int(some.size),
        "below_floor": int(some.size - np.intersect1d(big, some).size),
    }


def shift_section(
    attributes: Sequence[Attribute],
    label: IntArray | None,
    *,
    decision: IntArray | None = None,
    fitted: Sequence[Counts] | None = None,
    classes: Sequence[str] = ("0", "1"),
    seed: int = 0,
    draws: int = 1000,
    floor: int = compare.DENOMINATOR_FLOOR,
) -> Record:
    """Diagnose the shift of each attribute and the accuracy of every cell.

    Parameters
    ----------
    attributes
        Sensitive columns, n rows each.
    label : (n,) int, optional
        Class of each row, -1 for blank.
    decision : (n,) int, optional
        Predicted class; values outside the classes are no decision.
    fitted
        Rows by value of each attribute in the data the model was fitted on, where known.
    classes
        Words of the labels, in code order.
    seed, draws
        Of the bootstrap.
    floor
        Rows a cell needs to be the worst one.

    Returns
    -------
    dict
        ``attributes[]``: scores, generalisation, accuracy over (label, group) cells and over
        groups, cells; ``classes``: accuracy over label classes, everybody's accuracy.

    Raises
    ------
    ValueError
        Columns that differ in length, or a label outside the classes.
    """
    n = len(attributes[0].codes) if attributes else 0
    compare.same_length(n, label=label, decision=decision, **{a.name: a.codes for a in attributes})
    k = len(classes)
    y = np.full(n, -1) if label is None else label.astype(np.int64)
    if n and (y.min() < -1 or y.max() >= k):
        raise ValueError(f"labels run from {y.min()} to {y.max()}, there are {k} classes")
    guess = np.full(n, -1) if decision is None else decision.astype(np.int64)
    judged = (y >= 0) & (guess >= 0) & (guess < k)
    right = judged & (y == guess)
    reason = _reason(y, judged)
    by_class = [np.bincount(y[use], minlength=k) for use in (right, judged)]
    out: Record = {
        "undefined": reason,
        "classes": list(classes),
        "accuracy": compare.rate(int(right.sum()), int(judged.sum())),
        "by_class": cell_accuracy(*by_class, floor=floor),
        "attributes": [],
    }
    for place, attribute in enumerate(attributes):
        size = len(attribute.levels)
        known = attribute.codes >= 0
        cell = attribute.codes.astype(np.int64) * k + y
        table = np.bincount(cell[known & (y >= 0)], minlength=size * k).reshape(size, k)
        hits, rows = (
            np.bincount(cell[known & use], minlength=size * k) for use in (right, judged)
        )
        everyone = compare.group_counts(attribute)
        before = None if fitted is None else np.asarray(fitted[place])
        if before is None:
            before = np.zeros(size, dtype=np.int64)
        rng = bootstrap.stream(seed, f"shift/{attribute.name}")
        out["attributes"].append(
            {
                "by": [attribute.name],
                "title": attribute.heading,
                "unknown": int((~known).sum()),
                "scores": score_records(table, rng=rng, draws=draws),
                "generalisation": generalisation(before, everyone, attribute.levels),
                "by_group": _named(
                    cell_accuracy(
                        hits.reshape(size, k).sum(1), rows.reshape(size, k).sum(1), floor=floor
                    ),
                    [{"group": {attribute.name: word}} for word in attribute.levels],
                ),
                "by_cell": _named(
                    cell_accuracy(hits, rows, floor=floor),
                    [
                        {"group": {attribute.name: word}, "label": name}
                        for word in attribute.levels
                        for name in classes
                    ],
                ),
                "undefined": reason,
            }
        )
    _named(out["by_class"], [{"label": name} for name in classes])
    return out


def _reason(y: IntArray, judged: NDArray[np.bool_]) -> str | None:
    if not (y >= 0).any():
        return "no-label"
    return None if judged.any() else "no-decision"


def _named(found: Record, words: Sequence[Record]) -> Record:
    at = found["worst"]["cell"]
    found["worst"]["cell"] = None if at is None else words[at]
    return found
