"""Further pages: a long report, schedules and alerts, tokens, members, Census tables, errors."""

from __future__ import annotations

import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

#: Searches and parts that a report on a simulated table of this size shows.
DRAFT: dict[str, Any] = {
    "model": {"kind": "columns"},
    "score": {"column": "score", "favourable": True, "low": 0.0, "high": 1.0},
    "decision": None,
    "methods": [
        {"slug": "thresholds", "settings": {"limits": [0.02, 0.05]}},
        {"slug": "abstention", "settings": {}},
    ],
    "templates": [
        {"slug": slug, "settings": {}}
        for slug in ("ll144", "four-fifths", "lending", "ai-act", "disclosure", "model-card")
    ],
    "about": {
        "title": "Benefit applications, spring round",
        "system": "Applicant score",
        "version": "4.2",
        "population": "Simulated: no row is a person",
        "outcome": "A decision in favour of the applicant",
        "prepared_for": "Audit committee",
        "prepared_by": "Riverside Audit Office",
        "simulated": True,
    },
}


def report_start(workspace: Any, user: Any) -> Any:
    """An audit with remedies on a larger simulated table, started."""
    import tempfile
    from pathlib import Path

    from django.core.files import File

    from auditapp.datasets.simulated import write_demo
    from auditapp.services import audits, uploads

    with tempfile.TemporaryDirectory() as folder:
        path = write_demo(Path(folder) / "benefits.csv", n=12_000, seed=3)
        with path.open("rb") as stream:
            table = uploads.dataset_receive(
                workspace=workspace, user=user, file=File(stream, name=path.name),
                inspect_later=False,
            )  # fmt: skip
    uploads.dataset_inspect(dataset_id=table.id)
    table.refresh_from_db()
    draft = {**audits.guessed(table), **DRAFT}

    def start(title: str, **changes: Any) -> Any:
        about = {**DRAFT["about"], "title": title}
        made = audits.audit_create(
            workspace=workspace, user=user, dataset=table, title=title,
            draft={**draft, "about": about, **changes},
        )  # fmt: skip
        return audits.audit_start(audit=made, user=user)

    policy = {**draft.get("policy", {}), "threshold": 0.4}
    start("The same at a lower threshold", methods=[], templates=[], policy=policy)
    return start(DRAFT["about"]["title"])


def more(workspace: Any, user: Any, audit: Any) -> dict[str, str]:
    """Addresses by name; `audit` has a plan, and what depends on it may be made of it."""
    return {
        **_schedules(workspace, user, audit),
        **_team(workspace, user),
        **_census(workspace, user),
        "census-load": "/data/census/",
        "tokens": "/account/tokens/",
        "second-step": "/account/second-step/",
        "second-step-app": "/account/second-step/totp/activate/",
        "password-again": "/account/again/",
        "trail": "/trail/",
        "api-docs": "/api/docs/",
        "doc-method": "/docs/methods/thresholds/",
        "doc-metric": "/docs/metrics/selection-rate/",
        "doc-glossary": "/docs/glossary/",
        "doc-settings": "/docs/configure/",
        "doc-read": "/docs/read/",
    }


def _wait(rows: Any, words: str) -> Any:
    """The first row, once a worker has made it."""
    for _ in range(300):
        found = rows.first()
        if found is not None:
            return found
        time.sleep(0.3)
    raise AssertionError(words)


def outside(audit: Any, user: Any) -> dict[str, str]:
    """Pages that show a report outside, once there is one."""
    from auditapp.models import Audit, Comparison, Report
    from auditapp.services import comparisons, shares

    report = _wait(Report.objects.filter(audit=audit), "the report was not made")
    earlier = audit.workspace.audits.get(title="The same at a lower threshold")
    _wait(Report.objects.filter(audit=earlier), "the other report was not made")
    compared = comparisons.comparison_start(
        first=Audit.objects.get(id=earlier.id), second=Audit.objects.get(id=audit.id), user=user
    )
    _wait(Comparison.objects.filter(id=compared.id, state="done"), "nothing was compared")
    _, plain = shares.share_create(report=report, user=user, days=30, note="For the press")
    _, locked = shares.share_create(report=report, user=user, days=7, password="a long secret")
    link, _ = shares.share_create(report=report, user=user, days=7, note="Sent in error")
    shares.share_revoke(link=link, user=user)
    return {
        "long-report": f"/audits/{audit.id}/report/",
        "report-rules": f"/audits/{audit.id}/rules/",
        "shares": f"/audits/{audit.id}/sharing/",
        "final": f"/audits/{audit.id}/final/",
        "comparisons": "/comparisons/",
        "comparison": f"/comparisons/{compared.id}/",
        "comparison-new": f"/comparisons/new/?first={earlier.id}",
        "comparison-delete": f"/comparisons/{compared.id}/delete/",
        "settings": "/workspace/settings/",
        "verify": "/verify/",
        "shared": f"/shared/{plain}/",
        "shared-locked": f"/shared/{locked}/",
        "shared-gone": "/shared/of-long-ago/",
    }


