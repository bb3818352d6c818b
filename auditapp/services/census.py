"""Data sets that are no single uploaded table: Census tasks, several files, and loaded ones."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from auditapp import queue, storage
from auditapp.errors import AuditError
from auditapp.models import Dataset, UploadState, User, Workspace
from auditapp.services import quotas
from auditapp.services.made import TABLE_FILES
from auditapp.services.trail import event_add

if TYPE_CHECKING:
    from auditapp.folktables import Task
    from auditapp.folktables.census import Wanted

Json = dict[str, Any]
#: Seconds for which an answer about the host holds.
HOST_SECONDS = 60
HOST_KEY = "census-host"


@transaction.atomic
def task_make(
    *, first: Dataset, task: Task, how: Json, left_out: Sequence[str] = (), user: User | None
) -> Dataset:
    """Have the table of a task made of a Census table; one that is here already comes back.

    Raises
    ------
    AuditError
        `first` is not ready, or there is no space.
    """
    if first.state != UploadState.READY:
        raise AuditError(
            "not-ready",
            f"“{first.name}” is not ready.",
            "Choose a task when its check is done.",
        )
    made = {
        "kind": "task",
        "first": str(first.id),
        "name": first.name,
        "task": task.without(left_out).to_json(),
        "settings": how,
        "left_out": list(left_out),
    }
    same = _tasks_of(first).filter(made__task=made["task"], made__settings=how)
    for known in same.exclude(state=UploadState.REFUSED):
        return known
    _refuse_full(first)
    _forget_refused(first)
    key = uuid.uuid4()
    dataset = Dataset.objects.create(
        id=key,
        workspace=first.workspace,
        created_by=user,
        name=f"{task.name}, {first.name}"[:200],
        original_name=first.original_name,
        bytes=first.bytes,
        sha256=first.sha256,
        path=_new_folder(key),
        simulated=first.simulated,
        queued_at=timezone.now(),
        made=made,
    )
    event_add(subject=dataset, verb="task chosen", user=user, task=task.name)
    queue.enqueue("inspect_dataset", dataset.id)
    return dataset


def files_receive(*, workspace: Workspace, files: Sequence[Any], user: User | None) -> Dataset:
    """Keep several Census files that make one data set, and have them read.

    Raises
    ------
    AuditError
        They are too large together, one is empty, or there is no space.
    """
    total = sum(int(file.size) for file in files)
    _refuse_size(files, total)
    quotas.space_check(workspace=workspace, more=total, name=_shown(str(files[0].name)))
    key = uuid.uuid4()
    path = _new_folder(key)
    kept = []
    try:
        for i, file in enumerate(files):
            stored = "source" if i == 0 else f"source-{i}"
            size, digest = storage.receive(file, storage.absolute(path) / stored)
            name = _shown(str(file.name))
            kept.append({"name": name, "stored": stored, "bytes": size, "sha256": digest})
        with transaction.atomic():
            first, more = kept[0]["name"], len(kept) - 1
            words = f"{more:,} more file{'' if more == 1 else 's'}"
            dataset = Dataset.objects.create(
                id=key,
                workspace=workspace,
                created_by=user,
                name=f"{Path(str(first)).stem} and {words}"[:200],
                original_name=f"{first} and {words}"[:255],
                bytes=total,
                sha256="",
                path=path,
                queued_at=timezone.now(),
                made={"kind": "files", "files": kept},
            )
            event_add(subject=dataset, verb="uploaded", user=user, bytes=total, files=len(kept))
            queue.enqueue("inspect_dataset", dataset.id)
    except BaseException:
        storage.remove(path)
        raise
    return dataset


@transaction.atomic
def load_begin(*, workspace: Workspace, wanted: Sequence[Wanted], user: User | None) -> Dataset:
    """Have files of the Census loaded and read as one data set."""
    key, one = uuid.uuid4(), wanted[0]
    states = ", ".join(item.state for item in wanted[:4])
    more = f" and {len(wanted) - 4:,} more" if len(wanted) > 4 else ""
    what = "persons" if one.record == "person" else "housing units"
    dataset = Dataset.objects.create(
        id=key,
        workspace=workspace,
        created_by=user,
        name=f"ACS {one.year}, {states}{more}, {what}"[:200],
        original_name=one.archive if len(wanted) == 1 else f"{one.archive} and more",
        bytes=0,
        sha256="",
        path=_new_folder(key),
        queued_at=timezone.now(),
        made={
            "kind": "load",
            "files": [
                {"state": w.state, "year": w.year, "horizon": w.horizon, "record": w.record}
                for w in wanted
            ],
        },
    )
    event_add(subject=dataset, verb="load asked for", user=user, files=len(wanted))
    queue.enqueue("inspect_dataset", dataset.id)
    return dataset


@transaction.atomic
def made_again(*, dataset: Dataset, user: User | None) -> Dataset:
    """Try once more what was refused."""
    changed = Dataset.objects.filter(
        id=dataset.id, state=UploadState.REFUSED, made__isnull=False
    ).update(
        state=UploadState.RECEIVED,
        error=None,
        progress=None,
        losses=0,
        queued_at=timezone.now(),
    )
    if changed == 1:
        event_add(subject=dataset, verb="tried again", user=user)
        queue.enqueue("inspect_dataset", dataset.id)
    dataset.refresh_from_db()
    return dataset


def host_trouble(*, look: bool = True, again: bool = False) -> str | None:
    """Why the Census host cannot be used, empty where it can; None where nobody has looked."""
    from auditapp.folktables import download

    if not settings.CENSUS_URL:
        return download.reachable("")
    known: str | None = None if again else cache.get(HOST_KEY)
    if known is None and look:
        known = download.reachable(settings.CENSUS_URL)
        cache.set(HOST_KEY, known, HOST_SECONDS)
    return known


def making_of(*, dataset: Dataset) -> Dataset | None:
    """A task's table that is being made of this one right now."""
    return (
        _tasks_of(dataset).filter(state__in=[UploadState.RECEIVED, UploadState.CHECKING]).first()
    )


