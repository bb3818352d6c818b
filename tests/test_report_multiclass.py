"""The report of decisions among several classes: every finding names its class."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from django.template.loader import render_to_string

from auditapp.reports import build, class_tables, headlines, words
from auditapp.reports.blocks import Table, plain
from auditapp.reports.facts import Facts
from auditapp.reports.sections import sections
from tests.class_audits import CLASSES, COLUMNS, audit, people

HOSTILE = (
    "{outcome} {a} {k} {c}",
    "<script>alert(1)</script>",
    "=1+2",
    "/tpr/“x”",
    "turn\u202eround",
    '#import "x": *',
    "x" * 300,
)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return audit(people(3000), tmp_path_factory.mktemp("classes"))


def _text(value: Any) -> str:
    """Every string of a report, in reading order."""
    if isinstance(value, str):
        return value
    parts = value.values() if isinstance(value, dict) else value
    return " ".join(_text(v) for v in parts) if isinstance(value, (dict, list, tuple)) else ""


def test_headline_findings_and_next_step_name_the_class(document: dict[str, Any]) -> None:
    facts = Facts(document)
    headline = plain(headlines.headline(facts)[0])
    assert re.fullmatch(
        r"\d+% of \w+ and \d+% of \w+ were predicted as “management”: .*", headline
    )
    for gap in [*facts.found[:5], *facts.settled_none[:5], *facts.unsettled[:5]]:
        if gap.get("class") is not None:
            sentence = plain(words.finding(facts, gap)) + words.detail(gap)
            assert f"“{gap['class']}”" in sentence


def test_a_class_of_one_metric_is_not_taken_for_another(document: dict[str, Any]) -> None:
    facts = Facts(document)
    group = {"sex": "Women"}
    rates = [facts.estimate(f"selection-rate/{c}", group) for c in CLASSES]
    assert sum(r["numerator"] for r in rates if r) == rates[0]["denominator"]  # type: ignore[index]
    assert facts.estimate("selection-rate", group) is None
    assert facts.metrics[:3] == tuple(f"selection-rate/{c}" for c in CLASSES)
    assert facts.metrics[-1] == "accuracy"


def test_classes_that_were_asked_about_lead(tmp_path: Path) -> None:
    facts = Facts(audit(people(1500), tmp_path, classes=("office",), goal="tpr"))
    assert facts.lead == "tpr/office"
    assert class_tables.asked(facts)[0] == "office"


def test_every_comparison_stands_in_a_table_with_its_interval(document: dict[str, Any]) -> None:
    facts = Facts(document)
    table = class_tables.comparisons(facts, facts.singles[0])
    assert len(table.rows) == len(CLASSES)
    for row in table.rows:
        assert row[0].text.startswith("“")
        assert all(" to " in cell.note for cell in row[4:])


def test_confusions_carry_shares_intervals_and_groups(document: dict[str, Any]) -> None:
    facts = Facts(document)
    whole = class_tables.whole(facts)
    assert isinstance(whole, Table)
    assert [len(row) for row in whole.rows] == [2 + len(CLASSES)] * len(CLASSES)
    pairs = class_tables.mix_ups(facts, facts.singles[0])
    assert isinstance(pairs, Table)
    assert len(pairs.rows) == 6
    assert [c.text for c in pairs.columns[1:]] == ["Everyone", "Women", "Men"]


def test_the_examined_section_lists_each_metric_once(document: dict[str, Any]) -> None:
    examined = next(s for s in sections(Facts(document)) if s.slug == "examined")
    table = next(b for b in examined.blocks if isinstance(b, Table) and b.title == "Metrics")
    assert [row[0].text for row in table.rows] == [
        "Share predicted as each class", "True positive rate, each class",
        "False positive rate, each class", "Precision, each class", "Accuracy",
    ]  # fmt: skip


def test_the_table_for_download_has_a_column_for_the_class(
    document: dict[str, Any], tmp_path: Path
) -> None:
    made = build.build(document, tmp_path)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "tables.csv").read_text("utf-8-sig"))))
    estimates = [r for r in rows if r["table"] == "estimates"]
    assert len(estimates) == len(document["estimates"])
    assert {r["class"] for r in estimates} == {"", *CLASSES}
    confusion = [r for r in rows if r["table"] == "confusion" and r["group"] == "Everyone"]
    assert sum(int(r["numerator"]) for r in confusion) == 3000
    assert made["summary"]["largest"]["class"] == "management"
    assert made["summary"]["largest"]["metric"] == "selection-rate"
    assert made["pages"] <= 14


def test_hostile_class_names_are_text_on_page_pdf_and_table(tmp_path: Path) -> None:
    document = audit(people(900, HOSTILE), tmp_path)
    out = tmp_path / "report"
    build.build(document, out)
    report = json.loads((out / "report.json").read_text())
    html = render_to_string("report/body.html", {"document": report, "folder": out})
    assert "<script>alert" not in html
    text = _text(report)
    assert "“{outcome} {a} {k} {c}”" in text
    assert "\u202e" not in text
    assert "x" * 61 not in text
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    with pikepdf.open(out / "report.pdf") as pdf:
        assert len(pdf.pages) > 5
    cells = (out / "tables.csv").read_text("utf-8-sig")
    assert ",=1+2" not in cells
    assert ",'=1+2" in cells


OTHERS: dict[str, dict[str, Any]] = {
    "no label": {"label": None},
    "both errors": {"goal": "equalized-odds"},
    "accuracy": {"goal": "accuracy"},
    "one attribute": {"attributes": COLUMNS[:1]},
    "all under the floor": {"floor": 5000},
}


@pytest.mark.parametrize("given", OTHERS.values(), ids=OTHERS)
def test_other_plans_make_a_whole_report(given: dict[str, Any], tmp_path: Path) -> None:
    facts = Facts(audit(people(700), tmp_path, **given))
    text = _text([s.title for s in sections(facts)])
    assert "Group results" in text
    everything = repr(sections(facts))
    for wrong in ("nan", "Infinity", "{c}", "favourable decision"):
        assert wrong not in everything, wrong


def test_many_classes_make_a_report_of_ordinary_length(tmp_path: Path) -> None:
    document = audit(people(4000, tuple(f"job {i}" for i in range(30))), tmp_path)
    made = build.build(document, tmp_path / "report")
    assert made["pages"] <= 14
