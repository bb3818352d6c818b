"""Making reports final: who blocks it, who writes the files, and what it supersedes."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from auditapp import queue, result, sandbox, signing, storage
from auditapp.errors import AuditError
from auditapp.models import Audit, Edition, Event, Report, State
from auditapp.services import audits, finals, runs, upkeep
from auditapp.services.keys import public_key
from auditapp.services.reports import report_store
from tests.factories import Team, make_draft, make_team

pytestmark = pytest.mark.django_db
Json = dict[str, Any]
DOCUMENT: Json = {
    "schema": result.SCHEMA,
    "rows": {"used": 3},
    "annexes": None,
    "run": {"id": "EH-2026-0001", "date": "2026-11-23T10:00:00+00:00", "status": "draft"},
}


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(queue, "send", lambda name, key, *_: names.append(name))
    monkeypatch.setattr(queue, "status", lambda: {"ok": True, "waiting": {"cpu": 0}})
    return names


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> list[Json]:
    """The drawing replaced by a few bytes; what it was asked comes back."""
    asked: list[Json] = []

    def run_child(target: str, payload: Json, **_: Any) -> Json:
        assert target == finals.TARGET
        asked.append(payload)
        document = result.read(Path(payload["result"]))
        assert result.result_hash(document) == payload["hash"]
        document["run"] = {**document["run"], **payload["run"]}
        out = Path(payload["out"])
        (out / "charts").mkdir(parents=True)
        result.write(document, out / "result.json")
        (out / "report.pdf").write_bytes(payload["run"]["status"].encode())
        signed = signing.sign(
            document, {"report.pdf": b"x", "result.json": b"y"}, payload["signing_key"]
        )
        return {
            "hash": payload["hash"], "pages": 9, "pdf_hash": f"{len(asked):064d}",
            "signature": signed,
        }  # fmt: skip

    monkeypatch.setattr(sandbox, "run_child", run_child)
    return asked


def make_report(team: Team, *, previous: Audit | None = None, **changes: Any) -> Report:
    """A finished audit with its files."""
    audit = make_draft(team, previous=previous)
    document = {**DOCUMENT, **changes}
    document["run"] = {**DOCUMENT["run"], "id": audit.report_id}
    document["number"] = audit.number
    out = storage.work_folder(f"made-{audit.id}")
    (out / "rules").mkdir()
    (out / "rules" / "one.json").write_text("{}")
    result.write(document, out / "result.json")
    (out / "report.pdf").write_bytes(b"draft")
    Audit.objects.filter(id=audit.id).update(state=State.DONE, plan={}, finished_at=timezone.now())
    outcome = {"hash": result.result_hash(document), "pages": 8, "pdf_hash": "d" * 64}
    return report_store(audit=audit, outcome=outcome, out=out)


def make_final(report: Report, team: Team, *, supersede: bool = True) -> Report:
    edition = finals.report_finalise(report=report, user=team.bob, supersede=supersede)
    finals.edition_write(edition_id=edition.id)
    return Report.objects.get(id=report.id)


def test_a_draft_knows_the_files_it_was_written_with(team: Team) -> None:
    report = make_report(team)
    edition = report.editions.get()
    assert (edition.status, edition.state, edition.pdf_hash) == ("draft", "done", "d" * 64)
    assert edition.json_hash == storage.sha256_of(report.folder / "result.json")


def test_a_report_becomes_final_with_the_same_result(
    team: Team, orders: list[Json], django_capture_on_commit_callbacks: Any
) -> None:
    before = make_report(team)
    with django_capture_on_commit_callbacks(execute=True):
        report = make_final(before, team)
    assert (report.status, report.final_by, report.pages) == ("final", team.bob, 9)
    assert report.result_hash == before.result_hash
    document = result.read(report.folder / "result.json")
    assert result.result_hash(document) == before.result_hash
    run = document["run"]
    assert run["status"] == "final"
    assert run["final_by"] == "Bob"
    assert run["final_date"] == run["status_date"] == orders[0]["run"]["status_date"]
    assert (report.folder / "report.pdf").read_bytes() == b"final"
    assert (report.folder / "rules" / "one.json").read_text() == "{}"
    assert report.path != before.path
    assert not before.folder.exists()
    signed = signing.read(report.signature)
    assert signed.holds()
    assert signed.public_key == public_key()
    assert signed.statement["status"] == "final"
    verbs = list(Event.objects.filter(subject_id=report.audit_id).values_list("verb", flat=True))
    assert "asked for final" in verbs
    assert "made final" in verbs


def test_nobody_makes_a_report_final_twice(team: Team, orders: list[Json]) -> None:
    report = make_report(team)
    finals.report_finalise(report=report, user=team.bob)
    with pytest.raises(AuditError) as caught:
        finals.report_finalise(report=report, user=team.alice)
    assert caught.value.code == "being-made-final"
    finals.edition_write(edition_id=report.editions.get(status="final").id)
    with pytest.raises(AuditError) as caught:
        finals.report_finalise(report=report, user=team.alice)
    assert caught.value.code == "not-a-draft-report"


def test_an_annex_that_is_not_complete_keeps_a_report_a_draft(team: Team) -> None:
    annex = {"title": "Local Law 144", "open": [{"code": "empty", "text": "“Why” is empty."}]}
    report = make_report(team, annexes=[annex, {"title": "Card", "open": []}])
    assert finals.final_blockers(report=report) == [
        {"title": "Local Law 144", "code": "empty", "text": "“Why” is empty."}
    ]
    with pytest.raises(AuditError) as caught:
        finals.report_finalise(report=report, user=team.bob)
    assert caught.value.code == "not-ready-for-final"
    assert "“Why” is empty." in caught.value.found
    assert not report.editions.filter(status="final").exists()


def test_a_report_whose_document_is_gone_stays_a_draft(team: Team) -> None:
    report = make_report(team)
    (report.folder / "result.json").unlink()
    with pytest.raises(AuditError) as caught:
        finals.report_finalise(report=report, user=team.bob)
    assert caught.value.code == "not-ready-for-final"


def test_a_later_final_report_supersedes_the_earlier_one(team: Team, orders: list[Json]) -> None:
    first = make_final(make_report(team), team)
    # one that never became final lies between
    between = make_report(team, previous=first.audit)
    last = make_final(make_report(team, previous=between.audit), team)
    first.refresh_from_db()
    assert (first.status, first.superseded_by) == ("superseded", last)
    edition = first.editions.get(status="superseded")
    assert edition.state == "queued"
    finals.edition_write(edition_id=edition.id)
    first = Report.objects.get(id=first.id)
    run = result.read(first.folder / "result.json")["run"]
    assert run["status"] == "superseded"
    assert run["superseded_by"] == last.audit.report_id
    assert run["final_by"] == "Bob"
    assert (first.status, first.final_by) == ("superseded", team.bob)
    assert Report.objects.get(audit=between.audit).status == "draft"


def test_both_stay_in_force_where_somebody_says_so(team: Team, orders: list[Json]) -> None:
    first = make_final(make_report(team), team)
    make_final(make_report(team, previous=first.audit), team, supersede=False)
    first.refresh_from_db()
    assert (first.status, first.superseded_by) == ("final", None)


def test_an_audit_that_repeats_itself_in_a_ring_ends(team: Team, orders: list[Json]) -> None:
    report = make_report(team)
    Audit.objects.filter(id=report.audit_id).update(previous=report.audit)
    assert finals.final_earlier(audit=Audit.objects.get(id=report.audit_id)) == []


def test_a_writer_that_vanished_is_replaced_and_its_late_answer_ignored(
    team: Team,
    orders: list[Json],
    sent: list[str],
    django_capture_on_commit_callbacks: Any,
    tmp_path: Path,
) -> None:
    report = make_report(team)
    edition = finals.report_finalise(report=report, user=team.bob)
    from auditapp.services import leases

    held = leases.claim(Edition, edition.id)
    assert held is not None
    Edition.objects.filter(id=edition.id).update(lease_until=timezone.now() - timedelta(seconds=1))
    with django_capture_on_commit_callbacks(execute=True):
        assert runs.requeue_stale() == 1
    assert sent == ["write_edition"]
    finals.edition_write(edition_id=edition.id)
    path = Report.objects.get(id=report.id).path
    late = tmp_path / "late"
    late.mkdir()
    (late / "result.json").write_text("{}")
    outcome = {"pages": 1, "pdf_hash": "e" * 64, "signature": None}
    assert not finals.edition_finish(edition=held, outcome=outcome, out=late)
    after = Report.objects.get(id=report.id)
    assert (after.path, after.status, after.pages) == (path, "final", 9)


def test_an_edition_that_was_never_sent_is_sent_again(team: Team, sent: list[str]) -> None:
    edition = finals.report_finalise(report=make_report(team), user=team.bob)
    Edition.objects.filter(id=edition.id).update(queued_at=timezone.now() - timedelta(hours=1))
    assert runs.requeue_stale() == 1
    assert "write_edition" in sent


def test_an_edition_that_failed_leaves_the_draft_and_can_be_tried_again(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Json:
        raise AuditError("stored-result-changed", "Changed.", "Restore it.")

    monkeypatch.setattr(sandbox, "run_child", broken)
    report = make_report(team)
    edition = finals.report_finalise(report=report, user=team.bob)
    finals.edition_write(edition_id=edition.id)
    edition.refresh_from_db()
    assert (edition.state, edition.error["code"]) == ("failed", "stored-result-changed")
    assert Report.objects.get(id=report.id).status == "draft"
    assert (report.folder / "report.pdf").read_bytes() == b"draft"
    unwritten = finals.edition_unwritten(report=report)
    assert unwritten == edition
    finals.edition_again(edition=edition, user=team.bob)
    edition.refresh_from_db()
    assert (edition.state, edition.error) == ("queued", None)


def test_an_error_nobody_foresaw_says_a_reference(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Json:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(sandbox, "run_child", broken)
    edition = finals.report_finalise(report=make_report(team), user=team.bob)
    finals.edition_write(edition_id=edition.id)
    edition.refresh_from_db()
    assert edition.error["code"] == "internal"
    assert "secret detail" not in json.dumps(edition.error)


def test_tidying_up_leaves_the_folder_of_a_final_report(team: Team, orders: list[Json]) -> None:
    report = make_final(make_report(team), team)
    upkeep.sweep()
    assert (report.folder / "report.pdf").is_file()


def test_an_audit_with_final_files_is_deleted_whole(
    team: Team, orders: list[Json], django_capture_on_commit_callbacks: Any
) -> None:
    report = make_final(make_report(team), team)
    with django_capture_on_commit_callbacks(execute=True):
        audits.audit_delete(audit=report.audit, user=team.alice)
    assert not report.folder.exists()
    assert not Edition.objects.exists()
