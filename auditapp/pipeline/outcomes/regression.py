"""Predictions of a number: how far off and which way, by group."""

from __future__ import annotations

from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets import split
from auditapp.datasets.table import Table
from auditapp.errors import AuditError
from auditapp.pipeline.decide import parts
from auditapp.pipeline.outcomes import numbers, rows
from auditapp.pipeline.progress import Progress
from auditapp.plan import Plan
from metrics.audit import Attribute
from metrics.regression import GOALS, RegressionPolicy, measure_regression

GOALS_REGRESSION = GOALS
#: The label is dealt out evenly over the parts of a split in this many equal shares.
STRATA = 10
TITLES = {"linear": "ridge regression", "boosting": "gradient boosting"}

Floats = NDArray[np.float64]
Predicted = tuple[Floats, dict[str, Any] | None, NDArray[np.int8] | None]


def measure(plan: Plan, table: Table, job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Predict if need be, then measure errors and mean predictions by group."""
    with progress.step("decide", _source_words(plan)):
        label = None if plan.label is None else numbers.column(table, plan.label.column)
        attributes = rows.attributes(plan, table)
        prediction, model, part = _predicted(plan, table, label, attributes, job, progress)
    fitted = np.zeros(table.n_rows, bool) if part is None else part == split.TRAIN
    blank = np.isnan(prediction)
    used = numbers.reasoned(
        rows.rows_used(blank, part),
        ("no-prediction", "no prediction: the column is blank", blank & ~fitted),
    )
    with progress.step("count", f"{int(used.mask.sum()):,} people"):
        measured = [used.of(attribute) for attribute in attributes]
    with progress.step("measure", "moments, intervals and verdicts"):
        sections = measure_regression(
            measured,
            prediction=prediction[used.mask],
            label=None if label is None else label[used.mask],
            policy=_policy(plan),
        )
    outcome = _outcome(sections)
    return {
        "model": model,
        "rows": rows.row_facts(table, used, None if label is None else np.isnan(label)),
        "tests": [],
        "scores": None,
        **sections,
        "outcome": outcome,
    }


def _outcome(sections: dict[str, Any]) -> dict[str, Any]:
    """Take out of the sections what only predictions of a number have; add sizes in spreads."""
    spread, errors = sections.pop("spread"), sections.pop("errors")
    sd = spread["label_sd"] if spread["label_sd"] is not None else spread["prediction_sd"]
    for gap in sections["gaps"]:
        gap["in_sd"] = None
        if sd and gap["kind"] == "difference" and gap["metric"] != "r2":
            gap["in_sd"] = {
                key: None if gap[key] is None else gap[key] / sd
                for key in ("value", "low", "high")
            }
    histogram = None
    if errors:
        histogram = {
            "edges": errors[0]["edges"],
            "edges_kind": errors[0]["edges_kind"],
            "groups": [{key: row[key] for key in ("by", "group", "counts")} for row in errors],
        }
    return {"kind": "regression", "spread": {**spread, "sd": sd}, "errors": histogram}


def _predicted(
    plan: Plan,
    table: Table,
    label: Floats | None,
    attributes: list[Attribute],
    job: dict[str, Any],
    progress: Progress,
) -> Predicted:
    layers = None if label is None else _strata(label)
    part = parts(plan, table, layers, [attribute.codes for attribute in attributes])
    if plan.model.kind == "train":
        return *_train(plan, table, label, part, progress), part
    return *numbers.given(plan, table, job, progress), part


def _strata(label: Floats) -> NDArray[np.int8]:
    """Tenths of the label, so that every part of a split has its share of low and high ones."""
    known = ~np.isnan(label)
    edges = np.unique(np.quantile(label[known], np.linspace(0, 1, STRATA + 1)[1:-1]))
    codes = np.searchsorted(edges, label, side="right").astype(np.int8)
    codes[~known] = -1
    return codes


def _train(
    plan: Plan,
    table: Table,
    label: Floats | None,
    part: NDArray[np.int8] | None,
    progress: Progress,
) -> tuple[Floats, dict[str, Any]]:
    from auditapp.predictors import reference

    if label is None or part is None or plan.features is None:
        raise AuditError(
            "train-needs-label",
            "A reference model is to be trained, and no label is chosen.",
            "Choose a label column.",
        )
    mask = (part == split.TRAIN) & ~np.isnan(label)
    if not mask.any():
        raise AuditError(
            "no-training-rows",
            f"None of the {part.size:,} rows is left to train a model on.",
            "Change the split: some rows have to train, and the others are measured.",
            where=plan.split.column or "/".join(map(str, plan.split.shares)),
        )
    estimator = plan.model.estimator or "linear"
    words = f"training {TITLES.get(estimator, estimator)} on {int(mask.sum()):,} rows"
    progress.within("decide", 0.05, words)
    predictions, info = reference.fit_number(
        table, list(plan.features), label, mask, estimator=estimator, seed=plan.seed
    )
    return predictions, {"kind": "train", "fitted_rows": int(mask.sum()), **info}


def _policy(plan: Plan) -> RegressionPolicy:
    return RegressionPolicy(
        goal=plan.goal,
        tolerance=plan.tolerance,
        tolerance_unit=cast(Literal["sd", "units"], plan.tolerance_unit),
        floor=plan.floor,
        intersections=plan.intersections,
    )


def _source_words(plan: Plan) -> str:
    if plan.model.kind == "train":
        return f"training {TITLES.get(plan.model.estimator or 'linear', 'a model')}"
    if plan.model.kind == "columns":
        return "from the table's own columns"
    return f"running {plan.model.name} in the sandbox"
