"""Every page as owner, colleague, viewer, stranger, and signed out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from auditapp.models import Audit, Report, State, User
from auditapp.services.audits import audit_start
from tests.factories import Team, make_dataset, make_draft, make_model, make_team
from tests.profiles import people

pytestmark = pytest.mark.django_db

STEPS = ["audit-data", "audit-data-state", "audit-roles", "audit-policy", "audit-remedies"]


def client_of(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def visit(client: Client, method: str, address: str) -> int:
    """Status of a page; a streamed file is closed."""
    response = getattr(client, method)(address)
    response.close()
    return int(response.status_code)


ANNEX = {
    "slug": "annex-ll144", "number": 9, "title": "New York City Local Law 144", "lede": None,
    "blocks": [
        {
            "kind": "table", "title": "Sex", "foot": [],
            "columns": [{"text": "Category", "align": "start"}, {"text": "# of applicants"}],
            "rows": [[{"text": "Male", "note": ""}, {"text": "1,390", "note": ""}]],
        }
    ],
}  # fmt: skip


def things(team: Team) -> dict[str, Any]:
    """A draft, an audit that waits, a finished one with files, a table and a model."""
    dataset = make_dataset(team, profile=people(), rows=1000)
    done = make_draft(team, dataset=dataset, title="Finished")
    Audit.objects.filter(id=done.id).update(state=State.DONE, plan={}, summary={})
    report = Report.objects.create(
        audit=done,
        result_hash="ab" * 32,
        path=f"reports/{done.id}",
        signature={"statement": {}},
    )
    report.folder.mkdir(parents=True)
    for name in ("report.json", "result.json", "tables.csv"):
        (report.folder / name).write_text("{}")
    (report.folder / "report.json").write_text(json.dumps({"sections": [ANNEX]}))
    (report.folder / "report.pdf").write_bytes(b"%PDF-1.7")
    (report.folder / "rules").mkdir()
    (report.folder / "rules" / "thresholds--r-5.json").write_text("{}")
    return {
        "draft": make_draft(team, dataset=dataset),
        "waiting": audit_start(audit=make_draft(team, dataset=dataset), user=team.alice),
        "done": done,
        "dataset": dataset,
        "other": make_dataset(team, profile=people(), rows=1000),
        "model": make_model(team),
    }


def addresses(rows: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Kind of page, method, address."""
    found = [("step", "get", reverse(name, args=[rows["draft"].id])) for name in STEPS]
    found += [("read", "get", reverse("audit-progress", args=[rows["waiting"].id]))]
    found += [("read", "get", reverse("audit-progress-fragment", args=[rows["waiting"].id]))]
    found += [
        ("read", "get", reverse(name, args=[rows["done"].id]))
        for name in ("report-pdf", "report-json", "report-csv")
    ]
    found += [("read", "get", reverse("annex-csv", args=[rows["done"].id, "ll144"]))]
    found += [("read", "get", reverse("report-rules", args=[rows["done"].id]))]
    rule = [rows["done"].id, "thresholds--r-5.json"]
    found += [("read", "get", reverse("report-rule", args=rule))]
    found += [("read", "get", reverse("audit", args=[rows["done"].id]))]
    found += [("read", "get", reverse("dataset-detail", args=[rows["dataset"].id]))]
    found += [("read", "get", reverse("model-detail", args=[rows["model"].id]))]
    found += [("step", "get", reverse("dataset-delete", args=[rows["dataset"].id]))]
    pair = [rows["dataset"].id, rows["other"].id]
    for method in ("get", "post"):
        found += [("step", method, reverse("dataset-join", args=pair[:1]))]
        found += [("step", method, reverse("dataset-join-columns", args=pair))]
    found += [("step", "get", reverse("model-delete", args=[rows["model"].id]))]
    found += [("step", "get", reverse("audit-delete", args=[rows["done"].id]))]
    found += [("step", "post", reverse("audit-data-reading", args=[rows["draft"].id]))]
    found += [("step", "post", reverse("dataset-reading", args=[rows["dataset"].id]))]
    found += [("step", "post", reverse("audit-again", args=[rows["done"].id]))]
    found += [("step", "post", reverse("audit-cancel", args=[rows["waiting"].id]))]
    return found


def test_members_reach_every_page() -> None:
    team = make_team()
    rows = things(team)
    for user in (team.alice, team.bob):
        client = client_of(user)
        for _, method, address in addresses(rows):
            assert visit(client, method, address) in {200, 302, 422}, address


def test_a_viewer_reads_and_changes_nothing() -> None:
    team = make_team()
    rows = things(team)
    client = client_of(team.vera)
    for kind, method, address in addresses(rows):
        expected = {200, 302} if kind == "read" else {403}
        assert visit(client, method, address) in expected, address
    assert client.get(reverse("audit-new")).status_code == 403


def test_a_stranger_gets_404_everywhere() -> None:
    team = make_team()
    rows = things(team)
    client = client_of(team.charlie)
    for _, method, address in addresses(rows):
        assert visit(client, method, address) == 404, address


def test_signed_out_everything_asks_to_sign_in() -> None:
    team = make_team()
    rows = things(team)
    client = client_of(None)
    names = ["home", "audit-new", "data-list", "status", "account"]
    pages = [("", "get", reverse(name)) for name in names]
    for _, method, address in addresses(rows) + pages:
        response = getattr(client, method)(address)
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("signin")), address


def test_changes_are_post_only() -> None:
    team = make_team()
    rows = things(team)
    client = client_of(team.alice)
    for name, row in (
        ("audit-cancel", "waiting"),
        ("audit-again", "done"),
        ("audit-data-reading", "draft"),
        ("dataset-reading", "dataset"),
    ):
        assert client.get(reverse(name, args=[rows[row].id])).status_code == 405
    for name in ("signout", "workspace-switch", "theme"):
        assert client.get(reverse(name)).status_code == 405


def test_a_viewer_sees_no_buttons_that_change_something() -> None:
    team = make_team()
    rows = things(team)
    page = client_of(team.vera).get(reverse("home")).content.decode()
    assert reverse("audit-new") not in page
    page = client_of(team.vera).get(reverse("dataset-detail", args=[rows["dataset"].id]))
    assert "Delete data set" not in page.content.decode()


def test_lists_show_the_chosen_workspace_only() -> None:
    team = make_team()
    make_draft(team, title="Ours")
    client = client_of(team.charlie)
    assert "Ours" not in client.get(reverse("home")).content.decode()
    client.post(reverse("workspace-switch"), {"workspace": str(team.workspace.id)})
    assert "Ours" not in client.get(reverse("home")).content.decode()
    assert "Ours" in client_of(team.bob).get(reverse("home")).content.decode()
