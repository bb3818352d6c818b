"""Load, decide, count, measure, write: the whole audit in one killable process."""

from __future__ import annotations

import json
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from auditapp import result, signing
from auditapp.datasets.table import Table
from auditapp.pipeline import environment
from auditapp.pipeline.annexes import annexes
from auditapp.pipeline.progress import Progress, Tick
from auditapp.plan import Plan, check

#: How each kind of outcome is measured: ``measure(plan, table, job, progress) -> dict``, the part
#: of the result document between `inputs` and `methods`, and `model` for the inputs.
MEASURES = {
    "binary": "auditapp.pipeline.outcomes.binary",
    "multiclass": "auditapp.pipeline.outcomes.multiclass",
    "regression": "auditapp.pipeline.outcomes.regression",
    "ranking": "auditapp.pipeline.outcomes.ranking",
}


def execute(job: dict[str, Any], tick: Tick | None = None) -> dict[str, Any]:
    """Run one audit and write its result document and report.

    Parameters
    ----------
    job
        ``{"plan", "table_dir", "out", "model_path", "model_profile", "run", "report"}``: the
        frozen plan, the folder of the canonical table, the folder to write to, the uploaded
        model if there is one, and what the cover says of this run (id, date, people, status).
        ``report`` false leaves page and PDF out; ``signing_key`` signs the PDF. ``previous`` is
        the path of an earlier result document that this one is compared with.
        ``device`` is ``auto``, ``cpu`` or ``cuda:0``. ``shared`` and ``store`` are the folder
        and the storage of searches that other workers may join, None where nobody can.
    tick
        ``tick(done, total, text, percent=, steps=, preview=)``, called at every step.

    Returns
    -------
    dict
        ``{"hash", "summary", "pages", "pdf_hash", "signature"}``.

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
    progress = Progress(tick, without=_not_needed(plan))
    document = document_of(plan, job, progress)
    with progress.step("report", "charts and PDF"):
        key = job.get("signing_key")
        document["run"] = {"id": "", "people": "", "status": "draft", **job.get("run", {})}
        if key is not None:
            document["run"]["signed_with"] = signing.id_of(key)
        document["environment"] = environment.describe(job.get("device_name", "CPU"))
        document["timings"] = {
            "started": started,
            "steps": {slug: round(seconds, 4) for slug, seconds in progress.seconds.items()},
        }
        document = result.plain(document)
        result.write(document, out / "result.json")
        report = _report(document, out, progress, key) if job.get("report", True) else {}
    return {
        "hash": result.result_hash(document),
        "summary": report.get("summary"),
        "pages": report.get("pages"),
        "pdf_hash": report.get("pdf_hash", ""),
        "signature": report.get("signature"),
        "timings": progress.seconds,
    }


def _not_needed(plan: Plan) -> frozenset[str]:
    """Steps that this plan has no work for."""
    if plan.outcome != "binary":
        return frozenset({"diagnose", "remedies"})
    return frozenset() if plan.methods else frozenset({"remedies"})


def _report(
    document: result.Document, out: Path, progress: Progress, key: str | None
) -> dict[str, Any]:
    from auditapp.reports import build

    def tick(done: int, total: int, text: str, **_: Any) -> None:
        progress.within("report", done / max(total, 1), text)

    return build.build(document, out, tick, key=key)


def document_of(plan: Plan, job: dict[str, Any], progress: Progress) -> result.Document:
    """Everything of the result document that the hash covers."""
    folder = Path(job["table_dir"])
    profile = json.loads((folder / "profile.json").read_text())
    with progress.step("read", f"{plan.data.rows:,} rows, {len(profile['columns'])} columns"):
        table = Table.open(folder)
    measured = import_module(MEASURES[plan.outcome]).measure(plan, table, job, progress)
    if "annexes" not in measured:
        measured["annexes"] = annexes(plan, None, measured)
    return {
        "schema": result.SCHEMA,
        "plan": plan.to_json(),
        "inputs": {"data": _data_facts(profile), "model": measured.pop("model")},
        **dict.fromkeys(result.NOT_RUN),
        "methods": [],
        **measured,
    }


def _image_facts(images: dict[str, Any] | None) -> dict[str, Any]:
    """What is said of pictures, if there are any: how many, of what kinds, read in which size."""
    if images is None:
        return {}
    names = ("count", "size", "kinds", "width", "height", "damaged", "sha256")
    return {"images": {name: images[name] for name in names}}


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
        "joins": profile.get("joins", []),
        **_image_facts(profile.get("images")),
    }
