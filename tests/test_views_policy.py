"""Step 3 of a new audit: goal, limits, words, start."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from auditapp.models import Audit, Report, State
from tests.factories import Team, make_dataset, make_draft, make_model, make_team
from tests.profiles import people

pytestmark = pytest.mark.django_db

DRAFT: dict[str, Any] = {
    "roles": {"hired": "label", "sex": "sensitive", "age": "sensitive", "region": "feature"},
    "label": {"column": "hired", "favourable": ["1"]},
    "attributes": [
        {"column": "sex", "title": "Sex", "kind": "categorical", "cuts": [], "words": {}},
        {"column": "age", "title": "Age", "kind": "binned", "cuts": [30, 50], "words": {}},
    ],
    "model": {"kind": "train", "estimator": "logistic"},
    "steps": ["data", "roles"],
}


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def client(team: Team) -> Client:
    client = Client()
    client.force_login(team.alice)
    return client


def draft_of(team: Team, **changes: Any) -> Audit:
    dataset = make_dataset(team, profile=people(), rows=1000)
    return make_draft(team, dataset=dataset, draft={**DRAFT, **changes})


def send(client: Client, audit: Audit, **changes: Any) -> Any:
    data = {
        "goal": "tpr",
        "tolerance": "3.5",
        "floor": "50",
        "threshold": "0.4",
        "intersections": "2",
        "denominator_floor": "10",
        "draws": "500",
        "seed": "7",
        "title": "Hiring, spring",
        "outcome": "An invitation",
        "reference-0": "M",
        "reference-1": "",
        "action": "start",
        **changes,
    }
    data = {key: value for key, value in data.items() if value is not None}
    return client.post(reverse("audit-policy", args=[audit.id]), data)


def test_start_freezes_the_plan_and_shows_progress(client: Client, team: Team) -> None:
    audit = draft_of(team)
    response = send(client, audit)
    assert response["Location"] == reverse("audit-progress", args=[audit.id])
    audit.refresh_from_db()
    assert audit.state == State.QUEUED
    assert audit.title == "Hiring, spring"
    assert audit.plan is not None
    assert audit.plan["tolerance"] == pytest.approx(0.035)
    assert (audit.plan["goal"], audit.plan["floor"], audit.plan["draws"]) == ("tpr", 50, 500)
    assert audit.plan["attributes"][0]["reference"] == "M"
    assert audit.plan["attributes"][1]["reference"] is None
    assert audit.plan["about"]["outcome"] == "An invitation"


def test_it_can_be_saved_without_starting(client: Client, team: Team) -> None:
    audit = draft_of(team)
    send(client, audit, action="save")
    audit.refresh_from_db()
    assert audit.state == State.DRAFT
    assert audit.draft["policy"]["tolerance"] == pytest.approx(0.035)
    text = client.get(reverse("audit-policy", args=[audit.id])).content.decode()
    assert 'value="3.5"' in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"goal": None}, "Choose what should be equal"),
        ({"tolerance": "lots"}, "Limit for a gap: enter a number of points from 0 to 50"),
        ({"tolerance": "51"}, "Limit for a gap: enter a number of points from 0 to 50"),
        ({"floor": "many"}, "Smallest group: enter a whole number from 1 to 10,000"),
        ({"floor": "0"}, "Smallest group: enter a whole number from 1 to 10,000"),
        ({"draws": "5"}, "Draws: enter a whole number from 100 to 20,000"),
        ({"threshold": ""}, "Threshold: enter a number in the units of the score"),
        ({"threshold": "7"}, "The threshold 7 lies outside the scores"),
        ({"title": ""}, "Enter a title"),
    ],
)
def test_errors_stand_at_the_field_and_at_the_top(
    changes: dict[str, Any], words: str, client: Client, team: Team
) -> None:
    audit = draft_of(team)
    response = send(client, audit, **changes)
    text = response.content.decode().replace("&#x27;", "'")
    assert response.status_code == 422
    assert "<title>Error: Policy" in text
    assert words in text.split('id="error-summary"')[1].split("</ul>")[0]
    audit.refresh_from_db()
    assert audit.state == State.DRAFT


def test_what_only_the_whole_plan_shows_stands_at_its_field_too(
    client: Client, team: Team
) -> None:
    text = send(client, draft_of(team), threshold="7").content.decode()
    assert text.count("The threshold 7 lies outside the scores") == 2
    assert 'id="id_threshold_error"' in text


SCORE = {"column": "score", "favourable": True, "low": 0.0, "high": 1.0}


@pytest.mark.parametrize(
    ("changes", "source", "hint"),
    [
        ({"score": SCORE}, "Score column score", "A score at or above it is a favourable"),
        (
            {"score": {**SCORE, "favourable": False}},
            "Score column score",
            "A score below it is a favourable decision",
        ),
        (
            {"score": SCORE, "decision": {"column": "hired", "favourable": ["1"]}},
            "Decision column; the score column score is described",
            "Decisions come from the decision column",
        ),
    ],
)
def test_the_page_says_where_decisions_come_from(
    changes: dict[str, Any], source: str, hint: str, client: Client, team: Team
) -> None:
    audit = draft_of(team, label=None, model={"kind": "columns"}, **changes)
    text = client.get(reverse("audit-policy", args=[audit.id])).content.decode()
    assert source in text
    assert hint in text


def test_a_goal_that_needs_a_label_says_so(client: Client, team: Team) -> None:
    audit = draft_of(
        team,
        label=None,
        decision={"column": "hired", "favourable": ["1"]},
        model={"kind": "columns"},
    )
    page = client.get(reverse("audit-policy", args=[audit.id])).content.decode()
    assert "Needs a label column." in page
    assert "id_threshold" not in page
    assert "This goal compares decisions with labels" in send(client, audit).content.decode()
    assert send(client, audit, goal="selection-rate").status_code == 302


def test_the_threshold_of_a_score_starts_in_the_middle_of_its_range(
    client: Client, team: Team
) -> None:
    score = {"column": "score", "favourable": True, "low": 1, "high": 10}
    audit = draft_of(team, model={"kind": "columns"}, score=score)
    text = client.get(reverse("audit-policy", args=[audit.id])).content.decode()
    assert 'value="5.5"' in text


def test_the_summary_says_what_was_chosen_and_leads_back(client: Client, team: Team) -> None:
    audit = draft_of(team)
    text = client.get(reverse("audit-policy", args=[audit.id])).content.decode()
    assert "1,000 rows" in text
    assert "hired; favourable: 1" in text
    assert "age, 3 groups" in text
    assert reverse("audit-roles", args=[audit.id]) in text


def test_a_table_that_was_deleted_meanwhile_leads_back_to_the_data(
    client: Client, team: Team
) -> None:
    audit = draft_of(team)
    Audit.objects.filter(id=audit.id).update(dataset=None)
    response = send(client, audit)
    assert response["Location"] == reverse("audit-data", args=[audit.id])


SITE = {"column": "region", "title": "Region", "kind": "categorical", "cuts": [], "words": {}}


def test_deeper_searches_are_on_until_they_are_taken_away(client: Client, team: Team) -> None:
    audit = draft_of(team)
    text = client.get(reverse("audit-policy", args=[audit.id])).content.decode()
    for slug in ("subgroups", "bounds", "shift"):
        assert f'value="{slug}" checked' in text
    assert 'value="numerics"' not in text
    send(client, audit, searches=["subgroups"])
    audit.refresh_from_db()
    assert audit.plan is not None and audit.plan["skip"] == ["bounds", "shift"]


def test_number_formats_are_those_of_an_onnx_model(client: Client, team: Team) -> None:
    model = make_model(team, profile={"format": "onnx", "name": "m.onnx", "sha256": "1" * 64})
    audit = draft_of(team, model={"kind": "upload"})
    Audit.objects.filter(id=audit.id).update(model=model)
    text = client.get(reverse("audit-policy", args=[audit.id])).content.decode()
    assert 'value="numerics" checked' in text


def test_a_target_is_a_site_of_a_model_trained_here(client: Client, team: Team) -> None:
    audit = draft_of(team, site=SITE, roles={**DRAFT["roles"], "age": "feature"})
    text = client.get(reverse("audit-policy", args=[audit.id])).content.decode()
    assert "Target site, by Region" in text
    send(client, audit, target="South")
    audit.refresh_from_db()
    assert audit.plan is not None and audit.plan["target"] == "South"
    other = draft_of(team, site=SITE, model={"kind": "columns"}, decision={
        "column": "hired", "favourable": ["1"]}, label=None)  # fmt: skip
    assert (
        "Target site" not in client.get(reverse("audit-policy", args=[other.id])).content.decode()
    )


@pytest.mark.parametrize(
    ("outcome", "goal", "unit", "expected"),
    [
        ("multiclass", "tpr", "points", 0.035),
        ("regression", "mae", "units", 3.5),
        ("ranking", "exposure", "places", 0.035),
    ],
)
def test_other_kinds_have_their_own_goals_and_limits(
    outcome: str, goal: str, unit: str, expected: float, client: Client, team: Team
) -> None:
    score = {"column": "score", "favourable": True, "low": 0, "high": 1}
    given: dict[str, Any] = {"model": {"kind": "columns"}, "score": score}
    if outcome == "multiclass":
        given = {"decision": {"column": "region", "favourable": []}, "model": {"kind": "columns"}}
    audit = draft_of(team, outcome=outcome, **given)
    text = client.get(reverse("audit-policy", args=[audit.id])).content.decode()
    assert "id_threshold" not in text and "id_searches_0" not in text
    assert unit in text
    extra = {"tolerance_unit": "units", "k": "7", "threshold": None}
    response = send(client, audit, goal=goal, **extra)
    assert response.status_code == 302, response.content.decode()
    audit.refresh_from_db()
    assert audit.plan is not None
    assert (audit.plan["outcome"], audit.plan["goal"]) == (outcome, goal)
    assert audit.plan["tolerance"] == pytest.approx(expected)
    assert audit.plan["k"] == (7 if outcome == "ranking" else 10)


def test_a_goal_of_another_kind_is_not_kept(client: Client, team: Team) -> None:
    policy = {"outcome": "binary", "goal": "tpr", "tolerance": 0.2}
    score = {"column": "score", "favourable": True, "low": 0, "high": 1}
    audit = draft_of(
        team, outcome="regression", model={"kind": "columns"}, score=score, policy=policy
    )
    text = client.get(reverse("audit-policy", args=[audit.id])).content.decode()
    assert 'value="bias" checked' in text and 'value="0.1"' in text


def test_the_page_names_the_report_it_will_be_compared_with(client: Client, team: Team) -> None:
    before = draft_of(team)
    Report.objects.create(audit=before, result_hash="0" * 64, path="reports/x")
    audit = draft_of(team)
    Audit.objects.filter(id=audit.id).update(previous=before)
    text = client.get(reverse("audit-policy", args=[audit.id])).content.decode()
    assert "Compared with" in text and before.report_id in text