def _tasks_of(first: Dataset) -> Any:
    return Dataset.objects.filter(
        workspace=first.workspace_id, made__kind="task", made__first=str(first.id)
    )


def _new_folder(key: uuid.UUID) -> str:
    path = storage.folder_of("datasets", key)
    storage.absolute(path).mkdir(parents=True, mode=0o700)
    return path


def _shown(name: str) -> str:
    """A file's name without folders, control and direction-changing characters."""
    kept = "".join(c for c in Path(name).name if c.isprintable()).strip()
    return kept[:255] if kept else "file"


def _refuse_size(files: Sequence[Any], total: int) -> None:
    limit = settings.UPLOAD_LIMIT_BYTES
    empty = next((str(file.name) for file in files if int(file.size) == 0), None)
    if empty is not None:
        raise AuditError(
            "empty-file",
            f"“{empty}” is empty.",
            "Leave it out, or load it again from its source.",
            where=empty,
            found="0 bytes",
        )
    if total > limit:
        raise AuditError(
            "file-too-large",
            f"The {len(files):,} files are {total / 1024**2:,.1f} MB together; this installation"
            f" takes up to {limit / 1024**2:,.0f} MB.",
            "Upload zip files, fewer states, or raise UPLOAD_LIMIT_MB.",
            found=f"{total:,} bytes",
        )
    if storage.free_bytes() < 2 * total + 64 * 1024**2:
        raise AuditError(
            "no-space",
            f"The {len(files):,} files need about {2 * total / 1024**2:,.0f} MB of storage, and"
            " less is free.",
            "Delete data sets that are not needed any more, or ask the operator for more space.",
            permanent=False,
        )


def _forget_refused(first: Dataset) -> None:
    """A try that was refused gives way to the next one."""
    for row in _tasks_of(first).filter(state=UploadState.REFUSED, audits__isnull=True):
        transaction.on_commit(partial(storage.remove, row.path))
        row.delete()


def _refuse_full(first: Dataset) -> None:
    size = (first.folder / TABLE_FILES[0]).stat().st_size
    quotas.space_check(workspace=first.workspace, more=size)
    if storage.free_bytes() < 2 * size + 64 * 1024**2:
        raise AuditError(
            "no-space",
            f"A table of “{first.name}” needs about {max(2 * size / 1024**2, 64):,.0f} MB of"
            " storage, and less is free.",
            "Delete data sets that are not needed any more, or ask the operator for more space.",
            permanent=False,
        )
