"""Schedules and alerts: audits that run by the clock, and what they found to have changed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from auditapp import schedule_selectors as selectors
from auditapp.api import audits, datasets, once, shapes
from auditapp.api.answers import MAKE, ONE, answers
from auditapp.api.audits import named
from auditapp.api.auth import ADMIN, READ, WRITE
from auditapp.api.datasets import Key
from auditapp.api.paging import PageIn, page
from auditapp.api.words import Body, Id, Text, examples
from auditapp.models import Alert, Schedule, ScheduleRun
from auditapp.models.schedule import AlertKind, ScheduleRunState
from auditapp.outward import shown
from auditapp.services import alerts as alert_services
from auditapp.services import schedules as services
from auditapp.services.schedule_charts import charts_remove
from auditapp.timing import Clock

router = Router(tags=["Schedules"])
Json = dict[str, Any]
RUN_STATES = Literal[tuple(ScheduleRunState.values)]  # type: ignore[valid-type]
KINDS = Literal[tuple(AlertKind.values)]  # type: ignore[valid-type]
Title = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Cron = Annotated[str, Field(min_length=9, max_length=200, pattern=r"^[0-9A-Za-z*/, \-]+$")]
Zone = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_+/\-]+$")]


class ClockIn(Body):
    """When: either `cron`, or `every` and `period`."""

    cron: Cron | None = Field(None, description="Five fields, such as 0 6 * * 1")
    every: int | None = Field(None, ge=1, le=100_000, description="With period: every so many")
    period: Literal["minutes", "hours", "days"] | None = None
    timezone: Zone = Field("UTC", description="Such as Europe/Berlin; cron is read in it")


class ScheduleIn(Body):
    """An audit that is repeated by the clock."""

    model_config = examples(
        audit="0d6c7c58-4a39-4f0f-8a3b-0c5f0a0f7d21",
        dataset="5b0c7f0e-7d1c-4b0e-9a4e-2f3f6f0c9f11",
        clock={"cron": "0 6 * * 1", "timezone": "Europe/Berlin"},
    )

    audit: Id = Field(description="A started audit; its plan is repeated at every run")
    name: Title = Field("", description="The audit's title if not given")
    clock: ClockIn
    dataset: Id | None = Field(
        None, description="Any version of the table; every run audits the newest that is ready"
    )
    source_url: Text = Field("", description="Or an HTTPS address that every run loads")
    grows: bool = Field(False, description="Whether each version holds all rows of the one before")
    notify_email: bool = Field(True, description="Whether members are told of alerts by email")


class ScheduleChangeIn(Body):
    """What is to change; what is left out stays."""

    model_config = examples(clock={"every": 1, "period": "days"})

    name: Title | None = None
    clock: ClockIn | None = None
    dataset: Id | None = Field(None, description="Another table begins a new baseline")
    source_url: Text | None = Field(None, description="Another address begins a new baseline")
    grows: bool | None = Field(
        None, description="Whether each version holds all rows of the one before"
    )
    notify_email: bool | None = Field(None, description="Whether members are told by email")


class ScheduleOut(Schema):
    """A schedule."""

    id: UUID
    name: str
    state: Literal["active", "paused"]
    cron: str | None
    every: int | None
    period: str | None
    timezone: str
    next_due: datetime | None = Field(description="Null while it is paused")
    audit: UUID | None = Field(description="The audit it was made from")
    series: UUID | None = Field(description="The table whose newest version is audited")
    source_url: str | None = Field(description="Without its query, which may hold a key")
    grows: bool
    notify_email: bool
    open_alerts: int
    created_at: datetime
    links: dict[str, str]


class SchedulesOut(Schema):
    """A page of schedules."""

    items: list[ScheduleOut]
    next: str | None = Field(description="Cursor of the next page; null on the last")


class ScheduleRunOut(Schema):
    """One time that a schedule was due."""

    id: UUID
    schedule: UUID
    number: int
    trigger: Literal["due", "late", "now"] = Field(
        description="On time, caught up, or started by hand"
    )
    state: RUN_STATES
    due_at: datetime
    missed: int = Field(description="Due times before that were missed")
    skipped: str | None = Field(description="Why there is no audit, as a code")
    error: shapes.ErrorOut | None
    dataset: UUID | None
    audit: UUID | None
    created_at: datetime
    finished_at: datetime | None


class ScheduleRunsOut(Schema):
    """A page of runs."""

    items: list[ScheduleRunOut]
    next: str | None = Field(description="Cursor of the next page; null on the last")


class AlertOut(Schema):
    """Something that changed, or a run that did not happen as it should."""

    id: UUID
    schedule: UUID
    run: UUID | None
    audit: UUID | None
    kind: KINDS
    title: str
    times: int = Field(description="Runs that said so")
    created_at: datetime
    seen_at: datetime | None
    accepted_at: datetime | None
    closed_at: datetime | None
    detail: dict[str, Any]


class AlertsOut(Schema):
    """A page of alerts."""

    items: list[AlertOut]
    next: str | None = Field(description="Cursor of the next page; null on the last")


class AlertsIn(PageIn):
    """Which alerts."""

    open: bool | None = Field(None, description="Only open ones, or only those that are over")
    schedule: UUID | None = Field(None, description="Those of one schedule")


@router.get(
    "/schedules", auth=READ, response=answers({200: SchedulesOut}), summary="List schedules"
)
def schedules_list(request: HttpRequest, asked: Query[PageIn]) -> Json:
    """Newest first."""
    items, cursor = page(_schedules(request), asked)
    return {"items": [_schedule(row) for row in items], "next": cursor}


@router.post(
    "/schedules",
    auth=WRITE,
    response=answers({201: ScheduleOut}, *MAKE),
    summary="Make a schedule",
)
def schedule_make(
    request: HttpRequest, body: ScheduleIn, idempotency_key: Key = None
) -> HttpResponse:
    """From an audit that was started; its first run is at its next time."""

    def make() -> Json:
        audit = named(lambda: audits.get(request, body.audit), "audit")
        row = services.schedule_create(
            workspace=request.auth.workspace,
            user=request.user,
            name=body.name,
            clock=_clock(body.clock),
            source=_source(request, body.dataset, body.source_url, grows=body.grows),
            audit=audit,
            notify_email=body.notify_email,
        )
        return _schedule(_get(request, row.id))

    return once.answer(request, idempotency_key, make, ScheduleOut)


@router.get(
    "/schedules/{uuid:schedule_id}",
    auth=READ,
    response=answers({200: ScheduleOut}, *ONE),
    summary="Look at a schedule",
)
def schedule_get(request: HttpRequest, schedule_id: UUID) -> Json:
    """When it is due next, and how many alerts are open."""
    return _schedule(_get(request, schedule_id))


@router.patch(
    "/schedules/{uuid:schedule_id}",
    auth=WRITE,
    response=answers({200: ScheduleOut}, *ONE, *MAKE),
    summary="Change a schedule",
)
def schedule_change(request: HttpRequest, schedule_id: UUID, body: ScheduleChangeIn) -> Json:
    """Another table or address begins a new baseline at the next run."""
    row = _get(request, schedule_id)
    source = None
    if body.dataset is not None or body.source_url:
        grows = row.grows if body.grows is None else body.grows
        source = _source(request, body.dataset, body.source_url or "", grows=grows)
    elif body.grows is not None and body.grows != row.grows:
        newest = selectors.series_newest(schedule=row)
        source = services.Source(dataset=newest, url=row.source_url, grows=body.grows)
    services.schedule_update(
        schedule=row,
        user=request.user,
        name=body.name,
        clock=None if body.clock is None else _clock(body.clock),
        source=source,
        notify_email=body.notify_email,
    )
    return _schedule(_get(request, schedule_id))


@router.post(
    "/schedules/{uuid:schedule_id}/pause",
    auth=WRITE,
    response=answers({200: ScheduleOut}, *ONE),
    summary="Pause a schedule",
)
def schedule_pause(request: HttpRequest, schedule_id: UUID) -> Json:
    """A run that is open goes on."""
    services.schedule_pause(schedule=_get(request, schedule_id), user=request.user)
    return _schedule(_get(request, schedule_id))


@router.post(
    "/schedules/{uuid:schedule_id}/resume",
    auth=WRITE,
    response=answers({200: ScheduleOut}, *ONE),
    summary="Resume a schedule",
)
def schedule_resume(request: HttpRequest, schedule_id: UUID) -> Json:
    """What was due while it was paused is not caught up."""
    services.schedule_resume(schedule=_get(request, schedule_id), user=request.user)
    return _schedule(_get(request, schedule_id))


@router.post(
    "/schedules/{uuid:schedule_id}/run",
    auth=WRITE,
    response=answers({201: ScheduleRunOut}, *ONE, 409),
    summary="Run a schedule now",
)
def schedule_run(
    request: HttpRequest, schedule_id: UUID, idempotency_key: Key = None
) -> HttpResponse:
    """Paused or not; 409 while a run is open."""
    row = _get(request, schedule_id)

    def make() -> Json:
        return _run(services.schedule_run_now(schedule=row, user=request.user))

    return once.answer(request, idempotency_key, make, ScheduleRunOut)


@router.get(
    "/schedules/{uuid:schedule_id}/runs",
    auth=READ,
    response=answers({200: ScheduleRunsOut}, *ONE),
    summary="List the runs of a schedule",
)
def schedule_runs(request: HttpRequest, schedule_id: UUID, asked: Query[PageIn]) -> Json:
    """Newest first."""
    items, cursor = page(selectors.schedule_runs(schedule=_get(request, schedule_id)), asked)
    return {"items": [_run(row) for row in items], "next": cursor}


@router.delete(
    "/schedules/{uuid:schedule_id}",
    auth=ADMIN,
    response=answers({204: None}, *ONE),
    summary="Delete a schedule",
)
def schedule_delete(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """With its runs and alerts; the audits it made stay."""
    services.schedule_delete(schedule=_get(request, schedule_id), user=request.user)
    charts_remove(schedule_id=schedule_id)
    return HttpResponse(status=204)


@router.get("/alerts", auth=READ, response=answers({200: AlertsOut}), summary="List alerts")
def alerts_list(request: HttpRequest, asked: Query[AlertsIn]) -> Json:
    """Newest first."""
    rows = _alerts(request)
    if asked.open is not None:
        rows = rows.filter(closed_at__isnull=asked.open)
    if asked.schedule is not None:
        rows = rows.filter(schedule=asked.schedule)
    items, cursor = page(rows, asked)
    return {"items": [_alert(row) for row in items], "next": cursor}


@router.post(
    "/alerts/{uuid:alert_id}/accept",
    auth=WRITE,
    response=answers({200: AlertOut}, *ONE, 409),
    summary="Accept an alert",
)
def alert_accept(request: HttpRequest, alert_id: UUID) -> Json:
    """What is now becomes the baseline that later runs are compared with."""
    row = _one(_alerts(request), alert_id)
    alert_services.alert_accept(alert=row, user=request.user)
    return _alert(_one(_alerts(request), alert_id))


def _schedules(request: HttpRequest) -> Any:
    return selectors.schedules_for(user=request.user, workspace=request.auth.workspace)


def _alerts(request: HttpRequest) -> Any:
    return selectors.alerts_for(user=request.user, workspace=request.auth.workspace)


def _get(request: HttpRequest, key: UUID) -> Schedule:
    found: Schedule = _one(_schedules(request), key)
    return found


def _one(rows: Any, key: UUID) -> Any:
    found = rows.filter(id=key).first()
    if found is None:
        raise Http404
    return found


def _clock(asked: ClockIn) -> Clock:
    return Clock(asked.cron or "", asked.every, asked.period or "", asked.timezone)


def _source(
    request: HttpRequest, dataset: UUID | None, url: str, *, grows: bool
) -> services.Source:
    row = None
    if dataset is not None:
        wanted = dataset
        row = named(lambda: datasets.get(request, wanted), "dataset")
    return services.Source(dataset=row, url=url, grows=grows)


def _schedule(row: Schedule) -> Json:
    clock, own = services.clock_of(row), f"{shapes.BASE}/schedules/{row.id}"
    return {
        "id": row.id,
        "name": row.name,
        "state": row.state,
        "cron": row.cron or None,
        "every": row.every,
        "period": row.period or None,
        "timezone": row.timezone,
        "next_due": clock.due_after(row.last_due) if row.is_active else None,
        "audit": row.audit_from_id,
        "series": row.series,
        "source_url": shown(row.source_url) if row.source_url else None,
        "grows": row.grows,
        "notify_email": row.notify_email,
        "open_alerts": row.open_alerts,
        "created_at": row.created_at,
        "links": {"self": own, "runs": f"{own}/runs"},
    }


def _run(row: ScheduleRun) -> Json:
    return {
        "id": row.id,
        "schedule": row.schedule_id,
        "number": row.number,
        "trigger": row.trigger,
        "state": row.state,
        "due_at": row.due_at,
        "missed": row.missed,
        "skipped": row.skipped or None,
        "error": shapes.error(row.error),
        "dataset": row.dataset_id,
        "audit": row.audit_id,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }


def _alert(row: Alert) -> Json:
    return {
        "id": row.id,
        "schedule": row.schedule_id,
        "run": row.run_id,
        "audit": None if row.run is None else row.run.audit_id,
        "kind": row.kind,
        "title": row.title,
        "times": row.times,
        "created_at": row.created_at,
        "seen_at": row.seen_at,
        "accepted_at": row.accepted_at,
        "closed_at": row.closed_at,
        "detail": row.detail,
    }
