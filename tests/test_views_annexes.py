"""The tables of an annex as a CSV with exactly its columns."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from auditapp.models import Event, Report
from auditapp.reports import blocks, sheets
from auditapp.reports.facts import Facts
from auditapp.reports.regulatory.ll144 import section
from tests.factories import make_team
from tests.ll144_people import annex, hiring, rows
from tests.report_documents import document
from tests.test_views_access import things


def lines(content: bytes | None) -> list[list[str]]:
    assert content is not None
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def chapter(made: dict) -> dict:
    facts = Facts({**document(400, attributes=1), "annexes": [made]})
    return {"sections": [blocks.to_json(section(facts, made))]}


def test_the_sheet_has_the_columns_and_printed_numbers_of_the_rule(tmp_path: Path) -> None:
    made = annex(hiring(), tmp_path)
    found = lines(sheets.sheet(chapter(made), "ll144"))
    assert found[0] == ["New York City Local Law 144"]
    start = found.index(["Sex"])
    assert found[start + 1] == [
        "Category", "# of applicants", "# selected", "Selection rate", "Impact ratio",
    ]  # fmt: skip
    male = made["tables"][0]["rows"][0]
    rate, ratio = male["rate"], male["ratio"]
    assert found[start + 2] == [
        "Male", str(rate["denominator"]), str(rate["numerator"]), f"{rate['printed']}%",
        ratio["printed"],
    ]  # fmt: skip
    assert ["Intersectional"] in found


def test_the_sheet_says_what_has_to_be_published_with_the_tables(tmp_path: Path) -> None:
    cells = ((50, 20, "M", "White"), (50, 10, "F", "Hispanic"), (7, 1, "Unknown", "White"))
    found = lines(sheets.sheet(chapter(annex(rows(*cells), tmp_path)), "ll144"))
    assert ["Data", "Historical data. Applications of spring."] in found
    assert ["Auditor", "Riverside Audit Office"] in found
    said = " ".join(row[0] for row in found if row)
    assert "sex, race or ethnicity is unknown: 7." in said
    assert found.index(["Sex"]) > found.index(["Auditor", "Riverside Audit Office"])


def test_the_sheet_of_a_draft_says_so(tmp_path: Path) -> None:
    cells = ((50, 20, "M", "White"), (50, 10, "F", "Asian"))
    made = chapter(annex(rows(*cells), tmp_path))
    cover = {"slug": "cover", "title": "", "blocks": [{"kind": "cover", "status": "Draft"}]}
    made["sections"].insert(0, cover)
    found = lines(sheets.sheet(made, "ll144"))
    assert found[0] == ["New York City Local Law 144", "Draft"]
    assert any("1 item open" in row[0] for row in found if row)


def test_values_that_would_be_formulas_are_text(tmp_path: Path) -> None:
    cells = ((50, 20, "M", "White"), (50, 10, "F", "Hispanic"), (30, 9, "F", "=1+1"))
    found = lines(sheets.sheet(chapter(annex(rows(*cells), tmp_path)), "ll144"))
    assert any(row[:1] == ["'=1+1"] for row in found)


def test_only_annexes_with_tables_are_offered(tmp_path: Path) -> None:
    made = chapter(annex(rows((9, 3, "M", "White"), (9, 3, "F", "Hispanic")), tmp_path))
    made["sections"].append({"slug": "annex-empty", "title": "Empty", "blocks": []})
    made["sections"].append({"slug": "limits", "title": "Limits", "blocks": []})
    assert [item["slug"] for item in sheets.annexes(made)] == ["ll144"]
    assert sheets.sheet(made, "empty") is None
    assert sheets.sheet(made, "limits") is None
    assert sheets.annexes({}) == []


@pytest.mark.django_db
def test_a_download_comes_under_a_fixed_name_and_is_in_the_trail() -> None:
    team = make_team()
    audit = things(team)["done"]
    client = Client()
    client.force_login(team.vera)
    response = client.get(reverse("annex-csv", args=[audit.id, "ll144"]))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == f'attachment; filename="{audit.report_id}-ll144.csv"'
    assert ["Male", "1390"] in lines(response.content)
    assert Event.objects.get(verb="downloaded").detail["file"] == "ll144.csv"
    assert client.get(reverse("annex-csv", args=[audit.id, "lending"])).status_code == 404


@pytest.mark.django_db
def test_the_report_page_leads_to_the_sheet_of_each_annex() -> None:
    team = make_team()
    audit = things(team)["done"]
    client = Client()
    client.force_login(team.vera)
    folder = Report.objects.get(audit=audit).folder
    shown = json.loads((folder / "report.json").read_text())
    shown["sections"][0]["blocks"] = []
    address = reverse("annex-csv", args=[audit.id, "ll144"])
    assert address in client.get(reverse("report", args=[audit.id])).content.decode()
    (folder / "report.json").write_text(json.dumps(shown))
    assert address not in client.get(reverse("report", args=[audit.id])).content.decode()
