"""Scores on the scale of their file, and what a threshold means there."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from auditapp.reports import histogram_figures, score_figures
from auditapp.reports.blocks import Prose, Table, plain, walk
from auditapp.reports.facts import Facts
from auditapp.reports.score_scale import Scale, few_values, spread, sweep_points
from auditapp.reports.sections import examined, scores
from tests.report_documents import cached

RISK = {"column": "decile", "favourable": False, "low": 1.0, "high": 10.0}
# Ten people with the risk scores 1 to 10; turned, 10 becomes 0 and 1 becomes 1.
TURNED = [i / 9 for i in range(10)]


def risk(threshold: float = 5.0) -> dict[str, Any]:
    document = copy.deepcopy(cached(n=3000))
    document["plan"] |= {"score": RISK, "threshold": threshold, "decision": None}
    document["scores"] |= {
        "cuts": TURNED[1:],
        "threshold": round((10 - threshold) / 9, 9),
        "not_applicable": {"calibration": "score-is-no-probability"},
        "calibration": [],
        "brier": [],
    }
    for item in document["scores"]["sweep"]:
        item |= {"n": 10, "thresholds": TURNED, "selected": list(range(10, 0, -1))}
        item["selected_above"] = list(range(9, -1, -1))
    return document


def test_an_unfavourable_score_decides_strictly_below_the_threshold() -> None:
    facts = Facts(risk())
    item = {"n": 10, "thresholds": TURNED, "selected": list(range(10, 0, -1))}
    item["selected_above"] = list(range(9, -1, -1))
    at = {p["t"]: p["value"] for p in sweep_points(facts, item, {"RAC1P": "Nobody"})}
    assert at[5.0] == pytest.approx(0.4)  # 1, 2, 3 and 4 lie below 5
    assert at[10.0] == pytest.approx(0.9)
    assert at[1.0] == 0


def test_at_the_threshold_in_force_the_stored_rate_stands() -> None:
    for document in (risk(), cached(n=3000)):
        facts = Facts(document)
        for table in facts.singles:
            for level in facts.levels(table, "reference", "compared"):
                items = facts.doc["scores"]["sweep"]
                item = next(i for i in items if i["group"] == level["group"])
                points = sweep_points(facts, item, level["group"])
                now = [p for p in points if p["t"] == Scale.of(facts).threshold]
                stored = facts.estimate("selection-rate", level["group"])
                assert stored is not None
                assert [p["value"] for p in now] == [stored["value"]]


def test_scores_return_to_the_scale_of_the_file() -> None:
    scale = Scale.of(Facts(risk()))
    assert [scale.back(t) for t in (0.0, 1.0, TURNED[5])] == pytest.approx([10, 1, 5])
    assert scale.text(5.0) == "5"
    assert scale.text(4.5) == "4.5"
    assert scale.rule == "below 5"
    assert Scale.of(Facts(cached(n=3000))).rule == "at or above 0.50"


@pytest.mark.parametrize(
    ("low", "high", "turned", "words"),
    [
        (0.0, 1e-9, 0.5, "0.0000000005"),
        (0.0, 1e300, 0.5, "5.000e+299"),
        (300.0, 850.0, 0.5, "575"),
    ],
)
def test_scores_of_any_scale_can_be_written(
    low: float, high: float, turned: float, words: str
) -> None:
    scale = Scale(low, high, True, low)
    assert scale.text(scale.back(turned)) == words


def test_few_values_have_one_bar_each_from_low_to_high() -> None:
    facts = Facts(risk())
    item = facts.doc["scores"]["sweep"][0]
    assert few_values(facts.doc["scores"])
    edges, shares = spread(facts, facts.doc["scores"]["histogram"][0], item)
    assert edges == pytest.approx([0.5 + i for i in range(11)])
    assert shares == pytest.approx([0.1] * 10)
    figure = histogram_figures.histogram(facts, facts.singles[0])
    assert figure is not None
    assert figure.chart["threshold"] == pytest.approx(4.5)
    assert [row[0].text for row in figure.table.rows] == [str(i) for i in range(1, 11)]


def test_the_report_speaks_of_the_given_scale_and_says_what_does_not_apply() -> None:
    facts = Facts(risk())
    section = scores.section(facts)
    assert section is not None
    assert "scores below 5" in plain(section.lede)
    blocks = list(walk(section.blocks))
    notes = [plain(b.text) for b in blocks if isinstance(b, Prose)]
    assert any("not applicable" in text and "no probability" in text for text in notes)
    heads = {c.text for b in blocks if isinstance(b, Table) for c in b.columns}
    assert "AUC" in heads
    assert not heads & {"Brier score", "Calibration error", "Calibration test"}
    decision = examined._decision(facts.plan)
    assert decision.endswith("favourable when the score is below 5")


def test_the_explorer_holds_thresholds_a_number_field_can_read() -> None:
    document = risk()
    document["plan"]["score"] = {**RISK, "low": 0.0, "high": 9000.0}
    document["plan"]["threshold"] = 4000.0
    facts = Facts(document)
    figure = score_figures.sweep(facts, facts.singles[0])
    assert figure is not None
    assert figure.explorer is not None
    steps = [float(text) for text in figure.explorer["thresholds"]]
    assert steps == sorted(set(steps))
    assert steps[figure.explorer["now"]] == 4000


def calibrated(p: float, *, away: float = 0.0) -> Facts:
    """Groups whose every test has that p and whose first part may miss the diagonal."""
    document = copy.deepcopy(cached(n=3000))
    for item in document["scores"]["calibration"]:
        if item["test"]:
            item["test"]["p"] = p
        for part in item["curve"]:
            low, high = part["rate_low"], part["rate_high"]
            part["mean_score"] = None if low is None else (low + high) / 2
        first = item["curve"][0]
        if first["rate_high"] is not None:
            first["mean_score"] = first["rate_high"] + away
    return Facts(document)


def test_one_interval_off_the_diagonal_is_no_finding_without_its_test() -> None:
    for p, message in (
        (0.04, "no calibration test shows"),
        (1e-6, "Scores run furthest too high"),
    ):
        facts = calibrated(p, away=0.02)
        figure = score_figures.calibration(facts, facts.singles[0])
        assert figure is not None
        assert message in figure.title
    facts = calibrated(1e-6)
    figure = score_figures.calibration(facts, facts.singles[0])
    assert figure is not None
    assert "though no interval of theirs misses the diagonal" in figure.title


def test_lines_that_cross_within_their_intervals_are_not_said_to_stay_apart() -> None:
    low_n = [{"t": t / 2, "value": v, "low": 0.1, "high": 0.9} for t, v in enumerate((0.4, 0.6))]
    flat = [{"t": t / 2, "value": 0.5, "low": 0.1, "high": 0.9} for t in range(2)]
    series = [{"label": "A", "points": low_n}, {"label": "B", "points": flat}]
    assert "shown to change places" in score_figures._sweep_message(series, "Race")
    alt = score_figures._sweep_alt(series, Scale(0, 1, True, 0.5), "Race")
    assert alt.startswith("No lines of race groups cross by more than their intervals.")


def test_the_score_table_says_whether_scores_mean_the_same_in_every_group() -> None:
    facts = Facts(cached(n=20_000))
    table = next(t for t in facts.doc["groups"] if len(t["by"]) == 1)
    made = scores.quality(facts, table)
    assert made is not None
    place = [column.text for column in made.columns].index("Same meaning test")
    said = {row[0].text: row[place].text for row in made.rows}
    assert "reference" in said.values()
    assert sum(text.startswith("p ") for text in said.values()) >= 2
