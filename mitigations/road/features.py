"""Random Fourier features of descriptors: a smooth function of them is a linear one of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Features at most; rows of a minibatch that each of them needs.
MOST, ROWS_EACH = 48, 20


@dataclass(frozen=True)
class Features:
    """``phi(a) = [1, sqrt(2) cos(W a + b)]`` of standardised descriptors.

    Parameters
    ----------
    mean, scale : (p,)
        How descriptors are standardised: to deviation 1, two-valued ones to a step of 1.
    w : (p, m)
        Normal, deviation 1 / length scale.
    b : (m,)
        Uniform on 0 to 2 pi.
    """

    mean: Floats
    scale: Floats
    w: Floats
    b: Floats

    @classmethod
    def fit(
        cls, a: NDArray[Any], rng: np.random.Generator, *, count: int | None = None,
        batch: int = 1024, length: float | None = None,
    ) -> Features:  # fmt: skip
        """Draw features for descriptors like these.

        Parameters
        ----------
        a : (n, p)
            Descriptors of training rows.
        rng
            What W and b are drawn from.
        count
            Features; `MOST`, or fewer where a minibatch has few rows.
        batch
            Rows of a minibatch.
        length
            Length scale in deviations; follows the number of descriptors where not given.
        """
        values = np.asarray(a, dtype=np.float64)
        mean, scale = values.mean(0), values.std(0)
        for j, column in enumerate(values.T):
            found = np.unique(column)
            if len(found) == 2:
                scale[j] = found[1] - found[0]
        scale = np.where(scale > 0.0, scale, 1.0)
        p = values.shape[1]
        m = min(MOST, max(4, min(batch, len(values)) // ROWS_EACH)) if count is None else count
        at = length_scale(p) if length is None else length
        w = rng.standard_normal((p, m)) / at
        return cls(mean, scale, w, rng.uniform(0.0, 2.0 * np.pi, m))

    def descriptors(self, a: NDArray[Any]) -> Floats:
        """Standardised descriptors (n, p)."""
        return (np.asarray(a, dtype=np.float64) - self.mean) / self.scale

    def __call__(self, a: NDArray[Any]) -> NDArray[np.float32]:
        """Features (n, m + 1) of raw descriptors (n, p)."""
        waves = np.sqrt(2.0) * np.cos(self.descriptors(a) @ self.w + self.b)
        out = np.empty((len(waves), waves.shape[1] + 1), dtype=np.float32)
        out[:, 0], out[:, 1:] = 1.0, waves
        return out


def length_scale(descriptors: int) -> float:
    """0.7 for up to three standardised descriptors, 1.2 for six, on that line beyond."""
    return 0.7 + max(0, descriptors - 3) / 6.0
