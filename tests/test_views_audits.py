"""Progress, cancel, again, delete, failure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from auditapp.errors import AuditError
from auditapp.models import Audit, Run, State
from tests.factories import Team, make_draft, make_run, make_team

pytestmark = pytest.mark.django_db

PROGRESS = {
    "percent": 44,
    "text": "Count once: 3 people",
    "steps": [
        {"slug": "read", "title": "Read the table", "detail": "3 rows", "state": "done",
         "seconds": 0.3},
        {"slug": "count", "title": "Count once", "detail": "", "state": "running",
         "seconds": None},
        {"slug": "report", "title": "Write the report", "detail": "", "state": "waiting",
         "seconds": None},
    ],
    "preview": {
        "by": "Sex",
        "metric": "Selection rate",
        "rows": [{"label": "Women", "n": 480, "value": 0.25, "low": 0.21, "high": 0.29}],
    },
}  # fmt: skip


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def client(team: Team) -> Client:
    client = Client()
    client.force_login(team.alice)
    return client


def text_of(client: Client, name: str, audit: Audit) -> str:
    return client.get(reverse(name, args=[audit.id])).content.decode()


@pytest.fixture
def running(team: Team) -> Audit:
    run = make_run(team)
    began = timezone.now() - timedelta(seconds=22)
    Run.objects.filter(id=run.id).update(state="running", progress=PROGRESS, started_at=began)
    Audit.objects.filter(id=run.audit_id).update(state=State.RUNNING)
    return Audit.objects.get(id=run.audit_id)


def test_a_waiting_audit_says_what_it_waits_for(client: Client, team: Team) -> None:
    text = text_of(client, "audit-progress", make_run(team).audit)
    assert "Waiting for a worker" in text
    assert reverse("status") in text


def test_a_running_audit_shows_how_far_it_is(client: Client, running: Audit) -> None:
    text = text_of(client, "audit-progress", running)
    assert 'value="44"' in text
    assert "Count once: 3 people" in text
    assert "about 28 s left" in text
    assert 'class="step-done"' in text and 'class="step-running"' in text
    assert 'role="status"' in text


def test_first_numbers_carry_intervals_and_are_not_final(client: Client, running: Audit) -> None:
    text = text_of(client, "audit-progress", running)
    assert "not final" in text
    assert "25.0%" in text and "21.0 to 29.0" in text and "480" in text
    assert 'class="chip' not in text


def test_polling_ends_by_sending_the_browser_to_the_report(client: Client, running: Audit) -> None:
    address = reverse("audit-progress-fragment", args=[running.id])
    page = client.get(address)
    assert "HX-Redirect" not in page.headers
    assert 'data-poll="3"' in page.content.decode()
    Audit.objects.filter(id=running.id).update(state=State.DONE)
    page = client.get(address)
    assert page.headers["HX-Redirect"] == reverse("audit", args=[running.id])
    assert "data-poll" not in page.content.decode()


def test_cancel_stops_a_waiting_audit_at_once(client: Client, team: Team) -> None:
    audit = make_run(team).audit
    response = client.post(reverse("audit-cancel", args=[audit.id]), follow=True)
    assert "This audit was cancelled" in response.content.decode()


def test_cancel_asks_a_running_audit_to_stop(client: Client, running: Audit) -> None:
    Run.objects.update(lease_until=timezone.now() + timedelta(seconds=20))
    client.post(reverse("audit-cancel", args=[running.id]))
    assert Run.objects.get().cancel_requested
    assert "Stopping" in text_of(client, "audit-progress", running)


def test_a_failed_audit_says_why_and_what_to_do(client: Client, running: Audit) -> None:
    error = AuditError("group-levels", "Column “job” has 529 values.", "Cut it.", where="job")
    Audit.objects.filter(id=running.id).update(state=State.FAILED, error=error.as_dict())
    text = text_of(client, "audit-progress", running)
    assert "<title>Error:" in text
    assert "Column “job” has 529 values." in text and "Cut it." in text
    assert "Audit again with changes" in text


def test_a_failed_audit_without_a_reason_still_has_a_page(client: Client, team: Team) -> None:
    audit = make_draft(team)
    Audit.objects.filter(id=audit.id).update(state=State.FAILED, plan={})
    assert "The audit stopped" in text_of(client, "audit-progress", audit)


def test_again_opens_a_draft_with_the_same_answers(client: Client, running: Audit) -> None:
    client.post(reverse("audit-again", args=[running.id]))
    again = Audit.objects.get(previous=running)
    assert again.state == State.DRAFT
    assert again.draft["attributes"] == running.draft["attributes"]


def test_delete_asks_first(client: Client, team: Team) -> None:
    audit = make_draft(team, title="Old audit")
    address = reverse("audit-delete", args=[audit.id])
    assert "This cannot be undone." in client.get(address).content.decode()
    assert Audit.objects.filter(id=audit.id).exists()
    response = client.post(address, follow=True)
    assert "Audit “Old audit” is deleted." in response.content.decode()
    assert not Audit.objects.filter(id=audit.id).exists()


def test_an_audit_that_runs_is_not_deleted(client: Client, running: Audit) -> None:
    response = client.post(reverse("audit-delete", args=[running.id]))
    assert response.status_code == 409
    assert "Cancel it first" in response.content.decode()


@pytest.mark.parametrize(
    ("state", "name"),
    [("queued", "audit-progress"), ("failed", "audit-progress"), ("done", "report")],
)
def test_an_audit_opens_the_page_of_its_state(
    state: str, name: str, client: Client, team: Team
) -> None:
    audit = make_draft(team)
    Audit.objects.filter(id=audit.id).update(state=state, plan={})
    response: Any = client.get(reverse("audit", args=[audit.id]))
    assert response["Location"] == reverse(name, args=[audit.id])


def test_a_draft_opens_at_the_step_it_stands_at(client: Client, team: Team) -> None:
    response: Any = client.get(reverse("audit", args=[make_draft(team).id]))
    assert "/roles/" in response["Location"]


@pytest.mark.parametrize(
    ("state", "low", "high"),
    [("waiting", 20.0, 60.0), ("running", 15.0, 60.0), ("done", 3.0, 4.0)],
)
def test_the_time_left_counts_remedies_that_are_still_to_come(
    state: str, low: float, high: float
) -> None:
    from auditapp.views.audits import _left

    steps = [
        {"slug": "read", "state": "done", "seconds": 12.0},
        {"slug": "remedies", "state": state, "seconds": None},
    ]
    plan = {"data": {"rows": 100_000}, "methods": [{"slug": "exponentiated-gradient"}]}
    began = timezone.now() - timedelta(seconds=14)
    audit = Audit(state=State.RUNNING, plan=plan)
    run = Run(progress={"steps": steps}, started_at=began)
    left = _left(audit, run, 80)
    assert left is not None and low <= left <= high
