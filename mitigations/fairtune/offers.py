"""Searches that other processes may join: what they need lies in one folder.

The coordinator prepares the problem in the folder, says there which study is open and which
function of this package makes its objective, and works itself from the first moment. A helper
reads what is open and joins; whoever is killed leaves nothing behind that stops the others.
Nothing is pickled: arrays are .npy files that are mapped, everything else is JSON or safetensors.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mitigations.fairtune.study import Ask, Study

Json = dict[str, Any]
Objective = Callable[["Ask"], float]
Tick = Callable[[int, int, str], None]

OFFERS = "offers"
#: A function ``make(folder, device, tick) -> objective`` of our own packages.
_TARGET = re.compile(r"mitigations(\.\w+)+:\w+")
#: A helper leaves after so many seconds without an open study: between two of them there is
#: little to wait for.
IDLE_SECONDS = 15.0


def prepared(root: Path, name: str, write: Callable[[Path], None]) -> Path:
    """The folder `name` under `root`, written once: whole, or not there.

    A second attempt after a killed one finds what the first had finished.
    """
    path = root / name
    if path.is_dir():
        return path
    root.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=root))
    try:
        write(part)
        with suppress(OSError):  # somebody else was quicker: theirs is the same
            part.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return path


def write_arrays(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """One .npy file for each array."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def read_arrays(folder: Path) -> dict[str, NDArray[Any]]:
    """Every array of a folder, mapped: read where it is used, shared between processes."""
    return {
        path.stem: np.load(path, mmap_mode="r", allow_pickle=False)
        for path in sorted(folder.glob("*.npy"))
    }


def run(
    study: Study, target: str, folder: Path, *, root: Path | None, device: str, tick: Tick
) -> int:
    """Do a study together with whoever helps; this process never waits for a helper to begin.

    Parameters
    ----------
    target
        ``"module:function"`` of `mitigations`: ``function(folder, device, tick)`` makes the
        objective from what was prepared in `folder`.
    root
        Where helpers look, None where there are none.
    """
    objective = objective_of(target, folder, device, tick)
    if root is None or study.store is None:
        return study.run_until_done(objective, tick)
    with _offered(root, study, target, folder):
        return study.run_until_done(objective, tick)


def objective_of(target: str, folder: Path, device: str, tick: Tick) -> Objective:
    """The objective that a function of `mitigations` makes."""
    if not _TARGET.fullmatch(target):
        raise ValueError(f"{target!r} is no function of mitigations")
    module, _, name = target.partition(":")
    make: Callable[[Path, str, Tick], Objective] = getattr(import_module(module), name)
    return make(folder, device, tick)


def help_out(
    root: Path,
    store: str,
    *,
    device: str,
    tick: Tick,
    leave: Callable[[], bool] = lambda: False,
    idle: float = IDLE_SECONDS,
) -> int:
    """Do trials of whatever is open under `root` until nothing is, or until told to leave.

    Returns
    -------
    int
        Trials done.
    """
    from mitigations.fairtune.study import Study

    made: dict[str, tuple[Study, Objective]] = {}
    done, since = 0, time.monotonic()
    while not leave() and root.is_dir() and time.monotonic() - since < idle:
        for offer in _open(root):
            if leave():
                break
            name = str(offer["study"])
            try:
                if name not in made:
                    folder = root / str(offer["folder"])
                    objective = objective_of(str(offer["target"]), folder, device, tick)
                    made[name] = (Study.join(store, name, patience=offer["patience"]), objective)
                study, objective = made[name]
                mine = study.run_until_done(objective, tick, wait=False, leave=leave)
            except (KeyError, FileNotFoundError):  # it ended while we looked
                continue
            if mine:
                done, since = done + mine, time.monotonic()
        tick(done, done + 1, "waiting for a trial")
        time.sleep(0.2)
    return done


@contextmanager
def _offered(root: Path, study: Study, target: str, folder: Path) -> Iterator[None]:
    """Say that a study is open, and take that back at the end."""
    place = root / OFFERS
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{re.sub(r'[^a-zA-Z0-9]+', '-', study.name)}.json"
    offer = {
        "study": study.name,
        "target": target,
        "folder": str(folder.relative_to(root)),
        "patience": study.patience,
    }
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(offer))
    part.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _open(root: Path) -> list[Json]:
    found = []
    for path in sorted((root / OFFERS).glob("*.json")):
        with suppress(OSError, ValueError):
            found.append(json.loads(path.read_text()))
    return found
