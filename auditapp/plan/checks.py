"""What makes a plan impossible, said before any row is read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import mitigations
from auditapp.errors import AuditError
from auditapp.plan.goals import ESTIMATORS, GOALS_NEEDING_LABEL, OUTCOMES, SEARCHES, goals_for
from auditapp.plan.model import Plan
from auditapp.regulatory import card
from auditapp.regulatory.card import Card
from mitigations.catalogue import entry
from mitigations.contract import MethodError

#: Every pair of columns is a table of its own: twelve make 66.
MAX_ATTRIBUTES = 12


def _refuse(code: str, message: str, hint: str, where: str) -> AuditError:
    return AuditError(code, message, hint, where=where)


def check(plan: Plan) -> None:
    """Refuse a plan that could only fail later.

    Raises
    ------
    AuditError
        `where` names the field of the form that has to change.
    """
    if plan.outcome not in OUTCOMES:
        raise _refuse(
            "unknown-outcome",
            f"The kind of outcome “{plan.outcome}” is not known.",
            f"Choose one of: {', '.join(OUTCOMES)}.",
            "outcome",
        )
    _check_columns(plan)
    _check_numbers(plan)
    _check_searches(plan)
    if plan.goal not in goals_for(plan.outcome):
        raise _refuse(
            "unknown-goal",
            f"The goal “{plan.goal}” is not known for {_KINDS[plan.outcome]}.",
            f"Choose one of: {', '.join(goals_for(plan.outcome))}.",
            "goal",
        )
    if plan.goal in GOALS_NEEDING_LABEL and plan.label is None:
        free = next(g for g in goals_for(plan.outcome) if g not in GOALS_NEEDING_LABEL)
        raise _refuse(
            "goal-needs-label",
            f"The goal “{plan.goal}” compares decisions with labels, and no label is chosen.",
            f"Choose a label column, or the goal “{free}”.",
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
    if plan.model.kind == "columns":
        _check_given(plan)


#: Kinds of outcome in a sentence.
_KINDS = {
    "binary": "a yes/no decision",
    "multiclass": "a choice among classes",
    "regression": "a predicted number",
    "ranking": "a ranked list",
}


def _check_given(plan: Plan) -> None:
    """What was decided has to stand in the columns when there is no model."""
    given = {
        "binary": plan.decision is not None or plan.score is not None,
        "multiclass": plan.decision is not None,
    }.get(plan.outcome, plan.score is not None and plan.score.column is not None)
    if given:
        return
    if plan.outcome == "binary":
        raise _refuse(
            "no-decision",
            "Nothing says what was decided: there is no model, score or decision column.",
            "Upload a model, choose a score or decision column, or train a reference model.",
            "model",
        )
    column = "decision column" if plan.outcome == "multiclass" else "score column"
    way = "." if plan.outcome == "ranking" else ", or train a reference model."
    raise _refuse(
        "no-decision",
        f"Nothing says what was decided: {_KINDS[plan.outcome]} needs a {column}.",
        f"Choose the {column}{way}",
        "decision" if plan.outcome == "multiclass" else "score",
    )


def _check_searches(plan: Plan) -> None:
    stray = [name for name in plan.skip if name not in SEARCHES]
    if stray:
        raise _refuse(
            "unknown-search",
            f"“{stray[0]}” is no search that could be left out.",
            f"Choose among: {', '.join(SEARCHES)}.",
            "skip",
        )
    if plan.target is not None and (plan.site is None or plan.model.kind != "train"):
        raise _refuse(
            "target-needs-site",
            "A target site is named, and there is no site column or no model trained here.",
            "Choose a site column and train a reference model, or leave the target out.",
            "target",
        )
    _check_methods(plan)
    _check_templates(plan)
    if plan.source is not None and plan.outcome != "binary":
        raise _refuse(
            "source-needs-binary",
            "A source population is named, and only remedies for yes/no decisions learn from one.",
            "Leave the source population out.",
            "source",
        )
    if plan.weights is not None:
        _check_weights(plan)
    if plan.gold is not None and plan.label is None:
        raise _refuse(
            "gold-needs-label",
            "Gold labels are chosen, and there is no label to hold against them.",
            "Choose a label column.",
            "gold",
        )


#: How replicate estimates become a variance: `auditapp.pipeline.weights`.
WEIGHT_METHODS = ("sdr", "brr", "jackknife", "bootstrap")


def _check_weights(plan: Plan) -> None:
    weights = plan.weights
    assert weights is not None
    if plan.outcome != "binary":
        raise _refuse(
            "weights-need-binary",
            f"Survey weights are chosen, and {_KINDS[plan.outcome]} is measured without them.",
            "Leave the weights out: every row then counts once.",
            "weights",
        )
    if weights.method not in WEIGHT_METHODS:
        raise _refuse(
            "unknown-weight-method",
            f"“{weights.method}” is no way to make a variance of replicate weights.",
            f"Choose one of: {', '.join(WEIGHT_METHODS)}.",
            "weights",
        )
    if len(weights.replicates) == 1:
        raise _refuse(
            "one-replicate",
            f"There is one column of replicate weights only, “{weights.replicates[0]}”.",
            "Name all of them, or none: households are then drawn anew.",
            "weights",
        )


def check_settings(methods: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Refuse settings of remedies now, which the work itself would refuse after minutes.

    Raises
    ------
    AuditError
        ``unknown-setting`` or ``bad-setting``.
    """
    for slug, settings in methods:
        found = entry(slug)
        if found is None:
            continue
        known = {parameter.name: parameter for parameter in found.parameters}
        for name, value in settings.items():
            if name not in known:
                raise AuditError(
                    "unknown-setting",
                    f"The remedy “{slug}” has no setting “{name}”.",
                    f"Choose among: {', '.join(known)}."
                    if known
                    else "This remedy has no settings.",
                    where="method",
                )
            try:
                known[name].read(value)
            except MethodError as error:
                raise AuditError(error.code, error.message, error.hint, where="method") from error


