"""Leaving small cells out of a result document."""

from __future__ import annotations

from typing import Any

from auditapp.errors import AuditError


def suppress(document: dict[str, Any], smallest: int) -> dict[str, Any]:
    """To be written."""
    raise AuditError("not-yet", "Copies cannot be made yet.", "Share the whole report.")
