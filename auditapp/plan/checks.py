"""What makes a plan impossible, said before any row is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from auditapp.errors import AuditError
from auditapp.plan.model import Plan

GOALS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "selection-rate": ("selection-rate",),
        "tpr": ("tpr",),
        "equalized-odds": ("tpr", "fpr"),
        "precision": ("precision",),
        "accuracy": ("accuracy",),
    }
)
#: Every pair of columns is a table of its own: twelve make 66.
MAX_ATTRIBUTES = 12
GOALS_NEEDING_LABEL = frozenset(GOALS) - {"selection-rate"}


def _refuse(code: str, message: str, hint: str, where: str) -> AuditError:
    return AuditError(code, message, hint, where=where)


def check(plan: Plan) -> None:
    """Refuse a plan that could only fail later.

    Raises
    ------
    AuditError
        `where` names the field of the form that has to change.
    """
    _check_columns(plan)
    _check_numbers(plan)
    if plan.goal not in GOALS:
        raise _refuse(
            "unknown-goal",
            f"The goal “{plan.goal}” is not known.",
            f"Choose one of: {', '.join(GOALS)}.",
            "goal",
        )
    if plan.goal in GOALS_NEEDING_LABEL and plan.label is None:
        raise _refuse(
            "goal-needs-label",
            f"The goal “{plan.goal}” compares decisions with labels, and no label is chosen.",
            "Choose a label column, or the goal “selection-rate”.",
            "goal",
        )
    if plan.model.kind == "train" and plan.label is None:
        raise _refuse(
            "train-needs-label",
            "A reference model is to be trained, and no label is chosen.",
            "Choose a label column, or use a score or decision column instead.",
            "label",
        )
    if plan.model.kind == "train":
        _check_training(plan)
    if plan.model.kind == "columns" and plan.decision is None and plan.score is None:
        raise _refuse(
            "no-decision",
            "Nothing says what was decided: there is no model, score or decision column.",
            "Upload a model, choose a score or decision column, or train a reference model.",
            "model",
        )


def _check_training(plan: Plan) -> None:
    if plan.label is not None and plan.label.column in (plan.features or ()):
        raise _refuse(
            "label-as-feature",
            f"Column “{plan.label.column}” is the label and a feature: a model that sees the"
            " answer predicts it.",
            "Leave it out of the features.",
            "features",
        )
    score = plan.score
    if score is not None and not (score.favourable and (score.low, score.high) == (0.0, 1.0)):
        raise _refuse(
            "trained-score",
            "The score of a model trained here runs from 0 to 1 and is favourable when high.",
            "Leave out the range and the direction of the score (--score-range, --score-is).",
            "score",
        )


def _check_columns(plan: Plan) -> None:
    if not plan.attributes:
        raise _refuse(
            "no-sensitive",
            "No sensitive column is chosen, so there are no groups to compare.",
            "Choose at least one sensitive column, such as sex, race or age.",
            "sensitive",
        )
    if len(plan.attributes) > MAX_ATTRIBUTES:
        raise _refuse(
            "too-many-sensitive",
            f"{len(plan.attributes):,} sensitive columns are chosen.",
            f"Choose at most {MAX_ATTRIBUTES}; a second audit can look at the others.",
            "sensitive",
        )
    seen: dict[str, str] = {}
    roles = [(a.column, "sensitive") for a in plan.attributes]
    roles += [
        (outcome.column, name)
        for outcome, name in ((plan.label, "label"), (plan.decision, "decision"))
        if outcome is not None
    ]
    if plan.score is not None and plan.score.column is not None:
        roles.append((plan.score.column, "score"))
    for column, role in roles:
        if column in seen:
            raise _refuse(
                "two-roles",
                f"Column “{column}” is used as {seen[column]} and as {role}.",
                "Give each column one role.",
                role,
            )
        seen[column] = role


#: field, smallest, largest, unit in words
_LIMITS = (
    ("intersections", 1, 4, "columns"),
    ("floor", 1, 10_000, "people"),
    ("denominator_floor", 1, 10_000, "people"),
    ("draws", 100, 20_000, "draws"),
    ("seed", 0, 2**32 - 1, ""),
    ("tolerance", 0.0, 0.5, ""),
)


def _check_numbers(plan: Plan) -> None:
    for name, low, high, unit in _LIMITS:
        value = getattr(plan, name)
        if not low <= value <= high:
            span = f"{low:,} to {high:,} {unit}".strip()
            raise _refuse(
                "out-of-range",
                f"{name.replace('_', ' ').capitalize()} is {value}.",
                f"Enter a number from {span}.",
                name,
            )
    score = plan.score
    if score is not None and not 0.0 < score.high - score.low < math.inf:
        raise _refuse(
            "score-range",
            f"The score range runs from {score.low:g} to {score.high:g}.",
            "Enter two numbers, the smaller one first.",
            "score",
        )
    low, high = (0.0, 1.0) if score is None else (score.low, score.high)
    if not low <= plan.threshold <= high:
        raise _refuse(
            "threshold-outside-range",
            f"The threshold {plan.threshold:g} lies outside the scores' range,"
            f" {low:g} to {high:g}.",
            "Enter a threshold in the units of the score.",
            "threshold",
        )
