"""Outcome test at the margin: do people scored near the threshold fare alike in every group?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metrics import compare
from metrics.cells import Floats, IntArray
from metrics.compare import Record
from metrics.groups import Attribute
from metrics.strata import pool

# Half-widths of the window around the threshold, tried from the narrowest.
WIDTHS = (0.01, 0.02, 0.05, 0.1)
# Labelled rows that both groups of a comparison need in the window before a width is taken.
MARGIN_ROWS = 100
# The window is cut into this many equal strata of the score on each side of the threshold.
SLICES = 5


def decision_level(
    attributes: Sequence[Attribute],
    label: IntArray | None,
    score: Floats | None,
    *,
    decision: IntArray | None = None,
    threshold: float = 0.5,
    floor: int = compare.FLOOR,
) -> Record:
    """Outcome test at the margin: among people scored near the threshold, who succeeds?

    The window is [t - h, t + h). h is the smallest of 0.01, 0.02, 0.05 and 0.1 with at least
    100 labelled rows of both groups, else 0.1; rows are counted and outcomes are not looked at,
    so the choice leaves the test valid. Inside the window groups may still be scored
    differently; the test is therefore pooled over strata of the score, five on either side of t.

    Parameters
    ----------
    attributes, label, score, decision, threshold, floor
        As `levels_section`.

    Returns
    -------
    dict
        comparisons[]: h, outcome rates of both groups in the window, their plain difference and
        the difference at equal scores (`strata.pool`), p of the latter.
    """
    out: Record = {"undefined": None, "threshold": threshold, "comparisons": [], "tests": 0}
    out |= {"agreement": None, "labelled": None}
    if score is None or label is None:
        return out | {"undefined": "no-score" if score is None else "no-label"}
    scored = ~np.isnan(score)
    if decision is not None:
        both = scored & ((decision == 0) | (decision == 1))
        same = int(((score >= threshold) == (decision == 1))[both].sum())
        out["agreement"] = compare.rate(same, int(both.sum()))
    use = scored & (label >= 0)
    apart = np.where(use, score - threshold, np.inf)
    out["labelled"] = {"below": int((apart < 0).sum()), "above": int((use & (apart >= 0)).sum())}
    if not use.any():
        return out | {"undefined": "no-labelled-score"}
    near = np.flatnonzero((apart >= -WIDTHS[-1]) & (apart < WIDTHS[-1]))
    for attribute in attributes:
        r, choice = compare.reference(attribute, compare.group_counts(attribute, use))
        if r is None:
            continue
        codes, gap, hit = attribute.codes[near], apart[near], label[near] == 1
        for j in range(len(attribute.levels)):
            if j != r:
                pair = (codes == j) | (codes == r)
                found = _margin(codes[pair] == j, gap[pair], hit[pair], floor)
                out["comparisons"].append(compare.head(attribute, j, r, choice) | found)
    out["tests"] = compare.adjust(out["comparisons"])
    return out


def _margin(own: NDArray[np.bool_], gap: Floats, hit: NDArray[np.bool_], floor: int) -> Record:
    """Compare the rows of a group (`own`) with those of its reference near the threshold."""
    h = _half_width(np.abs(gap[own]), np.abs(gap[~own]))
    inside = (gap >= -h) & (gap < h)
    own, gap, hit = own[inside], gap[inside], hit[inside]
    part = np.clip(np.floor(gap / h * SLICES).astype(np.int64) + SLICES, 0, 2 * SLICES - 1)
    cell = (part * 2 + own) * 2 + hit
    counts = np.bincount(cell, minlength=8 * SLICES).reshape(2 * SLICES, 2, 2)
    n1, n0 = counts[:, 1].sum(axis=1), counts[:, 0].sum(axis=1)
    x1, x0 = counts[:, 1, 1], counts[:, 0, 1]
    reason = compare.too_small(np.array([n1.sum()]), floor)[0]
    if n0.sum() < floor:
        reason = "reference-below-floor"
    pooled = pool(x1, n1, x0, n0, test=reason is None)
    return {
        "half_width": h,
        "rate": compare.rate(int(x1.sum()), int(n1.sum())),
        "rate_comparator": compare.rate(int(x0.sum()), int(n0.sum())),
        "plain": pooled["crude"],
        **pooled["pooled"],
        "p": pooled["p"],
        "method": pooled["method"],
        "reason": reason if reason is not None else pooled["undefined"],
    }


def _half_width(first: Floats, second: Floats) -> float:
    for h in WIDTHS[:-1]:
        if min(int((first < h).sum()), int((second < h).sum())) >= MARGIN_ROWS:
            return h
    return WIDTHS[-1]
