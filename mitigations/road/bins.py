"""Penalty on the gaps inside declared bins."""

from __future__ import annotations

import torch
from torch import Tensor

from mitigations.road.data import Rows
from mitigations.road.rivals import Pairs, pairs, places, soft_decision


def squared_gaps(v: Tensor, to: Pairs, cell: Tensor, count: int) -> Tensor:
    """Squared gaps of the mean of v inside cells (C, J, count), without bias from few rows.

    Pairs of a row with itself are left out, so it may be negative; 0 where a cell holds fewer
    than two rows of the group or of the rest.

    Parameters
    ----------
    v : (C, B)
    to
        J comparisons of the B rows.
    cell : (B,) or (C, B)
        -1 for none.
    """
    here = places(cell, count, v.dtype)
    n1, whole1, own1 = _sums(v, to.member, here)
    n0, whole0, own0 = _sums(v, to.use - to.member, here)
    square1 = (whole1.square() - own1) / (n1 * (n1 - 1.0)).clamp(min=1.0)
    square0 = (whole0.square() - own0) / (n0 * (n0 - 1.0)).clamp(min=1.0)
    across = whole1 * whole0 / (n1 * n0).clamp(min=1.0)
    return (square1 + square0 - 2.0 * across) * ((n1 >= 2.0) & (n0 >= 2.0))


def _sums(v: Tensor, side: Tensor, here: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rows of one side in each cell, the sum of v over them, and of its square."""
    return side @ here, (v[:, None] * side) @ here, (v.square()[:, None] * side) @ here


def penalised(v: Tensor, to: Pairs, cell: Tensor, count: int) -> Tensor:
    """Squared gaps (C,), averaged over the people of the cells and over comparisons."""
    n = to.use @ places(cell, count, v.dtype)
    weight = n / to.use.sum(1, keepdim=True).clamp(min=1.0)
    return (squared_gaps(v, to, cell, count) * weight).sum(2) @ to.share


class Bins:
    """Penalty: squared gap of the soft decision in every declared bin, by the bin's people."""

    graphable = True

    def __init__(self, rows: Rows, count: int) -> None:
        self.rows = rows
        self.count = count
        self.share = float(rows.y.mean())
        self.pairs = pairs(rows)
        self.cell = _bins(rows)
        self.bins = max(int(self.cell.max()), 0) + 1

    def penalty(self, z: Tensor, rows: Tensor, step: int) -> Tensor:
        v = soft_decision(z.float(), self.share)
        return penalised(v, self.pairs.take(rows), self.cell[rows], self.bins)

    def value(self, z: Tensor, rows: Rows) -> Tensor:
        v = soft_decision(z.float(), self.share)
        cell = _bins(rows)
        cell = torch.where(cell < self.bins, cell, torch.full_like(cell, -1))
        return penalised(v, pairs(rows, self.rows), cell, self.bins)


def _bins(rows: Rows) -> Tensor:
    return torch.zeros_like(rows.s[:, 0]) if rows.bins is None else rows.bins
