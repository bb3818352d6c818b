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

SECTIONS: dict[str, Callable[[Facts], Section | tuple[Section, ...] | None]] = {
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
    out: list[Section] = []
    number = 0
    for make in SECTIONS.values():
        made = make(facts)
        for section in made if isinstance(made, tuple) else (made,):
            if section is None:
                continue
            if section.slug != "cover":
                number += 1
                section = replace(section, number=number)
            out.append(section)
    return tuple(out)
