"""What gets into the trail, its page and its CSV."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from auditapp.models import Audit, Event, Report, State, User
from auditapp.services.audits import audit_delete, audit_start
from auditapp.services.trail import event_add, trail_check
from auditapp.services.uploads import dataset_delete
from tests.factories import Team, make_dataset, make_draft, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team()


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def read(response: Any) -> bytes:
    """All of a streamed answer: closing it half read would close PostgreSQL's connection too."""
    return b"".join(response.streaming_content)


def finished(team: Team) -> Audit:
    audit = make_draft(team)
    Audit.objects.filter(id=audit.id).update(state=State.DONE, plan={}, summary={})
    report = Report.objects.create(audit=audit, result_hash="ab" * 32, path=f"reports/{audit.id}")
    (report.folder / "rules").mkdir(parents=True)
    (report.folder / "tables.csv").write_text("a")
    (report.folder / "rules" / "thresholds--r-5.json").write_text("{}")
    return audit


def test_starts_deletes_and_downloads_are_noted(team: Team) -> None:
    audit = finished(team)
    client = client_of(team.vera)
    read(client.get(reverse("report-csv", args=[audit.id])))
    read(client.head(reverse("report-csv", args=[audit.id])))
    client.get(reverse("report-pdf", args=[audit.id]))
    read(client.get(reverse("report-rule", args=[audit.id, "thresholds--r-5.json"])))
    audit_start(audit=make_draft(team), user=team.bob)
    audit_delete(audit=audit, user=team.alice)
    dataset_delete(dataset=make_dataset(team, name="Gone"), user=team.bob)
    told = [
        (e.actor.partition("@")[0], e.verb, e.subject, e.detail.get("file"))
        for e in Event.objects.filter(workspace=team.workspace).order_by("sequence")
        if e.verb not in {"created", "drafted"}
    ]
    assert told == [
        ("vera", "downloaded", "audit", "csv"),
        ("vera", "downloaded", "audit", "thresholds--r-5.json"),
        ("bob", "started", "audit", None),
        ("alice", "deleted", "audit", None),
        ("bob", "deleted", "dataset", None),
    ]
    assert trail_check(workspace=team.workspace) is None


def test_owners_read_it_and_nobody_else(team: Team) -> None:
    for name in ("trail", "trail-csv"):
        assert client_of(team.alice).get(reverse(name)).status_code == 200
        for user in (team.bob, team.vera):
            assert client_of(user).get(reverse(name)).status_code == 403
        assert Client().get(reverse(name)).status_code == 302
    assert "Audit office" not in client_of(team.charlie).get(reverse("trail")).content.decode()
    assert reverse("trail") in client_of(team.alice).get(reverse("home")).content.decode()
    assert reverse("trail") not in client_of(team.bob).get(reverse("home")).content.decode()


def test_the_page_finds_and_pages(team: Team) -> None:
    for number in range(60):
        event_add(subject=make_dataset(team, name=f"Table {number}"), verb="uploaded", bytes=7000)
    client = client_of(team.alice)
    page = client.get(reverse("trail")).content.decode()
    assert "61 events in Audit office" in page and "1 to 50 of 61" in page
    assert "Uploaded data set" in page and "7,000 bytes" in page
    found = client.get(reverse("trail"), {"find": "uploaded Table 59"}).content.decode()
    assert "Table 59" in found and "Table 58" not in found
    none = client.get(reverse("trail"), {"find": "<b>nothing"}).content.decode()
    assert "Nothing here has “&lt;b&gt;nothing”" in none


def test_the_page_checks_the_chain(team: Team) -> None:
    client = client_of(team.alice)
    event_add(subject=team.workspace, verb="odd")
    assert "Every row is as it was written" in client.post(reverse("trail")).content.decode()
    Event._base_manager.filter(workspace=team.workspace, sequence=1).update(verb="other")
    page = client.post(reverse("trail")).content.decode()
    assert "row 1 is not as it was written" in page and 'role="alert"' in page


def test_the_csv_has_every_row_with_its_hash_and_no_formula(team: Team) -> None:
    event_add(subject=make_dataset(team, name="=1+1"), verb="uploaded", user=team.bob)
    response = client_of(team.alice).get(reverse("trail-csv"))
    text = b"".join(response.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["sequence"] for row in rows] == ["1", "2", "3"]
    assert rows[1]["name"] == "'=1+1" and rows[1]["actor"] == "bob@example.org"
    assert (
        rows[2]["verb"] == "downloaded the trail of"
        and rows[2]["previous_hash"] == rows[1]["hash"]
    )
