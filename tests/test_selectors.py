"""Who sees what: owner, colleague, viewer, stranger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from auditapp import selectors
from auditapp.models import Report
from tests.factories import Team, make_dataset, make_draft, make_model, make_team

pytestmark = pytest.mark.django_db
Case = tuple[Callable[..., Any], Callable[[Team], Any]]
CASES: dict[str, Case] = {
    "audit": (selectors.audit_get, make_draft),
    "dataset": (selectors.dataset_get, make_dataset),
    "model": (selectors.model_get, make_model),
}
LISTS = [
    selectors.audits_for,
    selectors.datasets_for,
    selectors.models_for,
    selectors.events_for,
]


@pytest.mark.parametrize("name", CASES)
def test_it_shows_a_thing_to_every_member(name: str) -> None:
    get, make = CASES[name]
    team = make_team()
    row = make(team)
    for user in (team.alice, team.bob, team.vera):
        assert get(user=user, id=row.id) == row


@pytest.mark.parametrize("name", CASES)
def test_it_hides_a_thing_from_a_stranger(name: str) -> None:
    get, make = CASES[name]
    team = make_team()
    row = make(team)
    with pytest.raises(Http404):
        get(user=team.charlie, id=row.id)


@pytest.mark.parametrize("name", CASES)
def test_a_viewer_may_not_edit(name: str) -> None:
    get, make = CASES[name]
    team = make_team()
    row = make(team)
    assert get(user=team.bob, id=row.id, edit=True) == row
    with pytest.raises(PermissionDenied):
        get(user=team.vera, id=row.id, edit=True)


def test_lists_hold_nothing_of_other_workspaces() -> None:
    team = make_team()
    make_draft(team)
    make_model(team)
    for rows in LISTS:
        assert rows(user=team.bob).count() > 0
        assert not rows(user=team.charlie).filter(workspace=team.workspace).exists()
        assert rows(user=team.charlie, workspace=team.workspace).count() == 0


def test_a_report_is_hidden_from_a_stranger() -> None:
    team = make_team()
    audit = make_draft(team)
    report = Report.objects.create(audit=audit, result_hash="0" * 64, path="reports/x")
    assert selectors.report_get(user=team.vera, audit_id=audit.id) == report
    with pytest.raises(Http404):
        selectors.report_get(user=team.charlie, audit_id=audit.id)


def test_workspaces_are_those_of_the_user() -> None:
    team = make_team()
    assert [w.name for w in selectors.workspaces_for(user=team.charlie)] == ["Elsewhere"]
    with pytest.raises(Http404):
        selectors.workspace_get(user=team.charlie, slug=team.workspace.slug)


def test_the_audit_list_costs_the_same_however_long(django_assert_num_queries: Any) -> None:
    team = make_team()
    dataset = make_dataset(team)
    for _ in range(3):
        make_draft(team, dataset=dataset)
    with django_assert_num_queries(2):
        for audit in selectors.audits_for(user=team.bob, workspace=team.workspace):
            assert audit.dataset.name
            assert selectors.audit_run(audit=audit) is None


def test_search_looks_at_titles_and_data_sets() -> None:
    team = make_team()
    make_draft(team, title="Loans")
    make_draft(team, title="Hiring", dataset=make_dataset(team, name="Loans of 2024"))
    make_draft(team, title="Bail")
    found = selectors.audits_for(user=team.bob, search="loans")
    assert sorted(audit.title for audit in found) == ["Hiring", "Loans"]
