"""Section 5 for decisions among several classes, and which class is taken for which."""

from __future__ import annotations

from typing import Any

from auditapp.reports import class_figures, class_tables, tables
from auditapp.reports.blocks import Block, Part, Prose, Rich, Section, Tab, Tabs, bold, rich
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, decimal, p_value, plural

Row = dict[str, Any]

HOW = {"permutation": " by permutation", "exact": ", exact"}


def single(facts: Facts, table: Row, lede: Rich) -> Part:
    """One attribute: a panel for each class, then every comparison."""
    blocks: list[Block] = []
    figure = class_figures.rates(facts, table)
    if figure is not None:
        blocks.append(figure)
    compared = facts.levels(table, "reference", "compared")
    if table.get("reference") and len(compared) > 1:
        blocks.append(class_tables.comparisons(facts, table))
    else:
        reason = "Only one group" if len(compared) == 1 else "No group"
        text = f"{reason} reaches the floor of {count(facts.floor)} people: nothing is compared."
        blocks.append(Prose(rich(text)))
    together = class_tables.together(facts, table)
    if together is not None:
        blocks.append(together)
    blocks += _ends(facts, table)
    return Part(facts.anchor(table), facts.table_title(table), tuple(blocks), lede)


def cross(facts: Facts, table: Row, lede: Rich) -> Part:
    """Where attributes meet: the class that differs most as a grid, then every comparison."""
    blocks: list[Block] = []
    figure = class_figures.grid(facts, table)
    if figure is not None:
        blocks.append(figure)
    if facts.levels(table, "compared", "reference"):
        blocks.append(class_tables.comparisons(facts, table))
    else:
        text = f"No combination reaches the floor of {count(facts.floor)} people."
        blocks.append(Prose(rich(text)))
    blocks += _ends(facts, table)
    title = f"{facts.table_title(table)} together"
    return Part(facts.anchor(table), title, tuple(blocks), lede)


def _ends(facts: Facts, table: Row) -> list[Block]:
    """Groups under the floor, and the overall variation that decides nothing."""
    out: list[Block] = []
    line = tables.below_floor(facts, table)
    if line:
        out.append(Prose(rich(line), "note"))
    found = facts.test(table["by"], "chi-square", "selection-rate")
    if found is None or found.get("statistic") is None:
        return out
    strength = ""
    if found.get("cramers_v") is not None:
        strength = f" Cramér’s V {decimal(found['cramers_v'])}: 0 means none, 1 as much as can be."
    text = (
        f"chi-square {decimal(found['statistic'], 1)} on {plural(found['df'], 'degree')} of "
        f"freedom, {p_value(found['p'])}{HOW.get(found.get('method') or '', '')}.{strength} "
        "This decides no verdict."
    )
    out.append(Prose(rich(bold("Overall variation in predicted classes: "), text), "note"))
    return out


def section(facts: Facts) -> Section | None:
    """Which class is taken for which, in every group."""
    if not facts.classes:
        return None
    blocks: list[Block] = []
    whole = class_tables.whole(facts)
    if whole is not None:
        blocks.append(whole)
    parts = []
    for table in facts.singles:
        made = class_tables.mix_ups(facts, table)
        if made is not None:
            title = facts.table_title(table)
            parts.append(Part(f"confusion-of-{facts.anchor(table)}", title, (made,)))
    if not parts and whole is None:
        return None
    if parts:
        tabs = tuple(Tab(part.title, part.anchor) for part in parts)
        blocks.append(Tabs("Attributes", tabs, tuple(parts)))
    lede = "Rows are people by the class on record, columns the class predicted for them. "
    lede += "Shares describe; the verdicts on single classes stand under “Group results”."
    return Section("confusion", "Which class is taken for which", tuple(blocks), rich(lede))
