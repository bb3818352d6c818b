"""Terms of loans in the fair-lending annex: differences of means in standard deviations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from auditapp.reports import phrases
from auditapp.reports.blocks import Block, Cell, Column, Part, Prose, Rich, Table, bold, rich
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, decimal, plural, signed, spelled, upper_first
from auditapp.reports.numbers import given as decimals
from auditapp.reports.regulatory import ratios
from auditapp.reports.tables import share
from auditapp.reports.words import reason

Row = dict[str, Any]

LONGEST_UNIT = 4
#: Classes of a term that are printed.
PRINTED = 14


def parts(facts: Facts, annex: Mapping[str, Any]) -> list[Block]:
    """One part with a table for every term."""
    terms = [t for t in annex["terms"] if t["attributes"]]
    if not terms:
        return []
    text = (
        "A difference of means over the standard deviation (SD) of all applicants with a value. "
        f"Differences of {decimals(annex['marks']['smd'])} SD and more, in either direction, are "
        "for review."
    )
    blocks: list[Block] = [Prose(rich(text))]
    for i, term in enumerate(terms):
        blocks.append(Prose(_said(facts, annex, term)))
        if any(found["classes"] for found in term["attributes"]):
            blocks.append(_table(facts, term, f"term-{i + 1}"))
    return [Part("terms", "Terms in standard deviations", tuple(blocks))]


def items(annex: Mapping[str, Any]) -> Iterator[Row]:
    """Rows of the CSV: means and standardised differences."""
    for term in annex["terms"]:
        note = f"{term['column'] or term['source']}, {term['worse']} is worse"
        for found in term["attributes"]:
            for row in found["classes"]:
                head = {"by": found["by"], "group": row["group"], "n": row["n"], "note": note}
                yield head | {"metric": "mean", "value": row["mean"]}
                if row["smd"] is not None:
                    limits = {key: row["smd"][key] for key in ("value", "low", "high", "p")}
                    yield (
                        head
                        | limits
                        | {
                            "metric": "standardised-difference",
                            "comparator": {"group": found["control"]},
                        }
                    )


def name(facts: Facts, term: Row) -> str:
    """What a term is called."""
    if term["source"] == "score":
        return f"Score “{phrases.short(term['column'])}”" if term["column"] else "Score"
    if term["source"] == "prediction":
        return f"Prediction “{phrases.short(term['column'])}”" if term["column"] else "Prediction"
    return f"“{phrases.short(term['column'])}”"


def _said(facts: Facts, annex: Mapping[str, Any], term: Row) -> Rich:
    """How many classes are worse off and for review, and the largest difference."""
    rows = [
        (found, row)
        for found in term["attributes"]
        for row in found["classes"]
        if row["smd"] is not None and row["smd"]["value"] is not None
    ]
    title = bold(upper_first(name(facts, term)))
    way = f" ({term['worse']} is worse)"
    if not rows:
        return rich(title, way, ": nothing can be compared.")
    review = sum(bool(row["review"]) for _, row in rows)
    found, row = max(rows, key=lambda pair: abs(float(pair[1]["smd"]["value"])))
    smd = row["smd"]
    return rich(
        title,
        f"{way}: {_for_review(review, len(rows))}. The largest difference is that of "
        f"{facts.people(row['group'])}, {signed(smd['value'])} SD "
        f"(95%: {signed(smd['low'])} to {signed(smd['high'])}) from "
        f"{facts.people(found['control'])}, {_direction(row)}.",
    )


def _for_review(review: int, total: int) -> str:
    if total == 1:
        return "the one class compared is for review" if review else "no class is for review"
    verb = "are" if review > 1 else "is"
    return f"{spelled(review) if review else 'none'} of {spelled(total)} classes {verb} for review"


def _direction(row: Row) -> str:
    if row["worse"] is None:
        return "the same"
    if row["smd"]["low"] <= 0.0 <= row["smd"]["high"]:
        return f"{'worse' if row['worse'] else 'better'}, or none"
    return "worse" if row["worse"] else "better"


def _table(facts: Facts, term: Row, anchor: str) -> Table:
    columns = [
        Column("Class", "start", 2.2),
        Column("With a value", share=0.9),
        Column("Mean", share=1.0),
        Column("SMD", share=1.2),
        Column("Direction", "start", 1.6),
    ]
    rows: list[tuple[Cell, ...]] = []
    for found in term["attributes"]:
        spread = float(found["sd"] or 0.0)
        many = len(term["attributes"]) > 1
        for row in sorted(found["classes"], key=lambda r: r["role"] != "control"):
            title = phrases.label(row["group"])
            by = upper_first(ratios.titled(facts, found))
            head = f"{by}: {title}" if many else title
            rows.append(_line(row, head, spread))
    blank = next((f["blank"] for f in term["attributes"] if f["blank"]), 0)
    foot = [
        f"{plural(blank, 'applicant')} without a value {'is' if blank == 1 else 'are'} in no mean."
        if blank
        else "",
        "95% intervals, Student's t with the spread taken as estimated.",
    ]
    return Table(
        columns=share(columns),
        rows=tuple(rows),
        title=f"{upper_first(name(facts, term))}, {term['worse']} is worse",
        anchor=anchor,
        foot=tuple(line for line in foot if line),
        stacked=True,
        dense=True,
        print_rows=PRINTED if len(rows) > PRINTED else None,
        print_more=f"{plural(len(rows) - PRINTED, 'further class', 'further classes')} in "
        "tables.csv, attached to this file."
        if len(rows) > PRINTED
        else "",
    )


def _line(row: Row, title: str, spread: float) -> tuple[Cell, ...]:
    control = row["role"] == "control"
    head = (
        Cell(f"{title}, control" if control else title),
        Cell(count(row["n"])),
        Cell("" if row["mean"] is None else _amount(float(row["mean"]), spread)),
    )
    smd = row["smd"]
    if control or smd is None:
        return (*head, Cell("0", soft=True), Cell(""))
    if smd["value"] is None:
        return (*head, Cell(reason(smd["reason"]), soft=True), Cell(""))
    return (
        *head,
        Cell(signed(smd["value"]), f"{signed(smd['low'])} to {signed(smd['high'])}"),
        Cell(f"{_direction(row)}, for review", strong=True)
        if row["review"]
        else Cell(_direction(row)),
    )


def _amount(value: float, spread: float) -> str:
    """A mean with about three digits of the spread."""
    digits = 2 if spread <= 0 else min(max(2 - math.floor(math.log10(spread)), 0), LONGEST_UNIT)
    return decimal(value, digits)
