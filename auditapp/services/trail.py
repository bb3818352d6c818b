"""Adding to the trail of a workspace, and checking that nobody took from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from auditapp import chain
from auditapp.models import (
    Audit,
    Comparison,
    Dataset,
    Event,
    Invitation,
    ModelFile,
    Report,
    User,
    Workspace,
)

SUBJECTS: dict[type[models.Model], str] = {
    Audit: "audit",
    Comparison: "comparison",
    Dataset: "dataset",
    Invitation: "invitation",
    ModelFile: "model",
    User: "person",
    Workspace: "workspace",
}


@transaction.atomic
def event_add(
    *,
    subject: Any,
    verb: str,
    user: User | None = None,
    workspace: Workspace | None = None,
    **detail: Any,
) -> Event:
    """Note that someone (or the installation itself) did something to the subject.

    `workspace` is needed for a person only; everything else knows where it belongs.
    """
    if workspace is None:
        workspace = subject if isinstance(subject, Workspace) else subject.workspace
    # The row of the workspace is the lock: two events never get the same place.
    place = (
        Workspace.objects.select_for_update()
        .values_list("trail_length", "trail_head")
        .get(id=workspace.id)
    )
    facts = {
        "workspace_id": workspace.id,
        "sequence": place[0] + 1,
        "at": timezone.now(),
        "actor": "" if user is None else user.email,
        "verb": verb[:40],
        "subject": SUBJECTS.get(subject._meta.model, str(subject._meta.verbose_name))[:20],
        "subject_id": subject.pk,
        "name": str(subject)[:200],
        "detail": chain.as_json(detail),
    }
    previous = place[1] or chain.START
    hashed = chain.digest(previous, facts)
    event = Event.objects.create(user=user, previous_hash=previous, hash=hashed, **facts)
    Workspace.objects.filter(id=workspace.id).update(
        trail_length=facts["sequence"], trail_head=hashed
    )
    return event


def person_event(*, user: User, verb: str, by: User | None = None, **detail: Any) -> None:
    """Note something about a person in every workspace they are a member of."""
    for workspace in Workspace.objects.filter(member__user=user):
        event_add(
            subject=user, verb=verb, user=user if by is None else by, workspace=workspace, **detail
        )


def report_downloaded(
    *, report: Report, user: User | None, file: str, cells_below: int = 0
) -> None:
    """Note that a file of a report left the installation."""
    event_add(
        subject=report.audit,
        verb="downloaded",
        user=user,
        report=report.audit.report_id,
        file=file,
        **({"cells_below": cells_below} if cells_below else {}),
    )


def trail_check(*, workspace: Workspace, noted: str = "") -> chain.Fault | None:
    """Where the trail of a workspace breaks; None where it holds.

    Parameters
    ----------
    noted
        A hash that somebody wrote down earlier: it has to be in the trail still. Whoever can
        write to the database could chain everything anew; this is what would show it.
    """
    seen = noted in {"", chain.START}

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal seen
        found = Event.objects.filter(workspace=workspace).order_by("sequence")
        for row in found.values(*chain.FIELDS, "previous_hash", "hash").iterator(2000):
            seen = seen or row["hash"] == noted
            yield row

    with transaction.atomic():
        # Under the lock, so that an event added meanwhile is no fault.
        now = Workspace.objects.select_for_update().get(id=workspace.id)
        fault = chain.first_fault(
            rows(), length=now.trail_length, head=now.trail_head or chain.START
        )
    if fault is None and not seen:
        return chain.Fault(0, "replaced", "the hash that was noted is not in the trail any more")
    return fault
