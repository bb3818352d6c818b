"""Links to a report: who makes them, what they show, and when they end."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from auditapp.logs import hide_secrets
from auditapp.models import Audit, Event, Report, SharedCopy, ShareLink, State
from auditapp.services import copies, shares
from tests.factories import Team, make_draft, make_team
from tests.share_pages import make_copy, make_share, write_files

pytestmark = pytest.mark.django_db
PASSWORD = "four words and a number 7"


@pytest.fixture(autouse=True)
def _no_counts_of_other_tests() -> None:
    cache.clear()


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def report(team: Team) -> Report:
    audit = make_draft(team, title="Hiring")
    Audit.objects.filter(id=audit.id).update(state=State.DONE, plan={}, summary={})
    found = Report.objects.create(audit=audit, result_hash="ab" * 32, path=f"reports/{audit.id}")
    found.folder.mkdir(parents=True)
    write_files(found.folder, title="The whole report")
    return Report.objects.select_related("audit").get(id=found.id)


def page(token: str) -> str:
    return reverse("shared", args=[token])


def sharing(report: Report) -> str:
    return reverse("report-shares", args=[report.audit_id])


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_link_is_made_shown_once_and_opens_for_anybody(team: Team, report: Report) -> None:
    client = signed_in(team.bob)
    fields = {"note": "The board", "smallest": "0", "days": "30", "password": ""}
    text = client.post(sharing(report), fields).content.decode()
    url = re.search(r"http://testserver(/shared/[\w-]+/)", text)
    assert url is not None
    link = ShareLink.objects.get()
    assert link.token_hash not in text
    assert url[1].split("/")[2] not in str(ShareLink.objects.values())
    assert 29 < (link.expires_at - timezone.now()).total_seconds() / 86400 <= 30
    again = client.get(sharing(report)).content.decode()
    assert url[1] not in again
    assert "The board" in again
    response = Client().get(url[1])
    assert response.status_code == 200
    assert "The whole report" in response.content.decode()


def test_the_page_shows_nothing_of_the_workspace(team: Team, report: Report) -> None:
    _, token = make_share(report, team.alice, note="For the board only")
    for client in (Client(), signed_in(team.alice), signed_in(team.charlie)):
        text = client.get(page(token)).content.decode()
        for word in ("Audit office", "alice", "Alice", "/audits/", "Sign out", "For the board",
                     "Schedules", "members"):  # fmt: skip
            assert word not in text, word


def test_a_superseded_report_says_so_under_its_link(team: Team, report: Report) -> None:
    _, token = make_share(report, team.alice)
    assert "took the place" not in Client().get(page(token)).content.decode()
    Report.objects.filter(id=report.id).update(status="superseded")
    path = report.folder / "report.json"
    path.write_text(path.read_text().replace('"Draft"', '"Superseded by EH-2026-0002"'))
    text = Client().get(page(token)).content.decode()
    assert "A later report took the place of this one" in text
    assert '<span class="tag">Superseded by EH-2026-0002</span>' in text


def test_readers_are_led_to_where_files_are_verified(team: Team, report: Report) -> None:
    _, token = make_share(report, team.alice)
    assert f'href="{reverse("verify")}"' in Client().get(page(token)).content.decode()


def test_no_cache_no_search_engine_no_referrer(team: Team, report: Report) -> None:
    _, token = make_share(report, team.alice)
    _, closed = make_share(report, team.alice, password=PASSWORD)
    addresses = [page(token), page(closed), page("nothing")]
    addresses += [reverse("shared-pdf", args=[key]) for key in (token, closed, "nothing")]
    for address in addresses:
        response = Client().get(address)
        response.close()
        assert response["X-Robots-Tag"] == "noindex, nofollow, noarchive"
        assert "no-store" in response["Cache-Control"]
        assert "private" in response["Cache-Control"]
        assert response["Referrer-Policy"] in {"no-referrer", "strict-origin"}
        assert response["X-Frame-Options"] == "DENY"
    assert 'name="robots" content="noindex' in Client().get(page(token)).content.decode()


@pytest.mark.parametrize("kind", ["pdf", "json", "csv"])
def test_files_come_through_the_link(kind: str, team: Team, report: Report) -> None:
    _, token = make_share(report, team.alice)
    response = Client().get(reverse(f"shared-{kind}", args=[token]))
    body = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    response.close()
    assert b"The whole report" in body
    assert response["X-Content-Type-Options"] == "nosniff"
    name = f"{report.audit.report_id}.{kind}"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'


def test_a_link_ends_when_revoked_or_over_and_says_the_same_as_a_wrong_one(
    team: Team, report: Report
) -> None:
    link, token = make_share(report, team.alice)
    late, old = make_share(report, team.alice)
    ShareLink.objects.filter(id=late.id).update(expires_at=timezone.now() - timedelta(seconds=1))
    signed_in(team.bob).post(reverse("share-revoke", args=[link.id]))
    bodies = set()
    for gone in (token, old, "made-by-nobody", "x" * 5000):
        response = Client().get(page(gone))
        assert response.status_code == 410
        bodies.add(response.content)
        for kind in ("pdf", "json", "csv"):
            assert Client().get(reverse(f"shared-{kind}", args=[gone])).status_code == 410
    assert len(bodies) == 1


def test_a_viewer_and_a_stranger_share_and_revoke_nothing(team: Team, report: Report) -> None:
    link, _ = make_share(report, team.alice)
    revoke = reverse("share-revoke", args=[link.id])
    copy = reverse("report-copy", args=[report.audit_id])
    for user, status in ((team.vera, 403), (team.charlie, 404)):
        client = signed_in(user)
        assert client.get(sharing(report)).status_code == status
        assert client.post(sharing(report), {"days": "30", "smallest": "0"}).status_code == status
        assert client.post(revoke).status_code == status
        assert client.post(copy, {"smallest": "10"}).status_code == status
    assert ShareLink.objects.get().works
    assert not SharedCopy.objects.exists()
    assert "report-shares" not in signed_in(team.vera).get(
        reverse("report", args=[report.audit_id])
    ).content.decode()  # fmt: skip


def test_a_password_opens_the_page_for_one_session_only(team: Team, report: Report) -> None:
    link, token = make_share(report, team.alice, password=PASSWORD)
    assert PASSWORD not in link.password
    client = Client()
    text = client.get(page(token)).content.decode()
    assert "This report has a password" in text
    assert "Hiring" not in text
    file = reverse("shared-json", args=[token])
    assert client.get(file)["Location"] == page(token)
    wrong = client.post(page(token), {"password": "something else"})
    assert wrong.status_code == 422
    assert client.get(file)["Location"] == page(token)
    assert client.post(page(token), {"password": PASSWORD})["Location"] == page(token)
    assert "The whole report" in client.get(page(token)).content.decode()
    response = client.get(file)
    assert response.status_code == 200
    response.close()
    assert "This report has a password" in Client().get(page(token)).content.decode()
    _, second = make_share(report, team.alice, password=PASSWORD)
    assert "This report has a password" in client.get(page(second)).content.decode()


def test_guessing_a_password_ends_soon(team: Team, report: Report) -> None:
    _, token = make_share(report, team.alice, password=PASSWORD)
    client = Client()
    for i in range(10):
        response = client.post(page(token), {"password": f"guess number {i}"})
        assert "not the password" in response.content.decode()
    response = client.post(page(token), {"password": PASSWORD})
    assert "too many tries" in response.content.decode()


def test_a_room_of_readers_with_the_password_are_no_guesses(team: Team, report: Report) -> None:
    _, token = make_share(report, team.alice, password=PASSWORD)
    for _ in range(12):
        assert Client().post(page(token), {"password": PASSWORD}).status_code == 302


def test_the_form_is_answered_under_the_referrer_policy_it_is_sent_with(
    team: Team, report: Report
) -> None:
    """Under no-referrer a browser sends `Origin: null`, and the form would be refused."""
    _, token = make_share(report, team.alice, password=PASSWORD)
    client = Client(enforce_csrf_checks=True)
    response = client.get(page(token))
    assert response["Referrer-Policy"] == "strict-origin"
    csrf = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', response.content.decode())
    assert csrf is not None
    fields = {"password": PASSWORD, "csrfmiddlewaretoken": csrf[1]}
    sent = {"Origin": "http://testserver"}
    assert client.post(page(token), fields, headers=sent).status_code == 302
    assert client.post(page(token), fields, headers={"Origin": "null"}).status_code == 403


def test_views_are_counted_and_the_trail_notes_what_matters(team: Team, report: Report) -> None:
    link, token = make_share(report, team.alice, note="The board")
    for _ in range(3):
        Client().get(page(token))
        Client().get(reverse("shared-pdf", args=[token])).close()
    Client().head(page(token))
    link.refresh_from_db()
    assert link.views == 3
    shares.share_revoke(link=link, user=team.alice)
    shares.share_revoke(link=link, user=team.alice)
    verbs = list(Event.objects.order_by("sequence").values_list("verb", flat=True))[-4:]
    assert verbs == ["shared", "link opened", "downloaded", "link revoked"]
    assert token not in str(list(Event.objects.values()))
    text = signed_in(team.alice).get(reverse("trail")).content.decode()
    assert "Somebody with a link" in text
    assert "Opened the link to audit" in text
    assert f"link {link.prefix}…, for The board" in text
    assert "cells below 0" not in text


def test_out_of_bounds_nothing_is_made(team: Team, report: Report) -> None:
    client = signed_in(team.alice)
    good = {"note": "", "smallest": "0", "days": "30", "password": ""}
    for wrong in ({"days": "0"}, {"days": "366"}, {"days": "x"}, {"password": "short"},
                  {"smallest": "3"}, {"smallest": "-1"}):  # fmt: skip
        response = client.post(sharing(report), {**good, **wrong})
        assert response.status_code == 422, wrong
        assert "Nothing was shared" in response.content.decode()
    assert not ShareLink.objects.exists()


def test_a_link_to_a_copy_shows_nothing_before_it_is_made_and_then_the_copy_only(
    team: Team, report: Report
) -> None:
    _, token = make_share(report, team.alice, smallest=10)
    copy = SharedCopy.objects.get()
    assert copy.is_open
    waiting = Client().get(page(token))
    assert waiting.status_code == 503
    assert waiting["Retry-After"]
    assert "The whole report" not in waiting.content.decode()
    assert Client().get(reverse("shared-json", args=[token]))["Location"] == page(token)
    make_copy(report, 10)
    text = Client().get(page(token)).content.decode()
    assert "The copy" in text
    assert "The whole report" not in text
    response = Client().get(reverse("shared-json", args=[token]))
    assert b"The copy" in b"".join(response.streaming_content)  # type: ignore[attr-defined]
    response.close()
    assert "-below-10.json" in response["Content-Disposition"]


def test_links_of_one_size_share_a_copy(team: Team, report: Report) -> None:
    for _ in range(2):
        make_share(report, team.alice, smallest=10)
    make_share(report, team.alice, smallest=20)
    assert SharedCopy.objects.count() == 2


def test_a_session_downloads_a_copy_too(team: Team, report: Report) -> None:
    client = signed_in(team.alice)
    address = reverse("copy-json", args=[report.audit_id, 10])
    assert client.get(address).status_code == 404
    asked = client.post(reverse("report-copy", args=[report.audit_id]), {"smallest": "10"})
    assert asked.status_code == 302
    assert client.get(address).status_code == 404
    assert "being made" in client.get(sharing(report)).content.decode()
    make_copy(report, 10)
    for user in (team.alice, team.vera):
        response = signed_in(user).get(address)
        assert b"The copy" in b"".join(response.streaming_content)  # type: ignore[attr-defined]
        response.close()
    assert signed_in(team.charlie).get(address).status_code == 404
    event = Event.objects.order_by("sequence").last()
    assert event is not None
    assert event.detail["cells_below"] == 10


def test_copies_follow_a_report_that_becomes_final(team: Team, report: Report) -> None:
    copy = make_copy(report, 10)
    copies.copies_follow(report=report)
    copy.refresh_from_db()
    assert copy.state == State.DONE
    report.status = "final"
    copies.copies_follow(report=report)
    copy.refresh_from_db()
    assert copy.is_open
    assert copy.ready, "the last copy is shown meanwhile"


def test_deleting_an_audit_deletes_its_copies_and_links(
    team: Team, report: Report, django_capture_on_commit_callbacks: Any
) -> None:
    from auditapp.services.audits import audit_delete

    copy = make_copy(report, 10)
    _, token = make_share(report, team.alice, smallest=10)
    with django_capture_on_commit_callbacks(execute=True):
        audit_delete(audit=report.audit, user=team.alice)
    assert not copy.folder.exists()
    assert Client().get(page(token)).status_code == 410


def test_tokens_of_links_are_not_logged() -> None:
    line = hide_secrets(None, "", {"event": "Gone: /shared/abc_DEF-123/report.pdf"})
    assert "abc_DEF" not in line["event"]


def test_old_links_are_forgotten_and_young_ones_kept(team: Team, report: Report) -> None:
    old, _ = make_share(report, team.alice)
    make_share(report, team.alice)
    before = timezone.now() - timedelta(days=91)
    ShareLink.objects.filter(id=old.id).update(expires_at=before)
    assert shares.shares_forget() == 1
    assert ShareLink.objects.count() == 1
