"""Whether the people and their recorded outcomes are distributed as before."""

from __future__ import annotations

from typing import Any

from auditapp.comparison.facts import Facts
from auditapp.reports import phrases
from auditapp.reports.blocks import Cell, Column, Prose, Section, Table, bold, rich
from auditapp.reports.numbers import (
    count,
    listing,
    p_value,
    percent,
    percent_span,
    plural,
    points,
    span,
)
from auditapp.reports.tables import share
from auditapp.reports.words import reason

Row = dict[str, Any]
Cells = tuple[Cell, ...]

RATES = {
    "label-rate": "Recorded outcome is favourable",
    "selection-rate": "Decision is favourable",
}

COLUMNS = [
    Column("Distribution of", "start", 2.2),
    Column("A", share=1.3),
    Column("B", share=1.3),
    Column("Change, points", share=1.6),
    Column("Test", share=1.2),
]


def section(facts: Facts) -> Section | None:
    """None where the people are the same."""
    found = facts.doc["drift"]
    if not found:
        return None
    tests = [test for test in found["tests"] if test["p"] is not None]
    drifted = [_name(facts, test) for test in tests if test["drift"]]
    head = "Nothing is shown to have drifted. "
    if drifted:
        head = f"{plural(len(drifted), 'distribution')} of {count(len(tests))} drifted: "
        head += f"{listing(drifted)}. "
    text = (
        "Where the people of B are others than those of A, a rate may move without anybody being "
        "decided otherwise."
    )
    rows: list[Cells] = [_row(facts, test) for test in found["tests"]]
    table = Table(
        columns=share(COLUMNS),
        rows=tuple(rows),
        anchor="drift-table",
        foot=(
            f"All tests of drift together at {percent(found['alpha'])}. Unknown counts as a group "
            "here: more blanks are drift.",
        ),
        stacked=True,
        dense=True,
    )
    return Section("drift", "Drift of the people", (Prose(rich(bold(head), text)), table))


def _name(facts: Facts, test: Row) -> str:
    if test["what"] == "group-shares":
        by = test["by"][0]
        return f"groups by {phrases.lower_first(facts.titles.get(by, by))}"
    return phrases.lower_first(RATES[test["what"]])


def _row(facts: Facts, test: Row) -> Cells:
    tested = Cell(reason(test["undefined"]), soft=True)
    if test["p"] is not None:
        tested = Cell(p_value(test["p_adjusted"]), "drift" if test["drift"] else "")
    if test["what"] != "group-shares":
        name = Cell(RATES[test["what"]])
        return (name, _rate(test["before"]), _rate(test["after"]), _moved(test["change"]), tested)
    by = test["by"][0]
    title = f"Groups by {phrases.lower_first(facts.titles.get(by, by))}"
    known = [level for level in test["levels"] if level["change"]["value"] is not None]
    top = max(known, key=lambda level: abs(level["change"]["value"]), default=None)
    if top is None:
        nothing = Cell(reason(test["undefined"]), soft=True)
        return Cell(title), nothing, nothing, nothing, tested
    title += f", largest change: {phrases.label(top['group'])}"
    return (
        Cell(title), _rate(top["before_share"]), _rate(top["after_share"]), _moved(top["change"]),
        tested,
    )  # fmt: skip


def _rate(rate: Row) -> Cell:
    if rate["value"] is None:
        return Cell(reason(rate["undefined"]), soft=True)
    return Cell(percent(rate["value"], 1), percent_span(rate["low"], rate["high"]))


def _moved(change: Row) -> Cell:
    if change["value"] is None:
        return Cell("not compared", soft=True)
    return Cell(points(change["value"]), span(change["low"], change["high"]))
