"""Runs of schedules: from the time they were due to the audit they lead to.

A run waits, is claimed for one step (`data`, `audit`, `judge`), and is followed while others work
for it (a data set that is checked, an audit). `schedules_follow` moves on whatever stands still,
so that no message has to arrive for a run to go on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from auditapp import queue, storage
from auditapp.errors import AuditError
from auditapp.models import (
    AlertKind,
    Audit,
    Dataset,
    Schedule,
    ScheduleRun,
    ScheduleRunState,
    ScheduleState,
    State,
    UploadState,
    User,
)
from auditapp.models.schedule import OPEN_RUNS
from auditapp.services import alerts, deliveries, judging, leases, sources
from auditapp.services.failures import unexpected
from auditapp.services.starting import audit_start_from
from auditapp.services.uploads import dataset_delete, dataset_receive
from auditapp.timing import Clock

log = structlog.get_logger(__name__)
Json = dict[str, Any]
JOB = "advance_schedule_run"
#: A run that starts this much after its time is said to be late.
LATE = timedelta(minutes=5)
#: A waiting run's message is sent again after this time.
RESEND = timedelta(seconds=60)


# --- due -------------------------------------------------------------------------------------


@transaction.atomic
def schedule_due(*, schedule_id: UUID | str, now: datetime | None = None) -> ScheduleRun | None:
    """Begin the latest run that is due and was not begun; earlier ones are counted as missed.

    Beat's message and the follower both come here; who comes second finds nothing due.
    """
    moment = timezone.now() if now is None else now
    schedule = Schedule.objects.select_for_update().filter(id=schedule_id).first()
    if schedule is None:
        PeriodicTask.objects.filter(name=f"schedule {schedule_id}").delete()
        return None
    if schedule.state != ScheduleState.ACTIVE:
        return None
    clock = Clock(schedule.cron, schedule.every, schedule.period, schedule.timezone)
    due = clock.latest_due(after=schedule.last_due, now=moment)
    if due is None:
        return None
    first = clock.due_after(schedule.last_due)
    missed = clock.missed(after=schedule.last_due, until=due)
    taken = Schedule.objects.filter(id=schedule.id, last_due=schedule.last_due)
    if taken.update(last_due=due) != 1:
        return None
    late = moment - first >= LATE
    run = run_create(
        schedule=schedule, due_at=due, trigger="late" if late else "due", missed=missed
    )
    if late:
        alerts.alert_raise(
            schedule=schedule, kind=AlertKind.LATE, key="late", run=run,
            detail={"first_due": first.isoformat(), "due": due.isoformat(), "missed": missed},
        )  # fmt: skip
    return run


@transaction.atomic
def run_create(
    *,
    schedule: Schedule,
    due_at: datetime,
    trigger: str = "due",
    missed: int = 0,
    user: User | None = None,
) -> ScheduleRun:
    """Note a run and queue it; while another one is open it is skipped, and says so."""
    Schedule.objects.filter(id=schedule.id).update(last_number=F("last_number") + 1)
    number = Schedule.objects.values_list("last_number", flat=True).get(id=schedule.id)
    busy = open_run(schedule) is not None
    run = ScheduleRun.objects.create(
        schedule=schedule,
        number=number,
        trigger=trigger,
        due_at=due_at,
        missed=missed,
        started_by=user,
        queued_at=timezone.now(),
        state=ScheduleRunState.SKIPPED if busy else ScheduleRunState.WAITING,
        skipped="overlap" if busy else "",
        finished_at=timezone.now() if busy else None,
    )
    if not busy:
        queue.enqueue(JOB, run.id)
    return run


def open_run(schedule: Schedule) -> ScheduleRun | None:
    """The run of a schedule that is not over."""
    return ScheduleRun.objects.filter(schedule=schedule, state__in=OPEN_RUNS).first()


# --- one step --------------------------------------------------------------------------------


def run_advance(*, run_id: UUID | str) -> None:
    """Worker: do every step that a run is ready for."""
    while True:
        run_follow(run_id=run_id)
        run = leases.claim(ScheduleRun, run_id)
        if run is None:
            return
        run = ScheduleRun.objects.select_related(
            "schedule__workspace", "schedule__model", "schedule__created_by", "dataset", "audit"
        ).get(id=run.id)
        steps: dict[str, Callable[[ScheduleRun], None]] = {
            "data": _data, "audit": _audit, "judge": _judge,
        }  # fmt: skip
        try:
            steps[run.step](run)
        except AuditError as error:
            run_fail(run=run, error=error)
        except Exception as error:
            run_fail(run=run, error=unexpected(error, "running a schedule", run=str(run.id)))


@transaction.atomic
def run_follow(*, run_id: UUID | str) -> bool:
    """Let a run go on whose data set was checked or whose audit is over; whether it does."""
    run = ScheduleRun.objects.select_related("dataset", "audit").filter(id=run_id).first()
    if run is None:
        return False
    if run.state == ScheduleRunState.CHECKING:
        dataset = run.dataset
        if dataset is not None and not dataset.settled:
            return False
        if dataset is None or dataset.state == UploadState.REFUSED:
            return _not_held(run, run_fail, error=_refused(dataset))
        return _goes_on(run, "data" if run.schedule.source_url == "" else "audit")
    if run.state == ScheduleRunState.AUDITING:
        audit = run.audit
        if audit is not None and audit.is_open:
            return False
        if audit is None or audit.state == State.CANCELLED:
            return _not_held(run, run_skip, reason="cancelled")
        if audit.state == State.FAILED:
            return _not_held(run, run_fail, error=AuditError.from_dict(audit.error or {}))
        return _goes_on(run, "judge")
    return False


def _goes_on(run: ScheduleRun, step: str) -> bool:
    changed = ScheduleRun.objects.filter(id=run.id, state=run.state, attempt=run.attempt).update(
        state=ScheduleRunState.WAITING, step=step, queued_at=timezone.now()
    )
    return changed == 1


def _not_held(run: ScheduleRun, end: Callable[..., None], **how: Any) -> bool:
    """End a run that others worked for: it is taken first, so that only one does."""
    held = ScheduleRun.objects.filter(id=run.id, state=run.state, attempt=run.attempt).update(
        state=ScheduleRunState.WORKING, attempt=F("attempt") + 1
    )
    if held == 1:
        end(run=ScheduleRun.objects.select_related("schedule__workspace").get(id=run.id), **how)
    return held == 1


def _data(run: ScheduleRun) -> None:
    """Find the table of a run: fetch it, or take the newest version of the data set."""
    schedule = run.schedule
    if schedule.source_url:
        _fetch(run)
        return
    workspace, series = schedule.workspace, schedule.series
    if series is None:
        raise _no_data()
    dataset = sources.latest(workspace=workspace, series=series)
    if dataset is None or dataset.state == UploadState.REFUSED:
        raise _refused(dataset)
    if not dataset.settled:
        _wait(run, ScheduleRunState.CHECKING, dataset=dataset)
        return
    _audit_of(run, dataset)


def _fetch(run: ScheduleRun) -> None:
    schedule = run.schedule
    holder = leases.Holder(run, time_limit=settings.SOURCE_TIME_LIMIT + 60)
    work = sources.work_folder(run.id, run.attempt)
    try:
        file = sources.source_fetch(schedule.source_url, work, should_stop=holder.should_stop)
        if holder.lost:
            return
        if _is_known(run, file.sha256):
            run_skip(run=run, reason="same-data")
            return
        before = Dataset.objects.filter(series=schedule.id, state=UploadState.READY)
        latest = before.order_by("-created_at").first()
        with transaction.atomic():
            dataset = dataset_receive(
                workspace=schedule.workspace,
                user=schedule.created_by,
                file=file,
                name=schedule.name,
                read_options={} if latest is None else dict(latest.read_options),
            )
            sources.in_series(dataset, schedule.id)
            _wait(run, ScheduleRunState.CHECKING, step="audit", dataset=dataset)
    finally:
        storage.remove(str(work.relative_to(settings.DATA_DIR)))


def _audit(run: ScheduleRun) -> None:
    if run.dataset is None:
        raise _no_data()
    _audit_of(run, run.dataset)


def _audit_of(run: ScheduleRun, dataset: Dataset) -> None:
    """Start the audit, unless the table is the one of the run before."""
    if _is_known(run, dataset.sha256):
        run_skip(run=run, reason="same-data")
        return
    schedule = run.schedule
    with transaction.atomic():
        audit = audit_start_from(
            plan=schedule.plan,
            dataset=dataset,
            user=schedule.created_by,
            title=f"{schedule.name}, run {run.number}"[:200],
            model=schedule.model,
            previous=None if schedule.grows else _before(schedule),
            schedule=schedule,
            run=run.number,
        )
        _wait(
            run, ScheduleRunState.AUDITING, step="judge", audit=audit, dataset=dataset,
            data_sha256=dataset.sha256,
        )  # fmt: skip


def _judge(run: ScheduleRun) -> None:
    judging.run_judge(run)
    if run.schedule.source_url:
        versions_forget(schedule=run.schedule)


def _is_known(run: ScheduleRun, sha256: str) -> bool:
    """Whether the last run audited this very table; a run by hand does it again."""
    last = run.schedule.last_run
    return run.trigger != "now" and last is not None and last.data_sha256 == sha256


def _before(schedule: Schedule) -> Audit | None:
    """The audit whose report the next one is compared with."""
    return None if schedule.last_run is None else schedule.last_run.audit


def _wait(run: ScheduleRun, state: str, **changes: Any) -> None:
    changes = {"state": state, "lease_until": None, **changes}
    if leases.held_by(run).update(**changes) != 1:
        raise AuditError("lost", "The run went on elsewhere.", permanent=False)


# --- the end ---------------------------------------------------------------------------------


@transaction.atomic
def run_skip(*, run: ScheduleRun, reason: str) -> None:
    """End a run that has nothing to audit."""
    leases.held_by(run).update(
        state=ScheduleRunState.SKIPPED, skipped=reason, lease_until=None,
        finished_at=timezone.now(),
    )  # fmt: skip


@transaction.atomic
def run_fail(*, run: ScheduleRun, error: AuditError) -> None:
    """End a run that came to no audit, and say so; the next one happens at its time."""
    changed = leases.held_by(run).update(
        state=ScheduleRunState.FAILED, error=error.as_dict(), lease_until=None,
        finished_at=timezone.now(),
    )  # fmt: skip
    if changed == 1:
        alerts.alert_failed(run=run, error=error, step=run.step)


def _refused(dataset: Dataset | None) -> AuditError:
    if dataset is None or dataset.error is None:
        return _no_data()
    return AuditError.from_dict(dataset.error)


def _no_data() -> AuditError:
    return AuditError(
        "no-data",
        "The data set has no version that is ready.",
        "Upload a version of it; the schedule audits it at its next time.",
        permanent=False,
    )


# --- beat ------------------------------------------------------------------------------------


def schedules_follow(*, now: datetime | None = None) -> int:
    """Beat: begin what is due, move on what stands still, send what waits; how many of these.

    One schedule that cannot be followed keeps no other from its run.
    """
    moment = timezone.now() if now is None else now
    jobs: list[Callable[[], bool]] = []
    fields = ("id", "cron", "every", "period", "timezone", "last_due")
    for row in Schedule.objects.filter(state=ScheduleState.ACTIVE).values_list(*fields):
        jobs.append(partial(_is_begun, row[0], Clock(*row[1:5]), row[5], moment))
    for run in leases.over(ScheduleRun).select_related("schedule__workspace"):
        jobs.append(partial(_is_freed, run))
    follow = (ScheduleRunState.CHECKING, ScheduleRunState.AUDITING)
    for key in ScheduleRun.objects.filter(state__in=follow).values_list("id", flat=True):
        jobs.append(partial(_is_followed, key))
    before = timezone.now() - RESEND
    waiting = ScheduleRun.objects.filter(state=ScheduleRunState.WAITING, queued_at__lt=before)
    for key in waiting.values_list("id", flat=True):
        jobs.append(partial(_is_sent, key))
    done = 0
    for job in jobs:
        try:
            done += job()
        except Exception:
            log.exception("a schedule could not be followed")
    return done + deliveries.deliveries_follow()


def _is_begun(key: UUID, clock: Clock, after: datetime, now: datetime) -> bool:
    # Looked at without a lock first: beat asks every ten seconds, and most are not due.
    if clock.latest_due(after=after, now=now) is None:
        return False
    return schedule_due(schedule_id=key, now=now) is not None


def _is_freed(run: ScheduleRun) -> bool:
    with transaction.atomic():
        state = leases.free(run)
        if state == ScheduleRun.GIVEN_UP:
            ScheduleRun.objects.filter(id=run.id).update(finished_at=timezone.now())
            alerts.alert_failed(run=run, error=leases.lost_error(), step=run.step)
        elif state is not None:
            ScheduleRun.objects.filter(id=run.id).update(queued_at=timezone.now())
            queue.enqueue(JOB, run.id)
    return state is not None


def _is_followed(key: UUID) -> bool:
    goes_on = run_follow(run_id=key)
    if goes_on and ScheduleRun.objects.filter(id=key, state=ScheduleRun.WAITING).exists():
        queue.send(JOB, str(key))
    return goes_on


def _is_sent(key: UUID) -> bool:
    ScheduleRun.objects.filter(id=key).update(queued_at=timezone.now())
    return queue.send(JOB, str(key))


def versions_forget(*, schedule: Schedule) -> int:
    """Delete fetched tables beyond the newest few; reports and counts stay."""
    found = Dataset.objects.filter(
        workspace=schedule.workspace_id, series=schedule.id, state__in=_SETTLED
    ).order_by("-created_at")
    gone = 0
    for dataset in found[settings.SOURCE_VERSIONS :]:
        try:
            dataset_delete(dataset=dataset)
        except AuditError:
            continue
        gone += 1
    return gone


_SETTLED = (UploadState.READY, UploadState.REFUSED)
