"""What is to be equal between groups, among whom, and the gap a rule leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import MethodError, Part, Problem

Floats = NDArray[np.float64]

#: Rates that a remedy can make equal, with their words.
PARITIES: Mapping[str, str] = MappingProxyType(
    {
        "selection-rate": "Selection rate",
        "tpr": "True positive rate",
        "fpr": "False positive rate",
        "equalized-odds": "True and false positive rate",
    }
)
#: Choices of a setting that follows the audit unless told otherwise.
CHOICES = (("goal", "The goal of the audit"), *PARITIES.items())
#: Labels among whom favourable decisions are counted; None is everybody.
AMONG: Mapping[str, tuple[int | None, ...]] = MappingProxyType(
    {"selection-rate": (None,), "tpr": (1,), "fpr": (0,), "equalized-odds": (0, 1)}
)
#: Cases that the rate of a group needs (reports.md 3.3).
FEWEST_CASES = 10


@dataclass(frozen=True)
class Compared:
    """A parity and the groups it holds between.

    Parameters
    ----------
    parity
        Of `PARITIES`.
    codes
        Groups of the protected axis that are compared.
    notes
        What was chosen otherwise than asked, and which groups are left out.
    """

    parity: str
    codes: tuple[int, ...]
    notes: tuple[str, ...] = ()


def labelled(part: Part, *, scored: bool = False) -> NDArray[np.bool_]:
    """Rows with a label, and with a score where one is needed.

    Raises
    ------
    MethodError
        ``needs-label``, ``needs-score`` or ``one-label``.
    """
    if part.y is None:
        raise MethodError(
            "needs-label", "There is no label.", "Name the column with the true outcome."
        )
    rows = part.y >= 0
    if part.weight is not None:
        rows &= part.weight > 0.0
    if scored:
        if part.score is None:
            raise MethodError(
                "needs-score",
                "There is no score on rows the model was not fitted on.",
                "Name a score column, upload the model, or let one be trained here.",
            )
        rows &= np.isfinite(part.score)
    if np.unique(part.y[rows]).size < 2:
        raise MethodError(
            "one-label",
            f"The {int(rows.sum())} rows to learn from do not hold both outcomes.",
            "Give more rows, or check which outcome is favourable.",
        )
    return rows


def compared(problem: Problem, part: Part, rows: NDArray[np.bool_], setting: str) -> Compared:
    """The parity asked for and the groups with enough rows for it.

    Parameters
    ----------
    problem, part, rows
        The rows to learn from.
    setting
        Of `CHOICES`.

    Raises
    ------
    MethodError
        ``too-few-groups``.
    """
    parity = problem.goal if setting == "goal" else setting
    notes: list[str] = []
    if parity not in PARITIES:
        notes.append(
            f"Equal {parity} between groups cannot be asked of thresholds or weights; "
            "true and false positive rates are made equal instead."
        )
        parity = "equalized-odds"
    enough = _enough(problem, part, rows, parity)
    if enough.sum() < 2:
        raise MethodError(
            "too-few-groups",
            f"{int(enough.sum())} of {len(problem.group_names)} groups have "
            f"{problem.group_floor} rows and {FEWEST_CASES} cases of the rate.",
            "Merge groups, lower the floor, or give more rows.",
        )
    left = [problem.group_names[code] for code in np.flatnonzero(~enough)]
    if left:
        notes.append(f"Too few rows for a constraint of their own: {', '.join(left)}.")
    return Compared(parity, tuple(np.flatnonzero(enough).tolist()), tuple(notes))


def _enough(
    problem: Problem, part: Part, rows: NDArray[np.bool_], parity: str
) -> NDArray[np.bool_]:
    k = len(problem.group_names)
    known = rows & (part.group >= 0)
    n = np.bincount(part.group[known], minlength=k)
    enough = n >= problem.group_floor
    assert part.y is not None
    for label in (0, 1):
        cases = np.bincount(part.group[known & (part.y == label)], minlength=k)
        enough &= cases >= (FEWEST_CASES if label in AMONG[parity] else 1)
    return enough


def rates(
    chance: Floats, part: Part, rows: NDArray[np.bool_], to: Compared
) -> NDArray[np.float64]:
    """Share of favourable decisions by group, one column for each rate of the parity.

    Parameters
    ----------
    chance : (n,)
        Probability of a favourable decision.
    part, rows
        Rows with a label.
    to
        Parity and groups.

    Returns
    -------
    (groups, rates) float64
        NaN where a group has no case.
    """
    weight = np.ones(len(part)) if part.weight is None else part.weight
    out = np.full((len(to.codes), len(AMONG[to.parity])), np.nan)
    for j, label in enumerate(AMONG[to.parity]):
        cases = rows if label is None else rows & (part.y == label)
        for i, code in enumerate(to.codes):
            mine = cases & (part.group == code)
            total = float(weight[mine].sum())
            if total > 0.0:
                out[i, j] = float(weight[mine] @ chance[mine]) / total
    return out


def gap(chance: Floats, part: Part, rows: NDArray[np.bool_], to: Compared) -> float:
    """Largest difference between two groups in any rate of the parity."""
    found = rates(chance, part, rows, to)
    return float((np.nanmax(found, axis=0) - np.nanmin(found, axis=0)).max())


def mean_cost(chance: Floats, part: Part, rows: NDArray[np.bool_], problem: Problem) -> float:
    """Expected cost per row of favourable decisions drawn with these chances."""
    assert part.y is not None
    weight = (np.ones(len(part)) if part.weight is None else part.weight)[rows]
    yes, label = chance[rows], part.y[rows]
    wrong_yes, wrong_no = problem.cost[0][1], problem.cost[1][0]
    cost = np.where(label == 1, wrong_no * (1.0 - yes), wrong_yes * yes)
    return float(weight @ cost / weight.sum())
