"""What the adversaries and comparators share: who is told from whom, and stacked rival nets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mitigations.nets import Stack
from mitigations.passes import views
from mitigations.road.data import Rows
from mitigations.road.explicit import FEWEST_ROWS, HEIGHT, WIDTH
from mitigations.steps import Adam

#: Rows of a group, and of the rest, from which a comparison is made.
FEWEST = FEWEST_ROWS


@dataclass(frozen=True)
class Pairs:
    """Every comparison of a penalty: one group against the rest, on one axis, in one stratum.

    Parameters
    ----------
    member : (J, n) float32
        1 for the group of the comparison.
    use : (J, n) float32
        1 for rows that are compared: known group, label of the stratum.
    share : (J,) float32
        Weight of each comparison; strata, groups and axes count alike.
    """

    member: Tensor
    use: Tensor
    share: Tensor

    def __len__(self) -> int:
        return len(self.share)

    def take(self, rows: Tensor) -> Pairs:
        """The comparisons among some rows."""
        return Pairs(self.member[:, rows], self.use[:, rows], self.share)


def pairs(rows: Rows, like: Rows | None = None) -> Pairs:
    """Comparisons of some rows; with two groups one, with more one per group.

    Groups with fewer than `FEWEST` rows in a stratum are not compared; ``like`` names the rows
    on which that is counted.
    """
    like = rows if like is None else like
    member, use, share = [], [], []
    for axis, k in enumerate(rows.k):
        found = []
        for label in rows.strata:
            for code in [1] if k == 2 else range(k):
                known = like.stratum(label) & (like.s[:, axis] >= 0)
                n = int((known & (like.s[:, axis] == code)).sum())
                if min(n, int(known.sum()) - n) >= FEWEST:
                    found.append((label, code))
        for label, code in found:
            known = rows.stratum(label) & (rows.s[:, axis] >= 0)
            use.append(known)
            member.append(known & (rows.s[:, axis] == code))
            share.append(1.0 / len(found))
    n = len(rows)
    if not share:
        empty = torch.zeros((0, n), device=rows.y.device)
        return Pairs(empty, empty, torch.zeros(0, device=rows.y.device))
    weight = torch.tensor(share, dtype=torch.float32, device=rows.y.device)
    return Pairs(torch.stack(member).float(), torch.stack(use).float(), weight / weight.sum())


def standardised(z: Tensor) -> Tensor:
    """Logits (C, B) with mean 0 and deviation 1 in the batch, with gradient."""
    return (z - z.mean(1, keepdim=True)) / (z.std(1, keepdim=True, unbiased=False) + 1e-6)


def soft_decision(z: Tensor, share: float) -> Tensor:
    """``2.5 sigmoid((u - q) / .3)`` (C, B), centred, with gradient.

    Parameters
    ----------
    z : (C, B)
        Logits; u are the standardised ones.
    share
        Of favourable decisions; q is the value that so many of the batch exceed.
    """
    u = standardised(z)
    place = round((1.0 - share) * (u.shape[1] - 1))
    q = u.detach().kthvalue(min(max(place, 0), u.shape[1] - 1) + 1, dim=1, keepdim=True).values
    v = HEIGHT * torch.sigmoid((u - q) / WIDTH)
    return v - v.mean(1, keepdim=True)


def places(cell: Tensor, count: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """One column for each cell: (..., B) to (..., B, count), all 0 for cell -1."""
    return (cell.unsqueeze(-1) == torch.arange(count, device=cell.device)).to(dtype)


def cells(rows: Rows) -> Iterator[tuple[Tensor, int]]:
    """Of every axis: the cell of each row (n,), group within stratum, -1 for none; how many."""
    for axis, k in enumerate(rows.k):
        cell = torch.full_like(rows.s[:, axis], -1)
        for i, label in enumerate(rows.strata):
            inside = rows.stratum(label) & (rows.s[:, axis] >= 0)
            cell = torch.where(inside, rows.s[:, axis] + i * k, cell)
        yield cell, k * len(rows.strata)


def entropy(rows: Rows, axis: int) -> Tensor:
    """Loss (nats) of telling groups of an axis by their shares in each stratum."""
    cell, count = list(cells(rows))[axis]
    n = places(cell, count).sum(0).view(len(rows.strata), rows.k[axis])
    share = n / n.sum(1, keepdim=True).clamp(min=1.0)
    return -(n * share.clamp(min=1e-12).log()).sum() / n.sum().clamp(min=1.0)


class Rival:
    """C stacked networks with an Adam of their own, of which each slice sees only itself."""

    def __init__(
        self,
        seeds: Sequence[int],
        name: int,
        sizes: Sequence[int],
        device: torch.device,
        lr: float,
    ) -> None:
        own = [
            int(np.random.SeedSequence([seed, name]).generate_state(1, np.uint32)[0])
            for seed in seeds
        ]
        self.stack = Stack.new(own, sizes, device)
        self.flat = self.stack.flat.requires_grad_(True)
        self.stack.weights, self.stack.biases = views(self.flat, len(own), sizes)
        self.adam = Adam(self.flat.detach(), torch.zeros_like(self.flat).detach(), 0.0)
        self.lr = lr
        self.steps = 0

    def __call__(self, x: Tensor) -> Tensor:
        return self.stack(x)

    def step(self, loss: Tensor) -> None:
        """One Adam step on a loss (C,)."""
        (slope,) = torch.autograd.grad(loss.sum(), self.flat)
        with torch.no_grad():
            self.adam.grad.copy_(slope)
            self.adam.prepare(self.steps, self.lr)
            self.adam.step()
        self.steps += 1


def group_loss(logits: Tensor, s: Tensor, k: int) -> Tensor:
    """Cross entropy (C, B) of groups (B,), unknown ones read as 0.

    Parameters
    ----------
    logits : (C, B) for two groups, else (C, B, K)
    s : (B,)
    k
        Groups.
    """
    s = s.clamp(min=0)
    if k == 2:
        target = s.to(logits.dtype).expand_as(logits)
        return functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    flat = functional.cross_entropy(logits.reshape(-1, k), s.repeat(len(logits)), reduction="none")
    return flat.view(len(logits), -1)
