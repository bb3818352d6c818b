"""Step 2 with columns that nobody expects: blank, endless names, values with equals signs."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from auditapp.models import Audit
from auditapp.views import roles
from tests.factories import Team, make_dataset, make_draft, make_team
from tests.profiles import column, people

pytestmark = pytest.mark.django_db

LONG = "L" * 300
BLANK = {"type": "text", "kind": "empty", "missing": 1000, "distinct": 0, "top": []}
COLUMNS = [
    column("hired", {"0": 600, "1": 400}),
    column(LONG, {"a": 600, "b": 400}),
    column("size", {"k": 300, "k = v": 300, "two\nlines": 400}),
    column("blank", {"x": 0}, **BLANK),
]


@pytest.fixture
def audit() -> Audit:
    team: Team = make_team()
    dataset = make_dataset(team, profile=people(columns=COLUMNS, notices=[]), rows=1000)
    return make_draft(team, dataset=dataset, draft={})


@pytest.fixture
def client(audit: Audit) -> Client:
    client = Client()
    client.force_login(audit.created_by)  # type: ignore[arg-type]
    return client


def send(client: Client, audit: Audit, **roles: str) -> Any:
    places = {item["name"]: i for i, item in enumerate(COLUMNS)}
    data: dict[str, Any] = {f"role-{places[name]}": role for name, role in roles.items()}
    data |= {"values-0": ["1"], "shown": ["decision-0"], "source": "columns"}
    return client.post(reverse("audit-roles", args=[audit.id]), data)


def test_what_was_filled_in_for_odd_columns_can_be_sent_as_it_is(
    client: Client, audit: Audit
) -> None:
    response = send(client, audit, hired="decision", size="sensitive", **{LONG: "sensitive"})
    assert response["Location"] == reverse("audit-policy", args=[audit.id])
    audit.refresh_from_db()
    long, size = audit.draft["attributes"]
    assert long["title"] == "L" * 59 + "…"
    assert size["words"].get("k") is None
    assert size["words"].get("k = v") is None


@pytest.mark.parametrize("role", ["label", "score", "sensitive"])
def test_a_column_without_any_value_is_refused_here_and_not_by_the_audit(
    role: str, client: Client, audit: Audit
) -> None:
    response = send(client, audit, hired="decision", size="sensitive", blank=role)
    assert response.status_code == 422
    assert "blank is blank in every row" in response.content.decode()


def test_a_score_of_text_is_refused(client: Client, audit: Audit) -> None:
    response = send(client, audit, hired="sensitive", size="score")
    assert "size holds no numbers" in response.content.decode()


def test_pairs_of_columns_that_were_not_counted_together_are_not_looked_at(
    client: Client, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(roles, "cross_sizes", lambda *_: asked.append(1))
    data = {f"role-{i}": "sensitive" for i in range(len(COLUMNS))}
    response = client.post(reverse("audit-roles", args=[audit.id]), {**data, "action": "refresh"})
    assert response.status_code == 200
    assert asked == []