def _check_methods(plan: Plan) -> None:
    names = [method.slug for method in plan.methods]
    stray = [name for name in names if name not in mitigations.REGISTRY]
    if stray:
        raise _refuse(
            "unknown-method",
            f"There is no remedy “{stray[0]}”.",
            f"Choose among: {', '.join(mitigations.REGISTRY)}.",
            "methods",
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise _refuse(
            "method-twice",
            f"The remedy “{twice}” is named twice.",
            "Name it once, with all its settings.",
            "methods",
        )
    if names and (plan.outcome != "binary" or plan.label is None):
        raise _refuse(
            "methods-need-label",
            "Remedies are to be tried, and what they would cost needs a yes/no label.",
            "Choose a label column, or try no remedies.",
            "methods",
        )
    columns = [attribute.column for attribute in plan.attributes]
    if plan.protect is not None and plan.protect not in columns:
        raise _refuse(
            "unknown-protect",
            f"Remedies are to work between the groups of “{plan.protect}”, which is not among"
            " the sensitive columns.",
            f"Choose one of: {', '.join(columns)}.",
            "protect",
        )


def _check_templates(plan: Plan) -> None:
    names = [template.slug for template in plan.templates]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise _refuse(
            "template-twice",
            f"The template “{twice}” is named twice.",
            "Name it once, with all its settings.",
            "templates",
        )
    for template in plan.templates:
        found = card(template.slug)
        answers = found.settings(template.settings)
        wrong = found.problems(template.settings)
        if wrong:
            raise _refuse(
                "bad-template-setting",
                f"{found.title}: {wrong[0][1]}",
                "Change the settings of the template.",
                "templates",
            )
        _check_named(plan, found, answers)
        if plan.outcome not in found.outcomes:
            raise _refuse(
                "template-outcome",
                f"The template “{found.title}” does not speak of {_KINDS[plan.outcome]}.",
                "Leave the template out.",
                "templates",
            )
        if found.needs_label and plan.label is None:
            raise _refuse(
                "template-needs-label",
                f"The template “{found.title}” needs labels, and no label is chosen.",
                "Choose a label column, or leave the template out.",
                "templates",
            )


def _check_named(plan: Plan, found: Card, answers: Mapping[str, Any]) -> None:
    """Sensitive columns that a template names have to be among those of the plan."""
    known = {name.casefold() for a in plan.attributes for name in (a.column, a.title)}
    for item in found.fields:
        for name in answers[item.name] if item.of == "attributes" else ():
            if str(name).strip().casefold() not in known:
                raise _refuse(
                    "template-column",
                    f"{found.title}: “{name}” is none of the sensitive columns of this audit.",
                    f"Choose among: {', '.join(a.column for a in plan.attributes)}.",
                    "templates",
                )


def _check_training(plan: Plan) -> None:
    known = ESTIMATORS[plan.outcome]
    if plan.model.estimator is not None and plan.model.estimator not in known:
        raise _refuse(
            "unknown-estimator",
            f"“{plan.model.estimator}” cannot be trained here for {_KINDS[plan.outcome]}.",
            f"Choose one of: {', '.join(known)}."
            if known
            else "Score the rows elsewhere and choose the score column.",
            "estimator",
        )
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
    roles += [(plan.gold.column, "gold label")] if plan.gold is not None else []
    roles += [(plan.query, "list")] if plan.query is not None else []
    if plan.references is not None:
        roles += [(column, "reference decision") for column in plan.references.columns]
    # A site may be a legitimate factor too, and both may be sensitive columns of the audit.
    for spec, role in ((plan.site, "site"), (plan.control, "legitimate factor")):
        if spec is not None and spec.column in {c for c, r in roles if r != "sensitive"}:
            roles.append((spec.column, role))
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
    ("k", 1, 100_000, "places"),
)


def _check_numbers(plan: Plan) -> None:
    widest = {"regression": 1e12 if plan.tolerance_unit == "units" else 5.0}
    limits = (*_LIMITS, ("tolerance", 0.0, widest.get(plan.outcome, 0.5), ""))
    for name, low, high, unit in limits:
        value = getattr(plan, name)
        if not low <= value <= high:
            span = f"{low:,} to {high:,} {unit}".strip()
            raise _refuse(
                "out-of-range",
                f"{name.replace('_', ' ').capitalize()} is {value}.",
                f"Enter a number from {span}.",
                name,
            )
    if plan.outcome in {"regression", "ranking"}:
        return
    score = plan.score
    if score is not None and not 0.0 < score.high - score.low < math.inf:
        raise _refuse(
            "score-range",
            f"The score range runs from {score.low:.15g} to {score.high:.15g}.",
            "Enter two numbers, the smaller one first.",
            "score",
        )
    low, high = (0.0, 1.0) if score is None else (score.low, score.high)
    if not low <= plan.threshold <= high:
        raise _refuse(
            "threshold-outside-range",
            f"The threshold {plan.threshold:.15g} lies outside the scores' range,"
            f" {low:.15g} to {high:.15g}.",
            "Enter a threshold in the units of the score.",
            "threshold",
        )
