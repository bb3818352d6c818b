"""The list of audits and the first run."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from auditapp.models import Audit, State
from auditapp.services.audits import audit_start
from tests.factories import Team, make_dataset, make_draft, make_team
from tests.schedule_pages import make_alert, make_schedule

pytestmark = pytest.mark.django_db

SUMMARY = {
    "headline": "Women chosen less often than men",
    "verdict": "difference",
    "tally": {"difference": 3, "no_difference": 0, "not_enough_data": 1},
    "largest": {
        "label": "Women",
        "value": -0.195,
        "low": -0.198,
        "high": -0.192,
        "tolerance": 0.05,
        "verdict": "difference",
    },
    "rows": 3,
}


@pytest.fixture
def team() -> Team:
    return make_team()


def page_of(team: Team, query: str = "") -> str:
    client = Client()
    client.force_login(team.alice)
    return client.get(reverse("home") + query).content.decode()


def finish(audit: Audit, **fields: Any) -> None:
    values = {"state": State.DONE, "plan": {}, "summary": SUMMARY, **fields}
    Audit.objects.filter(id=audit.id).update(**values)


def test_a_new_workspace_says_what_this_is_for(team: Team) -> None:
    page = page_of(team)
    assert "Who is treated differently" in page
    assert reverse("audit-new") in page
    assert "This installation" in page


def test_a_gap_of_predicted_numbers_stands_in_its_own_unit(team: Team) -> None:
    amount = {"value": "+1,173", "span": "+908 to +1,437", "unit": "units"}
    named = {"label": "Men", "metric": "bias", "comparator": "women", "verdict": "difference"}
    largest = {**named, "value": 1173.0, "low": 908.0, "high": 1437.0, "amount": amount}
    finish(make_draft(team), summary={**SUMMARY, "largest": largest})
    page = page_of(team)
    assert "+1,173" in page
    assert "+908 to +1,437" in page
    assert "117,300" not in page
    assert "Predictions lean higher for Men than for women" in page


def test_someone_in_no_workspace_is_told_so(team: Team) -> None:
    team.workspace.member_set.all().delete()
    assert "You are in no workspace yet" in page_of(team)


def test_a_finished_audit_shows_verdict_gap_with_interval_and_tally(team: Team) -> None:
    finish(make_draft(team, title="Income model"))
    page = page_of(team)
    assert "Income model" in page
    assert "Difference found" in page
    assert "−19.5" in page and "(−19.8 to −19.2)" in page.replace("\n", "")
    assert 'class="mini-strip"' in page
    assert '3<span class="hidden-words"> Difference found' in page
    assert '0<span class="hidden-words"> No difference found' in page


def test_a_difference_is_said_in_a_few_words(team: Team) -> None:
    largest = {**SUMMARY["largest"], "metric": "tpr", "comparator": "Men"}  # type: ignore[dict-item]
    finish(make_draft(team), summary={**SUMMARY, "largest": largest})
    assert "Women recognised less often than Men" in page_of(team)


def test_a_finished_audit_without_a_gap_draws_none(team: Team) -> None:
    finish(make_draft(team), summary={"verdict": "not-applicable", "tally": {}, "largest": None})
    page = page_of(team)
    assert "no gap measured" in page
    assert 'class="mini-strip"' not in page


def test_running_refused_and_draft_are_told_apart(team: Team) -> None:
    audit_start(audit=make_draft(team, title="Runs"), user=team.alice)
    error = {"code": "x", "message": "Column a is blank.", "hint": "Fill it."}
    refused = make_dataset(team, state="refused", error=error, rows=None, profile=None)
    make_draft(team, title="Refused", dataset=refused)
    make_draft(team, title="Draft")
    page = page_of(team)
    assert "<progress" in page
    assert "Column a is blank." in page and "Fix it" in page
    assert "Not started yet." in page


def test_tabs_and_search_narrow_the_list(team: Team) -> None:
    finish(make_draft(team, title="Found one"))
    make_draft(team, title="Other one")
    assert "Other one" not in page_of(team, "?show=difference")
    assert "Found one" in page_of(team, "?show=difference")
    assert "Nothing runs at the moment." in page_of(team, "?show=running")
    assert "Found one" not in page_of(team, "?find=Other")
    assert "No audit here has" in page_of(team, "?find=zebra")
    assert "Found one" in page_of(team, "?show=nonsense&page=99")


def test_the_page_costs_the_same_however_long_the_list(
    team: Team, django_assert_max_num_queries: Any
) -> None:
    client = Client()
    client.force_login(team.alice)
    dataset = make_dataset(team)
    for i in range(12):
        finish(make_draft(team, title=f"Audit {i}", dataset=dataset))
    client.get(reverse("home"))
    with django_assert_max_num_queries(19):
        assert client.get(reverse("home")).status_code == 200


def test_profiles_and_plans_are_not_read_for_the_list(
    team: Team, django_assert_max_num_queries: Any
) -> None:
    finish(make_draft(team))
    client = Client()
    client.force_login(team.alice)
    client.get(reverse("home"))
    with django_assert_max_num_queries(19) as context:
        client.get(reverse("home"))
    assert not any('"profile"' in query["sql"] for query in context.captured_queries)


def test_a_poll_gets_the_list_alone(team: Team) -> None:
    audit_start(audit=make_draft(team), user=team.alice)
    client = Client()
    client.force_login(team.alice)
    text = client.get(reverse("home"), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in text
    assert "data-poll" in text


def test_systems_schedules_and_space_stand_beside_the_list(team: Team) -> None:
    audit = make_draft(team)
    finish(audit, plan={"about": {"system": "Hiring model"}}, finished_at=timezone.now())
    page = page_of(team)
    assert "Systems under audit" in page
    assert "Hiring model" in page
    assert "A schedule repeats a finished audit" in page
    assert "used by data, models and reports" in page
    make_alert(make_schedule(team))
    page = page_of(team)
    assert "1 of 1 active. 1 open alert." in page
    assert "Europe/Berlin" in page
