"""Penalty on the gaps inside partitions that trees find again and again during training."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mitigations.road.bins import penalised
from mitigations.road.data import Rows
from mitigations.road.explicit import comparisons, signs
from mitigations.road.rivals import pairs, soft_decision

DEPTH = 3
#: Rows of a leaf, and rows a tree is fitted on at most.
SMALLEST, LARGEST = 50, 20_000


class Tree:
    """Penalty: squared gap of the soft decision in every leaf of a slice's own tree.

    Every so many steps each slice's tree is fitted anew on the descriptors, to the local gap:
    the expectation of contrast times soft decision is half the gap, so that the tree's squared
    loss falls by what the gaps of its leaves explain. Soft decisions are those that the last
    minibatches gave. Until the first tree everybody is one leaf.

    Parameters
    ----------
    rows
        Training rows.
    count
        Slices.
    every
        Steps between two fits.
    """

    def __init__(self, rows: Rows, count: int, *, every: int = 50) -> None:
        self.rows = rows
        self.count = count
        self.every = every
        self.share = float(rows.y.mean())
        self.pairs = pairs(rows)
        self.st = signs(rows, comparisons(rows))[0].cpu().numpy()
        self.a = rows.a.cpu().numpy()
        self.reset()

    def reset(self) -> None:
        shape = (self.count, len(self.rows))
        device = self.rows.y.device
        self.seen = torch.full(shape, torch.nan, device=device)
        self.leaf = torch.zeros(shape, dtype=torch.long, device=device)
        self.trees: list[Any] = [None] * self.count

    def penalty(self, z: Tensor, rows: Tensor, step: int) -> Tensor:
        if step > 0 and step % self.every == 0:
            self._grow()
        v = soft_decision(z.float(), self.share)
        self.seen[:, rows] = v.detach()
        return penalised(v, self.pairs.take(rows), self.leaf[:, rows], 2**DEPTH)

    def value(self, z: Tensor, rows: Rows) -> Tensor:
        v = soft_decision(z.float(), self.share)
        a = rows.a.cpu().numpy()
        leaf = np.stack([_leaves(tree, a) for tree in self.trees])
        cell = torch.as_tensor(leaf, device=z.device)
        return penalised(v, pairs(rows, self.rows), cell, 2**DEPTH)

    def _grow(self) -> None:
        seen = self.seen.cpu().numpy()
        for c in range(self.count):
            known = np.flatnonzero(np.isfinite(seen[c]))
            if len(known) > LARGEST:
                known = known[:: len(known) // LARGEST + 1]
            if len(known) < 2 * SMALLEST or not len(self.st):
                continue
            self.trees[c] = grow(self.a[known], (self.st[:, known] * seen[c, known]).T)
            leaf = torch.as_tensor(_leaves(self.trees[c], self.a))
            self.leaf[c] = leaf.to(self.leaf.device)


def grow(a: NDArray[Any], target: NDArray[Any]) -> Any:
    """Regression tree of contrast times decision (n, J) on descriptors (n, p)."""
    from sklearn.tree import DecisionTreeRegressor

    smallest = max(SMALLEST, len(a) // 40)
    return DecisionTreeRegressor(max_depth=DEPTH, min_samples_leaf=smallest, random_state=0).fit(
        a, target
    )


def _leaves(tree: Any, a: NDArray[Any]) -> NDArray[np.int64]:
    """Leaf of each row, from 0."""
    if tree is None:
        return np.zeros(len(a), dtype=np.int64)
    number = np.cumsum(tree.tree_.children_left < 0) - 1
    return np.asarray(number[tree.apply(a)], dtype=np.int64)
