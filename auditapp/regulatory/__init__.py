"""Regulatory templates: one card each in a file of its own, one line here.

A template adds an annex to a report. What it counts is in `auditapp.pipeline.annexes`, how it
reads is in `auditapp.reports.regulatory`; this package is a leaf that forms, the command line and
the API read to know what there is and what it asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from auditapp.errors import AuditError
from auditapp.regulatory.card import Card

#: slug -> module that holds its `CARD`, in the order annexes are printed
REGISTRY: Mapping[str, str] = MappingProxyType(
    {
        "ll144": "auditapp.regulatory.ll144",
        "four-fifths": "auditapp.regulatory.four_fifths",
        "lending": "auditapp.regulatory.lending",
        "ai-act": "auditapp.regulatory.ai_act",
        "disclosure": "auditapp.regulatory.disclosure",
        "model-card": "auditapp.regulatory.model_card",
    }
)


def card(slug: str) -> Card:
    """The card of a template.

    Raises
    ------
    AuditError
        ``unknown-template``.
    """
    if slug not in REGISTRY:
        raise AuditError(
            "unknown-template",
            f"There is no template “{slug}”.",
            f"Choose among: {', '.join(REGISTRY)}.",
            where="templates",
        )
    found: Card = import_module(REGISTRY[slug]).CARD
    return found


def columns(slug: str, settings: Mapping[str, Any]) -> list[str]:
    """Columns of the table that the answers to a template name."""
    found: list[str] = []
    for item in card(slug).fields:
        given = settings.get(item.name)
        if given and (item.kind == "column" or item.of == "columns"):
            found += [given] if item.kind == "column" else item.read(given)
    return [str(name) for name in found]


def cards() -> tuple[Card, ...]:
    """Every card, in the order of annexes."""
    return tuple(card(slug) for slug in REGISTRY)
