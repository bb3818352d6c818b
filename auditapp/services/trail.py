"""Adding to the trail of a workspace."""

from __future__ import annotations

from typing import Any

from auditapp.models import Audit, Dataset, Event, ModelFile, User, Workspace

SUBJECTS = {Audit: "audit", Dataset: "dataset", ModelFile: "model", Workspace: "workspace"}


def event_add(
    *,
    subject: Audit | Dataset | ModelFile | Workspace,
    verb: str,
    user: User | None = None,
    **detail: Any,
) -> Event:
    """Note that someone (or the installation itself) did something to the subject."""
    workspace = subject if isinstance(subject, Workspace) else subject.workspace
    return Event.objects.create(
        workspace=workspace,
        user=user,
        verb=verb,
        subject=SUBJECTS[type(subject)],
        subject_id=subject.id,
        name=str(subject),
        detail=detail,
    )
