"""Step 4 of a new audit: remedies, their settings, start."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

import mitigations
from auditapp.forms.remedy_words import roughly, seconds
from auditapp.models import Audit, State
from mitigations.catalogue import catalogue
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
    "steps": ["data", "roles", "policy"],
}
DECISIONS = {
    "model": {"kind": "columns"},
    "decision": {"column": "region", "favourable": ["North"]},
    "score": None,
    "roles": {
        "hired": "label", "sex": "sensitive", "age": "sensitive", "region": "decision",
        "score": "unit",
    },
}  # fmt: skip


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


def address(audit: Audit) -> str:
    return reverse("audit-remedies", args=[audit.id])


def page(client: Client, audit: Audit) -> str:
    return client.get(address(audit)).content.decode()


def defaults(*slugs: str) -> dict[str, Any]:
    """What the page sends for these methods when nothing is changed."""
    data: dict[str, Any] = {"methods": list(slugs)}
    for entry in catalogue():
        for item in entry.parameters:
            if item.kind == "switch":
                data |= {f"{entry.slug}--{item.name}": "on"} if item.default else {}
            else:
                data[f"{entry.slug}--{item.name}"] = item.shown(item.default)
    return data


def send(client: Client, audit: Audit, *slugs: str, **changes: Any) -> Any:
    data = {**defaults(*slugs), "protect": "sex", "action": "start", **changes}
    return client.post(address(audit), data)


def box(text: str, slug: str) -> str:
    """The tag of a method's box."""
    return text.split(f'name="methods" value="{slug}"')[1].split(">")[0]


def test_the_page_lists_every_method_under_its_heading(client: Client, team: Team) -> None:
    text = page(client, draft_of(team))
    for entry in catalogue():
        assert f'name="methods" value="{entry.slug}"' in text
    assert 'id="id_methods_0"' in text  # where an error leads to
    assert text.index("The model stays as it is") < text.index("A new model is trained")
    assert " checked" in box(text, "thresholds")
    assert " checked" not in box(text, "reweighing")
    assert "1 remedy: " in text or "2 remedies: " in text
    assert "Needs the group at decision time." in text


def test_start_freezes_methods_with_every_setting(client: Client, team: Team) -> None:
    audit = draft_of(team)
    response = send(
        client, audit, "reweighing", "thresholds",
        **{"thresholds--limits": "0.02; 0.05", "thresholds--deterministic": ""}, protect="age",
    )  # fmt: skip
    assert response["Location"] == reverse("audit-progress", args=[audit.id])
    audit.refresh_from_db()
    assert audit.plan is not None and audit.plan["protect"] == "age"
    first, second = audit.plan["methods"]
    assert (first["slug"], second["slug"]) == ("thresholds", "reweighing")
    assert first["settings"]["limits"] == [0.02, 0.05]
    assert first["settings"]["deterministic"] is False
    assert second["settings"]["strengths"] == [0.0, 0.5, 1.0]


def test_what_was_chosen_comes_back(client: Client, team: Team) -> None:
    audit = draft_of(team)
    send(client, audit, "reweighing", **{"reweighing--rows": "5000"}, action="save")
    audit.refresh_from_db()
    assert audit.state == State.DRAFT
    text = page(client, audit)
    assert " checked" in box(text, "reweighing")
    assert " checked" not in box(text, "thresholds")
    assert 'value="5000"' in text


def test_no_remedy_is_an_answer_too(client: Client, team: Team) -> None:
    audit = draft_of(team)
    send(client, audit, action="save")
    audit.refresh_from_db()
    assert audit.draft["methods"] == [] and audit.draft["protect"] is None
    assert "No remedy is ticked." in page(client, audit)
    assert send(client, audit).status_code == 302
    audit.refresh_from_db()
    assert audit.plan is not None and audit.plan["methods"] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"thresholds--limits": "a few"}, "Limits on the gap is “a few”. Enter up to 50 numbers"),
        ({"thresholds--limits": ""}, "Limits on the gap is empty."),
        ({"thresholds--limits": "0.1, 7"}, "from 0 to 1, separated by commas"),
        ({"thresholds--limits": "0.1," * 200}, "enter at most 400 characters"),
        ({"thresholds--norm": "euclid"}, "Enter one of inf, 1"),
        ({"protect": "region"}, "Choose one of the sensitive columns"),
        ({"protect": ""}, "Choose one of the sensitive columns"),
        ({"methods": ["thresholds", "no-such"]}, "The remedy “no-such” cannot be tried"),
        ({"methods": ["<b>"]}, "The remedy “&lt;b&gt;” cannot be tried"),
    ],
)
def test_errors_stand_at_the_field_and_at_the_top(
    changes: dict[str, Any], words: str, client: Client, team: Team
) -> None:
    audit = draft_of(team)
    response = send(client, audit, "thresholds", **changes)
    text = response.content.decode()
    assert response.status_code == 422
    assert "<title>Error: Remedies" in text
    assert words in text.split('id="error-summary"')[1].split("</ul>")[0]
    assert text.count(words) >= 2
    audit.refresh_from_db()
    assert audit.state == State.DRAFT and "methods" not in audit.draft