def _schedules(workspace: Any, user: Any, audit: Any) -> dict[str, str]:
    from django.utils import timezone

    from auditapp.models import Schedule, ScheduleRun
    from auditapp.services.deliveries import webhook_create
    from auditapp.services.schedule_charts import history_draw
    from tests import schedule_pages

    team: Any = SimpleNamespace(workspace=workspace, alice=user)
    hook = webhook_create(
        workspace=workspace, user=user, url="https://hooks.example.org/in?key=secret"
    )
    schedule = schedule_pages.make_schedule(team, audit, name="Applicants, weekly")
    gaps = [0.08, 0.09, 0.07, 0.1, 0.09, 0.08, 0.25]
    Schedule.objects.filter(id=schedule.id).update(history=schedule_pages.make_history(gaps))
    now = timezone.now()
    error = {
        "code": "lost-column",
        "message": "Column “sex” is not in the table any more.",
        "hint": "Upload a version that has it.",
    }
    ends: list[dict[str, Any]] = [
        {"state": "done", "facts": {"undefined": "first-run"}},
        *({"state": "done"} for _ in range(4)),
        {"state": "skipped", "skipped": "overlap"},
        {"state": "failed", "error": error, "trigger": "late", "missed": 2},
        {"state": "done", "trigger": "now"},
    ]
    runs = [
        ScheduleRun.objects.create(
            schedule=schedule, number=at + 1, due_at=now - timedelta(days=7 * (8 - at)),
            finished_at=now - timedelta(days=7 * (8 - at)), **end,
        )
        for at, end in enumerate(ends)
    ]  # fmt: skip
    Schedule.objects.filter(id=schedule.id).update(last_number=len(runs), last_run=runs[-1])
    schedule_pages.make_alert(schedule, run=runs[-1])
    schedule_pages.make_alert(schedule, "source", run=runs[-2], seen_at=now, seen_by=user)
    history_draw(schedule_id=schedule.id)
    paused = schedule_pages.make_schedule(team, audit, name="Applicants, first of the month")
    Schedule.objects.filter(id=paused.id).update(state="paused")
    return {
        "schedules": "/schedules/",
        "schedule": f"/schedules/{schedule.id}/",
        "schedule-new": f"/schedules/new/?audit={audit.id}",
        "schedule-from": "/schedules/new/",
        "schedule-edit": f"/schedules/{schedule.id}/edit/",
        "schedule-delete": f"/schedules/{schedule.id}/delete/",
        "alerts": "/alerts/",
        "webhooks": "/webhooks/",
        "webhook-delete": f"/webhooks/{hook.id}/delete/",
    }


def _team(workspace: Any, user: Any) -> dict[str, str]:
    from auditapp.models import Member
    from auditapp.models.team import Role
    from auditapp.services import accounts, members, tokens

    other = accounts.account_ensure(
        email="other@example.org", name="Sam Okafor", workspace_name="Sam's office"
    )
    accounts.member_add(workspace=workspace, user=other, role=Role.AUDITOR)
    member = Member.objects.get(workspace=workspace, user=other)
    _, token = members.invitation_make(
        workspace=workspace, email="guest@example.org", role=Role.VIEWER, by=user
    )
    tokens.token_create(
        workspace=workspace, user=user, name="Nightly upload", scopes=["read", "write"], days=90
    )
    return {
        "members": "/members/",
        "member-remove": f"/members/{member.id}/remove/",
        "invitation": f"/invitation/{token}/",
    }


def _census(workspace: Any, user: Any) -> dict[str, str]:
    from django.core.files.base import ContentFile

    from auditapp.services import uploads
    from tests.pums_fixtures import persons, text

    table = uploads.dataset_receive(
        workspace=workspace, user=user, inspect_later=False,
        file=ContentFile(text(persons(300)).encode(), name="psam_p06.csv"),
    )  # fmt: skip
    uploads.dataset_inspect(dataset_id=table.id)
    return {"census": f"/data/{table.id}/", "census-task": f"/data/{table.id}/task/"}
