"""GroupDRO on bins x groups: the label loss of the worst-off cell counts most."""

from __future__ import annotations

import torch
from torch import Tensor

from mitigations.road.data import Rows
from mitigations.road.rivals import cells, places

#: How fast weight moves to the cells with the largest loss.
ETA = 0.01
#: Rows a cell needs to count by itself; smaller ones of an axis count as one.
SMALLEST = 30
#: Largest weight of a row.
CAP = 20.0


class GroupDRO:
    """No penalty; rows of cell g weigh q_g / p_g, with q_g multiplied by exp(eta loss_g).

    Parameters
    ----------
    rows
        Training rows; cells are declared bins times groups (times labels, as the parity asks).
        Rows without a group weigh 1. With several axes the weights are averaged.
    count
        Slices.
    eta : float or (C,)
        Speed.

    References
    ----------
    Sagawa, Koh, Hashimoto, Liang, Distributionally robust neural networks for group shifts,
    ICLR 2020, algorithm 1.
    """

    def __init__(self, rows: Rows, count: int, *, eta: float | Tensor = ETA) -> None:
        self.rows = rows
        self.count = count
        self.eta = torch.as_tensor(eta, dtype=torch.float32, device=rows.y.device).expand(count)
        self.cells = [_merged(rows, cell, groups) for cell, groups in cells(rows)]
        self.share = [
            torch.bincount(cell[cell >= 0], minlength=1).float().clamp(min=1.0)
            for cell in self.cells
        ]
        self.share = [n / n.sum() for n in self.share]
        self.reset()

    def reset(self) -> None:
        self.log_q = [share.log().expand(self.count, -1).clone() for share in self.share]

    def penalty(self, z: Tensor, rows: Tensor, step: int) -> Tensor:
        return 0.0 * z.sum(1)

    def row_weight(self, loss: Tensor, rows: Tensor, step: int) -> Tensor:
        total = torch.zeros_like(loss)
        for axis, cell in enumerate(self.cells):
            here = cell[rows]
            inside = here >= 0
            one = places(here, len(self.share[axis]), loss.dtype)
            n = one.sum(0)
            mean = (loss.detach().nan_to_num() @ one) / n.clamp(min=1.0)
            moved = self.log_q[axis] + self.eta[:, None] * mean
            self.log_q[axis] = torch.log_softmax(moved, dim=1)
            ratio = (self.log_q[axis].exp() / self.share[axis]).clamp(max=CAP)
            total += torch.where(inside, ratio[:, here.clamp(min=0)], torch.ones_like(loss))
        return total / len(self.cells)

    def value(self, z: Tensor, rows: Rows) -> Tensor:
        return torch.zeros_like(z[:, 0])


def _merged(rows: Rows, cell: Tensor, groups: int) -> Tensor:
    """Cell times bin, renumbered; small cells of all bins are one, left out if still small."""
    bins = torch.zeros_like(cell) if rows.bins is None else rows.bins.clamp(min=-1) + 1
    both = torch.where(cell >= 0, bins * groups + cell, torch.full_like(cell, -1))
    names, at = torch.unique(both, return_inverse=True)
    n = torch.bincount(at, minlength=len(names))
    small = (n < SMALLEST) & (names >= 0)
    kept = torch.where((names < 0) | small, torch.zeros_like(names), torch.ones_like(names))
    number = torch.cumsum(kept, 0) - 1
    last = int(kept.sum())
    pooled = last if int(n[small].sum()) >= SMALLEST else -1
    number = torch.where(small, torch.full_like(number, pooled), number)
    number = torch.where(names < 0, torch.full_like(number, -1), number)
    return number[at]
