"""Many small networks of one shape as one stack, trained together: loop, early stop, guards."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mitigations.contract import MethodError
from mitigations.passes import logits, parameter_count, views
from mitigations.steps import Steps, Stopping

__all__ = ["Loop", "Stack", "Term", "Trained", "quiet", "train", "views"]

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
        """Logits (C, B) of rows (B, d) or (C, B, d), with gradient."""
        h = x if x.ndim == 3 else x.unsqueeze(0).expand(self.count, -1, -1)
        last = len(self.weights) - 1
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = torch.baddbmm(bias, h, weight)
            if i < last:
                h = torch.relu(h)
        return h.squeeze(-1)

    def logits(self, x: Tensor) -> Tensor:
        """Logits (C, n) of any number of rows (n, d), without gradient, in blocks."""
        return logits(self.flat, self.count, self.sizes, x)

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


class Term(Protocol):
    """A penalty on the logits of a minibatch; lambda is applied by the loop.

    A term only ever sees logits: gradients flow to z, never through anything else. Optional
    methods and marks, looked up by name:

    - ``reset()`` before the first step, and before a retry with a smaller batch;
    - ``gradient(z, rows, step) -> (C, B)``, derivative of the penalty by z, where it is known in
      closed form; it is then called instead of ``penalty``;
    - ``row_weight(loss, rows, step) -> (C, B) | None``, detached weights of the label loss;
    - ``value(z, rows) -> (C,)``, the penalty of logits (C, n) on other rows (a `Rows`), without
      changing state, for early stopping;
    - ``settle(logits)`` after training, ``logits(rows) -> (C, n)`` being those of the weights
      that were kept;
    - ``attention() -> (C, n) | None``, weight of every training row;
    - ``graphable = True`` where ``gradient`` or ``penalty`` ignores ``step``, changes its state
      in place and never waits for the device, so that a CUDA graph may hold it.
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

    def rate(self, step: int) -> float:
        """Learning rate of a step."""
        share = 0.5 * (1.0 + math.cos(math.pi * step / max(self.steps, 1)))
        return self.lr * (self.floor + (1.0 - self.floor) * share)

    def rise(self, step: int) -> float:
        """Share of lambda at a step."""
        return min(1.0, (step + 1) / max(1.0, self.ramp * self.steps))


@dataclass
class Trained:
    """A trained stack: its best weights slice by slice, and how it went.

    Parameters
    ----------
    failed
        Per slice, None or ``not-finite``: a loss that is no number. Such a slice keeps its best
        weights so far, or its first ones.
    steps
        Per slice, the steps after which its weights were kept.
    batch
        Rows of a minibatch in the end.
    seconds
        Wall time.
    notes
        What went otherwise than asked.
    """

    stack: Stack
    failed: list[str | None]
    steps: list[int]
    seconds: float
    batch: int = 0
    notes: list[str] = field(default_factory=list)


@contextmanager
def quiet(threads: int = 1, seed: int = 0) -> Iterator[None]:
    """A block whose threads and random state are its own, and as they were afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        # a GPU's random state is not drawn from here: touching it would start the GPU
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(before)


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
    minibatches; none touches another. With validation rows a slice keeps the weights with the
    least such loss there (for lambda > 0, once lambda is fully up, and where the term can be
    valued on other rows); without them, its last weights.

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

    Raises
    ------
    MethodError
        ``out-of-memory``, after one more try with half the minibatch.
    """
    started = time.perf_counter()
    first, seed = stack.flat.detach().clone(), int(rng.integers(2**62))
    batch, notes = min(loop.batch, len(data.y)), []
    for left in (1, 0):
        try:
            found = _trained(stack, data, term, lam, loop, batch, seed, tick, valid)
            break
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            if left == 0 or batch < 2:
                raise MethodError(
                    "out-of-memory",
                    f"{stack.count} networks at {batch:,} rows a step do not fit into memory.",
                    "Train fewer settings at once, or choose a smaller batch.",
                ) from error
        if stack.flat.device.type == "cuda":
            torch.cuda.empty_cache()
        notes.append(f"Out of memory at {batch:,} rows a step; trained with {batch // 2:,}.")
        batch //= 2
        with torch.no_grad():
            stack.flat.copy_(first)
    return Trained(stack, *found, time.perf_counter() - started, batch, notes)


def out_of_memory(error: BaseException) -> bool:
    """Whether it says that memory is used up, on a processor or a GPU."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate" in str(
        error
    )


def _trained(
    stack: Stack,
    data: Any,
    term: Term | None,
    lam: Tensor,
    loop: Loop,
    batch: int,
    seed: int,
    tick: Callable[[int, int], None],
    valid: Any,
) -> tuple[list[str | None], list[int]]:
    reset = getattr(term, "reset", None)
    if reset is not None:
        reset()
    device = stack.flat.device
    place: Any = torch.cuda.device(device) if device.type == "cuda" else nullcontext()
    with torch.no_grad(), place:
        lam = lam.to(device=device, dtype=torch.float32)
        steps = Steps(stack, data, term, lam, loop, batch, seed)
        stopping = Stopping(stack, term, lam, loop, valid, seed)
        for step in range(loop.steps):
            tick(step, loop.steps)
            steps(step)
            look = (step + 1) % loop.every == 0 or step + 1 == loop.steps
            if look and stopping.look(step + 1, steps.bad):
                break
        kept = stopping.restore(step + 1 if loop.steps else 0, steps.bad)
        settle = getattr(term, "settle", None)
        if settle is not None:
            settle(stack.logits)
    bad = steps.bad.tolist()
    return ["not-finite" if b else None for b in bad], kept
