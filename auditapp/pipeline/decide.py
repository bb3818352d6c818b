"""Who was decided how: scores and decisions for every row, and which rows may be measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets import groups, split
from auditapp.datasets.table import Table
from auditapp.errors import AuditError
from auditapp.pipeline.progress import Progress
from auditapp.plan import Plan

if TYPE_CHECKING:
    from auditapp.predictors.reference import Fitted


@dataclass
class Decided:
    """Row-level facts of the baseline; favourable is 1 everywhere.

    `fitted` is the model trained here (`auditapp.predictors.reference.Fitted`), which remedies
    may ask about changed inputs.
    """

    label: NDArray[np.int8] | None
    score: NDArray[np.float64] | None
    decision: NDArray[np.int8]
    part: NDArray[np.int8] | None
    model: dict[str, Any] | None
    fitted: Any = None


def decide(
    plan: Plan,
    table: Table,
    label: NDArray[np.int8] | None,
    strata: list[NDArray[Any]],
    job: dict[str, Any],
    progress: Progress,
) -> Decided:
    """Obtain scores and decisions from the model, the columns, or a model trained here."""
    source = source_rows(plan, table)
    part = parts(plan, table, label, strata if source is None else [*strata, source])
    if part is not None and source is not None:
        part = np.where(source, split.SOURCE, part).astype(np.int8)
    kind = plan.model.kind
    if kind == "columns":
        score, decision = _from_columns(plan, table)
        return Decided(label, score, decision, part, None)
    fitted = None
    if kind == "train":
        fitted, model = _train(plan, table, label, part, progress)
        raw = fitted.scores
    else:
        raw, model = _predict(plan, table, job, progress)
    score, decision = oriented(raw, plan)
    return Decided(label, score, decision, part, model, fitted)


def oriented(raw: NDArray[np.float64], plan: Plan) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Scores on [0, 1] with higher favourable, and decisions cut on the scores' own scale.

    A score that is unfavourable when high (risk) is favourable below the threshold, so the
    boundary itself counts as unfavourable: ``score >= threshold`` is the model's positive.
    """
    favourable = plan.score is None or plan.score.favourable
    low, high = (0.0, 1.0) if plan.score is None else (plan.score.low, plan.score.high)
    at_or_above = raw >= plan.threshold
    scaled = (raw - low) / (high - low)
    known = np.isfinite(raw)
    decision = np.where(known, at_or_above == favourable, -1).astype(np.int8)
    return (scaled if favourable else 1.0 - scaled), decision


def _from_columns(plan: Plan, table: Table) -> tuple[NDArray[np.float64] | None, NDArray[np.int8]]:
    score: NDArray[np.float64] | None = None
    decision: NDArray[np.int8] | None = None
    if plan.score is not None and plan.score.column is not None:
        raw = table.numbers(plan.score.column)
        if plan.decision is None and not np.isfinite(raw).any():
            raise groups.blank(table, plan.score.column)
        _check_range(raw, plan)
        score, decision = oriented(raw, plan)
    if plan.decision is not None:
        decision = groups.binary(table, plan.decision.column, plan.decision.favourable)
    if decision is None:
        raise AuditError(
            "no-decision",
            "Nothing says what was decided: there is no score and no decision column.",
            "Name a score column, a decision column or a model.",
        )
    return score, decision


def _check_range(raw: NDArray[np.float64], plan: Plan) -> None:
    if plan.score is None:
        return
    low, high = plan.score.low, plan.score.high
    outside = np.isfinite(raw) & ((raw < low) | (raw > high))
    if not outside.any():
        return
    known = raw[np.isfinite(raw)]
    count = int(outside.sum())
    raise AuditError(
        "score-out-of-range",
        f"Score column “{plan.score.column}” has {count:,} of {raw.size:,} values outside"
        f" {low:g} to {high:g}.",
        f"Give the range with --score-range={known.min():g},{known.max():g}"
        " (field “Score runs from … to …” on the page). Calibration is then not applicable.",
        where=f"first in data row {int(np.flatnonzero(outside)[0]) + 1:,}",
        found=f"smallest {known.min():g}, largest {known.max():g}",
    )


