"""Which setting of several to recommend, from rows that settings may be chosen by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def undominated(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Which (disparity, accuracy) points no other one beats in both; NaN points are none.

    A point beats another if it is no worse in both and better in one.
    """
    out = []
    for i, (gap, right) in enumerate(points):
        if not (np.isfinite(gap) and np.isfinite(right)):
            out.append(False)
            continue
        out.append(
            not any(
                g <= gap and a >= right and (g < gap or a > right)
                for j, (g, a) in enumerate(points)
                if j != i
            )
        )
    return out


def recommend(
    points: Sequence[tuple[float, float, float]], tolerance: float, *, least_coverage: float = 1.0
) -> tuple[int | None, bool]:
    """The setting that keeps the limit at the least cost, on the rows settings are chosen by.

    Among points with disparity at most the tolerance and enough coverage, the one with the
    highest accuracy; if none keeps the limit, the one with the least disparity.

    Parameters
    ----------
    points
        (disparity, accuracy, coverage) of each setting.
    tolerance
        The auditor's limit, a fraction.
    least_coverage
        Share of people that has to be decided.

    Returns
    -------
    index, kept
        Position, None where no setting qualifies, and whether it keeps the limit.
    """
    usable = [
        i
        for i, (gap, right, coverage) in enumerate(points)
        if np.isfinite(gap) and np.isfinite(right) and coverage >= least_coverage - 1e-12
    ]
    within = [i for i in usable if points[i][0] <= tolerance]
    if within:
        return max(within, key=lambda i: (points[i][1], -points[i][0], -i)), True
    if usable:
        return min(usable, key=lambda i: (points[i][0], -points[i][1], i)), False
    return None, False
