"""Explicit ROAD: the local gap in closed form, and limited attention to where it is worst.

For each comparison of a group with the rest, with pi(a) the group's chance among people alike,
``st_i = (1[s_i = k] - pi(a_i)) / (2 pi (1 - pi))`` makes E[st v | a] half the gap of v at a. It
is estimated by ridge regression on random features of a, ``c(a) = Phi(a)' A^-1 E[st v Phi]``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mitigations.road.data import Rows
from mitigations.road.features import Propensity, gram
from mitigations.road.rivals import pairs, standardised

#: Decay of the running estimates.
DECAY = 0.9
#: Exponents of the attention stop here.
CLIP = 6.0
#: Height and width of the soft decision.
HEIGHT, WIDTH = 2.5, 0.3


def soft_decision(z: Tensor, share: float) -> Tensor:
    """``2.5 sigmoid((u - q) / .3)``, centred; u standardised logits, q their quantile.

    Parameters
    ----------
    z : (C, B)
        Logits with gradient.
    share
        Share of people who are to be chosen, which places the threshold q.
    """
    u = standardised(z)
    place = min(max(round((1.0 - share) * (u.shape[1] - 1)), 0), u.shape[1] - 1)
    q = u.detach().kthvalue(place + 1, dim=1, keepdim=True).values
    v = HEIGHT * torch.sigmoid((u - q) / WIDTH)
    return v - v.mean(1, keepdim=True)


def attention(c: Tensor, tau: Tensor, use: Tensor) -> Tensor:
    """Weights, mean 1 over the rows in use, that maximise ``E_q[c] - tau KL(q || p)``.

    ``n softmax_i(clip(c_i / tau, -6, 6))``; 1 where tau is infinite, 0 for rows not in use.

    Parameters
    ----------
    c : (C, J, B)
        Local gaps.
    tau : (C,)
        Temperatures, above 0.
    use : (J, B)
        1 for rows of the comparison.
    """
    exponent = (c / tau[:, None, None]).clamp(-CLIP, CLIP)
    exponent = exponent.masked_fill(use == 0, -torch.inf)
    n = use.sum(1)[None, :, None]
    # A comparison without a row in this batch has nothing to attend to.
    weight = torch.where(n > 0, torch.softmax(exponent, dim=2), torch.zeros_like(exponent))
    return torch.nan_to_num(weight) * n


class Explicit:
    """Penalty: squared local gap where it is worst, in either direction.

    ``2 D+ mean(r+ st v) - 2 D- mean(r- st v)`` is the gradient of ``D+^2 + D-^2`` with the
    attention held fixed, D+ = mean r+ c and D- = -mean r- c. With gamma, ``2 G mean(sg v)`` is
    added, the same for the gap of everybody.

    Parameters
    ----------
    rows
        Training rows.
    tau : (C,)
        Temperature of each slice; infinite for the average gap.
    gamma
        Weight of the gap of everybody, needed where group and descriptors go together.
    decay
        Of the running estimates.

    References
    ----------
    The objective of Grari et al., On the fairness ROAD, ICLR 2024, section 3, with the
    adversary's loss replaced by this estimate.
    """

    #: ``penalty`` looks at no step and keeps its state in place.
    graphable = True

    def __init__(self, rows: Rows, tau: Tensor, gamma: float = 0.0, decay: float = DECAY) -> None:
        self.rows = rows
        self.tau = tau.to(device=rows.y.device, dtype=torch.float32)
        self.gamma = gamma
        self.decay = decay
        self.share = float(rows.y.mean())
        self.pairs = pairs(rows)
        many = len(self.pairs)
        self.st = torch.zeros((many, len(rows)), device=rows.y.device)
        self.sg = torch.zeros_like(self.st)
        self.chances: list[Propensity] = []
        inverses = []
        for j in range(many):
            member, use = self.pairs.member[j], self.pairs.use[j]
            chance = Propensity.fit(rows.phi, member, use)
            self.chances.append(chance)
            self.st[j] = scaled(member, chance(rows.phi), use)
            self.sg[j] = scaled(member, (member.sum() / use.sum()).expand_as(member), use)
            inverses.append(torch.linalg.inv(gram(rows.phi, use).double()).float())
        size = rows.phi.shape[1]
        self.inverse = torch.stack(inverses) if inverses else torch.zeros((0, size, size))
        self.reset()

    def reset(self) -> None:
        """Forget the running estimates."""
        shape = (len(self.tau), len(self.pairs))
        device = self.rows.y.device
        self.e = torch.zeros((*shape, self.rows.phi.shape[1]), device=device)
        self.g = torch.zeros(shape, device=device)
        self.mass = torch.zeros((), device=device)

    def penalty(self, z: Tensor, rows: Tensor, step: int) -> Tensor:
        """Penalty (C,) of logits (C, B) at positions (B,)."""
        if not len(self.pairs):
            return z.sum(1) * 0.0
        use, st, phi = self.pairs.use[:, rows], self.st[:, rows], self.rows.phi[rows]
        n = use.sum(1).clamp(min=1.0)
        v = soft_decision(z, self.share)
        held = v.detach()
        fresh = torch.einsum("cb,jb,bm->cjm", held, st / n[:, None], phi)
        self.mass.mul_(self.decay).add_(1.0 - self.decay)
        self.e.mul_(self.decay).add_((1.0 - self.decay) * fresh)
        c = self._gaps(self.e / self.mass, phi)
        mean = (st / n[:, None])[None] * v[:, None]
        total = torch.zeros_like(z[:, 0])
        for sign in (1.0, -1.0):
            r = attention(sign * c, self.tau, use)
            worst = (r * c).sum(2) / n
            total = total + (2.0 * worst * (r * mean).sum(2) * self.pairs.share).sum(1)
        if self.gamma:
            sg = self.sg[:, rows] / n[:, None]
            self.g.mul_(self.decay).add_((1.0 - self.decay) * (held @ sg.T))
            total = total + self.gamma * (
                2.0 * (self.g / self.mass) * (v @ sg.T) * self.pairs.share
            ).sum(1)
        return total

    def value(self, z: Tensor, rows: Rows) -> Tensor:
        """``D+^2 + D-^2`` (C,) on other rows; the running estimates stay as they are."""
        others = pairs(rows, self.rows)
        v = soft_decision(z, self.share)
        total = torch.zeros_like(z[:, 0])
        for j in range(len(others)):
            member, use = others.member[j], others.use[j]
            n = use.sum()
            if n == 0:
                continue
            st = scaled(member, self.chances[j](rows.phi), use)
            e = torch.einsum("cb,b,bm->cm", v, st / n, rows.phi)
            c = (e @ self.inverse[j] @ rows.phi.T)[:, None]
            for sign in (1.0, -1.0):
                r = attention(sign * c, self.tau, use[None])
                total = total + others.share[j] * ((r * c).sum(2)[:, 0] / n) ** 2
        return total

    def gaps(self) -> Tensor:
        """Estimated local gap (C, J, n) at every training row, 1.25 times that of decisions."""
        return self._gaps(self.e / self.mass.clamp(min=1e-12), self.rows.phi)

    def attention(self) -> Tensor:
        """Attention (C, n) that training rows get in the end, both directions, mean 1."""
        if not len(self.pairs):
            return torch.ones((len(self.tau), len(self.rows)), device=self.rows.y.device)
        out = torch.zeros((len(self.tau), len(self.rows)), device=self.rows.y.device)
        c = self.gaps()
        for j in range(len(self.pairs)):
            use = self.pairs.use[j][None]
            for sign in (1.0, -1.0):
                part = attention(sign * c[:, j : j + 1], self.tau, use)[:, 0]
                out += 0.5 * self.pairs.share[j] * part
        return out / out.mean(1, keepdim=True).clamp(min=1e-12)

    def _gaps(self, e: Tensor, phi: Tensor) -> Tensor:
        beta = torch.einsum("cjm,jmk->cjk", e, self.inverse)
        return torch.einsum("cjk,bk->cjb", beta, phi)


def scaled(member: Tensor, pi: Tensor, use: Tensor) -> Tensor:
    """``(1[s = k] - pi) / (2 pi (1 - pi))`` for rows in use, 0 for others."""
    return use * (member - pi) / (2.0 * pi * (1.0 - pi))
