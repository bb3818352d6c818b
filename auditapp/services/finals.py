"""Making a report final, and marking the ones it supersedes.

What was measured never changes: a new edition has the same result document but for `run`, which
the hash leaves out. The files are written by a worker, and take the place of the former ones in
the same transaction in which the report gets its status.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from auditapp import queue, result, sandbox, storage
from auditapp.errors import AuditError
from auditapp.models import Audit, Edition, Report, ReportStatus, State, User
from auditapp.services import leases
from auditapp.services.copies import copies_follow
from auditapp.services.failures import unexpected
from auditapp.services.keys import signing_key
from auditapp.services.trail import event_add

log = structlog.get_logger(__name__)
Json = dict[str, Any]
TARGET = "auditapp.pipeline.reissue:reissue"
TIME_LIMIT = 900.0
#: Files and folders that an edition writes anew; everything else of a report stays as it is.
WRITTEN = ("result.json", "report.json", "report.pdf", "tables.csv", "charts")


def final_blockers(*, report: Report) -> list[Json]:
    """What keeps the report a draft: ``{"title", "code", "text"}``, from its annexes."""
    try:
        document = result.read(report.folder / "result.json")
    except (OSError, ValueError):
        text = "The stored result document cannot be read."
        return [{"title": "This report", "code": "no-result", "text": text}]
    return [
        {"title": str(annex["title"]), "code": str(item["code"]), "text": str(item["text"])}
        for annex in document.get("annexes") or ()
        for item in annex["open"]
    ]


def final_earlier(*, audit: Audit) -> list[Report]:
    """Final reports of the audits that this one repeats, the latest first."""
    found = []
    seen = {audit.pk}
    earlier = audit.previous
    while earlier is not None and earlier.pk not in seen:
        seen.add(earlier.pk)
        report = Report.objects.filter(audit=earlier, status=ReportStatus.FINAL).first()
        if report is not None:
            report.audit = earlier
            found.append(report)
        earlier = earlier.previous
    return found


def final_later(*, audit: Audit) -> Report | None:
    """The newest final report of an audit that repeats this one, or one that does; else None."""
    seen, newest = {audit.pk}, {audit.pk}
    while newest:
        rows = Audit.objects.filter(previous__in=newest).values_list("id", flat=True)
        newest = set(rows) - seen
        seen |= newest
    found = Report.objects.filter(audit__in=seen - {audit.pk}, status=ReportStatus.FINAL)
    latest: Report | None = found.select_related("audit").order_by("-final_at").first()
    return latest


def edition_unwritten(*, report: Report) -> Edition | None:
    """The edition that is being written, or whose writing failed last; None where none is."""
    latest: Edition | None = report.editions.order_by("-created_at").first()
    if latest is None or latest.state in {State.DONE, State.CANCELLED}:
        return None
    return latest


@transaction.atomic
def report_finalise(
    *, report: Report, user: User | None, supersede: bool = True, **detail: Any
) -> Edition:
    """Have the final edition of a draft written.

    Parameters
    ----------
    supersede
        Whether final reports of the audits that this one repeats become superseded.

    Raises
    ------
    AuditError
        ``not-a-draft-report``, ``being-made-final`` or ``not-ready-for-final``.
    """
    report = Report.objects.select_for_update().get(id=report.pk)
    if report.status != ReportStatus.DRAFT:
        raise AuditError(
            "not-a-draft-report",
            f"This report is {report.get_status_display().lower()} already.",
            "Audit again to write a new one.",
        )
    blockers = final_blockers(report=report)
    if blockers:
        raise AuditError(
            "not-ready-for-final",
            "This report has to stay a draft: an annex is not complete.",
            "Audit again with what is missing.",
            found=" ".join(f"{item['title']}: {item['text']}" for item in blockers),
        )
    edition = _edition(
        report, ReportStatus.FINAL, date=timezone.now(), by=user, supersedes=supersede
    )
    event_add(
        subject=report.audit, verb="asked for final", user=user, result_hash=report.result_hash,
        **detail,
    )  # fmt: skip
    return edition


def edition_write(*, edition_id: UUID | str) -> None:
    """Worker: claim an edition, draw its files in a child process, put them in place."""
    edition = leases.claim(Edition, edition_id)
    if edition is None:
        return
    holder = leases.Holder(edition, time_limit=TIME_LIMIT)
    work = storage.work_folder(f"edition-{edition.id}-{edition.attempt}")
    try:
        outcome = sandbox.run_child(
            TARGET,
            _job(edition, work / "out"),
            workdir=work,
            limits=sandbox.Limits.trusted("The report", wall=TIME_LIMIT),
            isolated=False,
            should_stop=holder.should_stop,
        )
        edition_finish(edition=edition, outcome=outcome, out=work / "out")
    except AuditError as error:
        if not holder.lost:
            edition_stop(edition=edition, error=error)
    except Exception as error:
        edition_stop(
            edition=edition,
            error=unexpected(error, "writing the report", edition=str(edition.id)),
        )
    finally:
        storage.remove(str(work.relative_to(settings.DATA_DIR)))


@transaction.atomic
def edition_finish(*, edition: Edition, outcome: Json, out: Path) -> bool:
    """Put the files in place and set the status, if this attempt still holds the edition."""
    held = leases.held_by(edition).update(
        state=State.DONE,
        lease_until=None,
        error=None,
        pdf_hash=outcome["pdf_hash"],
        json_hash=json_hash(out),
        signature=outcome["signature"],
    )
    if held != 1:
        return False
    report = Report.objects.select_related("audit__workspace").get(id=edition.report_id)
    path = _placed(report, out)
    changes: Json = {
        "path": path,
        "pages": outcome["pages"],
        "pdf_hash": outcome["pdf_hash"],
        "signature": outcome["signature"],
    }
    if edition.status == ReportStatus.FINAL:
        changes |= {
            "status": ReportStatus.FINAL, "final_at": edition.date, "final_by": edition.by,
        }  # fmt: skip
    Report.objects.filter(id=report.pk).update(**changes)
    transaction.on_commit(partial(storage.remove, report.path))
    event_add(
        subject=report.audit,
        verb=f"made {edition.status}",
        user=edition.by,
        result_hash=report.result_hash,
        pdf_hash=outcome["pdf_hash"],
    )
    copies_follow(report=Report.objects.get(id=report.pk))
    if edition.status == ReportStatus.FINAL and edition.supersedes:
        for earlier in final_earlier(audit=report.audit):
            report_supersede(report=earlier, by=report, edition=edition)
    return True


def report_supersede(*, report: Report, by: Report, edition: Edition) -> None:
    """Mark an earlier final report; its files follow."""
    changed = Report.objects.filter(id=report.pk, status=ReportStatus.FINAL).update(
        status=ReportStatus.SUPERSEDED, superseded_by=by
    )
    if changed == 1:
        report.superseded_by = by
        _edition(report, ReportStatus.SUPERSEDED, date=edition.date, by=edition.by)


@transaction.atomic
def edition_stop(*, edition: Edition, error: AuditError) -> None:
    """End an edition that failed; one that may go through later waits again."""
    if not error.permanent:
        edition_free(edition=edition)
        return
    leases.held_by(edition).update(state=State.FAILED, error=error.as_dict(), lease_until=None)


@transaction.atomic
def edition_again(*, edition: Edition, user: User | None) -> None:
    """Queue an edition whose writing failed once more."""
    changed = Edition.objects.filter(id=edition.pk, state=State.FAILED).update(
        state=State.QUEUED, losses=0, error=None, queued_at=timezone.now()
    )
    if changed == 1:
        event_add(subject=edition.report.audit, verb="asked for files again", user=user)
        queue.enqueue("write_edition", edition.pk)


@transaction.atomic
def edition_free(*, edition: Edition, lost: bool = True) -> None:
    """Take an edition from a holder that is gone; it waits again, or is given up."""
    if leases.free(edition, lost=lost) == Edition.WAITING:
        Edition.objects.filter(id=edition.pk).update(queued_at=timezone.now())
        queue.enqueue("write_edition", edition.pk)


def draft_edition(*, report: Report, outcome: Json) -> Edition:
    """Note the files that the audit itself wrote."""
    return Edition.objects.create(
        report=report,
        status=ReportStatus.DRAFT,
        state=State.DONE,
        pdf_hash=outcome.get("pdf_hash") or "",
        json_hash=json_hash(report.folder),
        signature=outcome.get("signature"),
    )


def json_hash(folder: Path) -> str:
    """SHA-256 of a stored result document, byte for byte."""
    return storage.sha256_of(folder / "result.json")


def _edition(report: Report, status: str, *, date: Any, by: User | None, **more: Any) -> Edition:
    try:
        with transaction.atomic():
            edition: Edition = Edition.objects.create(
                report=report, status=status, date=date, by=by, queued_at=timezone.now(), **more
            )
    except IntegrityError as error:
        raise AuditError(
            "being-made-final",
            "The files of this report are being written at this moment.",
            "Wait a few seconds, then look again.",
            permanent=False,
        ) from error
    queue.enqueue("write_edition", edition.id)
    return edition


def _job(edition: Edition, out: Path) -> Json:
    report = Report.objects.select_related("audit", "superseded_by__audit").get(
        id=edition.report_id
    )
    return {
        "result": str(report.folder / "result.json"),
        "hash": report.result_hash,
        "out": str(out),
        "run": dict(_run(edition, report)),
        "signing_key": signing_key(),
    }


def _run(edition: Edition, report: Report) -> Iterator[tuple[str, str]]:
    """What the document says of the report's status; every date is one that was stored."""
    date = (edition.date or edition.created_at).astimezone(UTC).isoformat(timespec="seconds")
    yield "status", edition.status
    yield "status_date", date
    if edition.status == ReportStatus.FINAL:
        yield "final_date", date
        yield "final_by", "" if edition.by is None else str(edition.by)
    elif report.superseded_by is not None:
        yield "superseded_by", report.superseded_by.audit.report_id


def _placed(report: Report, out: Path) -> str:
    """A new folder with the new files and links to those that stay; its relative path."""
    old = report.folder
    for item in old.iterdir():
        if item.name in WRITTEN or (out / item.name).exists():
            continue
        if item.is_dir():
            shutil.copytree(item, out / item.name, copy_function=os.link)
        else:
            os.link(item, out / item.name)
    path = storage.folder_of("reports", uuid.uuid4())
    target = storage.absolute(path)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    out.replace(target)
    return path
