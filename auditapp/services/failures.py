"""What a user reads when something went wrong that nobody foresaw."""

from __future__ import annotations

import secrets
from typing import Any

import structlog

from auditapp.errors import AuditError

log = structlog.get_logger(__name__)


def unexpected(error: Exception, doing: str, **facts: Any) -> AuditError:
    """Log the traceback under a reference, and say no more than that reference."""
    reference = secrets.token_hex(4)
    log.error("unexpected error", reference=reference, doing=doing, exc_info=error, **facts)
    return AuditError(
        "internal",
        f"Something unexpected happened while {doing}.",
        f"Try again. If it happens again, give the operator the reference {reference};"
        " the log has the details.",
        found=f"reference {reference}",
    )
