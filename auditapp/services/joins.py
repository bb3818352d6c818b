"""A table made of two: the rows of one, with columns of the other found by an id."""

from __future__ import annotations

import uuid
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from auditapp import queue, sandbox, storage
from auditapp.errors import AuditError
from auditapp.models import Dataset, UploadState, User
from auditapp.services import leases, quotas
from auditapp.services.trail import event_add

Json = dict[str, Any]
FILES = ("table.parquet", "profile.json", "images.npy")


@transaction.atomic
def dataset_join(
    *,
    first: Dataset,
    second: Dataset,
    user: User | None,
    on: str,
    second_on: str,
    columns: list[str] | None = None,
    keep: str = "all",
    duplicates: str = "refuse",
) -> Dataset:
    """Have the rows of `first` joined with columns of `second`; a new data set comes back.

    Raises
    ------
    AuditError
        One of the two is not ready, or they belong to two workspaces.
    """
    for item in (first, second):
        if item.state != UploadState.READY or item.workspace_id != first.workspace_id:
            raise AuditError(
                "not-ready",
                f"“{item.name}” is not ready to be joined.",
                "Choose a table of this workspace whose check is done.",
            )
    if first.id == second.id:
        raise AuditError(
            "same-table",
            f"“{first.name}” cannot be joined with itself.",
            "Choose another table.",
        )
    _refuse_full(first, second)
    key = uuid.uuid4()
    path = storage.folder_of("datasets", key)
    storage.absolute(path).mkdir(parents=True, mode=0o700)
    _forget_refused(first, second)
    dataset = Dataset.objects.create(
        id=key,
        workspace=first.workspace,
        created_by=user,
        name=f"{first.name} with {second.name}"[:200],
        original_name=f"{first.original_name} with {second.original_name}"[:255],
        bytes=first.bytes,
        sha256=first.sha256,
        path=path,
        simulated=first.simulated,
        queued_at=timezone.now(),
        joined={
            "first": str(first.id),
            "second": str(second.id),
            "names": [first.original_name, second.original_name],
            "on": on,
            "second_on": second_on,
            "columns": columns,
            "keep": keep,
            "duplicates": duplicates,
        },
    )
    event_add(subject=dataset, verb="joined", user=user, on=on, second_on=second_on)
    queue.enqueue("inspect_dataset", dataset.id)
    return dataset


def joined_read(*, row: Dataset, work: Path, holder: leases.Holder) -> Json:
    """Worker: make the table in a child process that sees the two tables and nothing else."""
    how = dict(row.joined or {})
    found = {
        str(item.id): item
        for item in Dataset.objects.filter(
            id__in=[how["first"], how["second"]],
            workspace=row.workspace_id,
            state=UploadState.READY,
        )
    }
    if len(found) < 2:
        raise AuditError(
            "no-data",
            "One of the two tables was deleted, or is being read again.",
            "Join them again when both are ready.",
        )
    folders = [found[how[side]].folder for side in ("first", "second")]
    payload = {
        "first": str(folders[0]),
        "second": str(folders[1]),
        "name": how["names"][1],
        "out": str(work / "table"),
        **{key: how[key] for key in ("on", "second_on", "columns", "keep", "duplicates")},
        "read": [
            str(folder / name) for folder in folders for name in FILES if (folder / name).exists()
        ],
    }
    return sandbox.run_child(
        "auditapp.datasets.join:child_main",
        payload,
        workdir=work,
        limits=sandbox.Limits.parsing("Joining the tables", wall=settings.INSPECT_TIME_LIMIT),
        isolated=True,
        on_progress=holder.progress,
        should_stop=holder.should_stop,
    )


def joined_before(*, first: Dataset, second: Dataset) -> Json:
    """How the same two were tried to be joined last time; empty where they were not."""
    found = Dataset.objects.filter(
        workspace=first.workspace_id,
        joined__first=str(first.id),
        joined__second=str(second.id),
    )
    latest = found.order_by("-created_at").first()
    return {} if latest is None or latest.joined is None else dict(latest.joined)


def joined_of(*, dataset: Dataset) -> Dataset | None:
    """A data set that is being made of this one right now."""
    waiting = Dataset.objects.filter(
        workspace=dataset.workspace_id, state__in=[UploadState.RECEIVED, UploadState.CHECKING]
    )
    sides = ("joined__first", "joined__second")
    found = (waiting.filter(**{side: str(dataset.id)}).first() for side in sides)
    return next((item for item in found if item is not None), None)


def _forget_refused(first: Dataset, second: Dataset) -> None:
    """A try that was refused gives way to the next one."""
    refused = Dataset.objects.filter(
        workspace=first.workspace_id,
        state=UploadState.REFUSED,
        joined__first=str(first.id),
        joined__second=str(second.id),
        audits__isnull=True,
    )
    for row in refused:
        transaction.on_commit(partial(storage.remove, row.path))
        row.delete()


def _refuse_full(first: Dataset, second: Dataset) -> None:
    sizes = [item.folder / FILES[0] for item in (first, second)]
    size = sum(path.stat().st_size for path in sizes if path.is_file())
    quotas.space_check(workspace=first.workspace, more=size)
    if storage.free_bytes() < 3 * size + 64 * 1024**2:
        raise AuditError(
            "no-space",
            f"Joining “{first.name}” and “{second.name}” needs about"
            f" {max(3 * size / 1024**2, 64):,.0f} MB of storage, and less is free.",
            "Delete data sets that are not needed any more, or ask the operator for more space.",
            permanent=False,
        )
