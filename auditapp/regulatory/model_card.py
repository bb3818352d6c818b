"""Template: Model card."""

from __future__ import annotations

from auditapp.regulatory.card import Card

CARD = Card(
    slug="model-card",
    title="Model card",
    jurisdiction="None",
    rule="Mitchell et al. (2019)",
    version="",
    source="",
    text="",
    compute="auditapp.pipeline.annexes.model_card",
    section="auditapp.reports.regulatory.model_card",
)
