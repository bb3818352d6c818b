"""Downloads of a report."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from auditapp.models import Audit, Report, State
from tests.factories import Team, make_draft, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team()


def finished(team: Team) -> Audit:
    audit = make_draft(team, title='Name with "quotes" and ümlaut')
    Audit.objects.filter(id=audit.id).update(state=State.DONE, plan={}, summary={})
    report = Report.objects.create(audit=audit, result_hash="ab" * 32, path=f"reports/{audit.id}")
    report.folder.mkdir(parents=True)
    (report.folder / "report.pdf").write_bytes(b"%PDF-1.7 something")
    (report.folder / "result.json").write_text('{"a": 1}')
    (report.folder / "tables.csv").write_text("a,b\n")
    return Audit.objects.get(id=audit.id)


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [("pdf", "application/pdf"), ("json", "application/json"), ("csv", "text/csv; charset=utf-8")],
)
def test_files_come_under_a_fixed_name_and_type(kind: str, content_type: str, team: Team) -> None:
    client = Client()
    client.force_login(team.vera)
    audit = finished(team)
    response = client.get(reverse(f"report-{kind}", args=[audit.id]))
    assert response.headers["Content-Type"] == content_type
    assert (
        response.headers["Content-Disposition"]
        == f'attachment; filename="{audit.report_id}.{kind}"'
    )
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "private" in response.headers["Cache-Control"]
    assert b"".join(response.streaming_content)  # type: ignore[attr-defined]
    response.close()


DOCUMENT = {
    "id": "EH-2026-0001",
    "hash": "ab" * 32,
    "status": "Draft",
    "version": "1.0.0",
    "simulated": True,
    "sections": [
        {"slug": "cover", "number": 0, "title": "Cover", "lede": None, "blocks": []},
        {"slug": "answer", "number": 1, "title": "The answer", "lede": None, "blocks": []},
    ],
}


def test_the_page_frames_the_stored_report_with_its_downloads(team: Team) -> None:
    audit = finished(team)
    (audit.report.folder / "report.json").write_text(json.dumps(DOCUMENT))
    client = Client()
    client.force_login(team.alice)
    text = client.get(reverse("report", args=[audit.id])).content.decode()
    assert "The answer" in text
    assert "Audit again with changes" in text
    for kind in ("pdf", "json", "csv"):
        assert reverse(f"report-{kind}", args=[audit.id]) in text
    client.force_login(team.vera)
    text = client.get(reverse("report", args=[audit.id])).content.decode()
    assert "The answer" in text
    assert "Audit again with changes" not in text


def test_a_report_whose_files_are_gone_is_a_404(team: Team) -> None:
    client = Client()
    client.force_login(team.alice)
    assert client.get(reverse("report", args=[finished(team).id])).status_code == 404


def test_a_file_that_is_gone_is_a_404(team: Team) -> None:
    client = Client()
    client.force_login(team.alice)
    audit = finished(team)
    (audit.report.folder / "tables.csv").unlink()
    assert client.get(reverse("report-csv", args=[audit.id])).status_code == 404


def test_a_report_that_is_not_written_yet_leads_to_the_progress(team: Team) -> None:
    client = Client()
    client.force_login(team.alice)
    audit = make_draft(team)
    Audit.objects.filter(id=audit.id).update(state=State.RUNNING, plan={})
    response = client.get(reverse("report", args=[audit.id]))
    assert response.headers["Location"] == reverse("audit", args=[audit.id])
