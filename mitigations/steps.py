"""One optimiser step of a stack, and when each of its slices has learnt enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from mitigations.passes import Passes, views

if TYPE_CHECKING:
    from mitigations.nets import Loop, Stack, Term

#: Validation rows looked at, and the least gain that counts.
MOST_LOOKED, GAIN = 4096, 1e-5
#: Steps before a CUDA graph is recorded.
WARM = 3
#: Memory of Adam's two averages.
BETAS = (0.9, 0.999)


class Steps:
    """Calls with 0, 1, 2, ... do one step each; minibatches come from shuffled passes.

    Parameters
    ----------
    stack, data, term, lam, loop
        As in `nets.train`.
    batch, seed
        Rows of a minibatch, and of their order.
    """

    def __init__(
        self,
        stack: Stack,
        data: Any,
        term: Term | None,
        lam: Tensor,
        loop: Loop,
        batch: int,
        seed: int,
    ) -> None:
        device = stack.flat.device
        self.data, self.term, self.lam, self.loop, self.batch = data, term, lam, loop, batch
        self.generator = torch.Generator().manual_seed(seed)
        self.left = torch.empty(0, dtype=torch.long)
        self.passes = Passes(stack.flat, stack.count, stack.sizes, batch, loop.precision)
        self.bad = torch.zeros(stack.count, dtype=torch.bool, device=device)
        self.off = (lam == 0.0)[:, None] if bool((lam == 0.0).any()) else None
        self.pulled = term is not None and bool((lam != 0.0).any())
        self.adam = Adam(stack.flat.detach(), self.passes.grad, loop.decay)
        self.cuda = device.type == "cuda"
        self.rows = torch.empty(batch, dtype=torch.long, device=device)
        self.rise = torch.empty((), device=device)
        self.graph: Any = None
        self.recorded = self.cuda and (not self.pulled or getattr(term, "graphable", False))
        self.recorded &= getattr(term, "row_weight", None) is None

    def __call__(self, step: int) -> None:
        """Do one step."""
        while len(self.left) < self.batch:
            order = torch.randperm(len(self.data.y), generator=self.generator)
            self.left = torch.cat([self.left, order])
        self.rows.copy_(self.left[: self.batch], non_blocking=True)
        self.left = self.left[self.batch :]
        self.rise.fill_(self.loop.rise(step))
        self.adam.prepare(step, self.loop.rate(step))
        if not self.recorded:
            self._step(step)
        elif step < WARM:
            side: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                self._step(step)
            torch.cuda.current_stream().wait_stream(side)
        elif self.graph is not None or self._record(step):
            self.graph.replay()
        else:
            self.recorded = False
            self._step(step)

    def _record(self, step: int) -> bool:
        """Hold a step in a CUDA graph; False where the term cannot be held."""
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                self._step(step)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError:
            return False
        self.graph = graph
        return True

    def _step(self, step: int) -> None:
        data, rows = self.data, self.rows
        z = self.passes.forward(data.x.index_select(0, rows))
        y = data.y.index_select(0, rows)
        pull = torch.sigmoid(z).sub_(y)
        weigh = getattr(self.term, "row_weight", None)
        if weigh is not None:
            loss = functional.binary_cross_entropy_with_logits(z, y.expand_as(z), reduction="none")
            weight = weigh(loss, rows, step)
            if weight is not None:
                pull *= weight
        if data.weight is not None:
            pull *= data.weight.index_select(0, rows)
        pull /= self.batch
        if self.pulled:
            more = self._penalty(z, rows, step)
            if self.off is not None:
                more = more.masked_fill(self.off, 0.0)
            pull.addcmul_(more, (self.lam * self.rise)[:, None])
        bad = ~torch.isfinite(pull.sum(1))
        self.bad |= bad
        pull.masked_fill_(bad[:, None], 0.0)
        self.passes.backward(pull)
        self.adam.step()

    def _penalty(self, z: Tensor, rows: Tensor, step: int) -> Tensor:
        """Derivative (C, B) of the penalty by the logits."""
        assert self.term is not None
        known = getattr(self.term, "gradient", None)
        if known is not None:
            found: Tensor = known(z, rows, step)
            return found
        with torch.enable_grad():
            leaf = z.detach().requires_grad_(True)
            penalty = self.term.penalty(leaf, rows, step)
            (pull,) = torch.autograd.grad(penalty.sum(), leaf)
        return pull


class Adam:
    """AdamW over one flat tensor; what changes from step to step lies on the device.

    (``torch.optim`` takes seconds to import, and needs its own flags inside a CUDA graph.)
    """

    def __init__(self, flat: Tensor, grad: Tensor, decay: float) -> None:
        self.flat, self.grad, self.decay = flat, grad, decay
        self.mean, self.square = torch.zeros_like(flat), torch.zeros_like(flat)
        self.space = torch.empty_like(flat)
        self.facts = torch.empty(3, device=flat.device)

    def prepare(self, step: int, rate: float) -> None:
        """Set what step number ``step`` (from 0) needs."""
        first, second = 1.0 - BETAS[0] ** (step + 1), 1.0 - BETAS[1] ** (step + 1)
        self.facts.copy_(torch.tensor([second**-0.5, rate / first, 1.0 - rate * self.decay]))

    def step(self) -> None:
        """Move the weights."""
        self.mean.lerp_(self.grad, 1.0 - BETAS[0])
        self.square.mul_(BETAS[1]).addcmul_(self.grad, self.grad, value=1.0 - BETAS[1])
        torch.sqrt(self.square, out=self.space)
        self.space.mul_(self.facts[0]).add_(1e-8)
        torch.div(self.mean, self.space, out=self.space)
        self.flat.mul_(self.facts[2]).sub_(self.space.mul_(self.facts[1]))


class Stopping:
    """Keeps, slice by slice, the weights that do best on validation rows.

    Parameters
    ----------
    stack, term, lam, loop
        As in `nets.train`.
    valid
        Rows to look at, or None to keep the last weights.
    seed
        Which of them are looked at where there are more than `MOST_LOOKED`.
    """

    def __init__(
        self, stack: Stack, term: Term | None, lam: Tensor, loop: Loop, valid: Any, seed: int
    ) -> None:
        self.stack, self.lam, self.loop = stack, lam, loop
        if valid is not None and len(valid.y) > MOST_LOOKED:
            generator = torch.Generator().manual_seed(seed)
            some = torch.randperm(len(valid.y), generator=generator)[:MOST_LOOKED]
            valid = valid.take(some.sort().values.to(lam.device))
        self.valid = valid
        self.value = getattr(term, "value", None)
        self.judged = lam == 0.0
        if self.value is not None:
            self.judged = torch.ones_like(self.judged)
        self.kept = stack.flat.detach().clone()
        self.best = torch.full_like(lam, torch.inf)
        self.at = torch.zeros(len(lam), dtype=torch.long, device=lam.device)
        self.waited = torch.zeros_like(self.at)

    def look(self, step: int, bad: Tensor) -> bool:
        """Keep the weights of slices that do better than ever; whether all have had enough."""
        if self.valid is None:
            return False
        loss = self._loss()
        full = step >= self.loop.ramp * self.loop.steps
        open_ = self.judged & ~bad & (self.waited < self.loop.patience)
        if not full:
            open_ &= self.lam == 0.0
        better = open_ & (loss < self.best - GAIN)
        self._keep(better, step)
        self.best = torch.where(better, loss, self.best)
        self.waited = torch.where(better, 0, self.waited + open_.long())
        return bool((bad | (self.waited >= self.loop.patience)).all())

    def restore(self, step: int, bad: Tensor) -> list[int]:
        """Put the kept weights back; the step each slice's are from."""
        finite = torch.isfinite(self._by_slice(self.stack.flat.detach())).all(1)
        bad |= ~finite
        unseen = ~bad & ~torch.isfinite(self.best)
        self._keep(unseen, step)
        self.stack.flat.detach().copy_(self.kept)
        found: list[int] = self.at.tolist()
        return found

    def _loss(self) -> Tensor:
        z, valid = self.stack.logits(self.valid.x), self.valid
        loss = functional.binary_cross_entropy_with_logits(
            z, valid.y.expand_as(z), reduction="none"
        )
        total = (loss if valid.weight is None else loss * valid.weight).mean(1)
        if self.value is not None:
            penalty = self.lam * self.value(z, valid)
            total = torch.where(self.lam == 0.0, total, total + penalty)
        return total

    def _by_slice(self, flat: Tensor) -> Tensor:
        parts = views(flat, self.stack.count, self.stack.sizes)
        return torch.cat([part.flatten(1) for part in parts[0] + parts[1]], 1)

    def _keep(self, which: Tensor, step: int) -> None:
        now = views(self.stack.flat.detach(), self.stack.count, self.stack.sizes)
        old = views(self.kept, self.stack.count, self.stack.sizes)
        for new, kept in zip(now[0] + now[1], old[0] + old[1], strict=True):
            kept.copy_(torch.where(which[:, None, None], new, kept))
        self.at = torch.where(which, step, self.at)
