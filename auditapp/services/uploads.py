"""Data sets and models: receiving, inspecting, reading again, deleting."""

from __future__ import annotations

import json
import unicodedata
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from auditapp import queue, sandbox, storage
from auditapp.errors import AuditError
from auditapp.models import Dataset, ModelFile, UploadState, User, Workspace
from auditapp.models.audit import OPEN_STATES
from auditapp.services import joins, leases, quotas
from auditapp.services.census import making_of
from auditapp.services.comparisons import rows_forget
from auditapp.services.failures import unexpected
from auditapp.services.made import made_read
from auditapp.services.quotas import megabytes
from auditapp.services.trail import event_add

log = structlog.get_logger(__name__)
Json = dict[str, Any]
MODEL_LEASE_SECONDS = 180.0
IMAGES = "images.npy"
JOBS = {Dataset: "inspect_dataset", ModelFile: "inspect_model"}


def dataset_receive(
    *,
    workspace: Workspace,
    user: User | None,
    file: Any,
    name: str = "",
    simulated: bool = False,
    read_options: Json | None = None,
    inspect_later: bool = True,
) -> Dataset:
    """Keep an uploaded table and have it inspected."""
    fields = _receive("datasets", file, workspace)
    with transaction.atomic():
        dataset = Dataset.objects.create(
            workspace=workspace,
            created_by=user,
            name=_clean(name)[:200] if name else Path(fields["original_name"]).stem[:200],
            simulated=simulated,
            read_options=read_options if read_options is not None else {},
            queued_at=timezone.now(),
            **fields,
        )
        event_add(subject=dataset, verb="uploaded", user=user, bytes=dataset.bytes)
        if inspect_later:
            queue.enqueue(JOBS[Dataset], dataset.id)
    return dataset


def model_receive(
    *, workspace: Workspace, user: User | None, file: Any, name: str = ""
) -> ModelFile:
    """Keep an uploaded model and have it inspected."""
    fields = _receive("models", file, workspace)
    with transaction.atomic():
        model = ModelFile.objects.create(
            workspace=workspace,
            created_by=user,
            name=_clean(name)[:200] if name else fields["original_name"][:200],
            queued_at=timezone.now(),
            **fields,
        )
        event_add(subject=model, verb="uploaded", user=user, bytes=model.bytes)
        queue.enqueue(JOBS[ModelFile], model.id)
    return model


def dataset_reread(*, dataset: Dataset, options: Json, user: User | None = None) -> Dataset:
    """Read the same file again with other options (delimiter, encoding, missing marks...)."""
    if dataset.joined is not None:
        raise AuditError(
            "joined",
            f"“{dataset.name}” was made of two tables, and holds no file of its own.",
            "Read those tables again, then join them again.",
        )
    if dataset.made is not None:
        raise AuditError(
            "made",
            f"“{dataset.name}” holds Census files or a task of one, which have one reading.",
            "Upload the file again, or choose the task again.",
        )
    _refuse_in_use(dataset, "read again")
    with transaction.atomic():
        changed = Dataset.objects.filter(
            id=dataset.id, state__in=[UploadState.READY, UploadState.REFUSED]
        ).update(
            state=UploadState.RECEIVED,
            read_options={**dataset.read_options, **options},
            error=None,
            losses=0,
            progress=None,
            queued_at=timezone.now(),
        )
        if changed != 1:
            raise AuditError(
                "still-checking",
                f"“{dataset.name}” is still being checked.",
                "Wait until the check is done, then change how the file is read.",
            )
        event_add(subject=dataset, verb="read again", user=user, options=options)
        queue.enqueue(JOBS[Dataset], dataset.id)
    dataset.refresh_from_db()
    return dataset


def dataset_delete(*, dataset: Dataset, user: User | None = None) -> None:
    """Delete a data set with its files; finished audits keep their reports."""
    _delete(dataset, user)


def model_delete(*, model: ModelFile, user: User | None = None) -> None:
    """Delete a model with its files; finished audits keep their reports."""
    _delete(model, user)


def dataset_inspect(*, dataset_id: str | uuid.UUID) -> None:
    """Worker: write the canonical table and the profile, or a readable refusal."""
    _inspect(Dataset, dataset_id, _read_table)


def model_inspect(*, model_id: str | uuid.UUID) -> None:
    """Worker: find out what a model file is, or why it is refused."""
    _inspect(ModelFile, model_id, _read_model)


@transaction.atomic
def upload_free(*, row: Dataset | ModelFile, lost: bool = True) -> None:
    """Take a file from a worker that is gone: it is checked again, or given up."""
    if leases.free(row, lost=lost) == row.WAITING:
        type(row).objects.filter(id=row.pk).update(queued_at=timezone.now())
        queue.enqueue(JOBS[type(row)], row.id)


def _read_table(row: Dataset, work: Path, holder: leases.Holder) -> Json:
    if row.joined is not None:
        return joins.joined_read(row=row, work=work, holder=holder)
    if row.made is not None:
        return made_read(row=row, work=work, holder=holder)
    payload = {
        "source": str(row.source),
        "name": row.original_name,
        "out": str(work / "table"),
        "options": {**row.read_options, "max_bytes": settings.UPLOAD_LIMIT_BYTES},
        "read": [str(row.source)],
    }
    return sandbox.run_child(
        "auditapp.datasets.inspect:child_main",
        payload,
        workdir=work,
        limits=sandbox.Limits.parsing(wall=settings.INSPECT_TIME_LIMIT),
        isolated=True,
        on_progress=holder.progress,
        should_stop=holder.should_stop,
    )


def _read_model(row: ModelFile, work: Path, holder: leases.Holder) -> Json:
    from auditapp import predictors

    return predictors.inspect_model(row.source, row.original_name, work)


