"""Tables of a comparison."""

from __future__ import annotations

from typing import Any

from auditapp.comparison import words
from auditapp.comparison.facts import DIFFERENCE, NOT_APPLICABLE, NOT_ENOUGH, Facts, metric
from auditapp.reports import phrases
from auditapp.reports.blocks import Cell, Column, Table
from auditapp.reports.numbers import (
    comparisons,
    count,
    p_value,
    percent,
    percent_span,
    plural,
    points,
    span,
    upper_first,
)
from auditapp.reports.tables import share, used_verdicts

Row = dict[str, Any]
Cells = tuple[Cell, ...]

PRINT_ROWS = 8


def change(row: Row) -> Cell:
    """A change with its verdict shape and adjusted interval."""
    if row["value"] is None or row["low"] is None:
        return Cell(words.reason(row["reason"]), soft=True)
    verdict = "" if row["verdict"] == NOT_APPLICABLE else row["verdict"]
    return Cell(points(row["value"]), words.interval(row), verdict)


def gap_side(side: Row) -> Cell:
    """A gap in one audit with its own interval."""
    if side["value"] is None:
        return Cell(words.reason(side["undefined"]), soft=True)
    return Cell(points(side["value"]), span(side["low"], side["high"]))


def rate_side(side: Row) -> Cell:
    """A rate in one audit with its own interval."""
    if side["value"] is None:
        return Cell(words.reason(side["undefined"]), soft=True)
    return Cell(percent(side["value"], 1), percent_span(side["low"], side["high"]))


def test(row: Row) -> Cell:
    """The adjusted p-value of a change."""
    if row["p_adjusted"] is None:
        return Cell("not tested", soft=True)
    return Cell(p_value(row["p_adjusted"]).removeprefix("p = ").removeprefix("p "))


def people(facts: Facts, row: Row) -> Cell:
    """How many a row stands on."""
    first, second = row["n"]["first"], row["n"]["second"]
    if facts.paired or first == second:
        return Cell(count(first))
    return Cell(f"{count(first)}, {count(second)}")


def foot(facts: Facts) -> tuple[str, ...]:
    """How intervals and tests of changes were made."""
    k = facts.doc["family"]["k"]
    adjusted = f", adjusted for {comparisons(k)}" if k > 1 else ""
    return (f"Change: B less A, points, 95%{adjusted}. A and B: each with its own 95% interval.",)


def _ordered(rows: list[Row]) -> list[Row]:
    place = {DIFFERENCE: 0, NOT_ENOUGH: 1}

    def rank(row: Row) -> tuple[bool, int, float]:
        return (
            row["low"] is None,
            place.get(row["verdict"], 2) if row["low"] is not None else 3,
            -abs(row["value"] or 0.0),
        )

    return sorted(rows, key=rank)


def _more(rows: list[Any]) -> dict[str, Any]:
    further = len(rows) - PRINT_ROWS
    if further <= 0:
        return {}
    return {
        "print_rows": PRINT_ROWS,
        "print_more": f"{plural(further, 'further row')} on the page and in tables.csv.",
    }


def gaps(facts: Facts, rows: list[Row], title: str) -> Table:
    """Gaps under A and B and their change, for the strip of changes."""
    columns = [
        Column(title, "start", 2.2),
        Column("People"),
        Column("Gap under A, points", share=1.5),
        Column("Gap under B, points", share=1.5),
        Column("Change, points", share=1.7),
        Column("p", share=0.8),
    ]
    body: list[Cells] = [
        (
            Cell(phrases.label(row["group"])), people(facts, row), gap_side(row["first"]),
            gap_side(row["second"]), change(row), test(row),
        )
        for row in _ordered(rows)
    ]  # fmt: skip
    return Table(
        columns=share(columns), rows=tuple(body), foot=foot(facts), stacked=True,
        verdicts=used_verdicts(body),
    )  # fmt: skip


def sides(facts: Facts, rows: list[Row], title: str) -> Table:
    """Gaps of each audit."""
    columns = [Column(title, "start", 2.2), Column("People"), Column("Gap under A, points"),
               Column("Gap under B, points")]  # fmt: skip
    body: list[Cells] = [
        (Cell(phrases.label(row["group"])), people(facts, row), gap_side(row["first"]),
         gap_side(row["second"]))
        for row in rows
    ]  # fmt: skip
    return Table(columns=share(columns), rows=tuple(body))


