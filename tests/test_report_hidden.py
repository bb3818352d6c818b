"""The section on groups nobody named: its sentences, its chart's words, its table, its finding."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import pytest

from auditapp.reports import blocks, charts, coverage, hidden_words, regions
from auditapp.reports.blocks import Figure, Findings, Section, Table, plain, walk
from auditapp.reports.facts import Facts
from auditapp.reports.sections import hidden, sections
from metrics.groups import Attribute
from metrics.subgroups import Descriptor, Search, subgroups_section
from tests.report_documents import cached
from tests.test_report_words import BANNED

N = 5000
HOSTILE = "<script>alert(1)</script> #import “x” \u202e{{ 7|add:7 }}"


def search(
    *, gap: float = 0.35, everywhere: bool = False, job: str = "Job", label: bool = False
) -> dict[str, Any]:
    """Search decisions with a gap among women of 50 and over, or among all women."""
    rng = np.random.default_rng(1)
    sex, age = rng.integers(0, 2, N), rng.integers(18, 80, N)
    inside = (sex == 1) & (everywhere | (age >= 50))
    decision = (rng.uniform(size=N) < np.where(inside, 0.6 - gap, 0.6)).astype(np.int8)
    trade = rng.integers(0, 3, N)
    section = subgroups_section(
        Attribute("SEX", ("Men", "Women"), sex),
        [
            Descriptor("AGEP", age.astype(float), title="Age", cuts=(30.0, 50.0)),
            Descriptor("job", trade, levels=("sales", "care", HOSTILE), title=job),
        ],
        decision=decision,
        label=rng.integers(0, 2, N).astype(np.int8) if label else None,
        metric="tpr" if label else "selection-rate",
        search=Search(draws=299, level=0.01),
    )
    left = [
        {"reason": "free-text", "n": 1, "columns": [HOSTILE]},
        {"reason": "beyond-cap", "n": 40, "columns": [f"c{i}" for i in range(20)]},
    ]
    more = {"columns": ["AGEP", "job"], "columns_left_out": left, "searches_left_out": 1}
    return {**section, **more, "searches": 1}


FOUND = search()


def facts_of(*found: dict[str, Any], **changes: Any) -> Facts:
    document = copy.deepcopy(cached(n=3000))
    document["subgroups"] = [{**item, **changes} for item in found]
    document["inputs"]["data"]["columns"].append({"name": "AGEP", "type": "integer"})
    return Facts(document)


def made(facts: Facts) -> Section:
    section = hidden.section(facts)
    assert section is not None
    return section


def words_of(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [w for item in value.values() for w in words_of(item)]
    return [w for item in value for w in words_of(item)] if isinstance(value, list) else []


def test_a_found_group_is_named_in_a_sentence_with_its_size_and_gap() -> None:
    facts = facts_of(FOUND)
    found = next(b for b in made(facts).blocks if isinstance(b, Findings))
    text = plain(found.items[0].text)
    assert re.match(
        r"Among 2,\d{3} people aged \d\d and over, a prediction of income above \$50,000 was "
        r"given to \d+% of women and \d+% of men: \d+ points less\. Outside it",
        text,
    )
    assert "on shuffled decisions" in found.items[0].detail
    assert "adjusted 95%" in found.items[0].detail


def test_the_table_has_every_family_and_the_figure_every_search() -> None:
    section = made(facts_of(FOUND))
    table = next(b for b in section.blocks if isinstance(b, Table))
    figure = next(b for b in section.blocks if isinstance(b, Figure))
    assert len(table.rows) == len(FOUND["families"]) == 3
    assert len(figure.chart["rows"]) == 1
    assert figure.alt and len(figure.alt) <= 250
    for variant in charts.VARIANTS:
        assert "<svg" in charts.draw(coverage.through(figure.chart, coverage.printable), variant)


def test_what_the_searches_spend_and_skip_is_said() -> None:
    text = " ".join(words_of(blocks.to_json(made(facts_of(FOUND)))))
    assert "at most 1% of reports" in text
    assert "40 columns (no time was left)" in text
    assert "(free text)" in text
    assert "1 further search did not fit in time" in text


def test_a_group_where_the_gap_is_larger_than_elsewhere_is_a_finding() -> None:
    found = hidden.finding(facts_of(FOUND))
    assert found is not None
    assert found.verdict == "difference"
    assert "Outside it" in plain(found.text)


def test_a_gap_that_is_the_same_everywhere_is_no_finding_of_its_own() -> None:
    same = search(gap=0.2, everywhere=True)
    assert same["verdict"] == "difference"
    facts = facts_of(same)
    assert hidden.finding(facts) is None
    assert "not confined to it" in plain(hidden_words.statement(facts, same))


def test_nothing_stands_out_is_said_plainly() -> None:
    facts = facts_of(search(gap=0.0))
    text = " ".join(words_of(blocks.to_json(made(facts))))
    assert "nothing stands out" in text
    assert "No search names a gap that chance does not explain" in text
    assert hidden.finding(facts) is None


@pytest.mark.parametrize(
    ("verdict", "reason", "says"),
    [
        ("not-applicable", "no-columns", "not searched, no other column describes people"),
        ("not-applicable", "no-label", "not searched, needs a recorded outcome"),
        ("not-applicable", "one-group", "not searched, only one group"),
        ("not-enough-data", "below-floor", "no part holds two groups of 30 people or more"),
        ("not-enough-data", "no-split", "no split of the people makes a difference"),
    ],
)
def test_a_search_without_an_answer_says_why(verdict: str, reason: str, says: str) -> None:
    empty = {**FOUND, "verdict": verdict, "reason": reason, "found": None, "families": []}
    section = made(facts_of(empty))
    assert says in " ".join(words_of(blocks.to_json(section)))
    assert not any(isinstance(b, Figure | Table) for b in walk(section.blocks))


def test_decisions_that_never_differ_and_gaps_ruled_out_are_said() -> None:
    none = {**search(gap=0.0), "verdict": "no-difference", "b": 0.04}
    text = " ".join(words_of(blocks.to_json(made(facts_of(none)))))
    assert "4 points or more is ruled out in every part" in text.replace("  ", " ")
    alike = {**search(gap=0.0), "reason": "constant-decision"}
    assert "decided alike" in " ".join(words_of(blocks.to_json(made(facts_of(alike)))))


def test_several_metrics_name_theirs_and_only_three_are_told_at_length() -> None:
    by_label = search(label=True)
    facts = facts_of(FOUND, by_label, FOUND, FOUND, FOUND)
    section = made(facts)
    findings = next(b for b in section.blocks if isinstance(b, Findings))
    assert len(findings.items) == len(findings.titles) == 3
    assert "Sex, true positive rate" in " ".join(words_of(blocks.to_json(section)))


def test_a_search_that_failed_and_one_that_was_not_run() -> None:
    document = copy.deepcopy(cached(n=3000))
    assert hidden.section(Facts(document)) is None
    document["subgroups"] = {"failed": {"code": "search-failed", "message": "It stopped."}}
    text = " ".join(words_of(blocks.to_json(made(Facts(document)))))
    assert "This part could not be computed. It stopped." in text.replace("  ", " ")
    assert hidden.finding(Facts(document)) is None


def test_hostile_names_stay_text_and_no_word_is_banned() -> None:
    facts = facts_of(FOUND, search(job=HOSTILE))
    for section in sections(facts):
        if section.slug in {"hidden", "glossary"}:
            for word in words_of(blocks.to_json(section)):
                assert not BANNED.search(word.replace(HOSTILE, "")), word
                assert "NaN" not in word


AGE = {"column": "AGEP", "title": "Age"}
HOURS = {"column": "WKHP", "title": "Hours a week"}
MAR = {"column": "MAR", "title": "Marital status"}


@pytest.mark.parametrize(
    ("conditions", "people", "label"),
    [
        (
            [{**AGE, "op": ">=", "value": 30.0}, {**AGE, "op": "<", "value": 40.0}],
            "people aged 30 to 39",
            "Age 30 to 39",
        ),
        ([{**AGE, "op": "<", "value": 30.0}], "people under 30", "Age under 30"),
        (
            [{**HOURS, "op": ">=", "value": 1500.0}, {**AGE, "op": ">=", "value": 40.0}],
            "people aged 40 and over with hours a week 1,500 and over",
            "Hours a week 1,500 and over, Age 40 and over",
        ),
        ([{**MAR, "op": "in", "levels": ["Married"]}], "married people", "Marital status Married"),
        (
            [{**MAR, "op": "in", "levels": list("abcde")}],
            "people with marital status “a”, “b” or 3 others",
            "Marital status a, b or 3 others",
        ),
        (
            [{**MAR, "op": "not-in", "levels": ["a"]}],
            "people with marital status other than “a”",
            "Marital status other than a",
        ),
        ([{**MAR, "op": "blank"}], "people with marital status blank", "Marital status blank"),
        (
            [{**AGE, "op": ">=", "value": 3.0}, {**AGE, "op": "<", "value": 4.0}],
            "people aged 3",
            "Age 3",
        ),
        (
            [
                {"column": "a", "title": "Selfemp", "op": "in", "levels": ["no"]},
                {"column": "b", "title": "Condomin", "op": "in", "levels": ["no"]},
            ],
            "people with selfemp “no” and condomin “no”",
            "Selfemp no, Condomin no",
        ),
        ([], "people", "Everybody searched"),
    ],
)
def test_conditions_become_people(conditions: Any, people: str, label: str) -> None:
    whole = frozenset({"AGEP", "WKHP"})
    assert regions.people(conditions, whole) == people
    assert regions.label(conditions, whole) == label


def test_parts_of_fractions_keep_their_ends() -> None:
    ratio = {"column": "r", "title": "Ratio"}
    conditions = [{**ratio, "op": ">=", "value": -0.25}, {**ratio, "op": "<", "value": 0.5}]
    assert regions.people(conditions) == "people with ratio −0.25 to under 0.5"
