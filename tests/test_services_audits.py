"""Drafting, starting, cancelling, repeating and deleting audits."""

from __future__ import annotations

from typing import Any

import pytest

from auditapp import queue, storage
from auditapp.errors import AuditError
from auditapp.models import Audit, Event, Report, Run
from auditapp.services import audits
from tests.factories import DRAFT, Team, make_dataset, make_draft, make_model, make_run, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team()


def test_saving_a_step_replaces_its_keys_and_keeps_the_others(team: Team) -> None:
    audit = make_draft(team, draft={"roles": {"a": "label"}, "policy": {"floor": 30}})
    audits.draft_save(
        audit=audit, step="roles", data={"roles": {"a": "sensitive"}, "about": {"title": "New"}}
    )
    assert audit.draft["roles"] == {"a": "sensitive"}
    assert audit.draft["policy"] == {"floor": 30}
    assert audit.draft["steps"] == ["roles"]
    assert audit.title == "New"


def test_the_data_step_changes_data_set_and_model(team: Team) -> None:
    audit, model = make_draft(team), make_model(team)
    audits.draft_save(audit=audit, step="data", data={}, dataset=None, model=model)
    assert (audit.dataset, audit.model) == (None, model)
    audits.draft_save(audit=audit, step="policy", data={})
    assert audit.model == model


def test_starting_freezes_the_plan_and_queues_one_run(
    team: Team, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[tuple[str, ...]] = []
    monkeypatch.setattr(queue, "send", lambda *job: sent.append(job))
    with django_capture_on_commit_callbacks(execute=True):
        audit = audits.audit_start(audit=make_draft(team), user=team.bob)
    run = Run.objects.get(audit=audit)
    assert sent == [("execute_run", str(run.id), "cpu")]
    assert (audit.state, run.state) == ("queued", "queued")
    assert audit.plan["attributes"][0]["column"] == "sex"
    assert audit.plan["about"]["title"] == "Hiring"
    assert Event.objects.filter(verb="started", user=team.bob).exists()


def test_a_simulated_table_makes_a_simulated_plan(team: Team) -> None:
    audit = make_draft(team, dataset=make_dataset(team, simulated=True))
    assert audits.audit_start(audit=audit, user=team.bob).plan["about"]["simulated"] is True


def test_an_audit_starts_once(team: Team) -> None:
    audit = make_run(team).audit
    with pytest.raises(AuditError, match="has been started already"):
        audits.audit_start(audit=audit, user=team.bob)
    with pytest.raises(AuditError, match="has been started already"):
        audits.draft_save(audit=audit, step="policy", data={"policy": {}})
    assert Run.objects.count() == 1


def test_an_incomplete_draft_names_the_field_and_stays_a_draft(team: Team) -> None:
    audit = make_draft(team, draft={**DRAFT, "attributes": []})
    with pytest.raises(AuditError) as caught:
        audits.audit_start(audit=audit, user=team.bob)
    assert caught.value.where == "sensitive"
    audit.refresh_from_db()
    assert (audit.state, Run.objects.count()) == ("draft", 0)


def test_a_data_set_that_is_not_ready_starts_nothing(team: Team) -> None:
    for dataset in (None, make_dataset(team, state="checking")):
        with pytest.raises(AuditError) as caught:
            audits.audit_start(audit=make_draft(team, dataset=dataset), user=team.bob)
        assert caught.value.where == "dataset"


def test_cancelling_a_waiting_audit_ends_it_at_once(team: Team) -> None:
    run = make_run(team)
    audit = audits.audit_cancel(audit=run.audit, user=team.bob)
    run.refresh_from_db()
    assert (audit.state, run.state) == ("cancelled", "cancelled")
    assert audit.finished_at is not None


def test_audit_again_copies_the_answers_into_a_new_draft(team: Team) -> None:
    audit = make_run(team).audit
    again = audits.audit_again(audit=audit, user=team.bob)
    assert (again.state, again.previous, again.number) == ("draft", audit, audit.number + 1)
    assert again.draft == audit.draft
    assert (again.dataset, again.plan, again.created_by) == (audit.dataset, None, team.bob)


def test_deleting_an_audit_removes_its_report(
    team: Team, django_capture_on_commit_callbacks: Any
) -> None:
    audit = make_draft(team)
    report = Report.objects.create(audit=audit, result_hash="0" * 64, path="reports/one")
    folder = storage.absolute(report.path)
    folder.mkdir(parents=True)
    with django_capture_on_commit_callbacks(execute=True):
        audits.audit_delete(audit=audit, user=team.bob)
    assert not folder.exists()
    assert Audit.objects.count() == 0
    assert Event.objects.get(verb="deleted").name == "Hiring"


def test_an_audit_in_progress_is_not_deleted(team: Team) -> None:
    audit = make_run(team).audit
    with pytest.raises(AuditError, match="Cancel it first"):
        audits.audit_delete(audit=audit, user=team.bob)
