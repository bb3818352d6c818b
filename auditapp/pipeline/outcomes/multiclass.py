"""Decisions among several classes: rates of each class against the rest, by group."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets import split
from auditapp.datasets.keys import folded, natural_sorted
from auditapp.datasets.table import Table
from auditapp.errors import AuditError
from auditapp.pipeline.decide import parts
from auditapp.pipeline.outcomes import rows
from auditapp.pipeline.preview import first_numbers
from auditapp.pipeline.progress import Progress
from auditapp.plan import Plan, goals_for
from metrics.estimates import plain
from metrics.groups import Attribute
from metrics.intervals import wilson
from metrics.multiclass import ClassPolicy, measure_multiclass
from metrics.rates import divide

GOALS_MULTICLASS = goals_for("multiclass")
MAX_CLASSES = 30

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Chosen:
    """Every row's class on record and class decided, as positions in `classes`; -1 is blank."""

    classes: tuple[str, ...]
    label: Ints | None
    decision: Ints
    part: NDArray[np.int8] | None
    model: dict[str, Any] | None


def measure(plan: Plan, table: Table, job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Decide, count and measure."""
    with progress.step("decide", _source_words(plan)):
        attributes = rows.attributes(plan, table)
        chosen = _choose(plan, table, attributes, job, progress)
        focus = _focus(plan, chosen.classes)
    used = rows.rows_used(chosen.decision < 0, chosen.part)
    with progress.step("count", f"{int(used.mask.sum()):,} people"):
        measured = [used.of(attribute) for attribute in attributes]
        decision = chosen.decision[used.mask]
        progress.preview(_preview(measured[0], decision, chosen.classes, focus))
    with progress.step("measure", f"{plan.draws:,} draws, seed {plan.seed}"):
        found = measure_multiclass(
            measured,
            decision=decision,
            classes=chosen.classes,
            label=None if chosen.label is None else chosen.label[used.mask],
            policy=_policy(plan, focus),
        )
    outcome = {"kind": "multiclass", "classes": found.pop("classes"), "focus": list(focus)}
    blank = None if chosen.label is None else chosen.label < 0
    return {
        "model": chosen.model,
        "rows": rows.row_facts(table, used, blank),
        "outcome": outcome | {"confusion": [_shares(row) for row in found.pop("confusion")]},
        "scores": None,
        **found,
    }


def _shares(row: dict[str, Any]) -> dict[str, Any]:
    """A confusion table with the share of each recorded class that went to each class."""
    if row["counts"] is None or len(row["by"]) > 1:
        return row | {"shares": None}
    counts = np.array(row["counts"])
    total = np.broadcast_to(counts.sum(axis=1, keepdims=True), counts.shape)
    low, high = wilson(counts, total)
    parts = {"value": divide(counts, total), "low": low, "high": high}
    return row | {"shares": {name: [plain(line) for line in part] for name, part in parts.items()}}


def _policy(plan: Plan, focus: tuple[str, ...]) -> ClassPolicy:
    return ClassPolicy(
        goal=plan.goal,
        classes=focus or None,
        tolerance=plan.tolerance,
        floor=plan.floor,
        denominator_floor=plan.denominator_floor,
        intersections=plan.intersections,
        draws=plan.draws,
        seed=plan.seed,
    )


def _choose(
    plan: Plan,
    table: Table,
    attributes: list[Attribute],
    job: dict[str, Any],
    progress: Progress,
) -> Chosen:
    """Classes on record and decided, from the model, the column or a model trained here."""
    recorded = None if plan.label is None else _column(table, plan.label.column)
    strata = [attribute.codes for attribute in attributes]
    if plan.model.kind == "train":
        return _train(plan, table, recorded, strata, progress)
    part = parts(plan, table, None, strata)
    if plan.model.kind == "columns":
        if plan.decision is None:
            raise AuditError(
                "no-decision",
                "Nothing says which class was decided: there is no decision column.",
                "Name a decision column or a model.",
            )
        return _joined(plan, recorded, _column(table, plan.decision.column), part, None)
    decided, model = _predict(plan, table, job, progress)
    return _joined(plan, recorded, decided, part, model)


def _column(table: Table, name: str) -> tuple[list[str], Ints]:
    levels, codes = table.codes(name)
    if not levels:
        raise AuditError(
            "column-blank",
            f"Column “{name}” is blank in all {table.n_rows:,} rows.",
            "Choose another column, or fill it in.",
            where=f"column {name}",
        )
    return levels, codes.astype(np.int64)


def _joined(
    plan: Plan,
    recorded: tuple[list[str], Ints] | None,
    decided: tuple[list[str], Ints],
    part: NDArray[np.int8] | None,
    model: dict[str, Any] | None,
) -> Chosen:
    """One list of classes for both; values that differ in case only are one class."""
    sources = [decided] if recorded is None else [decided, recorded]
    words: dict[str, str] = {}
    for levels, _ in sources:
        for level in levels:
            words.setdefault(folded(level), level)
    classes = natural_sorted(words.values())
    _check_classes(plan, classes, sources)
    place = {folded(word): j for j, word in enumerate(classes)}

    def positions(levels: list[str], codes: Ints) -> Ints:
        lookup = np.array([place[folded(level)] for level in levels] + [-1], dtype=np.int64)
        return lookup[codes]

    label = None if recorded is None else positions(*recorded)
    return Chosen(tuple(classes), label, positions(*decided), part, model)


def _check_classes(plan: Plan, classes: list[str], sources: list[tuple[list[str], Ints]]) -> None:
    column = plan.decision.column if plan.decision is not None else "the model's decisions"
    if len(classes) > MAX_CLASSES:
        raise AuditError(
            "too-many-classes",
            f"There are {len(classes):,} different classes; an audit compares at most"
            f" {MAX_CLASSES}.",
            "Merge rare classes into one before uploading. A column of amounts is a predicted"
            " number, not a class.",
            where=f"column {column}" if plan.decision is not None else "",
            found=_listed(classes, 10),
        )
    if len(classes) < 2:
        raise AuditError(
            "one-class",
            f"Everybody has the same class, “{classes[0][:80]}”: there is nothing to compare.",
            "Choose another decision column.",
            where=f"column {column}" if plan.decision is not None else "",
        )
    if len(sources) > 1:
        decided, recorded = ({folded(level) for level in levels} for levels, _ in sources)
        if not decided & recorded:
            raise AuditError(
                "no-common-class",
                "Decisions and recorded outcomes have no class in common.",
                "Write both with the same words or codes, or leave the label out.",
                found=f"decided: {_listed(sources[0][0], 6)}; on record:"
                f" {_listed(sources[1][0], 6)}",
            )


def _listed(words: list[str], cap: int) -> str:
    shown = ", ".join(f"“{word[:80]}”" for word in words[:cap])
    return shown + (f" and {len(words) - cap:,} more" if len(words) > cap else "")


def _focus(plan: Plan, classes: tuple[str, ...]) -> tuple[str, ...]:
    """The classes the auditor named, as they are written in the table."""
    known = {folded(word): word for word in classes}
    for name in plan.classes:
        if folded(name) not in known:
            raise AuditError(
                "value-not-found",
                f"No decision or recorded outcome is “{name}”.",
                "Name classes that are in the columns.",
                where="classes",
                found=_listed(list(classes), 10),
            )
    return tuple(dict.fromkeys(known[folded(name)] for name in plan.classes))


def _train(
    plan: Plan,
    table: Table,
    recorded: tuple[list[str], Ints] | None,
    strata: list[NDArray[Any]],
    progress: Progress,
) -> Chosen:
    from auditapp.predictors import reference_classes

    if recorded is None or plan.features is None:
        raise AuditError(
            "train-needs-label",
            "A reference model is to be trained, and no label is chosen.",
            "Choose a label column.",
        )
    known = _joined(plan, None, recorded, None, None)
    label = known.decision
    part = parts(plan, table, label.astype(np.int8), strata)
    if part is None or not (part == split.TRAIN).any():
        raise AuditError(
            "no-training-rows",
            f"None of the {table.n_rows:,} rows is left to train a model on.",
            "Change the split: some rows have to train, and the others are measured.",
        )
    mask = (part == split.TRAIN) & (label >= 0)
    estimator = plan.model.estimator or "logistic"
    progress.within("decide", 0.05, f"training on {int(mask.sum()):,} rows")
    decision, info = reference_classes.fit_classes(
        table,
        list(plan.features),
        label,
        known.classes,
        mask,
        estimator=estimator,
        seed=plan.seed,
    )
    model = {"kind": "train", "fitted_rows": int(mask.sum()), **info}
    return Chosen(known.classes, label, decision, part, model)


def _predict(
    plan: Plan, table: Table, job: dict[str, Any], progress: Progress
) -> tuple[tuple[list[str], Ints], dict[str, Any]]:
    from auditapp import predictors

    profile = job["model_profile"]

    def tick(done: int, total: int, text: str, **_: Any) -> None:
        progress.within("decide", done / max(total, 1), text)

    codes, classes = predictors.predict_classes(
        Path(job["model_path"]),
        plan.to_json()["model"],
        profile,
        Path(job["table_dir"]) / "table.parquet",
        None if plan.features is None else list(plan.features),
        Path(job["out"]) / "model",
        tick,
    )
    facts = {key: value for key, value in profile.items() if key not in {"schema", "path"}}
    return (list(classes), codes), {"kind": profile["format"], **facts}


def _preview(
    attribute: Attribute, decision: Ints, classes: tuple[str, ...], focus: tuple[str, ...]
) -> dict[str, Any]:
    """First numbers of the class that the auditor named first, else of the most frequent."""
    j = int(np.bincount(decision, minlength=len(classes)).argmax())
    if focus:
        j = classes.index(focus[0])
    shown = first_numbers(attribute, (decision == j).astype(np.int8))
    return {**shown, "metric": f"“{classes[j]}” selection rate"}


def _source_words(plan: Plan) -> str:
    if plan.model.kind == "train":
        words = {"logistic": "logistic regression", "boosting": "gradient boosting"}
        return f"training {words.get(plan.model.estimator or 'logistic', 'a model')}"
    if plan.model.kind == "columns":
        return "from the table's own columns"
    return f"running {plan.model.name} in the sandbox"
