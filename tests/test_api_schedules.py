"""Schedules and alerts over the API: what the pages do, for programs."""

from __future__ import annotations

from typing import Any

import pytest

from auditapp.models import Alert, Audit, Schedule, ScheduleRun
from tests.api import PROFILE, START, Program, make_token
from tests.factories import Team, make_dataset, make_draft, make_team
from tests.schedule_pages import make_alert, make_schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def program(team: Team) -> Program:
    return make_token(team.workspace, team.bob)[1]


@pytest.fixture
def body(team: Team, program: Program) -> dict[str, Any]:
    dataset = str(make_dataset(team, profile=PROFILE).id)
    audit = program.post("/audits", {**START, "dataset": dataset}).json()["id"]
    return {
        "audit": audit,
        "dataset": dataset,
        "clock": {"cron": "0 6 * * 1", "timezone": "Europe/Berlin"},
    }


def test_a_schedule_is_made_from_an_audit(
    team: Team, program: Program, body: dict[str, Any]
) -> None:
    response = program.post("/schedules", body, key="k")
    assert response.status_code == 201, response.content
    found = response.json()
    row = Schedule.objects.get(id=found["id"])
    assert (row.name, row.created_by, row.timezone) == ("Hiring", team.bob, "Europe/Berlin")
    assert (found["cron"], found["every"], found["state"]) == ("0 6 * * 1", None, "active")
    assert found["next_due"] is not None
    assert row.plan == Audit.objects.get(id=body["audit"]).plan
    assert program.post("/schedules", body, key="k").json() == found
    assert program.get("/schedules").json()["items"] == [found]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"clock": {"cron": "99 6 * * 1"}}, "bad-cron"),
        ({"clock": {"every": 1}}, "bad-interval"),
        ({"clock": {"cron": "0 6 * * 1", "timezone": "Mars/Base"}}, "bad-timezone"),
        ({"dataset": None}, "no-source"),
        ({"dataset": None, "source_url": "http://example.org/x.csv"}, "not-https"),
        ({"dataset": None, "source_url": "https://[x/"}, "bad-url"),
        ({"source_url": "https://example.org/x.csv"}, "no-source"),
        ({"clock": {"cron": "0 6 * * 1", "every": None, "minutes": 3}}, "invalid-request"),
    ],
)
def test_a_schedule_that_cannot_work_is_refused(
    program: Program, body: dict[str, Any], change: dict[str, Any], code: str
) -> None:
    response = program.post("/schedules", {**body, **change})
    assert (response.status_code, response.json()["code"]) == (422, code)
    assert not Schedule.objects.exists()


def test_a_draft_makes_no_schedule(team: Team, program: Program, body: dict[str, Any]) -> None:
    response = program.post("/schedules", {**body, "audit": str(make_draft(team).id)})
    assert (response.status_code, response.json()["code"]) == (422, "no-plan")


def test_what_is_left_out_of_a_change_stays(program: Program, body: dict[str, Any]) -> None:
    made = program.post("/schedules", body).json()
    own = f"/schedules/{made['id']}"
    changed = program.patch(own, {"name": "Weekly", "notify_email": False}).json()
    assert {**changed, "name": 0, "notify_email": 0} == {**made, "name": 0, "notify_email": 0}
    assert (changed["name"], changed["notify_email"]) == ("Weekly", False)
    changed = program.patch(own, {"clock": {"every": 2, "period": "hours"}}).json()
    assert (changed["cron"], changed["every"], changed["period"]) == (None, 2, "hours")
    assert program.patch(own, {"grows": True}).json()["grows"]
    assert program.patch(own, {}).json()["series"] == made["series"]


def test_a_schedule_is_paused_resumed_run_and_deleted(
    program: Program, body: dict[str, Any]
) -> None:
    own = f"/schedules/{program.post('/schedules', body).json()['id']}"
    paused = program.post(f"{own}/pause").json()
    assert (paused["state"], paused["next_due"]) == ("paused", None)
    assert program.post(f"{own}/resume").json()["state"] == "active"
    run = program.post(f"{own}/run", key="now")
    assert run.status_code == 201
    assert program.post(f"{own}/run", key="now").json() == run.json()
    assert (run.json()["number"], run.json()["trigger"]) == (1, "now")
    again = program.post(f"{own}/run")
    assert (again.status_code, again.json()["code"]) == (409, "run-open")
    assert [item["id"] for item in program.get(f"{own}/runs").json()["items"]] == [
        run.json()["id"]
    ]
    assert program.delete(own).status_code == 204
    assert not ScheduleRun.objects.exists()
    assert program.get(own).status_code == 404


def test_alerts_are_listed_and_accepted(team: Team, program: Program) -> None:
    schedule = make_schedule(team)
    alert = make_alert(schedule)
    other = make_alert(schedule, kind="source")
    assert len(program.get("/alerts", open="true").json()["items"]) == 2
    found = program.post(f"/alerts/{alert.id}/accept")
    assert found.status_code == 200
    assert found.json()["accepted_at"] is not None
    assert Alert.objects.get(id=alert.id).accepted_by == team.bob
    refused = program.post(f"/alerts/{other.id}/accept")
    assert (refused.status_code, refused.json()["code"]) == (409, "not-acceptable")
    opened = program.get("/alerts", open="true", schedule=str(schedule.id)).json()["items"]
    assert [item["id"] for item in opened] == [str(other.id)]


def test_the_query_of_an_address_is_not_shown(
    team: Team, program: Program, body: dict[str, Any], settings: Any
) -> None:
    settings.SOURCE_HOSTS = ["*", "example.org"]
    url = "https://example.org/people.csv?key=TOPSECRET"
    response = program.post("/schedules", {**body, "dataset": None, "source_url": url})
    assert response.status_code == 201, response.content
    assert response.json()["source_url"] == "https://example.org/people.csv"
