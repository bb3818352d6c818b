"""Which differences end the command with a number of their own."""

from __future__ import annotations

from collections.abc import Mapping

from auditapp import result

#: size classes that each --fail-on level counts
FAIL_ON: Mapping[str, tuple[str, ...]] = {
    "above": ("above",),
    "near": ("above", "near"),
    "any": ("above", "near", "below"),
}


def findings_at(document: result.Document, level: str) -> int:
    """Count the differences found whose size class is at or over the level."""
    return sum(
        1
        for gap in document["gaps"]
        if gap["verdict"] == "difference" and gap["size_class"] in FAIL_ON[level]
    )
