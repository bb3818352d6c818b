"""Annex: EU AI Act, Annex IV evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditapp.reports.blocks import Section
from auditapp.reports.facts import Facts


def section(facts: Facts, annex: Mapping[str, Any]) -> Section:
    """The annex as a chapter."""
    return Section(slug="annex-ai-act", title=str(annex["title"]), blocks=())
