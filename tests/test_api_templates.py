"""Regulatory templates over the API: what there is, and audits that ask for them."""

from __future__ import annotations

from typing import Any

import pytest

from auditapp.models import Audit
from auditapp.regulatory import REGISTRY
from tests.api import PROFILE, START, Program, make_token
from tests.factories import Team, make_dataset, make_team
from tests.test_api_requests import problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def program(team: Team) -> Program:
    return make_token(team.workspace, team.bob)[1]


def body(team: Team, *templates: dict[str, Any]) -> dict[str, Any]:
    dataset = make_dataset(team, profile=PROFILE)
    return {**START, "dataset": str(dataset.id), "template": list(templates)}


def test_every_template_is_listed_with_its_questions(program: Program) -> None:
    found = program.get("/templates").json()["items"]
    assert [item["slug"] for item in found] == list(REGISTRY)
    by_slug = {item["slug"]: item for item in found}
    questions = {q["name"]: q for q in by_slug["ai-act"]["questions"]}
    assert questions["provider"]["needed"] is True
    assert (questions["declared"]["low"], questions["declared"]["high"]) == (0, 100)
    assert "4" in questions["area"]["choices"]


def test_an_audit_keeps_the_templates_it_was_started_with(team: Team, program: Program) -> None:
    wanted = [
        {"slug": "ai-act", "settings": {"provider": "Acme", "declared": 81.5}},
        {"slug": "ll144", "settings": {"screen": True, "leave_out": ["Asian"]}},
    ]
    answer = program.post("/audits", body(team, *wanted))
    assert answer.status_code == 201, answer.content
    audit = Audit.objects.get(id=answer.json()["id"])
    assert audit.plan is not None
    assert audit.plan["templates"] == wanted
    assert audit.draft["templates"] == wanted


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ({"slug": "gdpr"}, "unknown-template"),
        ({"slug": "ai-act", "settings": {"magic": "1"}}, "unknown-template-setting"),
        ({"slug": "ai-act", "settings": {"declared": 180}}, "bad-template-setting"),
        ({"slug": "ll144", "settings": {"sex_column": "gender"}}, "unknown-column"),
        ({"slug": "ai-act", "settings": {"provider": "a\x00b"}}, "invalid-request"),
        ({"slug": "ai-act", "settings": {"metrics": "a" * 4001}}, "invalid-request"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused_at_once(
    team: Team, program: Program, template: dict[str, Any], code: str
) -> None:
    problem(program.post("/audits", body(team, template)), 422, code)
    assert not Audit.objects.exists()


def test_a_template_is_named_once(team: Team, program: Program) -> None:
    twice = {"slug": "model-card"}
    problem(program.post("/audits", body(team, twice, twice)), 422, "template-twice")
