"""The chapters of a report in page order: one file each, one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from auditapp.reports.blocks import Section
from auditapp.reports.facts import Facts
from auditapp.reports.language import ENGLISH, current, gettext_noop, noting, speaking
from auditapp.reports.language import gettext as _
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
    made = {name: _spoken(name, facts) for name in SECTIONS if name != "annexes"}
    facts.contents = _contents(made, len(facts.doc.get("annexes") or ()))
    made["annexes"] = _spoken("annexes", facts)
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


#: Chapters that speak every language there is a catalogue for.
TRANSLATED = frozenset(
    {
        "cover", "answer", "examined", "data", "groups", "scores", "limits", "reproducibility",
        "glossary",
    }
)  # fmt: skip
#: Titles of the others, which alone are translated.
TITLES = (
    gettext_noop("Which class is taken for which"),
    gettext_noop("Groups nobody named"),
    gettext_noop("Where the gap comes from"),
    gettext_noop("The best that is possible"),
    gettext_noop("With legitimate factors held equal"),
    gettext_noop("Labels, scores and decisions apart"),
    gettext_noop("Beside reference decisions"),
    gettext_noop("Trade-offs"),
    gettext_noop("Stability and shift"),
    gettext_noop("Numerics"),
)


def _spoken(name: str, facts: Facts) -> Made:
    """A chapter in the language of the report, else in English and marked so.

    A chapter never mixes two languages: where one text of it has no translation, all of it is
    written in English under a translated title.
    """
    make = SECTIONS[name]
    if current() == ENGLISH:
        return make(facts)
    if name in TRANSLATED:
        with noting() as missed:
            made = make(facts)
        if not missed:
            return made
    with speaking(ENGLISH):
        made = make(facts)
    if isinstance(made, tuple):
        return tuple(_marked(section) for section in made)
    return None if made is None else _marked(made)


def _marked(section: Section) -> Section:
    return replace(section, title=_(section.title), language=ENGLISH)


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
