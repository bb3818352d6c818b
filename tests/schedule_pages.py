"""A schedule with runs, alerts and a webhook, for tests of its pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from auditapp.models import Alert, Audit, Dataset, Schedule, ScheduleRun, State, Webhook
from auditapp.services import deliveries
from auditapp.services.audits import audit_start
from auditapp.services.schedules import Source, schedule_create
from auditapp.timing import Clock
from tests.factories import Team, make_dataset, make_draft
from tests.profiles import people

SUMMARY: dict[str, Any] = {
    "verdict": "difference",
    "headline": "Women chosen less often than men",
    "tally": {"difference": 1, "no_difference": 2, "not_enough_data": 0},
    "largest": {"label": "Women", "value": -0.171, "low": -0.19, "high": -0.15, "tolerance": 0.05},
    "rows": 6000,
}


def finished(team: Team, dataset: Dataset | None = None, title: str = "Hiring") -> Audit:
    """An audit that is done, with the plan that its draft stands for."""
    data = make_dataset(team, profile=people(), rows=1000) if dataset is None else dataset
    audit = audit_start(audit=make_draft(team, dataset=data, title=title), user=team.alice)
    Audit.objects.filter(id=audit.id).update(
        state=State.DONE, summary=SUMMARY, finished_at=timezone.now()
    )
    audit.runs.update(state=State.DONE)
    audit.refresh_from_db()
    return audit


def make_schedule(team: Team, audit: Audit | None = None, **fields: Any) -> Schedule:
    """Every Monday at six in Berlin, on the newest version of a table."""
    source = finished(team) if audit is None else audit
    assert source.dataset is not None
    values: dict[str, Any] = {
        "name": "Hiring, weekly",
        "clock": Clock(cron="0 6 * * 1", timezone="Europe/Berlin"),
        "source": Source(dataset=source.dataset),
        **fields,
    }
    return schedule_create(workspace=team.workspace, user=team.alice, audit=source, **values)


def make_history(gaps: list[float]) -> dict[str, Any]:
    """What the judge of a run keeps: two groups over some runs, the last of them changed."""
    now = timezone.now()

    def points(sign: int) -> list[dict[str, Any]]:
        return [
            {
                "value": sign * gap, "low": sign * gap - 0.02, "high": sign * gap + 0.02,
                "n": 3000, "changed": at == len(gaps) - 1,
            }
            for at, gap in enumerate(gaps)
        ]  # fmt: skip

    runs = [
        {
            "number": at + 1,
            "date": (now - timedelta(days=7 * (len(gaps) - at))).isoformat(),
            "audit": None,
        }
        for at in range(len(gaps))
    ]
    stream = {"metric": "selection-rate", "by": ["sex"], "comparator": "rest"}
    return {
        "tolerance": 0.05,
        "titles": {"sex": "Sex"},
        "runs": runs,
        "streams": [
            {"metric": "selection-rate", "by": [], "group": {}, "comparator": None,
             "points": points(1)},
            {**stream, "group": {"sex": "F"}, "points": points(1)},
            {**stream, "group": {"sex": "M"}, "points": points(-1)},
        ],
    }  # fmt: skip


def make_runs(schedule: Schedule, audit: Audit | None = None) -> list[ScheduleRun]:
    """One run of each end, and one that goes on."""
    now = timezone.now()
    error = {
        "code": "lost-column",
        "message": "Column “sex” is not in the table any more.",
        "hint": "Upload a version that has it.",
    }
    kinds: list[dict[str, Any]] = [
        {"state": "done", "audit": audit, "facts": {"undefined": "first-run"}},
        {"state": "skipped", "skipped": "overlap"},
        {"state": "failed", "error": error, "trigger": "late", "missed": 2},
        {"state": "auditing", "trigger": "now"},
    ]
    made = [
        ScheduleRun.objects.create(
            schedule=schedule, number=at + 1, due_at=now - timedelta(days=4 - at), **kind
        )
        for at, kind in enumerate(kinds)
    ]
    Schedule.objects.filter(id=schedule.id).update(last_number=4, last_run=made[0])
    return made


def make_alert(schedule: Schedule, kind: str = "change", **fields: Any) -> Alert:
    """An open alert about a change of a gap, or about a run."""
    stream = {
        "metric": "selection-rate", "by": ["sex"], "group": {"sex": "F"}, "label": "F (Sex)",
        "before": -0.1, "after": -0.25, "change": -0.15, "low": -0.2, "high": -0.1, "since": 2,
        "z": -7.0, "crossed": False,
    }  # fmt: skip
    details: dict[str, Any] = {
        "change": {"streams": [stream], "baseline": 2, "tolerance": 0.05, "keys": ["a"]},
        "source": {
            "error": {"message": "The address answered with a page.", "hint": "Check it."},
            "run": 3,
        },
    }
    title = "The gap of F (Sex) to all others in selection rate went from −10.0 to −25.0 points"
    values = {
        "title": title if kind == "change" else "Run 3 came to no audit. It was a page.",
        "key": kind,
        "detail": details[kind],
        **fields,
    }
    return Alert.objects.create(
        workspace=schedule.workspace, schedule=schedule, kind=kind, **values
    )


def make_webhook(team: Team) -> Webhook:
    """A webhook of the workspace."""
    return deliveries.webhook_create(
        workspace=team.workspace, user=team.alice, url="https://hooks.example.org/in?key=secret"
    )
