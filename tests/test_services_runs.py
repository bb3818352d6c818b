"""Claim, lease, fence: no run is done twice, and none is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from auditapp import queue, sandbox
from auditapp.errors import AuditError
from auditapp.models import Event, Report, Run
from auditapp.services import audits, leases, runs
from tests.factories import Team, make_run, make_team

pytestmark = pytest.mark.django_db
OUTCOME = {"hash": "a" * 64, "summary": {"headline": "Seven of eight"}, "pages": 14}
Json = dict[str, Any]


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(queue, "send", lambda _name, key, *_: names.append(key))
    monkeypatch.setattr(queue, "status", lambda: {"ok": True, "waiting": {"cpu": 0}})
    return names


def _child(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[Json], Any] | None = None
) -> list[Json]:
    """Replace the pipeline's process by a function; its orders come back."""
    orders: list[Json] = []

    def run_child(_target: str, payload: Json, **hooks: Any) -> Json:
        orders.append(payload)
        Path(payload["out"]).mkdir()
        (Path(payload["out"]) / "result.json").write_text("{}")
        answer = act(hooks) if act is not None else None
        return dict(OUTCOME) if answer is None else dict(answer)

    monkeypatch.setattr(sandbox, "run_child", run_child)
    return orders


def _expire(run: Run) -> None:
    Run.objects.filter(id=run.id).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_run_ends_in_a_report(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = _child(monkeypatch)
    run = make_run(team)
    runs.run_execute(run_id=run.id)
    run.refresh_from_db()
    audit, report = run.audit, Report.objects.get()
    assert (run.state, audit.state, run.progress["percent"]) == ("done", "done", 100)
    assert audit.summary == OUTCOME["summary"]
    assert (report.result_hash, report.pages) == ("a" * 64, 14)
    assert (report.folder / "result.json").read_text() == "{}"
    assert orders[0]["plan"] == audit.plan
    assert orders[0]["run"]["id"] == audit.report_id


def test_an_audit_again_gets_the_result_it_is_compared_with(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = _child(monkeypatch)
    first = make_run(team)
    runs.run_execute(run_id=first.id)
    failed = audits.audit_again(audit=first.audit, user=team.alice)
    again = audits.audit_again(audit=failed, user=team.alice)
    audits.audit_start(audit=again, user=team.alice)
    runs.run_execute(run_id=again.runs.get().id)
    assert orders[0]["previous"] is None
    assert orders[1]["previous"] == str(
        Report.objects.get(audit=first.audit).folder / "result.json"
    )


def test_a_result_that_is_gone_is_no_reason_to_fail(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = _child(monkeypatch)
    first = make_run(team)
    runs.run_execute(run_id=first.id)
    (Report.objects.get().folder / "result.json").unlink()
    again = audits.audit_again(audit=first.audit, user=team.alice)
    audits.audit_start(audit=again, user=team.alice)
    runs.run_execute(run_id=again.runs.get().id)
    assert orders[1]["previous"] is None


def test_a_second_delivery_changes_nothing(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = _child(monkeypatch)
    run = make_run(team)
    runs.run_execute(run_id=run.id)
    runs.run_execute(run_id=run.id)
    assert len(orders) == 1
    assert Report.objects.count() == 1


def test_a_held_run_cannot_be_claimed(team: Team) -> None:
    run = make_run(team)
    assert runs.run_claim(run_id=run.id) is not None
    assert runs.run_claim(run_id=run.id) is None
    run.refresh_from_db()
    assert (run.attempt, run.losses, run.audit.state) == (1, 0, "running")


def test_a_run_is_claimed_again_when_its_lease_is_over(team: Team, sent: list[str]) -> None:
    run = make_run(team)
    runs.run_claim(run_id=run.id)
    _expire(run)
    again = runs.run_claim(run_id=run.id)
    assert again is not None
    assert (again.attempt, again.losses) == (2, 1)


def test_results_of_a_lost_attempt_are_thrown_away(team: Team, tmp_path: Path) -> None:
    run = make_run(team)
    first = runs.run_claim(run_id=run.id)
    _expire(run)
    second = runs.run_claim(run_id=run.id)
    assert first is not None
    assert second is not None
    (tmp_path / "late").mkdir()
    (tmp_path / "good").mkdir()
    assert runs.run_finish(run=first, outcome=OUTCOME, out=tmp_path / "late") is False
    assert Report.objects.count() == 0
    assert runs.run_finish(run=second, outcome=OUTCOME, out=tmp_path / "good") is True
    assert Report.objects.count() == 1


def test_a_late_error_of_a_lost_attempt_changes_nothing(team: Team) -> None:
    run = make_run(team)
    first = runs.run_claim(run_id=run.id)
    _expire(run)
    runs.run_claim(run_id=run.id)
    assert first is not None
    runs.run_stop(run=first, error=AuditError("child-killed", "Killed."))
    run.refresh_from_db()
    assert run.state == "running"


def test_a_run_whose_worker_vanishes_three_times_fails_readably(
    team: Team, sent: list[str]
) -> None:
    run = make_run(team)
    for _ in range(leases.MOST_ATTEMPTS):
        assert runs.run_claim(run_id=run.id) is not None
        _expire(run)
        runs.requeue_stale()
    run.refresh_from_db()
    assert (run.state, run.audit.state, run.attempt) == ("failed", "failed", 3)
    assert run.audit.error["code"] == "worker-lost"
    assert runs.run_claim(run_id=run.id) is None
    assert Event.objects.filter(verb="failed").count() == 1


def test_stale_runs_are_queued_again(
    team: Team, sent: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    run = make_run(team)
    runs.run_claim(run_id=run.id)
    with django_capture_on_commit_callbacks(execute=True):
        assert runs.requeue_stale() == 0
        _expire(run)
        assert runs.requeue_stale() == 1
    run.refresh_from_db()
    assert (run.state, run.audit.state, sent) == ("queued", "queued", [str(run.id)])


def test_a_supervisor_frees_what_its_dead_worker_held_and_it_is_done_once(
    team: Team, sent: list[str], monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    orders = _child(monkeypatch)
    run = make_run(team)
    runs.run_claim(run_id=run.id)
    with django_capture_on_commit_callbacks(execute=True):
        assert runs.free_all() == 1
    for key in [*sent, str(run.id)]:
        runs.run_execute(run_id=key)
    run.refresh_from_db()
    assert (len(orders), run.attempt, run.losses, run.state) == (1, 2, 1, "done")


def test_stopping_on_purpose_is_no_loss(team: Team) -> None:
    run = make_run(team)
    for _ in range(5):
        assert runs.run_claim(run_id=run.id) is not None
        runs.free_all(lost=False)
    run.refresh_from_db()
    assert (run.state, run.losses, run.attempt) == ("queued", 0, 5)


def test_what_was_never_sent_is_sent_again(
    team: Team, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(team)
    assert runs.send_unsent(seconds=60) == 0
    Run.objects.update(queued_at=timezone.now() - timedelta(seconds=61))
    monkeypatch.setattr(queue, "status", lambda: {"ok": True, "waiting": {"cpu": 1}})
    assert runs.send_unsent(seconds=60) == 0
    monkeypatch.setattr(queue, "status", lambda: {"ok": True, "waiting": {"cpu": 0}})
    assert runs.send_unsent(seconds=60) == 1
    assert sent == [str(run.id)]


def test_cancelling_a_running_audit_stops_its_child(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(team)

    def act(hooks: Json) -> None:
        assert hooks["should_stop"]() is None
        audits.audit_cancel(audit=run.audit, user=team.bob)
        assert Run.objects.get().cancel_requested
        _skip_a_second(hooks)
        assert hooks["should_stop"]() == "cancel"
        raise AuditError("cancelled", "Stopped.")

    _child(monkeypatch, act)
    runs.run_execute(run_id=run.id)
    run.refresh_from_db()
    assert (run.state, run.audit.state, run.audit.error) == ("cancelled", "cancelled", None)


def test_cancelling_after_the_worker_vanished_ends_the_audit(team: Team) -> None:
    run = make_run(team)
    runs.run_claim(run_id=run.id)
    _expire(run)
    assert audits.audit_cancel(audit=run.audit, user=team.bob).state == "cancelled"


def test_a_cancelled_run_of_a_vanished_worker_is_not_started_again(
    team: Team, sent: list[str]
) -> None:
    run = make_run(team)
    runs.run_claim(run_id=run.id)
    audits.audit_cancel(audit=run.audit, user=team.bob)
    _expire(run)
    runs.requeue_stale()
    run.refresh_from_db()
    assert (run.state, run.audit.state, sent) == ("cancelled", "cancelled", [])


def test_progress_is_stored_and_the_lease_renewed(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(team)
    steps = [{"slug": "read", "title": "Read the table", "state": "running"}]

    def act(hooks: Json) -> None:
        Run.objects.update(lease_until=timezone.now())
        hooks["on_progress"](
            {"done": 5, "total": 100, "text": "Read the table", "percent": 5, "steps": steps}
        )
        hooks["should_stop"]()
        row = Run.objects.get()
        assert row.progress["percent"] == 5
        assert row.progress["steps"] == steps
        assert row.progress["elapsed"] >= 0
        assert row.lease_until > timezone.now() + timedelta(seconds=10)

    _child(monkeypatch, act)
    runs.run_execute(run_id=run.id)
    run.refresh_from_db()
    assert run.state == "done", run.error


def test_losing_the_lease_stops_the_child_without_a_trace(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(team)

    def act(hooks: Json) -> None:
        Run.objects.update(attempt=7)
        assert hooks["should_stop"]() == "cancel"
        raise AuditError("cancelled", "Stopped.")

    _child(monkeypatch, act)
    runs.run_execute(run_id=run.id)
    run.refresh_from_db()
    assert (run.state, run.attempt) == ("running", 7)


def test_a_busy_database_does_not_end_an_audit(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.run_claim(run_id=make_run(team).id)
    assert run is not None
    holder = leases.Holder(run, time_limit=60)

    def locked() -> str:
        raise OperationalError("database is locked")

    monkeypatch.setattr(holder, "_renew", locked)
    assert holder.should_stop() is None


def test_the_time_limit_ends_the_child(team: Team) -> None:
    run = runs.run_claim(run_id=make_run(team).id)
    assert run is not None
    assert leases.Holder(run, time_limit=0).should_stop() == "deadline"


def test_an_error_of_the_audit_is_stored_as_it_is(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act(_: Json) -> None:
        raise AuditError("one-class", "Column “y” has one value.", "Choose another.")

    _child(monkeypatch, act)
    run = make_run(team)
    runs.run_execute(run_id=run.id)
    run.refresh_from_db()
    assert (run.state, run.audit.state) == ("failed", "failed")
    assert run.audit.error["message"] == "Column “y” has one value."


def test_a_passing_error_is_tried_again(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    def act(_: Json) -> None:
        raise AuditError("disk-full", "The disk is full.", permanent=False)

    _child(monkeypatch, act)
    run = make_run(team)
    runs.run_execute(run_id=run.id)
    run.refresh_from_db()
    assert (run.state, run.losses) == ("queued", 1)


def test_an_unforeseen_error_is_shown_as_a_reference(
    team: Team, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    def act(_: Json) -> None:
        raise KeyError("/etc/secret")

    _child(monkeypatch, act)
    run = make_run(team)
    runs.run_execute(run_id=run.id)
    run.refresh_from_db()
    assert run.error["code"] == "internal"
    assert "secret" not in str(run.error)
    assert list(settings.TEMP_DIR.glob("run-*")) == []


def _skip_a_second(hooks: Json) -> None:
    hooks["should_stop"].__self__._next = 0.0
