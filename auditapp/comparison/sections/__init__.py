"""The chapters of a comparison in page order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from auditapp.comparison.facts import Facts
from auditapp.comparison.sections import answer, cover, drift, ending, examined, gaps, moved
from auditapp.reports.blocks import Section

SECTIONS: tuple[Callable[[Facts], Section | None], ...] = (
    cover.section,
    answer.section,
    examined.section,
    gaps.section,
    moved.section,
    gaps.crossed,
    drift.section,
    ending.limits,
    ending.glossary,
    ending.reproducibility,
)


def sections(facts: Facts) -> tuple[Section, ...]:
    """Every section that has something to say, numbered in order."""
    out: list[Section] = []
    number = 0
    for make in SECTIONS:
        section = make(facts)
        if section is None:
            continue
        if section.slug != "cover":
            number += 1
            section = replace(section, number=number)
        out.append(section)
    return tuple(out)