def every_rate(facts: Facts, table: Row) -> Table:
    """Rates of each group under A and B, the primary ones first."""
    body: list[Cells] = []
    for slug in (*facts.primary, *(m for m in facts.metrics if m not in facts.primary)):
        rows = {phrases.label(r["group"]): r for r in facts.rates(table["by"], slug)}
        ranked = _ordered(list(rows.values()))
        body += [_rate_row(facts, row, slug) for row in ranked if row["first"]["value"] is not None
                 or row["second"]["value"] is not None]  # fmt: skip
    return Table(
        columns=share(_rate_columns("Group and rate")),
        rows=tuple(body),
        title=f"Rates by {phrases.lower_first(facts.table_title(table))}, under A and under B",
        anchor=f"rates-{facts.anchor(table)}",
        foot=foot(facts),
        stacked=True,
        dense=True,
        verdicts=used_verdicts(body),
        **_more(body),
    )


def _rate_columns(first: str) -> list[Column]:
    return [Column(first, "start", 2.3), Column("A", share=1.2), Column("B", share=1.2),
            Column("Change, points", share=1.5), Column("p", share=0.8)]  # fmt: skip


def _rate_row(facts: Facts, row: Row, slug: str) -> Cells:
    name = Cell(f"{phrases.label(row['group'])}: {metric(slug)}")
    return name, rate_side(row["first"]), rate_side(row["second"]), change(row), test(row)


def everybody(facts: Facts) -> Table:
    """Rates of everyone together."""
    rows = [facts.everybody(slug) for slug in facts.metrics]
    body: list[Cells] = [
        (Cell(upper_first(metric(row["metric"])), strong=row["primary"]),
         rate_side(row["first"]), rate_side(row["second"]), change(row), test(row))
        for row in rows
    ]  # fmt: skip
    return Table(
        columns=share(_rate_columns("Everyone together")),
        rows=tuple(body),
        anchor="everyone",
        foot=foot(facts),
        stacked=True,
        verdicts=used_verdicts(body),
    )


def other_gaps(facts: Facts, table: Row) -> Table | None:
    """Gaps on every rate that the goal does not name."""
    body: list[Cells] = []
    for slug in facts.metrics:
        if slug in facts.primary:
            continue
        for row in _ordered(facts.gaps(table["by"], slug)):
            name = Cell(f"{phrases.label(row['group'])}: {metric(slug)}")
            body.append((name, gap_side(row["first"]), gap_side(row["second"]), change(row),
                         test(row)))  # fmt: skip
    if not body:
        return None
    return Table(
        columns=share(_rate_columns("Group and rate")),
        rows=tuple(body),
        title="Gaps in other rates",
        anchor=f"gaps-{facts.anchor(table)}",
        foot=foot(facts),
        stacked=True,
        dense=True,
        verdicts=used_verdicts(body),
        **_more(body),
    )


def crossed(facts: Facts, table: Row, slug: str) -> Table | None:
    """Cells of an intersection against everyone else."""
    rows = [row for row in facts.gaps(table["by"], slug) if row["low"] is not None]
    if not rows:
        return None
    made = gaps(facts, rows, facts.table_title(table))
    small = sum(level["status"] == "below-floor" for level in table["levels"])
    left = (
        f"{plural(small, 'group')} under the floor of {count(facts.floor)} people, not compared."
        if small
        else ""
    )
    return Table(
        columns=made.columns,
        rows=made.rows,
        title=f"{facts.table_title(table)}: gap in {metric(slug)} to everyone else",
        anchor=f"cells-{facts.anchor(table)}-{slug}",
        foot=tuple(text for text in (*made.foot, left) if text),
        stacked=True,
        dense=True,
        verdicts=made.verdicts,
        **_more(list(made.rows)),
    )


def moved(facts: Facts, rows: list[Row], title: str) -> Table:
    """Who is decided otherwise."""
    other = any(row["other"] for row in rows)
    columns = [
        Column(title, "start", 2.2),
        Column("People"),
        Column("To no"),
        Column("To yes"),
        *([Column("To a person or back")] if other else []),
        Column("Decided otherwise", share=1.6),
        Column("Against the comparator, points", share=1.9),
    ]
    body: list[Cells] = []
    for row in rows:
        known = Cell("nobody", soft=True)
        if row["share"] is not None:
            known = Cell(
                percent(row["share"], 1), percent_span(row["share_low"], row["share_high"])
            )
        against = Cell("")
        if row["by"]:
            against = Cell("reference", soft=True) if row["reason"] == "reference" else change(row)
        name = phrases.label(row["group"]) if row["by"] else "Everyone"
        body.append(
            (
                Cell(name, strong=not row["by"]), Cell(count(row["n"])), Cell(count(row["to_no"])),
                Cell(count(row["to_yes"])), *([Cell(count(row["other"]))] if other else []),
                known, against,
            )
        )  # fmt: skip
    return Table(
        columns=share(columns), rows=tuple(body), stacked=True, dense=True,
        foot=("Decided otherwise: Clopper-Pearson 95% intervals. Against the comparator: Fisher's "
              "exact test, adjusted with all others of this comparison.",),
        verdicts=used_verdicts(body), **_more(body),
    )  # fmt: skip
