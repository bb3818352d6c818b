"""Whether leaving cases to people, or overturning them, cost a group accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

Record = dict[str, Any]

#: Loss of accuracy that does not count as harm, in the unit of a rate.
MARGIN = 0.01
LEVEL = 0.95
# Added to each cell before the limit is taken, so that counts of 0 are not taken for certainty.
_HALF = 0.5


def joint_cells(
    group: NDArray[np.integer[Any]],
    label: NDArray[np.integer[Any]],
    before: NDArray[np.integer[Any]],
    after: NDArray[np.integer[Any]],
    k: int,
    weight: NDArray[np.float64] | None = None,
) -> NDArray[Any]:
    """Count people by group, what they get now and whether the model was right.

    Parameters
    ----------
    group : (n,) int
        0 to k - 1; other codes are left out.
    label, before : (n,) int
        0 or 1; rows with others are left out.
    after : (n,) int
        0, 1, or 2 for a person.
    k
        Groups.
    weight : (n,) float64, optional
        Survey weights to sum instead.

    Returns
    -------
    (k, 3, 2) int64 or float64
        Left to a person, wrong now, right now; wrong before, right before.
    """
    used = (group >= 0) & (group < k) & (label >= 0) & (before >= 0) & (before < 2)
    group, label, before, after = (v[used].astype(np.int64) for v in (group, label, before, after))
    state = np.where(after > 1, 0, np.where(after == label, 2, 1))
    code = (group * 3 + state) * 2 + (before == label)
    if weight is not None:
        sums = np.bincount(code, weight[used], minlength=6 * k).reshape(k, 3, 2)
        return np.asarray(sums, dtype=np.float64)
    return np.bincount(code, minlength=6 * k).reshape(k, 3, 2).astype(np.int64)


def no_harm(
    joint: ArrayLike, *, floor: int = 30, margin: float = MARGIN, level: float = LEVEL
) -> Record:
    """Test in every group that the decided are judged no less accurately than everybody was.

    Difference accuracy(decided, now) - accuracy(all, before), its one-sided lower limit by the
    delta method on the multinomial of the group's cells, half a person added to each cell that
    can occur. No harm is shown where the limit is above -margin in every group.

    Parameters
    ----------
    joint : (K, 3, 2) int
        Cells of `joint_cells`.
    floor
        Rows a group needs to be judged; nothing is shown while one lacks them.
    margin, level
        Loss that does not matter, and confidence of the lower limit.

    Returns
    -------
    dict
        ``shown`` (bool), ``margin``, ``level`` and ``groups``: ``n``, ``decided``, ``before``,
        ``after``, ``difference``, ``lower``, ``shown`` and ``reason`` (``few-rows``,
        ``nobody-decided``) of each; groups without rows are left out of the answer to ``shown``.

    References
    ----------
    Agresti, Categorical data analysis, third edition, 2013, section 16.1 (delta method).
    """
    table = np.asarray(joint, np.float64)
    possible = _possible(table)
    groups = [_group(cells, possible, floor, margin, level) for cells in table]
    asked = [g for g in groups if g["n"] > 0]
    return {
        "shown": bool(asked) and all(g["shown"] for g in asked),
        "margin": margin,
        "level": level,
        "groups": groups,
    }


def _possible(table: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Cells that can occur: without one overturned decision in any group, none can be."""
    out = np.ones((3, 2), dtype=bool)
    if not table[:, 1, 1].any() and not table[:, 2, 0].any():
        out[1, 1] = out[2, 0] = False
    return out


def _group(
    cells: NDArray[np.float64],
    possible: NDArray[np.bool_],
    floor: int,
    margin: float,
    level: float,
) -> Record:
    n, decided = float(cells.sum()), float(cells[1:].sum())
    out: Record = {"n": int(n), "decided": int(decided)}
    out["before"] = float(cells[:, 1].sum() / n) if n else None
    out["after"] = float(cells[2].sum() / decided) if decided else None
    out |= {"difference": None, "lower": None, "shown": False, "reason": None}
    if decided == 0:
        return out | {"reason": "nobody-decided" if n else "few-rows"}
    out["difference"] = out["after"] - out["before"]
    if n < floor:
        return out | {"reason": "few-rows"}
    lower = _lower(cells + _HALF * possible, level)
    return out | {"lower": lower, "shown": bool(lower > -margin)}


def _lower(cells: NDArray[np.float64], level: float) -> float:
    """Limit of the difference; each person's share in it is its influence."""
    n = cells.sum()
    share = cells / n
    decided = share[1:].sum()
    now, before = share[2].sum() / decided, share[:, 1].sum()
    influence = np.zeros((3, 2))
    influence[1] -= now / decided
    influence[2] += (1.0 - now) / decided
    influence[:, 1] -= 1.0
    influence += before
    spread = float((share * influence**2).sum()) - float((share * influence).sum()) ** 2
    return float(now - before - ndtri(level) * np.sqrt(max(spread, 0.0) / n))
