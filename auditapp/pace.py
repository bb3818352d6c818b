"""How fast this machine trains networks: twenty timed steps, kept for estimates."""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.conf import settings

STEPS = 20
#: What is timed: so many networks in one stack, of so many inputs, on batches of so many rows.
NETWORKS, INPUTS, BATCH = 35, 10, 1024
HIDDEN = (64, 32)
#: Seconds a step took where the costs of the remedies were measured, one core without others.
REFERENCE = 0.036
_FILE = "pace.json"


@dataclass(frozen=True)
class Pace:
    """Seconds that one step takes on a device, and when that was measured."""

    device: str
    step: float
    measured: str

    @property
    def slower(self) -> float:
        """How many times as long as on the machine where costs were measured."""
        return self.step / REFERENCE


def path() -> Path:
    """Where measurements are kept."""
    return Path(settings.DATA_DIR) / _FILE


def read() -> dict[str, Pace]:
    """What was measured here, by device; empty where nothing was."""
    try:
        found = json.loads(path().read_text(encoding="utf-8"))
        return {str(name): Pace(**item) for name, item in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write(pace: Pace) -> None:
    """Keep a measurement beside those of other devices."""
    kept = {**{k: asdict(v) for k, v in read().items()}, kind(pace.device): asdict(pace)}
    path().parent.mkdir(parents=True, exist_ok=True)
    new = path().with_suffix(".new")
    new.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    new.replace(path())


def kind(device: str) -> str:
    """``cpu`` or ``gpu``."""
    return "gpu" if device.startswith("cuda") else "cpu"


def measure(device: str = "cpu", steps: int = STEPS) -> Pace:
    """Time steps of a stack of networks; the median, so that a hiccup does not count."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        step = statistics.median(_timed(torch, device, steps))
    finally:
        torch.set_num_threads(before)
    return Pace(device, step, datetime.now(UTC).strftime("%Y-%m-%d"))


def _timed(torch: Any, device: str, steps: int) -> list[float]:
    generator = torch.Generator().manual_seed(0)
    sizes = (INPUTS, *HIDDEN, 1)
    weights = [
        (torch.randn(NETWORKS, a, b, generator=generator) / a**0.5).to(device).requires_grad_()
        for a, b in pairwise(sizes)
    ]
    x = torch.randn(BATCH, INPUTS, generator=generator).to(device)
    y = (torch.rand(BATCH, generator=generator) < 0.5).float().to(device)
    optimiser = torch.optim.AdamW(weights, lr=1e-3)
    found = []
    for _ in range(steps + 2):  # the first two warm up
        start = time.perf_counter()
        h = x.expand(NETWORKS, -1, -1)
        for weight in weights[:-1]:
            h = torch.relu(h @ weight)
        z = (h @ weights[-1]).squeeze(-1)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y.expand(NETWORKS, -1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        found.append(time.perf_counter() - start)
    return found[2:]
