"""Signs of life of a trial, and whether the process that holds it is gone."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial


class Heart:
    """Signs of life of a trial while it is done, where another process could take it over."""

    def __init__(
        self, storage: BaseStorage, key: int, every: float, lost: Callable[[], None]
    ) -> None:
        self._storage = storage
        self._key = key
        self._every = every
        self._lost = lost
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        from optuna.exceptions import UpdateFinishedTrialError

        count = 0
        while not self._stop.wait(self._every):
            count += 1
            try:
                self._storage.set_trial_user_attr(self._key, "beat", count)
            except (UpdateFinishedTrialError, KeyError):
                self._lost()
                return
            except Exception:  # a storage that is away for a moment: the next one may arrive
                continue


class Watch:
    """Tells which trials nobody works on any more."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._seen: dict[int, tuple[Any, float]] = {}

    def is_gone(self, trial: FrozenTrial) -> bool:
        """Whether its process is known to be gone, or has shown no life for too long."""
        who = trial.user_attrs.get("who")
        if who is not None and is_dead(who):
            return True
        # Since when, by our own clock, the sign is the same: the holder's clock may differ.
        now, beat = time.monotonic(), trial.user_attrs.get("beat")
        last, since = self._seen.get(trial._trial_id, (None, -math.inf))
        if since == -math.inf or last != beat:
            self._seen[trial._trial_id] = (beat, now)
            return False
        return now - since > self._patience


def who_am_i() -> str:
    """This process, told apart from every other on any machine."""
    return f"{_machine()}/{os.getpid()}/{_born(os.getpid())}"


def is_dead(who: str) -> bool:
    """Whether a process of this machine is gone; False where that cannot be known."""
    machine, _, rest = who.partition("/")
    pid, _, born = rest.partition("/")
    return machine == _machine() and _born(int(pid)) != born


def _machine() -> str:
    """The kernel's boot and our view of its processes: equal only where pids are the same."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return f"unknown-{os.getpid()}"


def _born(pid: int) -> str:
    """When a process began, in the kernel's ticks; empty where it is gone."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else rest[18]
