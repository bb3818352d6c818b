"""Annex: Facts for disclosure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditapp.regulatory.disclosure import DOMAINS
from auditapp.reports import metric_words, phrases, words
from auditapp.reports.blocks import (
    Block,
    Bullets,
    Fact,
    FactList,
    Rich,
    Section,
    bold,
    rich,
)
from auditapp.reports.facts import NO_DIFFERENCE, NOT_ENOUGH, Facts
from auditapp.reports.numbers import comparisons, count, listing, plural, upper_first
from auditapp.reports.regulatory import frame
from auditapp.reports.stamps import system

Row = Mapping[str, Any]

PARTS = {
    "alone": "The system decides alone.",
    "guides": "A person decides and sees what the system says.",
    "sorts": "The system sorts or scores people; somebody else decides.",
}
MOST_COLUMNS = 16
MOST_FINDINGS = 4


def section(facts: Facts, annex: Row) -> Section:
    """What people and deployers are to be told, in plain words."""
    if "failed" in annex:
        return frame.chapter(annex, (), "")
    settings = annex["settings"]
    deployer = settings["role"] in ("deployer", "both")
    developer = settings["role"] in ("developer", "both")
    blocks: list[Block] = [_before(facts, settings)]
    if deployer:
        blocks.append(_after(facts, annex, settings))
    if developer:
        blocks.append(_to_deployers(facts, settings))
    blocks += [
        Bullets(_found(facts), "What this audit found"),
        Bullets(_known_limits(facts, settings), "What it cannot say"),
        _source(facts, annex),
        frame.advice(),
    ]
    lede = (
        "Facts to copy into notices and explanations. People are owed them in plain words; a "
        "notice needs your own text around them."
    )
    return frame.chapter(annex, blocks, lede)


def _before(facts: Facts, settings: Row) -> FactList:
    purpose = str(facts.about.get("purpose") or "")
    domain = DOMAINS[settings["domain"]] if settings["domain"] else ""
    rows = (
        frame.written("Who answers for the system", settings["organisation"]),
        frame.written("Where people can ask", settings["contact"]),
        Fact("System", rich(system(facts))),
        frame.written("What it is used for", upper_first(purpose)),
        frame.written("What is decided about", domain),
        frame.written("Its part in the decision", PARTS.get(settings["part"], "")),
    )
    return FactList(rows, "Before a decision")


def _after(facts: Facts, annex: Row, settings: Row) -> FactList:
    rows = [
        frame.written("The favourable decision", facts.about.get("outcome")),
        frame.written("Kinds and sources of personal data", settings["data_kinds"]),
    ]
    columns = annex["columns"]
    if columns:
        names = listing(columns, MOST_COLUMNS)
        text = f"{plural(len(columns), 'column')}: {names}"
        rows.append(Fact("What the system is told of a person", rich(text)))
    rows += [
        frame.written("To have a person look again", settings["review"]),
        frame.written("To see and correct one's data", settings["correction"]),
    ]
    return FactList(tuple(rows), "After an adverse decision, within 30 days")


def _to_deployers(facts: Facts, settings: Row) -> FactList:
    """What a developer owes; what the other parts say already is not said twice."""
    purpose = upper_first(str(facts.about.get("purpose") or ""))
    rows = [
        frame.written("Harmful or unsuitable uses", settings["misuse"]),
        frame.written("Kinds of data it learned from", settings["training"]),
        frame.written("Last material change", frame.day(settings["updated"])),
    ]
    if settings["role"] == "developer":
        rows.insert(0, frame.written("Intended uses", purpose))
        rows.append(frame.written("Review by a person", settings["review"]))
    return FactList(tuple(rows), "For whoever uses the system on people")


def _found(facts: Facts) -> tuple[Rich, ...]:
    """Who was examined, and the first settled comparison of every attribute and metric."""
    used = plural(facts.rows["used"], "person", "people")
    names = listing([phrases.lower_first(facts.table_title(table)) for table in facts.singles])
    period = f" ({facts.about['period']})" if facts.about.get("period") else ""
    items: list[Rich] = [
        rich(f"Decisions on {used}{period} were compared between groups by {names}.")
    ]
    stories: dict[tuple[str, ...], Row] = {}
    for gap in [*facts.found, *facts.settled_none]:
        stories.setdefault((*gap["by"], gap["metric"]), gap)
    items += [_told(facts, gap) for gap in list(stories.values())[:MOST_FINDINGS]]
    if not stories:
        items.append(rich("There were too few people to say whether groups differ."))
    return tuple(items)


def _told(facts: Facts, gap: Row) -> Rich:
    """One comparison, with its interval, in words that no reader has to have set a limit for."""
    unit = facts.unit(gap["metric"])
    if gap["verdict"] == NO_DIFFERENCE:
        return rich(
            f"No difference was seen in {metric_words.lower(gap['metric'])} between ",
            bold(facts.people(gap["group"])),
            f" and {facts.comparator(dict(gap))}: a gap of ",
            bold(words.ruled_out(facts, dict(gap))),
            " or more is ruled out (95%).",
        )
    digits = words.digits_for(dict(gap), facts.tolerance, unit)
    low, high = sorted((abs(gap["low"]), abs(gap["high"])))
    interval = unit.sizes(low, high, digits)
    sure = f" The true gap is very likely between {interval.replace(' to ', ' and ')} {unit.many}."
    return rich(*words.given(facts, dict(gap)), sure)


def _known_limits(facts: Facts, settings: Row) -> tuple[Rich, ...]:
    items: list[Rich] = []
    if settings["limits"]:
        items.append(rich(settings["limits"]))
    if not facts.plan.get("label"):
        items.append(rich("Whether decisions were right: no recorded outcome was given."))
    open_ones = facts.tally[NOT_ENOUGH]
    if open_ones:
        text = f"{comparisons(open_ones)} could not be settled with this many people."
        items.append(rich(text))
    small = sum(v["status"] == "below-floor" for v in facts.all_levels())
    if small:
        text = f"{plural(small, 'group')} had fewer than {count(facts.floor)} people"
        items.append(rich(f"{text} and {'was' if small == 1 else 'were'} not compared."))
    items.append(rich("Why outcomes differ, and whether a single decision was right or lawful."))
    return tuple(items)


def _source(facts: Facts, annex: Row) -> FactList:
    return frame.rule(annex, *frame.audit(facts))
