"""Step 2 with survey weights: the role, replicates found by name, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from auditapp.datasets.replicates import families, of_weight, suggested
from auditapp.models import Audit
from auditapp.plan import plan_from_draft
from auditapp.services.audits import guessed
from tests.factories import Team, make_dataset, make_draft, make_team
from tests.profiles import column, people

pytestmark = pytest.mark.django_db

HIRED, SEX, AGE, SCORE, REGION, REMARKS, WEIGHT, HOME = range(8)


def number(name: str, **fields: Any) -> dict[str, Any]:
    given = {"kind": "numeric", "distinct": 50, "min": 1, "max": 90, "guess": "unused", **fields}
    return column(name, {"1": 5}, **given)


def census(replicates: int = 80, **weight: Any) -> dict[str, Any]:
    """People with the weights and households of the Census."""
    profile = people()
    profile["columns"] += [
        number("PWGTP", guess="weight", **weight),
        column("SERIALNO", {"a": 1}, kind="text", distinct=400, guess="identifier"),
        *(number(f"PWGTP{i}", why="it is a replicate weight") for i in range(1, replicates + 1)),
    ]
    profile["survey"] = {
        "record": "person", "weight": "PWGTP", "household": "SERIALNO", "replicates": [],
        "weights": {"total": 92025.0, "zero": 0, "blank": 0, "negative_replicates": 0},
        "years": [2018], "states": [], "horizon": None, "files": [], "tasks": [],
        "year": None, "state": None,
    }  # fmt: skip
    return profile


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def client(team: Team) -> Client:
    client = Client()
    client.force_login(team.alice)
    return client


def draft_of(team: Team, profile: dict[str, Any], **fields: Any) -> Audit:
    return make_draft(team, dataset=make_dataset(team, profile=profile, rows=1000), **fields)


def page(client: Client, audit: Audit) -> str:
    return str(client.get(reverse("audit-roles", args=[audit.id])).content.decode())


def ticked(value: str, text: str) -> bool:
    return re.search(rf'name="replicates" value="{value}"[^>]* checked', text) is not None


def answers(**changes: Any) -> dict[str, Any]:
    """What a browser sends when the page was filled in."""
    data: dict[str, Any] = {
        f"role-{HIRED}": "label",
        f"role-{SEX}": "sensitive",
        f"role-{AGE}": "unused",
        f"role-{SCORE}": "unused",
        f"role-{REGION}": "feature",
        f"role-{REMARKS}": "unused",
        f"role-{WEIGHT}": "weight",
        f"role-{HOME}": "unit",
        f"values-{HIRED}": ["1"],
        f"title-{SEX}": "Sex",
        f"words-{SEX}": "F = Women\nM = Men\nX = X",
        "shown": [f"label-{HIRED}", f"sensitive-{SEX}", f"weight-{WEIGHT}"],
        "outcome": "binary",
        "source": "train",
        "estimator": "logistic",
        "replicates": "yes",
        "replicate_method": "sdr",
        "action": "continue",
    }
    data.update(changes)
    return {key: value for key, value in data.items() if value is not None}


def sent(client: Client, audit: Audit, **changes: Any) -> Any:
    return client.post(reverse("audit-roles", args=[audit.id]), answers(**changes))


def test_a_census_table_suggests_its_weight_its_replicates_and_its_households(
    client: Client, team: Team
) -> None:
    audit = draft_of(team, census(), draft={})
    text = page(client, audit)
    assert 'name="role-6" id="id_role-6" class="role role-weight"' in text
    assert 'name="role-7" id="id_role-7" class="role role-unit"' in text
    assert text.count("80 replicate weights found: PWGTP1 to PWGTP80") == 2
    assert "stand for 92,025" in text and "labelled approximate" in text
    draft = guessed(audit.dataset)
    assert draft["weights"]["column"] == "PWGTP" and len(draft["weights"]["replicates"]) == 80


def test_replicates_are_one_row_and_offered_no_role(client: Client, team: Team) -> None:
    text = page(client, draft_of(team, census(), draft={}))
    assert (
        "<code>PWGTP1</code> to <code>PWGTP80</code>" in text and "With the survey weight" in text
    )
    assert 'name="role-8"' not in text and 'name="role-87"' not in text


def test_the_weight_and_its_replicates_reach_the_plan(client: Client, team: Team) -> None:
    audit = draft_of(team, census(), draft={})
    assert sent(client, audit).status_code == 302
    audit.refresh_from_db()
    plan = plan_from_draft(audit.draft, audit.dataset.profile)
    assert plan.weights is not None and plan.unit == "SERIALNO"
    assert (plan.weights.column, plan.weights.method) == ("PWGTP", "sdr")
    assert plan.weights.replicates == tuple(f"PWGTP{i}" for i in range(1, 81))
    assert plan.features == ("region",)
    again = page(client, audit)
    assert "role-weight" in again and ticked("yes", again)
    policy = client.get(reverse("audit-policy", args=[audit.id])).content.decode()
    assert "PWGTP, 80 replicate weights" in policy


def test_a_replicate_is_no_feature_even_if_it_is_sent_as_one(client: Client, team: Team) -> None:
    audit = draft_of(team, census(), draft={})
    assert sent(client, audit, **{"role-8": "feature", "role-9": "weight"}).status_code == 302
    audit.refresh_from_db()
    assert audit.draft["roles"].get("PWGTP1") is None
    assert plan_from_draft(audit.draft, audit.dataset.profile).features == ("region",)


def test_without_the_replicates_households_are_drawn(client: Client, team: Team) -> None:
    audit = draft_of(team, census(), draft={})
    assert sent(client, audit, replicates="no").status_code == 302
    audit.refresh_from_db()
    assert audit.draft["weights"] == {"column": "PWGTP", "replicates": [], "method": "sdr"}
    assert ticked("no", page(client, audit))


def test_79_of_80_are_not_used_and_the_page_says_why(client: Client, team: Team) -> None:
    audit = draft_of(team, census(79), draft={})
    text = page(client, audit)
    assert "79 of 80 replicate weights found: PWGTP80 is missing" in text
    assert "households (SERIALNO) are drawn anew 500 times" in text
    assert 'name="replicates"' not in text and ">Not used</span>" in text
    assert sent(client, audit, replicates=None).status_code == 302
    audit.refresh_from_db()
    plan = plan_from_draft(audit.draft, audit.dataset.profile)
    assert plan.weights is not None and plan.weights.replicates == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"missing": 3}, "PWGTP is blank in 3 rows"),
        ({"min": -4}, "PWGTP goes below 0"),
        ({"min": 0, "max": 0}, "PWGTP is 0 in every row"),
        ({"type": "text"}, "PWGTP holds no numbers"),
    ],
)
def test_a_weight_that_would_stop_the_audit_is_refused_at_its_column(
    client: Client, team: Team, change: dict[str, Any], words: str
) -> None:
    response = sent(client, draft_of(team, census(**change), draft={}))
    text = response.content.decode()
    assert response.status_code == 422
    assert words in text and f'href="#id_role-{WEIGHT}"' in text and "id_role-6_error" in text


def test_two_weights_and_a_weight_of_classes_are_refused(client: Client, team: Team) -> None:
    audit = draft_of(team, census(), draft={})
    twice = sent(client, audit, **{f"role-{AGE}": "weight"}).content.decode()
    assert "age is the survey weight already; choose one" in twice
    classes = sent(client, audit, outcome="multiclass").content.decode()
    assert "has no role Survey weight" in classes


def test_a_weight_that_no_survey_explains_is_left_to_the_auditor(
    client: Client, team: Team
) -> None:
    profile = people()
    profile["columns"].append(number("fnlwgt", guess="weight"))
    audit = draft_of(team, profile)
    assert guessed(audit.dataset)["roles"]["fnlwgt"] == "unused"
    assert guessed(audit.dataset)["weights"] is None
    data = answers(**{"role-7": None, "replicates": None})
    response = client.post(reverse("audit-roles", args=[audit.id]), {**data, "action": "refresh"})
    assert "No replicate weights found." in response.content.decode()
    assert "rows are drawn anew 500 times" in response.content.decode()


def test_families_of_other_surveys_are_found_by_their_names() -> None:
    columns = [number("PERWT", guess="weight"), *(number(f"REPWTP{i}") for i in range(1, 81))]
    family = of_weight(columns, "PERWT")
    assert family is not None and not family.why and family.words.startswith("80 replicate")
    brr = [number("wt", guess="weight"), *(number(f"brr_wt_{i}") for i in range(1, 33))]
    found = of_weight(brr, "wt")
    assert found is not None and (found.method, len(found.names)) == ("brr", 32)
    gap = [number("w", guess="weight"), *(number(f"w{i}") for i in range(1, 30) if i != 7)]
    broken = of_weight(gap, "w")
    assert broken is not None and broken.why == "w7 is missing"
    blank = [number("w", guess="weight"), *(number(f"w{i}", missing=2) for i in range(1, 12))]
    spoilt = of_weight(blank, "w")
    assert spoilt is not None and spoilt.why == "w1 is blank in 2 rows"


def test_numbered_columns_that_are_no_weights_are_no_family() -> None:
    questions = [number("weight", guess="weight"), *(number(f"q{i}") for i in range(1, 40))]
    assert families(questions) == [] and of_weight(questions, "weight") is None
    waves = [number("w", guess="weight"), number("w1"), number("w2")]
    assert families(waves) == []
    assert suggested({"columns": questions}) is None


def test_person_replicates_do_not_go_with_the_housing_weight() -> None:
    columns = [number("WGTP", guess="weight"), *(number(f"PWGTP{i}") for i in range(1, 81))]
    assert of_weight(columns, "WGTP") is None
