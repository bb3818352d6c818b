"""Annex: fair lending."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from auditapp.reports import phrases
from auditapp.reports.blocks import (
    Block,
    Cell,
    Column,
    Fact,
    Notice,
    Part,
    Prose,
    Rich,
    Section,
    Table,
    bold,
    rich,
)
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import (
    count,
    listing,
    p_value,
    percent,
    spelled,
    upper_first,
)
from auditapp.reports.numbers import given as decimals
from auditapp.reports.regulatory import (
    frame,
    lending_alternatives,
    lending_imputed,
    lending_terms,
    ratios,
)
from auditapp.reports.tables import share
from auditapp.reports.words import reason

Row = dict[str, Any]

LEDE = (
    "Approval rates of each class against the control class, terms in standard deviations, and "
    "what the alternatives tried would change."
)
BASES = {
    "race": "Race or color",
    "religion": "Religion",
    "national-origin": "National origin",
    "sex": "Sex",
    "marital-status": "Marital status",
    "age": "Age",
    "public-assistance": "Income from public assistance",
    "exercise-of-rights": "Exercise of rights under consumer credit law",
}


def section(facts: Facts, annex: Mapping[str, Any]) -> Section:
    """The annex as a chapter."""
    if "approvals" not in annex:
        return frame.chapter(annex, (), LEDE)
    blocks: list[Block] = [*frame.modelled(facts), _rule(facts, annex)]
    blocks += _approvals(facts, annex)
    blocks += lending_terms.parts(facts, annex)
    blocks += lending_imputed.parts(annex)
    blocks += lending_alternatives.parts(facts, annex)
    blocks += [_bases(facts, annex), *_notes(annex), frame.advice()]
    return frame.chapter(annex, blocks, LEDE)


def items(facts: Facts, annex: Mapping[str, Any]) -> Iterator[Row]:
    """Rows of the CSV: approvals, terms, imputed classes and alternatives."""
    for found in annex["approvals"]:
        names = ("applications", "approved")
        yield from ratios.csv_rows(found, found["classes"], "control", names)
    yield from lending_terms.items(annex)
    yield from lending_imputed.items(annex)
    yield from lending_alternatives.items(annex)


def _rule(facts: Facts, annex: Mapping[str, Any]) -> Block:
    further = [Fact("Approved means", frame.decided(facts))] if annex["approvals"] else []
    first, second = (decimals(edge) for edge in annex["marks"]["bands"])
    low, middle, high = annex["marks"]["labels"]
    bands = f"{low}: below {first}; {middle}: {first} to below {second}; {high}: {second} and more"
    further.append(Fact("Bands, set by the auditor", rich(bands)))
    return frame.rule(dict(annex), *further)


def _approvals(facts: Facts, annex: Mapping[str, Any]) -> list[Part]:
    return [
        Part(
            f"approval-{i + 1}",
            f"Approvals: {phrases.lower_first(ratios.titled(facts, found))}",
            tuple(_approval(facts, annex, found, f"approval-{i + 1}")),
        )
        for i, found in enumerate(annex["approvals"])
    ]


def _approval(facts: Facts, annex: Mapping[str, Any], found: Row, anchor: str) -> list[Block]:
    blocks: list[Block] = [Prose(_said(facts, annex, found))]
    chosen = found["control_choice"] == "chosen"
    figure = ratios.figure(
        facts,
        found,
        anchor=f"{anchor}-ratios",
        title=_message(facts, annex, found),
        subtitle="Approval rate over that of the control class"
        f"{'' if chosen else ', the largest, since none was named'}. Bars: 95%, each on its own. "
        "Dotted: the marks of the bands.",
        marks=annex["marks"]["bands"],
        mark_label="",
        first="control",
        n="applications",
    )
    if figure is not None:
        blocks.append(figure)
    return [*blocks, *ratios.shown(_table(facts, annex, found, f"{anchor}-table"))]


def _message(facts: Facts, annex: Mapping[str, Any], found: Row) -> str:
    rows = [r for r in found["classes"] if r["ratio"]]
    control = next((r for r in found["classes"] if r["role"] == "control"), None)
    other = "" if control is None else facts.people(control["group"])
    if len(rows) == 1:
        ends = ratios.ratio_span(rows[0]["ratio"])
        return f"The ratio is very likely between {ends.replace(' to ', ' and ')}"
    edge = annex["marks"]["bands"][1]
    below = sum(r["band"] is not None and r["band"] < len(annex["marks"]["bands"]) for r in rows)
    if not below:
        return f"No class is below {decimals(edge)} of the rate of {other}"
    verb = "is" if below == 1 else "are"
    many = upper_first(spelled(below))
    return f"{many} of {spelled(len(rows))} classes {verb} below {decimals(edge)} of {other}"


def _said(facts: Facts, annex: Mapping[str, Any], found: Row) -> Rich:
    """The class with the lowest ratio in one sentence, and how sure that is."""
    control = next((r for r in found["classes"] if r["role"] == "control"), None)
    rows = [r for r in found["classes"] if r["ratio"]]
    if control is None:
        return rich("Nothing can be compared: nobody's class is known.")
    if not rows:
        return rich("Nothing can be compared: ", reason(_why(found)), ".")
    row = min(rows, key=lambda r: (r["band"] is None, float(r["ratio"]["value"])))
    here, there = (percent(r["rate"]["value"], 1) for r in (row, control))
    tail = "more than chance explains" if row["significant"] else "which chance may explain"
    return rich(
        bold(upper_first(facts.people(row["group"]))),
        " were approved at ",
        bold(f"{row['ratio']['printed']} of the rate"),
        f" of {facts.people(control['group'])}: {here} against {there}, {ratios.apart(row)} "
        f"(95% of the ratio: {ratios.ratio_span(row['ratio'])}), {tail} ({p_value(row['p'])}). ",
        _band_said(annex, row),
    )


def _why(found: Row) -> str:
    return next((str(r["reason"]) for r in found["classes"] if r["reason"]), "one-group")


def _band_said(annex: Mapping[str, Any], row: Row) -> str:
    if row["band"] is None:
        return "There are too few for a band."
    return f"Band: {annex['marks']['labels'][row['band']]}."


def _table(facts: Facts, annex: Mapping[str, Any], found: Row, anchor: str) -> Table:
    columns = [
        Column(upper_first(ratios.titled(facts, found)), "start", 1.9),
        Column("Applications", share=1.05),
        Column("Approved", share=0.9),
        Column("Rate", share=1.05),
        Column("AIR", share=0.7),
        Column("95% interval", share=1.1),
        Column("Test", share=1.15),
        Column("Band", "start", 1.0),
    ]
    foot = [
        ratios.reconciled(
            found["applications"], found["unknown"], found["undecided"], "Applications"
        ),
        ratios.untold_note(found),
        "AIR: adverse impact ratio, the class's approval rate over that of the control class."
        if found["classes"]
        else "",
        ratios.adjusted_note(found["classes"]),
        f"No band under {count(facts.floor)} applications."
        if any(r["reason"] == "below-floor" for r in found["classes"])
        else "",
    ]
    rows = ratios.in_order(found["classes"], "control")
    return Table(
        columns=share(columns),
        rows=tuple(_line(annex, found, r) for r in rows),
        title="Approvals against the control class",
        anchor=anchor,
        foot=tuple(line for line in foot if line),
        stacked=True,
        dense=True,
        **ratios.cap(rows),
    )


def _line(annex: Mapping[str, Any], found: Row, row: Row) -> tuple[Cell, ...]:
    choice = "control" if found["control_choice"] == "chosen" else "control, largest"
    head = (
        Cell(phrases.label(row["group"]), choice, mark="diamond")
        if row["role"] == "control"
        else Cell(phrases.label(row["group"])),
        Cell(count(row["applications"])),
        Cell(count(row["approved"])),
        ratios.rate(row["rate"]),
    )
    if row["ratio"] is None:
        one = Cell("1" if row["reason"] is None else reason(row["reason"]), soft=True)
        return (*head, one, *[Cell("", soft=True)] * 3)
    band = row["band"]
    return (
        *head,
        ratios.ratio(row, interval=False, strong=band == 0),
        Cell(ratios.ratio_span(row["ratio"])),
        ratios.test(row),
        Cell(reason(row["reason"]), soft=True)
        if band is None
        else Cell(annex["marks"]["labels"][band], strong=band == 0),
    )


def _bases(facts: Facts, annex: Mapping[str, Any]) -> Table:
    """Which bases of the rule were looked at, and which were not."""
    rows = []
    for item in annex["bases"]:
        names = [facts.titles.get(c, c) for c in item["columns"]]
        text = Cell(listing(names)) if names else Cell("not examined", soft=True)
        rows.append((Cell(BASES[item["code"]]), text))
    return Table(
        columns=(Column("Prohibited basis", "start", 0.5), Column("Columns", "start", 0.5)),
        rows=tuple(rows),
        title="Bases of Regulation B, and what this audit looked at",
        anchor="bases",
        foot=("Columns are recognised by their names; an imputed class is in no column.",),
        dense=True,
    )


def _notes(annex: Mapping[str, Any]) -> list[Block]:
    compared = sum(r["p"] is not None for a in annex["approvals"] for r in a["classes"])
    notes = [ratios.tests_note(compared)] if compared else []
    notes.append(
        f"Bands and the mark of {decimals(annex['marks']['smd'])} standard deviations are customs "
        "of reviews, not law; a ratio in the highest band rules nothing out."
    )
    if annex["weighted"]:
        notes.append("People are counted as they are, without the survey weights of the audit.")
    notes.append(
        "Whether and how the rule reaches effects without intent has been under revision in the "
        "United States since 2025: the text in force is to be checked."
    )
    return [Notice(rich(bold("How to read. "), " ".join(notes)))]
