"""What the search makes large on validation rows: once over all of them, never by batch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from metrics.scores import delong, profile
from mitigations.contract import MethodError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Kind = Literal["auc", "loss"]

#: Favourable and unfavourable outcomes that the AUC of a group needs.
FEWEST = 20
#: People of the whole that a group's loss is mixed with.
SMOOTHING = 20.0
#: Standard error of a group's AUC above which trials are told apart by little but chance.
UNSURE = 0.05
WORDS: Mapping[Kind, str] = {
    "auc": "lowest AUC of a group",
    "loss": "largest loss of a group, with a minus sign",
}


@dataclass(frozen=True)
class Objective:
    """Lowest AUC of a group, or the largest smoothed loss with a minus sign.

    Parameters
    ----------
    kind
        ``auc`` or ``loss``.
    y, group : (n,)
        Of the rows; -1 for people of no known group.
    codes
        Groups that count.
    """

    kind: Kind
    y: Ints
    group: Ints
    codes: tuple[int, ...]

    def __call__(self, chance: Floats) -> float:
        """The value of these chances (n,); NaN where one is no number."""
        if not np.isfinite(chance).all():
            return math.nan
        if self.kind == "auc":
            return float(min(self.by_group(chance)))
        return -float(max(self.losses(chance)))

    def by_group(self, chance: Floats) -> list[float]:
        """AUC of every group."""
        return [auc(self.y[m], chance[m]) for m in (self.group == c for c in self.codes)]

    def overall(self, chance: Floats) -> float:
        """AUC of everybody."""
        return auc(self.y, chance) if np.isfinite(chance).all() else math.nan

    def losses(self, chance: Floats) -> list[float]:
        """Mean loss of every group, mixed with that of `SMOOTHING` people of the whole."""
        right = np.clip(np.where(self.y == 1, chance, 1.0 - chance), 1e-7, 1.0)
        loss = -np.log(right)
        whole = float(loss.mean())
        out = []
        for code in self.codes:
            mine = loss[self.group == code]
            out.append(float((mine.sum() + SMOOTHING * whole) / (mine.size + SMOOTHING)))
        return out

    def state(self) -> dict[str, Any]:
        """As JSON types, without the rows."""
        return {"kind": self.kind, "codes": list(self.codes)}


def auc(y: Ints, score: Floats) -> float:
    """Chance that somebody with the favourable outcome scores above somebody without."""
    _, positives, negatives = profile(score, y)
    return float(delong(positives, negatives)[0])


def choose(
    wanted: str, y: Ints, group: Ints, names: Sequence[str], floor: int
) -> tuple[Objective, tuple[str, ...]]:
    """The objective that the validation rows can carry, and what to say of it.

    Parameters
    ----------
    wanted
        ``auto``, ``auc``, ``loss`` or ``pareto``, which is as ``auto`` beside the overall AUC.
    floor
        Rows a group needs to count.

    Raises
    ------
    MethodError
        ``too-few-groups``, ``too-few-cases``.
    """
    n = np.array([[((group == c) & (y == v)).sum() for v in (0, 1)] for c in range(len(names))])
    n = n.reshape(len(names), 2)
    counted = np.flatnonzero(n.sum(axis=1) >= max(floor, 1))
    if counted.size < 2:
        raise MethodError(
            "too-few-groups",
            f"{counted.size} of {len(names)} groups have {floor} labelled validation rows.",
            "Merge groups, lower the floor, or give more rows.",
        )
    few = [int(c) for c in counted if n[c].min() < FEWEST]
    notes = []
    left = [names[c] for c in range(len(names)) if c not in counted]
    if left:
        notes.append(f"Too few validation rows to count in the search: {', '.join(left)}.")
    if few and wanted == "auc":
        raise MethodError(
            "too-few-cases",
            f"“{names[few[0]]}” has {n[few[0], 1]} favourable and {n[few[0], 0]} unfavourable "
            f"outcomes among the validation rows; the AUC of a group needs {FEWEST} of each.",
            "Merge groups, give more rows, or let the largest loss of a group be the objective.",
        )
    kind: Kind = "loss" if wanted == "loss" or few else "auc"
    if few and wanted != "loss":
        notes.append(
            f"{', '.join(names[c] for c in few)}: fewer than {FEWEST} outcomes of a kind among "
            "the validation rows, so the largest loss of a group, smoothed, is made small instead "
            "of the lowest AUC large."
        )
    objective = Objective(kind, y, group, tuple(int(c) for c in counted))
    return objective, (*notes, *_unsure(n, counted, names))


def _unsure(n: Ints, counted: Ints, names: Sequence[str]) -> list[str]:
    """Groups so small that the search tells trials apart by little but chance."""
    found = [(float(standard_error(0.8, *n[c][::-1])), int(c)) for c in counted]
    error, code = max(found)
    if error <= UNSURE:
        return []
    return [
        f"The AUC of “{names[code]}” on {int(n[code].sum())} validation rows has a standard error "
        f"of about {error:.2f} (Hanley and McNeil, at an AUC of 0.8): smaller differences between "
        "trials are chance."
    ]


def standard_error(value: float, positives: float, negatives: float) -> float:
    """Standard error of an AUC.

    References
    ----------
    Hanley, McNeil, The meaning and use of the area under a ROC curve, Radiology 143, 1982,
    equation (1).
    """
    if positives < 1 or negatives < 1:
        return 1.0
    q1, q2 = value / (2.0 - value), 2.0 * value**2 / (1.0 + value)
    variance = value * (1.0 - value) + (positives - 1) * (q1 - value**2)
    variance += (negatives - 1) * (q2 - value**2)
    return math.sqrt(variance / (positives * negatives))
