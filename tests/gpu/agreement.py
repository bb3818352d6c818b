"""The same trainings on two devices, and how far their scores lie apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from mitigations import nets
from mitigations.fairtune import checkpoint, networks, trial

Floats = NDArray[np.float64]
Precision = Literal["float32", "bfloat16"]
CONFIG: dict[str, Any] = {
    "schema": "evenhand/network/1", "arch": "residual-mlp", "classes": 2, "positive": 1,
    "width": 32, "depth": 3,
    "columns": [
        *({"name": f"x{i}", "kind": "numeric", "mean": 0.0, "sd": 1.0} for i in range(6)),
        {"name": "job", "kind": "categorical", "levels": [str(i) for i in range(9)]},
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Apart:
    """How two sets of scores of the same people differ."""

    largest: float
    mean: float
    decided: float

    @classmethod
    def of(cls, first: Floats, second: Floats) -> Apart:
        """Largest and mean difference, and the share of people decided otherwise."""
        gap = np.abs(first - second)
        return cls(
            float(gap.max()), float(gap.mean()), float(((first >= 0.5) != (second >= 0.5)).mean())
        )


def people(n: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Numbers (n, 6), codes (n,) from 1, labels."""
    rng = np.random.default_rng(seed)
    x, job = rng.standard_normal((n, 6)), rng.integers(1, 10, n)
    eta = 1.2 * x[:, 0] - 0.8 * x[:, 1] + 0.5 * x[:, 2] * x[:, 3] + 0.1 * (job - 5)
    y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(np.int64)
    return x.astype(np.float32), job, y


def stack(device: str, precision: Precision, *, noise: float = 0.0, steps: int = 300) -> Floats:
    """Scores (8 * n,) of a stack of eight networks trained on a device."""
    from mitigations.road.data import Rows

    x, _, y = people(4000, 1)
    fresh, _, _ = people(2000, 2)
    place = torch.device(device)
    rows = Rows(
        x=torch.as_tensor(x, device=place),
        y=torch.as_tensor(y, dtype=torch.float32, device=place),
        s=torch.zeros((len(y), 1), dtype=torch.long, device=place),
        k=(1,),
        a=torch.zeros((len(y), 1), device=place),
        phi=torch.ones((len(y), 1), device=place),
    )
    made = nets.Stack.new(range(8), (6, 64, 32, 1), place)
    with torch.no_grad():
        made.flat.mul_(1.0 + noise)
    loop = nets.Loop(steps=steps, precision=precision)
    found = nets.train(
        made, rows, None, torch.zeros(8, device=place), loop,
        rng=np.random.default_rng(3), tick=lambda *_: None,
    )  # fmt: skip
    with torch.no_grad():
        logits = found.stack(torch.as_tensor(fresh, device=place))
    return np.asarray(torch.sigmoid(logits.double()).cpu().numpy().ravel(), np.float64)


def fine_tuned(device: str, *, noise: float = 0.0, mask: tuple[str, ...] | None = None) -> Floats:
    """Validation scores of a FairTune trial; every group moves where no mask is given."""
    from mitigations.fairtune.groups import groups

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        module = networks.build(CONFIG)
    arrays = {n: v.numpy() * np.float32(1.0 + noise) for n, v in module.state_dict().items()}
    start = checkpoint.Checkpoint(CONFIG, arrays)
    names = tuple(groups("residual-mlp", module)) if mask is None else mask
    recipe = trial.Recipe(frozenset(names), lr=1e-3, epochs=4, seed=11)
    data = trial.Data(_split(1500, 1), _split(1500, 2), lambda scores: float(scores.mean()))
    return trial.run(start, recipe, data, device=device).valid


def _split(n: int, seed: int) -> trial.Split:
    x, job, y = people(n, seed)
    numbers = torch.from_numpy(np.hstack([x, np.zeros_like(x)]))
    inputs = trial.Tensors((numbers, torch.from_numpy(job[:, None])))
    return trial.Split(inputs, y, np.zeros(n, np.int64))
