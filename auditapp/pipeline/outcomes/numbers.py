"""Numbers behind predictions and ranking scores: from a column or from an uploaded model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets import groups
from auditapp.datasets.staged import counted
from auditapp.datasets.table import Table
from auditapp.errors import AuditError
from auditapp.pipeline.outcomes import rows
from auditapp.pipeline.progress import Progress
from auditapp.plan import Plan

#: sums of fourth powers, which intervals of squared errors take, stay finite below it
FURTHEST = 1e60

Given = tuple[NDArray[np.float64], dict[str, Any] | None]


def column(table: Table, name: str) -> NDArray[np.float64]:
    """A column of numbers, NaN where blank.

    Raises
    ------
    AuditError
        ``column-blank``, ``not-numeric``, ``infinite`` for what has no mean, or ``too-large``
        for what has no variance.
    """
    values = table.numbers(name)
    if np.isnan(values).all():
        raise groups.blank(table, name)
    endless = np.isinf(values)
    if endless.any():
        count = int(endless.sum())
        raise AuditError(
            "infinite",
            f"Column “{name}” holds {count:,} infinite {'value' if count == 1 else 'values'}.",
            "Leave such rows blank, or write the number that was meant.",
            where=f"first in data row {int(np.flatnonzero(endless)[0]) + 1:,}",
        )
    huge = np.abs(values) > FURTHEST
    if huge.any():
        count = int(huge.sum())
        raise AuditError(
            "too-large",
            f"Column “{name}” holds {counted(count, 'number')} beyond {FURTHEST:g}, whose squares "
            "cannot be added up.",
            "Divide the column by a power of ten, or leave such rows blank.",
            where=f"first in data row {int(np.flatnonzero(huge)[0]) + 1:,}",
            found=f"largest {np.nanmax(np.abs(values)):g}",
        )
    return values


def given(plan: Plan, table: Table, job: dict[str, Any], progress: Progress) -> Given:
    """Predictions or scores of every row with facts of the model, if one was uploaded.

    Raises
    ------
    AuditError
        Nothing gives a number for each row.
    """
    if plan.model.kind == "columns":
        if plan.score is None or plan.score.column is None:
            raise AuditError(
                "no-decision",
                "Nothing says what was predicted: there is no column of predictions or scores.",
                "Name it with --score, or choose it on the page.",
            )
        return column(table, plan.score.column), None
    return _run(plan, job, progress)


def _run(plan: Plan, job: dict[str, Any], progress: Progress) -> Given:
    from auditapp import predictors

    profile = job["model_profile"]
    if profile.get("classes"):
        raise AuditError(
            "model-classes",
            f"The model “{profile['name']}” chooses among classes: its output is no amount.",
            "Score the rows where the model was made and use that column (--score).",
        )

    def tick(done: int, total: int, text: str, **_: Any) -> None:
        progress.within("decide", done / max(total, 1), text)

    workdir = Path(job["out"]) / "model"
    workdir.mkdir(parents=True, exist_ok=True)
    scores = predictors.predict(
        Path(job["model_path"]),
        plan.to_json()["model"],
        profile,
        Path(job["table_dir"]) / "table.parquet",
        None if plan.features is None else list(plan.features),
        workdir,
        tick,
        score_range=(-np.inf, np.inf),
    )
    facts = {key: value for key, value in profile.items() if key not in {"schema", "path"}}
    return scores, {"kind": profile["format"], **facts}


def reasoned(used: rows.Used, *masks: tuple[str, str, NDArray[np.bool_]]) -> rows.Used:
    """Say of each row without a decision what it lacks; the first reason that fits counts."""
    left_out = [item for item in used.left_out if item["code"] != "no-decision"]
    open_rows = ~used.mask
    for code, reason, mask in masks:
        n = int((open_rows & mask).sum())
        if n:
            left_out.append({"code": code, "reason": reason, "n": n})
        open_rows = open_rows & ~mask
    return rows.Used(used.mask, left_out)
