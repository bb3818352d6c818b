"""Where the gap comes from, as the report says it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditapp.reports import charts
from auditapp.reports.blocks import Block, Figure, Notice, Prose, Section, Table, plain, walk
from auditapp.reports.build import build
from auditapp.reports.charts.gap_parts import amount, interval
from auditapp.reports.export import write_csv
from auditapp.reports.facts import Facts
from auditapp.reports.sections import glossary, sources
from tests import chart_samples
from tests.source_people import document, planted, planted_document
from tests.test_charts import texts


def section(doc: dict[str, Any]) -> Section:
    made = sources.section(Facts(doc))
    assert made is not None
    return made


def blocks(doc: dict[str, Any], kind: type[Block]) -> list[Any]:
    return [b for b in walk(section(doc).blocks) if isinstance(b, kind)]


def words(doc: dict[str, Any]) -> str:
    made = section(doc)
    said = [plain(made.lede), *(plain(b.text) for b in blocks(doc, Prose))]
    said += [plain(b.text) for b in blocks(doc, Notice)]
    said += [f"{b.title} {b.subtitle} {b.alt}" for b in blocks(doc, Figure)]
    tables = [*blocks(doc, Table), *(b.table for b in blocks(doc, Figure))]
    for table in tables:
        said += [table.title, *table.foot]
        said += [f"{cell.text} {cell.note}" for row in table.rows for cell in row]
    return " ".join(said)


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("unique", "Most of the gap by sex stays when people at the same site are compared"),
        ("redundant", "Most of the gap by sex comes from who is seen at which site"),
        ("masked", "Sites hide more of the gap by sex than the overall figure shows"),
        ("none", "No gap by sex is shown, neither over all sites nor within them"),
    ],
)
def test_the_bars_are_headed_by_what_they_show(kind: str, title: str) -> None:
    figures = blocks(planted_document(kind), Figure)
    assert [f.title for f in figures if f.anchor.startswith("parts-")] == [title]


def test_parts_are_read_in_words_with_share_interval_and_test() -> None:
    said = words(planted_document("unique"))
    assert "is unique (" in said
    assert " thousandths, " in said
    assert "thousandths of a bit about sex" in said
    assert "A redundant part is not shown" in said
    assert "hide a gap from the overall figure is not shown (p = " in said


def test_a_masked_part_is_what_the_overall_figure_hides() -> None:
    doc = planted_document("masked")
    assert "hidden from the overall figure: " in words(doc)
    found = sources.finding(Facts(doc))
    assert found is not None
    assert plain(found.text).startswith("The overall figure hides most of the gap by sex")
    for kind in ("unique", "redundant", "none"):
        assert sources.finding(Facts(planted_document(kind))) is None


def test_information_is_stored_in_nats_and_printed_in_bits() -> None:
    doc = planted_document("unique")
    stored = doc["pid"][0]["unique"]["corrected"]
    bars = next(f for f in blocks(doc, Figure) if f.anchor.startswith("parts-"))
    assert bars.chart["rows"][0]["unique"] == pytest.approx(stored / np.log(2) * 1000)
    rows = csv.DictReader(io.StringIO(write_csv(Facts(doc)).decode("utf-8-sig")))
    exported = [r for r in rows if r["metric"] == "information-unique" and r["kind"] == "decision"]
    assert float(exported[0]["value"]) == stored


def test_a_split_that_is_not_certified_says_so_with_its_gap() -> None:
    doc = planted_document("unique")
    doc["pid"][0]["certificate"] |= {"certified": False, "gap": 0.00031}
    doc["bounds"][0]["headroom"][0]["certificate"] |= {"certified": False, "gap": 0.0004}
    said = words(doc)
    assert "Not certified." in said
    assert "off by up to 0.45 thousandths of a bit" in said
    assert "not certified gap 0.040 points" in said


def test_two_hundred_sites_draw_twelve_bars_and_say_so() -> None:
    people = planted("masked", n=12_000, sites=200)
    doc = document({**people, "label": None}, floor=10)
    bars = next(f for f in blocks(doc, Figure) if f.anchor.startswith("parts-"))
    assert len(bars.chart["sites"]) == 12
    assert "12 sites with most of it are drawn, of 200" in bars.subtitle
    table = next(t for t in blocks(doc, Table) if t.anchor.startswith("sites-"))
    assert len(table.rows) == 50
    assert "all are in the result document" in " ".join(table.foot)
    for variant in charts.VARIANTS:
        assert charts.draw(bars.chart, variant)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"decision": np.ones(6000, dtype=np.int8)}, "Everybody was decided alike"),
        ({"label": np.zeros(6000, dtype=np.int8)}, "All recorded outcomes are alike."),
        ({"group": np.zeros(6000, dtype=np.int8)}, "Only one group was seen."),
        ({"site": np.zeros(6000, dtype=np.int8)}, "Everybody was seen at one site"),
        ({"group": np.full(6000, -1, dtype=np.int8)}, "Nobody has all of the columns filled in."),
    ],
)
def test_what_cannot_be_split_is_not_enough_data_with_its_reason(
    change: dict[str, Any], said: str
) -> None:
    text = words(document({**planted("unique"), **change}))
    assert said in text
    assert "ot enough data" in text
    assert "nan" not in text.lower().split()


def test_joined_and_blank_rows_are_listed() -> None:
    people = planted("unique")
    people["site"] = people["site"].astype(np.int16)
    people["site"][:3] = [10, 11, 12]
    people["site"][3:8] = -1
    said = words(document(people))
    assert "3 sites with fewer than 30 people of some group are joined as “other sites”" in said
    assert "5 rows with a blank in one of the columns are not counted here." in said


def test_a_part_that_failed_leaves_the_other_standing() -> None:
    doc = planted_document("unique")
    doc["pid"] = {"failed": {"code": "x", "message": "Out of memory."}}
    assert "This part could not be computed. Out of memory." in words(doc)
    assert any(f.anchor.startswith("bound-") for f in blocks(doc, Figure))
    doc["bounds"] = doc["pid"]
    assert [type(b) for b in section(doc).blocks] == [Notice]
    doc["pid"] = doc["bounds"] = None
    assert sources.section(Facts(doc)) is None
    assert sources.finding(Facts(doc)) is None


def test_the_bound_reads_the_limit_of_the_auditor_off_the_document() -> None:
    doc = planted_document("unique")
    found = next(f for f in blocks(doc, Figure) if f.anchor.startswith("bound-"))
    windows = doc["bounds"][0]["windows"]
    group = next(w for w in windows if (w["metric"], w["rule"]) == ("selection-rate", "group"))
    best = next(p["accuracy"] for p in group["points"] if p["gap"] == 0.05)
    lost = (doc["bounds"][0]["model"]["accuracy"] - best) * 100
    assert (
        found.title
        == f"Within 5 points, these decisions lose at least {lost:.1f} points of accuracy"
    )
    assert found.chart["limit"] == 0.05
    assert found.chart["now"]["x"] == group["gap"]


def test_a_goal_that_a_perfect_rule_meets_draws_only_the_reworked_decisions() -> None:
    doc = document(planted("unique"), goal="equalized-odds")
    found = next(f for f in blocks(doc, Figure) if f.anchor.startswith("bound-"))
    assert [s["label"] for s in found.chart["series"]] == ["These decisions, reworked by group"]
    assert "Among people with the same recorded outcome" in words(doc)


def test_without_a_site_column_the_bound_stands_and_says_so() -> None:
    said = words(document({**planted("unique"), "site": None}))
    assert "No column of sites was named" in said
    assert "headroom" in said
    assert section(document({**planted("unique"), "site": None})).title == sources.BOUNDS


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    doc = planted_document("masked")
    for site, name in zip(doc["pid"][0]["per_site"], chart_samples.HOSTILE, strict=False):
        site["site"] = name
    doc["plan"]["site"]["title"] = chart_samples.HOSTILE[0]
    made = build(doc, tmp_path)
    assert made["pages"] > 1
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert "sources" in [s["slug"] for s in report["sections"]]
    for drawing in (tmp_path / "charts").glob("parts-*.svg"):
        assert "<script" not in drawing.read_text(encoding="utf-8")


def test_terms_are_explained_only_where_they_are_used() -> None:
    def terms(doc: dict[str, Any]) -> str:
        return json.dumps([str(b) for b in glossary.section(Facts(doc)).blocks])

    assert "Unique, redundant, masked" in terms(planted_document("unique"))
    assert "Unique, redundant, masked" not in terms(document({**planted("unique"), "site": None}))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.004, "0.00"), (0.64, "0.64"), (1.04, "1.0"), (9.96, "10"), (312.4, "312")],
)
def test_bits_have_about_two_digits(value: float, text: str) -> None:
    assert amount(value) == text
    assert interval({"value": value}) == text


def test_every_bar_prints_its_interval_and_every_part_its_pattern() -> None:
    for variant in charts.VARIANTS:
        svg = charts.draw(chart_samples.gap_parts(), variant)
        assert "26 (24 to 29)" in texts(svg)
        assert "url(#dotted)" in svg
        assert "url(#striped)" in svg


def test_the_bound_hatches_what_is_out_of_reach_and_names_its_curves() -> None:
    svg = charts.draw(chart_samples.bound_curve(), "narrow")
    assert "url(#hatch-area)" in svg
    assert "Any rule at all" in texts(svg)
    assert "Your limit: 5 points" in texts(svg)
