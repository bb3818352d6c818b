"""Copies of a report without small cells: made by a worker, kept beside the report."""

from __future__ import annotations

import uuid
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from auditapp import queue, sandbox, storage
from auditapp.errors import AuditError
from auditapp.models import Report, SharedCopy, State, User
from auditapp.services import leases, quotas
from auditapp.services.failures import unexpected
from auditapp.services.keys import signing_key
from auditapp.services.trail import event_add

Json = dict[str, Any]
JOB = "make_copy"
TARGET = "auditapp.reports.copies:make"
SMALLEST, LARGEST = 2, 1000
TIME_LIMIT = 900
#: Files that people hand in to have them verified.
VERIFIED = ("report.pdf", "result.json")


@transaction.atomic
def copy_ensure(*, report: Report, smallest: int, user: User | None) -> SharedCopy:
    """The copy of a report for this size; where there is none a worker is asked for it.

    Raises
    ------
    AuditError
        The size makes no sense, or the workspace is full.
    """
    if not SMALLEST <= smallest <= LARGEST:
        raise AuditError(
            "copy-size", f"Cells below {smallest} people are to be suppressed.",
            f"Choose {SMALLEST} to {LARGEST:,}.", where="smallest",
        )  # fmt: skip
    quotas.space_check(workspace=report.audit.workspace, more=storage.size_of(report.path))
    found, made = SharedCopy.objects.get_or_create(
        report=report,
        smallest=smallest,
        defaults={"created_by": user, "queued_at": timezone.now()},
    )
    if made:
        queue.enqueue(JOB, found.id)
    elif found.state == State.FAILED or _outdated(found, report):
        copy_renew(copy=found)
    return found


@transaction.atomic
def copy_renew(*, copy: SharedCopy) -> None:
    """Have a copy made anew; the last one is shown meanwhile."""
    changed = SharedCopy.objects.filter(id=copy.pk).exclude(
        state__in=(State.QUEUED, State.RUNNING)
    )
    if changed.update(state=State.QUEUED, error=None, losses=0, queued_at=timezone.now()) == 1:
        queue.enqueue(JOB, copy.id)
    copy.refresh_from_db()


@transaction.atomic
def copies_follow(*, report: Report) -> None:
    """Have every copy made anew whose report has become final or superseded meanwhile."""
    for copy in SharedCopy.objects.filter(report=report):
        if copy.state == State.FAILED or _outdated(copy, report):
            copy_renew(copy=copy)


def copy_make(*, copy_id: UUID | str) -> None:
    """Worker: suppress, draw and set the copy in a child process."""
    copy = leases.claim(SharedCopy, copy_id)
    if copy is None:
        return
    holder = leases.Holder(copy, time_limit=TIME_LIMIT)
    work = storage.work_folder(f"copy-{copy.id}-{copy.attempt}")
    report = Report.objects.select_related("audit").get(id=copy.report_id)
    try:
        made = sandbox.run_child(
            TARGET,
            {
                "result": str(report.folder / "result.json"),
                "out": str(work / "out"),
                "smallest": copy.smallest,
                "signing_key": signing_key(),
            },
            workdir=work,
            limits=sandbox.Limits.trusted("The copy", wall=TIME_LIMIT),
            isolated=False,
            should_stop=holder.should_stop,
        )
        _finish(copy, made, work / "out", of=report.path)
    except AuditError as error:
        if not holder.lost:
            _stop(copy, error)
    except Exception as error:
        _stop(copy, unexpected(error, "making a copy", copy=str(copy.id)))
    finally:
        storage.remove(str(work.relative_to(settings.DATA_DIR)))


@transaction.atomic
def copy_free(*, copy: SharedCopy, lost: bool = True) -> None:
    """Take a copy from a worker that is gone: it is made again, or given up."""
    if leases.free(copy, lost=lost) == SharedCopy.WAITING:
        SharedCopy.objects.filter(id=copy.pk).update(queued_at=timezone.now())
        queue.enqueue(JOB, copy.id)


@transaction.atomic
def _finish(copy: SharedCopy, made: Json, out: Path, *, of: str) -> None:
    path = storage.folder_of("reports", uuid.uuid4())
    files = (storage.sha256_of(out / name) for name in VERIFIED if (out / name).is_file())
    held = leases.held_by(copy).update(
        state=State.DONE, lease_until=None, finished_at=timezone.now(), error=None,
        path=path, result_hash=made["hash"], status=made["status"],
        written={**copy.written, **dict.fromkeys(files, made["status"])},
    )  # fmt: skip
    if held != 1:
        return
    if copy.path:
        transaction.on_commit(partial(storage.remove, copy.path))
    target = storage.absolute(path)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    out.replace(target)
    audit = copy.report.audit
    event_add(
        subject=audit, verb="copy made", report=audit.report_id,
        cells_below=copy.smallest, result_hash=made["hash"],
    )  # fmt: skip
    if not Report.objects.filter(id=copy.report_id, path=of).exists():
        copy.refresh_from_db()
        copy_renew(copy=copy)  # the report was written anew meanwhile


def _stop(copy: SharedCopy, error: AuditError) -> None:
    if not error.permanent and error.code != "cancelled":
        copy_free(copy=copy)
        return
    leases.held_by(copy).update(
        state=State.FAILED, error=error.as_dict(), lease_until=None, finished_at=timezone.now()
    )


def _outdated(copy: SharedCopy, report: Report) -> bool:
    return copy.state == State.DONE and copy.status != report.status
