"""Tables that only predictions of a number and ranked lists have."""

from __future__ import annotations

from typing import Any

from auditapp.reports import metric_words, phrases, tables
from auditapp.reports.blocks import Cell, Column, Table
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, plural
from auditapp.reports.units import PLAIN
from auditapp.reports.words import reason

Row = dict[str, Any]

#: What is described beside the judged means, with the heading of its column.
ERRORS = (
    ("rmse", "RMSE"),
    ("r2", "R²"),
    ("error-quantile-10", "10% of errors below"),
    ("error-quantile-50", "Half below"),
    ("error-quantile-90", "90% below"),
)
PLACES = (("ndcg", "NDCG"), ("skew-at-k", "Skew at k"))


def described(facts: Facts, table: Row) -> Table | None:
    """What is measured without a verdict, by group."""
    if facts.kind == "regression":
        return _errors(facts, table) if facts.plan.get("label") else None
    return _places(facts, table) if facts.kind == "ranking" else None


def _groups(facts: Facts, table: Row) -> list[tuple[str, dict[str, str], int]]:
    found = [
        (phrases.label(level["group"]), level["group"], int(level["n"]))
        for level in facts.levels(table, "reference", "compared", "below-floor")
    ]
    return [*found, ("Everyone", {}, int(facts.rows["used"]))]


def _errors(facts: Facts, table: Row) -> Table:
    shown = [(m, name) for m, name in ERRORS if facts.overall(m) is not None]
    columns = [Column(facts.table_title(table), "start", 2.0), Column("People", share=0.8)]
    columns += [Column(name, share=1.3) for _, name in shown]
    columns.append(Column("Mean prediction, SD apart", share=1.4))
    rows = []
    for name, group, n in _groups(facts, table):
        cells = [tables.rate(facts.estimate(m, group), facts.unit(m)) for m, _ in shown]
        head = (Cell(name, strong=not group), Cell(count(n)))
        rows.append((*head, *cells, _apart(facts, table, group)))
    return Table(
        title="Errors, described without a verdict",
        anchor=f"errors-{facts.anchor(table)}",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=tuple(
            text
            for text in (
                "Errors are predictions minus recorded outcomes. 95% intervals, each on its own. "
                "SD apart: difference of mean predictions to the comparator, in standard "
                "deviations of everybody's predictions.",
                tables.few_note(facts, rows),
            )
            if text
        ),
        stacked=True,
        dense=True,
    )


def _apart(facts: Facts, table: Row, group: dict[str, str]) -> Cell:
    if not group:
        return Cell("")
    if group == table.get("reference"):
        return Cell("reference", soft=True)
    found = facts.standardised(group)
    if found is None or found.get("value") is None or found.get("low") is None:
        return Cell(reason((found or {}).get("reason")), soft=True)
    interval = PLAIN.differences(found["low"], found["high"])
    return Cell(PLAIN.difference(found["value"]), interval)


def _places(facts: Facts, table: Row) -> Table | None:
    shown = [(m, name) for m, name in PLACES if (facts.overall(m) or {}).get("value") is not None]
    shown = [item for item in shown if item[0] not in facts.metrics]
    if not shown:
        return None
    ndcg = any(m == "ndcg" for m, _ in shown)
    columns = [Column(facts.table_title(table), "start", 2.0), Column("People", share=0.8)]
    columns += [Column(name, share=1.4) for _, name in shown]
    columns += [Column("NDCG of a random order", share=1.2)] if ndcg else []
    rows = []
    for name, group, n in _groups(facts, table):
        cells = [_value(facts, facts.estimate(m, group), m) for m, _ in shown]
        cells += [_chance(facts, facts.estimate("ndcg", group))] if ndcg else []
        rows.append((Cell(name, strong=not group), Cell(count(n)), *cells))
    foot = "Described, not judged. 95% intervals, each on its own."
    if ndcg:
        foot += (
            " Where groups share lists, the NDCG of a group also depends on how many people it "
            "has there: read it beside that of a random order."
        )
    return Table(
        title="Order and share on top, described without a verdict",
        anchor=f"places-{facts.anchor(table)}",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=(foot,),
        stacked=True,
        dense=True,
    )


def _value(facts: Facts, estimate: Row | None, metric: str) -> Cell:
    """A value; where it has no interval, why."""
    cell = tables.rate(estimate, facts.unit(metric))
    known = estimate is not None and estimate.get("value") is not None and not cell.soft
    if known and estimate is not None and estimate.get("low") is None:
        return Cell(cell.text, reason(estimate.get("undefined")))
    return cell


def _chance(facts: Facts, estimate: Row | None) -> Cell:
    chance = (estimate or {}).get("chance")
    if chance is None or (estimate or {}).get("below_floor"):
        return Cell("not computed", soft=True)
    return Cell(facts.unit("ndcg").value(chance))


def outcomes(facts: Facts, table: Row) -> Table | None:
    """Mean recorded outcomes by group: what predictions are held against."""
    if facts.kind != "regression" or not facts.plan.get("label"):
        return None
    unit = facts.unit("mean-label")
    rows = []
    for name, group, n in _groups(facts, table):
        estimate = facts.estimate("mean-label", group)
        known = int((estimate or {}).get("denominator") or 0)
        head = (Cell(name, strong=not group), Cell(count(n)), Cell(count(known)))
        rows.append((*head, tables.rate(estimate, unit)))
    title = facts.table_title(table)
    columns = [
        Column(title, "start", 2.4),
        Column("People"),
        Column("Outcome recorded", share=1.3),
        Column(metric_words.title("mean-label"), share=1.8),
    ]
    return Table(
        title=f"Recorded outcomes by {phrases.lower_first(title)}",
        anchor=f"outcomes-{facts.anchor(table)}",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=tuple(
            text
            for text in (
                "Recorded outcomes are described, not judged. 95% t intervals.",
                tables.few_note(facts, rows),
            )
            if text
        ),
        dense=True,
    )


def lists(facts: Facts) -> Table | None:
    """How many lists there are, and which of them have no clear top."""
    found = facts.special.get("lists")
    if not found:
        return None
    k = count(found["k"])
    rows = (
        (Cell("Lists"), Cell(count(found["n"])), Cell("")),
        (
            Cell("of these, shorter than the top"),
            Cell(count(found["shorter_than_k"])),
            Cell(f"fewer than {k} people: left out of selection at k"),
        ),
        (
            Cell("of these, without a clear cut"),
            Cell(count(found["tied_at_k"])),
            Cell("equal scores on both sides of the cut: left out of selection at k"),
        ),
    )
    columns = [Column("Lists", "start", 2.2), Column("Number"), Column("Why", "start", 2.6)]
    return Table(
        title="Lists",
        anchor="lists",
        columns=tables.share(columns),
        rows=rows,
        foot=(f"The top is the first {plural(found['k'], 'place')} of each list.",),
        dense=True,
    )
