"""ROAD and BROAD as published: an adversary and a density ratio, both trained inside the loop.

    predictor  min_f  mean L_Y - lambda mean rbar L_S(g(f(x)), s)
    adversary  min_g  mean L_S                                     (unweighted)
    ratio      min_r  mean rbar L_S + tau mean rbar log rbar,   rbar = r / its mean in the group

The adversary is fitted without the ratio, so it learns nothing of local gaps that cancel in the
whole; the ratio then has nothing to weigh and stays near 1. Where the score already depends on
the group, the ratio may depend on (x, s) or (z, s) and rewards scores without information:
look out for collapse. Offered to reproduce the paper, not because it works.

References
----------
Grari, Laugel, Hashimoto, Lamprier, Detyniecki, On the fairness ROAD: robust optimization for
adversarial debiasing, ICLR 2024.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from mitigations.road.data import Rows
from mitigations.road.rivals import Rival, cells, entropy, group_loss, places, standardised

#: Hidden widths of the adversary and of the ratio.
ADVERSARY, RATIO = (64, 32, 16), (64, 32)
#: Largest size of the log of an unnormalised ratio.
CAP = 10.0
#: Temperatures below it are read as it: all weight on the rows the adversary knows best.
COLDEST = 1e-6

LABEL = (
    "As published: the adversary is fitted without the weights, so it cannot see local gaps that "
    "cancel in the whole, and the weights stay near 1."
)


def log_ratio(logits: Tensor, cell: Tensor, count: int) -> Tensor:
    """Logs (C, B) of weights with mean 1 in every cell.

    Parameters
    ----------
    logits : (C, B)
        Logs of weights before they are normalised.
    cell : (B,)
        Of each row, -1 for rows that keep weight 1.
    count
        Cells; those without a row do not matter.
    """
    inside = cell >= 0
    at = cell.clamp(min=0).expand_as(logits)
    low = torch.full((len(logits), count), -torch.inf, device=logits.device, dtype=logits.dtype)
    seen = torch.where(inside, logits.detach(), -torch.inf)
    top = low.scatter_reduce(1, at, seen, "amax")
    top = torch.where(torch.isfinite(top), top, torch.zeros_like(top))
    shifted = logits - top.gather(1, at)
    belongs = places(cell, count, logits.dtype)
    mean = (shifted.clamp(max=0.0).exp() @ belongs) / belongs.sum(0).clamp(min=1.0)
    logs = shifted - mean.clamp(min=1e-30).log().gather(1, at)
    return torch.where(inside, logs, torch.zeros_like(logs))


def broad(loss: Tensor, cell: Tensor, count: int, tau: Tensor) -> Tensor:
    """BROAD's weights (C, B): the ratio that minimises its objective, free in every row.

    ``rbar_i = exp(-L_i / tau) / mean_j in cell of exp(-L_j / tau)``, all 1 where tau is infinite.
    """
    return log_ratio(-loss / tau.clamp(min=COLDEST)[:, None], cell, count).exp()


def objective(logs: Tensor, loss: Tensor, cell: Tensor, tau: Tensor) -> Tensor:
    """What the ratio minimises (C,): mean rbar L + tau mean rbar log rbar over rows in a cell."""
    inside = (cell >= 0).to(loss.dtype)
    ratio = logs.exp()
    finite = torch.where(torch.isfinite(tau), tau, torch.zeros_like(tau))
    value = ratio * (loss + finite[:, None] * logs)
    return (value * inside).sum(1) / inside.sum().clamp(min=1.0)


class Published:
    """Penalty: minus the adversary's loss under the ratio.

    Parameters
    ----------
    rows
        Training rows.
    tau : (C,)
        Temperature of each slice; infinite is plain adversarial training.
    form
        ``road``, a network of (x, s), or ``broad``, the closed form.
    inner
        Adam steps on the adversary and on the ratio before every step of the predictor; the
        authors' code takes (10, 10), and 50 on the adversary of ``broad``.
    seeds
        First weights of adversary and ratio, one per slice.
    lr
        Learning rate of both; the paper's is that of the predictor.
    scaled
        Whether the adversary is given the standardised logit; the authors' code gives the raw
        one, which lets the predictor shrink its scores until they hold nothing.
    """

    note = LABEL

    def __init__(
        self,
        rows: Rows,
        tau: Tensor,
        *,
        form: Literal["road", "broad"] = "road",
        inner: tuple[int, int] = (3, 2),
        seeds: Sequence[int],
        lr: float = 2e-3,
        scaled: bool = True,
    ) -> None:
        self.rows = rows
        self.tau = tau.to(device=rows.y.device, dtype=torch.float32)
        self.form = form
        self.inner = inner
        self.seeds = tuple(seeds)
        self.lr = lr
        self.scaled = scaled
        self.cells = list(cells(rows))
        self.reset()

    def reset(self) -> None:
        device = self.rows.y.device
        strata = int(self._labelled)
        d = self.rows.x.shape[1]
        self.adversaries, self.ratios = [], []
        for axis, k in enumerate(self.rows.k):
            out = 1 if k == 2 else k
            judge = (1 + strata, *ADVERSARY, out)
            self.adversaries.append(Rival(self.seeds, 2 * axis, judge, device, self.lr))
            if self.form == "road":
                weigh = (d + out + strata, *RATIO, 1)
                self.ratios.append(Rival(self.seeds, 2 * axis + 1, weigh, device, self.lr))
        self._attention: Tensor | None = None
        self._effective = torch.zeros(len(self.tau), device=device)
        self._steps = 0

    @property
    def _labelled(self) -> bool:
        return self.rows.parity == "equalized-odds"

    @property
    def effective(self) -> Tensor:
        """Share of rows (C,) that would count as much if all weighed alike, in late batches."""
        return self._effective / max(1e-12, 1.0 - 0.95**self._steps)

    def penalty(self, z: Tensor, rows: Tensor, step: int) -> Tensor:
        z = self._read(z)
        total = torch.zeros_like(z[:, 0])
        shares = torch.zeros_like(self._effective)
        for axis, (cell, count) in enumerate(self.cells):
            here, s = cell[rows], self.rows.s[rows, axis]
            self._learn(axis, z.detach(), rows, here)
            loss = self._loss(axis, z, self.rows.y[rows], s)
            ratio = self._weights(axis, loss.detach(), rows, here, count)
            inside = (here >= 0).to(z.dtype)
            total = total - (ratio * loss * inside).sum(1) / inside.sum().clamp(min=1.0)
            squares = (ratio.square() * inside).sum(1)
            shares += (ratio * inside).sum(1).square() / (inside.sum() * squares).clamp(min=1e-12)
        self._effective = 0.95 * self._effective + 0.05 * shares / len(self.cells)
        self._steps += 1
        return total / len(self.cells)

    def value(self, z: Tensor, rows: Rows) -> Tensor:
        """What the adversary knows of the groups (C,), at least 0; the ratio has no say here."""
        z = self._read(z)
        total = torch.zeros_like(z[:, 0])
        for axis, (cell, _) in enumerate(cells(rows)):
            loss = self._loss(axis, z, rows.y, rows.s[:, axis])
            inside = (cell >= 0).to(loss.dtype)
            mean = (loss * inside).sum(1) / inside.sum().clamp(min=1.0)
            total = total + (entropy(rows, axis) - mean).clamp(min=0.0)
        return total / len(self.cells)

    def settle(self, logits: Callable[[Tensor], Tensor]) -> None:
        """Weigh the training rows by the networks that were kept and the last ratios."""
        rows = torch.arange(len(self.rows), device=self.rows.y.device)
        total = torch.zeros((len(self.tau), len(self.rows)), device=self.rows.y.device)
        with torch.no_grad():
            z = self._read(logits(self.rows.x))
            for axis, (cell, count) in enumerate(self.cells):
                loss = self._loss(axis, z, self.rows.y, self.rows.s[:, axis])
                total += self._weights(axis, loss, rows, cell, count)
        self._attention = total / len(self.cells)

    def attention(self) -> Tensor | None:
        """Weights (C, n) of the training rows, averaged over the axes, once settled."""
        return self._attention

    def _read(self, z: Tensor) -> Tensor:
        return standardised(z.float()) if self.scaled else z.float()

    def _learn(self, axis: int, z: Tensor, rows: Tensor, cell: Tensor) -> None:
        inside = (cell >= 0).to(z.dtype)
        n = inside.sum().clamp(min=1.0)
        y, s = self.rows.y[rows], self.rows.s[rows, axis]
        count = self.cells[axis][1]
        for _ in range(self.inner[0]):
            with torch.enable_grad():
                loss = self._loss(axis, z, y, s)
                self.adversaries[axis].step((loss * inside).sum(1) / n)
        if self.form == "broad":
            return
        with torch.no_grad():
            loss = self._loss(axis, z, y, s)
        for _ in range(self.inner[1]):
            with torch.enable_grad():
                logs = log_ratio(self._logits(axis, rows), cell, count)
                self.ratios[axis].step(objective(logs, loss, cell, self.tau))

    def _loss(self, axis: int, z: Tensor, y: Tensor, s: Tensor) -> Tensor:
        inputs = [z, y.expand_as(z)] if self._labelled else [z]
        logits = self.adversaries[axis](torch.stack(inputs, dim=-1))
        return group_loss(logits, s, self.rows.k[axis])

    def _logits(self, axis: int, rows: Tensor) -> Tensor:
        s, k = self.rows.s[rows, axis].clamp(min=0), self.rows.k[axis]
        group = s[:, None] if k == 2 else torch.nn.functional.one_hot(s, k)
        inputs = [self.rows.x[rows], group.to(self.rows.x.dtype)]
        if self._labelled:
            inputs.append(self.rows.y[rows, None])
        return self.ratios[axis](torch.cat(inputs, dim=1)).clamp(-CAP, CAP)

    def _weights(self, axis: int, loss: Tensor, rows: Tensor, cell: Tensor, count: int) -> Tensor:
        if self.form == "broad":
            return broad(loss, cell, count, self.tau)
        with torch.no_grad():
            ratio = log_ratio(self._logits(axis, rows), cell, count).exp()
        return torch.where(torch.isfinite(self.tau)[:, None], ratio, torch.ones_like(ratio))
