"""Editions as they are really written: drawn by the child, the same bytes every time."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from auditapp import attachments, queue, result, signing, storage
from auditapp.models import Audit, Edition, Report, State
from auditapp.reports import build
from auditapp.services import finals, verify
from auditapp.services.keys import public_key, signing_key
from auditapp.services.reports import report_store
from tests.factories import make_draft, make_team
from tests.report_documents import cached

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def turned(value: Any) -> Any:
    """The same document with the keys of every object in the opposite order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


def test_the_order_in_which_a_document_was_made_changes_no_file(tmp_path: Path) -> None:
    """A stored document has its keys sorted: what is drawn of it later must be the same."""
    document = cached(n=2000)
    one = build.build(document, tmp_path / "one", key=signing_key())
    two = build.build(turned(document), tmp_path / "two", key=signing_key())
    assert one == two
    for path in (tmp_path / "one").rglob("*"):
        if path.is_file():
            again = tmp_path / "two" / path.relative_to(tmp_path / "one")
            assert path.read_bytes() == again.read_bytes(), path.name


def test_a_final_report_proves_itself_and_is_drawn_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "send", lambda *_: None)
    team = make_team()
    audit = make_draft(team)
    Audit.objects.filter(id=audit.id).update(state=State.DONE, plan={}, finished_at=timezone.now())
    document = cached(n=2000)
    document["run"] = {**document["run"], "id": audit.report_id}
    out = storage.work_folder("reissue")
    outcome = build.build(document, out, key=signing_key())
    result.write(document, out / "result.json")
    report = report_store(audit=audit, outcome=outcome, out=out)
    draft = report.folder / "report.pdf"
    kept = tmp_path / "draft.pdf"
    kept.write_bytes(draft.read_bytes())

    edition = finals.report_finalise(report=report, user=team.bob)
    finals.edition_write(edition_id=edition.id)
    report = Report.objects.get(id=report.id)
    edition.refresh_from_db()
    assert (report.status, edition.state, edition.error) == ("final", "done", None)
    pdf = report.folder / "report.pdf"
    assert hashlib.sha256(pdf.read_bytes()).hexdigest() == report.pdf_hash == edition.pdf_hash

    stored = result.read(report.folder / "result.json")
    assert result.result_hash(stored) == report.result_hash
    again = build.build(stored, tmp_path / "again", key=signing_key())
    assert again["pdf_hash"] == report.pdf_hash
    assert again["signature"] == report.signature

    held = attachments.held(pdf.read_bytes())
    inside = signing.read(held["signature.json"])
    assert inside.holds()
    assert inside.public_key == public_key()
    assert inside.statement["status"] == "final"
    assert inside.file("result.json") == hashlib.sha256(held["result.json"]).hexdigest()

    assert verify.verify_file(path=pdf).outcome == "match"
    before = verify.verify_file(path=kept)
    assert (before.outcome, before.earlier, before.edition) == ("match", True, "draft")
    assert Edition.objects.filter(report=report).count() == 2
