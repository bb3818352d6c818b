"""Whether gaps remain among people who are alike in a legitimate factor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from auditapp.reports import factor_figures, factor_tables, phrases
from auditapp.reports.blocks import Block, Finding, Part, Prose, Section, Tab, Tabs, rich
from auditapp.reports.factor_words import Told, control_title, reversals, tell
from auditapp.reports.facts import DIFFERENCE, NOT_ENOUGH, Facts
from auditapp.reports.numbers import listing, plural, upper_first
from auditapp.reports.sections.failed import failed
from auditapp.reports.words import reason

Row = dict[str, Any]

TITLE = "With legitimate factors held equal"
MAX_TOLD = 2
MAX_PRINTED = 1


def section(facts: Facts) -> Section | None:
    found = facts.doc.get("strata")
    if not found:
        return None
    broken = failed("factors", TITLE, found)
    if broken is not None:
        return broken
    name = phrases.lower_first(control_title(facts))
    if found.get("undefined") or not found["comparisons"]:
        why = reason(found.get("undefined") or "one-group")
        return Section("factors", TITLE, (Prose(rich(f"Nothing could be compared: {why}.")),))
    told = reversals(facts)
    strata = sum(s["n"] > 0 for s in found["strata"])
    lede = (
        f"Do gaps remain among people who are alike in {name}? Each group is compared with its "
        f"reference inside each of {plural(strata, 'value')} of {name}, and the results are "
        "pooled."
    )
    return Section("factors", TITLE, (*_told(facts, told), *_parts(facts, told)), rich(lede))


def finding(facts: Facts) -> Finding | None:
    """The clearest gap that turns around once the factor is held equal."""
    told = reversals(facts)
    if not told:
        return None
    first = told[0]
    verdict = DIFFERENCE if first.settled else NOT_ENOUGH
    return Finding(tell(facts, first), first.detail(facts), verdict)


def _told(facts: Facts, told: list[Told]) -> list[Block]:
    name = phrases.lower_first(control_title(facts))
    if not told:
        text = f"No gap that shows among all people turns around with {name} held equal."
        return [Prose(rich(text))]
    first = (*tell(facts, told[0]), *rich(f" {told[0].more(facts)}"))
    others = [item.short(facts) for item in told[1 : 1 + MAX_TOLD]]
    if not others:
        return [Prose(first)]
    rest = len(told) - 1 - len(others)
    if rest > 0:
        others.append(f"{plural(rest, 'further comparison')}")
    verb = "turns" if len(told) == 2 else "turn"
    also = upper_first(listing(others))
    return [Prose(first), Prose(rich(f"{also} {verb} around as well."))]


def _parts(facts: Facts, told: list[Told]) -> list[Block]:
    made = [part for part in (_part(facts, t, told) for t in facts.singles) if part is not None]
    # The attribute with a reversal is the one to print.
    first = {f"factors-{facts.anchor({'by': item.row['by']})}" for item in told[:1]}
    made = sorted(made, key=lambda part: part.anchor not in first)
    parts = tuple(replace(part, printed=i < MAX_PRINTED) for i, part in enumerate(made))
    if not parts:
        return []
    return [Tabs("Attributes", tuple(Tab(p.title, p.anchor) for p in parts), parts)]


def _part(facts: Facts, table: Row, told: list[Told]) -> Part | None:
    found = facts.doc["strata"]
    rows = [c for c in found["comparisons"] if c["by"] == table["by"]]
    if not rows:
        return None
    blocks: list[Block] = []
    own = next((item.row for item in told if item.row["by"] == table["by"]), None)
    inside = None if own is None else factor_figures.inside(facts, table, own)
    # With one group only, the strata show it beside both of its differences already.
    figure = factor_figures.paired(facts, table, rows, alone=inside is None)
    blocks += [made for made in (figure, inside) if made is not None]
    blocks.append(factor_tables.held_equal(facts, table, rows))
    return Part(f"factors-{facts.anchor(table)}", facts.table_title(table), tuple(blocks))
