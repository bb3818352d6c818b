"""What the pages of schedules and alerts show, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from auditapp import schedule_selectors
from auditapp.errors import AuditError
from auditapp.forms.clock import words
from auditapp.models import Alert, AlertKind, Schedule, ScheduleRun, ScheduleRunState
from auditapp.models.schedule import OPEN_RUNS
from auditapp.outward import shown
from auditapp.services import alert_words
from auditapp.services.schedule_charts import history_shown
from auditapp.services.schedules import clock_of
from auditapp.timing import Clock

__all__ = ["OPEN_RUNS"]

Json = dict[str, Any]
SKIPPED = {
    "overlap": gettext_lazy("The run before was still going on."),
    "same-data": gettext_lazy("The data had not changed since the run before."),
    "cancelled": gettext_lazy("Its audit was cancelled."),
}
DOING = {
    ScheduleRunState.WAITING: gettext_lazy("Waiting for a worker"),
    ScheduleRunState.WORKING: gettext_lazy("Working"),
    ScheduleRunState.CHECKING: gettext_lazy("The data are being checked"),
    ScheduleRunState.AUDITING: gettext_lazy("The audit runs"),
}
TRIGGERS = {"due": "", "late": gettext_lazy("caught up"), "now": gettext_lazy("by hand")}
#: Where a field of a service has another name in the form.
FIELDS = {"url": "url", "dataset": "series", "every": "every", "timezone": "timezone"}


def is_fragment(request: HttpRequest) -> bool:
    """Whether a page asks for its moving part."""
    return bool(getattr(request, "htmx", False)) and not request.htmx.boosted


def uuid_of(text: str) -> UUID:
    """An id from a query; 404 where it is none."""
    try:
        return UUID(text)
    except ValueError as error:
        raise Http404("There is nothing here, or it is not yours to see.") from error


def field_of(form: forms.Form, error: AuditError) -> str | None:
    """The field of a form that an error is about."""
    name = FIELDS.get(error.where, error.where)
    return name if name in form.fields else None


def defaults(form: forms.Form) -> Json:
    """What an empty form shows."""
    return {name: form[name].initial for name in form.fields if form[name].initial is not None}


def times(clock: Clock | None, last: datetime | None = None) -> Json:
    """When a clock is due next, in words, and three times in its own time zone."""
    if clock is None:
        return {"clock": None, "next_times": [], "when": ""}
    zone = ZoneInfo(clock.timezone)
    found = []
    at = _from(clock, last)
    for _turn in range(3):
        at = clock.due_after(at)
        found.append(_time(at.astimezone(zone)))
    return {"clock": clock, "next_times": found, "when": words(clock)}


def schedule_row(schedule: Schedule) -> Json:
    """One schedule in a list."""
    clock = clock_of(schedule)
    due = clock.due_after(_from(clock, schedule.last_due)) if schedule.is_active else None
    run = latest(schedule)
    done = schedule.last_run
    return {
        "schedule": schedule,
        "when": words(clock),
        "next": None if due is None else _time(due.astimezone(ZoneInfo(clock.timezone))),
        "due": due,
        "zone": clock.timezone,
        "source": partial(source_words, schedule),
        "run": None if run is None else run_row(run),
        "ticks": ticks(schedule),
        "alerts": getattr(schedule, "open_alerts", 0),
        "summary": summary_of(done),
        "judged": done,
    }


def ticks(schedule: Schedule) -> list[str]:
    """How its newest runs ended, oldest first: a verdict, `skipped` or `failed`."""
    ended = [run for run in reversed(schedule.recent) if not run.is_open]
    return [
        summary_of(run).get("verdict", "skipped") if run.state == "done" else run.state
        for run in ended
    ]


def latest(schedule: Schedule) -> ScheduleRun | None:
    """The newest run of a schedule that was read for a list."""
    found: list[ScheduleRun] = schedule.latest
    return found[0] if found else None


def source_words(schedule: Schedule) -> str:
    """Where its data come from; the query of an address may hold a key."""
    if schedule.source_url:
        return shown(schedule.source_url)
    newest = schedule_selectors.series_newest(schedule=schedule)
    return _("a table that was deleted") if newest is None else newest.name


def run_row(run: ScheduleRun) -> Json:
    """One run: what came of it, and why nothing did."""
    facts = run.facts or {}
    late = run.missed and _("{missed:,} due {maybe} missed").format(
        missed=run.missed, maybe=_("time") if run.missed == 1 else _("times")
    )
    return {
        "run": run,
        "trigger": ", ".join(str(part) for part in (TRIGGERS.get(run.trigger, ""), late) if part),
        "doing": DOING.get(run.state, ""),
        "skipped": SKIPPED.get(run.skipped, run.skipped.replace("-", " ").capitalize()),
        "error": run.error,
        "found": found_words(facts) if run.state == "done" else "",
        "summary": summary_of(run),
        "rows": run.dataset.rows if run.dataset is not None else None,
    }


#: Why a run was compared with none before it.
UNDEFINED = {
    "first-run": gettext_lazy("First run: later ones are compared with it"),
    "no-rows": gettext_lazy("No row to compare"),
    "no-new-rows": gettext_lazy("No new row to compare"),
    "not-counted": gettext_lazy("Not compared over time"),
    "other-attributes": gettext_lazy("Not compared: other group columns than before"),
    "past-rewritten": gettext_lazy("Not compared: earlier rows changed or are gone"),
    "same-data": gettext_lazy("The same people as before: no new evidence"),
}


def found_words(facts: Json) -> str:
    """What the comparison with earlier runs said, in a few words."""
    if facts.get("undefined"):
        code = str(facts["undefined"])
        return UNDEFINED.get(code, "Not compared") + "."
    changed = sum(bool(s["changed"]) for s in (facts.get("scan") or {"streams": []})["streams"])
    drifted = sum(bool(t["drift"]) for t in facts.get("drift", []))
    gone = len(facts.get("vanished", []))
    parts = []
    if changed:
        parts.append(
            _("{changed:,} {maybe} found").format(
                changed=changed, maybe=_("change") if changed == 1 else _("changes")
            )
        )
    if drifted:
        parts.append(_("the people differ from before"))
    if gone:
        parts.append(
            _("{gone:,} {maybe} vanished").format(
                gone=gone, maybe=_("group") if gone == 1 else _("groups")
            )
        )
    text = ", ".join(parts) if parts else _("no change found")
    return f"{text[0].upper()}{text[1:]}."


def summary_of(run: ScheduleRun | None) -> Json:
    """The verdicts of the audit of a run."""
    if run is None or run.audit is None:
        return {}
    return run.audit.summary or {}


def alert_row(alert: Alert) -> Json:
    """One alert."""
    return {
        "alert": alert,
        "kind": AlertKind(alert.kind).label,
        "about_run": alert.kind not in {"change", "tolerance", "vanished", "drift"},
        "lines": alert_words.lines(alert.kind, alert.detail),
    }


def health_words(schedules: Sequence[Schedule]) -> str:
    """How the schedules of a workspace are, in a sentence."""
    if not schedules:
        return ""
    active = sum(s.is_active for s in schedules)
    failed = sum((run := latest(s)) is not None and run.state == "failed" for s in schedules)
    alerts = sum(getattr(s, "open_alerts", 0) for s in schedules)
    parts = [
        _("{active:,} of {schedules:,} active.").format(active=active, schedules=len(schedules))
    ]
    if failed:
        parts.append(_("The last run of {failed:,} failed.").format(failed=failed))
    if alerts:
        parts.append(
            _("{alerts:,} open {maybe}.").format(
                alerts=alerts, maybe=_("alert") if alerts == 1 else _("alerts")
            )
        )
    return " ".join(parts)


def history(schedule: Schedule) -> Json | None:
    """The history as it was drawn after the last run."""
    return history_shown(schedule)


def _from(clock: Clock, last: datetime | None) -> datetime:
    """The last time that was due, so that an interval goes on from where it is."""
    now = timezone.now()
    if last is None or clock.cron:
        return now
    latest = clock.latest_due(after=last, now=now)
    return last if latest is None else latest


def _time(at: datetime) -> str:
    year = f" {at.year}" if at.year != timezone.now().year else ""
    return f"{at:%a} {at.day} {at:%b}{year}, {at:%H:%M}"
