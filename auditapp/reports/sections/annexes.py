"""Section 11: the regulatory annexes that were asked for, a chapter each."""

from __future__ import annotations

from importlib import import_module

from auditapp.regulatory import card
from auditapp.reports.blocks import Section
from auditapp.reports.facts import Facts


def sections(facts: Facts) -> tuple[Section, ...]:
    """One chapter for each template, in the order of the plan."""
    return tuple(
        import_module(card(annex["slug"]).section).section(facts, annex)
        for annex in facts.doc.get("annexes") or ()
    )
