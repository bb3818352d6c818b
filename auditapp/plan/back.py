"""From a Plan back to the columns it names and to the draft that would freeze to it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from auditapp import regulatory
from auditapp.plan.draft import POLICY
from auditapp.plan.model import Outcome, Plan

Json = dict[str, Any]


def columns_of(plan: Plan) -> list[str]:
    """Every column that the plan reads, each once."""
    outcomes = (plan.label, plan.decision, plan.gold)
    groups = (plan.site, plan.control)
    found = [
        *(attribute.column for attribute in plan.attributes),
        *(item.column for item in outcomes if item is not None),
        *(item.column for item in groups if item is not None),
        *([plan.score.column] if plan.score is not None else []),
        *(plan.features if plan.features is not None else ()),
        plan.unit,
        plan.query,
        plan.split.column,
        *(plan.references.columns if plan.references is not None else ()),
        *plan.immutable,
        None if plan.source is None else plan.source.column,
        *(() if plan.weights is None else (plan.weights.column, *plan.weights.replicates)),
        *(
            name
            for item in plan.templates
            for name in regulatory.columns(item.slug, item.settings)
        ),
    ]
    return [name for name in dict.fromkeys(found) if name is not None]


def draft_of(plan: Plan, columns: list[str]) -> Json:
    """The draft of the form with the answers of this plan, for an audit with changes.

    The form asks neither for costs nor for how rows are split, so those are lost.
    """
    plain = plan.to_json()
    kept = (
        "attributes", "classes", "query", "site", "target", "control", "references", "skip",
        "methods", "protect", "immutable", "source", "checkpoint", "weights", "outcome", "about",
        "templates",
    )  # fmt: skip
    roles = _roles(plan, columns)
    sensitive = {attribute.column for attribute in plan.attributes}
    uploaded = plan.model.kind not in {"columns", "train"}
    return {
        **{name: plain[name] for name in kept},
        "roles": roles,
        "label": _outcome(plan.label),
        "decision": _outcome(plan.decision),
        "gold": _outcome(plan.gold),
        "score": None if plan.score is None else asdict(plan.score),
        "sensitive_features": bool(sensitive.intersection(plan.features or ())),
        "unit": plan.unit,
        "model": {
            "kind": "upload" if uploaded else plan.model.kind,
            "estimator": plan.model.estimator,
            "output": plan.model.output,
            "positive": plan.model.positive,
        },
        "policy": {name: getattr(plan, name) for name in POLICY},
    }


def _outcome(item: Outcome | None) -> Json | None:
    if item is None:
        return None
    return {"column": item.column, "favourable": list(item.favourable)}


def _roles(plan: Plan, columns: list[str]) -> dict[str, str]:
    """One role a column; what is said later here wins."""
    found = dict.fromkeys(columns, "unused")
    several = [
        ("weight", [] if plan.weights is None else [plan.weights.column]),
        ("reference", [] if plan.references is None else plan.references.columns),
        ("query", [plan.query]),
        ("site", [None if plan.site is None else plan.site.column]),
        ("control", [None if plan.control is None else plan.control.column]),
        ("feature", plan.features if plan.features is not None else ()),
        ("unit", [plan.unit]),
        ("gold", [None if plan.gold is None else plan.gold.column]),
        ("score", [None if plan.score is None else plan.score.column]),
        ("decision", [None if plan.decision is None else plan.decision.column]),
        ("label", [None if plan.label is None else plan.label.column]),
        ("sensitive", [attribute.column for attribute in plan.attributes]),
    ]
    for role, names in several:
        found.update({name: role for name in names if name is not None})
    return found
