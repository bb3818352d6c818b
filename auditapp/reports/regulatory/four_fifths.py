"""Annex: four-fifths rule with significance."""

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
    decimal,
    given,
    p_value,
    percent,
    plural,
    spelled,
    upper_first,
)
from auditapp.reports.regulatory import four_fifths_strata, frame, ratios
from auditapp.reports.tables import share
from auditapp.reports.words import reason

Row = dict[str, Any]

LEDE = (
    "Each group's selection rate against the highest one. The ratio says whether a difference is "
    "large, the test whether chance explains it; both are shown, and neither decides alone."
)
READINGS = {
    "practical-and-statistical": "Practical and statistical difference",
    "large-but-uncertain": "Large but uncertain",
    "small-but-systematic": "Small but systematic",
    "no-evidence": "No evidence at this size",
    "higher": "Higher rate, small group",
}
ORDER = tuple(READINGS)
MARK = 0.8
HOW = (
    "Practical and statistical difference: ratio below 0.80, and significant. Large but "
    "uncertain: below 0.80, not significant. Small but systematic: 0.80 or more, and "
    "significant. No evidence at this size: neither. Significant: 1.96 standard deviations (SD) "
    "or more by the two-sample z test; p of 0.05 or less by Fisher's exact test, used with under "
    "200 people or under 5 expected in a cell. Short: people who would have to be selected in "
    "addition for equal rates; under it, for a ratio of 0.80. Ratios are compared with 0.80 as "
    "exact fractions of the counts."
)


def section(facts: Facts, annex: Mapping[str, Any]) -> Section:
    """The annex as a chapter."""
    if "attributes" not in annex:
        return frame.chapter(annex, (), LEDE)
    blocks: list[Block] = [*frame.modelled(facts), _rule(facts, annex), *_parts(facts, annex)]
    blocks += [Notice(rich(bold("How to read. "), HOW)), *_notes(annex), frame.advice()]
    return frame.chapter(annex, blocks, LEDE)


def items(facts: Facts, annex: Mapping[str, Any]) -> Iterator[Row]:
    """Rows of the CSV: rates, ratios, differences, people short, readings, pooled results."""
    for found in annex["attributes"]:
        yield from ratios.csv_rows(found, found["groups"], "highest", ("applicants", "selected"))
        for row in found["groups"]:
            if row["ratio"] is None:
                continue
            head = {"by": found["by"], "group": row["group"], "n": row["applicants"]}
            head |= {"comparator": {"group": found["highest"]}}
            note = row["reading"]
            yield head | {"metric": "shortfall", "value": row["shortfall"], "note": note}
            needed = row["flip"]["needed"]
            yield head | {"metric": "selections-to-four-fifths", "value": needed}
            yield from (head | item for item in four_fifths_strata.items(row.get("pooled")))


def _rule(facts: Facts, annex: Mapping[str, Any]) -> Block:
    share_of = given(float(annex["settings"]["least_share"]))
    further = [
        frame.written("Job and selection procedure", annex["settings"]["job"]),
        Fact("Selected means", frame.decided(facts)),
        Fact(
            "Compared with",
            rich(f"The highest rate among groups with at least {share_of}% of applicants"),
        ),
    ]
    if annex["strata"]:
        found = annex["strata"]
        text = f"{found['heading']}, {plural(found['values'], 'value')}"
        further.append(Fact("Also compared inside", rich(text)))
    return frame.rule(dict(annex), *further)


def _parts(facts: Facts, annex: Mapping[str, Any]) -> list[Part]:
    return [
        Part(
            f"four-fifths-{i + 1}",
            upper_first(ratios.titled(facts, found)),
            tuple(_part(facts, annex, found, f"four-fifths-{i + 1}")),
        )
        for i, found in enumerate(annex["attributes"])
    ]


def _part(facts: Facts, annex: Mapping[str, Any], found: Row, anchor: str) -> list[Block]:
    blocks: list[Block] = [Prose(_said(facts, found))]
    mark = float(annex["mark"])
    figure = ratios.figure(
        facts,
        found,
        anchor=f"{anchor}-ratios",
        title=_message(facts, found),
        subtitle="Selection rate over that of the group with the highest one. Bars: 95%, each on "
        "its own. Dotted: four fifths.",
        marks=(mark,),
        mark_label="four fifths",
        first="highest",
        n="applicants",
    )
    if figure is not None:
        blocks.append(figure)
    blocks += ratios.shown(_table(facts, found, f"{anchor}-table"))
    pooled = four_fifths_strata.table(facts, annex, found, f"{anchor}-strata")
    return [*blocks, pooled] if pooled is not None else blocks


def _worst(found: Row) -> Row | None:
    """The group whose reading says most: by reading, then by ratio."""
    told = [r for r in found["groups"] if r["reading"] is not None]
    return min(told, key=lambda r: (ORDER.index(r["reading"]), r["ratio"]["value"]), default=None)


def _top(found: Row) -> Row | None:
    return next((r for r in found["groups"] if r["role"] == "highest"), None)


def _message(facts: Facts, found: Row) -> str:
    below = [r for r in found["groups"] if r["below"]]
    top = _top(found)
    name = phrases.lower_first(ratios.titled(facts, found))
    total = sum(r["ratio"] is not None for r in found["groups"])
    other = "" if top is None else facts.people(top["group"])
    if total == 1:
        row = next(r for r in found["groups"] if r["ratio"] is not None)
        return _side(row["ratio"])
    if not below:
        near = sum(r["ratio"]["low"] < MARK for r in found["groups"] if r["ratio"])
        unsure = f", but the interval of {spelled(near)} reaches below" if near else ""
        return f"No {name} group is below four fifths of the rate of {other}{unsure}"
    verb = "is" if len(below) == 1 else "are"
    many = upper_first(spelled(len(below)))
    return f"{many} of {spelled(total)} {name} groups {verb} below four fifths of {other}"


