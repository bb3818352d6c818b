"""The audited decisions beside other decisions on the same rows."""

from __future__ import annotations

from typing import Any

from auditapp.reports import phrases, tables
from auditapp.reports.blocks import Block, Cell, Column, Prose, Rich, Section, Table, bold, rich
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, percent, percent_span, plural
from auditapp.reports.sections.failed import failed
from auditapp.reports.words import reason

Row = dict[str, Any]

TITLE = "Beside reference decisions"
PRINT_ROWS = 8
SHORT = {
    "selection-rate-gap": "Gap of selection rates",
    "equalized-odds-gap": "Gap of true or false positive rates",
}


def section(facts: Facts) -> Section | None:
    found = facts.doc.get("references")
    if not found:
        return None
    broken = failed("references", TITLE, found)
    if broken is not None:
        return broken
    given = found[0]["references"]
    lede = (
        f"{plural(given, 'other set')} of decisions on the same rows "
        f"{'was' if given == 1 else 'were'} given. How often are the audited decisions at least "
        "as good on every measure at once?"
    )
    blocks: list[Block] = [Prose(_sentence(facts, record)) for record in found[:1]]
    blocks.append(_shares(facts, found))
    comparable = [record for record in found if record["comparable"]]
    if comparable:
        blocks.append(_listed(facts, comparable[0]))
    return Section("references", TITLE, tuple(blocks), rich(lede))


def _short(loss: Row) -> str:
    return SHORT.get(loss["loss"], str(loss["title"]))


def _title(facts: Facts, record: Row) -> str:
    return phrases.attributes(record["by"], facts.titles)


def _sentence(facts: Facts, record: Row) -> Rich:
    name = phrases.lower_first(_title(facts, record))
    if record["undefined"]:
        return rich(f"Nothing could be compared: {reason(record['undefined'])}.")
    measures = plural(len(record["losses"]), "measure")
    as_good = count(record["as_good"]) if record["as_good"] else "none"
    text = rich(
        "By ",
        name,
        ", the audited decisions are at least as good on all ",
        measures,
        " as ",
        bold(f"{as_good} of {plural(record['comparable'], 'reference')}"),
        f" ({percent(record['gamma'])}; 95%: {percent_span(record['low'], record['high'], 0)}%).",
    )
    if "few-references" in record["notices"]:
        text += rich(" So few references say little about others of their kind.")
    return text


def _shares(facts: Facts, found: list[Row]) -> Table:
    """One row for each attribute: gamma, then the share of each measure alone."""
    losses = found[0]["losses"]
    columns = [Column("Groups by", "start", 1.4), Column("All measures at once", share=1.6)]
    columns += [Column(_short(loss), share=1.3) for loss in losses]
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
        rows.append((first, gamma, *map(_share, record["losses"])))
    left = found[0]["references"] - found[0]["comparable"]
    foot = [
        "Share of references that the audited decisions equal or better; a tie counts. 95% "
        "intervals cover which references were at hand, not which people were decided about.",
        f"{plural(left, 'reference')} could not be compared." if left else "",
    ]
    return Table(
        title="At least as good as the references",
        anchor="references-shares",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=tuple(line for line in foot if line),
    )


def _share(loss: Row) -> Cell:
    ends = f"{percent_span(loss['low'], loss['high'], 0)}%"
    return Cell(percent(loss["share"]), ends)


def _listed(facts: Facts, record: Row) -> Table:
    """How the audited decisions stand to every reference, measure by measure."""
    columns = [Column("Reference", "start", 1.8)]
    columns += [Column(_short(loss), "start", 1.5) for loss in record["losses"]]
    columns.append(Column("All at once", "start", 1.3))
    rows = []
    for item in record["list"]:
        stands = [
            Cell(_stand(own, other), soft=own is None or other is None)
            for own, other in zip(item["model"], item["losses"], strict=True)
        ]
        says = {True: "yes", False: "no", None: reason(item["reason"])}
        last = Cell(says[item["as_good_on_all"]])
        rows.append((Cell(phrases.short(item["name"])), *stands, last))
    further = len(rows) - PRINT_ROWS
    return Table(
        title=f"Audited decisions beside each reference, groups by "
        f"{phrases.lower_first(_title(facts, record))}",
        anchor="references-list",
        columns=tables.share(columns),
        rows=tuple(rows),
        foot=("Compared on the rows that the reference decided. Values are in result.json.",),
        dense=True,
        print_rows=PRINT_ROWS if further > 0 else None,
        print_more=f"{plural(further, 'further reference')} in result.json, attached to this file."
        if further > 0
        else "",
    )


def _stand(own: float | None, other: float | None) -> str:
    if own is None or other is None:
        return "not computed"
    if own == other:
        return "equal"
    return "better" if own < other else "worse"
