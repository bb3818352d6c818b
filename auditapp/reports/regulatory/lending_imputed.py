"""Approvals by a class that is known with a probability only, in the fair-lending annex."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from auditapp.reports import phrases
from auditapp.reports.blocks import Block, Cell, Column, Part, Prose, Table, rich
from auditapp.reports.numbers import count, decimal, listing, p_value, percent
from auditapp.reports.regulatory import ratios
from auditapp.reports.tables import share
from auditapp.reports.words import reason

Row = dict[str, Any]


def parts(annex: Mapping[str, Any]) -> list[Block]:
    """Weighted ratios beside those of classes taken as known; nothing without them."""
    found = annex["imputed"]
    if not found:
        return []
    covered = found["coverage"]
    text = (
        f"The class is known with a probability only. Each application counts in every class with "
        f"its probability; {count(covered['numerator'])} of {count(covered['denominator'])} "
        "decided applications have probabilities. Beside it stands what comes out when the most "
        "likely class is taken as known from some certainty on: where the two differ much, the "
        "ratio rests on how classes were guessed."
    )
    return [Part("imputed", "Approvals by imputed class", (Prose(rich(text)), _table(annex)))]


def _table(annex: Mapping[str, Any]) -> Table:
    found = annex["imputed"]
    columns = [
        Column("Imputed class", "start", 1.7),
        Column("Expected applications", share=1.3),
        Column("Rate, weighted", share=1.0),
        Column("AIR, weighted", share=1.2),
        Column("Test", share=0.9),
        Column("Band", "start", 0.9),
        Column("AIR, class taken as known", share=1.5),
    ]
    certainties = [h["certainty"] for h in found["classes"][0]["sensitivity"]["hard"]]
    said = listing([percent(c) for c in certainties])
    choice = "the first named" if found["control_choice"] == "first" else "named by the auditor"
    return Table(
        columns=share(columns),
        rows=tuple(_line(annex, row) for row in found["classes"]),
        title="Weighted by probability, and as a band",
        anchor="imputed-table",
        foot=(
            f"Control class: {found['control']}, {choice}. Band of the last column: lowest and "
            f"highest ratio where the most likely class counts from {said} on.",
            "Weighted ratios can themselves be off where approval depends on the class beyond "
            "what the probability tells.",
        ),
        stacked=True,
        dense=True,
    )


def _line(annex: Mapping[str, Any], row: Row) -> tuple[Cell, ...]:
    head = (
        Cell(phrases.short(row["class"]), "control" if row["role"] == "control" else ""),
        Cell(decimal(row["weight"], 1)),
        Cell("" if row["rate"] is None else percent(row["rate"], 1)),
    )
    if row["ratio"] is None:
        one = Cell("1" if row["role"] == "control" else reason(row["reason"]), soft=True)
        return (*head, one, *[Cell("", soft=True)] * 3)
    hard = row["sensitivity"]
    return (
        *head,
        Cell(decimal(row["ratio"]["value"]), ratios.ratio_span(row["ratio"])),
        Cell(p_value(row["p"])),
        Cell(annex["marks"]["labels"][row["band"]]),
        Cell("none is certain enough", soft=True)
        if hard["low"] is None
        else Cell(ratios.ratio_span(hard)),
    )


def items(annex: Mapping[str, Any]) -> Iterator[Row]:
    """Rows of the CSV."""
    guessed = annex["imputed"] or {"classes": []}
    for row in guessed["classes"]:
        limits = row["ratio"] or {"value": row["rate"]}
        what = "selection-rate" if row["ratio"] is None else "impact-ratio"
        yield {"by": ["imputed class"], "group": {"class": row["class"]}, "metric": what} | {
            "kind": "weighted by probability",
            "p": row["p"],
            **{key: limits.get(key) for key in ("value", "low", "high")},
            "note": row["reason"],
        }
