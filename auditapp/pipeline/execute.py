"""Load, decide, count, measure, write: the whole audit in one killable process."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp import result
from auditapp.datasets import groups, split
from auditapp.datasets.table import Table
from auditapp.errors import AuditError
from auditapp.pipeline import environment
from auditapp.pipeline.decide import Decided, decide
from auditapp.pipeline.preview import first_numbers
from auditapp.pipeline.progress import Progress, Tick
from auditapp.plan import Plan, check
from metrics.audit import Attribute, Policy, measure


@dataclass(frozen=True)
class Used:
    """Which rows are measured, and why the others are not."""

    mask: NDArray[np.bool_]
    left_out: list[dict[str, Any]]


def execute(job: dict[str, Any], tick: Tick | None = None) -> dict[str, Any]:
    """Run one audit and write its result document and report.

    Parameters
    ----------
    job
        ``{"plan", "table_dir", "out", "model_path", "model_profile", "run", "report"}``: the
        frozen plan, the folder of the canonical table, the folder to write to, the uploaded
        model if there is one, and what the cover says of this run (id, date, people, status).
        ``report`` false leaves page and PDF out.
    tick
        ``tick(done, total, text, percent=, steps=, preview=)``, called at every step.

    Returns
    -------
    dict
        ``{"hash", "summary", "pages"}``.

    Raises
    ------
    AuditError
        The data or the model cannot be audited as planned.
    """
    started = time.time()
    plan = Plan.from_json(job["plan"])
    check(plan)
    out = Path(job["out"])
    out.mkdir(parents=True, exist_ok=True)
    progress = Progress(tick)
    document = document_of(plan, job, progress)
    with progress.step("report", "charts and PDF"):
        document["run"] = {"id": "", "people": "", "status": "draft", **job.get("run", {})}
        document["environment"] = environment.describe()
        document["timings"] = {
            "started": started,
            "steps": {slug: round(seconds, 4) for slug, seconds in progress.seconds.items()},
        }
        document = result.plain(document)
        result.write(document, out / "result.json")
        report = _report(document, out, progress) if job.get("report", True) else {}
    return {
        "hash": result.result_hash(document),
        "summary": report.get("summary"),
        "pages": report.get("pages"),
        "timings": progress.seconds,
    }


def _report(document: result.Document, out: Path, progress: Progress) -> dict[str, Any]:
    from auditapp.reports import build

    def tick(done: int, total: int, text: str, **_: Any) -> None:
        progress.within("report", done / max(total, 1), text)

    return build.build(document, out, tick)


def document_of(plan: Plan, job: dict[str, Any], progress: Progress) -> result.Document:
    """Everything of the result document that the hash covers."""
    folder = Path(job["table_dir"])
    profile = json.loads((folder / "profile.json").read_text())
    with progress.step("read", f"{plan.data.rows:,} rows, {len(profile['columns'])} columns"):
        table = Table.open(folder)
        label = _label(plan, table)
        attributes = [_attribute(table, spec.__dict__) for spec in plan.attributes]
    with progress.step("decide", _source_words(plan)):
        codes = [attribute.codes for attribute in attributes]
        decided = decide(plan, table, label, codes, job, progress)
    used = rows_used(decided)
    with progress.step("count", f"{int(used.mask.sum()):,} people"):
        measured = [
            Attribute(a.name, a.levels, a.codes[used.mask], a.reference) for a in attributes
        ]
        progress.preview(first_numbers(measured[0], decided.decision[used.mask]))
    classes = 0 if label is None else np.unique(label[used.mask & (label >= 0)]).size
    with progress.step("measure", f"{plan.draws:,} draws, seed {plan.seed}"):
        sections = measure(
            measured,
            label=label[used.mask] if label is not None and classes == 2 else None,
            decision=decided.decision[used.mask],
            score=None if decided.score is None else decided.score[used.mask],
            policy=_policy(plan),
        )
    if classes == 1:
        _say_one_class(sections)
    if plan.score is not None and (plan.score.low, plan.score.high) != (0.0, 1.0):
        _without_calibration(sections["scores"])
    blank = 0 if label is None else int((label[used.mask] < 0).sum())
    return {
        "schema": result.SCHEMA,
        "plan": plan.to_json(),
        "inputs": {"data": _data_facts(profile), "model": decided.model},
        "rows": {
            "uploaded": table.n_rows,
            "used": int(used.mask.sum()),
            "left_out": used.left_out,
            "label_blank": blank,
        },
        **dict.fromkeys(result.NOT_RUN),
        **sections,
        "methods": [],
    }


def rows_used(decided: Decided) -> Used:
    """Leave out rows the audited model was fitted on, and rows without a decision.

    Raises
    ------
    AuditError
        No row remains.
    """
    n = decided.decision.size
    fitted = np.zeros(n, dtype=bool) if decided.part is None else decided.part == split.TRAIN
    undecided = (decided.decision < 0) & ~fitted
    left_out = []
    for code, reason, mask in (
        ("fit", "used to fit the audited model", fitted),
        ("no-decision", "no decision: the score or decision is blank", undecided),
    ):
        if mask.any():
            left_out.append({"code": code, "reason": reason, "n": int(mask.sum())})
    keep = ~(fitted | undecided)
    if not keep.any():
        raise AuditError(
            "no-rows",
            f"None of the {n:,} rows can be measured.",
            "Check that the score or decision column is filled in."
            if undecided.any()
            else "Change the split, so that some rows are left to measure.",
            found="; ".join(f"{item['n']:,} rows: {item['reason']}" for item in left_out),
        )
    return Used(keep, left_out)


def _say_one_class(sections: dict[str, Any]) -> None:
    """What needs a label is not applicable because the label never varies, not for want of one."""
    for rows, key in ((sections["estimates"], "undefined"), (sections["gaps"], "reason")):
        for row in rows:
            if row[key] == "no-label":
                row[key] = "one-class"


def _without_calibration(scores: dict[str, Any] | None) -> None:
    """A score on another scale is no probability: what compares it with shares is left out."""
    if scores is None:
        return
    for key in ("brier", "calibration", "calibration_gaps"):
        scores[key] = []
    scores["not_applicable"] = {"calibration": "score-is-no-probability"}


def _label(plan: Plan, table: Table) -> NDArray[np.int8] | None:
    if plan.label is None:
        return None
    return groups.binary(
        table,
        plan.label.column,
        plan.label.favourable,
        require_two=plan.model.kind == "train",
    )


def _attribute(table: Table, spec: dict[str, Any]) -> Attribute:
    levels, keys, codes = groups.attribute(table, spec)
    reference = spec["reference"]
    index: int | None = None
    if reference is not None:
        names = [str(key).casefold() for key in keys]
        words = [level.casefold() for level in levels]
        wanted = reference.strip().casefold()
        index = next((found.index(wanted) for found in (names, words) if wanted in found), None)
        if index is None:
            raise AuditError(
                "unknown-reference",
                f"The reference group “{reference}” is not in column “{spec['column']}”.",
                f"Choose one of: {', '.join(levels[:20])}.",
                where="reference",
            )
    return Attribute(spec["column"], tuple(levels), codes, index)


def _policy(plan: Plan) -> Policy:
    return Policy(
        goal=plan.goal,
        tolerance=plan.tolerance,
        floor=plan.floor,
        denominator_floor=plan.denominator_floor,
        intersections=plan.intersections,
        draws=plan.draws,
        seed=plan.seed,
        threshold=_threshold(plan),
    )


def _threshold(plan: Plan) -> float:
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


def _data_facts(profile: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": profile["name"],
        "sha256": profile["sha256"],
        "bytes": profile["bytes"],
        "rows": profile["rows"],
        "read": profile["read"],
        "columns": [
            {key: column[key] for key in ("name", "type", "missing", "distinct")}
            for column in profile["columns"]
        ],
        "notices": profile["notices"],
        "recognised": profile.get("recognised"),
    }
