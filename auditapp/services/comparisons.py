"""Comparisons of two audits: asked for, made by a worker, deleted."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from auditapp import queue, result, sandbox, storage
from auditapp.errors import AuditError
from auditapp.models import Audit, Comparison, Dataset, Report, State, User, Workspace
from auditapp.services import branding, leases, quotas
from auditapp.services.failures import unexpected
from auditapp.services.keys import signing_key
from auditapp.services.trail import event_add

Json = dict[str, Any]
JOB = "make_comparison"
#: What `auditapp.pipeline.kept` writes.
ROW_FILES = ("rows.npz", "rows.json")
TARGET = "auditapp.comparison.build:make"
TIME_LIMIT = 900.0


def row_key(workspace: Workspace) -> str:
    """The key of the workspace that ids of people are hashed with."""
    secret = settings.SECRET_KEY.encode()
    return hmac.new(secret, f"rows of {workspace.pk}".encode(), hashlib.sha256).hexdigest()


def rows_forget(*, dataset: Dataset) -> None:
    """Delete what audits of a data set kept row by row: it goes with the data."""
    for report in Report.objects.filter(audit__dataset=dataset):
        for name in ROW_FILES:
            transaction.on_commit(partial((report.folder / name).unlink, missing_ok=True))


@transaction.atomic
def comparison_start(
    *, first: Audit, second: Audit, user: User | None, title: str = ""
) -> Comparison:
    """Have two finished audits compared.

    Raises
    ------
    AuditError
        ``same-audit``, ``other-workspace`` or ``not-finished``; the plans ask different things
        (`auditapp.comparison.refusals`); the workspace is full.
    """
    if first.pk == second.pk:
        raise AuditError(
            "same-audit", "A and B are the same audit.", "Choose two.", where="second"
        )
    if first.workspace_id != second.workspace_id:
        raise AuditError(
            "other-workspace", "The two audits belong to different workspaces.", where="second"
        )
    for audit, field in ((first, "first"), (second, "second")):
        if not Report.objects.filter(audit=audit).exists():
            raise AuditError(
                "not-finished",
                f"“{audit.title}” has no report yet.",
                "Wait until it is finished.",
                where=field,
            )
    if first.plan and second.plan:
        from auditapp.comparison import refusals

        sides = ({"schema": result.SCHEMA, "plan": audit.plan} for audit in (first, second))
        refusals.refuse(*sides)
    quotas.space_check(workspace=first.workspace, more=0)
    workspace = Workspace.objects.select_for_update().get(id=first.workspace_id)
    found = Comparison.objects.filter(workspace=workspace).aggregate(last=Max("number"))
    comparison: Comparison = Comparison.objects.create(
        workspace=workspace,
        number=(found["last"] or 0) + 1,
        title=(title.strip() or _title(first, second))[:200],
        first=first,
        second=second,
        created_by=user,
        queued_at=timezone.now(),
    )
    event_add(
        subject=comparison, verb="asked for", user=user,
        a=first.report_id, b=second.report_id,
    )  # fmt: skip
    queue.enqueue(JOB, comparison.id)
    return comparison


def _title(first: Audit, second: Audit) -> str:
    if first.title != second.title:
        return f"{second.title} against {first.title}"
    return f"{first.title}: {second.report_id} against {first.report_id}"


def comparison_make(*, comparison_id: UUID | str) -> None:
    """Worker: compare two audits in a child process, and keep the files."""
    row = leases.claim(Comparison, comparison_id)
    if row is None:
        return
    holder = leases.Holder(row, time_limit=TIME_LIMIT)
    work = storage.work_folder(f"comparison-{row.id}-{row.attempt}")
    try:
        made = sandbox.run_child(
            TARGET,
            _job(row, work / "out"),
            workdir=work,
            limits=sandbox.Limits.trusted("The comparison", wall=TIME_LIMIT),
            isolated=False,
            should_stop=holder.should_stop,
        )
        _finish(row, made, work / "out")
    except AuditError as error:
        if not holder.lost:
            _stop(row, error)
    except Exception as error:
        _stop(row, unexpected(error, "comparing", comparison=str(row.id)))
    finally:
        storage.remove(str(work.relative_to(settings.DATA_DIR)))


@transaction.atomic
def comparison_again(*, comparison: Comparison, user: User | None) -> None:
    """Have a comparison made anew that failed."""
    changed = Comparison.objects.filter(id=comparison.pk, state=State.FAILED).update(
        state=State.QUEUED, error=None, losses=0, queued_at=timezone.now(), finished_at=None
    )
    if changed == 1:
        event_add(subject=comparison, verb="asked for again", user=user)
        queue.enqueue(JOB, comparison.pk)
    comparison.refresh_from_db()


@transaction.atomic
def comparison_free(*, comparison: Comparison, lost: bool = True) -> None:
    """Take a comparison from a worker that is gone: it is made again, or given up."""
    if leases.free(comparison, lost=lost) == Comparison.WAITING:
        Comparison.objects.filter(id=comparison.pk).update(queued_at=timezone.now())
        queue.enqueue(JOB, comparison.id)


@transaction.atomic
def comparison_delete(*, comparison: Comparison, user: User | None) -> None:
    """Delete a comparison with its files; both audits stay."""
    event_add(subject=comparison, verb="deleted", user=user, report=comparison.report_id)
    _remove_files(comparison)
    comparison.delete()


def comparisons_remove_files(*, audit: Audit) -> None:
    """Delete the files of every comparison that goes with an audit."""
    for row in Comparison.objects.filter(Q(first=audit) | Q(second=audit)):
        _remove_files(row)


def _remove_files(comparison: Comparison) -> None:
    if comparison.path:
        transaction.on_commit(partial(storage.remove, comparison.path))


@transaction.atomic
def _finish(row: Comparison, made: Json, out: Path) -> None:
    path = storage.folder_of("reports", uuid.uuid4())
    held = leases.held_by(row).update(
        state=State.DONE, lease_until=None, finished_at=timezone.now(), error=None,
        path=path, result_hash=made["hash"], pages=made["pages"], verdict=made["verdict"],
    )  # fmt: skip
    if held != 1:
        return
    target = storage.absolute(path)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    out.replace(target)
    event_add(subject=row, verb="finished", result_hash=made["hash"])


def _stop(row: Comparison, error: AuditError) -> None:
    if not error.permanent and error.code != "cancelled":
        comparison_free(comparison=row)
        return
    with transaction.atomic():
        changed = leases.held_by(row).update(
            state=State.FAILED, error=error.as_dict(), lease_until=None,
            finished_at=timezone.now(),
        )  # fmt: skip
        if changed == 1:
            event_add(subject=row, verb="failed", code=error.code)


def _job(row: Comparison, out: Path) -> Json:
    look = branding.of_run(row.workspace).get("brand")
    stamp = row.created_at.astimezone(UTC).isoformat(timespec="seconds")
    return {
        **{side: _side(getattr(row, side)) for side in ("first", "second")},
        "out": str(out),
        "mode": "auto",
        "signing_key": signing_key(),
        "run": {
            "id": row.report_id,
            "date": stamp,
            "title": row.title,
            "people": "" if row.created_by is None else str(row.created_by),
            **({} if look is None else {"brand": look}),
            **{side: {"title": getattr(row, side).title} for side in ("first", "second")},
        },
    }


def _side(audit: Audit) -> Json:
    report = Report.objects.filter(audit=audit).first()
    if report is None:
        raise AuditError(
            "not-finished",
            f"The report of “{audit.title}” was deleted.",
            "Choose another audit.",
        )
    return {"result": str(report.folder / "result.json"), "rows": str(report.folder)}
