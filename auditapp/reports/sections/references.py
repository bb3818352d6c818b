"""The audited decisions beside other decisions on the same rows."""

from __future__ import annotations

from typing import Any

from auditapp.reports import phrases, tables
from auditapp.reports.blocks import Block, Cell, Column, Prose, Section, Table, bold, rich
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, percent, percent_span, plural, size
from auditapp.reports.sections.failed import failed
from auditapp.reports.words import reason

Row = dict[str, Any]

TITLE = "Beside reference decisions"
PRINT_ROWS = 8


def section(facts: Facts) -> Section | None:
    found = facts.doc.get("references")
    if not found:
        return None
    broken = failed("references", TITLE, found)
    if broken is not None:
        return broken
    lede = (
        f"{plural(found[0]['references'], 'other set')} of decisions on the same rows were given. "
        "On how many of them are the audited decisions at least as good on every measure at once?"
    )
    blocks: list[Block] = [Prose(_sentence(facts, record)) for record in found[:1]]
    blocks.append(_shares(facts, found))
    comparable = [record for record in found if record["comparable"]]
    if comparable:
        blocks.append(_listed(facts, comparable[0]))
    return Section("references", TITLE, tuple(blocks), rich(lede))


def _title(facts: Facts, record: Row) -> str:
    return phrases.attributes(record["by"], facts.titles)


def _sentence(facts: Facts, record: Row) -> Any:
    name = phrases.lower_first(_title(facts, record))
    if record["undefined"]:
        return rich(f"Nothing could be compared: {reason(record['undefined'])}.")
    measures = plural(len(record["losses"]), "measure")
    text = rich(
        "By ",
        name,
        ", the audited decisions are at least as good on all ",
        measures,
        " as ",
        bold(f"{count(record['as_good'])} of {count(record['comparable'])}"),
        f" reference decisions ({percent(record['gamma'])}; 95%: "
        f"{percent_span(record['low'], record['high'], 0)}%).",
    )
    if "few-references" in record["notices"]:
        text += rich(" So few references say little about others of their kind.")
    return text


def _shares(facts: Facts, found: list[Row]) -> Table:
    """One row for each attribute: gamma, then the share of each measure alone."""
    losses = found[0]["losses"]
    columns = [Column("Groups by", "start", 1.4), Column("All measures at once", share=1.6)]
    columns += [Column(loss["title"], share=1.3) for loss in losses]
    rows = []
    for record in found:
        first = Cell(_title(facts, record))
        if record["gamma"] is None:
            blank = [Cell("", soft=True)] * len(losses)
            rows.append((first, Cell(reason(record["undefined"]), soft=True), *blank))
            continue
        gamma = Cell(
            percent(record["gamma"]), f"{percent_span(record['low'], record['high'], 0)}%"
        )
        rows.append((first, gamma, *(_share(record, loss) for loss in record["losses"])))
    left = found[0]["references"] - found[0]["comparable"]
    foot = [
        "Share of references that the audited decisions equal or better; a tie counts. The "
        "interval covers which references were at hand, not which people were decided about.",
        f"{plural(left, 'reference')} could not be compared." if left else "",
    ]
    return Table(
        title="At least as good as the references",
        anchor="references-shares",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=tuple(line for line in foot if line),
    )


def _share(record: Row, loss: Row) -> Cell:
    of = f"{count(loss['at_least_as_good'])} of {count(record['comparable'])}"
    return Cell(percent(loss["share"]), of)


def _listed(facts: Facts, record: Row) -> Table:
    """Every reference with its measures; what the audited decisions do on the same rows beside."""
    columns = [Column("Reference", "start", 1.8)]
    columns += [Column(loss["title"], share=1.5) for loss in record["losses"]]
    columns.append(Column("At least as good on all", "start", 1.4))
    own = [_value(item["loss"], item["value"]) for item in record["own"]]
    rows = [(Cell("Audited decisions", strong=True), *(Cell(t) for t in own), Cell(""))]
    slugs = [loss["loss"] for loss in record["losses"]]
    for item in record["list"]:
        cells = [
            Cell(_value(slug, value), "" if same else f"audited {_value(slug, model)}")
            for slug, value, model, same in zip(
                slugs,
                item["losses"],
                item["model"],
                (m == o["value"] for m, o in zip(item["model"], record["own"], strict=True)),
                strict=True,
            )
        ]
        says = {True: "yes", False: "no", None: reason(item["reason"])}[item["as_good_on_all"]]
        rows.append((Cell(phrases.short(item["name"])), *cells, Cell(says)))
    further = len(rows) - PRINT_ROWS
    return Table(
        title=f"Each reference, groups by {phrases.lower_first(_title(facts, record))}",
        anchor="references-list",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=("Rates of errors in percent, gaps in points; lower is better.",),
        dense=True,
        print_rows=PRINT_ROWS if further > 0 else None,
        print_more=f"{plural(further, 'further reference')} in result.json, attached to this file."
        if further > 0
        else "",
    )


def _value(slug: str, value: float | None) -> str:
    if value is None:
        return "not computed"
    if slug in ("error-rate", "worst-group-error"):
        return percent(value, 1)
    return size(value, 1)
