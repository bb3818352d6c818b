"""Every operation of the API for everyone: who may, who may not, and what a stranger learns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse

from auditapp.api.app import api
from auditapp.models import (
    Alert,
    Audit,
    Dataset,
    Member,
    ModelFile,
    Report,
    Run,
    Schedule,
)
from auditapp.models.team import Role
from auditapp.services.accounts import member_add, user_create
from auditapp.services.starting import audit_start_from
from tests.api import PROFILE, START, Program, make_token, yesterday
from tests.factories import DRAFT, Team, make_dataset, make_draft, make_model, make_team
from tests.schedule_pages import make_alert, make_schedule

pytestmark = pytest.mark.django_db
SCHEMA = api.get_openapi_schema()
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, operations in SCHEMA["paths"].items()
    for method, operation in operations.items()
}
#: What each operation answers to somebody who may.
GOOD = {
    "token_get": 200,
    "datasets_list": 200,
    "dataset_upload": 201,
    "dataset_version": 201,
    "dataset_get": 200,
    "dataset_read": 200,
    "dataset_delete": 204,
    "models_list": 200,
    "model_upload": 201,
    "model_get": 200,
    "model_delete": 204,
    "audits_list": 200,
    "audit_start": 201,
    "audit_get": 200,
    "audit_progress": 200,
    "audit_repeat": 201,
    "audit_cancel": 200,
    "audit_delete": 204,
    "runs_list": 200,
    "run_get": 200,
    "report_get": 200,
    "report_json": 200,
    "report_csv": 200,
    "report_pdf": 200,
    "report_signature": 200,
    "report_final": 202,
    "schedules_list": 200,
    "schedule_make": 201,
    "schedule_get": 200,
    "schedule_change": 200,
    "schedule_pause": 200,
    "schedule_resume": 200,
    "schedule_run": 201,
    "schedule_runs": 200,
    "schedule_delete": 204,
    "alerts_list": 200,
    "templates_get": 200,
    "alert_accept": 200,
}


@dataclass(frozen=True)
class World:
    """One of each thing, in the team's workspace."""

    dataset: Dataset
    model: ModelFile
    audit: Audit
    run: Run
    schedule: Schedule
    alert: Alert

    def ids(self) -> dict[str, str]:
        return {
            "dataset_id": str(self.dataset.id),
            "model_id": str(self.model.id),
            "audit_id": str(self.audit.id),
            "run_id": str(self.run.id),
            "schedule_id": str(self.schedule.id),
            "alert_id": str(self.alert.id),
        }


def make_world(team: Team) -> World:
    dataset = make_dataset(team, profile=PROFILE)
    plan = {
        "data": {},
        "model": {"kind": "columns"},
        "attributes": DRAFT["attributes"],
        "decision": {"column": "hired", "favourable": ["yes"]},
    }
    audit = audit_start_from(plan=plan, dataset=dataset, user=team.alice, title="Hiring")
    run = Run.objects.get(audit=audit)
    Run.objects.filter(id=run.id).update(state="done")
    Audit.objects.filter(id=audit.id).update(state="done", summary={})
    report = Report.objects.create(
        audit=audit, result_hash="a" * 64, path=f"reports/{audit.id}", signature={"statement": {}}
    )
    report.folder.mkdir(parents=True)
    for name in ("result.json", "tables.csv", "report.pdf"):
        (report.folder / name).write_bytes(b"{}")
    audit.refresh_from_db()
    schedule = make_schedule(team, audit)
    alert = make_alert(schedule)
    return World(dataset, make_model(team), audit, run, schedule, alert)


def ask(program: Program, name: str, world: World) -> HttpResponse:
    """A request that somebody who may would be answered well."""
    response = _ask(program, name, world)
    response.close()
    return response


def _ask(program: Program, name: str, world: World) -> HttpResponse:
    method, path, _ = OPERATIONS[name]
    short = path.removeprefix("/api/v1").format(**world.ids())
    if method == "get":
        return program.get(short)
    if method == "delete":
        return program.delete(short)
    if name in {"dataset_upload", "dataset_version", "model_upload"}:
        return program.upload(short, b"a,b\n1,2\n", filename="people.csv")
    bodies: dict[str, Any] = {
        "audit_start": {**START, "dataset": str(world.dataset.id)},
        "dataset_read": {"delimiter": ","},
        "schedule_make": {
            "audit": str(world.audit.id),
            "dataset": str(world.dataset.id),
            "clock": {"cron": "0 6 * * 1"},
        },
        "schedule_change": {"name": "Another"},
    }
    if method == "patch":
        return program.patch(short, bodies[name])
    return program.post(short, bodies.get(name))


