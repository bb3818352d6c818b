"""Why two audits cannot be held against each other, and what differs between those that can."""

from __future__ import annotations

from typing import Any

from auditapp.errors import AuditError
from auditapp.result import SCHEMA, Document, result_hash
from metrics.estimates import GOALS

Row = dict[str, Any]

#: Rates that are compared; those that need no recorded outcome come first.
METRICS = ("selection-rate", "tpr", "fpr", "precision", "accuracy")
UNLABELLED = ("selection-rate",)


def refuse(first: Document, second: Document) -> None:
    """Raise where the two documents ask different things.

    Raises
    ------
    AuditError
        ``not-a-result``, ``same-result``, ``not-binary``, ``weighted``, ``other-goal``,
        ``other-outcome`` or ``other-attributes``.
    """
    for document, name in ((first, "The first file"), (second, "The second file")):
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            raise AuditError(
                "not-a-result",
                f"{name} is no result document of this version.",
                "Run that audit again, or choose another one.",
            )
    if result_hash(first) == result_hash(second):
        raise AuditError(
            "same-result",
            "Both audits have the same result: there is nothing to compare.",
            "Choose another audit of another model or another month.",
        )
    a, b = first["plan"], second["plan"]
    if any(plan.get("outcome", "binary") != "binary" for plan in (a, b)):
        raise AuditError(
            "not-binary",
            "Only decisions between two outcomes are compared.",
            "Choose two audits of yes/no decisions.",
        )
    if any(plan.get("weights") for plan in (a, b)):
        raise AuditError(
            "weighted",
            "An audit with survey weights is not compared: its rows stand for different numbers"
            " of people, and pairing them needs the design.",
            "Choose two audits without weights.",
        )
    _refuse_policy(a, b)
    if not common(first, second)[0]:
        raise AuditError(
            "other-attributes",
            "No group column is in both audits with the same groups.",
            "Audit again with the same sensitive column, in the same bins and words.",
            found=f"{_columns(a)} and {_columns(b)}",
        )


def _columns(plan: Row) -> str:
    return ", ".join(str(spec["column"]) for spec in plan["attributes"])


def _refuse_policy(a: Row, b: Row) -> None:
    goals = [str(plan.get("goal") or "selection-rate") for plan in (a, b)]
    if goals[0] != goals[1]:
        raise AuditError(
            "other-goal",
            "The two audits have different goals, so that their primary rates are different ones.",
            "Audit one of them again with the goal of the other.",
            found=f"{goals[0]} and {goals[1]}",
        )
    if same_outcome(a, b):
        return
    if any(metric not in UNLABELLED for metric in GOALS[goals[0]]):
        raise AuditError(
            "other-outcome",
            "The two audits measure against different recorded outcomes.",
            "Audit one of them again with the outcome of the other.",
            found=" and ".join(_outcome(plan) for plan in (a, b)),
        )


def same_outcome(a: Row, b: Row) -> bool:
    """Whether both plans name the same values of an outcome column as favourable."""
    labels = [plan.get("label") for plan in (a, b)]
    if labels[0] is None or labels[1] is None:
        return False
    return bool(sorted(labels[0]["favourable"]) == sorted(labels[1]["favourable"]))


def _outcome(plan: Row) -> str:
    label = plan.get("label")
    if label is None:
        return "none"
    return f"{label['column']} ({', '.join(label['favourable'])})"


def metrics_of(a: Row, b: Row) -> tuple[str, ...]:
    """Rates that both audits can have."""
    return METRICS if same_outcome(a, b) else UNLABELLED


def common(first: Document, second: Document) -> tuple[list[str], list[Row]]:
    """Group columns of both audits, and the others with the reason they are left out."""
    specs = [{s["column"]: s for s in doc["plan"]["attributes"]} for doc in (first, second)]
    found, left_out = [], []
    for name, spec in specs[0].items():
        other = specs[1].get(name)
        if other is None:
            left_out.append({"by": name, "reason": "only-first"})
        elif any(spec.get(key) != other.get(key) for key in ("kind", "cuts", "words")):
            left_out.append({"by": name, "reason": "other-groups"})
        else:
            found.append(name)
    left_out += [
        {"by": name, "reason": "only-second"} for name in specs[1] if name not in specs[0]
    ]
    return found, left_out


def differs(a: Row, b: Row) -> list[str]:
    """What else is different, as codes with words in the report."""
    out = []
    if a["data"]["sha256"] != b["data"]["sha256"]:
        out.append("data")
    keys = ("kind", "estimator", "name", "sha256", "output", "positive")
    if any(a["model"].get(key) != b["model"].get(key) for key in keys):
        out.append("model")
    columns = [_decided(plan) for plan in (a, b)]
    if columns[0] != columns[1]:
        out.append("decision")
    for key in ("threshold", "tolerance", "floor", "denominator_floor"):
        if a.get(key) != b.get(key):
            out.append(key)
    labels = [(plan.get("label") or {}).get("column") for plan in (a, b)]
    if labels[0] != labels[1]:
        out.append("label")
    return out


def _decided(plan: Row) -> tuple[Any, ...]:
    decision, score = plan.get("decision") or {}, plan.get("score") or {}
    return (
        decision.get("column"), tuple(decision.get("favourable") or ()), score.get("column"),
        score.get("favourable"),
    )  # fmt: skip
