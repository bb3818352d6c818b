"""Tables of the change since an earlier audit: rates and gaps before and now, and drift."""

from __future__ import annotations

from typing import Any

from auditapp.reports import metric_words, phrases
from auditapp.reports.blocks import Block, Cell, Column, Prose, Table, rich
from auditapp.reports.facts import DIFFERENCE, Facts
from auditapp.reports.numbers import (
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

PRINT_ROWS = 6
DRIFT = {"label-rate": "Favourable recorded outcomes", "selection-rate": "Favourable decisions"}


def support(row: Row) -> float:
    """How far the nearer end of a change's interval lies from zero."""
    return float(min(abs(row["low"]), abs(row["high"])))


def gaps(facts: Facts) -> Table:
    """Every primary rate and gap before and now, the changed ones first."""
    found = facts.doc["change"]
    columns = [
        Column("Group", "start", 2.2),
        Column("Before", share=1.5),
        Column("Now", share=1.5),
        Column("Change, points", share=1.6),
        Column("Test", share=1.2),
    ]
    many = len({row["metric"] for row in found["gaps"]}) > 1
    ordered = sorted(found["gaps"], key=_order)
    rows = [_rate_row(row) for row in found["rates"]] + [_gap_row(row, many) for row in ordered]
    foot = [
        f"p adjusted for all {plural(found['k'], 'test')} of this table; intervals of changes are "
        "adjusted alike. Before and now: each with its own 95% interval."
    ]
    if found["same_rows"]:
        foot = ["Same file twice: intervals hold whatever the two audits have in common."]
    seen = any(cell.verdict for row in rows for cell in row)
    further = len(rows) - PRINT_ROWS
    return Table(
        title="Primary rates and gaps, before and now",
        anchor="change-gaps",
        columns=share(columns),
        rows=tuple(rows),
        foot=tuple(foot),
        stacked=True,
        dense=True,
        verdicts=(DIFFERENCE,) if seen else (),
        print_rows=PRINT_ROWS if further > 0 else None,
        print_more=f"{plural(further, 'further gap')} in tables.csv." if further > 0 else "",
    )


def _order(row: Row) -> tuple[int, float]:
    if row["changed"]:
        return 0, -support(row)
    return (1, -abs(row["change"])) if row["change"] is not None else (2, 0.0)


def _rate_row(row: Row) -> tuple[Cell, ...]:
    sides = []
    for side in (row["before"], row["after"]):
        if side["value"] is None:
            sides.append(Cell(reason(side["undefined"]), soft=True))
        else:
            ends = f"{percent(side['low'], 1)} to {percent(side['high'], 1)}"
            sides.append(Cell(percent(side["value"], 1), ends))
    name = f"Everyone: {metric_words.title(row['metric']).lower()}"
    return Cell(name, strong=True), *sides, _change(row), _test(row)


def _gap_row(row: Row, many: bool) -> tuple[Cell, ...]:
    name = f"{phrases.label(row['group'])} against {phrases.label(row['comparator']['group'])}"
    if many:
        name += f", {metric_words.title(row['metric']).lower()}"
    sides = [
        Cell(reason(side["undefined"]), soft=True)
        if side["value"] is None
        else Cell(points(side["value"]), span(side["low"], side["high"]))
        for side in (row["before"], row["after"])
    ]
    return Cell(name), *sides, _change(row), _test(row)


def _change(row: Row) -> Cell:
    if row["change"] is None:
        return Cell("not compared", soft=True)
    verdict = DIFFERENCE if row["changed"] else ""
    return Cell(points(row["change"]), span(row["low"], row["high"]), verdict)


def _test(row: Row) -> Cell:
    if row["p"] is None:
        return Cell(reason(row["reason"]), soft=True)
    return Cell(p_value(row["p_adjusted"]), "changed" if row["changed"] else "")


def drift(facts: Facts, found: Row) -> Block:
    if found["drift"] is None:
        text = "The same people were audited twice, so no drift of people or labels is possible."
        return Prose(rich(text), "note")
    columns = [
        Column("Distribution of", "start", 2.2),
        Column("Before", share=1.3),
        Column("Now", share=1.3),
        Column("Change, points", share=1.6),
        Column("Test", share=1.2),
    ]
    rows = [_drift_row(facts, test) for test in found["drift"]["tests"]]
    return Table(
        title="Drift of people, recorded outcomes and decisions",
        anchor="drift",
        columns=share(columns),
        rows=tuple(rows),
        foot=(
            f"All tests together at {percent(found['drift']['alpha'])}. Unknown counts as a "
            "group here: more blanks are drift.",
        ),
        stacked=True,
        dense=True,
    )


def _drift_row(facts: Facts, test: Row) -> tuple[Cell, ...]:
    if test["what"] == "group-shares":
        by = test["by"][0]
        name = f"Groups by {phrases.lower_first(facts.titles.get(by, by))}"
        known = [v for v in test["levels"] if v["change"]["value"] is not None]
        top = max(known, key=lambda v: abs(v["change"]["value"]), default=None)
        if top is None:
            nothing = Cell(reason(test["undefined"]), soft=True)
            return Cell(name), nothing, nothing, nothing, _drift_test(test)
        sides = [_share(top[f"{side}_share"]) for side in ("before", "after")]
        name += f", largest change: {phrases.label(top['group'])}"
        return Cell(name), *sides, _drift_change(top["change"]), _drift_test(test)
    sides = [_share(side) for side in (test["before"], test["after"])]
    return Cell(DRIFT[test["what"]]), *sides, _drift_change(test["change"]), _drift_test(test)


def _share(rate: Row) -> Cell:
    if rate["value"] is None:
        return Cell(reason(rate["undefined"]), soft=True)
    note = "" if rate["low"] is None else percent_span(rate["low"], rate["high"])
    return Cell(percent(rate["value"], 1), note)


def _drift_change(change: Row) -> Cell:
    if change["value"] is None:
        return Cell("not compared", soft=True)
    return Cell(points(change["value"]), span(change["low"], change["high"]))


def _drift_test(test: Row) -> Cell:
    if test["p"] is None:
        return Cell(reason(test["undefined"]), soft=True)
    return Cell(p_value(test["p_adjusted"]), "drift" if test["drift"] else "")
