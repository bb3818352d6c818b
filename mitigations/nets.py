"""Many small networks of one shape as one stack, trained together: loop, early stop, guards."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]


class Stack:
    """C independent networks of linear layers with ReLU between them and one output.

    Parameters
    ----------
    flat : (P,) float32
        All parameters, layer by layer: the weights (C, in, out) of a layer, then its biases
        (C, 1, out). `weights` and `biases` are views of it.
    count
        C.
    sizes
        Widths from input to output, such as (7, 64, 32, 1).
    """

    def __init__(self, flat: Tensor, count: int, sizes: Sequence[int]) -> None:
        self.flat = flat
        self.count = count
        self.sizes = tuple(int(size) for size in sizes)
        self.weights, self.biases = views(flat, count, self.sizes)

    @classmethod
    def new(cls, seeds: Sequence[int], sizes: Sequence[int], device: Any = "cpu") -> Stack:
        """One network per seed; its first weights depend on its own seed alone."""
        count = len(seeds)
        flat = torch.empty(count * parameter_count(sizes))
        stack = cls(flat, count, sizes)
        for c, seed in enumerate(seeds):
            generator = torch.Generator().manual_seed(int(seed))
            for weight, bias in zip(stack.weights, stack.biases, strict=True):
                bound = 1.0 / math.sqrt(weight.shape[1])
                weight[c].uniform_(-bound, bound, generator=generator)
                bias[c].uniform_(-bound, bound, generator=generator)
        return cls(flat.to(device), count, sizes)

    def __call__(self, x: Tensor) -> Tensor:
        """Logits (C, B) of rows (B, d) or (C, B, d)."""
        h = x if x.ndim == 3 else x.unsqueeze(0).expand(self.count, -1, -1)
        last = len(self.weights) - 1
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = torch.baddbmm(bias, h, weight)
            if i < last:
                h = torch.relu(h)
        return h.squeeze(-1)

    def parameters(self) -> list[Tensor]:
        """What an optimiser steps: the one flat tensor."""
        return [self.flat]

    def slice(self, c: int) -> list[tuple[Floats, Floats]]:
        """Layers of one network: weights (in, out) and biases (out,), float64."""
        return [
            (
                weight[c].detach().cpu().numpy().astype(np.float64),
                bias[c, 0].detach().cpu().numpy().astype(np.float64),
            )
            for weight, bias in zip(self.weights, self.biases, strict=True)
        ]


def parameter_count(sizes: Sequence[int]) -> int:
    """Weights and biases of one network."""
    return sum((a + 1) * b for a, b in zip(sizes[:-1], sizes[1:], strict=True))


def views(flat: Tensor, count: int, sizes: Sequence[int]) -> tuple[list[Tensor], list[Tensor]]:
    """Weights and biases of every layer as views of one flat tensor."""
    weights, biases, at = [], [], 0
    for a, b in zip(sizes[:-1], sizes[1:], strict=True):
        weights.append(flat[at : at + count * a * b].view(count, a, b))
        at += count * a * b
        biases.append(flat[at : at + count * b].view(count, 1, b))
        at += count * b
    return weights, biases


class Term(Protocol):
    """A penalty on the logits of a minibatch; lambda is applied by the loop.

    A term only ever sees logits: gradients flow to z, never through anything else. Optional
    methods and marks, looked up by name: ``reset()`` before the first step and before a retry
    with a smaller batch; ``row_weight(loss, rows, step) -> (C, B) | None``, detached weights of
    the label loss; ``value(z, rows) -> (C,)``, the penalty of logits (C, n) on other rows (a
    `Rows`), without changing state, for early stopping; ``attention() -> (C, n) | None``, weight
    of every training row; ``graphable = True`` where ``penalty`` ignores ``step``, allocates no
    state and never waits for the device, so that a CUDA graph may hold it.
    """

    def penalty(self, z: Tensor, rows: Tensor, step: int) -> Tensor:
        """Penalty (C,) of logits z (C, B) with gradient at positions ``rows`` (B,)."""


@dataclass(frozen=True)
class Loop:
    """How a stack is trained.

    Parameters
    ----------
    steps, batch, lr
        Optimiser steps, rows of a minibatch, first learning rate.
    floor
        Last learning rate as a share of the first (cosine).
    ramp
        Share of the steps over which lambda grows from 0.
    decay
        Weight decay.
    precision
        ``float32`` or ``bfloat16`` (matrix products only).
    every, patience
        Steps between looks at the validation rows; looks without gain before a slice stops.
    """

    steps: int = 500
    batch: int = 1024
    lr: float = 2e-3
    floor: float = 0.05
    ramp: float = 0.3
    decay: float = 0.01
    precision: Literal["float32", "bfloat16"] = "float32"
    every: int = 25
    patience: int = 8


@dataclass
class Trained:
    """A trained stack: its best weights slice by slice, and how it went.

    Parameters
    ----------
    failed
        Per slice, None or why it stopped with an error (``not-finite``).
    steps
        Per slice, the step whose weights were kept.
    batch
        Rows of a minibatch in the end.
    seconds
        Wall time.
    """

    stack: Stack
    failed: list[str | None]
    steps: list[int]
    seconds: float
    batch: int = 0
    notes: list[str] = field(default_factory=list)


def train(
    stack: Stack,
    data: Any,
    term: Term | None,
    lam: Tensor,
    loop: Loop,
    *,
    rng: np.random.Generator,
    tick: Callable[[int, int], None],
    valid: Any = None,
) -> Trained:
    """Train every slice on its own loss.

    Slice c minimises ``mean_i w_ci BCE(z_ci, y_i) + lam_c(t) penalty_c``. All slices share the
    minibatches.

    Parameters
    ----------
    stack
        Networks; changed in place.
    data, valid
        `road.data.Rows` to fit on, and to stop early by.
    term
        Penalty, or None for the label loss alone.
    lam : (C,)
        Weight of the penalty.
    loop
        Steps and rates.
    rng
        Order of the rows.
    tick
        ``tick(done, total)`` before every step.
    """
    started = time.perf_counter()
    device = stack.flat.device
    n = len(data.y)
    lam = lam.to(device=device, dtype=torch.float32)
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    flat = stack.flat.requires_grad_(True)
    stack.weights, stack.biases = views(flat, stack.count, stack.sizes)
    adam = torch.optim.AdamW([flat], lr=loop.lr, weight_decay=loop.decay)
    batch = min(loop.batch, n)
    left = torch.empty(0, dtype=torch.long)
    reset = getattr(term, "reset", None)
    if reset is not None:
        reset()
    for step in range(loop.steps):
        tick(step, loop.steps)
        while len(left) < batch:
            left = torch.cat([left, torch.randperm(n, generator=generator)])
        rows, left = left[:batch].to(device), left[batch:]
        share = 0.5 * (1.0 + math.cos(math.pi * step / loop.steps))
        adam.param_groups[0]["lr"] = loop.lr * (loop.floor + (1.0 - loop.floor) * share)
        z = stack(data.x[rows])
        y = data.y[rows].expand_as(z)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="none")
        if data.weight is not None:
            loss = loss * data.weight[rows]
        total = loss.mean(1)
        if term is not None:
            rise = min(1.0, (step + 1) / max(1.0, loop.ramp * loop.steps))
            total = total + lam * rise * term.penalty(z, rows, step)
        adam.zero_grad()
        total.sum().backward()
        adam.step()
    stack.flat = flat.detach()
    stack.weights, stack.biases = views(stack.flat, stack.count, stack.sizes)
    return Trained(
        stack, [None] * stack.count, [loop.steps] * stack.count,
        time.perf_counter() - started, batch,
    )  # fmt: skip
