"""What programs send, and what they are answered."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from auditapp.models import Audit, Dataset, Event, ModelFile, Report, Run
from auditapp.services.tokens import token_create
from tests.api import PROFILE, START, Program, make_token
from tests.factories import Team, make_dataset, make_draft, make_model, make_run, make_team

pytestmark = pytest.mark.django_db
PROBLEM = "application/problem+json"


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def program(team: Team) -> Program:
    return make_token(team.workspace, team.bob)[1]


def problem(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == PROBLEM
    found: dict[str, Any] = response.json()
    assert found["code"] == code
    assert found["status"] == status
    assert found["message"]
    return found


def test_a_token_says_what_it_is_for(team: Team, program: Program) -> None:
    found = program.get("/token").json()
    assert found["workspace"] == "Audit office"
    assert (found["user"], found["role"]) == ("bob@example.org", "auditor")
    assert found["scopes"] == ["read", "write", "admin"]


def test_a_table_is_uploaded_as_the_body(team: Team, program: Program) -> None:
    response = program.upload(
        "/datasets", b"a;b\n1;2\n", filename="people.csv", delimiter=";", missing=["?", "NA"]
    )
    assert response.status_code == 201
    found = response.json()
    assert response.headers["Location"] == f"/api/v1/datasets/{found['id']}"
    row = Dataset.objects.get(id=found["id"])
    assert row.source.read_bytes() == b"a;b\n1;2\n"
    assert (row.name, row.original_name, row.bytes) == ("people", "people.csv", 8)
    assert (row.workspace, row.created_by) == (team.workspace, team.bob)
    assert row.read_options == {"delimiter": ";", "missing": ["?", "NA"]}
    assert (found["state"], found["rows"], found["error"]) == ("received", None, None)


def test_a_table_is_uploaded_as_a_part_of_a_form(program: Program) -> None:
    file = io.BytesIO(b"a,b\n1,2\n")
    file.name = "people.csv"
    response = program.client.post(
        "/api/v1/datasets?name=People", {"file": file}, headers=program.headers
    )
    assert response.status_code == 201
    assert response.json()["name"] == "People"
    assert Dataset.objects.get().source.read_bytes() == b"a,b\n1,2\n"


def test_a_model_is_uploaded(program: Program) -> None:
    response = program.upload("/models", b"bytes", filename="scorer.onnx", name="Scorer")
    assert response.status_code == 201
    assert ModelFile.objects.get().name == "Scorer"
    assert program.get("/models").json()["items"][0]["state"] == "received"


@pytest.mark.parametrize(
    ("content", "query", "status", "code"),
    [
        (b"a,b\n", {}, 422, "no-filename"),
        (b"", {"filename": "a.csv"}, 422, "empty-file"),
        (b"a,b\n", {"filename": "a.csv", "delimiter": ";;"}, 422, "invalid-request"),
        (b"a,b\n", {"filename": "a\x00.csv"}, 422, "invalid-request"),
    ],
)
def test_an_upload_that_cannot_be_taken_is_refused(
    program: Program, content: bytes, query: dict[str, Any], status: int, code: str
) -> None:
    problem(program.upload("/datasets", content, **query), status, code)
    assert not Dataset.objects.exists()


def test_a_file_over_the_limit_is_refused(program: Program, settings: Any) -> None:
    settings.UPLOAD_LIMIT_BYTES = 5
    response = program.upload("/datasets", b"a,b\n1,2\n", filename="people.csv")
    found = problem(response, 413, "file-too-large")
    assert "people.csv" in found["message"]


def test_nothing_is_left_of_a_refused_upload(program: Program, settings: Any) -> None:
    before = set(settings.TEMP_DIR.iterdir())
    program.upload("/datasets", b"", filename="people.csv")
    settings.UPLOAD_LIMIT_BYTES = 5
    program.upload("/datasets", b"a,b\n1,2\n", filename="people.csv")
    assert set(settings.TEMP_DIR.iterdir()) == before


def test_a_form_without_a_file_is_refused(program: Program) -> None:
    response = program.client.post("/api/v1/datasets", {"other": "x"}, headers=program.headers)
    problem(response, 422, "no-file")


def test_a_data_set_says_its_columns_once_it_is_ready(team: Team, program: Program) -> None:
    row = make_dataset(team, profile=PROFILE)
    found = program.get(f"/datasets/{row.id}").json()
    assert [column["name"] for column in found["columns"]] == ["sex", "hired"]
    assert found["columns"][0]["suggested_role"] == "sensitive"
    error = {"code": "ragged-rows", "message": "Row 7 is short.", "hint": "", "permanent": True}
    bad = make_dataset(team, profile=None, state="refused", error=error)
    found = program.get(f"/datasets/{bad.id}").json()
    assert (found["columns"], found["error"]["code"]) == ([], "ragged-rows")


def test_a_new_version_is_read_as_the_one_before(team: Team, program: Program) -> None:
    options = {"delimiter": ";"}
    first = program.upload("/datasets", b"a;b\n1;2\n", filename="people.csv", **options).json()
    response = program.upload(
        f"/datasets/{first['id']}/versions", b"a;b\n3;4\n", filename="people-2.csv"
    )
    assert response.status_code == 201
    second = response.json()
    assert second["series"] == first["series"]
    row = Dataset.objects.get(id=second["id"])
    assert (row.name, row.read_options) == ("people", options)
    program.upload("/datasets", b"a;b\n3;4\n", filename="other.csv")
    versions = program.get("/datasets", series=first["series"]).json()["items"]
    assert [item["id"] for item in versions] == [second["id"], first["id"]]


def test_a_form_with_a_broken_header_is_refused(program: Program) -> None:
    response = program.client.post(
        "/api/v1/datasets", b"x", content_type="multipart/form-data", headers=program.headers
    )
    problem(response, 400, "bad-form")


def test_a_data_set_is_read_again(team: Team, program: Program) -> None:
    row = make_dataset(team)
    response = program.post(f"/datasets/{row.id}/reading", {"delimiter": ";", "header": False})
    assert response.json()["state"] == "received"
    row.refresh_from_db()
    assert row.read_options["delimiter"] == ";"
    again = program.post(f"/datasets/{row.id}/reading", {"delimiter": ","})
    problem(again, 409, "still-checking")


def test_an_audit_starts_from_the_options_of_the_command(team: Team, program: Program) -> None:
    dataset = make_dataset(team, profile=PROFILE)
    body = {**START, "dataset": str(dataset.id), "tolerance": 0.1, "about": {"system": "Sorter"}}
    response = program.post("/audits", body)
    assert response.status_code == 201, response.content
    found = response.json()
    audit = Audit.objects.get(id=found["id"])
    assert (audit.state, audit.title, audit.dataset) == ("queued", "Hiring", dataset)
    assert found["plan"] == audit.plan
    assert audit.plan["decision"] == {"column": "hired", "favourable": ["yes"]}
    assert audit.plan["tolerance"] == 0.1
    assert audit.plan["about"]["system"] == "Sorter"
    assert Run.objects.get(audit=audit).state == "queued"
    event = Event.objects.get(verb="started")
    assert event.user == team.bob
    assert event.detail["token"].startswith("evh_")


def test_what_is_left_out_is_as_the_command_has_it(team: Team, program: Program) -> None:
    dataset = make_dataset(team, profile=PROFILE)
    plan = program.post("/audits", {**START, "dataset": str(dataset.id)}).json()["plan"]
    assert (plan["tolerance"], plan["draws"], plan["floor"], plan["seed"]) == (0.05, 1000, 30, 0)
    assert plan["split"] == {"kind": "seeded", "shares": [50, 20, 30], "column": None}


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"sensitive": ["age"]}, "unknown-column", "age"),
        ({"train": "logistic"}, "two-sources", "“train”"),
        ({"favourable_decision": None, "prediction": "sex"}, "no-favourable", ""),
        ({"goal": "tpr"}, "goal-needs-label", "tpr"),
        ({"goal": "nonsense"}, "unknown-goal", "nonsense"),
        ({"split": "10/20"}, "split", "10/20"),
        ({"references": ["bob"]}, "unknown-column", "bob"),
        ({"bins": {"hired": [1.0]}}, "not-sensitive", "hired"),
        ({"threshold": 7.0}, "threshold-outside-range", "7"),
        ({"tolerance": 0.9}, "out-of-range", "0.9"),
        ({"prediction": None}, "no-decision", ""),
        ({"protect": "hired"}, "unknown-protect", "hired"),
    ],
)
def test_a_plan_that_cannot_work_is_refused(
    team: Team, program: Program, change: dict[str, Any], code: str, word: str
) -> None:
    dataset = make_dataset(team, profile=PROFILE)
    response = program.post("/audits", {**START, "dataset": str(dataset.id), **change})
    found = problem(response, 422, code)
    assert word in found["message"]
    assert "--" not in found["message"] + found["hint"]
    assert not Audit.objects.exists()


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"sensitive": []}, "body.sensitive"),
        ({"sensitve": ["sex"]}, "body.sensitve"),
        ({"draws": "1000"}, "body.draws"),
        ({"draws": True}, "body.draws"),
        ({"tolerance": False}, "body.tolerance"),
        ({"dataset": "seven"}, "body.dataset"),
        ({"title": "a\x00b"}, "body.title"),
        ({"title": "\ud800"}, "body.title"),
        ({"compare_to": {"sex": 1}}, "body.compare_to.sex"),
        ({"method": [{"slug": "thresholds", "more": 1}]}, "body.method.0.more"),
    ],
)
def test_a_field_of_another_type_is_refused(
    team: Team, program: Program, change: dict[str, Any], where: str
) -> None:
    dataset = make_dataset(team, profile=PROFILE)
    response = program.post("/audits", {**START, "dataset": str(dataset.id), **change})
    assert problem(response, 422, "invalid-request")["errors"][0]["where"] == where


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_number_that_json_does_not_have_is_refused(
    team: Team, program: Program, number: str
) -> None:
    dataset = make_dataset(team, profile=PROFILE)
    body = f'{{"dataset": "{dataset.id}", "sensitive": ["sex"], "tolerance": {number}}}'
    response = program.client.post(
        "/api/v1/audits", body, content_type="application/json", headers=program.headers
    )
    problem(response, 422, "invalid-request")


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ({"slug": "magic"}, "unknown-method"),
        ({"slug": "thresholds", "settings": {"magic": 1}}, "unknown-setting"),
        ({"slug": "reweighing", "settings": {"magic": 1}}, "unknown-setting"),
    ],
)
def test_a_remedy_that_is_none_is_refused_at_once(
    team: Team, program: Program, method: dict[str, Any], code: str
) -> None:
    dataset = make_dataset(team, profile=PROFILE)
    columns = {"label": "hired", "favourable": ["yes"], "prediction": None, "train": "logistic"}
    body = {**START, "dataset": str(dataset.id), **columns, "method": [method]}
    problem(program.post("/audits", body), 422, code)


def test_ids_in_a_body_that_are_not_there_are_named(team: Team, program: Program) -> None:
    ready = str(make_dataset(team, profile=PROFILE).id)
    nobody = "00000000-0000-4000-8000-000000000000"
    for change in ({"dataset": nobody}, {"model": nobody}, {"previous": nobody}):
        response = program.post("/audits", {**START, "dataset": ready, **change})
        where = next(iter(change))
        assert problem(response, 422, "unknown-id")["where"] == f"body.{where}"


def test_a_data_set_that_is_not_ready_is_waited_for(team: Team, program: Program) -> None:
    dataset = make_dataset(team, state="checking", profile=None)
    problem(program.post("/audits", {**START, "dataset": str(dataset.id)}), 409, "no-data")


def test_an_audit_is_repeated_on_a_newer_table(team: Team, program: Program) -> None:
    first = make_dataset(team, profile=PROFILE)
    audit = program.post("/audits", {**START, "dataset": str(first.id)}).json()
    newer = make_dataset(team, profile={**PROFILE, "rows": 5, "sha256": "1" * 64})
    response = program.post(f"/audits/{audit['id']}/repeat", {"dataset": str(newer.id)})
    assert response.status_code == 201, response.content
    found = response.json()
    assert found["previous"] == audit["id"]
    assert found["plan"]["data"]["sha256"] == "1" * 64
    assert {**found["plan"], "data": 0} == {**audit["plan"], "data": 0}


def test_an_audit_is_not_repeated_on_a_table_that_lost_a_column(
    team: Team, program: Program
) -> None:
    audit = program.post(
        "/audits", {**START, "dataset": str(make_dataset(team, profile=PROFILE).id)}
    ).json()
    less = make_dataset(team, profile={**PROFILE, "columns": PROFILE["columns"][:1]})
    response = program.post(f"/audits/{audit['id']}/repeat", {"dataset": str(less.id)})
    assert "hired" in problem(response, 422, "unknown-column")["message"]


def test_a_draft_is_not_repeated(team: Team, program: Program) -> None:
    problem(program.post(f"/audits/{make_draft(team).id}/repeat", {}), 409, "draft")


def test_progress_says_when_it_is_over(team: Team, program: Program) -> None:
    run = make_run(team)
    found = program.get(f"/audits/{run.audit_id}/progress").json()
    assert found == {
        "state": "queued",
        "finished": False,
        "percent": 0,
        "text": "Waiting for a worker",
        "error": None,
    }
    runs = program.get(f"/audits/{run.audit_id}/runs").json()["items"]
    assert [item["id"] for item in runs] == [str(run.id)]
    assert program.get(f"/runs/{run.id}").json() == runs[0]
    assert program.post(f"/audits/{run.audit_id}/cancel").json()["state"] == "cancelled"
    assert program.get(f"/audits/{run.audit_id}/progress").json()["finished"]


def test_a_report_comes_as_json_csv_and_pdf(team: Team, program: Program) -> None:
    audit = make_run(team).audit
    problem(program.get(f"/audits/{audit.id}/report"), 404, "no-report")
    Audit.objects.filter(id=audit.id).update(state="done", summary={"verdict": "difference"})
    report = Report.objects.create(audit=audit, result_hash="a" * 64, path=f"reports/{audit.id}")
    report.folder.mkdir(parents=True)
    (report.folder / "result.json").write_text('{"schema": "x"}')
    found = program.get(f"/audits/{audit.id}/report").json()
    assert (found["result_hash"], found["summary"]) == ("a" * 64, {"verdict": "difference"})
    response = program.get(f"/audits/{audit.id}/report.json")
    assert b"".join(response.streaming_content) == b'{"schema": "x"}'
    response.close()
    assert f"{audit.report_id}.json" in response.headers["Content-Disposition"]
    assert Event.objects.get(verb="downloaded").detail["file"] == "json"
    problem(program.get(f"/audits/{audit.id}/report.pdf"), 404, "no-file")


def test_things_are_deleted(team: Team, program: Program) -> None:
    dataset, model, audit = make_dataset(team), make_model(team), make_draft(team)
    for path in (f"/audits/{audit.id}", f"/datasets/{dataset.id}", f"/models/{model.id}"):
        assert program.delete(path).status_code == 204
        problem(program.get(path), 404, "not-found")


def test_what_is_in_use_is_not_deleted(team: Team, program: Program) -> None:
    run = make_run(team)
    problem(program.delete(f"/audits/{run.audit_id}"), 409, "audit-open")
    problem(program.delete(f"/datasets/{run.audit.dataset_id}"), 409, "in-use")


def test_lists_come_in_pages(team: Team, program: Program) -> None:
    made = [str(make_dataset(team, name=f"Table {i}").id) for i in range(5)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = program.get("/datasets", limit=2, **cursor).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
        if len(seen) == 2:  # what comes in meanwhile shifts nothing
            make_dataset(team, name="Late")
    assert seen == made[::-1]


def test_pages_of_rows_of_one_moment_lose_none(team: Team, program: Program) -> None:
    made = {str(make_draft(team, dataset=None).id) for _ in range(4)}
    Audit.objects.update(created_at=Audit.objects.first().created_at)
    first = program.get("/audits", limit=3).json()
    second = program.get("/audits", limit=3, cursor=first["next"]).json()
    assert {item["id"] for item in first["items"] + second["items"]} == made
    assert (len(second["items"]), second["next"]) == (1, None)


@pytest.mark.parametrize("cursor", ["x", "AAAA", "MjAyNi0wMS0wMXw3", "é"])
def test_a_cursor_of_ones_own_is_refused(program: Program, cursor: str) -> None:
    response = program.get("/datasets", cursor=cursor)
    assert response.status_code == 422
    assert response.json()["code"] in {"bad-cursor", "invalid-request"}


@pytest.mark.parametrize("limit", ["0", "101", "many", "-1"])
def test_a_page_has_limits(program: Program, limit: str) -> None:
    problem(program.get("/datasets", limit=limit), 422, "invalid-request")


def test_audits_are_found_by_state_and_words(team: Team, program: Program) -> None:
    make_draft(team, title="Pay")
    make_run(team)
    assert [a["title"] for a in program.get("/audits", state="draft").json()["items"]] == ["Pay"]
    assert [a["title"] for a in program.get("/audits", search="iri").json()["items"]] == ["Hiring"]
    problem(program.get("/audits", state="odd"), 422, "invalid-request")


def test_addresses_that_are_none_answer_with_a_problem(program: Program) -> None:
    for path in ("/nothing", "/audits/7", "/datasets/x/y"):
        problem(program.get(path), 404, "not-found")
    found = program.client.put("/api/v1/datasets", headers=program.headers)
    problem(found, 405, "method-not-allowed")
    assert set(found.headers["Allow"].split(", ")) == {"GET", "POST"}


def test_a_body_that_is_no_json_is_refused(program: Program) -> None:
    for body in (b"{", b"\xff\xfe"):
        response = program.client.post(
            "/api/v1/audits", body, content_type="application/json", headers=program.headers
        )
        problem(response, 400, "not-json")


def test_a_session_opens_no_door(team: Team, client: Client) -> None:
    client.force_login(team.alice)
    problem(client.get("/api/v1/datasets"), 401, "no-token")


def test_a_fault_of_ours_says_a_reference_only(
    team: Team, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr("auditapp.selectors.datasets_for", fail)
    found = problem(program.get("/datasets"), 500, "internal")
    assert "reference" in found["hint"]
    assert "secret" not in str(found)


def test_a_token_is_for_one_workspace(team: Team, program: Program) -> None:
    other = make_team_of(team)
    mine = make_dataset(team, name="Mine")
    theirs = make_dataset(other, name="Theirs")
    names = [item["name"] for item in program.get("/datasets").json()["items"]]
    assert names == [mine.name]
    problem(program.get(f"/datasets/{theirs.id}"), 404, "not-found")


def make_team_of(team: Team) -> Team:
    """A second workspace of the same people."""
    from auditapp.services.accounts import member_add, workspace_create

    workspace = workspace_create(user=team.alice, name="Second office")
    member_add(workspace=workspace, user=team.bob)
    return Team(workspace, team.alice, team.bob, team.vera, team.charlie)


def test_the_time_of_use_is_kept(team: Team) -> None:
    token, secret = token_create(
        workspace=team.workspace, user=team.bob, name="CI", scopes=["read"], days=1
    )
    assert token.last_used_at is None
    Program(secret).get("/token")
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    Program(secret).get("/token")
    token.refresh_from_db()
    assert token.last_used_at == first
