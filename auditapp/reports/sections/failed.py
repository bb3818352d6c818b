"""What stands in place of a part that an error stopped."""

from __future__ import annotations

from typing import Any

from auditapp.reports.blocks import Notice, Section, bold, rich
from auditapp.reports.language import gettext as _


def failed(slug: str, title: str, found: Any) -> Section | None:
    """The section of a part that could not be computed, or None where it could."""
    if not isinstance(found, dict) or not isinstance(found.get("failed"), dict):
        return None
    message = str(found["failed"].get("message") or "")
    text = rich(bold(_("This part could not be computed. ")), message)
    return Section(slug, title, (Notice(text, "check"),))
