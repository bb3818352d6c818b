"""Kernel local covariance: the local gap, squared and averaged over the descriptors' space."""

from __future__ import annotations

import torch
from torch import Tensor

from mitigations.road.data import Rows
from mitigations.road.explicit import scaled, soft_decision
from mitigations.road.features import CLIP, gram
from mitigations.road.rivals import Pairs, pairs


def contrasts(rows: Rows, to: Pairs, like: Rows, like_to: Pairs) -> Tensor:
    """Contrasts st (J, n): the expectation of st v among people alike is half their gap of v.

    ``st = (1[s = k] - pi(a)) / (2 pi (1 - pi))``, pi a ridge regression on the features about
    the group's share, fitted on the rows ``like``; 0 for rows that are not compared.
    """
    out = [torch.zeros((0, len(rows)), device=rows.y.device)]
    for j in range(len(to)):
        member, use = like_to.member[j], like_to.use[j]
        n = use.sum()
        share = member.sum() / n
        target = like.phi.T @ (use * (member - share)) / n
        slope = torch.linalg.solve(gram(like.phi, use), target)
        pi = (share + rows.phi @ slope).clamp(CLIP, 1.0 - CLIP)
        out.append(scaled(to.member[j], pi, to.use[j])[None])
    return torch.cat(out)


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
        self.pairs = pairs(rows)
        self.local, self.whole = self._contrasts(rows)

    def penalty(self, z: Tensor, rows: Tensor, step: int) -> Tensor:
        to = self.pairs.take(rows)
        return self._of(z, self.local[:, rows], self.whole[:, rows], to.use, self.rows.phi[rows])

    def value(self, z: Tensor, rows: Rows) -> Tensor:
        to = pairs(rows, self.rows)
        return self._of(z, *self._contrasts(rows), to.use, rows.phi)

    def _of(self, z: Tensor, local: Tensor, whole: Tensor, use: Tensor, phi: Tensor) -> Tensor:
        v = soft_decision(z.float(), self.share)
        found = covariance(v, local, use, phi[:, 1:])
        if self.gamma > 0.0:
            found = found + self.gamma * covariance(v, whole, use, torch.ones_like(phi[:, :1]))
        return found @ self.pairs.share

    def _contrasts(self, rows: Rows) -> tuple[Tensor, Tensor]:
        to = pairs(rows, self.rows)
        share = to.member.sum(1, keepdim=True) / to.use.sum(1, keepdim=True).clamp(min=1.0)
        whole = scaled(to.member, share.clamp(CLIP, 1.0 - CLIP), to.use)
        return contrasts(rows, to, self.rows, self.pairs), whole
