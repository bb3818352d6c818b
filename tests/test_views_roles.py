"""Step 2 of a new audit: roles, what they ask, and where decisions come from."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from auditapp.models import Audit
from auditapp.plan import plan_from_draft
from tests.factories import Team, make_dataset, make_draft, make_model, make_team
from tests.profiles import column, people

pytestmark = pytest.mark.django_db

HIRED, SEX, AGE, SCORE, REGION, REMARKS = range(6)


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
    return make_draft(team, dataset=make_dataset(team, profile=people(), rows=1000), draft={})


def answers(**changes: Any) -> dict[str, Any]:
    """What a browser sends when the page was filled in."""
    data: dict[str, Any] = {
        "role-0": "label",
        "role-1": "sensitive",
        "role-2": "sensitive",
        "role-3": "unused",
        "role-4": "feature",
        "role-5": "unused",
        "values-0": ["1"],
        "title-1": "Sex",
        "words-1": "F = Women\nM = Men\nX = X",
        "title-2": "Age",
        "cuts-2": "30, 50",
        "shown": ["label-0", "sensitive-1", "sensitive-2"],
        "source": "train",
        "estimator": "boosting",
        "action": "continue",
    }
    data.update({key.replace("_", "-", 1): value for key, value in changes.items()})
    return {key: value for key, value in data.items() if value is not None}


def send(client: Client, audit: Audit, **changes: Any) -> Any:
    return client.post(reverse("audit-roles", args=[audit.id]), answers(**changes))


def text_of(response: Any) -> str:
    return str(response.content.decode())


def test_the_first_look_fills_in_what_columns_suggest(client: Client, audit: Audit) -> None:
    text = text_of(client.get(reverse("audit-roles", args=[audit.id])))
    assert 'class="role role-label"' in text
    assert "Groups to be examined" in text
    assert "400" in text and "40.0%" in text
    assert 'class="histogram"' in text


def test_free_text_is_never_suggested_as_a_group(client: Client, audit: Audit) -> None:
    text = text_of(client.get(reverse("audit-roles", args=[audit.id])))
    assert "free text, never a group" in text


def test_answers_become_a_draft_that_makes_a_plan(client: Client, audit: Audit) -> None:
    response = send(client, audit)
    assert response["Location"] == reverse("audit-policy", args=[audit.id])
    audit.refresh_from_db()
    draft = audit.draft
    assert draft["roles"] == {
        "hired": "label",
        "sex": "sensitive",
        "age": "sensitive",
        "region": "feature",
    }
    assert draft["label"] == {"column": "hired", "favourable": ["1"]}
    assert draft["attributes"][0]["words"] == {"F": "Women", "M": "Men"}
    assert draft["attributes"][1]["cuts"] == [30.0, 50.0]
    plan = plan_from_draft(draft, audit.dataset.profile)  # type: ignore[union-attr]
    assert plan.features == ("region",)
    assert plan.model.estimator == "boosting"


def test_sensitive_columns_are_features_only_when_ticked(client: Client, audit: Audit) -> None:
    send(client, audit, sensitive_features=None)
    audit.refresh_from_db()
    assert not audit.draft["sensitive_features"]
    client.post(reverse("audit-roles", args=[audit.id]), {**answers(), "sensitive_features": "on"})
    audit.refresh_from_db()
    plan = plan_from_draft(audit.draft, audit.dataset.profile)  # type: ignore[union-attr]
    assert plan.features == ("sex", "age", "region")


def test_several_values_can_be_favourable(client: Client, team: Team) -> None:
    profile = people()
    profile["columns"][HIRED] = column("hired", {"yes": 3, "Yes, later": 2, "no": 9})
    audit = make_draft(team, dataset=make_dataset(team, profile=profile), draft={})
    send(client, audit, values_0=["yes", "Yes, later"])
    audit.refresh_from_db()
    assert audit.draft["label"]["favourable"] == ["yes", "Yes, later"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"role_1": "unused", "role_2": "unused"}, "Give at least one column the role Sensitive"),
        ({"values_0": None}, "Tick at least one favourable value of hired"),
        ({"values_0": ["0", "1"]}, "Every value of hired is ticked; leave one out"),
        ({"values_0": ["2"]}, "2 is no value of hired"),
        ({"role_4": "label"}, "hired is the label already; choose one"),
        ({"role_4": "unused"}, "To train a model, give some columns the role Feature"),
        ({"role_0": "unused"}, "To train a model, give one column the role Label"),
        ({"source": "columns"}, "Give one column the role Decision or Score"),
        ({"source": "upload"}, "Choose a model, or upload one in step 1"),
        ({"source": None}, "Choose where decisions come from"),
        ({"cuts_2": "50, 30"}, "Each cut must be larger than the one before it"),
        ({"cuts_2": "thirty"}, "“thirty” is no number"),
        ({"title_1": ""}, "Enter a name for sex"),
        ({"words_1": "F Women"}, "does not read value = name"),
        ({"words_1": "F = People\nM = People"}, "Two values are both called “People”"),
    ],
)
def test_what_is_missing_is_said_at_the_top(
    changes: dict[str, Any], words: str, client: Client, audit: Audit
) -> None:
    response = send(client, audit, **changes)
    text = text_of(response).replace("&#x27;", "'")
    assert response.status_code == 422
    assert "<title>Error: Model and roles" in text
    assert words in text.split('id="error-summary"')[1].split("</ul>")[0]


def test_a_column_with_too_many_values_is_no_label_and_no_group(
    client: Client, team: Team
) -> None:
    profile = people()
    profile["columns"][REMARKS]["distinct"] = 999
    audit = make_draft(team, dataset=make_dataset(team, profile=profile), draft={})
    assert "a group column has at most 200" in text_of(send(client, audit, role_5="sensitive"))
    text = text_of(send(client, audit, role_0="unused", role_5="label"))
    assert "999 different values; a label has two sides" in text


def test_values_nobody_saw_are_not_accepted(client: Client, audit: Audit) -> None:
    response = send(client, audit, role_0="unused", role_4="label", role_5="feature", shown=[])
    assert response.status_code == 422
    assert "Check the favourable values of region" in text_of(response)


def test_a_changed_role_shows_what_it_asks(client: Client, audit: Audit) -> None:
    response = send(client, audit, role_3="score", action="refresh")
    text = text_of(response)
    assert response.status_code == 200
    assert "Higher is better for the person" in text
    assert "<title>Error" not in text
    assert "Error" not in text.split("<main")[1].split("<form")[0]


def test_htmx_gets_the_details_alone(client: Client, audit: Audit) -> None:
    response = client.post(
        reverse("audit-roles", args=[audit.id]),
        answers(action="refresh"),
        headers={"HX-Request": "true"},
    )
    assert text_of(response).lstrip().startswith('<div id="details"')


def test_a_score_column_needs_a_range_that_goes_up(client: Client, audit: Audit) -> None:
    fields = {"role_3": "score", "source": "columns", "direction": "no", "low": "1", "high": "0"}
    shown = ["label-0", "sensitive-1", "sensitive-2", "binary-score-3"]
    assert "must be above the lowest" in text_of(send(client, audit, **fields, shown=shown))
    send(client, audit, **{**fields, "low": "0", "high": "1"}, shown=shown)
    audit.refresh_from_db()
    assert audit.draft["score"] == {"column": "score", "favourable": False, "low": 0, "high": 1}


def test_an_uploaded_model_is_chosen_with_its_favourable_class(
    client: Client, team: Team, audit: Audit
) -> None:
    profile = {
        "format": "onnx",
        "name": "m.onnx",
        "sha256": "1" * 64,
        "classes": ["0", "1"],
        "output": "probabilities",
        "positive": "1",
        "features": ["age", "region"],
        "outputs": [
            {
                "name": "label",
                "type": "tensor(int64)",
                "shape": [None],
                "role": "label",
            },
            {
                "name": "probabilities",
                "type": "tensor(float)",
                "shape": [None, 2],
                "role": "probability",
            },
            {"name": "other", "type": "tensor(float)", "shape": [3, 3, 3], "role": None},
        ],
    }
    model = make_model(team, profile=profile)
    Audit.objects.filter(id=audit.id).update(model=model)
    text = text_of(client.get(reverse("audit-roles", args=[audit.id])))
    assert "Favourable class of the model" in text
    assert '<option value="probabilities" selected>' in text
    assert "probabilities: one number for each class" in text
    assert "other" not in text.split('id="id_output"')[1].split("</select>")[0]
    assert '<option value="1" selected>' in text
    assert "It takes age, region by name" in text
    chosen = {"source": "upload", "model": str(model.id), "positive": "0", "output": "label"}
    unseen = text_of(send(client, audit, **chosen))
    assert "Check how the answer of Scorer is read" in unseen
    shown = ["label-0", "sensitive-1", "sensitive-2", f"model-{model.id}"]
    missing = text_of(send(client, audit, **{**chosen, "positive": ""}, shown=shown))
    assert "Choose the class whose probability is audited" in missing
    send(client, audit, **chosen, shown=shown)
    audit.refresh_from_db()
    assert audit.draft["model"]["positive"] == "0"
    plan = plan_from_draft(audit.draft, audit.dataset.profile, profile)  # type: ignore[union-attr]
    assert (plan.model.kind, plan.model.output) == ("onnx", "label")


def test_a_model_without_names_of_classes_offers_its_columns(
    client: Client, team: Team, audit: Audit
) -> None:
    wide = {"name": "y", "type": "tensor(float)", "shape": [None, 3], "role": "probability"}
    profile = {"format": "onnx", "output": "y", "positive": None, "outputs": [wide]}
    model = make_model(team, profile=profile)
    Audit.objects.filter(id=audit.id).update(model=model)
    text = text_of(client.get(reverse("audit-roles", args=[audit.id])))
    found = text.split('id="id_positive"')[1].split("</select>")[0]
    assert found.count("<option") == 4
    assert '<option value="" selected>' in found


def test_groups_of_two_columns_are_shown_where_they_meet(client: Client, team: Team) -> None:
    profile = people()
    profile["columns"][AGE]["distinct"] = 50
    cells = [[sex, str(age), 4] for sex in ("F", "M") for age in range(18, 68)]
    profile["joint"] = [{"columns": ["sex", "age"], "cells": [*cells, ["X", "20", 10]]}]
    audit = make_draft(team, dataset=make_dataset(team, profile=profile), draft={})
    text = text_of(client.get(reverse("audit-roles", args=[audit.id])))
    table = text.split('<table class="cross cross-3">')[1].split("</table>")[0]
    assert "under 25" in table and ">28<" in table
    assert "under the floor of 30 people" in text
    assert '<ul class="group-bars">' not in text


def test_groups_never_counted_together_are_shown_one_by_one(client: Client, audit: Audit) -> None:
    text = text_of(client.get(reverse("audit-roles", args=[audit.id])))
    assert "Sizes are those of each column on its own" in text
    assert text.count('<ul class="group-bars">') == 2


def test_what_a_notice_only_begins_to_list_can_be_opened(client: Client, team: Team) -> None:
    profile = people()
    profile["notices"][0]["lines"] = ["F as Women", "M as Men", "X as given"]
    audit = make_draft(team, dataset=make_dataset(team, profile=profile), draft={})
    text = text_of(client.get(reverse("audit-roles", args=[audit.id])))
    assert "See all three" in text and "M as Men" in text


def test_a_notice_is_answered_without_losing_the_roles(client: Client, audit: Audit) -> None:
    response = send(client, audit, role_4="sensitive", action="confirm shifted:sex")
    text = text_of(response)
    assert "You said that is right." in text
    assert text.count('class="role role-sensitive"') == 3
    audit.refresh_from_db()
    assert audit.draft["confirmed"] == ["shifted:sex"]


def test_what_was_filled_in_can_be_taken_back(client: Client, audit: Audit) -> None:
    send(client, audit, action="undo")
    text = text_of(client.get(reverse("audit-roles", args=[audit.id])))
    assert 'class="role role-label"' not in text
    assert text.count('class="role role-unused"') == 6


def test_five_hundred_columns_stay_usable(client: Client, team: Team) -> None:
    profile = people()
    profile["columns"] += [column(f"extra {i}", {"0": 1, "1": 2}) for i in range(500)]
    audit = make_draft(team, dataset=make_dataset(team, profile=profile), draft={})
    text = text_of(client.get(reverse("audit-roles", args=[audit.id])))
    assert "column-list-many" in text
    assert "data-filter" in text


def test_column_names_are_text_and_never_markup(client: Client, team: Team) -> None:
    profile = people()
    name = '"><script>alert(1)</script>'
    profile["columns"][REGION] = column(name, {"<i>a</i>": 1, "b": 2}, guess="sensitive")
    audit = make_draft(team, dataset=make_dataset(team, profile=profile), draft={})
    text = text_of(client.get(reverse("audit-roles", args=[audit.id])))
    assert "<script>alert" not in text
    assert "<i>a</i>" not in text
