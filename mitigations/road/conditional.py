"""An adversary that sees the descriptors beside the score, and weighs nobody."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mitigations.road.data import Rows
from mitigations.road.rivals import Rival, cells, group_loss, standardised

HIDDEN = (64, 32)


class Conditional:
    """Penalty: minus the loss of networks g(u, a) that tell the groups apart.

    With equalized odds the adversary also sees the label; with equal opportunity it sees rows
    with a favourable label only.

    Parameters
    ----------
    rows
        Training rows.
    count
        Slices.
    seeds
        First weights of the adversaries, one per slice.
    inner
        Adam steps on them before every step of the predictor.
    lr
        Their learning rate.
    """

    def __init__(
        self,
        rows: Rows,
        count: int,
        seeds: Sequence[int],
        *,
        inner: int = 3,
        lr: float = 2e-3,
    ) -> None:
        if len(seeds) != count:
            raise ValueError(f"{len(seeds)} seeds for {count} slices")
        self.rows = rows
        self.count = count
        self.seeds = tuple(seeds)
        self.inner = inner
        self.lr = lr
        self.cells = [cell for cell, _ in cells(rows)]
        self.reset()

    def reset(self) -> None:
        inputs = 1 + self.rows.a.shape[1] + int(self.rows.parity == "equalized-odds")
        self.adversaries = [
            Rival(
                self.seeds,
                axis,
                (inputs, *HIDDEN, 1 if k == 2 else k),
                self.rows.y.device,
                self.lr,
            )
            for axis, k in enumerate(self.rows.k)
        ]

    def penalty(self, z: Tensor, rows: Tensor, step: int) -> Tensor:
        u = standardised(z.float())
        total = torch.zeros_like(u[:, 0])
        a, y, s = self.rows.a[rows], self.rows.y[rows], self.rows.s[rows]
        for axis, cell in enumerate(self.cells):
            inside = (cell[rows] >= 0).to(u.dtype)
            for _ in range(self.inner):
                with torch.enable_grad():
                    loss = self._loss(axis, u.detach(), a, y, s, inside)
                    self.adversaries[axis].step(loss)
            total = total - self._loss(axis, u, a, y, s, inside)
        return total / len(self.cells)

    def value(self, z: Tensor, rows: Rows) -> Tensor:
        """What the scores add to the descriptors (C,): loss with the scores of others, less."""
        u = standardised(z.float())
        other = torch.roll(u, max(1, u.shape[1] // 2), dims=1)
        total = torch.zeros_like(u[:, 0])
        for axis, (cell, _) in enumerate(cells(rows)):
            inside = (cell >= 0).to(u.dtype)
            own, rolled = (
                self._loss(axis, score, rows.a, rows.y, rows.s, inside) for score in (u, other)
            )
            total = total + (rolled - own).clamp(min=0.0)
        return total / len(self.cells)

    def _loss(
        self, axis: int, u: Tensor, a: Tensor, y: Tensor, s: Tensor, inside: Tensor
    ) -> Tensor:
        shape = (len(u), -1, -1)
        inputs = [u.unsqueeze(-1), a.expand(*shape)]
        if self.rows.parity == "equalized-odds":
            inputs.append(y[:, None].expand(*shape))
        logits = self.adversaries[axis](torch.cat(inputs, dim=-1))
        loss = group_loss(logits, s[:, axis], self.rows.k[axis])
        return (loss * inside).sum(1) / inside.sum().clamp(min=1.0)
