"""The chapter on stability: what it says, what it draws, and what it keeps out of print."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from auditapp.reports import charts
from auditapp.reports.blocks import Figure, Notice, Table, plain, to_json, walk
from auditapp.reports.build import build
from auditapp.reports.export import write_csv
from auditapp.reports.facts import Facts
from auditapp.reports.sections import stability
from tests.stability_documents import changed, document, shift

AVOIDED = re.compile(r"\b(fair|safe|pass|grade|please|NaN|None|undefined)\b")


def section(**parts: Any) -> Any:
    made = stability.section(Facts(document(**parts)))
    assert made is not None
    return made


def words(made: Any) -> str:
    return json.dumps(to_json(made), ensure_ascii=False)


def figures(made: Any) -> dict[str, Figure]:
    return {b.anchor: b for b in walk(made.blocks) if isinstance(b, Figure)}


def test_without_shift_and_change_there_is_no_chapter() -> None:
    assert stability.section(Facts(document())) is None
    assert stability.finding(Facts(document())) is None


def test_an_odd_site_is_named_with_its_interval() -> None:
    made = section(shift=shift(odd=0.25))
    text = words(made)
    assert "In Site 001 the gap in selection rate between women and men is" in text
    assert figures(made)["stability-panel"].alt.endswith("1 site differs from the others.")
    assert not AVOIDED.search(" ".join(re.findall(r'"t": "([^"]*)"', text)))


def test_alike_sites_are_not_called_different() -> None:
    made = section(shift=shift(odd=0.0))
    assert "No site is shown to differ from the others in the one gap compared." in words(made)
    assert stability.finding(Facts(document(shift=shift(odd=0.0)))) is None


def test_sites_with_too_few_people_are_listed_and_not_drawn() -> None:
    made = section(shift=shift(few=3))
    figure = figures(made)["stability-panel"]
    assert len(figure.chart["rows"]) == 9
    assert len(figure.table.rows) == 12
    assert re.search(r"Not enough data, people in Women and Men: Small 00\d \(", words(made))


def test_a_change_is_told_first_and_is_the_finding() -> None:
    parts = {"change": changed(), "shift": shift(odd=0.25)}
    found = stability.finding(Facts(document(**parts)))
    assert found is not None
    assert plain(found.text).startswith(
        "The gap in selection rate between women and men went from"
    )
    assert found.verdict == "difference"
    made = section(**parts)
    title = figures(made)["stability-history"].title
    assert re.match(r"The gap between women and men is wider by \d+\.\d points", title)
    assert "The threshold was changed as well" in words(made)


def test_no_change_is_not_a_finding() -> None:
    facts = Facts(document(change=changed(0.0)))
    assert stability.finding(facts) is None
    assert "The one gap tested is not shown to have changed." in words(stability.section(facts))


def test_the_same_file_twice_says_that_nothing_is_tested() -> None:
    text = words(section(change=changed(same_rows=True)))
    assert "Both audits measured the same file" in text
    assert "so no drift of people or labels is possible" in text


def test_an_earlier_audit_that_does_not_compare_says_why() -> None:
    change = {"undefined": "other-goal", "previous": changed()["previous"], "left_out": []}
    text = words(section(change=change))
    assert "not compared with the audit of 2021-05-01: the earlier audit had another goal" in text


def test_a_part_that_failed_leaves_the_other() -> None:
    failed = {"failed": {"code": "x", "message": "An error of the kind KeyError stopped it."}}
    made = section(shift=failed, change=changed())
    assert any(isinstance(b, Notice) for b in walk(made.blocks))
    assert "stability-history" in figures(made)
    other = section(shift=shift(), change=failed)
    assert "This part could not be computed" in words(other)


def test_the_line_of_five_audits_marks_the_change() -> None:
    figure = figures(section(change=changed(runs=5)))["stability-history"]
    marks = [p["changed"] for p in figure.chart["series"][0]["points"]]
    assert marks == [None, True, False, False, False]
    assert len(figure.table.rows) == 5
    svg = charts.draw(figure.chart, "wide")
    assert "2026-11-22" in svg


@pytest.mark.parametrize("variant", ["wide", "narrow", "print"])
def test_two_hundred_sites_fit_one_panel_and_name_the_odd_one(variant: str) -> None:
    made = section(shift=shift(60_000, 200, odd=0.25))
    svg = charts.draw(figures(made)["stability-panel"].chart, variant)
    height = float(re.findall(r'height="([\d.]+)"', svg)[0])
    assert height <= 940
    assert "Site 001" in svg
    assert svg.count(">Site ") <= 60


def test_two_hundred_sites_leave_the_tables_short() -> None:
    made = section(shift=shift(40_000, 200))
    tables = [b for b in walk(made.blocks) if isinstance(b, Table)]
    assert max(len(t.rows) for t in tables) <= 30
    assert all(t.print_rows or len(t.rows) <= 8 for t in tables)


def test_sites_and_changes_are_in_the_csv() -> None:
    text = write_csv(Facts(document(shift=shift(few=2), change=changed()))).decode()
    for expected in ("one site less the others", "Small 001", "source-auc", "drift", "change"):
        assert expected in text


def test_page_and_pdf_hold_the_chapter(tmp_path: Path) -> None:
    hostile = shift(few=1)
    for row in (*hostile["sites"]["sites"], *hostile["sites"]["comparisons"][0]["sites"]):
        if row["site"] == "Site 002":
            row["site"] = '<script>alert(1)</script> #import "x"'
    made = build(document(shift=hostile, change=changed(runs=3)), tmp_path)
    assert made["pages"] <= 16
    report = json.loads((tmp_path / "report.json").read_text())
    assert "stability" in [s["slug"] for s in report["sections"]]
    assert (tmp_path / "charts/stability-history.print.svg").is_file()
    assert "<script" not in (tmp_path / "charts/stability-panel.wide.svg").read_text()