def refused(team: Team) -> Iterator[tuple[str, Program, int]]:
    """Programs nobody answers, whatever they ask."""
    yield "anonymous", Program(), 401
    yield "unknown", Program("evh_00000000_nothing"), 401
    yield "another scheme", Program(), 401
    yield "expired", make_token(team.workspace, team.bob, expires_at=yesterday())[1], 401
    yield "revoked", make_token(team.workspace, team.bob, revoked_at=yesterday())[1], 401
    gone = user_create(email="gone@example.org")
    member_add(workspace=team.workspace, user=gone)
    removed = make_token(team.workspace, gone)[1]
    Member.objects.filter(user=gone).delete()
    yield "removed", removed, 401
    locked = user_create(email="locked@example.org")
    member_add(workspace=team.workspace, user=locked)
    inactive = make_token(team.workspace, locked)[1]
    locked.is_active = False
    locked.save()
    yield "inactive", inactive, 401


def stranger(team: Team) -> Program:
    """Somebody with every scope, elsewhere."""
    return make_token(team.charlie.workspaces.get(), team.charlie)[1]


def viewer(team: Team) -> Program:
    """A token from better days of somebody who only reads now."""
    member_add(workspace=team.workspace, user=team.vera, role=Role.AUDITOR)
    found = make_token(team.workspace, team.vera)[1]
    member_add(workspace=team.workspace, user=team.vera, role=Role.VIEWER)
    return found


def test_every_operation_is_in_the_matrix() -> None:
    assert set(OPERATIONS) <= set(GOOD)


@pytest.mark.parametrize("name", OPERATIONS)
def test_who_may(name: str) -> None:
    team = make_team()
    scope = OPERATIONS[name][2]["security"][0]["Bearer"][0]
    world = make_world(team)
    for who, program, status in refused(team):
        found = ask(program, name, world)
        assert found.status_code == status, (who, found.content)
        assert found.headers["WWW-Authenticate"].startswith("Bearer")

    others = tuple({"read", "write", "admin"} - {scope})
    found = ask(make_token(team.workspace, team.alice, others)[1], name, world)
    assert (found.status_code, found.json()["code"]) == (403, "wrong-scope")

    found = ask(viewer(team), name, world)
    if scope == "read":
        assert found.status_code == GOOD[name], found.content
    else:
        assert (found.status_code, found.json()["code"]) == (403, "viewer")

    found = ask(stranger(team), name, world)
    if "{" in OPERATIONS[name][1]:
        assert (found.status_code, found.json()["code"]) == (404, "not-found")
    elif name in {"audit_start", "schedule_make"}:
        assert (found.status_code, found.json()["code"]) == (422, "unknown-id")
    elif name.endswith("_list"):
        assert found.json() == {"items": [], "next": None}
    assert Dataset.objects.filter(id=world.dataset.id, state="ready").exists()

    for user in (team.alice, team.bob):
        program = make_token(team.workspace, user, (scope,))[1]
        found = ask(program, name, make_world(team))
        assert found.status_code == GOOD[name], getattr(found, "content", "")


def test_a_role_that_is_lost_is_lost_at_once() -> None:
    team = make_team()
    program = make_token(team.workspace, team.bob)[1]
    assert program.upload("/datasets", b"a\n1\n", filename="a.csv").status_code == 201
    member_add(workspace=team.workspace, user=team.bob, role=Role.VIEWER)
    assert program.upload("/datasets", b"a\n1\n", filename="a.csv").status_code == 403
    assert program.get("/datasets").status_code == 200
    Member.objects.filter(user=team.bob).delete()
    assert program.get("/datasets").status_code == 401


def test_ids_of_other_workspaces_are_nothing_in_a_body() -> None:
    team = make_team()
    world = make_world(team)
    program = stranger(team)
    own = program.upload("/datasets", b"a\n1\n", filename="a.csv").json()["id"]
    Dataset.objects.filter(id=own).update(state="ready", profile=PROFILE)
    for field, row in (
        ("dataset", world.dataset),
        ("model", world.model),
        ("checkpoint", world.model),
        ("previous", world.audit),
    ):
        found = program.post("/audits", {**START, "dataset": own, field: str(row.id)})
        assert (found.status_code, found.json()["code"]) == (422, "unknown-id"), field
    assert not Audit.objects.filter(workspace__member__user=team.charlie).exists()


def test_a_draft_and_its_things_are_seen_by_members_only() -> None:
    team = make_team()
    draft = make_draft(team)
    assert viewer(team).get(f"/audits/{draft.id}").json()["state"] == "draft"
    assert stranger(team).get(f"/audits/{draft.id}").status_code == 404
