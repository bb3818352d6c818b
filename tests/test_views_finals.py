"""The page that makes a report final."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from auditapp import queue
from auditapp.models import Edition, Report
from auditapp.services import finals
from tests.factories import Team, make_team
from tests.test_services_finals import make_final, make_report, orders

__all__ = ["orders"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "send", lambda *_: None)


def page_of(report: Report) -> str:
    return reverse("report-final", args=[report.audit_id])


def text_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_an_auditor_asks_and_follows(team: Team, client: Client, orders: Any) -> None:
    report = make_report(team)
    client.force_login(team.bob)
    assert "Final cannot be taken back" in text_of(client, page_of(report))
    response = client.post(page_of(report))
    assert response.headers["Location"] == page_of(report)
    now = text_of(client, page_of(report))
    assert 'data-poll="2"' in now
    assert "Make report final" not in now
    part = client.get(page_of(report), headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="now"')
    finals.edition_write(edition_id=report.editions.get(status="final").id)
    over = client.get(page_of(report), headers={"HX-Request": "true"})
    assert over.headers["HX-Redirect"] == reverse("report", args=[report.audit_id])
    assert client.get(page_of(report)).headers["Location"] == over.headers["HX-Redirect"]


def test_a_second_ask_is_told_that_it_runs(team: Team, client: Client) -> None:
    report = make_report(team)
    client.force_login(team.bob)
    client.post(page_of(report))
    response = client.post(page_of(report))
    assert response.status_code == 409
    assert "at this moment" in response.content.decode()
    assert report.editions.filter(status="final").count() == 1


def test_what_an_annex_lacks_is_listed_in_place_of_the_button(team: Team, client: Client) -> None:
    open_ = [{"code": "empty", "text": "“<b>Why</b>” is empty."}]
    report = make_report(team, annexes=[{"title": "Local Law 144", "open": open_}])
    client.force_login(team.bob)
    text = text_of(client, page_of(report))
    assert "Local Law 144" in text
    assert "“&lt;b&gt;Why&lt;/b&gt;” is empty." in text
    assert "Make report final" not in text
    assert client.post(page_of(report)).status_code == 409
    assert Report.objects.get(id=report.id).status == "draft"


def test_an_earlier_final_report_is_named_and_may_stay(
    team: Team, client: Client, orders: Any
) -> None:
    first = make_final(make_report(team), team)
    second = make_report(team, previous=first.audit)
    client.force_login(team.alice)
    assert first.audit.report_id in text_of(client, page_of(second))
    client.post(page_of(second), {"supersede": "no"})
    assert not Edition.objects.get(report=second, status="final").supersedes
    third = make_report(team, previous=first.audit)
    client.post(page_of(third), {"supersede": "yes"})
    assert Edition.objects.get(report=third, status="final").supersedes


def test_a_later_final_report_is_named_before_an_old_draft_becomes_final(
    team: Team, client: Client, orders: Any
) -> None:
    first = make_report(team)
    second = make_report(team, previous=first.audit)
    third = make_final(make_report(team, previous=second.audit), team)
    client.force_login(team.alice)
    for older in (first, second):
        text = text_of(client, page_of(older))
        assert f"{third.audit.report_id}, which repeats this audit, has been final since" in text
    fourth = make_report(team, previous=third.audit)
    assert "which repeats this audit" not in text_of(client, page_of(fourth))


def test_an_edition_that_failed_says_why_and_is_tried_again(team: Team, client: Client) -> None:
    report = make_report(team)
    edition = finals.report_finalise(report=report, user=team.bob)
    error = {"code": "x", "message": "The disk is full.", "hint": "Make room."}
    Edition.objects.filter(id=edition.id).update(state="failed", error=error)
    client.force_login(team.bob)
    assert "The disk is full. Make room." in text_of(client, page_of(report))
    client.post(page_of(report))
    edition.refresh_from_db()
    assert edition.state == "queued"


def test_a_viewer_and_a_stranger_make_nothing_final(team: Team, client: Client) -> None:
    report = make_report(team)
    for user, status in ((team.vera, 403), (team.charlie, 404)):
        client.force_login(user)
        assert client.post(page_of(report)).status_code == status
    assert not report.editions.filter(status="final").exists()


def test_the_report_page_leads_to_the_later_one(team: Team, client: Client) -> None:
    from tests.test_views_reports import DOCUMENT

    first, later = make_report(team), make_report(team)
    import json

    (first.folder / "report.json").write_text(json.dumps(DOCUMENT))
    Report.objects.filter(id=later.id).update(status="final", final_at=timezone.now())
    Report.objects.filter(id=first.id).update(status="superseded", superseded_by=later)
    client.force_login(team.vera)
    text = text_of(client, reverse("report", args=[first.audit_id]))
    assert f"Superseded by {later.audit.report_id}" in text
    assert reverse("report", args=[later.audit_id]) in text
    assert page_of(first) not in text
