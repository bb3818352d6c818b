"""Where in the steps of a new audit a page stands."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy

from auditapp.forms.remedy_needs import offered
from auditapp.models import Audit, UploadState

STEPS = (
    (gettext_lazy("Data"), "audit-data"),
    (gettext_lazy("Model and roles"), "audit-roles"),
    (gettext_lazy("Policy"), "audit-policy"),
    (gettext_lazy("Remedies"), "audit-remedies"),
)


def reached(audit: Audit | None) -> int:
    """The highest step whose page can be opened."""
    if audit is None or audit.dataset is None or audit.dataset.state != UploadState.READY:
        return 1
    draft = audit.draft
    saved = draft.get("steps", [])
    if "roles" not in saved or not draft.get("roles"):
        return 2
    return 4 if "policy" in saved and offered(draft) else 3


def steps_of(audit: Audit | None, current: int) -> list[dict[str, Any]]:
    """Discs of the stepper, with links to what can be opened."""
    highest = reached(audit)
    shown = STEPS if current == 4 or _may_be_offered(audit) else STEPS[:3]
    found = []
    for number, (title, name) in enumerate(shown, start=1):
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


def _may_be_offered(audit: Audit | None) -> bool:
    """Whether there is a step of remedies, as far as is known by now."""
    if audit is None or "roles" not in audit.draft.get("steps", []):
        return True
    return offered(audit.draft)
