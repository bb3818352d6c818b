"""Reads of schedules, alerts and webhooks, within what a user may see. A stranger gets 404."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet

from auditapp.models import (
    Alert,
    Audit,
    Dataset,
    Schedule,
    ScheduleRun,
    State,
    UploadState,
    User,
    Webhook,
    Workspace,
)
from auditapp.selectors import _checked, _mine, _one, _owned, audits_for

#: Runs of a schedule that a list draws.
RECENT = 12
#: Columns of some size that no page of schedules shows.
HEAVY_RUN = ("counts", "audit__plan", "audit__draft", "dataset__profile")
HEAVY = (
    "audit_from__plan",
    "audit_from__draft",
    "audit_from__summary",
    "last_run__counts",
    "last_run__audit__plan",
    "last_run__audit__draft",
)


def schedules_for(*, user: User, workspace: Workspace | None = None) -> QuerySet[Schedule]:
    """Schedules the user may see, by name.

    Each has `open_alerts`, its `latest` run, and `recent` ones with nothing but how they ended.
    """
    ends = ScheduleRun.objects.select_related("audit").order_by("-number")
    ends = ends.only("schedule_id", "number", "state", "audit__summary")[:RECENT]
    runs = ScheduleRun.objects.select_related("audit", "dataset").defer(*HEAVY_RUN)
    runs = runs.order_by("-number")[:1]
    found: QuerySet[Schedule] = _mine(Schedule, user, workspace)
    return (
        found.select_related("workspace", "last_run__audit", "created_by", "audit_from")
        .defer(*HEAVY)
        .prefetch_related(
            Prefetch("runs", runs, to_attr="latest"), Prefetch("runs", ends, to_attr="recent")
        )
        .annotate(open_alerts=Count("alerts", Q(alerts__closed_at=None), distinct=True))
        .order_by("name", "created_at")
    )


def schedule_get(*, user: User, id: UUID | str, edit: bool = False) -> Schedule:
    """One schedule; with `edit` a viewer gets 403."""
    found: Schedule = _checked(schedules_for(user=user).filter(id=id), user, edit=edit)
    return found


def schedule_runs(*, schedule: Schedule) -> QuerySet[ScheduleRun]:
    """Runs of a schedule the user was given, newest first."""
    found = (
        ScheduleRun.objects.filter(schedule=schedule)
        .select_related("audit", "dataset", "started_by")
        .defer(*HEAVY_RUN)
    )
    return found.order_by("-number")


def alerts_for(
    *, user: User, workspace: Workspace | None = None, schedule: Schedule | None = None
) -> QuerySet[Alert]:
    """Alerts the user may see, newest first."""
    found: QuerySet[Alert] = _mine(Alert, user, workspace)
    if schedule is not None:
        found = found.filter(schedule=schedule)
    return found.select_related(
        "schedule", "run__audit", "workspace", "seen_by", "accepted_by"
    ).order_by("-created_at")


def alert_get(*, user: User, id: UUID | str, edit: bool = False) -> Alert:
    """One alert; with `edit` a viewer gets 403."""
    found: Alert = _checked(alerts_for(user=user).filter(id=id), user, edit=edit)
    return found


def webhooks_for(*, user: User, workspace: Workspace) -> QuerySet[Webhook]:
    """Webhooks of an owner's workspace."""
    _owned(user, workspace)
    return Webhook.objects.filter(workspace=workspace).order_by("created_at")


def webhook_get(*, user: User, id: UUID | str) -> Webhook:
    """One webhook of a workspace that the user owns."""
    found = Webhook.objects.filter(workspace__member__user=user, id=id)
    webhook: Webhook = _one(found.select_related("workspace"))
    _owned(user, webhook.workspace)
    return webhook


def templates_for(*, user: User, workspace: Workspace) -> QuerySet[Audit]:
    """Finished audits that a schedule can be made from, newest first."""
    found = audits_for(user=user, workspace=workspace, state=State.DONE)
    return found.exclude(plan=None).exclude(plan={}).defer("draft", "dataset__profile")


def series_for(*, user: User, workspace: Workspace) -> list[Dataset]:
    """The newest ready version of every table of a workspace."""
    found: QuerySet[Dataset] = _mine(Dataset, user, workspace)
    rows = found.filter(state=UploadState.READY).defer("profile").order_by("-created_at")
    newest: dict[Any, Dataset] = {}
    for row in rows:
        newest.setdefault(row.series, row)
    return list(newest.values())


def series_newest(*, schedule: Schedule) -> Dataset | None:
    """The version that the next run of a schedule would audit."""
    if schedule.series is None:
        return None
    found = Dataset.objects.filter(
        workspace=schedule.workspace_id, series=schedule.series, state=UploadState.READY
    )
    return found.defer("profile").order_by("-created_at").first()
