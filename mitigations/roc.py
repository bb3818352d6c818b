"""Every threshold of a score in one group, and the hull of what mixing thresholds can reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitigations.rules.thresholds import EVERYBODY, NOBODY, Mix

Floats = NDArray[np.float64]

#: Distance to the hull that counts as lying on it.
NEAR = 1e-7


@dataclass(frozen=True)
class Roc:
    """Rates at every distinct threshold, from nobody to everybody.

    Parameters
    ----------
    threshold, fpr, tpr, selected : (m,) float64
        A score of at least `threshold` is favourable. `selected` rises strictly.
    hull : (v,) int
        Positions of the corners of the upper hull.
    share
        Weight of the group's rows.
    base
        Share of favourable labels.
    """

    threshold: Floats
    fpr: Floats
    tpr: Floats
    selected: Floats
    hull: NDArray[np.intp]
    share: float
    base: float

    def corners(self) -> tuple[Floats, Floats]:
        """False and true positive rates of the hull's corners."""
        return self.fpr[self.hull], self.tpr[self.hull]


def roc(score: Floats, label: NDArray[np.int8], weight: Floats | None = None) -> Roc:
    """Count the curve exactly.

    Every distinct score is a threshold, halfway to the next lower one. The upper hull is the
    least concave function above the curve, found by pooling adjacent violators in linear time;
    nothing is sampled.

    Parameters
    ----------
    score : (n,) float64
        Finite.
    label : (n,) int8
        0 or 1, both present.
    weight : (n,) float64, optional
        Above 0.

    References
    ----------
    Fawcett, Niculescu-Mizil, PAV and the ROC convex hull, Machine Learning 68, 2007.
    """
    from scipy.optimize import isotonic_regression

    values, place = np.unique(score, return_inverse=True)
    ones = np.ones(score.size) if weight is None else weight
    rows = np.bincount(place, ones)[::-1]
    good = np.bincount(place, ones * (label == 1))[::-1]
    values = values[::-1]
    middle = (values[:-1] + values[1:]) / 2.0
    # Between neighbouring floats there is no middle.
    middle = np.where(middle > values[1:], middle, values[:-1])
    threshold = np.concatenate([[NOBODY], middle, [EVERYBODY]])
    taken = np.concatenate([[0.0], np.cumsum(rows)])
    hits = np.concatenate([[0.0], np.cumsum(good)])
    blocks = isotonic_regression(good / rows, weights=rows, increasing=False).blocks
    return Roc(
        threshold=threshold,
        fpr=(taken - hits) / (taken[-1] - hits[-1]),
        tpr=hits / hits[-1],
        selected=taken / taken[-1],
        hull=np.asarray(blocks, dtype=np.intp),
        share=float(taken[-1]),
        base=float(hits[-1] / taken[-1]),
    )


def reach(curve: Roc, fpr: float, tpr: float) -> Mix:
    """Thresholds, mixed, that give these rates in expectation, leaving fewest people to chance.

    On the hull these are the two corners of an edge. Inside it, one corner and the two corners of
    the edge that its line through the point meets: people with scores above the highest or below
    the lowest of the three are decided without chance, and of all such lines the one with fewest
    people between them is taken.
    """
    s = curve.selected[curve.hull]
    t = curve.tpr[curve.hull]
    at = min(max(curve.base * tpr + (1.0 - curve.base) * fpr, 0.0), 1.0)
    edge = min(max(int(np.searchsorted(s, at, side="right")) - 1, 0), s.size - 2)
    part = (at - s[edge]) / (s[edge + 1] - s[edge])
    if t[edge] + part * (t[edge + 1] - t[edge]) - tpr <= NEAR:
        return _mix(curve, [edge, edge + 1], [1.0 - part, part])
    best: tuple[float, list[int], list[float]] | None = None
    for corner in range(s.size):
        found = _line(s, t, corner, at, tpr)
        if found is not None and (best is None or found[0] < best[0]):
            best = found
    assert best is not None
    return _mix(curve, best[1], best[2])


def _line(
    s: Floats, t: Floats, corner: int, at: float, tpr: float
) -> tuple[float, list[int], list[float]] | None:
    """Where the line from a corner through the point meets the hull again, if it does."""
    step = at - s[corner]
    if abs(step) < NEAR:
        return None
    slope = (tpr - t[corner]) / step
    above = t - (t[corner] + slope * (s - s[corner]))
    if step > 0.0:
        beyond = np.flatnonzero((s > at) & (above <= 0.0))
        if not beyond.size:
            return None
        right = int(beyond[0])
        pair = (right - 1, right)
    else:
        beyond = np.flatnonzero((s < at) & (above <= 0.0))
        if not beyond.size:
            return None
        left = int(beyond[-1])
        pair = (left, left + 1)
    a, b = above[pair[0]], above[pair[1]]
    inner = float(a / (a - b)) if a != b else 0.0
    meets = s[pair[0]] + inner * (s[pair[1]] - s[pair[0]])
    outer = float(step / (meets - s[corner]))
    places = [corner, *pair]
    weights = [1.0 - outer, outer * (1.0 - inner), outer * inner]
    spread = [s[place] for place, weight in zip(places, weights, strict=True) if weight > NEAR]
    return float(max(spread) - min(spread)), places, weights


def _mix(curve: Roc, places: list[int], weights: list[float]) -> Mix:
    pairs = [
        (float(curve.threshold[curve.hull[place]]), weight)
        for place, weight in zip(places, weights, strict=True)
        if weight > 1e-12
    ]
    return Mix.of(pairs)


def nearest(curve: Roc, wanted: Floats, values: Floats, cost: Floats) -> int:
    """Position of the one threshold whose rates come closest, the cheaper one of equals.

    Parameters
    ----------
    curve
        The group's curve.
    wanted : (rates,)
        Rates to come close to.
    values : (m, rates)
        The same rates at every threshold.
    cost : (m,)
        Cost of every threshold.
    """
    distance = np.abs(values - wanted[None, :]).max(axis=1)
    return int(np.lexsort((curve.selected, cost, distance))[0])