def test_a_setting_with_an_error_is_not_folded_away(client: Client, team: Team) -> None:
    text = send(client, draft_of(team), "thresholds", **{"thresholds--limits": "x"})
    assert 'id="more-thresholds" open' in text.content.decode()


def test_settings_of_methods_that_are_not_ticked_are_not_looked_at(
    client: Client, team: Team
) -> None:
    audit = draft_of(team)
    assert send(client, audit, "reweighing", **{"thresholds--limits": "x"}).status_code == 302


def test_methods_that_need_more_than_the_audit_has_say_what(client: Client, team: Team) -> None:
    text = page(client, draft_of(team, **DECISIONS))
    assert " disabled" in box(text, "thresholds")
    assert "Needs a score." in text and "Needs columns that a model can learn from." in text


def test_a_method_that_cannot_be_tried_is_refused_when_it_is_sent(
    client: Client, team: Team
) -> None:
    audit = draft_of(team, **DECISIONS)
    response = send(client, audit, "thresholds")
    assert response.status_code == 422
    assert "cannot be tried in this audit" in response.content.decode()


def test_without_a_label_nothing_can_be_tried_and_the_audit_still_starts(
    client: Client, team: Team
) -> None:
    audit = draft_of(team, label=None, **{**DECISIONS, "roles": {"sex": "sensitive"}})
    text = page(client, audit)
    assert "This audit has no label" in text and "Needs a label column." in text
    assert " disabled" in box(text, "thresholds")
    assert send(client, audit, "thresholds").status_code == 422
    assert send(client, audit).status_code == 302


def test_an_uploaded_model_counts_as_one_that_can_be_asked(client: Client, team: Team) -> None:
    audit = draft_of(team, model={"kind": "upload"})
    profile = {"format": "onnx", "name": "m.onnx", "sha256": "1" * 64, "features": ["age"]}
    Audit.objects.filter(id=audit.id).update(model=make_model(team, profile=profile))
    text = page(client, audit)
    assert " disabled" not in box(text, "thresholds")
    assert " disabled" not in box(text, "reweighing")


def test_a_method_between_two_groups_needs_a_column_that_has_two(
    client: Client, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from auditapp.forms import remedies

    found = tuple(
        replace(e, card=replace(e.card, needs=e.card.needs | {"two-groups"}))
        if e.slug == "reweighing"
        else e
        for e in catalogue()
    )
    monkeypatch.setattr(remedies, "catalogue", lambda: found)
    audit = draft_of(team)
    text = send(client, audit, "reweighing", protect="age").content.decode()
    assert "works between exactly two groups, and this column has 3" in text
    assert send(client, audit, "reweighing", protect="sex").status_code == 302
    other = draft_of(team, attributes=DRAFT["attributes"][1:])
    assert " disabled" in box(page(client, other), "reweighing")


def test_columns_can_be_kept_from_being_moved(client: Client, team: Team) -> None:
    audit = draft_of(team)
    assert 'name="immutable" value="region"' in page(client, audit)
    assert 'name="immutable" value="sex"' not in page(client, audit)
    assert send(client, audit, immutable=["sex"]).status_code == 422
    send(client, audit, "counterfactual", immutable=["region"], action="save")
    assert 'value="region" id="id_immutable_0" checked' in page(client, audit)
    send(client, audit, "counterfactual", immutable=["region"])
    audit.refresh_from_db()
    assert audit.plan is not None and audit.plan["immutable"] == ["region"]
    given = page(client, draft_of(team, **DECISIONS))
    assert "Columns that stay as they are" not in given


def test_one_sensitive_column_is_named_and_not_asked_for(client: Client, team: Team) -> None:
    audit = draft_of(team, attributes=DRAFT["attributes"][:1])
    text = page(client, audit)
    assert "Between the groups of Sex" in text and "id_protect" not in text
    send(client, audit, "thresholds", protect="")
    audit.refresh_from_db()
    assert audit.plan is not None and audit.plan["protect"] == "sex"


def test_a_broken_method_does_not_take_the_page_down(
    client: Client, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(mitigations.REGISTRY, "broken", "mitigations.nothing:Here")
    text = page(client, draft_of(team))
    assert " checked" in box(text, "thresholds") and "broken" not in text


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"steps": ["data", "roles"]}, "audit-policy"),
        ({"steps": ["data"]}, "audit-roles"),
        ({"outcome": "multiclass"}, "audit-policy"),
    ],
)
def test_the_page_waits_for_the_steps_before_it(
    changes: dict[str, Any], name: str, client: Client, team: Team
) -> None:
    audit = draft_of(team, **changes)
    assert client.get(address(audit))["Location"] == reverse(name, args=[audit.id])


