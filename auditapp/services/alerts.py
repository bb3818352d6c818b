"""Alerts: raised once, seen by somebody, accepted or settled."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from auditapp.errors import AuditError
from auditapp.models import Alert, AlertKind, Schedule, ScheduleRun, User
from auditapp.models.schedule import ABOUT_CHANGE
from auditapp.services import alert_words, deliveries
from auditapp.services.trail import event_add

Json = dict[str, Any]
#: Alerts about runs; the next run that ends in an audit settles them.
ABOUT_RUNS = (AlertKind.SOURCE, AlertKind.COLUMN, AlertKind.FAILED, AlertKind.LATE)
COLUMN_CODES = ("unknown-column",)


@transaction.atomic
def alert_raise(
    *,
    schedule: Schedule,
    kind: str,
    detail: Json,
    key: str = "",
    run: ScheduleRun | None = None,
) -> Alert:
    """Tell about something once: while an alert with the key is open, it only counts on.

    `key` defaults to the kind. `detail` gets the run's number under ``run``.
    """
    key = (key if key else kind)[:200]
    known = Alert.objects.filter(schedule=schedule, key=key, closed_at=None)
    if known.update(times=F("times") + 1) == 1:
        return known.get()
    detail = {**detail, "run": None if run is None else run.number}
    alert = Alert.objects.create(
        workspace_id=schedule.workspace_id,
        schedule=schedule,
        run=run,
        kind=kind,
        key=key,
        title=alert_words.title(kind, detail)[:300],
        detail=detail,
    )
    event_add(subject=alert, verb="raised", schedule=str(schedule), run=detail["run"])
    deliveries.deliveries_make(alert=alert)
    return alert


def alert_failed(*, run: ScheduleRun, error: AuditError, step: str) -> Alert:
    """Tell that a run came to no audit, by what it was about."""
    kind = AlertKind.SOURCE if step == "data" else AlertKind.FAILED
    if error.code in COLUMN_CODES:
        kind = AlertKind.COLUMN
    detail = {"error": error.as_dict(), "step": step}
    return alert_raise(
        schedule=run.schedule, kind=kind, key=f"{kind}:{error.code}", detail=detail, run=run
    )


@transaction.atomic
def alert_see(*, alert: Alert, user: User | None) -> Alert:
    """Note that somebody has read it; who reads it later changes nothing."""
    now = timezone.now()
    Alert.objects.filter(id=alert.pk, seen_at=None).update(seen_at=now, seen_by=user)
    alert.refresh_from_db()
    return alert


@transaction.atomic
def alert_accept(*, alert: Alert, user: User | None) -> Alert:
    """Take what an alert says as the new normal: later runs are compared from there on.

    Every open alert about a change closes with it, and the year's error rate begins anew.

    Raises
    ------
    AuditError
        ``not-acceptable``: it is closed already, or about a run and not about its numbers.
    """
    schedule = Schedule.objects.select_for_update().get(id=alert.schedule_id)
    alert = Alert.objects.select_related("run").get(id=alert.pk)
    if not alert.can_be_accepted:
        raise AuditError(
            "not-acceptable",
            "This alert cannot be accepted.",
            "Alerts about a run that failed settle with the next run that does not.",
        )
    now = timezone.now()
    start = int(alert.detail["baseline"])
    if start > schedule.baseline:
        Schedule.objects.filter(id=schedule.id).update(baseline=start, baseline_at=now)
    Alert.objects.filter(id=alert.id).update(
        accepted_by=user, accepted_at=now, closed_at=now,
        seen_at=alert.seen_at if alert.seen_at is not None else now,
        seen_by=alert.seen_by_id if alert.seen_at is not None else user,
    )  # fmt: skip
    Alert.objects.filter(schedule=schedule, kind__in=ABOUT_CHANGE, closed_at=None).update(
        closed_at=now
    )
    event_add(subject=alert, verb="accepted", user=user, baseline=start, schedule=str(schedule))
    alert.refresh_from_db()
    return alert


def alerts_settle(*, run: ScheduleRun, gone: set[str], rewritten: bool) -> None:
    """Close what a run that ended in an audit has put right.

    Parameters
    ----------
    gone
        Keys of groups that this run has nobody of.
    rewritten
        Whether this run found the past rewritten.
    """
    still = Alert.objects.filter(schedule=run.schedule_id, closed_at=None)
    now = timezone.now()
    still.filter(kind__in=ABOUT_RUNS).exclude(run=run.pk).update(closed_at=now)
    if not rewritten:
        still.filter(kind=AlertKind.REWRITTEN).update(closed_at=now)
    for alert in still.filter(kind=AlertKind.VANISHED):
        if not gone & set(alert.detail["keys"]):
            Alert.objects.filter(id=alert.id).update(closed_at=now)
