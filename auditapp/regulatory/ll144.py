"""Template: NYC Local Law 144."""

from __future__ import annotations

from auditapp.regulatory.card import Card

CARD = Card(
    slug="ll144",
    title="NYC Local Law 144",
    jurisdiction="New York City",
    rule="6 RCNY 5-300 to 5-304",
    version="",
    source="",
    text="",
    compute="auditapp.pipeline.annexes.ll144",
    section="auditapp.reports.regulatory.ll144",
)
