"""Random features of descriptors, and the chance of each group among people alike in them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]

#: Features, and ridge of every regression on them (road.md 6).
COUNT, RIDGE = 48, 0.1
#: Chances of a group are kept this far from 0 and 1.
CLIP = 0.02


@dataclass(frozen=True)
class Features:
    """``Phi(a) = [1, sqrt(2) cos(W a + b)]``, W ~ N(0, 1 / ls^2), b ~ U(0, 2 pi).

    Parameters
    ----------
    w : (p, m)
    b : (m,)

    References
    ----------
    Rahimi, Recht, Random features for large-scale kernel machines, NeurIPS 2007, algorithm 1.
    """

    w: Floats
    b: Floats

    @classmethod
    def draw(cls, descriptors: int, rng: np.random.Generator, count: int = COUNT) -> Features:
        """Features of so many standardised descriptors."""
        w = rng.standard_normal((descriptors, count)) / length_scale(descriptors)
        return cls(w, rng.uniform(0.0, 2.0 * np.pi, count))

    def __call__(self, a: NDArray[np.floating]) -> NDArray[np.float32]:
        """Features (n, m + 1) of descriptors (n, p), a 1 first."""
        waves = math.sqrt(2.0) * np.cos(np.asarray(a, dtype=np.float64) @ self.w + self.b)
        return np.hstack([np.ones((len(waves), 1)), waves]).astype(np.float32)


def length_scale(descriptors: int) -> float:
    """0.7 up to three descriptors, 1.2 for six, between and beyond in proportion."""
    return 0.7 + max(descriptors - 3, 0) * 0.5 / 3.0


def gram(phi: Tensor, use: Tensor) -> Tensor:
    """``Phi' Phi / n + ridge I`` over the rows in use, (m + 1, m + 1)."""
    kept = phi * use[:, None]
    eye = torch.eye(phi.shape[1], device=phi.device, dtype=phi.dtype)
    return kept.T @ phi / use.sum().clamp(min=1.0) + RIDGE * eye


@dataclass(frozen=True)
class Propensity:
    """Chance of being a member among people alike, by ridge regression on the features.

    The share of members is taken out first, so that the ridge pulls towards it and not to 0.
    """

    share: Tensor
    beta: Tensor

    @classmethod
    def fit(cls, phi: Tensor, member: Tensor, use: Tensor) -> Propensity:
        """From rows with features (n, m + 1), of which those in ``use`` (n,) count."""
        n = use.sum().clamp(min=1.0)
        share = (member * use).sum() / n
        target = phi.T @ ((member - share) * use) / n
        return cls(share, torch.linalg.solve(gram(phi, use), target))

    def __call__(self, phi: Tensor) -> Tensor:
        """Chances (n,), kept off 0 and 1."""
        return (self.share + phi @ self.beta).clamp(CLIP, 1.0 - CLIP)