def _side(ratio: Row) -> str:
    """On which side of four fifths the interval of a ratio lies."""
    if ratio["high"] < MARK:
        return "The ratio is very likely below four fifths"
    if ratio["low"] >= MARK:
        return "The ratio is very likely above four fifths"
    return "The ratio may lie on either side of four fifths"


def _said(facts: Facts, found: Row) -> Rich:
    """One sentence on the group with the most to say, and what would undo it."""
    top, row = _top(found), _worst(found)
    if not found["groups"]:
        return rich("Nobody's group is known: nothing to compare.")
    if top is None:
        return rich("Nobody of a group that is large enough was selected: there is no ratio.")
    if row is None:
        return rich("There is one group only: nothing to compare.")
    here, there = (percent(r["rate"]["value"], 1) for r in (row, top))
    return rich(
        bold(upper_first(facts.people(row["group"]))),
        " were selected at ",
        bold(f"{row['ratio']['printed']} of the rate"),
        f" of {facts.people(top['group'])}: {here} against {there}, {ratios.apart(row)}. ",
        _sure(row),
        _undone(row),
    )


def _sure(row: Row) -> str:
    sd = row["deviations"]
    if sd is None:
        return "Everybody or nobody of both was selected."
    kind = "" if row["method"] == "z" else f" ({p_value(row['p'])}, exact test)"
    apart = f"The difference is {decimal(sd, 1)} standard deviations{kind}"
    if row["significant"]:
        return f"{apart}, more than chance explains."
    return f"{apart}, which chance may explain."


def _undone(row: Row) -> str:
    """How many people it is about."""
    parts = ""
    if row["shortfall"]:
        verb = "selection" if row["shortfall"] == 1 else "selections"
        parts = f" {count(row['shortfall'])} more {verb} would make the rates equal"
        needed = row["flip"]["needed"]
        if row["below"] and needed is not None:
            parts += f", {count(needed)} would lift the ratio to four fifths"
        parts += "."
    return parts


def _table(facts: Facts, found: Row, anchor: str) -> Table:
    columns = [
        Column(upper_first(ratios.titled(facts, found)), "start", 1.7),
        Column("Applicants", share=0.9),
        Column("Selected", share=0.75),
        Column("Rate", share=1.05),
        Column("Impact ratio", share=1.1),
        Column("Points", share=1.2),
        Column("Test", share=1.15),
        Column("Short", share=1.15),
        Column("Reading", "start", 1.9),
    ]
    rows = tuple(_line(r) for r in ratios.in_order(found["groups"], "highest"))
    foot = [
        ratios.reconciled(found["applicants"], found["unknown"], found["undecided"], "Applicants"),
        ratios.untold_note(found),
        "95% intervals, each on its own, stand under the values." if rows else "",
        ratios.adjusted_note(found["groups"]),
        _null(found),
    ]
    return Table(
        columns=share(columns),
        rows=rows,
        title="Selection rates and impact ratios",
        anchor=anchor,
        foot=tuple(line for line in foot if line),
        stacked=True,
        dense=True,
        **ratios.cap(rows),
    )


def _line(row: Row) -> tuple[Cell, ...]:
    highest = row["role"] == "highest"
    note = "highest rate" if highest else "small group" if row["small"] else ""
    head = (
        Cell(phrases.label(row["group"]), note, mark="diamond" if highest else ""),
        Cell(count(row["applicants"])),
        Cell(count(row["selected"])),
        ratios.rate(row["rate"]),
    )
    if row["ratio"] is None:
        one = "1" if highest else reason(row["reason"])
        return (*head, Cell(one, soft=True), *[Cell("", soft=True)] * 4)
    return (
        *head,
        ratios.ratio(row, strong=bool(row["below"])),
        ratios.difference(row["difference"]),
        ratios.test(row),
        Cell(count(row["shortfall"]), _flip(row)),
        Cell(READINGS[row["reading"]], _few(row), strong=row["reading"] == ORDER[0]),
    )


def _flip(row: Row) -> str:
    """How many selections would lift a ratio to four fifths."""
    needed = row["flip"]["needed"]
    if not row["below"]:
        return ""
    return "out of reach" if needed is None else f"{count(needed)} to 0.80"


def _few(row: Row) -> str:
    """The flip test: whether one or two more selections would do."""
    if not row["flip"]["few"]:
        return ""
    return "one more reaches 0.80" if row["flip"]["needed"] == 1 else "two more reach 0.80"


def _null(found: Row) -> str:
    null = found["null"]
    if not null or null["null_mean"] is None:
        return ""
    return (
        f"With decisions shuffled among the {plural(null['groups'], 'group')} that others may be "
        f"compared with, the lowest ratio would be {decimal(null['null_mean'])} on average and "
        f"below {decimal(null['null_p05'])} in 1 of 20; one as low as here: {p_value(null['p'])} "
        f"({count(null['draws'])} shuffles). Only this counts that the highest rate was looked "
        "for first."
    )


def _notes(annex: Mapping[str, Any]) -> list[Block]:
    notes = [ratios.tests_note(int(annex["compared"]))]
    notes.append(
        "Impact is looked at for each job on its own; groups of several jobs taken together can "
        "hide or make a difference."
    )
    if annex["weighted"]:
        notes.append("People are counted as they are, without the survey weights of the audit.")
    return [Prose(rich(" ".join(filter(None, notes))), "note")]
