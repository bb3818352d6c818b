"""What one workspace may hold: space on disk, and audits that wait or run."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from django.conf import settings

from auditapp import storage
from auditapp.errors import AuditError
from auditapp.models import (
    Audit,
    Comparison,
    Dataset,
    ModelFile,
    Report,
    SharedCopy,
    Workspace,
)
from auditapp.models.audit import OPEN_STATES


@dataclass(frozen=True)
class Usage:
    """What a workspace holds, and its limits; a limit of 0 is none."""

    bytes: int
    bytes_limit: int
    queued: int
    queued_limit: int


def usage(*, workspace: Workspace) -> Usage:
    """Space and places in the queue that a workspace takes."""
    return Usage(
        bytes=bytes_of(workspace),
        bytes_limit=settings.WORKSPACE_DISK_BYTES,
        queued=_queued(workspace),
        queued_limit=settings.WORKSPACE_QUEUE_LIMIT,
    )


def bytes_of(workspace: Workspace) -> int:
    """Every file of the tables, models and reports of a workspace."""
    paths = chain(
        Dataset.objects.filter(workspace=workspace).values_list("path", flat=True),
        ModelFile.objects.filter(workspace=workspace).values_list("path", flat=True),
        Report.objects.filter(audit__workspace=workspace).values_list("path", flat=True),
        SharedCopy.objects.filter(report__audit__workspace=workspace)
        .exclude(path="")
        .values_list("path", flat=True),
        Comparison.objects.filter(workspace=workspace)
        .exclude(path="")
        .values_list("path", flat=True),
    )
    return sum(storage.size_of(path) for path in paths)


def space_check(*, workspace: Workspace, more: int, name: str = "") -> None:
    """Refuse what would take a workspace past its space.

    Raises
    ------
    AuditError
        `workspace-full`.
    """
    limit = settings.WORKSPACE_DISK_BYTES
    if not limit:
        return
    used = bytes_of(workspace)
    if used + more <= limit:
        return
    what = f"“{name}” is {megabytes(more)}" if name else f"This needs {megabytes(more)}"
    raise AuditError(
        "workspace-full",
        f"{what}; “{workspace}” holds {megabytes(used)} of the {megabytes(limit)} it may.",
        "Delete data sets, models or audits that are not needed any more, or ask the person who"
        " runs this installation to raise WORKSPACE_DISK_MB.",
        where=name,
        permanent=False,
    )


def queue_check(*, workspace: Workspace) -> None:
    """Refuse a start where too many audits of a workspace wait or run.

    Call it inside the transaction that starts the audit: it locks the workspace.

    Raises
    ------
    AuditError
        `queue-full`.
    """
    limit = settings.WORKSPACE_QUEUE_LIMIT
    if not limit:
        return
    Workspace.objects.select_for_update().get(id=workspace.id)
    open_now = _queued(workspace)
    if open_now < limit:
        return
    many = f"{open_now:,} audits" if open_now != 1 else "One audit"
    raise AuditError(
        "queue-full",
        f"{many} of “{workspace}” wait{'s' if open_now == 1 else ''} or"
        f" run{'s' if open_now == 1 else ''}, and {limit:,} may.",
        "Wait until one is done or cancel one, or ask the person who runs this installation to"
        " raise WORKSPACE_QUEUE_LIMIT.",
        permanent=False,
    )


def megabytes(size: int) -> str:
    """Bytes as people say them."""
    if size >= 1024**3:
        return f"{size / 1024**3:.1f} GB"
    if size < 1024**2:
        return f"{size / 1024:.1f} kB"
    return f"{size / 1024**2:.1f} MB"


def _queued(workspace: Workspace) -> int:
    return Audit.objects.filter(workspace=workspace, state__in=OPEN_STATES).count()
