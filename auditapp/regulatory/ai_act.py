"""Template: EU AI Act, Annex IV evidence."""

from __future__ import annotations

from auditapp.regulatory.card import Card

CARD = Card(
    slug="ai-act",
    title="EU AI Act, Annex IV evidence",
    jurisdiction="European Union",
    rule="Regulation (EU) 2024/1689, Annex IV",
    version="",
    source="",
    text="",
    compute="auditapp.pipeline.annexes.ai_act",
    section="auditapp.reports.regulatory.ai_act",
)
