"""Step 2 with a model that takes its columns by position."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from auditapp.models import Audit, ModelFile
from auditapp.plan import plan_from_draft
from tests.factories import Team, make_dataset, make_draft, make_model, make_team
from tests.profiles import people

pytestmark = pytest.mark.django_db

FACTS: dict[str, Any] = {
    "format": "onnx",
    "name": "m.onnx",
    "sha256": "1" * 64,
    "outputs": [],
    "features": None,
    "n_features": 2,
}
ANSWERS = {
    "role-0": "label",
    "role-2": "sensitive",
    "role-4": "feature",
    "values-0": ["1"],
    "cuts-2": "30, 50",
    "title-2": "Age",
    "source": "upload",
}


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def client(team: Team) -> Client:
    client = Client()
    client.force_login(team.alice)
    return client


def draft_with(team: Team, model: ModelFile) -> Audit:
    dataset = make_dataset(team, profile=people(), rows=1000)
    return make_draft(team, dataset=dataset, model=model, draft={})


def send(client: Client, audit: Audit, **more: str) -> Any:
    shown = ["label-0", "sensitive-2", f"model-{audit.model_id}"]
    data = {**ANSWERS, "shown": shown, "model": str(audit.model_id), **more}
    return client.post(reverse("audit-roles", args=[audit.id]), data)


def test_a_wrong_number_of_columns_is_said_before_the_audit(client: Client, team: Team) -> None:
    audit = draft_with(team, make_model(team, profile=FACTS))
    response = send(client, audit)
    text = response.content.decode()
    assert response.status_code == 422
    assert "takes 2 columns by position, and gets 1" in text
    assert "in the order of the table" in text


def test_a_model_can_have_the_sensitive_columns_in_their_place(client: Client, team: Team) -> None:
    audit = draft_with(team, make_model(team, profile=FACTS))
    response = send(client, audit, sensitive_features="on")
    assert response["Location"] == reverse("audit-policy", args=[audit.id])
    audit.refresh_from_db()
    assert audit.dataset is not None and audit.dataset.profile is not None
    plan = plan_from_draft(audit.draft, audit.dataset.profile, FACTS)
    assert plan.features == ("age", "region")


def test_columns_by_name_are_not_counted(client: Client, team: Team) -> None:
    model = make_model(team, profile={**FACTS, "features": ["age", "region"]})
    assert send(client, draft_with(team, model)).status_code == 302
