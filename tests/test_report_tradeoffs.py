"""Trade-offs as the report says, draws and tables them."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.template.loader import render_to_string

from auditapp.reports import charts
from auditapp.reports.blocks import (
    Block,
    Bullets,
    Explorer,
    Figure,
    Notice,
    Prose,
    Section,
    Table,
    plain,
    walk,
)
from auditapp.reports.build import build, document
from auditapp.reports.export import write_csv
from auditapp.reports.facts import Facts
from auditapp.reports.sections import glossary, tradeoffs
from auditapp.reports.tradeoff_facts import tradeoff
from tests.chart_samples import HOSTILE
from tests.test_charts import texts
from tests.tradeoff_documents import sample

BEST = "thresholds"


def section(doc: dict[str, Any]) -> Section:
    made = tradeoffs.section(Facts(doc))
    assert made is not None
    return made


def blocks(doc: dict[str, Any], kind: type[Block]) -> list[Any]:
    return [b for b in walk(section(doc).blocks) if isinstance(b, kind)]


def figure(doc: dict[str, Any], kind: str) -> Figure:
    found: Figure = next(f for f in blocks(doc, Figure) if f.chart["kind"] == kind)
    return found


def table(doc: dict[str, Any], anchor: str = "trade-off-settings") -> Table:
    found: Table = next(t for t in blocks(doc, Table) if t.anchor == anchor)
    return found


def words(doc: dict[str, Any]) -> str:
    made = section(doc)
    said = [plain(made.lede)]
    said += [plain(b.text) for b in blocks(doc, Prose)]
    said += [plain(item) for b in blocks(doc, Bullets) for item in b.items]
    said += [f"{b.title} {b.subtitle} {b.alt}" for b in blocks(doc, Figure)]
    for made_table in [*blocks(doc, Table), *(b.table for b in blocks(doc, Figure))]:
        said += [made_table.title, *made_table.foot]
        said += [f"{cell.text} {cell.note}" for row in made_table.rows for cell in row]
    return " ".join(said)


def point(doc: dict[str, Any], method: str, name: str) -> dict[str, Any]:
    found = next(m for m in doc["methods"] if m["slug"] == method)["points"]
    made: dict[str, Any] = next(p for p in found if p["id"] == name)
    return made


def chosen(doc: dict[str, Any]) -> dict[str, Any]:
    best = doc["tradeoff"]["recommended"]
    return point(doc, best["method"], best["point"])


def test_the_recommended_setting_opens_with_gap_cost_and_people() -> None:
    doc = sample()
    said = plain(section(doc).lede)
    assert said.startswith("Setting “Thresholds by group, gap of at most 2 points” cuts the ")
    assert "largest gap in selection rate from 38 to 3 points" in said
    assert "and costs 0.7 points of accuracy (0.3 to 1.0)." in said
    moved = next(c for c in chosen(doc)["changed"] if c["group"] is None)
    up, down = (round(1000 * moved[k] / moved["n"]) for k in ("up", "down"))
    assert f": {up} to yes and {down} to no." in said


def test_an_interval_that_holds_0_is_no_measurable_effect() -> None:
    doc = sample()
    pair = next(p for p in chosen(doc)["paired"] if p["group"] is None)
    pair |= {"diff": -0.001, "low": -0.003, "high": 0.001}
    change = chosen(doc)["change"]["disparity"]
    change |= {"low": -0.05, "high": 0.01}
    said = plain(section(doc).lede)
    assert "has no measurable effect on the largest gap in selection rate" in said
    assert "has no measurable effect on accuracy (change −0.3 to +0.1 points)" in said
    assert tradeoffs.finding(Facts(doc)) is None
    assert tradeoffs.next_step(Facts(doc)) is None


def test_a_method_without_effect_is_named_so() -> None:
    doc = sample(keep=["correlation-remover", "thresholds"])
    for name in ("a-0", "a-1"):
        change = point(doc, "correlation-remover", name)["change"]["disparity"]
        change |= {"low": -0.02, "high": 0.02}
    assert "Correlation remover has no measurable effect on the largest gap" in words(doc)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ((0.01, 0.04), "the whole interval lies within your limit"),
        ((0.01, 0.07), "it may be above your limit of 5 points"),
        ((0.06, 0.09), "above your limit"),
    ],
)
def test_the_measured_gap_is_held_against_the_limit(
    limits: tuple[float, float], said: str
) -> None:
    doc = sample()
    chosen(doc)["disparity"] |= {"low": limits[0], "high": limits[1]}
    assert said in words(doc)


def test_a_limit_that_nothing_kept_names_the_nearest() -> None:
    doc = sample()
    doc["tradeoff"]["recommended"]["kept"] = False
    said = plain(section(doc).lede)
    assert said.startswith("No setting kept your limit of 5 points on the rows that settings are")
    assert "The nearest, “Thresholds by group, gap of at most 2 points” cuts" in said


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("baseline-keeps-limit", "The audited decisions keep your limit of 5 points"),
        ("no-setting", "No setting decides everybody"),
    ],
)
def test_without_a_recommended_setting_the_reason_is_given(reason: str, said: str) -> None:
    doc = sample()
    doc["tradeoff"] |= {"recommended": None, "reason": reason, "human": None}
    for method in doc["methods"]:
        for one in method["points"]:
            one["recommended"] = False
    assert plain(section(doc).lede).startswith(said)
    assert not any(f.chart["kind"] == "people-changed" for f in blocks(doc, Figure))
    assert "trade-off-before-after" not in [t.anchor for t in blocks(doc, Table)]


def test_errors_are_listed_with_their_hint_and_stop_nothing() -> None:
    doc = sample()
    said = words(doc)
    assert "Penalised regression. This method could not run: Only 12 rows" in said
    assert "Give a larger training share, or leave this remedy out." in said
    alone = sample(keep=["penalty"])
    alone["tradeoff"] |= {"recommended": None, "reason": "no-setting", "human": None}
    assert "No remedy could be tried" in plain(section(alone).lede)
    assert not blocks(alone, Figure)


def test_relaxed_and_collapsed_settings_are_said_in_words() -> None:
    doc = sample()
    point(doc, "reweighing", "full")["status"] = "collapsed"
    said = words(doc)
    assert "Exponentiated gradient, 1 of 3 settings: more was asked than could be reached" in said
    assert "Reweighing decides everybody alike" in said


def test_the_table_has_now_every_method_and_what_no_rule_exceeds() -> None:
    doc = sample()
    made = table(doc)
    first = [row[0].text for row in made.rows]
    assert first[0] == "Now"
    for title in (m["title"] for m in doc["methods"] if m["points"]):
        assert any(name.startswith(title) for name in first), title
    assert first[-2].startswith("Theoretical limit: any rule at all")
    best = [i for i, row in enumerate(made.rows) if row[0].note == "Recommended"]
    assert made.tinted == tuple(best)
    assert len(best) == 1
    assert len(made.rows) <= 16
    # every number stands with its interval
    for row in made.rows[:-2]:
        assert all(cell.note for cell in row[1:3])


def test_the_picture_has_every_setting_with_two_bars() -> None:
    doc = sample()
    drawn = figure(doc, "frontier")
    points = [p for s in drawn.chart["series"] for p in s["points"]]
    settings = [p for m in doc["methods"] for p in m["points"]]
    assert len(points) == len(settings)
    assert all(p["x_low"] <= p["x"] <= p["x_high"] for p in points)
    assert sum(p["hollow"] for p in points) == 5
    assert sum(p["recommended"] for p in points) == 1
    assert len(drawn.table.rows) == len(settings) + 1
    assert "At " in drawn.alt and "the best measured accuracy is" in drawn.alt
    shown = texts(charts.draw(drawn.chart, "wide"))
    assert {"Now", "Recommended", "Reweighing", "Your limit: 5 points"} <= set(shown)
    assert any("← lower is better" in text for text in shown)


def test_the_step_line_takes_only_settings_marked_on_validation_rows() -> None:
    doc = sample()
    for method in doc["methods"]:
        for one in method["points"]:
            one["pareto"] = one["id"] in {"r-15", "r-4"}
    steps = figure(doc, "frontier").chart["frontier"]
    marked = [point(doc, "thresholds", name) for name in ("r-4", "r-15")]
    assert steps == [[p["disparity"]["value"], p["accuracy"]["value"]] for p in marked]


def test_more_than_seven_methods_share_one_mark() -> None:
    doc = sample()
    base = next(m for m in doc["methods"] if m["slug"] == "reweighing")
    for i in range(4):
        copy = json.loads(json.dumps(base)) | {"slug": f"more-{i}", "title": f"Remedy {i}"}
        doc["methods"].append(copy)
    series = figure(doc, "frontier").chart["series"]
    assert len(series) == 7
    assert series[-1]["label"] == "Four other remedies"
    assert len(series[-1]["points"]) == 4


def test_a_setting_far_below_stays_in_the_table_only() -> None:
    doc = sample()
    far = point(doc, "reweighing", "full")
    far["pareto"] = False
    far["accuracy"] |= {"value": 0.4, "low": 0.39, "high": 0.41}
    made = figure(doc, "frontier")
    assert "1 setting far below is in the table only" in made.subtitle
    assert any("40.0%" in cell.text for row in made.table.rows for cell in row)


def test_a_bound_near_the_settings_is_drawn_and_a_far_one_becomes_words() -> None:
    doc = sample()
    far = texts(charts.draw(figure(doc, "frontier").chart, "wide"))
    assert any("Out of reach for any rule at all: accuracy above" in text for text in far)
    doc["tradeoff"]["bound"].append({"rule": "score", "points": [[0.0, 0.798], [0.5, 0.806]]})
    near = charts.draw(figure(doc, "frontier").chart, "wide")
    assert "Out of reach for any rule on these scores" in texts(near)
    assert "url(#hatch-area)" in near


def test_a_bound_between_its_gaps_is_never_too_low() -> None:
    doc = sample()
    points = [[0.0, 0.8], [0.04, 0.9], [0.06, 0.95], [0.1, 1.0]]
    doc["tradeoff"]["bound"] = [{"rule": "free", "points": points}]
    t = tradeoff(Facts(doc))
    assert t is not None
    assert t.at_most("free", 0.05) == 0.95
    assert t.at_most("free", 0.04) == 0.9
    assert t.at_most("free", 0.1) is None


def test_abstention_shows_the_no_harm_level_and_what_could_not_be_met() -> None:
    doc = sample()
    made = figure(doc, "abstention")
    assert made.chart["infeasible"] == pytest.approx(0.02, abs=0.001)
    assert "The smallest share that keeps every group's accuracy is 5%." in made.alt
    hollow = [p["hollow"] for s in made.chart["series"] for p in s["points"]]
    assert any(hollow) and not all(hollow)
    assert all(s["now"] is not None for s in made.chart["series"])
    said = words(doc)
    assert "Sending 20% of cases to a person (no group above 20.1%) keeps every group's" in said


def test_the_hatched_shares_are_those_a_method_proved_too_small() -> None:
    doc = sample()
    method = next(m for m in doc["methods"] if m["slug"] == "abstention")
    region: dict[str, Any] = {
        "columns": ["gap", "share"],
        "rows": [[0.0, 0.1], [0.05, 0.06], [0.1, 0.0]],
    }
    method["tables"]["region"] = {**region, "caption": "", "split": "valid"}
    assert figure(doc, "abstention").chart["infeasible"] == 0.06
    region["rows"][1][1] = 0.0
    assert figure(doc, "abstention").chart["infeasible"] is None


def test_abstention_that_may_harm_says_which_group() -> None:
    doc = sample()
    best = doc["tradeoff"]["human"]
    rows = point(doc, best["method"], best["point"])["no_harm"]["groups"]
    rows[2]["shown"] = False
    said = words(doc)
    assert "No setting meets all limits; the closest sends 20% of cases to a person" in said
    assert "That it costs no accuracy is not shown for Asian." in said


def test_the_move_profile_is_sorted_and_told_in_words() -> None:
    made = figure(sample(), "move-profile")
    moves = [abs(r["target"] - r["now"]) for r in made.chart["rows"]]
    assert moves == sorted(moves, reverse=True)
    assert made.alt.startswith("Largest moves, in points: Education: Bachelor's degree +8.9;")
    assert len(made.alt) <= 250


def test_each_group_has_its_rates_before_and_after_and_its_people() -> None:
    doc = sample()
    made = figure(doc, "people-changed")
    rows = made.table.rows
    assert [row[0].text for row in rows][-1] == "Everybody"
    assert len(rows) == 6
    assert all("in 1,000" in row[-1].note for row in rows)


def test_the_card_is_the_smallest_gap_within_a_point_chosen_on_validation_rows() -> None:
    doc = sample()
    for name, right in (("r-0", 0.5), ("r-2", 0.5)):
        point(doc, "thresholds", name)["valid"]["accuracy"] = right
    card = tradeoffs.best_card(Facts(doc))
    assert card is not None
    least = point(doc, "exponentiated-gradient", "eps-1")
    assert card.value == f"{100 * least['disparity']['value']:.1f}"
    assert "costs" in card.note and " to " in card.note
    doc["tradeoff"] = None
    assert tradeoffs.best_card(Facts(doc)) is None
    assert tradeoffs.section(Facts(doc)) is None


def test_a_finding_carries_no_verdict_and_the_next_step_says_test_it() -> None:
    doc = sample()
    found = tradeoffs.finding(Facts(doc))
    assert found is not None and found.verdict == ""
    step = tradeoffs.next_step(Facts(doc))
    assert step is not None and plain(step).endswith("Test it on new rows before using it.")


def test_a_failed_part_says_so() -> None:
    doc = sample()
    doc["tradeoff"] = {"failed": {"code": "x", "message": "No label on held-out rows."}}
    made = section(doc)
    assert [type(b) for b in made.blocks] == [Notice]
    assert tradeoffs.best_card(Facts(doc)) is None


def test_the_explorer_holds_counts_that_reproduce_the_audited_decisions() -> None:
    doc = sample()
    data = next(iter(blocks(doc, Explorer))).data
    assert data["seen"].startswith("Chosen after seeing these rows")
    assert data["sweep"]["exact"] is True
    assert len(data["settings"]) == 17
    group = data["sweep"]["groups"][0]
    now = data["now"]["rates"][0][0][0]
    assert group["selected"][data["sweep"]["now"]] / group["n"] == pytest.approx(now, abs=1e-6)
    doc["tradeoff"]["sweep"]["groups"][0]["selected"][50] += 1
    assert next(iter(blocks(doc, Explorer))).data["sweep"]["exact"] is False
    doc["tradeoff"]["sweep"] = None
    alone = next(iter(blocks(doc, Explorer)))
    assert alone.data["sweep"] is None and alone.title == "Compare settings with now"


def test_thresholds_are_on_the_scale_of_the_file() -> None:
    doc = sample()
    doc["plan"]["score"] = {"column": "s", "favourable": False, "low": 1.0, "high": 10.0}
    doc["plan"]["threshold"] = 5.5
    data = next(iter(blocks(doc, Explorer))).data["sweep"]
    assert (data["thresholds"][0], data["thresholds"][-1]) == ("1", "10")
    assert data["thresholds"][data["now"]] == "5.5"
    assert data["chosen"] == "below"
    chosen_at = [g["selected"] for g in data["groups"]]
    assert all(row == sorted(row) for row in chosen_at)
    doc["tradeoff"]["sweep"]["groups"][0]["selected"][50] += 1
    other = next(iter(blocks(doc, Explorer))).data["sweep"]
    assert other["back"] == "Back to 5.5"


def test_undefined_numbers_are_words_on_every_side() -> None:
    doc = sample()
    for one in (doc["tradeoff"]["baseline"], point(doc, "reweighing", "full")):
        one["disparity"] = dict.fromkeys(("value", "low", "high", "band_low", "band_high"))
        one["disparity"]["undefined"] = "empty-denominator"
    said = words(doc)
    assert "nobody to count" in said
    assert not any(f.chart["kind"] == "frontier" for f in blocks(doc, Figure))
    assert "nan" not in said.lower().split() and "None" not in said


def test_two_rates_of_a_goal_are_held_together() -> None:
    doc = sample(goal="equalized-odds", keep=["thresholds", "reweighing"], n=8000, groups=3)
    assert "largest gap in true or false positive rate" in words(doc)
    data = next(iter(blocks(doc, Explorer))).data
    assert [m["slug"] for m in data["metrics"]] == ["tpr", "fpr"]
    assert len(data["now"]["rates"]) == 2


def test_all_settings_are_in_the_csv_with_their_counts() -> None:
    doc = sample()
    rows = list(csv.DictReader(io.StringIO(write_csv(Facts(doc)).decode("utf-8-sig"))))
    mine = [r for r in rows if r["table"] == "tradeoffs"]
    gaps = {r["kind"]: r for r in mine if r["metric"] == "disparity"}
    assert len(gaps) == 18
    stored = point(doc, "thresholds", "r-2")["disparity"]
    assert float(gaps["thresholds/r-2"]["value"]) == stored["value"]
    ups = [r for r in mine if r["metric"] == "changed-up" and r["kind"] == "thresholds/r-2"]
    assert sum(int(r["numerator"]) for r in ups if r["group"] != "Everyone") == int(
        next(r for r in ups if r["group"] == "Everyone")["numerator"]
    )


def test_the_glossary_speaks_of_it_only_where_it_is() -> None:
    doc = sample()
    said = json.dumps([str(b) for b in glossary.section(Facts(doc)).blocks])
    assert "No measurable effect" in said and "Move profile" in said
    doc["tradeoff"] = None
    assert "Move profile" not in json.dumps([str(b) for b in glossary.section(Facts(doc)).blocks])


def page(doc: dict[str, Any], folder: Path) -> str:
    """The chapter alone as a page, without drawings."""
    made = section(doc)
    report = document(Facts(doc), (made, made), {})
    return str(render_to_string("report/body.html", {"document": report, "folder": folder}))


def test_hostile_names_of_methods_are_text_on_the_page_and_in_charts(tmp_path: Path) -> None:
    doc = sample()
    names = [name for name in HOSTILE if "\ud800" not in name]
    for method, name in zip(doc["methods"], names, strict=False):
        method["title"] = name
        for i, one in enumerate(method["points"]):
            one["label"] = f"{name} {i}"
    html = page(doc, tmp_path)
    assert "<script>alert" not in html
    assert " style=" not in html
    assert "\u202e" not in html
    for made in blocks(doc, Figure):
        assert "<script" not in charts.draw(made.chart, "wide")


def test_the_page_loads_the_explorer_and_nothing_inline(tmp_path: Path) -> None:
    html = page(sample(), tmp_path)
    assert 'id="trade-off-explorer"' in html
    assert "vendor/vega-6.4.0.min.js" in html
    assert not re.search(r"<script(?![^>]*(type=\"application/json\"|src=))", html)
    alone = sample(keep=["penalty"])
    alone["tradeoff"] |= {"recommended": None, "reason": "no-setting", "human": None}
    assert "vega" not in page(alone, tmp_path)


def test_the_chapter_takes_two_pages(tmp_path: Path) -> None:
    build(sample(), tmp_path)
    text = subprocess.run(
        ["pdftotext", "-layout", str(tmp_path / "report.pdf"), "-"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    pages = text.split("\f")
    first = next(i for i, p in enumerate(pages) if i > 2 and "Settings to choose among" in p)
    last = next(i for i, p in enumerate(pages) if "This method could not run" in p)
    assert last - first <= 1
