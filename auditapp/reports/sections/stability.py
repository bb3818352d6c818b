"""Section 10: do the results hold in other places and at other times?"""

from __future__ import annotations

from typing import Any

from auditapp.reports import (
    stability_change,
    stability_sites,
    stability_sources,
    stability_tables,
    survey_tables,
    transfer_parts,
)
from auditapp.reports.blocks import Block, Finding, Part, Prose, Section, Tab, Tabs, rich
from auditapp.reports.facts import DIFFERENCE, Facts
from auditapp.reports.numbers import count, p_value, plural, points, span
from auditapp.reports.sections.failed import failed

Row = dict[str, Any]

TITLE = "Stability and shift"
REASONS = {
    "no-site": "No column of sites was named, so results are not split by place or period.",
}


def section(facts: Facts) -> Section | None:
    """The chapter, or None where neither shift nor change was looked at."""
    shift, change = facts.doc.get("shift"), facts.doc.get("change")
    if not shift and not change and not facts.doc.get("transfer"):
        return None
    parts = [] if not change else [stability_change.part(facts)]
    blocks: list[Block] = []
    broken = failed("stability", TITLE, shift)
    if broken is not None:
        blocks += broken.blocks
    elif shift:
        parts += _parts(facts)
        unsaid = set(REASONS) & set(shift["reasons"].values())
        blocks += [Prose(rich(REASONS[code]), "note") for code in sorted(unsaid)]
    parts.append(transfer_parts.part(facts))
    found = tuple(part for part in parts if part is not None)
    if found:
        tabs = tuple(Tab(part.title, part.anchor) for part in found)
        blocks.insert(0, Tabs("Parts", tabs, found))
    if not blocks:
        return None
    if change or (shift and broken is None):
        blocks[:0] = survey_tables.once(facts)
    lede = "Whether the results hold in other places and at other times, and what may move them."
    return Section("stability", TITLE, tuple(blocks), rich(lede))


def _parts(facts: Facts) -> list[Part | None]:
    return [
        *stability_sites.parts(facts),
        stability_sources.kind_of_shift(facts),
        stability_sources.sources(facts),
        *stability_sources.addition(facts),
    ]


def finding(facts: Facts) -> Finding | None:
    """The clearest change since the last audit, else the site that differs most."""
    return _changed(facts) or _odd_site(facts)


def _changed(facts: Facts) -> Finding | None:
    found = facts.doc.get("change")
    if not found or found.get("failed") or found["undefined"] is not None:
        return None
    told = [row for row in found["gaps"] if row["changed"]]
    if not told:
        return None
    top = max(told, key=stability_tables.support)
    when = stability_change.date(found["previous"])
    text = f"{stability_change.moved(facts, top)} since the audit of {when}."
    detail = (
        f"Change {points(top['change'])} points ({span(top['low'], top['high'])}), "
        f"{p_value(top['p_adjusted'])} after adjustment, {count(top['after']['n'])} people"
    )
    return Finding(rich(text), detail, DIFFERENCE)


def _odd_site(facts: Facts) -> Finding | None:
    shift = facts.doc.get("shift")
    if not shift or shift.get("failed") or not shift.get("sites"):
        return None
    order = stability_sites.ranked(shift["sites"])
    if not order or not order[0]["differing"]:
        return None
    odd = [s for s in order[0]["sites"] if s["differs"]]
    top = max(odd, key=lambda s: min(abs(s["others_low"]), abs(s["others_high"])))
    text = f"{stability_sites.told(facts, order[0], top)}."
    detail = (
        f"{plural(order[0]['compared'], 'site')} compared, {count(len(odd))} "
        f"{'differs' if len(odd) == 1 else 'differ'}; {count(top['n'])} people of the group there"
    )
    return Finding(rich(text), detail, DIFFERENCE)
