"""Yes/no decisions: rates by group, scores behind them, and the deeper searches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.datasets import groups
from auditapp.datasets.table import Table
from auditapp.pipeline import counted, kept
from auditapp.pipeline.annexes import annexes
from auditapp.pipeline.audited import Audited
from auditapp.pipeline.decide import Decided, decide, source_rows
from auditapp.pipeline.diagnose import diagnose
from auditapp.pipeline.outcomes import rows
from auditapp.pipeline.preview import first_numbers
from auditapp.pipeline.progress import Progress
from auditapp.pipeline.remedies import remedies
from auditapp.pipeline.weights import weighted
from auditapp.plan import Plan
from metrics.audit import Attribute, Policy
from metrics.audit import measure as measure_rates
from metrics.design import Weighted

#: What the search for groups nobody named spends of the report's error rate (verdicts.md 1.3).
SEARCH_ALPHA = 0.01


@dataclass(frozen=True)
class _Columns:
    """The columns a plan names, every row."""

    label: NDArray[np.int8] | None
    attributes: list[Attribute]
    site: Attribute | None
    control: Attribute | None


def measure(plan: Plan, table: Table, job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Count, measure and search."""
    with progress.step("decide", _source_words(plan)):
        columns = _columns(plan, table)
        codes = [attribute.codes for attribute in columns.attributes]
        decided = decide(plan, table, columns.label, codes, job, progress)
    source = source_rows(plan, table)
    used = rows.rows_used(decided.decision < 0, decided.part, source)
    with progress.step("count", f"{int(used.mask.sum()):,} people"):
        audited = replace(_audited(plan, table, job, columns, decided, used), source=source)
        progress.preview(first_numbers(audited.attributes[0], audited.decision))
        if "out" in job:
            counted.write(audited, Path(job["out"]))
            kept.write(audited, Path(job["out"]))
    with progress.step("measure", f"{plan.draws:,} draws, seed {plan.seed}"):
        audited = replace(audited, design=_design(plan, audited, progress))
        sections = _rates(plan, audited)
    with progress.step("diagnose"):
        deeper = diagnose(audited, progress)
    tried: dict[str, Any] = {}
    if plan.methods:
        with progress.step("remedies", f"{len(plan.methods)} to try"):
            tried = remedies(audited, progress)
    blank = None if columns.label is None else columns.label < 0
    found = {"rows": rows.row_facts(table, used, blank), **sections, **deeper, **tried}
    return {"model": decided.model, **found, "annexes": annexes(plan, audited, found)}


def _columns(plan: Plan, table: Table) -> _Columns:
    label = None
    if plan.label is not None:
        label = groups.binary(
            table,
            plan.label.column,
            plan.label.favourable,
            require_two=plan.model.kind == "train",
        )
    return _Columns(
        label,
        rows.attributes(plan, table),
        None if plan.site is None else rows.attribute(table, plan.site),
        None if plan.control is None else rows.attribute(table, plan.control),
    )


def _audited(
    plan: Plan,
    table: Table,
    job: dict[str, Any],
    columns: _Columns,
    decided: Decided,
    used: rows.Used,
) -> Audited:
    return Audited(
        plan=plan,
        table=table,
        used=used.mask,
        attributes=[used.of(attribute) for attribute in columns.attributes],
        label=None if columns.label is None else columns.label[used.mask],
        decision=decided.decision[used.mask],
        score=None if decided.score is None else decided.score[used.mask],
        site=None if columns.site is None else used.of(columns.site),
        control=None if columns.control is None else used.of(columns.control),
        everyone=columns.attributes,
        every_site=columns.site,
        every_label=columns.label,
        part=decided.part,
        fitted=decided.fitted,
        job=job,
        tick=lambda share, text: None,
    )


def _design(plan: Plan, audited: Audited, progress: Progress) -> Weighted | None:
    def tick(share: float, text: str) -> None:
        progress.within("measure", share, text)

    label, _ = _two_classes(audited)
    return weighted(replace(audited, label=label), plan.intersections, tick)


def _two_classes(audited: Audited) -> tuple[NDArray[np.int8] | None, int]:
    """The label, None where it does not vary, and how many classes it has."""
    label = audited.label
    classes = 0 if label is None else np.unique(label[label >= 0]).size
    return label if classes == 2 else None, classes


def _rates(plan: Plan, audited: Audited) -> dict[str, Any]:
    label, classes = _two_classes(audited)
    sections = measure_rates(
        audited.attributes,
        label=label,
        decision=audited.decision,
        score=audited.score,
        policy=policy(plan),
        design=audited.design,
    )
    if classes == 1:
        _say_one_class(sections)
    if plan.score is not None and (plan.score.low, plan.score.high) != (0.0, 1.0):
        _without_calibration(sections["scores"])
    return sections


def _say_one_class(sections: dict[str, Any]) -> None:
    """What needs a label is not applicable because the label never varies, not for want of one."""
    for items, key in ((sections["estimates"], "undefined"), (sections["gaps"], "reason")):
        for row in items:
            if row[key] == "no-label":
                row[key] = "one-class"


def _without_calibration(scores: dict[str, Any] | None) -> None:
    """A score on another scale is no probability: what compares it with shares is left out."""
    if scores is None:
        return
    for key in ("brier", "calibration", "calibration_gaps"):
        scores[key] = []
    scores["not_applicable"] = {"calibration": "score-is-no-probability"}


def policy(plan: Plan) -> Policy:
    """The auditor's choices as the measuring side takes them."""
    searched = "subgroups" not in plan.skip
    return Policy(
        goal=plan.goal,
        tolerance=plan.tolerance,
        floor=plan.floor,
        denominator_floor=plan.denominator_floor,
        intersections=plan.intersections,
        draws=plan.draws,
        seed=plan.seed,
        threshold=threshold(plan),
        alpha=0.05 - SEARCH_ALPHA if searched else 0.05,
    )


def threshold(plan: Plan) -> float:
    """The threshold on the oriented [0, 1] scale, where charts and sweeps live."""
    if plan.score is None:
        return plan.threshold
    scaled = (plan.threshold - plan.score.low) / (plan.score.high - plan.score.low)
    return scaled if plan.score.favourable else 1.0 - scaled


def _source_words(plan: Plan) -> str:
    if plan.model.kind == "train":
        words = {"logistic": "logistic regression", "boosting": "gradient boosting"}
        return f"training {words.get(plan.model.estimator or 'logistic', 'a model')}"
    if plan.model.kind == "columns":
        return "from the table's own columns"
    return f"running {plan.model.name} in the sandbox"
