"""Sentences, numbers and group names of the report."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from auditapp.reports import figures, headlines, numbers, phrases, words
from auditapp.reports.blocks import Table, plain, walk
from auditapp.reports.facts import Facts
from auditapp.reports.sections import SECTIONS, sections
from tests.report_documents import cached

TITLES = {"RAC1P": "Race", "SEX": "Sex", "AGEP": "Age", "SITE": "Site", "MAR": "Marital status"}

# Words the house rules keep out of every sentence a reader sees.
BANNED = re.compile(
    r"\b(grade|pass|passes|passed|fair|fairly|safe|minority|please|oops|successfully|"
    r"compliant|proves|discriminates|bias-free|unbiased|nan|none\b(?= points))\b|!",
    re.IGNORECASE,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.2734, "−27.3"),
        (0.083, "+8.3"),
        (0.0004, "0.0"),
        (-0.0004, "0.0"),
        (0.125_5, "+12.6"),
        (-0.00_05, "−0.1"),
    ],
)
def test_points_have_a_true_minus_a_plus_and_no_sign_at_zero(value: float, text: str) -> None:
    assert numbers.points(value) == text


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.5, "0.5"), (1234567.25, "1,234,567.25"), (-3.0, "\u22123"), (0.0, "0"), (5e299, "5e+299")],
)
def test_a_setting_keeps_every_decimal_it_was_set_with(value: float, words: str) -> None:
    assert numbers.given(value) == words


def test_rates_round_half_away_from_zero_as_printed() -> None:
    assert numbers.percent(0.345) == "35%"
    assert numbers.percent(0.345, 1) == "34.5%"
    assert numbers.count(332900) == "332,900"
    assert numbers.limit(0.05) == "5"
    assert numbers.limit(0.025) == "2.5"
    assert numbers.limit(0.1) == "10"
    assert numbers.listing(["a", "b", "c", "d"], 2) == "a, b and 2 more"


@pytest.mark.parametrize(
    ("group", "text"),
    [
        ({"RAC1P": "White"}, "White people"),
        ({"RAC1P": "White alone"}, "White people"),
        ({"SEX": "Women"}, "women"),
        ({"SEX": "Female"}, "people recorded as female"),
        ({"RAC1P": "Some other race"}, "people of some other race"),
        ({"RAC1P": "Black or African American", "SEX": "Women"},
         "Black or African American women"),
        ({"RAC1P": "Some other race", "SEX": "Men"}, "men of some other race"),
        ({"AGEP": "25 to 34"}, "people aged 25 to 34"),
        ({"AGEP": "under 25"}, "people under 25"),
        ({"AGEP": "65 and over", "SEX": "Women"}, "women aged 65 and over"),
        ({"MAR": "Married"}, "married people"),
        ({"SITE": "North"}, "people in the site group “North”"),
        ({"RAC1P": "3"}, "people in the race group “3”"),
        ({"RAC1P": "Other"}, "people recorded as “Other”"),
        ({"RAC1P": "Other", "SEX": "Female"}, "people recorded as “Other” and female"),
        ({"RAC1P": "BLACK HISPANIC"}, "Black Hispanic people"),
        ({"RAC1P": "ASIAN/PAC.ISL"}, "people recorded as “ASIAN/PAC.ISL”"),
        ({"RAC1P": "Non-White"}, "non-White people"),
        ({"SITE": "Not African American"}, "people who are not African American"),
        ({"SITE": "African-American"}, "African-American people"),
        ({"SEX": "M"}, "people of sex “M”"),
        ({"MAR": "Never married", "SEX": "Women"}, "women who never married"),
    ],
)  # fmt: skip
def test_a_group_becomes_people_of_a_kind(group: dict[str, str], text: str) -> None:
    assert phrases.people(group, TITLES) == text


def _gap(**changes: Any) -> dict[str, Any]:
    return {
        "metric": "selection-rate",
        "by": ["RAC1P"],
        "group": {"RAC1P": "Some other race"},
        "comparator": {"group": {"RAC1P": "White"}},
        "n": 12_646,
        "n_comparator": 259_625,
        "denominator": 12_646,
        "denominator_comparator": 259_625,
        "rate": 0.101,
        "rate_comparator": 0.374,
        "value": -0.273,
        "low": -0.2804,
        "high": -0.265,
        "thick_low": -0.279,
        "thick_high": -0.267,
        "b": 0.279,
        "rows_needed": 900,
        "verdict": "difference",
        "size_class": "above",
        "primary": True,
        **changes,
    }


@pytest.fixture
def facts() -> Facts:
    return Facts(cached(n=3000))


def test_it_names_both_rates_the_gap_and_how_sure_it_is(facts: Facts) -> None:
    assert plain(words.given(facts, _gap())) == (
        "A prediction of income above $50,000 was given to 10% of people of some other race and "
        "37% of White people: 27 points less."
    )
    assert words.how_sure(facts, _gap(high=-0.262)) == (
        "With 12,646 people in the smaller group, the true gap is very likely between 26 and 28 "
        "points. This is larger than the 5-point limit you set."
    )


def test_it_uses_one_decimal_where_whole_points_would_hide_the_gap(facts: Facts) -> None:
    gap = _gap(rate=0.331, rate_comparator=0.334, value=-0.003, low=-0.005, high=-0.001)
    text = plain(words.given(facts, gap))
    assert "33.1%" in text
    assert "33.4%" in text
    assert text.endswith("0.3 points less.")


def test_a_gap_that_may_be_smaller_than_the_limit_says_so(facts: Facts) -> None:
    text = words.how_sure(facts, _gap(low=-0.09, high=-0.02, value=-0.055, size_class="near"))
    assert "real but may be smaller than your limit of 5 points (2 to 9 points)" in text


def test_what_is_ruled_out_or_may_hide_is_rounded_up(facts: Facts) -> None:
    assert words.at_most(0.0321) == "4"
    assert words.at_most(-0.03) == "3"
    assert words.at_most(0.0042) == "0.5"
    none = plain(words.no_difference(facts, _gap(verdict="no-difference", b=0.0321)))
    assert "a gap of 4 points or more is ruled out (95%)" in none


def test_not_enough_data_says_how_many_more_are_needed(facts: Facts) -> None:
    gap = _gap(verdict="not-enough-data", n=60, denominator=60, b=0.118, rows_needed=793)
    text = plain(words.not_enough(facts, gap))
    assert text.startswith("Only 60 people of some other race were in the data.")
    assert "Gaps up to 12 points in selection rate could be hidden." in text
    assert "Collect about 740 more before deciding." in text


def test_the_headline_is_the_first_supported_finding() -> None:
    facts = Facts(cached(n=12_000))
    first = facts.ordered[0]
    assert first["verdict"] == "difference"
    text = plain(headlines.headline(facts)[0])
    assert numbers.percent(first["rate"]) in text
    assert facts.people(first["group"]) in text


def test_without_a_finding_the_headline_is_the_weakest_limit() -> None:
    facts = Facts(cached(n=2000, fair=True, attributes=1))
    assert facts.verdict == "not-enough-data"
    text = plain(headlines.headline(facts)[0])
    widest = max(g["b"] for g in facts.unsettled if g["primary"])
    assert text.startswith("Not enough data to say whether")
    assert f"up to {words.at_most(widest)} points" in text


def test_when_all_is_settled_the_headline_names_what_is_ruled_out() -> None:
    facts = Facts(
        cached(n=60_000, fair=True, attributes=1, races=["White", "Black"], tolerance=0.2)
    )
    assert facts.verdict == "no-difference"
    assert "is ruled out in all 5 comparisons" in plain(headlines.headline(facts)[0])


OPTIONS: dict[str, dict[str, Any]] = {
    "full": {"n": 12_000},
    "decisions only": {"n": 4000, "label": False, "score": False},
    "no score": {"n": 4000, "score": False},
    "score without label": {"n": 4000, "label": False},
    "one attribute": {"n": 4000, "attributes": 1},
    "no intersections": {"n": 4000, "intersections": 1},
    "three columns": {"n": 6000, "attributes": 3, "intersections": 3},
    "tiny": {"n": 60},
    "under the floor": {"n": 40, "floor": 100},
    "fair": {"n": 4000, "fair": True},
    "blanks": {"n": 4000, "blank_labels": 300, "unknown": 77, "goal": "equalized-odds"},
    "goal needs a label": {"n": 4000, "goal": "tpr", "label": False},
    "no tolerance": {"n": 4000, "tolerance": 0.0},
}


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in _strings(item)]
    if hasattr(value, "__dataclass_fields__"):
        return [text for name in value.__dataclass_fields__ for text in
                _strings(getattr(value, name))]  # fmt: skip
    return []


@pytest.mark.parametrize("name", OPTIONS)
def test_every_kind_of_audit_gives_whole_sections_in_house_wording(name: str) -> None:
    facts = Facts(cached(**OPTIONS[name]))
    made = sections(facts)
    always = ["cover", "answer", "examined", "data", "groups", "limits", "reproducibility",
              "glossary"]  # fmt: skip
    order = list(SECTIONS)
    assert [s.slug for s in made if s.slug in always] == always
    assert [s.slug for s in made] == sorted((s.slug for s in made), key=order.index)
    assert [s.number for s in made] == [None, *range(1, len(made))]
    anchors = [
        getattr(b, "anchor", "") for s in made for b in walk(s.blocks) if b.kind != "next_step"
    ]
    named = [a for a in anchors if a]
    assert len(named) == len(set(named))
    for section in made:
        for text in _strings(section):
            assert not BANNED.search(text), text
            assert "  " not in text.strip(), text
            assert "None" not in text or text == "None", text
            assert "{" not in text, text


@pytest.mark.parametrize("name", OPTIONS)
def test_tables_are_rectangular_and_figures_carry_words(name: str) -> None:
    made = sections(Facts(cached(**OPTIONS[name])))
    for block in (b for s in made for b in walk(s.blocks)):
        if block.kind == "figure":
            assert 0 < len(block.alt) <= 250
            assert block.table.rows
        table = block.table if block.kind == "figure" else block
        if table.kind == "table":
            assert {len(row) for row in table.rows} <= {len(table.columns)}
            assert abs(sum(c.share for c in table.columns) - 1) < 0.01


def test_rows_reconcile_and_blanks_are_named() -> None:
    facts = Facts(cached(**OPTIONS["blanks"]))
    text = "\n".join(t for s in sections(facts) for t in _strings(s))
    assert "Used 4,000 + left out 40 = uploaded 4,040." in text
    assert "Unknown" in text
    rows = next(b for s in sections(facts) for b in walk(s.blocks)
                if getattr(b, "anchor", "") == "rows")  # fmt: skip
    cells = {row[0].text: row[1].text for row in rows.rows}
    assert cells["of these, recorded outcome blank"] == "300"
    assert cells["of these, race unknown"] == "77"


def test_small_groups_are_listed_by_name_and_number() -> None:
    facts = Facts(cached(n=4000))
    small = [v for v in facts.crosses[0]["levels"] if v["status"] == "below-floor"]
    assert small
    text = "\n".join(t for s in sections(facts) for t in _strings(s))
    for level in small:
        assert f"{phrases.label(level['group'])} ({level['n']})" in text


def test_highest_minus_lowest_is_printed_only_beside_its_null() -> None:
    facts = Facts(cached(n=4000))
    lines = [t for s in sections(facts) for t in _strings(s) if "Highest minus lowest rate" in t]
    assert [line for line in lines if "points" in line]
    for line in lines:
        assert "on average and under" in line or "draws" in line


def test_a_very_long_value_is_shortened_but_stays_distinct() -> None:
    first, second = "X" * 300, "X" * 299 + "Y"
    assert len(phrases.short(first)) < 80
    assert "300 characters" in phrases.short(first)
    assert phrases.short(first) != phrases.short(second)
    assert phrases.label({"SITE": "North"}) == "North"


def test_a_small_gap_with_a_long_adjusted_bar_says_what_is_ruled_out(facts: Facts) -> None:
    text = words.how_sure(
        facts, _gap(low=-0.058, high=-0.019, value=-0.04, b=0.047, size_class="below")
    )
    assert "very likely" not in text
    assert text.endswith(
        "real and below the 5-point limit you set: a gap of 5 points or more is ruled out (95%)."
    )


def test_what_was_not_found_prints_the_interval_its_verdict_rests_on() -> None:
    gap = _gap(verdict="not-enough-data", thick_low=-0.03, thick_high=0.127, low=-0.1, high=0.4)
    assert "(90%: −3.0 to +12.7; adjusted 95%: −10.0 to +40.0)" in words.detail(gap)
    assert "(−28.0 to −26.5)" in words.detail(_gap())


def test_people_behind_a_rate_are_counted_inside_their_group() -> None:
    gap = _gap(metric="tpr", n=97, denominator=76)
    assert words.of_them(gap) == " (76 of them with the favourable outcome)"
    assert words.of_them(_gap()) == ""


def test_no_difference_anywhere_names_the_widest_interval_of_all() -> None:
    facts = Facts(cached(n=60_000, fair=True, attributes=1, tolerance=0.2))
    assert not facts.tally["difference"] and not facts.unsettled
    head, more = headlines.headline(facts)
    widest = max(facts.settled_none, key=lambda g: g["b"])
    assert f"a gap of {words.at_most(widest['b'])} points" in plain(head)
    assert facts.people(widest["group"]) in plain(more)


def test_the_strip_on_the_first_page_shows_what_the_headline_is_about() -> None:
    facts = Facts(cached(n=12_000))
    head = facts.headline_gap
    assert head is not None
    table = figures.first_strip_table(facts)
    assert table is not None
    if head["by"] == table["by"]:
        assert figures.strip_metric(facts, table) == head["metric"]


def test_groups_read_in_the_order_of_their_table_whatever_the_file_holds() -> None:
    stored = json.loads(json.dumps(cached(n=3000), sort_keys=True))
    for table in Facts(stored).tables:
        for level in table["levels"]:
            assert list(level["group"]) == table["by"]


def test_one_comparison_is_not_called_comparisons() -> None:
    assert numbers.comparisons(1) == "1 comparison"
    assert numbers.comparisons(178) == "178 comparisons"


def test_a_rate_under_the_floor_is_printed_nowhere() -> None:
    facts = Facts(cached(n=3000))
    small = [v for t in facts.singles for v in facts.levels(t, "below-floor")]
    assert small
    names = {phrases.label(v["group"]) for v in small}
    blocks = list(walk(tuple(b for s in sections(facts) for b in s.blocks)))
    for block in blocks:
        rows = getattr(block, "rows", ())
        for row in rows if isinstance(block, Table) else ():
            if row[0].text in names:
                assert not any("%" in cell.text for cell in row[2:])
