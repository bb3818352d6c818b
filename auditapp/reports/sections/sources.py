"""Section 8: where a gap comes from across sites, and the best that is possible."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from auditapp.reports import bound_figures, phrases, source_figures, source_words
from auditapp.reports.blocks import (
    Block,
    Finding,
    Notice,
    Part,
    Prose,
    Section,
    Tab,
    Tabs,
    bold,
    rich,
)
from auditapp.reports.charts.gap_parts import amount
from auditapp.reports.facts import DIFFERENCE, Facts
from auditapp.reports.numbers import p_value
from auditapp.reports.sections.failed import failed

Row = dict[str, Any]

SLUG, TITLE, BOUNDS = "sources", "Where the gap comes from", "The best that is possible"


def section(facts: Facts) -> Section | None:
    broken = [failed(SLUG, TITLE, facts.doc.get(key)) for key in ("pid", "bounds")]
    notices = [block for made in broken if made is not None for block in made.blocks]
    made = [part for part in (_part(facts, t) for t in facts.singles) if part is not None]
    if not made:
        return Section(SLUG, TITLE, tuple(notices[:1])) if notices else None
    first = _most_told(facts)
    parts = tuple(replace(part, printed=part.anchor == first) for part in made)
    if first not in {part.anchor for part in made}:
        parts = (replace(made[0], printed=True), *parts[1:])
    tabs = Tabs("Attributes", tuple(Tab(p.title, p.anchor) for p in parts), parts)
    title = TITLE if facts.doc.get("pid") else BOUNDS
    return Section(SLUG, title, (*notices, tabs), rich(_lede(facts)))


def _most_told(facts: Facts) -> str | None:
    """The attribute that decisions tell most about, beyond chance: the one that is printed."""
    items = [
        i
        for i in source_words.entries(facts, "pid")
        if i["of"] == "decision" and not i["undefined"]
    ]
    known = {tuple(t["by"]): facts.anchor(t) for t in facts.singles}
    items = [i for i in items if tuple(i["by"]) in known]
    if not items:
        return None
    best = max(items, key=lambda i: float(i["total"]["low"]))
    return f"sources-by-{known[tuple(best['by'])]}"


def _lede(facts: Facts) -> str:
    if not source_words.entries(facts, "pid"):
        text = (
            "How accurate any rule could be with a smaller gap, and how far these decisions are "
        )
        if facts.doc.get("pid") or facts.plan.get("site"):
            return f"{text}from it."
        return f"{text}from it. No column of sites was named, so the gap was not split by site."
    return (
        "A gap over everybody can arise at every site alike, or come from who is seen where; and "
        "sites can hide one from the overall figure. How much decisions tell about the group, in "
        "thousandths of a bit, takes these apart: 0 is told where all groups are decided alike. "
        "Sites are the values of the column "
        f"“{source_words.site_title(facts)}”."
    )


def finding(facts: Facts) -> Finding | None:
    """A gap that sites hide from the overall figure, where that is beyond chance."""
    items = [i for i in source_words.entries(facts, "pid") if i["of"] == "decision"]
    # One of several attributes may look masked by chance: the level is shared among them.
    level = source_words.ALPHA / max(len(items), 1)
    hidden = [
        i
        for i in items
        if not i["undefined"]
        and i["masked"]["p"] <= level
        and i["local"]["p"] <= level
        and i["masked"]["corrected"] > i["global"]["corrected"]
    ]
    if not hidden:
        return None
    item = max(hidden, key=lambda i: float(i["masked"]["corrected"]))
    name = phrases.lower_first(facts.titles.get(item["by"][0], item["by"][0]))
    masked, whole = item["masked"], item["global"]
    return Finding(
        rich(
            "The overall figure hides most of the gap by ",
            bold(name),
            ": it shows only once sites are told apart.",
        ),
        f"Masked disparity, {source_words.shown(masked)} thousandths of a bit, "
        f"{p_value(masked['p'])}; {amount(source_words.milli(whole['corrected']))} show over all "
        f"sites, {item['n']:,} people",
        DIFFERENCE,
    )


def _part(facts: Facts, table: Row) -> Part | None:
    blocks = [*_split(facts, table), *_bounds(facts, table)]
    if not blocks:
        return None
    return Part(f"sources-by-{facts.anchor(table)}", facts.table_title(table), tuple(blocks))


def _split(facts: Facts, table: Row) -> list[Block]:
    items = source_words.asked(facts, table["by"])
    if not items:
        return []
    first = items[0]
    if first["undefined"]:
        text = rich(bold("Not enough data. "), _sentence(source_words.undefined(first)))
        return [Prose(text), *_notes(first)]
    usable = [item for item in items if not item["undefined"]]
    blocks: list[Block] = [Prose(source_words.reading(facts, first))]
    for item in items[1:]:
        if item["of"] == "decision-given-label":
            blocks.append(Prose(source_words.held_equal(facts, item)))
        if item["of"] == "label":
            said = source_words.against_labels(facts, first, item)
            blocks += [] if said is None else [Prose(said)]
    doubt = next((t for t in map(source_words.uncertified, usable) if t), None)
    if doubt is not None:
        blocks.append(Notice(rich(bold("Not certified. "), doubt), "check"))
    blocks.append(source_figures.parts(facts, table, usable))
    blocks.append(source_figures.tested(facts, table, usable))
    sites = source_figures.by_site(facts, table, first)
    blocks += [] if sites is None else [sites]
    return [*blocks, *_notes(first)]


def _notes(item: Row) -> list[Block]:
    text = " ".join(source_words.notes(item))
    return [Prose(rich(text), "note")] if text else []


def _bounds(facts: Facts, table: Row) -> list[Block]:
    items = source_words.entries(facts, "bounds")
    item = next((i for i in items if i["by"] == table["by"]), None)
    if item is None:
        return []
    if item["undefined"]:
        why = _sentence(bound_figures.undefined(item))
        return [Prose(rich(bold("Best attainable accuracy: not enough data. "), why))]
    blocks: list[Block] = [Prose(bound_figures.sentence(facts, item))]
    drawn = bound_figures.figure(facts, table, item)
    blocks += [] if drawn is None else [drawn]
    blocks.append(bound_figures.rules(facts, table, item))
    return blocks


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
