"""Step 4 with remedies that train networks: how many, for how long, and what they start from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

import mitigations
from auditapp import pace
from auditapp.forms.remedy_costs import Cost
from auditapp.models import Audit, State
from tests.factories import Team, make_dataset, make_draft, make_model, make_team
from tests.profiles import column, people

pytestmark = pytest.mark.django_db

DRAFT: dict[str, Any] = {
    "roles": {"hired": "label", "sex": "sensitive", "age": "feature", "region": "unused"},
    "label": {"column": "hired", "favourable": ["1"]},
    "attributes": [
        {"column": "sex", "title": "Sex", "kind": "categorical", "cuts": [], "words": {}}
    ],
    "model": {"kind": "train", "estimator": "logistic"},
    "steps": ["data", "roles", "policy"],
}
TARGET = "tests.tuning.method:Tuning"


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def client(team: Team, monkeypatch: pytest.MonkeyPatch) -> Client:
    known = {"thresholds": mitigations.REGISTRY["thresholds"], "tuning": TARGET}
    monkeypatch.setattr(mitigations, "REGISTRY", known)
    client = Client()
    client.force_login(team.alice)
    return client


@pytest.fixture
def untimed(tmp_path: Path, settings: Any) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


def draft_of(team: Team, profile: dict[str, Any] | None = None, **changes: Any) -> Audit:
    dataset = make_dataset(team, profile=profile or people(), rows=1000)
    return make_draft(team, dataset=dataset, draft={**DRAFT, **changes})


def page(client: Client, audit: Audit) -> str:
    return client.get(reverse("audit-remedies", args=[audit.id])).content.decode()


def send(client: Client, audit: Audit, **changes: Any) -> Any:
    data = {
        "methods": ["tuning"], "tuning--trials": "10", "trainings": "36", "action": "start",
        "source": "region", "source-0": ["South"], **changes,
    }  # fmt: skip
    return client.post(reverse("audit-remedies", args=[audit.id]), data)


def network(team: Team, name: str = "Network of state A") -> Any:
    return make_model(team, name=name, profile={"format": "network"}, sha256="a" * 64)


def test_the_card_says_how_many_trainings_and_how_long(
    client: Client, team: Team, untimed: Path
) -> None:
    audit = draft_of(team, methods=[{"slug": "tuning", "settings": {"trials": 30}}])
    text = page(client, audit)
    assert "Adds 96 trainings, about 3 minutes" in text
    assert "1 remedy: 96 trainings, about 3 minutes more." in text
    assert 'name="trainings" value="96"' in text
    assert "timed on another machine" in text and "doctor --time" in text


def test_a_timed_machine_has_its_own_estimate(client: Client, team: Team, untimed: Path) -> None:
    pace.write(pace.Pace("cpu", 4 * pace.REFERENCE, "2026-11-20"))
    audit = draft_of(team, methods=[{"slug": "tuning", "settings": {"trials": 30}}])
    text = page(client, audit)
    assert "Adds 96 trainings, about 13 minutes" in text
    assert "timed on this machine on 2026-11-20" in text
    pace.write(pace.Pace("cuda:0", pace.REFERENCE / 10, "2026-11-21"))
    assert "Adds 96 trainings, about 20 seconds" in page(client, audit)
    (untimed / "pace.json").write_text("{]")
    assert "about 3 minutes" in page(client, audit)


def test_remedies_that_train_nothing_speak_of_time_alone(client: Client, team: Team) -> None:
    assert "Adds a few seconds" in page(client, draft_of(team))
    assert Cost(0, 3.0).words == "a few seconds"
    assert Cost(1, 3.0).words == "1 training, a few seconds"


def test_more_trainings_than_the_page_said_are_confirmed_first(client: Client, team: Team) -> None:
    audit = draft_of(team)
    response = send(client, audit, **{"tuning--trials": "98"})
    text = response.content.decode()
    assert response.status_code == 200
    assert "1 remedy: 300 trainings, about 10 minutes." in text
    assert "start the audit again to confirm" in text
    assert 'name="trainings" value="300"' in text
    audit.refresh_from_db()
    assert audit.state == State.DRAFT and audit.draft["methods"][0]["settings"]["trials"] == 98
    again = send(client, audit, **{"tuning--trials": "98", "trainings": "300"})
    assert again["Location"] == reverse("audit-progress", args=[audit.id])


@pytest.mark.parametrize("said", ["", "many", "-4", "9" * 40, "٣"])
def test_a_count_that_is_no_number_confirms_nothing(said: str, client: Client, team: Team) -> None:
    audit = draft_of(team)
    assert send(client, audit, trainings=said).status_code == 200
    audit.refresh_from_db()
    assert audit.state == State.DRAFT


def test_costs_of_changed_settings_are_counted_without_saving(client: Client, team: Team) -> None:
    audit = draft_of(team)
    found = json.loads(send(client, audit, action="cost", **{"tuning--trials": "1"}).content)
    assert found["methods"]["tuning"]["trainings"] == 9
    assert found["time"]["trainings"] == 9
    odd = json.loads(send(client, audit, action="cost", **{"tuning--trials": "x"}).content)
    assert odd["methods"]["tuning"]["trainings"] == 36
    audit.refresh_from_db()
    assert "methods" not in audit.draft


def test_rows_of_another_population_are_chosen_by_a_column_and_its_values(
    client: Client, team: Team
) -> None:
    audit = draft_of(team)
    text = page(client, audit)
    assert "learnt from and never measured" in text
    assert 'data-population="region"' in text and 'data-population="sex"' not in text
    assert send(client, audit).status_code == 302
    audit.refresh_from_db()
    assert audit.plan is not None
    assert audit.plan["source"] == {"column": "region", "values": ["South"]}
    assert audit.plan["checkpoint"] is None


def test_what_was_chosen_to_start_from_comes_back(client: Client, team: Team) -> None:
    model = network(team)
    audit = draft_of(team)
    send(client, audit, action="save", checkpoint=str(model.id))
    text = page(client, audit)
    assert f'value="{model.id}" selected' in text
    assert 'value="region" selected' in text
    assert 'id="id_source-0_1" value="South" checked' in text


def test_a_starting_network_is_one_of_the_workspace(client: Client, team: Team) -> None:
    model = network(team)
    make_model(team, name="A tree")
    audit = draft_of(team)
    text = page(client, audit)
    assert "Network of state A" in text and "A tree" not in text
    send(client, audit, checkpoint=str(model.id), source="")
    audit.refresh_from_db()
    assert audit.plan is not None and audit.plan["source"] is None
    assert audit.plan["checkpoint"] == {"name": "Network of state A", "sha256": "a" * 64}


def test_a_network_of_others_cannot_be_started_from(client: Client, team: Team) -> None:
    from auditapp.services.accounts import workspace_create

    other = network(team)
    type(other).objects.filter(id=other.id).update(
        workspace=workspace_create(user=team.charlie, name="Far away")
    )
    network(team, "Ours")
    response = send(client, draft_of(team), checkpoint=str(other.id))
    assert response.status_code == 422
    assert "not in this workspace any more" in response.content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": ""}, "Tuning starts from a network. Choose one, or another population"),
        ({"source-0": []}, "Tick the values of region whose rows are learnt from"),
        ({"source-0": ["North", "South"]}, "nobody is left to be measured"),
        ({"source-0": ["East"]}, "“East” is no value of region"),
        ({"source": "hired"}, "“hired” cannot tell populations apart"),
        ({"source": "<b>"}, "“&lt;b&gt;” cannot tell populations apart"),
    ],
)
def test_a_start_that_is_none_is_said_at_its_field(
    changes: dict[str, Any], words: str, client: Client, team: Team
) -> None:
    audit = draft_of(team)
    response = send(client, audit, **changes)
    assert response.status_code == 422
    assert words in response.content.decode().split('id="error-summary"')[1].split("</ul>")[0]


def test_other_remedies_leave_the_start_alone(client: Client, team: Team) -> None:
    audit = draft_of(team)
    response = send(client, audit, methods=[], action="save")
    assert response.status_code == 302
    audit.refresh_from_db()
    assert audit.draft["source"] is None and audit.draft["checkpoint"] is None


def test_without_network_and_population_the_card_says_what_is_missing(
    client: Client, team: Team
) -> None:
    profile = people(
        columns=[
            column("hired", {"0": 600, "1": 400}),
            column("sex", {"F": 490, "M": 510}),
            column("age", {str(n): 10 for n in range(100)}),
        ]
    )
    text = page(client, draft_of(team, profile))
    assert "Goes on from a network." in text
    assert " disabled" in text.split('name="methods" value="tuning"')[1].split(">")[0]
    assert 'id="start"' not in text


def test_steps_are_timed_and_kept(untimed: Path) -> None:
    found = pace.measure(steps=2)
    assert found.device == "cpu" and 0 < found.step < 10
    pace.write(found)
    assert pace.read() == {"cpu": found}
