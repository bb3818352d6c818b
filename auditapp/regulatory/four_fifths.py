"""Template: Four-fifths rule."""

from __future__ import annotations

from auditapp.regulatory.card import Card

CARD = Card(
    slug="four-fifths",
    title="Four-fifths rule",
    jurisdiction="United States",
    rule="29 CFR 1607.4(D)",
    version="",
    source="",
    text="",
    compute="auditapp.pipeline.annexes.four_fifths",
    section="auditapp.reports.regulatory.four_fifths",
)
