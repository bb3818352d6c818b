"""Step 2 beyond labels and groups: sites, factors, gold labels, references, kinds of outcome."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from auditapp.models import Audit
from auditapp.plan import plan_from_draft
from tests.factories import Team, make_dataset, make_draft, make_team
from tests.profiles import column, people

pytestmark = pytest.mark.django_db

HIRED, SEX, AGE, SCORE, REGION, REMARKS, HOSPITAL, GOLD, HUMAN, LISTS, BAND = range(11)


def wide() -> dict[str, Any]:
    """People with a hospital, a gold label, a human decision, a list and a class."""
    profile = people()
    profile["columns"] += [
        column("hospital_id", {str(i): 100 for i in range(1, 9)}, kind="categorical"),
        column("gold", {"0": 550, "1": 450}),
        column("human_decision", {"0": 650, "1": 350}),
        column("query_id", {str(i): 8 for i in range(1, 121)}, kind="numeric"),
        column("band", {"low": 500, "mid": 300, "high": 200}),
    ]
    return profile


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def client(team: Team) -> Client:
    client = Client()
    client.force_login(team.alice)
    return client


@pytest.fixture
def audit(team: Team) -> Audit:
    return make_draft(team, dataset=make_dataset(team, profile=wide(), rows=1000), draft={})


def answers(**changes: Any) -> dict[str, Any]:
    """What a browser sends when the page was filled in."""
    data: dict[str, Any] = {f"role-{i}": "unused" for i in range(11)}
    data |= {
        "outcome": "binary",
        f"role-{HIRED}": "label",
        f"role-{SEX}": "sensitive",
        f"role-{REGION}": "feature",
        f"values-{HIRED}": ["1"],
        f"title-{SEX}": "Sex",
        f"words-{SEX}": "F = Women\nM = Men\nX = X",
        "shown": [f"label-{HIRED}", f"sensitive-{SEX}"],
        "source": "train",
        "estimator": "logistic",
        "action": "continue",
    }
    data.update({key.replace("_", "-", 1): value for key, value in changes.items()})
    return {key: value for key, value in data.items() if value is not None}


PLACES = {
    "score": SCORE,
    "hospital": HOSPITAL,
    "gold": GOLD,
    "human": HUMAN,
    "lists": LISTS,
    "band": BAND,
    "region": REGION,
    "hired": HIRED,
    "age": AGE,
}


def roles(**given: str) -> dict[str, str]:
    return {f"role_{PLACES[name]}": role for name, role in given.items()}


def send(client: Client, audit: Audit, **changes: Any) -> Any:
    return client.post(reverse("audit-roles", args=[audit.id]), answers(**changes))


def kept(client: Client, audit: Audit, **changes: Any) -> dict[str, Any]:
    """The draft after answers that were taken."""
    response = send(client, audit, **changes)
    assert response.status_code == 302, summary(response)
    audit.refresh_from_db()
    return dict(audit.draft)


def text_of(response: Any) -> str:
    return str(response.content.decode()).replace("&#x27;", "'")


def summary(response: Any) -> str:
    text = text_of(response)
    return text.split('id="error-summary"')[1].split("</ul>")[0] if "error-summary" in text else ""


def test_names_of_columns_suggest_site_gold_label_and_reference(
    client: Client, audit: Audit
) -> None:
    text = text_of(client.get(reverse("audit-roles", args=[audit.id])))
    for place, role in ((HOSPITAL, "site"), (GOLD, "gold"), (HUMAN, "reference")):
        assert f'id="id_role-{place}" class="role role-{role}"' in text
    assert "Reference decisions <code>human_decision</code>" in text
    assert f'name="values-{GOLD}" id="id_values-{GOLD}_1" value="1" checked' in text
    assert f'name="feature-{HOSPITAL}" id="id_feature-{HOSPITAL}" checked' in text


def test_sites_and_factors_become_specs_and_may_stay_features(
    client: Client, audit: Audit
) -> None:
    shown = [f"label-{HIRED}", f"sensitive-{SEX}", f"site-{HOSPITAL}", f"control-{AGE}"]
    details = {
        f"title_{HOSPITAL}": "Hospital", f"words_{HOSPITAL}": "1 = North", f"cuts_{HOSPITAL}": "",
        f"title_{AGE}": "Age", f"cuts_{AGE}": "30, 50", f"feature_{AGE}": "on",
    }  # fmt: skip
    draft = kept(client, audit, **roles(hospital="site", age="control"), **details, shown=shown)
    assert draft["site"]["column"] == "hospital_id" and draft["site"]["words"] == {"1": "North"}
    assert draft["control"]["cuts"] == [30.0, 50.0]
    assert draft["roles"]["hospital_id"] == "site" and draft["roles"]["age"] == "feature"
    plan = plan_from_draft(draft, audit.dataset.profile)  # type: ignore[union-attr]
    assert plan.site is not None and plan.control is not None
    assert plan.features == ("age", "region")
    text = text_of(client.get(reverse("audit-roles", args=[audit.id])))
    assert f'id="id_role-{AGE}" class="role role-control"' in text


def test_numbers_of_a_factor_are_cut_and_codes_of_a_site_are_not(
    client: Client, audit: Audit
) -> None:
    response = send(client, audit, **roles(age="control", hospital="site"), action="refresh")
    text = text_of(response)
    assert 'value="25, 35, 45, 55, 65"' in text
    assert "value=" not in text.split(f'name="cuts-{HOSPITAL}"')[1].split(">")[0]


def test_gold_and_references_are_read_like_the_label(client: Client, audit: Audit) -> None:
    given = {**roles(gold="gold", human="reference"), f"values_{HIRED}": ["0"]}
    first = send(client, audit, **given)
    assert first.status_code == 422
    assert "Check the favourable values of gold" in summary(first)
    assert "Check the favourable values of the reference decisions" in summary(first)
    shown = [*answers()["shown"], f"gold-{GOLD}", f"reference-{HUMAN}"]
    draft = kept(client, audit, **given, **{f"values_{GOLD}": ["0"]}, references=["0"],
                 shown=shown)  # fmt: skip
    assert draft["gold"] == {"column": "gold", "favourable": ["0"]}
    assert draft["references"] == {"columns": ["human_decision"], "favourable": ["0"]}
    plan = plan_from_draft(draft, audit.dataset.profile)  # type: ignore[union-attr]
    assert plan.references is not None and plan.references.columns == ("human_decision",)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (roles(hospital="site", band="site"), "hospital_id is the site already; choose one"),
        (roles(hired="unused", gold="gold"), "Gold labels are held against a label"),
        ({"outcome": "ranking", **roles(score="score")}, "No ranking is trained here"),
        (
            {"outcome": "regression", "source": "columns"},
            "Give one column the role Predicted number",
        ),
        (
            {"outcome": "regression", **roles(hired="unused", band="label")},
            "band holds no numbers, and the actual number is one",
        ),
        (
            {"outcome": "multiclass", **roles(score="score")},
            "score: one of several classes has no role Score; choose another",
        ),
        (
            {"outcome": "multiclass", **roles(hired="unused", lists="label")},
            "query_id has 120 different values; an audit compares at most 30 classes",
        ),
    ],
)
def test_what_cannot_be_is_said_at_the_top(
    changes: dict[str, Any], words: str, client: Client, audit: Audit
) -> None:
    response = send(client, audit, **changes)
    assert response.status_code == 422
    assert words in summary(response)


def test_classes_have_no_favourable_values(client: Client, audit: Audit) -> None:
    given = {"outcome": "multiclass", **roles(hired="unused", band="label")}
    page = text_of(send(client, audit, **given, action="refresh"))
    assert "Classes to compare" in page and "good for the person" not in page
    draft = kept(client, audit, **given)
    assert draft["outcome"] == "multiclass" and draft["classes"] == []
    plan = plan_from_draft(draft, audit.dataset.profile)  # type: ignore[union-attr]
    assert plan.label is not None and plan.label.favourable == ()
    shown = ["sensitive-1", f"classes-{BAND}-None"]
    draft = kept(client, audit, **given, classes=["high", "low"], shown=shown)
    assert draft["classes"] == ["high", "low"]
    none = send(client, audit, **given, shown=shown)
    assert "Tick at least one class to compare" in summary(none)


def test_a_number_needs_nothing_said_about_its_columns(client: Client, audit: Audit) -> None:
    given = {"outcome": "regression", "source": "columns", **roles(hired="unused")}
    given |= roles(age="label", score="score")
    draft = kept(client, audit, **given)
    assert draft["label"] == {"column": "age", "favourable": []}
    assert draft["score"]["column"] == "score"
    draft["policy"] = {"goal": "bias", "tolerance": 0.1}
    plan = plan_from_draft(draft, audit.dataset.profile)  # type: ignore[union-attr]
    assert plan.outcome == "regression" and plan.score is not None


def test_a_ranking_asks_for_order_and_list(client: Client, audit: Audit) -> None:
    given = {"outcome": "ranking", "source": "columns", **roles(score="score", region="unused")}
    page = text_of(send(client, audit, **given, action="refresh"))
    assert "The highest score stands first" in page
    assert "<code>query_id</code> looks like one" in page
    assert "Train a reference model" not in page
    given |= {**roles(lists="query"), "direction": "no"}
    unseen = send(client, audit, **given)
    assert "Check the order of the score" in summary(unseen)
    draft = kept(client, audit, **given, shown=["sensitive-1", f"ranking-score-{SCORE}"])
    assert draft["query"] == "query_id" and draft["score"]["favourable"] is False
    draft["policy"] = {"goal": "exposure", "k": 5}
    plan = plan_from_draft(draft, audit.dataset.profile)  # type: ignore[union-attr]
    assert (plan.query, plan.k) == ("query_id", 5)


def test_the_kind_changes_the_words_of_the_roles(client: Client, audit: Audit) -> None:
    Audit.objects.filter(id=audit.id).update(draft={"outcome": "regression", "cleared": True})
    text = text_of(client.get(reverse("audit-roles", args=[audit.id])))
    assert '<option value="score">Predicted number</option>' in text
    assert '<option value="decision">' not in text
    assert 'id="role-words"' in text


def test_names_of_sites_and_lists_are_text(client: Client, team: Team) -> None:
    profile = wide()
    name = '"><script>alert(1)</script>'
    profile["columns"][HOSPITAL] = column(name, {"<i>a</i>": 1, "b": 2})
    audit = make_draft(team, dataset=make_dataset(team, profile=profile), draft={})
    for role, outcome in (("site", "binary"), ("reference", "binary"), ("query", "ranking")):
        page = send(client, audit, **roles(hospital=role), outcome=outcome, action="refresh")
        assert "<script>alert" not in text_of(page) and "<i>a</i>" not in text_of(page)


def test_a_column_that_would_decide_is_said_to_stand_aside_for_a_model(
    client: Client, audit: Audit
) -> None:
    asked = {"source": "train", "action": "refresh", **roles(human="decision")}
    text = text_of(send(client, audit, **asked))
    assert "<code>human_decision</code> has the role Decision" in text
    assert "It is not used while a model decides." in text
    asked = {**asked, **roles(human="unused")}
    assert "while a model decides" not in text_of(send(client, audit, **asked))


def test_roles_can_be_saved_without_going_on(client: Client, audit: Audit) -> None:
    response = send(client, audit, action="save", **roles(region="unused", age="feature"))
    assert response["Location"] == reverse("audit-roles", args=[audit.id])
    audit.refresh_from_db()
    assert audit.draft["roles"]["age"] == "feature"
