"""A helper's process: do trials of searches that a run has open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mitigations import device
from mitigations.fairtune import offers


def work(job: dict[str, Any], tick: Callable[..., None]) -> dict[str, Any]:
    """Do trials until nothing is open or the file ``job["leave"]`` exists."""
    leave = Path(job["leave"])
    done = offers.help_out(
        Path(job["shared"]),
        job["store"],
        device=device.resolve(job["device"]),
        tick=lambda n, total, text: tick(n, total, text),
        leave=leave.exists,
    )
    return {"trials": done}
