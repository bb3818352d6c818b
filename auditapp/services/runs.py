"""Runs: the state machine behind an audit in progress."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from auditapp import queue, sandbox, storage
from auditapp.errors import AuditError
from auditapp.models import (
    Audit,
    Comparison,
    Edition,
    ModelFile,
    Run,
    SharedCopy,
    State,
    UploadState,
)
from auditapp.models.audit import OPEN_STATES
from auditapp.services import branding, comparisons, copies, helpers, leases
from auditapp.services.failures import unexpected
from auditapp.services.finals import edition_free
from auditapp.services.keys import signing_key
from auditapp.services.reports import report_before, report_store
from auditapp.services.trail import event_add
from auditapp.services.uploads import JOBS, upload_free

log = structlog.get_logger(__name__)
Json = dict[str, Any]
TARGET = "auditapp.pipeline:execute"


def run_execute(*, run_id: UUID | str) -> None:
    """Worker: claim a run, do its work in a child process, store what came out."""
    run = run_claim(run_id=run_id)
    if run is None:
        return
    holder = leases.Holder(run, time_limit=settings.AUDIT_TIME_LIMIT, shape=_shaped(run))
    work = storage.work_folder(f"run-{run.id}-{run.attempt}")
    try:
        outcome = sandbox.run_child(
            TARGET,
            {**_job(run, work / "out"), **helpers.share(run)},
            workdir=work,
            limits=sandbox.Limits.trusted(wall=settings.AUDIT_TIME_LIMIT),
            isolated=False,
            on_progress=holder.progress,
            should_stop=holder.should_stop,
        )
        run_finish(run=run, outcome=outcome, out=work / "out")
    except AuditError as error:
        if not holder.lost:
            run_stop(run=run, error=error)
    except Exception as error:
        run_stop(run=run, error=unexpected(error, "auditing", run=str(run.id)))
    finally:
        storage.remove(str(work.relative_to(settings.DATA_DIR)))
        helpers.tidy()


@transaction.atomic
def run_claim(*, run_id: UUID | str) -> Run | None:
    """Take a waiting run; None where it is done, cancelled, or in other hands."""
    run = leases.claim(Run, run_id)
    if run is None:
        _follow(run_id)
        return None
    if run.started_at is None:
        leases.held_by(run).update(started_at=timezone.now())
    _follow(run.id)
    return Run.objects.select_related("audit__dataset", "audit__model", "audit__created_by").get(
        id=run.id
    )


@transaction.atomic
def run_finish(*, run: Run, outcome: Json, out: Path) -> bool:
    """Store the report if this attempt still holds the run; whether it did."""
    now = timezone.now()
    progress = {**_progress(run), "percent": 100, "text": "Done"}
    held = leases.held_by(run).update(
        state=State.DONE, lease_until=None, finished_at=now, progress=progress, error=None
    )
    if held != 1:
        return False
    report_store(audit=run.audit, outcome=outcome, out=out)
    Audit.objects.filter(id=run.audit_id).update(
        state=State.DONE, summary=outcome.get("summary"), finished_at=now, error=None
    )
    event_add(subject=run.audit, verb="finished", result_hash=outcome["hash"])
    return True


@transaction.atomic
def run_stop(*, run: Run, error: AuditError) -> None:
    """End a run that was cancelled or failed; one that may go through later waits again."""
    if error.code == "cancelled":
        state, detail = State.CANCELLED, None
    elif not error.permanent:
        run_free(run=run)
        return
    else:
        state, detail = State.FAILED, error.as_dict()
    changed = leases.held_by(run).update(
        state=state, error=detail, lease_until=None, finished_at=timezone.now()
    )
    if changed == 1:
        _follow(run.id)
        verb = "stopped" if state == State.CANCELLED else "failed"
        event_add(subject=run.audit, verb=verb, code=error.code)


@transaction.atomic
def run_free(*, run: Run, lost: bool = True) -> None:
    """Take a run from a holder that is gone; it waits again, is cancelled, or is given up."""
    if run.cancel_requested:
        leases.held_by(run).update(
            state=State.CANCELLED, lease_until=None, finished_at=timezone.now()
        )
        _follow(run.id)
        return
    state = leases.free(run, lost=lost)
    _follow(run.id)
    if state == Run.WAITING:
        Run.objects.filter(id=run.id).update(queued_at=timezone.now())
        queue.enqueue("execute_run", run.id, lane=run.lane)
    elif state is not None:
        event_add(subject=run.audit, verb="failed", code="worker-lost")


def requeue_stale() -> int:
    """Beat: free what vanished workers held and send again what was never sent."""
    count = _free(leases.over, lost=True)
    return count + send_unsent(seconds=settings.LEASE_SECONDS * 3)


def free_all(*, lost: bool = True) -> int:
    """Free every held row, whatever its lease.

    Only for a supervisor that owns every worker, while none runs.
    """
    return _free(leases.held, lost=lost)


def send_unsent(*, seconds: float) -> int:
    """Send again every job that waits longer than that; a second copy does no harm.

    Nothing is sent while the lanes still hold messages: those rows wait for their turn.
    """
    status = queue.status()
    if not status["ok"] or any(status["waiting"].values()):
        return 0
    count = 0
    jobs = (
        (Run, "execute_run"),
        (Edition, "write_edition"),
        (SharedCopy, copies.JOB),
        (Comparison, comparisons.JOB),
        *JOBS.items(),
    )
    for model, job in jobs:
        for row in leases.unsent(model, seconds=seconds):
            model.objects.filter(id=row.pk).update(queued_at=timezone.now())
            queue.send(job, str(row.pk), getattr(row, "lane", "cpu"))
            count += 1
    return count


def _free(rows: Callable[[type[Any]], QuerySet[Any]], *, lost: bool) -> int:
    runs = list(rows(Run).select_related("audit__workspace"))
    for run in runs:
        run_free(run=run, lost=lost)
    uploads = [row for model in JOBS for row in rows(model)]
    for row in uploads:
        upload_free(row=row, lost=lost)
    for copy in rows(SharedCopy):
        copies.copy_free(copy=copy, lost=lost)
    for comparison in rows(Comparison):
        comparisons.comparison_free(comparison=comparison, lost=lost)
    editions = list(rows(Edition))
    for edition in editions:
        edition_free(edition=edition, lost=lost)
    return len(runs) + len(uploads) + len(editions)


def _follow(run_id: UUID | str) -> None:
    """Bring the audit into the state that its runs imply."""
    run = Run.objects.filter(id=run_id).first()
    if run is None or run.state == State.DONE:
        return
    changes: Json = {"state": run.state}
    if run.state in {State.FAILED, State.CANCELLED}:
        changes |= {"error": run.error, "finished_at": run.finished_at or timezone.now()}
    Audit.objects.filter(id=run.audit_id, state__in=OPEN_STATES).update(**changes)


def _job(run: Run, out: Path) -> Json:
    audit = run.audit
    if audit.dataset is None:
        raise AuditError(
            "no-data", "The data set of this audit was deleted.", "Begin a new audit."
        )
    uploaded = audit.model if audit.plan["model"]["kind"] in {"onnx", "skops", "network"} else None
    started = audit.started_at or timezone.now()
    return {
        "plan": audit.plan,
        "table_dir": str(audit.dataset.folder),
        "out": str(out),
        "model_path": None if uploaded is None else str(uploaded.source),
        "model_profile": None if uploaded is None else uploaded.profile,
        "previous": _previous(audit),
        "device": settings.DEVICE,
        "checkpoint_path": _start(audit),
        "signing_key": signing_key(),
        "row_key": comparisons.row_key(audit.workspace),
        "run": {
            "id": audit.report_id,
            "date": started.astimezone(UTC).isoformat(timespec="seconds"),
            "people": "" if audit.created_by is None else str(audit.created_by),
            "status": "draft",
            **branding.of_run(audit.workspace),
        },
    }


def _start(audit: Audit) -> str | None:
    """The file of the starting network; None where the plan names none."""
    wanted = audit.plan.get("checkpoint")
    if wanted is None:
        return None
    found = ModelFile.objects.filter(
        workspace=audit.workspace_id, sha256=wanted["sha256"], state=UploadState.READY
    ).first()
    if found is None:
        raise AuditError(
            "no-checkpoint",
            f"The starting network “{wanted['name']}” of this audit was deleted.",
            "Upload it again, then begin a new audit.",
        )
    return str(found.source)


def _previous(audit: Audit) -> str | None:
    """The result document that this audit is compared with; None where there is none."""
    earlier = report_before(audit=audit)
    path = None if earlier is None else earlier.folder / "result.json"
    return str(path) if path is not None and path.is_file() else None


def _progress(run: Run) -> Json:
    return dict(Run.objects.values_list("progress", flat=True).get(id=run.id))


def _shaped(run: Run) -> Any:
    """The child's message as the progress page reads it."""
    started = timezone.now()

    def shape(message: Json) -> Json:
        elapsed = (timezone.now() - started).total_seconds()
        done, total = message.get("done", 0), max(message.get("total", 100), 1)
        return {
            "percent": int(message.get("percent", 100 * done / total)),
            "text": message.get("text", ""),
            "steps": message.get("steps", []),
            "preview": message.get("preview"),
            "started": started.isoformat(),
            "elapsed": round(elapsed, 1),
        }

    return shape
