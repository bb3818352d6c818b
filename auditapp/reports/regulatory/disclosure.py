"""Annex: Facts for disclosure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditapp.reports.blocks import Section
from auditapp.reports.facts import Facts


def section(facts: Facts, annex: Mapping[str, Any]) -> Section:
    """The annex as a chapter."""
    return Section(slug="annex-disclosure", title=str(annex["title"]), blocks=())
