"""What a report claims is what was computed: comparisons shown, cells hidden, chances named."""

from __future__ import annotations

import copy
from typing import Any

from auditapp.reports import headlines, rate_figures, tables, words
from auditapp.reports.blocks import plain
from auditapp.reports.facts import NO_DIFFERENCE, NOT_ENOUGH, Facts
from auditapp.reports.sections import groups
from tests.report_documents import RACES, cached


def test_the_reference_against_the_rest_is_shown_where_a_third_group_is_too_small() -> None:
    sizes = sorted(
        level["n"]
        for level in cached(n=3000, races=RACES[:3], attributes=1)["groups"][0]["levels"]
    )
    facts = Facts(cached(n=3000, races=RACES[:3], attributes=1, floor=sizes[0] + 1))
    table = facts.singles[0]
    assert len(facts.levels(table, "reference", "compared")) == 2
    against_rest = [g for g in facts.differences if g["comparator"] == "rest" and g["p"]]
    assert against_rest
    names = [row[0].text for row in tables.differences(facts, table).rows]
    assert f"{RACES[0]} against everyone else" in names


def test_two_groups_are_compared_once() -> None:
    facts = Facts(cached(n=3000))
    sex = next(t for t in facts.singles if t["by"] == ["SEX"])
    names = [row[0].text for row in tables.differences(facts, sex).rows]
    assert not any("everyone else" in name for name in names)


def test_a_cell_with_too_few_behind_its_rate_is_hatched() -> None:
    document = copy.deepcopy(cached(n=3000, goal="tpr"))
    cell = next(
        e
        for e in document["estimates"]
        if len(e["by"]) == 2 and e["metric"] == "tpr" and e["n"] >= 30 and e["shrunken"]
    )
    cell |= {"denominator": 3, "below_floor": True}
    facts = Facts(document)
    figure = rate_figures.intersection_grid(facts, facts.crosses[0], "tpr")
    assert figure is not None
    wanted = (cell["group"]["RAC1P"], cell["group"]["SEX"])
    found = {(c["x"], c["y"]): c["status"] for c in figure.chart["cells"]}
    assert found[wanted] == "below-floor"


def test_the_range_of_rates_says_which_groups_it_is_of() -> None:
    facts = Facts(cached(n=3000))
    lines = [plain(b.text) for b in groups._overall(facts, facts.singles[0])]  # type: ignore[attr-defined]
    above = sum(v["n"] >= facts.floor for v in facts.singles[0]["levels"])
    assert f"rate of the {above} groups above the floor" in lines[0]


def unsettled(**changes: Any) -> tuple[Facts, dict[str, Any]]:
    document = copy.deepcopy(cached(n=3000, fair=True))
    for gap in document["gaps"]:
        if gap["verdict"] is not None:
            gap["verdict"] = NO_DIFFERENCE if gap["p"] is not None else "not-applicable"
    gap = next(g for g in document["gaps"] if g["metric"] == "selection-rate" and g["p"])
    gap |= {"verdict": NOT_ENOUGH, **changes}
    return Facts(document), gap


def test_more_people_settle_it_four_times_in_five() -> None:
    facts, _ = unsettled(rows_needed=90_000)
    text = plain(headlines.next_step(facts))
    assert "if there is no gap" in text
    assert text.endswith("rule out one of 5 points four times in five.")


def test_a_limit_of_zero_does_not_blame_the_comparator() -> None:
    facts, gap = unsettled(rows_needed=None)
    assert ", only " in plain(words.not_enough(facts, gap))
    facts.tolerance = 0.0
    assert ", only " not in plain(words.not_enough(facts, gap))
