"""Rules of a finished report: the list, and the files."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from auditapp.models import Audit, Report, State
from tests.factories import Team, make_draft, make_team

pytestmark = pytest.mark.django_db

POINT: dict[str, Any] = {
    "id": "r-5",
    "label": "Gap of at most 5 points",
    "recommended": True,
    "uses_group": True,
    "randomised": True,
    "coverage": {"value": 1.0},
    "rule": {
        "id": "ab", "file": "rules/thresholds--r-5.json", "onnx": "rules/thresholds--r-5.onnx",
    },
}  # fmt: skip
METHOD = {"slug": "thresholds", "title": "Thresholds by group", "points": [POINT]}


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def client(team: Team) -> Client:
    client = Client()
    client.force_login(team.vera)
    return client


def finished(team: Team, *points: dict[str, Any]) -> Audit:
    audit = make_draft(team)
    Audit.objects.filter(id=audit.id).update(state=State.DONE, plan={}, summary={})
    report = Report.objects.create(audit=audit, result_hash="ab" * 32, path=f"reports/{audit.id}")
    folder = report.folder / "rules"
    folder.mkdir(parents=True)
    (folder / "thresholds--r-5.json").write_text('{"schema": "evenhand/rule/1"}')
    (folder / "thresholds--r-5.onnx").write_bytes(b"\x08\x09graph")
    (folder / "secret.txt").write_text("no rule")
    (folder / "link.json").symlink_to(folder / "secret.txt")
    (report.folder / "result.json").write_text(
        json.dumps({"methods": [{**METHOD, "points": list(points)}]})
    )
    return Audit.objects.get(id=audit.id)


def rule(audit: Audit, name: str) -> str:
    return reverse("report-rule", args=[audit.id, name])


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("thresholds--r-5.json", "application/json"),
        ("thresholds--r-5.onnx", "application/octet-stream"),
    ],
)
def test_a_rule_comes_under_a_fixed_name_and_type(
    name: str, content_type: str, client: Client, team: Team
) -> None:
    audit = finished(team, POINT)
    response = client.get(rule(audit, name))
    assert response.headers["Content-Type"] == content_type
    assert (
        response.headers["Content-Disposition"]
        == f'attachment; filename="{audit.report_id}-{name}"'
    )
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "private" in response.headers["Cache-Control"]
    assert b"".join(response.streaming_content)  # type: ignore[attr-defined]
    response.close()


@pytest.mark.parametrize(
    "name",
    [
        "nothing--here.json", "secret.txt", "link.json", "..%2Fresult.json", "..", ".json",
        "thresholds--r-5.JSON", "thresholds--r-5.json%00.txt", "thresholds--r-5.json%0A",
        "%2Fetc%2Fpasswd", "a" * 5000 + ".json", "-.json", "a---b.json",
    ],
)  # fmt: skip
def test_no_other_name_leads_anywhere(name: str, client: Client, team: Team) -> None:
    audit = finished(team, POINT)
    assert client.get(f"/audits/{audit.id}/rules/{name}").status_code == 404


def test_the_page_lists_rules_that_have_a_file(client: Client, team: Team) -> None:
    gone = {**POINT, "id": "gone", "label": "Gone", "rule": {"file": "rules/gone.json"}}
    odd = {**POINT, "label": "Odd", "rule": {"file": "../../x.json", "onnx": None}}
    bare = {"id": "bare", "label": "Bare", "rule": None}
    audit = finished(team, POINT, gone, odd, bare)
    text = client.get(reverse("report-rules", args=[audit.id])).content.decode()
    assert rule(audit, "thresholds--r-5.json") in text
    assert rule(audit, "thresholds--r-5.onnx") in text
    assert "Recommended" in text and "by chance for some" in text
    assert not any(word in text for word in ("Gone", "Odd", "Bare", "reference-model.json"))


def test_words_of_a_rule_are_shown_as_text(client: Client, team: Team) -> None:
    audit = finished(team, {**POINT, "label": "<script>alert(1)</script>"})
    text = client.get(reverse("report-rules", args=[audit.id])).content.decode()
    assert "<script>alert" not in text and "&lt;script&gt;" in text


def test_a_report_without_rules_says_so(client: Client, team: Team) -> None:
    text = client.get(reverse("report-rules", args=[finished(team).id])).content.decode()
    assert "This audit tried no remedies" in text


def test_the_model_that_rules_ask_is_offered_with_them(client: Client, team: Team) -> None:
    audit = finished(team, POINT)
    (audit.report.folder / "rules" / "reference-model.json").write_text("{}")
    text = client.get(reverse("report-rules", args=[audit.id])).content.decode()
    assert rule(audit, "reference-model.json") in text


def test_an_audit_that_is_not_done_leads_to_its_page(client: Client, team: Team) -> None:
    audit = make_draft(team)
    response = client.get(reverse("report-rules", args=[audit.id]))
    assert response["Location"] == reverse("audit", args=[audit.id])
    assert client.get(rule(audit, "thresholds--r-5.json")).status_code == 404


def test_a_stranger_gets_404_and_a_colleague_the_file(team: Team) -> None:
    audit = finished(team, POINT)
    for user, status in ((team.alice, 200), (team.bob, 200), (team.charlie, 404)):
        client = Client()
        client.force_login(user)
        for address in (
            rule(audit, "thresholds--r-5.json"),
            reverse("report-rules", args=[audit.id]),
        ):
            response = client.get(address)
            assert response.status_code == status
            response.close()


def test_the_report_page_leads_to_its_rules(client: Client, team: Team) -> None:
    audit = finished(team, POINT)
    document = {
        "id": "EH-1", "hash": "ab" * 32, "status": "Draft", "version": "1", "simulated": True,
        "sections": [{"slug": "cover", "number": 0, "title": "Cover", "lede": None, "blocks": []}],
    }  # fmt: skip
    (audit.report.folder / "report.json").write_text(json.dumps(document))
    address = reverse("report", args=[audit.id])
    assert reverse("report-rules", args=[audit.id]) in client.get(address).content.decode()
