"""Reports of predicted numbers and of ranked lists: units, words, tables and drawings."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from auditapp.plan import AttributeSpec
from auditapp.reports import answers, build, charts, figures, headlines, number_tables, words
from auditapp.reports.blocks import Figure, Table, plain, walk
from auditapp.reports.facts import Facts
from auditapp.reports.sections import SECTIONS, sections
from auditapp.reports.units import PLAIN, POINTS, Unit, amount
from tests.number_documents import (
    applicants,
    people,
    ranking,
    regression,
    unequal_lists,
    unequal_pay,
)
from tests.test_report_words import BANNED, _strings


@pytest.mark.parametrize(
    ("spread", "text"),
    [
        (0.233, "0.456"),
        (2.73, "0.46"),
        (91.0, "0.5"),
        (9141.0, "0"),
        (0.0, "0.46"),
        (None, "0.46"),
    ],
)
def test_amounts_show_about_three_digits_of_their_spread(spread: float, text: str) -> None:
    assert amount(spread, "units of x").value(0.4561) == text


def test_amounts_count_in_units_and_rates_in_points() -> None:
    unit = amount(2.73, "units of x")
    assert unit.difference(-0.4561) == "−0.46"
    assert unit.differences(-0.4561, 0.0) == "−0.46 to 0.00"
    assert unit.counted("1") == "1 unit"
    assert POINTS.counted("1") == "1 point"
    assert POINTS.values(0.331, 0.35) == "33.1 to 35.0"
    assert PLAIN.counted("0.67") == "0.67"


def test_what_is_ruled_out_is_rounded_up_in_every_unit() -> None:
    assert amount(2.73, "x").at_most(0.9102) == "1.0"
    assert amount(2.73, "x").at_most(0.0102) == "0.02"
    assert amount(9141.0, "x").at_most(120.2) == "121"
    assert POINTS.at_most(0.0321) == "4"


def test_numbers_too_long_to_read_get_a_power_of_ten() -> None:
    assert amount(1e20, "x").value(-2.5e20) == "−2.500e+20"
    assert amount(1e20, "x").difference(2.5e20) == "+2.500e+20"


@pytest.fixture
def pay() -> Facts:
    return Facts(unequal_pay())


@pytest.fixture
def lists() -> Facts:
    return Facts(unequal_lists())


def test_the_headline_says_which_way_predictions_are_off(pay: Facts) -> None:
    text, more = (plain(part) for part in headlines.headline(pay))
    assert "On average, predictions are" in text
    assert "units too low for women" in text
    assert text.endswith("relative to outcomes.")
    assert "larger than the limit of 0.1 standard deviations (0.1" in more
    assert "point" not in text + more


def test_a_gap_near_the_limit_names_interval_and_limit_apart(pay: Facts) -> None:
    gap = {**pay.found[0], "size_class": "near"}
    text = words.how_sure(pay, gap)
    assert "the gap is real, very likely" in text
    assert "than your limit of 0.1 standard deviations (" in text


def test_a_limit_in_units_is_printed_as_it_was_set() -> None:
    facts = Facts(regression(people(600), tolerance=0.35, tolerance_unit="units"))
    assert facts.limit_words == facts.limit_size == "0.35 units"


def test_an_error_that_rounds_to_nothing_has_no_side(pay: Facts) -> None:
    assert words.value_words(pay, "bias", 0.001, 2) == "0.00 units off"
    assert words.value_words(pay, "bias", 0.34, 2) == "0.34 units too high"
    assert words.value_words(pay, "mae", 0.34, 1) == "0.3 units"


def test_a_ranked_list_speaks_of_the_first_places(lists: Facts) -> None:
    text = plain(headlines.headline(lists)[0])
    assert "are among the first 5 of their list" in text
    assert "points" in text
    one = Facts(ranking(applicants(30, 12, gap=1.0), query=None, k=40))
    assert one.first_k == "40"


def test_strips_carry_the_unit_and_say_who_is_lower(pay: Facts) -> None:
    table = next(t for t in pay.singles if t["by"] == ["sex"])
    figure = figures.gap_strip(pay, table, "bias", anchor="x")
    assert Unit.of(figure.chart["unit"]) == pay.unit("bias")
    assert "predictions, relative to their outcomes, than" in figure.title
    assert "in units of pay" in figure.subtitle
    drawn = charts.draw(figure.chart, "wide")
    assert ">Units<" in drawn
    assert "Points" not in drawn


def test_bars_of_amounts_may_lie_below_zero_and_means_need_no_zero() -> None:
    unit = amount(2.0, "units of x").to_chart()
    rows = [
        {"label": "A", "value": -1.2, "low": -1.5, "high": -0.9, "n": 9, "status": "reference"},
        {"label": "B", "value": 0.4, "low": 0.1, "high": 0.7, "n": 9, "status": "group"},
    ]
    high = [{**r, "value": r["value"] + 500, "low": r["low"] + 500, "high": r["high"] + 500}
            for r in rows]  # fmt: skip
    panels = [
        {"title": "Signed error", "overall": -0.3, "rows": rows, "unit": unit},
        {"title": "Mean", "overall": 499.0, "rows": high, "unit": unit, "free": True},
    ]
    for variant in charts.VARIANTS:
        drawn = charts.draw({"kind": "rates", "panels": panels}, variant)
        assert "−1.20" in drawn
        assert "500.40" in drawn
        assert ">100<" not in drawn


def test_exposure_may_go_beyond_the_average(lists: Facts) -> None:
    figure = next(b for s in sections(lists) for b in walk(s.blocks)
                  if isinstance(b, Figure) and b.anchor == "rates-sex")  # fmt: skip
    panel = next(p for p in figure.chart["panels"] if p["title"] == "Exposure")
    assert max(r["high"] for r in panel["rows"]) > 1.0
    charts.draw(figure.chart, "wide")


def _tables(facts: Facts) -> dict[str, Table]:
    return {b.anchor: b for s in sections(facts) for b in walk(s.blocks) if isinstance(b, Table)}


def test_errors_are_described_beside_the_verdicts(pay: Facts) -> None:
    found = _tables(pay)
    errors = found["errors-sex"]
    names = [c.text for c in errors.columns]
    assert names[2:5] == ["RMSE", "R²", "10% of errors below"]
    everyone = errors.rows[-1]
    assert everyone[0].text == "Everyone"
    assert 0 < float(everyone[3].text) < 1
    gaps = found["sex-differences"]
    assert gaps.columns[-1].text == "Signed error, in SD"
    women = next(r for r in gaps.rows if r[-1].text)
    assert abs(float(women[-1].text.replace("−", "-"))) == pytest.approx(0.5, abs=0.1)
    assert "Mean recorded outcome" in [c.text for c in found["outcomes-sex"].columns]


def test_lists_are_counted_and_their_order_is_described(lists: Facts) -> None:
    found = _tables(lists)
    assert [row[1].text for row in found["lists"].rows] == ["60", "0", "0"]
    assert "NDCG of a random order" in [c.text for c in found["places-sex"].columns]


def test_one_list_says_why_its_order_has_no_interval() -> None:
    facts = Facts(ranking(applicants(30, 12), query=None, k=40))
    table = number_tables.described(facts, facts.singles[0])
    assert table is not None
    assert table.rows[0][2].note == "no interval from one list"


def test_no_label_leaves_errors_out() -> None:
    facts = Facts(regression(people(600), label=None, goal="mean-prediction"))
    assert "errors-sex" not in _tables(facts)
    assert facts.unit("mean-prediction").axis == "units of guess"
    assert "Whether they are right is not known." in " ".join(_strings(sections(facts)))


DOCUMENTS: dict[str, Any] = {
    "pay": unequal_pay,
    "lists": unequal_lists,
    "equal pay": lambda: regression(people(4000), attributes=(AttributeSpec("sex", "Sex"),)),
    "few": lambda: regression(people(45)),
    "nobody": lambda: regression(people(45), floor=100),
    "constant": lambda: regression(people(300).assign(guess=5.0)),
    "few lists": lambda: ranking(applicants(5, 12)),
    "one list, no relevance": lambda: ranking(applicants(30, 12), query=None, label=None),
    "short lists": lambda: ranking(applicants(80, 4), k=5),
    "vast amounts": lambda: regression(people(300, gap=0.5, scale=1e50)),
    "minute amounts": lambda: regression(people(300, scale=1e-12)),
    "one row in a list": lambda: ranking(applicants(1, 1), label=None),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_kind_gives_whole_sections_in_house_wording(name: str) -> None:
    document = DOCUMENTS[name]()
    facts = Facts(document)
    made = sections(facts)
    assert [s.slug for s in made][:2] == ["cover", "answer"]
    assert {s.slug for s in made} <= set(SECTIONS)
    for text in _strings(made):
        assert not BANNED.search(text), text
        assert "{" not in text, text
        if facts.kind == "regression":
            assert "points" not in text, text
    answers.summary(facts)
    for block in (b for s in made for b in walk(s.blocks) if isinstance(b, Figure)):
        assert block.alt
        charts.draw(block.chart, "narrow")


@pytest.mark.parametrize("name", ["pay", "lists"])
def test_a_whole_report_is_built(name: str, tmp_path: Path) -> None:
    document = copy.deepcopy(DOCUMENTS[name]())
    made = build.build(document, tmp_path)
    assert made["pages"] <= 12
    with pikepdf.open(tmp_path / "report.pdf") as pdf:
        assert len(pdf.pages) == made["pages"]
    assert (tmp_path / "tables.csv").stat().st_size > 1000


def test_the_list_of_audits_gets_an_amount_as_it_is_written(pay: Facts, lists: Facts) -> None:
    assert answers.summary(lists)["largest"]["amount"] is None
    shown = answers.summary(pay)["largest"]["amount"]
    assert shown["unit"] == "units"
    assert " to " in shown["span"]
