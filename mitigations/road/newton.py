"""Plain adversarial training with an adversary that is solved instead of trained."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mitigations.road.data import Rows
from mitigations.road.rivals import Pairs, pairs, standardised

#: Kinks of the spline on the standardised logit.
HINGES = (-1.0, 0.0, 1.0)
RIDGE = 0.01
#: Newton steps at every step of the network, and how far each goes.
STEPS, DAMPING = 2, 0.5
#: Largest coefficient, reached only where a batch separates the groups.
LARGEST = 20.0


def basis(u: Tensor) -> Tensor:
    """Spline basis (C, B, 5) of standardised logits: 1, u, hinges at -1, 0 and 1."""
    hinges = [torch.relu(u - at) for at in HINGES]
    return torch.stack([torch.ones_like(u), u, *hinges], dim=-1)


def solve(
    design: Tensor, to: Pairs, beta: Tensor, *, steps: int = STEPS, damping: float = DAMPING
) -> Tensor:
    """Damped Newton steps of ridge logistic regressions, one per slice and comparison.

    Parameters
    ----------
    design : (C, B, P)
    to
        J comparisons of the B rows; without a member, or without a rest, beta stays.
    beta : (C, J, P)
        Where to start.
    """
    n = to.use.sum(1)
    members = to.member.sum(1)
    known = ((members > 0) & (members < n)).view(1, -1, 1)
    weight = to.use / n.clamp(min=1.0)[:, None]
    ridge = RIDGE * torch.ones(design.shape[-1], device=design.device, dtype=design.dtype)
    ridge[0] = 1e-6  # the intercept is the group's share and is not shrunk
    for _ in range(steps):
        p = torch.sigmoid(beta @ design.transpose(1, 2))  # (C, J, B)
        slope = (weight * (p - to.member)) @ design + ridge * beta
        curve = (weight * p * (1.0 - p)).clamp(min=1e-12)
        matrix = torch.einsum("cjb,cbp,cbq->cjpq", curve, design, design) + torch.diag(ridge)
        step, _ = torch.linalg.solve_ex(matrix, slope.unsqueeze(-1))
        to_be = (beta - damping * step.squeeze(-1)).clamp(-LARGEST, LARGEST)
        fine = torch.isfinite(to_be).all(-1, keepdim=True) & known
        beta = torch.where(fine, to_be, beta)
    return beta


def gain(design: Tensor, to: Pairs, beta: Tensor) -> Tensor:
    """How much better than the groups' shares the adversary predicts them (C,), in nats."""
    n = to.use.sum(1).clamp(min=1.0)
    logits = beta @ design.transpose(1, 2)
    loss = functional.binary_cross_entropy_with_logits(
        logits, to.member.expand_as(logits), reduction="none"
    )
    share = to.member.sum(1) / n
    known = ((share > 0.0) & (share < 1.0)).float()
    kept = share.clamp(1e-6, 1.0 - 1e-6)
    entropy = -(kept * kept.log() + (1.0 - kept) * (1.0 - kept).log())
    gains = entropy - (loss * to.use).sum(2) / n
    return (gains * known * to.share).sum(1)


class Newton:
    """Penalty: what a spline logistic regression on the standardised logit knows of the group."""

    def __init__(self, rows: Rows, count: int) -> None:
        self.rows = rows
        self.count = count
        self.pairs = pairs(rows)
        self.reset()

    def reset(self) -> None:
        shape = (self.count, len(self.pairs), 2 + len(HINGES))
        self.beta = torch.zeros(shape, device=self.rows.y.device)

    def penalty(self, z: Tensor, rows: Tensor, step: int) -> Tensor:
        to = self.pairs.take(rows)
        design = basis(standardised(z.float()))
        self.beta = solve(design.detach(), to, self.beta)
        return gain(design, to, self.beta)

    def value(self, z: Tensor, rows: Rows) -> Tensor:
        design = basis(standardised(z.float()))
        return gain(design, pairs(rows, self.rows), self.beta).clamp(min=0.0)
