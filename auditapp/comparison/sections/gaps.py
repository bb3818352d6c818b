"""Gaps and rates under A and under B, column by column, then of intersections."""

from __future__ import annotations

from typing import Any

from auditapp.comparison import figures, tables
from auditapp.comparison.facts import Facts, metric
from auditapp.reports.blocks import Block, Part, Prose, Section, Tab, Tabs, rich
from auditapp.reports.numbers import count, listing


def section(facts: Facts) -> Section | None:
    """Everyone together, then each column."""
    parts = [_everyone(facts)]
    parts += [_part(facts, table) for table in facts.singles]
    tabs = tuple(Tab(part.title, part.anchor) for part in parts)
    return Section(
        "gaps", "Gaps and rates under A and B", (Tabs("Group columns", tabs, tuple(parts)),)
    )


def _everyone(facts: Facts) -> Part:
    return Part("everyone-together", "Everyone together", (tables.everybody(facts),))


def _part(facts: Facts, table: dict[str, Any]) -> Part:
    anchor = facts.anchor(table)
    blocks: list[Block] = []
    for slug in facts.primary:
        tested = [r for r in facts.gaps(table["by"], slug) if r["low"] is not None]
        if not tested:
            text = f"No gap in {metric(slug)} has enough people in both audits to be compared."
            blocks.append(Prose(rich(text), "note"))
            continue
        blocks.append(figures.strip(facts, table, slug, anchor=f"changes-{anchor}-{slug}"))
        blocks.append(figures.pair(facts, table, slug, anchor=f"both-{anchor}-{slug}"))
    blocks.append(tables.every_rate(facts, table))
    other = tables.other_gaps(facts, table)
    if other is not None:
        blocks.append(other)
    small = [level for level in table["levels"] if level["status"] == "below-floor"]
    if small:
        names = listing([next(iter(level["group"].values())) for level in small], 12)
        blocks.append(
            Prose(rich(f"Under the floor of {count(facts.floor)} people in one of the audits, and "
                       f"not compared: {names}."), "note")
        )  # fmt: skip
    return Part(f"by-{anchor}", facts.table_title(table), tuple(blocks))


def crossed(facts: Facts) -> Section | None:
    """Cells of intersections against everyone else."""
    blocks: list[Block] = []
    for table in facts.crosses:
        for slug in facts.primary:
            made = tables.crossed(facts, table, slug)
            if made is not None:
                blocks.append(made)
    if not blocks:
        return None
    lede = rich("Each cell against everyone else, on the rates that the goal names.")
    return Section("intersections", "Intersections", tuple(blocks), lede)
