"""Handwritten digits as pictures whose easy feature misleads about one group.

Fixture of fairtune.md section 5. A network is pretrained on the digits 0, 1, 2, 4, 6, 7 in random
colours. The task is 3 or 8 against 5 or 9. In group 0 (88 % of the training rows) ink is bright
and the colour agrees with the label in 95 of 100 pictures; in group 1 ink is faint and the colour
disagrees in 95 of 100. So whoever learns the colour is wrong about group 1. Validation and test
rows are half group 1; no source digit is in two parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from mitigations.contract import Part
from mitigations.fairtune.checkpoint import Checkpoint

EASY = (0, 1, 2, 4, 6, 7)
FAVOURABLE, OTHER = (3, 8), (5, 9)
AGREES = 0.95
INK = (1.0, 0.3)
RED, BLUE = (1.0, 0.4, 0.15), (0.15, 0.4, 1.0)
NOISE = 0.1
CONFIG: dict[str, Any] = {
    "schema": "evenhand/network/1",
    "arch": "vit",
    "classes": len(EASY),
    "positive": 1,
    "img_size": 8,
    "patch": 2,
    "dim": 32,
    "depth": 4,
    "heads": 4,
    "mlp_ratio": 2,
    "channels": 3,
    "mean": [0.25, 0.25, 0.25],
    "std": [0.25, 0.25, 0.25],
}


@dataclass(frozen=True)
class Digits:
    """One draw of the task."""

    train: Part
    valid: Part
    test: Part


def rendered(
    shapes: NDArray[np.float64],
    colour: NDArray[np.float64],
    ink: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Pictures (n, 3, 8, 8): ink of a colour (n, 3) and a strength (n,) on a noisy ground."""
    drawn = ink[:, None, None, None] * colour[:, :, None, None] * shapes[:, None] / 16.0
    out = 0.1 + 0.85 * drawn + rng.normal(0.0, NOISE, drawn.shape)
    return np.asarray(np.clip(out * 255.0, 0.0, 255.0), dtype=np.uint8)


def digits(seed: int) -> Digits:
    """Training 240, validation 400 and test 2,000 pictures of one draw."""
    rng = np.random.default_rng([seed, 7])
    data = load_digits()
    shapes, target = data.images, data.target
    wanted = np.flatnonzero(np.isin(target, (*FAVOURABLE, *OTHER)))
    order = rng.permutation(wanted)
    third = len(order) // 3
    pools = order[:third], order[third : 2 * third], order[2 * third :]
    sizes, shares = (240, 400, 2000), (0.12, 0.5, 0.5)
    made = [
        _part(shapes, target, pool, n, share, rng)
        for pool, n, share in zip(pools, sizes, shares, strict=True)
    ]
    return Digits(*made)


def _part(
    shapes: Any, target: Any, pool: Any, n: int, share: float, rng: np.random.Generator
) -> Part:
    chosen = rng.choice(pool, n)
    y = np.isin(target[chosen], FAVOURABLE).astype(np.int8)
    group = (rng.random(n) < share).astype(np.int32)
    agrees = rng.random(n) < AGREES
    red = np.where(agrees == (group == 0), y, 1 - y)
    colour = np.where(red[:, None] == 1, RED, BLUE) + rng.normal(0.0, 0.05, (n, 3))
    ink = np.where(group == 0, INK[0], INK[1])
    return Part(
        x=np.zeros((n, 0), np.float32),
        group=group,
        groups={"ink": group},
        row_key=rng.integers(0, 1 << 63, n).astype(np.uint64),
        y=y,
        blobs={"image": rendered(shapes[chosen], colour, ink, rng)},
    )


@cache
def pretrained(steps: int = 600, seed: int = 0) -> Checkpoint:
    """A network that tells the other six digits apart, in whatever colour."""
    import torch
    from torch.nn import functional

    from mitigations.fairtune import networks
    from mitigations.fairtune.trial import deterministic

    rng = np.random.default_rng([seed, 11])
    data = load_digits()
    keep = np.flatnonzero(np.isin(data.target, EASY))
    place = {digit: i for i, digit in enumerate(EASY)}
    label = np.array([place[int(t)] for t in data.target[keep]])
    with deterministic(seed, torch.device("cpu")):
        net: Any = networks.build(CONFIG)
        optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
        plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
        for _ in range(steps):
            rows = rng.integers(0, len(keep), 64)
            colour, ink = rng.uniform(0.1, 1.0, (64, 3)), rng.choice(INK, 64)
            pictures = rendered(data.images[keep[rows]], colour, ink, rng)
            loss = functional.cross_entropy(
                net(torch.from_numpy(pictures)), torch.from_numpy(label[rows])
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            plan.step()
        state = {k: v.numpy().copy() for k, v in net.state_dict().items()}
    task = {**CONFIG, "classes": 2}
    return Checkpoint(task, {k: v for k, v in state.items() if not k.startswith("head.")})