def test_an_audit_that_was_started_leads_to_its_progress(client: Client, team: Team) -> None:
    audit = draft_of(team)
    send(client, audit)
    assert client.get(address(audit))["Location"] == reverse("audit", args=[audit.id])
    assert send(client, audit, "thresholds").status_code == 302


def test_owner_and_colleague_see_it_a_viewer_and_a_stranger_do_not(team: Team) -> None:
    audit = draft_of(team)
    for user, status in (
        (team.alice, 200), (team.bob, 200), (team.vera, 403), (team.charlie, 404),
    ):  # fmt: skip
        client = Client()
        client.force_login(user)
        assert client.get(address(audit)).status_code == status
        sent = send(client, audit, "thresholds", action="save").status_code
        assert (sent < 400) == (status == 200)


def policy(client: Client, audit: Audit, action: str) -> Any:
    data = {
        "goal": "tpr", "tolerance": "5", "floor": "30", "threshold": "0.5", "intersections": "2",
        "denominator_floor": "10", "draws": "500", "seed": "7", "title": "Hiring",
        "action": action,
    }  # fmt: skip
    return client.post(reverse("audit-policy", args=[audit.id]), data)


def test_the_policy_goes_on_to_the_remedies_or_starts_without_any(
    client: Client, team: Team
) -> None:
    audit = draft_of(team, methods=[{"slug": "reweighing", "settings": {}}], steps=["roles"])
    response = client.get(reverse("audit-policy", args=[audit.id])).content.decode()
    assert "Continue to remedies" in response and "Start without remedies" in response
    assert policy(client, audit, "continue")["Location"] == address(audit)
    assert client.get(reverse("audit", args=[audit.id]))["Location"] == address(audit)
    policy(client, audit, "start")
    audit.refresh_from_db()
    assert audit.plan is not None and audit.plan["methods"] == []


def test_a_policy_that_makes_no_plan_does_not_go_on(client: Client, team: Team) -> None:
    audit = draft_of(team)
    data = {"goal": "tpr", "tolerance": "5", "floor": "30", "threshold": "7",
            "intersections": "2", "denominator_floor": "10", "draws": "500", "seed": "7",
            "title": "Hiring", "action": "continue"}  # fmt: skip
    response = client.post(reverse("audit-policy", args=[audit.id]), data)
    assert response.status_code == 422
    assert "The threshold 7 lies outside the scores" in response.content.decode()


def test_without_a_label_the_policy_starts_the_audit(client: Client, team: Team) -> None:
    audit = draft_of(team, label=None, **DECISIONS)
    text = client.get(reverse("audit-policy", args=[audit.id])).content.decode()
    assert "Start audit" in text and "Continue to remedies" not in text


def test_times_are_guessed_in_words() -> None:
    assert [roughly(s) for s in (1, 12, 44, 55, 100, 600)] == [
        "a few seconds", "about 10 seconds", "about 40 seconds", "about a minute",
        "about 2 minutes", "about 10 minutes",
    ]  # fmt: skip
    assert seconds("thresholds", 10) <= seconds("thresholds", 1_000_000)
