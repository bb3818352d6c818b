"""What every annex says around its own numbers: the rule, its source, and what is still open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from auditapp.reports.blocks import (
    Block,
    Fact,
    FactList,
    Notice,
    Prose,
    Rich,
    Section,
    Tab,
    bold,
    mono,
    rich,
)
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import given as given_number
from auditapp.reports.numbers import listing, plural, upper_first
from auditapp.reports.sections.failed import failed
from auditapp.reports.stamps import run_date

Row = Mapping[str, Any]
ADVICE = "A template filled from this audit, not legal advice."
BLANK = "Not given"


def chapter(annex: Row, blocks: Iterable[Block], lede: str) -> Section:
    """The chapter of an annex, or what stands there where its numbers failed."""
    slug, title = f"annex-{annex['slug']}", str(annex["title"])
    broken = failed(slug, title, annex)
    if broken is not None:
        return broken
    return Section(slug, title, (*still_open(annex), *blocks), rich(lede))


def still_open(annex: Row) -> tuple[Block, ...]:
    """What keeps the report a draft, in one notice; nothing where nothing does."""
    items = [str(item["text"]) for item in annex.get("open") or ()]
    if not items:
        return ()
    head = f"{plural(len(items), 'item')} open. "
    text = rich(bold(head), "They keep this report a draft: ", " ".join(items))
    return (Notice(text, "check"),)


def rule(annex: Row, *further: Fact) -> FactList:
    """Rule, jurisdiction, version and source, and what else the template says of itself."""
    rows = [
        Fact("Rule", rich(str(annex["rule"]))),
        Fact("Jurisdiction", rich(str(annex["jurisdiction"]))),
        *further,
        Fact("Text followed", rich(f"Of {day(annex['version'])}. {annex['source']}")),
    ]
    return FactList(tuple(rows), print_columns=2)


def audit(facts: Facts) -> tuple[Fact, Fact]:
    """Which audit this is: its id and day, and its hash as the cover shortens it."""
    name = str(facts.run.get("id") or facts.title)
    when = run_date(facts)
    digest = mono(f"sha256 {facts.hash[:12]}…{facts.hash[-4:]}")
    return (
        Fact("Audit", rich(f"{name}, {when}" if when else name)),
        Fact("Result hash", (digest,)),
    )


def day(text: Any) -> str:
    """`12 July 2024` from `2024-07-12`; other text as it is."""
    try:
        found = date.fromisoformat(str(text))
    except ValueError:
        return str(text)
    return f"{found.day} {found:%B %Y}"


def advice() -> Prose:
    """The last line of an annex."""
    return Prose(rich(ADVICE), "note")


def given(value: Any) -> Rich:
    """What somebody wrote, or that nobody did."""
    text = str(value or "").strip()
    return rich(text if text else BLANK)


def written(label: str, value: Any) -> Fact:
    """A fact in the words of whoever answered."""
    return Fact(label, given(value))


def decided(facts: Facts) -> Rich:
    """The favourable decision in the auditor's words, and where it comes from."""
    where = _where(facts)
    if not where:
        return rich(facts.outcome)
    return rich(f"{facts.outcome}: {where}" if facts.about.get("outcome") else upper_first(where))


def _where(facts: Facts) -> str:
    """`“yes” in column hired`, or what says yes from which score on."""
    spec = facts.plan.get("decision") or {}
    if spec:
        values = listing([f"“{value}”" for value in spec.get("favourable") or ()], 6)
        return f"{values} in column {spec['column']}" if values else ""
    score = facts.plan.get("score") or {}
    kind = (facts.plan.get("model") or {}).get("kind")
    name = f"the score in column {score['column']}" if score.get("column") else "the score"
    name = {"train": "the reference model", "columns": name}.get(str(kind), "the uploaded model")
    if kind != "columns":
        return f"yes of {name}"
    side = "is at least" if score.get("favourable", True) else "is below"
    return f"{name} {side} {given_number(facts.plan.get('threshold', 0.5))}"


def modelled(facts: Facts) -> tuple[Block, ...]:
    """That decisions are those of a model trained for this audit, where they are."""
    if (facts.plan.get("model") or {}).get("kind") != "train":
        return ()
    text = rich(
        bold("Decisions of a reference model. "),
        "It was trained for this audit, and nobody was decided by it. Decisions that were really "
        "made are counted where their column is chosen.",
    )
    return (Notice(text, "check"),)


def links(facts: Facts, slugs: Iterable[str]) -> tuple[Tab, ...]:
    """Sections of this report by their number and title, those that it has."""
    found = [(facts.contents[slug], slug) for slug in slugs if slug in facts.contents]
    return tuple(Tab(f"{number}. {title}", slug) for (number, title), slug in sorted(found))
