"""Explicit ROAD: the local gap in closed form, and weight where it is worst.

The local gap of the soft decision v between group k and the rest is estimated as a linear
function of random features of the descriptors, ``c_k(a) = phi(a)' A^-1 E[st_k v phi]``; weights
within Kullback-Leibler distance of the rows' own, ``softmax(c_k / tau)``, move to the regions
where it is largest, and the weighted gap is pushed down. No network is trained against another.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mitigations.road.contrast import FEWEST_ROWS, comparisons, signs
from mitigations.road.data import Rows

__all__ = ["FEWEST_ROWS", "HEIGHT", "WIDTH", "Explicit", "attend", "comparisons", "signs"]

#: Share of a step in the running estimates, and limit of the gap in temperatures.
NEW, CAP = 0.1, 6.0
#: Height and width of the soft decision.
HEIGHT, WIDTH = 2.5, 0.3


def attend(gap: Tensor, tau: Tensor, use: Tensor) -> tuple[Tensor, Tensor]:
    """Weights with mean 1 that maximise, and minimise, ``E[gap] -+ tau KL`` of the rows.

    Parameters
    ----------
    gap : (C, J, n)
    tau : (C,)
        Infinite for weights of 1. Exact while ``|gap| <= 6 tau``; beyond, the gap is cut.
    use : (J, n)
        1 for rows that share the weight.
    """
    scaled = (gap / tau[:, None, None]).clamp_(-CAP, CAP)
    high = scaled.exp_()
    low = high.reciprocal()
    n = use.sum(1).clamp(min=1.0)
    even = torch.isinf(tau)[:, None, None]
    out = []
    for raw in (high, low):
        raw *= use
        raw *= (n / raw.sum(2).clamp(min=1e-12))[:, :, None]
        out.append(torch.where(even, use, raw))
    return out[0], out[1]


class Explicit:
    """Penalty: squared worst-case local gaps of the soft decision, both ways.

    Parameters
    ----------
    rows
        Training rows.
    tau : (C,)
        A region whose gap exceeds another's by tau gets e times its weight; infinite weighs all
        alike. Gaps are 1.25 times those of the soft decision: 0.1 is 8 points.
    gamma : float or (C,)
        Weight of the squared gap in the whole, beside the local ones: needed where groups differ
        in the descriptors.
    share
        Share of favourable decisions at which the soft decision turns; that of the labels where
        not given.
    new
        Share of a step in the running estimates.
    """

    graphable = True

    def __init__(
        self,
        rows: Rows,
        tau: Tensor,
        *,
        gamma: float | Tensor = 0.0,
        share: float | None = None,
        new: float = NEW,
    ) -> None:
        device = rows.y.device
        self.rows, self.new = rows, new
        self.tau = torch.as_tensor(tau, dtype=torch.float32, device=device)
        self.count = len(self.tau)
        self.gamma = torch.as_tensor(gamma, dtype=torch.float32, device=device)
        self.gamma = self.gamma.expand(self.count)
        self.whole = bool((self.gamma != 0.0).any())
        self.comparisons = comparisons(rows)
        self.st, self.sg, self.use = signs(rows, self.comparisons)
        self.inverse = _stacked([one.inverse for one in self.comparisons], rows.phi.shape[1])
        self.inverse = self.inverse.to(device)
        self.weight = torch.tensor([one.weight for one in self.comparisons], device=device)
        self.share = float(rows.y.mean()) if share is None else share
        j, m = len(self.comparisons), rows.phi.shape[1]
        self.moment = torch.zeros((self.count, j, m), device=device)
        self.global_gap = torch.zeros((self.count, j), device=device)
        self.seen = torch.zeros((), device=device)

    def reset(self) -> None:
        """Forget the running estimates."""
        for state in (self.moment, self.global_gap, self.seen):
            state.zero_()

    def penalty(self, z: Tensor, rows: Tensor, step: int) -> Tensor:
        """As the loop's contract has it; `gradient` is what the loop calls."""
        pull, value = self._both(z.detach(), rows)
        # value, with the derivative of the closed form
        return value + ((z - z.detach()) * pull).sum(1)

    def gradient(self, z: Tensor, rows: Tensor, step: int) -> Tensor:
        """Derivative (C, B) of the penalty by the logits."""
        return self._both(z, rows)[0]

    def _both(self, z: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        soft = _Soft(z, self.share)
        phi = self.rows.phi.index_select(0, rows)
        use = self.use.index_select(1, rows)
        n = use.sum(1).clamp(min=1.0)
        st = self.st.index_select(1, rows) / n[:, None]
        v = soft.centred(use, n)
        self.moment.lerp_(_moments(v * st, phi), self.new)
        self.seen.lerp_(torch.ones_like(self.seen), self.new)
        gap = self._gaps(self.moment / self.seen, phi)
        up, down = attend(gap, self.tau, use)
        most = (up * gap).sum(2) / n
        least = -(down * gap).sum(2) / n
        up *= most[:, :, None]
        pull = up.sub_(down.mul_(least[:, :, None])).mul_(2.0 * st)
        if self.whole:
            sg = self.sg.index_select(1, rows) / n[:, None]
            self.global_gap.lerp_((v * sg).sum(2), self.new)
            lever = 2.0 * self.gamma[:, None] * self.global_gap / self.seen
            pull += lever[:, :, None] * sg
        pull *= self.weight[None, :, None]
        value = (pull * v).sum((1, 2))
        return soft.back(pull, use, n), value

    def _gaps(self, moment: Tensor, phi: Tensor) -> Tensor:
        """Local gaps (C, J, n) at features (n, m + 1)."""
        lever = torch.matmul(moment.transpose(0, 1), self.inverse).transpose(0, 1)
        gaps: Tensor = torch.matmul(lever, phi.T)
        return gaps

    def value(self, z: Tensor, rows: Rows) -> Tensor:
        """Penalty of logits (C, n) on other rows, weighed as training rows now would be."""
        total = torch.zeros(self.count, device=z.device)
        st, sg, use = signs(rows, self.comparisons)
        n = use.sum(1).clamp(min=1.0)
        seen = self.seen.clamp(min=1e-12)
        for c in range(self.count):
            one = slice(c, c + 1)
            v = _Soft(z[one], self.share).centred(use, n)
            gap = self._gaps(self.moment[one] / seen, rows.phi)
            up, down = attend(gap, self.tau[one], use)
            most = ((up * st * v).sum(2) / n).clamp(min=0.0)
            least = (-(down * st * v).sum(2) / n).clamp(min=0.0)
            squares = most.square() + least.square()
            if self.whole:
                squares += self.gamma[c] * ((sg * v).sum(2) / n).square()
            total[c] = (squares * self.weight).sum()
        return total

    def settle(self, logits: Any) -> None:
        """Estimate the gaps anew, from all training rows and the weights that were kept."""
        z = logits(self.rows.x)
        n = self.use.sum(1).clamp(min=1.0)
        for c in range(self.count):
            v = _Soft(z[c : c + 1], self.share).centred(self.use, n)
            self.moment[c] = _moments(v * self.st / n[:, None], self.rows.phi)[0]
        self.seen.fill_(1.0)

    def gaps(self, c: int, rows: Rows | None = None) -> Tensor:
        """Estimated local gaps (J, n) of slice c, in units of v: 1.25 times a soft rate's."""
        phi = (self.rows if rows is None else rows).phi
        return self._gaps(self.moment[c : c + 1] / self.seen.clamp(min=1e-12), phi)[0]

    def attention(self) -> Tensor:
        """Weight (C, n) of training rows in the penalty, mean 1 among those that are compared.

        Both ways: regions where a group is ahead and where it is behind, each counted as its
        worst-case gap is.
        """
        out = torch.zeros((self.count, len(self.rows)), device=self.st.device)
        n = self.use.sum(1).clamp(min=1.0)
        for c in range(self.count):
            one = slice(c, c + 1)
            gap = self.gaps(c)[None]
            up, down = attend(gap, self.tau[one], self.use)
            most = ((up * gap).sum(2) / n).clamp(min=1e-9)[0, :, None]
            least = (-(down * gap).sum(2) / n).clamp(min=1e-9)[0, :, None]
            both = (most * up[0] + least * down[0]) / (most + least)
            out[c] = (both * self.weight[:, None]).sum(0)
        return out


class _Soft:
    """The soft decision ``v = 2.5 sigmoid((u - q) / .3)`` of standardised logits u, and back.

    q is the (1 - share) quantile of u in the batch, held fixed.
    """

    def __init__(self, z: Tensor, share: float) -> None:
        rows = z.shape[1]
        self.sd = z.std(1, keepdim=True, unbiased=False)
        self.scale = self.sd + 1e-6
        self.u = (z - z.mean(1, keepdim=True)).div_(self.scale)
        at = min(max(int(rows * (1.0 - share)) + 1, 1), rows)
        q = torch.kthvalue(self.u, at, dim=1, keepdim=True).values
        self.v = torch.sigmoid((self.u - q).div_(WIDTH)).mul_(HEIGHT)

    def centred(self, use: Tensor, n: Tensor) -> Tensor:
        """v less its mean among the rows of each comparison (C, J, n), 0 elsewhere."""
        mean = (self.v @ use.T) / n
        return (self.v[:, None, :] - mean[:, :, None]).mul_(use)

    def back(self, pull: Tensor, use: Tensor, n: Tensor) -> Tensor:
        """Derivative by z from the derivative (C, J, n) by the centred v."""
        mean = (pull * use).sum(2, keepdim=True) / n[:, None]
        by_v = ((pull - mean) * use).sum(1)
        by_u = by_v * self.v * (HEIGHT - self.v) / (HEIGHT * WIDTH)
        along = (by_u * self.u).mean(1, keepdim=True)
        inner = (by_u - by_u.mean(1, keepdim=True)) / self.scale
        return inner - along * self.u / self.sd.clamp(min=1e-12)


def _moments(v: Tensor, phi: Tensor) -> Tensor:
    """Sums (C, J, m + 1) over rows of v (C, J, n) times features (n, m + 1)."""
    found: Tensor = torch.matmul(v, phi)
    return found


def _stacked(parts: list[Tensor], m: int) -> Tensor:
    return torch.stack(parts) if parts else torch.zeros((0, m, m))
