"""The chapters of a report in page order: one file each, one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from auditapp.reports.blocks import Section
from auditapp.reports.facts import Facts
from auditapp.reports.sections import (
    annexes,
    answer,
    classes,
    cover,
    data,
    examined,
    factors,
    glossary,
    groups,
    hidden,
    levels,
    limits,
    numerics,
    references,
    reproducibility,
    scores,
    sources,
    stability,
    tradeoffs,
)

Made = Section | tuple[Section, ...] | None

SECTIONS: dict[str, Callable[[Facts], Made]] = {
    "cover": cover.section,
    "answer": answer.section,
    "examined": examined.section,
    "data": data.section,
    "groups": groups.section,
    "scores": scores.section,
    "confusion": classes.section,
    "hidden": hidden.section,
    "sources": sources.section,
    "factors": factors.section,
    "levels": levels.section,
    "references": references.section,
    "tradeoffs": tradeoffs.section,
    "stability": stability.section,
    "numerics": numerics.section,
    "annexes": annexes.sections,
    "limits": limits.section,
    "reproducibility": reproducibility.section,
    "glossary": glossary.section,
}


def sections(facts: Facts) -> tuple[Section, ...]:
    """Every section that has something to say, numbered in order."""
    made = {name: make(facts) for name, make in SECTIONS.items() if name != "annexes"}
    facts.contents = _contents(made, len(facts.doc.get("annexes") or ()))
    made["annexes"] = annexes.sections(facts)
    out: list[Section] = []
    number = 0
    for name in SECTIONS:
        found = made[name]
        for section in found if isinstance(found, tuple) else (found,):
            if section is None:
                continue
            if section.slug != "cover":
                number += 1
                section = replace(section, number=number)
            out.append(section)
    return tuple(out)


def _contents(made: dict[str, Made], further: int) -> dict[str, tuple[int, str]]:
    """Number and title of every section, which annexes point to before they are made."""
    found: dict[str, tuple[int, str]] = {}
    number = 0
    for name in SECTIONS:
        section = made.get(name)
        if name == "annexes":
            number += further
        elif isinstance(section, Section) and section.slug != "cover":
            number += 1
            found[section.slug] = (number, section.title)
    return found
