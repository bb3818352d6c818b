"""The numbers of gaps with a legitimate factor held equal."""

from __future__ import annotations

from typing import Any

from auditapp.reports import metric_words, phrases, tables
from auditapp.reports.blocks import Cell, Column, Table
from auditapp.reports.factor_words import comparable, control_title
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, decimal, p_value, plural, points, span
from auditapp.reports.words import reason

Row = dict[str, Any]

PRINT_ROWS = 8


def held_equal(facts: Facts, table: Row, rows: list[Row]) -> Table:
    """Every comparison of one attribute: all people, pooled, odds ratio, tests."""
    found = facts.doc["strata"]
    name = phrases.lower_first(control_title(facts))
    order = {metric: i for i, metric in enumerate((*facts.leads, *facts.metrics))}
    listed = sorted(
        (row for row in rows if row["reason"] not in ("no-label", "no-decision")),
        key=lambda r: (order.get(r["metric"], len(order)), r["reason"] is not None),
    )
    body = [_row(row, found["alpha"]) for row in listed]
    columns = [
        Column(facts.table_title(table), "start", 1.9),
        Column("Rate", "start", 1.2),
        Column("All people", share=1.5),
        Column("Held equal", share=1.5),
        Column("Odds ratio", share=1.4),
        Column("Held-equal test", share=1.0),
        Column("Same everywhere", share=1.1),
    ]
    further = len(body) - PRINT_ROWS
    return Table(
        title=f"Differences to {facts.comparator(rows[0])}, in points",
        anchor=f"held-equal-{facts.anchor(table)}-table",
        columns=tables.share(columns),
        rows=tuple(body),
        foot=tuple(line for line in _foot(found, rows, body, name, facts) if line),
        stacked=True,
        dense=True,
        print_rows=PRINT_ROWS if further > 0 else None,
        print_more=f"{plural(further, 'further row')} in tables.csv, attached to this file."
        if further > 0
        else "",
    )


def _foot(
    found: Row, rows: list[Row], body: list[tuple[Cell, ...]], name: str, facts: Facts
) -> list[str]:
    blank, tests = found["left_out"], found["tests"]
    outside = max(row["outside"]["group"] + row["outside"]["comparator"] for row in rows)
    return [
        "Odds ratio: pooled over the strata. Held-equal test: is there a difference inside the "
        f"strata? Adjusted for {plural(tests, 'test')} of this section; bold where it stays under "
        "5%. Same everywhere: test of one odds ratio in all strata, not adjusted.",
        "95% intervals, each on its own: no verdict is read off them.",
        f"{plural(blank, 'person', 'people')} without {name} left out." if blank else "",
        f"Up to {plural(outside, 'person is', 'people are')} in a value of {name} without the "
        f"other group and {'says' if outside == 1 else 'say'} nothing about the held-equal gap."
        if outside
        else "",
        tables.few_note(facts, body),
    ]


def _row(row: Row, alpha: float) -> tuple[Cell, ...]:
    head = (Cell(phrases.label(row["group"])), Cell(metric_words.title(row["metric"])))
    if row["reason"] in ("below-floor", "empty-group", "reference-below-floor"):
        few = min(row["denominator"], row["denominator_comparator"])
        cell = Cell(tables.TOO_FEW, plural(few, "person", "people"), soft=True)
        return (*head, cell, *[Cell("", soft=True)] * 4)
    p = row["p_adjusted"]
    found = p is not None and p <= alpha
    test = Cell(reason(row["reason"]), soft=True) if p is None else Cell(p_value(p), strong=found)
    same = row["homogeneity"]
    return (
        *head,
        _difference(row["crude"]),
        _difference(row["pooled"], strong=found),
        _odds(row["odds_ratio"]),
        test,
        Cell(p_value(same["p"]))
        if same["p"] is not None
        else Cell(reason(same["undefined"]), soft=True),
    )


def _difference(part: Row, *, strong: bool = False) -> Cell:
    if part["value"] is None:
        return Cell(reason(part["undefined"]), soft=True)
    return Cell(points(part["value"]), span(part["low"], part["high"]), strong=strong)


def _odds(part: Row) -> Cell:
    if part["value"] is None or part["low"] is None:
        return Cell(reason(part["undefined"]), soft=True)
    return Cell(decimal(part["value"]), f"{decimal(part['low'])} to {decimal(part['high'])}")


def paired(facts: Facts, table: Row, rows: list[Row]) -> Table:
    """The numbers behind the figure of pairs."""
    columns = [Column(facts.table_title(table), "start", 2.0), Column("People")]
    columns += [Column("All people", share=1.6), Column("Held equal", share=1.6)]
    body = tuple(
        (
            Cell(phrases.label(row["group"])),
            Cell(count(row["denominator"])),
            _difference(row["crude"]),
            _difference(row["pooled"]),
        )
        for row in rows
        if comparable(row)
    )
    return Table(columns=tables.share(columns), rows=body)


def inside(facts: Facts, row: Row) -> Table:
    """The numbers behind the figure of strata."""
    group, other = phrases.label(row["group"]), phrases.label(row["comparator"]["group"])
    columns = [Column(control_title(facts), "start", 2.0), Column(group, share=1.5)]
    columns += [Column(other, share=1.5), Column("Difference", share=1.6)]
    body = tuple(
        (
            Cell(s["stratum"]),
            _rate(s["rate"]),
            _rate(s["rate_comparator"]),
            _difference(s["difference"]),
        )
        for s in row["strata"]
    )
    unlisted = row.get("strata_unlisted") or 0
    foot = (f"{count(unlisted)} smaller values are not listed.",) if unlisted else ()
    return Table(columns=tables.share(columns), rows=body, foot=foot, dense=True)


def _rate(part: Row) -> Cell:
    made = tables.rate(part)
    if part["value"] is None:
        return made
    return Cell(
        made.text, f"{made.note}; {count(part['numerator'])} of {count(part['denominator'])}"
    )
