"""Where in the three steps of a new audit a page stands."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from auditapp.models import Audit, UploadState

STEPS = (("Data", "audit-data"), ("Model and roles", "audit-roles"), ("Policy", "audit-policy"))


def reached(audit: Audit | None) -> int:
    """The highest step whose page can be opened."""
    if audit is None or audit.dataset is None or audit.dataset.state != UploadState.READY:
        return 1
    return 3 if "roles" in audit.draft.get("steps", []) and audit.draft.get("roles") else 2


def steps_of(audit: Audit | None, current: int) -> list[dict[str, Any]]:
    """Discs of the stepper, with links to what can be opened."""
    highest = reached(audit)
    found = []
    for number, (title, name) in enumerate(STEPS, start=1):
        opened = audit is not None and number <= highest and number != current
        found.append(
            {
                "number": number,
                "title": title,
                "current": number == current,
                "done": number < current,
                "url": reverse(name, args=[audit.id]) if opened and audit is not None else "",
            }
        )
    return found
