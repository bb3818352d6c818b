"""Idle workers that join the searches of somebody else's run.

A run does all of its work itself; whoever is idle is invited to share it and leaves as soon as
anybody else's job waits. What both need lies in a folder that lives as long as the run. An
invitation that comes too late, twice, or not at all changes nothing but the time it takes.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import OperationalError

from auditapp import queue, sandbox, storage
from auditapp.errors import AuditError
from auditapp.models import Run, State
from auditapp.models.audit import OPEN_STATES
from auditapp.services.lanes import is_helped
from auditapp.services.leases import waits
from auditapp.services.uploads import JOBS

log = structlog.get_logger(__name__)
Json = dict[str, Any]
TARGET = "auditapp.pipeline.help:work"
#: Tells a helper's process to leave after the trial it does.
LEAVE = "leave"
SHARED = "shared"
#: Helpers that broke: after so many nobody is invited any more.
BROKEN, MOST_BROKEN = "broken", 3


def folder_of(run: Run) -> Path:
    """Where a run keeps what outlives an attempt."""
    return storage.absolute(f"{SHARED}/{run.id}")


def store_of(key: UUID) -> str:
    """The storage of a run's searches: a journal on Redis, of its own key."""
    return f"{settings.REDIS_URL}#evenhand:study:{key}"


def share(run: Run) -> Json:
    """What the job of a run with shared searches says of them, and invitations to idle workers."""
    if not is_helped(run.audit.plan):
        return {"shared": None, "store": None}
    folder = folder_of(run)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for _ in range(settings.WORKER_PROCESSES - 1):
        queue.invite(str(run.id), run.lane)
    return {"shared": str(folder), "store": store_of(run.id)}


def tidy() -> int:
    """Remove what runs that have ended shared: helpers leave within a second."""
    count = 0
    for path in (Path(settings.DATA_DIR) / SHARED).glob("*"):
        try:
            key = UUID(path.name)
        except ValueError:
            continue
        if not Run.objects.filter(id=key, state__in=OPEN_STATES).exists():
            _unshare(key)
            count += 1
    return count


def _unshare(key: UUID) -> None:
    from mitigations.fairtune import storages

    storage.remove(f"{SHARED}/{key}")
    try:
        storages.drop(store_of(key))
    except Exception as error:  # the journal goes by itself after some days
        log.warning("the journal of a search was not removed", run=str(key), error=str(error))


def study_help(*, run_id: UUID | str) -> int:
    """Worker: do trials of a run's searches while nothing else waits; how many were done."""
    run = Run.objects.filter(id=run_id).first()
    if run is None or not _wanted(run):
        return 0
    folder = folder_of(run)
    work = storage.work_folder(f"help-{run.id}-{time.time_ns():x}")
    watch = _Watch(run, work)
    job = {
        "shared": str(folder),
        "store": store_of(run.id),
        "device": settings.DEVICE if run.lane == "gpu" else "cpu",
        "leave": str(work / LEAVE),
    }
    try:
        answer = sandbox.run_child(
            TARGET,
            job,
            workdir=work,
            limits=sandbox.Limits.trusted("Helping", wall=settings.AUDIT_TIME_LIMIT),
            isolated=False,
            should_stop=watch.should_stop,
        )
        return int(answer["trials"])
    except AuditError as error:
        if error.code != "cancelled":
            _broke(folder, error)
        return 0
    finally:
        storage.remove(str(work.relative_to(settings.DATA_DIR)))


def invite_idle() -> int:
    """Beat: invite one more worker to each run whose searches are open, where nothing waits."""
    status = queue.status()
    if not status["ok"] or any(status["waiting"].values()):
        return 0
    count = 0
    for run in Run.objects.filter(state=State.RUNNING, cancel_requested=False):
        if (folder_of(run) / "offers").is_dir() and _wanted(run):
            count += queue.invite(str(run.id), run.lane)
    return count


def _wanted(run: Run) -> bool:
    folder = folder_of(run)
    held = run.state == State.RUNNING and not run.cancel_requested
    return held and folder.is_dir() and _broken(folder) < MOST_BROKEN and not _others(run)


def _others(run: Run) -> bool:
    """Whether a job waits that this worker could do instead."""
    return waits(Run, lane=run.lane) or any(waits(model) for model in JOBS)


def _broken(folder: Path) -> int:
    path = folder / BROKEN
    return len(path.read_text().splitlines()) if path.exists() else 0


def _broke(folder: Path, error: AuditError) -> None:
    log.warning("a helper stopped", code=error.code, error=error.message)
    if folder.is_dir():
        with (folder / BROKEN).open("a") as file:
            file.write(f"{error.code}\n")


class _Watch:
    """Looks once a second whether the run still wants help and whether others wait."""

    def __init__(self, run: Run, work: Path) -> None:
        self._run = run
        self._leave = work / LEAVE
        self._next = 0.0

    def should_stop(self) -> str | None:
        now = time.monotonic()
        if now < self._next:
            return None
        self._next = now + 1.0
        try:
            run = Run.objects.filter(id=self._run.id, state=State.RUNNING).first()
            gone = run is None or run.cancel_requested
            if not gone and not self._leave.exists() and _others(self._run):
                self._leave.touch()
        except OperationalError:  # a busy database: ask again in a second
            return None
        return "cancel" if gone else None
