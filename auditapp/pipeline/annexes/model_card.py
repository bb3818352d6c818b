"""What the template of a model card still lacks; its numbers are those of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditapp.pipeline.audited import Audited


def run(
    audited: Audited | None, document: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Nothing but an intended use is owed: a card without one says nothing."""
    purpose = (document["plan"].get("about") or {}).get("purpose")
    if settings["uses"] or purpose:
        return {"open": []}
    return {"open": [{"code": "uses", "text": "No intended use is given."}]}
