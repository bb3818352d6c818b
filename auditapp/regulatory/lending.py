"""Template: Fair lending."""

from __future__ import annotations

from auditapp.regulatory.card import Card

CARD = Card(
    slug="lending",
    title="Fair lending",
    jurisdiction="United States",
    rule="ECOA, Regulation B (12 CFR 1002)",
    version="",
    source="",
    text="",
    compute="auditapp.pipeline.annexes.lending",
    section="auditapp.reports.regulatory.lending",
)