def source_rows(plan: Plan, table: Table) -> NDArray[np.bool_] | None:
    """Rows of the population that is learnt from and not measured; None where there is none.

    Raises
    ------
    AuditError
        ``source-everybody``: no row is left to measure; those of `groups.binary`.
    """
    if plan.source is None:
        return None
    mask = groups.binary(table, plan.source.column, plan.source.values) == 1
    if mask.all():
        raise AuditError(
            "source-everybody",
            f"All {mask.size:,} rows are of the source population, so none is left to measure.",
            f"Name fewer values of “{plan.source.column}”.",
            where=plan.source.column,
        )
    return np.asarray(mask)


def parts(
    plan: Plan, table: Table, label: NDArray[np.int8] | None, strata: list[NDArray[Any]]
) -> NDArray[np.int8] | None:
    """Which rows train, validate and are measured; None where nothing was split."""
    if plan.split.kind == "column" and plan.split.column is not None:
        return split.from_column(table, plan.split.column)
    if plan.model.kind != "train":
        return None
    layers = strata if label is None else [label, *strata]
    unit = None if plan.unit is None else table.units(plan.unit)
    return split.seeded(
        table.n_rows, shares=plan.split.shares, seed=plan.seed, strata=layers, unit=unit
    )


def _train(
    plan: Plan,
    table: Table,
    label: NDArray[np.int8] | None,
    part: NDArray[np.int8] | None,
    progress: Progress,
) -> tuple[Fitted, dict[str, Any]]:
    from auditapp.predictors import reference

    if label is None or part is None or plan.features is None:
        raise AuditError(
            "train-needs-label",
            "A reference model is to be trained, and no label is chosen.",
            "Choose a label column.",
        )
    if not (part == split.TRAIN).any():
        raise AuditError(
            "no-training-rows",
            f"None of the {part.size:,} rows is left to train a model on.",
            "Change the split: some rows have to train, and the others are measured.",
            where=plan.split.column or "/".join(map(str, plan.split.shares)),
        )
    mask = (part == split.TRAIN) & (label >= 0)
    estimator = plan.model.estimator or "logistic"
    words = {"logistic": "logistic regression", "boosting": "gradient boosting"}
    progress.within(
        "decide", 0.05, f"training {words.get(estimator, estimator)} on {int(mask.sum()):,} rows"
    )
    fitted = reference.fit_model(
        table, list(plan.features), label, mask, estimator=estimator, seed=plan.seed
    )
    # The reference model predicts the favourable label: its score is favourable when high.
    return fitted, {"kind": "train", "fitted_rows": int(mask.sum()), **fitted.info}


def _predict(
    plan: Plan, table: Table, job: dict[str, Any], progress: Progress
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    from auditapp import predictors

    profile = job["model_profile"]

    def tick(done: int, total: int, text: str, **_: Any) -> None:
        progress.within("decide", done / max(total, 1), text)

    workdir = Path(job["out"]) / "model"
    workdir.mkdir(parents=True, exist_ok=True)
    scores = predictors.predict(
        Path(job["model_path"]),
        {**plan.to_json()["model"], "positive": positive_class(plan, profile)},
        profile,
        Path(job["table_dir"]) / "table.parquet",
        None if plan.features is None else list(plan.features),
        workdir,
        tick,
        score_range=(0.0, 1.0) if plan.score is None else (plan.score.low, plan.score.high),
    )
    facts = {key: value for key, value in profile.items() if key not in {"schema", "path"}}
    return scores, {"kind": profile["format"], **facts}


def positive_class(plan: Plan, profile: dict[str, Any]) -> str | None:
    """The class the score speaks of: as chosen, or the one on the label's matching side."""
    classes = [str(name) for name in profile.get("classes") or ()]
    if plan.model.positive is not None or plan.label is None or len(classes) != 2:
        return plan.model.positive
    favourable = {value.strip().casefold() for value in plan.label.favourable}
    high_is_good = plan.score is None or plan.score.favourable
    side = [name for name in classes if (name.strip().casefold() in favourable) == high_is_good]
    return side[0] if len(side) == 1 else None
