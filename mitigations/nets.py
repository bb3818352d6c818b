"""Many small networks of one shape as one stack, trained together: loop, early stop, guards."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]

#: Validation rows at a time, and differences of their loss (in nats) that are noise.
VALID_ROWS, SLACK = 16_384, 1e-3


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
    return sum((a + 1) * b for a, b in pairwise(sizes))


def views(flat: Tensor, count: int, sizes: Sequence[int]) -> tuple[list[Tensor], list[Tensor]]:
    """Weights and biases of every layer as views of one flat tensor."""
    weights, biases, at = [], [], 0
    for a, b in pairwise(sizes):
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
    minibatches and never touch otherwise. A slice whose loss or gradient is not a number is set
    to 0, marked, and takes no further part. Where memory runs out, training begins again once
    with half the rows in a minibatch.

    Parameters
    ----------
    stack
        Networks; changed in place.
    data, valid
        `road.data.Rows` to fit on, and to stop early by. Each slice keeps the weights with the
        least ``BCE + lam penalty`` on the validation rows, looked at once lambda has grown, and
        training ends when no slice has gained for `Loop.patience` looks.
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
    MemoryError
        Half the rows were still too many.
    """
    seed = int(rng.integers(2**62))
    start = stack.flat.detach().clone()
    batch = min(loop.batch, len(data.y))
    notes: list[str] = []
    for last in (False, True):
        try:
            run = _Run(stack, data, term, lam, loop, batch=batch, seed=seed, valid=valid)
            run.go(tick)
            return run.result(notes)
        except (torch.OutOfMemoryError, MemoryError) as error:
            if last or batch < 2:
                raise MemoryError(
                    f"{batch} rows at a time are too many for {lam.device}"
                ) from error
            stack.flat = start.clone()
            stack.weights, stack.biases = views(stack.flat, stack.count, stack.sizes)
            if stack.flat.is_cuda:
                torch.cuda.empty_cache()
            batch //= 2
            notes.append(f"memory ran out: {batch} rows at a time")
    raise AssertionError


