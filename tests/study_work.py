"""A search that several processes do: ``python -m tests.study_work URL FOLDER ROLE``."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mitigations.fairtune.study import Ask, Choice, Real, Study, Whole

NAME = "toy"
SPACE = {"depth": Whole(0, 12), "lr": Real(1e-5, 1e-2, log=True), "embed": Choice((False, True))}
ANCHORS = {
    "none": {"depth": 12, "lr": 1e-3, "embed": False},
    "all": {"depth": 0, "lr": 1e-3, "embed": True},
}
REQUESTED = 14
EPOCHS = 6


def value_of(ask: Ask, epoch: int) -> float:
    """Grows with the epochs towards something that the values decide."""
    depth, lr = float(ask.params["depth"]), float(ask.params["lr"])
    return 1.0 - 0.01 * (depth - 4.0) ** 2 - 50.0 * abs(lr - 2e-3) - 0.5 / epoch


def objective(
    folder: Path, _device: str = "cpu", _tick: object = None, pause: float = 0.02
) -> Callable[[Ask], float]:
    """Does a trial and leaves a line for each that it begins; dies where `folder` says so."""

    def one(ask: Ask) -> float:
        with (folder / "begun.jsonl").open("a") as file:
            facts = {"slot": ask.slot, "number": ask.number, "seed": ask.seed, "pid": os.getpid()}
            file.write(json.dumps({**facts, "params": dict(ask.params)}) + "\n")
        value = 0.0
        for epoch in range(1, EPOCHS + 1):
            time.sleep(pause)
            if epoch == 2 and (folder / f"die-{ask.slot}").exists():
                os.kill(os.getpid(), signal.SIGKILL)
            value = value_of(ask, epoch)
            if ask.report(epoch, value):
                break
        ask.note(pid=os.getpid())
        return value

    return one


def study(url: str | None, *, patience: float = 30.0, requested: int = REQUESTED) -> Study:
    """As the coordinator declares it."""
    return Study(
        url, NAME, "maximize", ANCHORS, SPACE, requested, seed=3, startup=4, patience=patience
    )


def main() -> None:
    """Coordinate, or help."""
    url, folder, role = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    pause = float(sys.argv[4]) if len(sys.argv) > 4 else 0.02
    found = study(url) if role == "coordinate" else Study.join(url, NAME)
    (folder / f"{role}-{os.getpid()}").touch()
    found.run_until_done(objective(folder, pause=pause), wait=role == "coordinate")


if __name__ == "__main__":
    main()
