"""What the template of facts for disclosure still lacks, by the part of whoever discloses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditapp.pipeline.audited import Audited
from auditapp.regulatory.disclosure import CARD

LABELS = {item.name: item.label for item in CARD.fields}
#: Answers that each part owes (C.R.S. 6-1-1702 for developers, 6-1-1704 and 1705 for deployers).
OWED = {
    "deployer": ("data_kinds", "review", "correction"),
    "developer": ("misuse", "training", "review"),
}


def run(
    audited: Audited | None, document: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Columns that the system is told, and what is still to be written."""
    plan = document["plan"]
    role = settings["role"]
    parts = OWED if role == "both" else {role: OWED[role]}
    names = dict.fromkeys(name for owed in parts.values() for name in owed)
    found = [
        {"code": "empty", "text": f"“{LABELS[name]}” is empty."}
        for name in names
        if settings[name] == ""
    ]
    if not (plan.get("about") or {}).get("purpose"):
        found.append({"code": "purpose", "text": "The purpose of the system is not given."})
    return {"columns": list(plan.get("features") or ()), "open": found}
