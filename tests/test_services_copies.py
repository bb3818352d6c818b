"""The worker's side of copies: made once, by one, again after a loss."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from auditapp import result, storage
from auditapp.models import Audit, Event, Report, SharedCopy, State
from auditapp.services import copies, runs, upkeep, verify
from tests.factories import Team, make_draft, make_team
from tests.report_documents import cached

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team()


def finished(team: Team, document: dict[str, Any]) -> Report:
    audit = make_draft(team, title="Hiring")
    Audit.objects.filter(id=audit.id).update(state=State.DONE, plan={}, summary={})
    digest = result.result_hash(document)
    report = Report.objects.create(audit=audit, result_hash=digest, path=f"reports/{audit.id}")
    report.folder.mkdir(parents=True)
    result.write(document, report.folder / "result.json")
    return report


def test_a_worker_makes_a_copy_that_is_signed_and_checks_out(team: Team) -> None:
    report = finished(team, cached(n=1500))
    copy = copies.copy_ensure(report=report, smallest=10, user=team.alice)
    copies.copy_make(copy_id=copy.id)
    copy.refresh_from_db()
    assert copy.error is None
    assert copy.state == State.DONE
    document = result.read(copy.folder / "result.json")
    assert result.result_hash(document) == copy.result_hash
    assert document["suppressed"]["of"] == report.result_hash
    assert document["run"]["signed_with"]
    assert {"report.pdf", "report.json", "tables.csv", "result.json", "charts"} <= {
        path.name for path in copy.folder.iterdir()
    }
    assert Event.objects.filter(verb="copy made").count() == 1
    copies.copy_make(copy_id=copy.id)
    assert Event.objects.filter(verb="copy made").count() == 1
    assert copies.copy_ensure(report=report, smallest=10, user=team.bob).id == copy.id
    before = copy.path
    upkeep.sweep()
    assert storage.absolute(before).is_dir()


def test_a_copy_that_was_replaced_is_still_known_by_its_bytes(team: Team, tmp_path: Path) -> None:
    report = finished(team, cached(n=1500))
    copy = copies.copy_ensure(report=report, smallest=10, user=team.alice)
    copies.copy_make(copy_id=copy.id)
    copy.refresh_from_db()
    former = tmp_path / "copy.pdf"
    former.write_bytes((copy.folder / "report.pdf").read_bytes())
    document = result.read(report.folder / "result.json")
    document["run"] = {**document["run"], "status": "final"}
    result.write(document, report.folder / "result.json")
    Report.objects.filter(id=report.id).update(status="final", final_at=timezone.now())
    copies.copies_follow(report=Report.objects.get(id=report.id))
    copies.copy_make(copy_id=copy.id)
    copy.refresh_from_db()
    assert len(copy.written) == 4
    answer = verify.verify_file(path=former)
    assert (answer.outcome, answer.kind, answer.edition) == ("match", "pdf", "draft")
    assert answer.earlier
    answer = verify.verify_file(path=copy.folder / "report.pdf")
    assert (answer.outcome, answer.earlier) == ("match", False)
    assert answer.first is not None
    assert answer.first.smallest == 10


def test_a_copy_that_cannot_be_made_says_why_and_may_be_asked_for_again(team: Team) -> None:
    report = finished(team, cached(n=600))
    copy = copies.copy_ensure(report=report, smallest=500, user=team.alice)
    copies.copy_make(copy_id=copy.id)
    copy.refresh_from_db()
    assert copy.state == State.FAILED
    assert copy.error["code"] == "copy-too-few"
    assert not copy.ready
    copies.copy_ensure(report=report, smallest=500, user=team.alice)
    copy.refresh_from_db()
    assert copy.is_open
    assert copy.error is None


def test_a_copy_whose_worker_vanished_is_made_again(team: Team) -> None:
    report = finished(team, {})
    copy = copies.copy_ensure(report=report, smallest=10, user=team.alice)
    past = timezone.now() - timedelta(seconds=1)
    SharedCopy.objects.filter(id=copy.id).update(state=State.RUNNING, attempt=1, lease_until=past)
    runs.requeue_stale()
    copy.refresh_from_db()
    assert copy.state == State.QUEUED
    assert copy.losses == 1


def test_a_late_worker_changes_nothing(team: Team, tmp_path: Any) -> None:
    report = finished(team, {})
    copy = copies.copy_ensure(report=report, smallest=10, user=team.alice)
    SharedCopy.objects.filter(id=copy.id).update(state=State.RUNNING, attempt=1)
    stale = SharedCopy.objects.get(id=copy.id)
    SharedCopy.objects.filter(id=copy.id).update(attempt=2)
    (tmp_path / "result.json").write_text(json.dumps({}))
    made = {"hash": "ab" * 32, "status": "draft"}
    copies._finish(stale, made, tmp_path, of=report.path)
    copy.refresh_from_db()
    assert copy.state == State.RUNNING
    assert copy.path == ""
