"""Kernel local covariance: the local gap, squared and averaged over the descriptors' space."""

from __future__ import annotations

import torch
from torch import Tensor

from mitigations.road.data import Rows
from mitigations.road.explicit import comparisons, signs
from mitigations.road.rivals import soft_decision


def covariance(v: Tensor, st: Tensor, use: Tensor, phi: Tensor) -> Tensor:
    """Squared norm (C, J) of mean st v phi, without bias from few rows.

    Pairs of a row with itself are left out (a U-statistic), so that chance gaps of small groups
    cost nothing on average; it may be negative.

    Parameters
    ----------
    v : (C, B)
        Soft decisions.
    st : (J, B)
        Contrasts, 0 for rows that are not compared.
    use : (J, B)
        1 for rows that are.
    phi : (B, m)
        Features.
    """
    n = use.sum(1)
    each = v[:, None] * st  # (C, J, B)
    whole = (each @ phi).square().sum(2)
    own = each.square() @ phi.square().sum(1)
    pairs_of_rows = (n * (n - 1.0)).clamp(min=1.0)
    return (whole - own) / pairs_of_rows * (n >= 2.0)


class Kernel:
    """Penalty: kernel local covariance on random features of the descriptors.

    Parameters
    ----------
    rows
        Training rows.
    count
        Slices.
    gamma
        Weight of the squared gap of the whole, needed where groups and descriptors go together:
        without gaps inside regions one is left by who lives where.
    """

    graphable = True

    def __init__(self, rows: Rows, count: int, *, gamma: float = 0.0) -> None:
        self.rows = rows
        self.count = count
        self.gamma = gamma
        self.share = float(rows.y.mean())
        self.comparisons = comparisons(rows)
        self.local, self.whole, self.use = signs(rows, self.comparisons)
        weights = [one.weight for one in self.comparisons]
        self.weight = torch.tensor(weights, dtype=torch.float32, device=rows.y.device)

    def penalty(self, z: Tensor, rows: Tensor, step: int) -> Tensor:
        signed = self.local[:, rows], self.whole[:, rows], self.use[:, rows]
        return self._of(z, *signed, self.rows.phi[rows])

    def value(self, z: Tensor, rows: Rows) -> Tensor:
        return self._of(z, *signs(rows, self.comparisons), rows.phi)

    def _of(self, z: Tensor, local: Tensor, whole: Tensor, use: Tensor, phi: Tensor) -> Tensor:
        v = soft_decision(z.float(), self.share)
        found = covariance(v, local, use, phi[:, 1:])
        if self.gamma > 0.0:
            found = found + self.gamma * covariance(v, whole, use, torch.ones_like(phi[:, :1]))
        return found @ self.weight
