"""Making the tables of Census data sets, for a worker: tasks, several files, and loaded ones."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from auditapp import sandbox
from auditapp.errors import AuditError
from auditapp.models import Dataset, UploadState
from auditapp.services import leases

if TYPE_CHECKING:
    from auditapp.folktables.census import Wanted

Json = dict[str, Any]
TABLE_FILES = ("table.parquet", "profile.json")
#: Seconds that the host may be silent.
SILENCE = 15.0


def made_read(*, row: Dataset, work: Path, holder: leases.Holder) -> Json:
    """Worker: make the table, in a child process that sees its files and nothing else."""
    made = dict(row.made or {})
    if made["kind"] == "task":
        return _derive(row, made, work, holder)
    if made["kind"] == "load":
        return _read(row, _loaded(made, holder), work, holder)
    files = [(row.folder / item["stored"], item["name"]) for item in made["files"]]
    return _read(row, files, work, holder)


def _derive(row: Dataset, made: Json, work: Path, holder: leases.Holder) -> Json:
    first = Dataset.objects.filter(
        id=made["first"], workspace=row.workspace_id, state=UploadState.READY
    ).first()
    if first is None:
        raise AuditError(
            "no-data",
            f"“{made['name']}” was deleted, or is being read again.",
            "Choose the task again when it is ready.",
        )
    payload = {
        "first": str(first.folder),
        "out": str(work / "table"),
        "task": made["task"],
        "settings": made["settings"],
        "read": [str(first.folder / name) for name in TABLE_FILES],
    }
    return _child("auditapp.folktables.derive:child_main", payload, "Making the task's table",
                  work, holder)  # fmt: skip


def _read(
    row: Dataset, files: Sequence[tuple[Path, str]], work: Path, holder: leases.Holder
) -> Json:
    sources = [{"source": str(path), "name": name} for path, name in files]
    payload = {
        **sources[0],
        "more": sources[1:],
        "out": str(work / "table"),
        "options": {**row.read_options, "max_bytes": settings.UPLOAD_LIMIT_BYTES},
        "read": [item["source"] for item in sources],
    }
    return _child("auditapp.datasets.inspect:child_main", payload, "Reading the files", work,
                  holder)  # fmt: skip


def _child(target: str, payload: Json, doing: str, work: Path, holder: leases.Holder) -> Json:
    return sandbox.run_child(
        target,
        payload,
        workdir=work,
        limits=sandbox.Limits.parsing(doing, wall=settings.INSPECT_TIME_LIMIT),
        isolated=True,
        on_progress=holder.progress,
        should_stop=holder.should_stop,
    )


def _loaded(made: Json, holder: leases.Holder) -> list[tuple[Path, str]]:
    """The files on this machine, loaded where they are not here yet; the lease is kept alive."""
    from auditapp.folktables.census import Wanted

    root = Path(settings.DATA_DIR) / "acs"
    root.mkdir(parents=True, exist_ok=True)
    found = []
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as pool:
        for item in made["files"]:
            want = Wanted(**item)
            job = pool.submit(_load, want, root, partial(_tick, stop, holder))
            while not wait([job], timeout=0.5).done:
                reason = holder.should_stop()
                if reason is not None:
                    stop.set()
                    raise AuditError(
                        "load-stopped",
                        f"Loading {want.archive} took longer than this installation allows.",
                        "Try again: it goes on where it stopped.",
                    )
            path: Path = job.result()
            found.append((path, "/".join(path.parts[-3:])))
    return found


def _load(want: Wanted, root: Path, tick: Any) -> Path:
    from auditapp.folktables import download

    try:
        return download.load(want, root, base=settings.CENSUS_URL, tick=tick, timeout=SILENCE).path
    except AuditError as error:
        # Nothing is tried again unasked: the page says what happened, with a button.
        raise AuditError.from_dict({**error.as_dict(), "permanent": True}) from error


def _tick(stop: threading.Event, holder: leases.Holder, done: int, total: int, text: str) -> None:
    if stop.is_set():
        raise AuditError("load-stopped", "Loading was stopped.", permanent=False)
    holder.progress({"done": done, "total": total, "text": text})
