"""Template: Facts for disclosure."""

from __future__ import annotations

from auditapp.regulatory.card import Card

CARD = Card(
    slug="disclosure",
    title="Facts for disclosure",
    jurisdiction="Colorado and others",
    rule="SB 26-189",
    version="",
    source="",
    text="",
    compute="auditapp.pipeline.annexes.disclosure",
    section="auditapp.reports.regulatory.disclosure",
)
