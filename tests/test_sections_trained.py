"""Remedies that train networks, as the report says, draws and tables them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.template.loader import render_to_string

from auditapp.reports import charts, trained_words
from auditapp.reports.blocks import Figure, Part, Prose, Section, Table, plain, walk
from auditapp.reports.build import document
from auditapp.reports.facts import Facts
from auditapp.reports.sections import glossary, tradeoffs
from auditapp.reports.tradeoff_facts import Tradeoff, tradeoff
from auditapp.reports.trained_facts import rows_of
from tests.test_charts import texts
from tests.tradeoff_documents import sample
from tests.trained_documents import local_points, method, trained


def section(doc: dict[str, Any]) -> Section:
    made = tradeoffs.section(Facts(doc))
    assert made is not None
    return made


def read(doc: dict[str, Any]) -> Tradeoff:
    found = tradeoff(Facts(doc))
    assert found is not None
    return found


def part(doc: dict[str, Any], slug: str) -> Part:
    return next(
        b for b in section(doc).blocks if isinstance(b, Part) and b.anchor == f"trained-{slug}"
    )


def said(doc: dict[str, Any], slug: str) -> str:
    """Sentences of one part."""
    return " ".join(plain(b.text) for b in walk(part(doc, slug).blocks) if hasattr(b, "text"))


def table(doc: dict[str, Any], slug: str, title: str) -> Table:
    found = (b for b in walk(part(doc, slug).blocks) if isinstance(b, Table))
    return next(b for b in found if b.title == title)


def cells(made: Table) -> list[list[str]]:
    return [[f"{c.text} ({c.note})" if c.note else c.text for c in row] for row in made.rows]


def frontier(doc: dict[str, Any]) -> Figure:
    return next(
        b for b in walk(section(doc).blocks)
        if isinstance(b, Figure) and b.chart["kind"] == "frontier"
    )  # fmt: skip


def test_where_the_weight_went_is_told_in_words_and_shares() -> None:
    made = table(trained(), "road", "Where the weight went")
    first = ["Age under 30, hours a week 40 and more", "Asian", "11.2%", "27.4%", "21.3"]
    assert cells(made)[0] == first
    assert "without an interval" in made.foot[0] and "on training rows" in made.foot[0]


def test_a_worst_gap_below_its_null_says_nothing() -> None:
    doc = trained()
    rows = cells(table(doc, "road", "Worst local gaps beside chance"))
    above, below = rows[0], rows[1]
    assert above[3:] == ["23.1 (18.2 to 28.0)", "6.1 (under 10.4)", "more than chance"]
    assert below[3:] == ["26.2 (9.0 to 43.0)", "17.0 (under 28.1)", "nothing"]
    text = said(doc, "road")
    assert "2 worst gaps of 4 lie below that 95% point and say nothing" in text
    for row in method(doc, "road")["tables"]["local-null"]["rows"]:
        row[2] = 0.05
    assert "these worst gaps say nothing" in said(doc, "road")


def test_every_local_gap_has_its_people_and_its_interval() -> None:
    made = table(trained(), "road", "Widest local gaps")
    assert made.printed is False
    assert [
        "No penalty",
        "Age under 30",
        "declared parts",
        "420 and 1,310",
        "23.1 (18.2 to 28.0)",
    ] in cells(made)
    sizes = [float(row[4].text) for row in made.rows]
    assert sizes == sorted(sizes, reverse=True)


def test_every_setting_stands_with_its_reason() -> None:
    rows = cells(table(trained(), "road", "Every setting on validation rows"))
    assert rows[1][0] == "Explicit, weight 1, temperature 0.1"
    assert rows[1][-1] == "chosen, no other beats it, a new gap in the whole"
    last = ["BROAD as published, weight 3, temperature 0.3", "3", "60.0% (SD 10.0)", "0.500"]
    assert rows[2] == [*last, "0.0", "not computed", "not offered: scores collapsed"]


def test_columns_that_were_left_out_say_why() -> None:
    doc = trained()
    assert "Parts were described by AGEP and WKHP." in said(doc, "road")
    rows = cells(table(doc, "road", "Columns that describe parts"))
    assert rows[-1] == ["POBP", "0.83", "no", "tells the group (AUC above 0.65)"]


def test_a_gain_whose_interval_holds_zero_is_no_evidence() -> None:
    doc = trained()
    text = said(doc, "fairtune")
    assert text.startswith("No evidence of gain. Against the best baseline, head only")
    assert "changes by −0.002 (95%: −0.015 to +0.010): the interval holds 0" in text
    row = method(doc, "fairtune")["tables"]["gain"]["rows"][0]
    row[1:5] = [0.021, 0.004, 0.038, True]
    assert "changes by +0.021 (95%: +0.004 to +0.038)." in said(doc, "fairtune")
    row[1:5] = [0.021, None, None, True]
    assert "No evidence of gain" in said(doc, "fairtune")
    row[1:5] = [-0.021, -0.03, -0.01, False]
    assert "No evidence of gain" in said(doc, "fairtune")


def test_arms_show_mean_spread_and_worst_seed_and_whether_budgets_were_equal() -> None:
    doc = trained()
    made = table(doc, "fairtune", "What the search is held against")
    assert cells(made)[1] == ["Everything (full fine-tuning)", "19", "0.781", "0.024", "0.751"]
    assert any("numbers of trainings differ" in foot for foot in made.foot)
    for row in method(doc, "fairtune")["tables"]["arms"]["rows"]:
        row[1] = 39
    made = table(doc, "fairtune", "What the search is held against")
    assert any("Each was given 39 trainings." in foot for foot in made.foot)


def test_trials_are_short_in_print_and_whole_on_the_page() -> None:
    made = table(trained(), "fairtune", "Every trial of the search")
    assert len(made.rows) == 30 and made.print_rows == 6
    assert made.print_more == "24 further rows on the page."
    assert cells(made)[6][5:] == ["stopped early", "none"]


def test_levelling_down_is_marked() -> None:
    doc = trained()
    assert "Levelling down. The gap between the groups is smaller because" in said(doc, "fairtune")
    names = [row[0] for row in frontier(doc).table.rows]
    tags = next(c.note for c in names if c.text.startswith("Fair fine-tuning"))
    assert tags == "Selected checkpoint, levels down"
    for row in method(doc, "fairtune")["tables"]["groups"]["rows"]:
        row[3] = row[2] + 0.01
    assert "Levelling down" not in said(doc, "fairtune")


def test_seeds_show_mean_spread_and_worst() -> None:
    doc = trained()
    made = table(doc, "fairtune", "The same settings with other seeds")
    row = cells(made)[0]
    assert row[0] == "Selected checkpoint (selected checkpoint)" and row[1] == "5"
    assert row[2].endswith("(SD 0.4)")
    assert "the mean is what to expect" in made.foot[0]


@pytest.mark.parametrize(
    ("slug", "line"),
    [
        ("road", "96 trainings on the CPU with 32-bit floats, 38 s in all. The same seed gives "
         "the same networks, bit by bit."),
        ("fairtune", "96 trainings on NVIDIA H100 with 16-bit brain floats, 12 min 34 s in all. "
         "Between CPU and GPU a score may differ by 0.002 after the same training."),
    ],
)  # fmt: skip
def test_device_precision_and_number_of_trainings_are_said(slug: str, line: str) -> None:
    assert line in said(trained(), slug)


def test_where_it_was_computed_is_taken_from_the_run() -> None:
    doc = trained()
    method(doc, "road")["compute"] = {
        "device": "GPU", "precision": "bfloat16", "agreement": 0.05,
    }  # fmt: skip
    text = said(doc, "road")
    assert "96 trainings on a GPU with 16-bit brain floats" in text
    assert "may differ by 0.05 after the same training" in text


def test_columns_are_known_under_other_names() -> None:
    found = {"tables": {"local-null": {
        "columns": ["Family", "Worst gap", "Null mean", "Null 95 %"],
        "rows": [["tree", 0.2, 0.1, 0.15]],
    }}}  # fmt: skip
    assert rows_of(found, "local-null") == [
        {"family": "tree", "worst": 0.2, "null_mean": 0.1, "null_p95": 0.15}
    ]


def test_a_method_without_tables_has_no_part() -> None:
    parts = [b for b in section(sample()).blocks if isinstance(b, Part)]
    assert parts == []


def test_every_form_has_a_letter_in_the_picture_and_words_below_it() -> None:
    made = frontier(trained())
    assert made.note.startswith("a Explicit ROAD, b Adversary, c Kernel penalty")
    drawn = [p for s in made.chart["series"] for p in s["points"]]
    letters = {p["letter"] for p in drawn if p.get("letter")}
    assert letters == set("abcdefgh")
    for variant in ("wide", "narrow", "print"):
        shown = set(texts(charts.draw(made.chart, variant)))
        assert len(letters & shown) >= 7, variant


def test_a_crowded_picture_leaves_beaten_settings_to_the_table() -> None:
    made = frontier(trained())
    many = sum(len(s["points"]) for s in made.chart["series"])
    assert many <= 40 < len(made.table.rows)
    assert "far below or beaten on both counts are in the table only" in made.subtitle


def test_methods_with_most_settings_keep_their_shape() -> None:
    t = read(trained())
    assert t.looks["road"] < 6 and t.looks["thresholds"] == 0
    assert sorted(t.looks.values()) == list(range(len(t.looks)))


def lift(doc: dict[str, Any], slug: str, by: float) -> None:
    for point in method(doc, slug)["points"]:
        for key in ("value", "low", "high"):
            point["accuracy"][key] += by
        for row in point["paired"]:
            for key in ("diff", "low", "high"):
                row[key] = None if row[key] is None else row[key] + by


def test_the_text_says_where_thresholds_win() -> None:
    doc = trained()
    text = plain(trained_words.against_thresholds(read(doc)))
    assert text.startswith("Thresholds alone are as accurate as")
    assert "within the intervals" in text
    assert "which the law may forbid" in text
    lift(doc, "thresholds", 0.05)
    text = plain(trained_words.against_thresholds(read(doc)))
    assert text.startswith("Where thresholds win. Thresholds alone win against")
    assert "at every gap reached" in text and "For example" in text
    lift(doc, "thresholds", -0.1)
    text = plain(trained_words.against_thresholds(read(doc)))
    assert "are less accurate than" in text


def test_the_widest_local_gap_of_every_setting_is_drawn_beside_chance() -> None:
    doc = trained()
    local_points(doc)
    made = next(b for b in walk(part(doc, "road").blocks) if isinstance(b, Figure))
    assert made.title == "The widest local gap runs from 8.0 to 25.0 points"
    assert made.chart["limit"] == 0.1 and made.chart["limit_label"] == "Chance: under 10.0"
    drawn = [p for s in made.chart["series"] for p in s["points"]]
    assert all(p["x_low"] >= 0 for p in drawn)
    assert not any(p["hollow"] for p in drawn)
    for variant in ("wide", "narrow", "print"):
        shown = texts(charts.draw(made.chart, variant))
        assert "Chance: under 10.0" in shown and "Now" in shown
    row = made.table.rows[-1]
    assert row[2].soft and row[3].note == "under 10.0"


def test_the_text_says_who_brings_local_gaps_down_to_chance() -> None:
    doc = trained()
    local_points(doc)
    text = said(doc, "road")
    assert "Now the widest gap inside a declared part is 30.0 points (20.0 to 40.0)" in text
    assert "Thresholds alone do not reach that at any limit." in text
    rows = method(doc, "road")["tables"]["local-points"]["rows"]
    for row in rows[1:]:
        row[3] = 0.08 if row[0] == "thresholds" else 0.2
    assert "Thresholds alone win here too" in said(doc, "road")
    for row in rows[1:]:
        row[3] = 0.2
    assert "No setting of any remedy brings it down" in said(doc, "road")
    rows[0][3] = 0.05
    assert "so no remedy can be shown to lower it" in said(doc, "road")


def test_the_glossary_explains_what_the_parts_say() -> None:
    made = json.dumps([str(b) for b in glossary.section(Facts(trained())).blocks])
    for term in ("Local gap", "Worst gap by chance", "Selected checkpoint", "Levelling down"):
        assert term in made
    made = json.dumps([str(b) for b in glossary.section(Facts(sample())).blocks])
    assert "Selected checkpoint" not in made and "Local gap" not in made


def test_without_thresholds_nothing_is_said_of_them() -> None:
    doc = sample(keep=["reweighing"], n=8000, groups=3)
    assert trained_words.against_thresholds(read(doc)) == ()
    assert not any(
        isinstance(b, Prose) and "Thresholds alone" in plain(b.text)
        for b in walk(section(doc).blocks)
    )


def test_both_sides_are_picked_on_validation_rows() -> None:
    """A setting that is lucky on the rows of the report is not picked for it."""
    doc = trained()
    lucky = method(doc, "thresholds")["points"][0]
    lucky["accuracy"] |= {"value": 0.99, "low": 0.98, "high": 1.0}
    lucky["valid"]["accuracy"] = 0.1
    picked = {d.thresholds.key for rows in trained_words.duels(read(doc)).values() for d in rows}
    assert ("thresholds", lucky["id"]) not in picked


def test_undefined_numbers_and_odd_tables_are_words(tmp_path: Any) -> None:
    doc = trained()
    for slug in ("road", "fairtune"):
        for found in method(doc, slug)["tables"].values():
            found["rows"] = [[None] * len(found["columns"]), *found["rows"], []]
    made = section(doc)
    report = document(Facts(doc), (made, made), {})
    html = str(render_to_string("report/body.html", {"document": report, "folder": tmp_path}))
    assert "Where the weight went" in html
    assert '"cell-value">None<' not in html and ">nan<" not in html.lower()
    assert " style=" not in html
