"""Schedules: made, changed, paused, run by hand, deleted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from auditapp.errors import AuditError
from auditapp.models import (
    Audit,
    Dataset,
    ModelFile,
    Schedule,
    ScheduleRun,
    ScheduleState,
    UploadState,
    User,
    Workspace,
)
from auditapp.plan import Plan, check
from auditapp.services import schedule_runs, sources
from auditapp.services.starting import UPLOADED
from auditapp.services.trail import event_add
from auditapp.timing import Clock

Json = dict[str, Any]
TASK = "auditapp.run_schedule"
#: What beat sends is void after this time; what nobody did by then is caught up by the follower.
EXPIRE_SECONDS = 55


@dataclass(frozen=True)
class Source:
    """Where a schedule's data come from: the newest version of a data set, or an address.

    `grows` says that each version holds all rows of the one before.
    """

    dataset: Dataset | None = None
    url: str = ""
    grows: bool = False


@transaction.atomic
def schedule_create(
    *,
    workspace: Workspace,
    user: User | None,
    name: str,
    clock: Clock,
    source: Source,
    audit: Audit | None = None,
    plan: Json | None = None,
    model: ModelFile | None = None,
    notify_email: bool = True,
) -> Schedule:
    """Make a schedule from a started audit, or from a plan; the first run is at its next time.

    Raises
    ------
    AuditError
        The clock, the source or the plan is none; `where` names the field.
    """
    clock.check()
    plan, model = _template(workspace, audit, plan, model)
    schedule = Schedule.objects.create(
        workspace=workspace,
        name=_name(name, audit),
        audit_from=audit,
        plan=plan,
        model=model,
        notify_email=notify_email,
        created_by=user,
        baseline_at=timezone.now(),
        **_clock_fields(clock),
        **_source_fields(workspace, source),
    )
    _beat(schedule)
    event_add(subject=schedule, verb="created", user=user, when=clock.words, **_said(schedule))
    return schedule


@transaction.atomic
def schedule_update(
    *,
    schedule: Schedule,
    user: User | None,
    name: str | None = None,
    clock: Clock | None = None,
    source: Source | None = None,
    audit: Audit | None = None,
    plan: Json | None = None,
    model: ModelFile | None = None,
    notify_email: bool | None = None,
) -> Schedule:
    """Change what is given. Another plan or source begins a new baseline at the next run."""
    schedule = _locked(schedule)
    changed: Json = {}
    if name is not None:
        changed["name"] = _name(name, audit)
    if notify_email is not None:
        changed["notify_email"] = notify_email
    if clock is not None:
        clock.check()
        changed |= _clock_fields(clock) | {"last_due": timezone.now()}
    if audit is not None or plan is not None:
        changed["plan"], changed["model"] = _template(schedule.workspace, audit, plan, model)
        changed["audit_from"] = audit
    if source is not None:
        changed |= _source_fields(schedule.workspace, source)
    told = {key: value for key, value in changed.items() if getattr(schedule, key) != value}
    if {"plan", "series", "source_url", "grows"} & told.keys():
        changed |= {"baseline": schedule.last_number + 1, "baseline_at": timezone.now()}
    for key, value in changed.items():
        setattr(schedule, key, value)
    schedule.save(update_fields=list(changed))
    if clock is not None or name is not None:
        _beat(schedule)
    event_add(subject=schedule, verb="changed", user=user, fields=sorted(told), **_said(schedule))
    return schedule


@transaction.atomic
def schedule_pause(*, schedule: Schedule, user: User | None) -> Schedule:
    """Stop starting runs; one that is open goes on."""
    return _state(schedule, ScheduleState.PAUSED, user, "paused")


@transaction.atomic
def schedule_resume(*, schedule: Schedule, user: User | None) -> Schedule:
    """Start runs again; what was due while it was paused is not caught up."""
    return _state(schedule, ScheduleState.ACTIVE, user, "resumed")


@transaction.atomic
def schedule_run_now(*, schedule: Schedule, user: User | None) -> ScheduleRun:
    """Start a run by hand, paused or not.

    Raises
    ------
    AuditError
        ``run-open``: one is open already.
    """
    schedule = _locked(schedule)
    if schedule_runs.open_run(schedule) is not None:
        raise AuditError(
            "run-open",
            f"A run of “{schedule.name}” is open already.",
            "Wait until it is done, or cancel its audit.",
            permanent=False,
        )
    event_add(subject=schedule, verb="run by hand", user=user)
    return schedule_runs.run_create(
        schedule=schedule, due_at=timezone.now(), trigger="now", user=user
    )


@transaction.atomic
def schedule_delete(*, schedule: Schedule, user: User | None) -> None:
    """Delete a schedule with its runs and alerts; the audits it made stay."""
    schedule = _locked(schedule)
    event_add(subject=schedule, verb="deleted", user=user)
    task = schedule.periodic_task
    schedule.delete()
    if task is not None:
        task.delete()


def clock_of(schedule: Schedule) -> Clock:
    """When a schedule is due."""
    return Clock(schedule.cron, schedule.every, schedule.period, schedule.timezone)


def _state(schedule: Schedule, state: str, user: User | None, verb: str) -> Schedule:
    schedule = _locked(schedule)
    if schedule.state == state:
        return schedule
    schedule.state = state
    schedule.last_due = timezone.now()
    schedule.save(update_fields=["state", "last_due"])
    _beat(schedule)
    event_add(subject=schedule, verb=verb, user=user)
    return schedule


def _locked(schedule: Schedule) -> Schedule:
    found = Schedule.objects.select_for_update(of=("self",)).filter(id=schedule.pk)
    return found.select_related("workspace", "periodic_task").get()


def _template(
    workspace: Workspace, audit: Audit | None, plan: Json | None, model: ModelFile | None
) -> tuple[Json, ModelFile | None]:
    if plan is None:
        if audit is None or audit.plan is None:
            raise AuditError(
                "no-plan",
                "Nothing says what is to be audited.",
                "Choose an audit that was started; its settings are repeated at every run.",
                where="audit",
            )
        plan, model = audit.plan, audit.model if model is None else model
    wanted = Plan.from_json(plan)
    check(wanted)
    if wanted.model.kind not in UPLOADED:
        return dict(wanted.to_json()), None
    found = ModelFile.objects.filter(workspace=workspace, state=UploadState.READY)
    found = (
        found.filter(sha256=wanted.model.sha256) if model is None else found.filter(id=model.pk)
    )
    kept = found.first()
    if kept is None:
        raise AuditError(
            "no-model",
            f"The model “{wanted.model.name}” of this plan was deleted, or is not ready.",
            "Upload it again, or choose another audit.",
            where="model",
        )
    return dict(wanted.to_json()), kept


def _name(name: str, audit: Audit | None) -> str:
    kept = "".join(c for c in name if c.isprintable()).strip()[:200]
    return kept if kept else "Schedule" if audit is None else audit.title


def _clock_fields(clock: Clock) -> Json:
    if clock.cron:
        cron = " ".join(clock.cron.split())
        return {"cron": cron, "every": None, "period": "", "timezone": clock.timezone}
    return {
        "cron": "", "every": clock.every, "period": clock.period, "timezone": clock.timezone
    }  # fmt: skip


def _source_fields(workspace: Workspace, source: Source) -> Json:
    if (source.dataset is None) == (not source.url):
        raise AuditError(
            "no-source",
            "A schedule audits one data set or one address.",
            "Choose a data set, or write the address of a table.",
            where="dataset",
        )
    if source.dataset is None:
        sources.source_check(source.url)
        return {"series": None, "source_url": source.url, "grows": source.grows}
    if source.dataset.workspace_id != workspace.id:
        raise AuditError("no-data", "There is no such data set.", "Choose one.", where="dataset")
    return {"series": source.dataset.series, "source_url": "", "grows": source.grows}


def _said(schedule: Schedule) -> Json:
    """What the trail keeps of a schedule; the query of an address may hold a key."""
    from auditapp.outward import shown

    where = shown(schedule.source_url) if schedule.source_url else f"series {schedule.series}"
    return {"source": where, "grows": schedule.grows}


def _beat(schedule: Schedule) -> None:
    """Have beat send the schedule's task at its times."""
    clock = clock_of(schedule)
    when: Json = {"crontab": None, "interval": None}
    if clock.cron:
        wanted = {**clock.parts, "timezone": clock.timezone}
        found = CrontabSchedule.objects.filter(**wanted).first()
        when["crontab"] = CrontabSchedule.objects.create(**wanted) if found is None else found
    else:
        every = {"every": clock.every, "period": clock.period}
        known = IntervalSchedule.objects.filter(**every).first()
        when["interval"] = IntervalSchedule.objects.create(**every) if known is None else known
    fields = {
        **when, "task": TASK, "args": json.dumps([str(schedule.id)]), "queue": "cpu",
        "expire_seconds": EXPIRE_SECONDS, "enabled": schedule.is_active,
        "description": schedule.name,
    }  # fmt: skip
    task, _ = PeriodicTask.objects.update_or_create(
        name=f"schedule {schedule.id}", defaults=fields
    )
    schedule.periodic_task = task
    schedule.save(update_fields=["periodic_task"])