class _Run:
    """One attempt at training a stack."""

    def __init__(
        self,
        stack: Stack,
        data: Any,
        term: Term | None,
        lam: Tensor,
        loop: Loop,
        *,
        batch: int,
        seed: int,
        valid: Any,
    ) -> None:
        self.started = time.perf_counter()
        self.stack, self.data, self.term, self.loop, self.valid = stack, data, term, loop, valid
        self.device = stack.flat.device
        self.lam = lam.to(device=self.device, dtype=torch.float32)
        self.batch = batch
        self.flat = stack.flat.detach().requires_grad_(True)
        self._use(self.flat)
        # One flat tensor, so that a step is one fused update whatever the number of layers.
        self.adam = torch.optim.AdamW([self.flat], lr=loop.lr, weight_decay=loop.decay, fused=True)
        self.generator = torch.Generator().manual_seed(seed)
        self.left = torch.empty(0, dtype=torch.long)
        self.alive = torch.ones(stack.count, dtype=torch.bool, device=self.device)
        self.failed: list[str | None] = [None] * stack.count
        self.best = torch.full((stack.count,), torch.inf, device=self.device)
        self.kept = self.flat.detach().clone()
        self.steps = torch.zeros(stack.count, dtype=torch.long, device=self.device)
        self.stale = torch.zeros(stack.count, dtype=torch.long, device=self.device)
        reset = getattr(term, "reset", None)
        if reset is not None:
            reset()

    def go(self, tick: Callable[[int, int], None]) -> None:
        """Every step, with looks at the validation rows."""
        loop = self.loop
        for step in range(loop.steps):
            tick(step, loop.steps)
            share = 0.5 * (1.0 + math.cos(math.pi * step / loop.steps))
            self.adam.param_groups[0]["lr"] = loop.lr * (loop.floor + (1.0 - loop.floor) * share)
            self._step(self._rows(), step)
            if self.valid is None or (step + 1) % loop.every:
                continue
            if self._look(step + 1):
                break

    def result(self, notes: list[str]) -> Trained:
        """The networks as they were best; as they are where nothing was looked at."""
        kept = self.kept if self.valid is not None else self.flat.detach()
        if self.valid is None:
            self.steps.fill_(self.loop.steps)
        self.stack.flat = kept
        self._use(kept)
        return Trained(
            self.stack, self.failed, self.steps.tolist(),
            time.perf_counter() - self.started, self.batch, notes,
        )  # fmt: skip

    def _use(self, flat: Tensor) -> None:
        stack = self.stack
        stack.flat = flat
        stack.weights, stack.biases = views(flat, stack.count, stack.sizes)

    def _rows(self) -> Tensor:
        while len(self.left) < self.batch:
            order = torch.randperm(len(self.data.y), generator=self.generator)
            self.left = torch.cat([self.left, order])
        rows, self.left = self.left[: self.batch], self.left[self.batch :]
        return rows.to(self.device, non_blocking=True)

    def _ramp(self, step: int) -> float:
        return min(1.0, (step + 1) / max(1.0, self.loop.ramp * self.loop.steps))

    def _logits(self, x: Tensor) -> Tensor:
        if self.loop.precision == "float32":
            return self.stack(x)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            z = self.stack(x)
        return z.float()

    def _step(self, rows: Tensor, step: int) -> None:
        z = self._logits(self.data.x[rows])
        total = self._label_loss(z, self.data, rows, step)
        if self.term is not None:
            total = total + self.lam * self._ramp(step) * self.term.penalty(z, rows, step)
        self.adam.zero_grad()
        torch.where(self.alive, total, torch.zeros_like(total)).sum().backward()  # type: ignore[no-untyped-call]
        grad = self.flat.grad
        assert grad is not None
        fine = torch.isfinite(total)
        if not bool(fine.all()) or not bool(torch.isfinite(grad).all()):
            self._drop(~(fine & self._finite(grad)))
            grad.nan_to_num_(0.0, 0.0, 0.0)
        self.adam.step()
        if not bool(self.alive.all()):
            self._clear(self.flat)

    def _label_loss(self, z: Tensor, data: Any, rows: Tensor | None, step: int) -> Tensor:
        y = (data.y if rows is None else data.y[rows]).expand_as(z)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="none")
        if data.weight is not None:
            loss = loss * (data.weight if rows is None else data.weight[rows])
        choose = None if rows is None else getattr(self.term, "row_weight", None)
        if choose is not None:
            weight = choose(loss.detach(), rows, step)
            if weight is not None:
                loss = loss * weight
        return loss.mean(1)

    def _finite(self, flat: Tensor) -> Tensor:
        fine = torch.ones(self.stack.count, dtype=torch.bool, device=self.device)
        for parts in views(flat, self.stack.count, self.stack.sizes):
            for part in parts:
                fine &= torch.isfinite(part).flatten(1).all(1)
        return fine

    def _drop(self, lost: Tensor) -> None:
        """Slices that take no further part."""
        for c in torch.nonzero(lost & self.alive).flatten().tolist():
            self.failed[c] = "not-finite"
        self.alive &= ~lost

    def _clear(self, flat: Tensor) -> None:
        """Set the weights and running moments of lost slices to 0."""
        state = self.adam.state[self.flat]
        with torch.no_grad():
            for tensor in (flat, state["exp_avg"], state["exp_avg_sq"]):
                for parts in views(tensor, self.stack.count, self.stack.sizes):
                    for part in parts:
                        part[~self.alive] = 0.0

    @torch.no_grad()
    def _look(self, done: int) -> bool:
        """Keep what is best on the validation rows; whether no slice gains any more."""
        ready = (self.lam == 0) | (done >= self.loop.ramp * self.loop.steps)
        z = torch.cat([self._logits(part) for part in self.valid.x.split(VALID_ROWS)], dim=1)
        loss = self._label_loss(z, self.valid, None, done)
        value = getattr(self.term, "value", None)
        if value is not None:
            loss = loss + self.lam * value(z, self.valid)
        # Of weights that validation cannot tell apart, the later are kept.
        keep = ready & self.alive & ((loss < self.best + SLACK) | torch.isinf(self.best))
        self.best = torch.where(keep, torch.minimum(loss, self.best), self.best)
        self.stale = torch.where(keep | ~ready, 0, self.stale + 1)
        self.steps = torch.where(keep, done, self.steps)
        own, best = (views(f, self.stack.count, self.stack.sizes) for f in (self.flat, self.kept))
        for mine, theirs in zip((*own[0], *own[1]), (*best[0], *best[1]), strict=True):
            theirs[keep] = mine[keep]
        return bool(((self.stale >= self.loop.patience) | ~self.alive).all())