def _inspect(
    kind: type[Dataset] | type[ModelFile],
    key: str | uuid.UUID,
    read: Callable[[Any, Path, leases.Holder], Json],
) -> None:
    # Looking at a model is quick and one call, so nothing renews its lease meanwhile.
    row = leases.claim(kind, key, seconds=None if kind is Dataset else MODEL_LEASE_SECONDS)
    if row is None:
        return
    shape = _shaped if isinstance(row, Dataset) else None
    holder = leases.Holder(row, time_limit=settings.INSPECT_TIME_LIMIT, shape=shape)
    work = storage.work_folder(f"{kind.__name__.lower()}-{row.id}-{row.attempt}")
    try:
        profile = read(row, work, holder)
    except AuditError as error:
        if not holder.lost:
            _refused(row, error)
    except Exception as error:
        _refused(row, unexpected(error, "checking the file", row=str(row.id)))
    else:
        _ready(row, profile, work / "table")
    finally:
        storage.remove(str(work.relative_to(settings.DATA_DIR)))


def _shaped(message: Json) -> Json:
    """What the pages say while a file is read."""
    done, total = message.get("done", 0), message.get("total", 0)
    percent = int(100 * done / total) if total else None
    return {"text": str(message.get("text", ""))[:200], "percent": percent}


@transaction.atomic
def _ready(row: Dataset | ModelFile, profile: Json, table: Path) -> None:
    changes: Json = {
        "state": UploadState.READY,
        "profile": profile,
        "error": None,
        "lease_until": None,
    }
    if isinstance(row, Dataset):
        changes["rows"] = profile["rows"]
        if row.made is not None:
            changes |= {key: profile[key] for key in ("bytes", "sha256")}
    if leases.held_by(row).update(**changes) != 1:
        return
    if isinstance(row, Dataset):
        pictures = row.folder / IMAGES
        if not (table / IMAGES).exists():
            pictures.unlink(missing_ok=True)
        for name in (IMAGES, "table.parquet", "profile.json"):
            if (table / name).exists():
                (table / name).replace(row.folder / name)
    else:
        (row.folder / "profile.json").write_text(json.dumps(profile), encoding="utf-8")
    event_add(subject=row, verb="accepted")


@transaction.atomic
def _refused(row: Dataset | ModelFile, error: AuditError) -> None:
    if not error.permanent:
        upload_free(row=row)
        return
    changed = leases.held_by(row).update(
        state=UploadState.REFUSED, error=error.as_dict(), lease_until=None
    )
    if changed == 1:
        event_add(subject=row, verb="refused", code=error.code)


def _receive(kind: str, file: Any, workspace: Workspace) -> Json:
    """Move the bytes into a new folder; what the row needs comes back."""
    original = _clean(Path(str(file.name)).name)[:255]
    size = int(file.size)
    limit = settings.UPLOAD_LIMIT_BYTES
    if size > limit:
        raise AuditError(
            "file-too-large",
            f"“{original}” is {megabytes(size)}; this installation takes files up to"
            f" {megabytes(limit)}.",
            "Upload a smaller file (Parquet or gzip shrinks a CSV), or raise UPLOAD_LIMIT_MB.",
            where=original,
            found=f"{size:,} bytes",
        )
    if size == 0:
        raise AuditError(
            "empty-file",
            f"“{original}” is empty.",
            "Check the export that made it, then upload it again.",
            where=original,
            found="0 bytes",
        )
    quotas.space_check(workspace=workspace, more=size, name=original)
    if storage.free_bytes() < 2 * size + 64 * 1024**2:
        raise AuditError(
            "no-space",
            f"“{original}” needs about {megabytes(2 * size)} of storage;"
            f" {megabytes(storage.free_bytes())} are free.",
            "Delete data sets that are not needed any more, or ask the operator for more space.",
            where=original,
            permanent=False,
        )
    key = uuid.uuid4()
    path = storage.folder_of(kind, key)
    size, sha256 = storage.receive(file, storage.absolute(path) / "source")
    return {"id": key, "original_name": original, "bytes": size, "sha256": sha256, "path": path}


@transaction.atomic
def _delete(row: Dataset | ModelFile, user: User | None) -> None:
    _refuse_in_use(row, "deleted")
    event_add(subject=row, verb="deleted", user=user)
    transaction.on_commit(partial(storage.remove, row.path))
    if isinstance(row, Dataset):
        rows_forget(dataset=row)
    row.delete()


def _refuse_in_use(row: Dataset | ModelFile, what: str) -> None:
    audit = row.audits.filter(state__in=OPEN_STATES).first()
    if audit is not None:
        raise AuditError(
            "in-use",
            f"“{row.name}” cannot be {what} while the audit “{audit.title}” works on it.",
            "Wait until that audit is done, or cancel it first.",
            permanent=False,
        )
    other = joins.joined_of(dataset=row) if isinstance(row, Dataset) else None
    if other is not None:
        raise AuditError(
            "in-use",
            f"“{row.name}” cannot be {what} while it is joined to make “{other.name}”.",
            "Wait until the join is done.",
            permanent=False,
        )
    task = making_of(dataset=row) if isinstance(row, Dataset) else None
    if task is not None:
        raise AuditError(
            "in-use",
            f"“{row.name}” cannot be {what} while “{task.name}” is made of it.",
            "Wait until that is done.",
            permanent=False,
        )


def _clean(text: str) -> str:
    """Drop control and direction-changing characters from a name."""
    kept = (c for c in text if unicodedata.category(c) not in {"Cc", "Cf", "Cs"})
    return "".join(kept).strip() or "file"
