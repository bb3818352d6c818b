"""Rows on the device, as every penalty of local fairness sees them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Parity = Literal["selection-rate", "equalized-odds", "tpr"]


@dataclass(frozen=True)
class Rows:
    """Rows of one part, as tensors on the device.

    Parameters
    ----------
    x : (n, d) float32
        Standardised inputs.
    y : (n,) float32
        Label 0 or 1.
    s : (n, A) long
        Groups on every protected axis, -1 unknown.
    k
        Groups of every axis.
    a : (n, p) float32
        Standardised descriptors.
    phi : (n, m + 1) float32
        Their random features, a 1 first (`features.Features`).
    parity
        What is to be equal locally.
    bins : (n,) long, optional
        Declared bins.
    weight : (n,) float32, optional
        Weight of the label loss, mean 1.
    """

    x: Tensor
    y: Tensor
    s: Tensor
    k: tuple[int, ...]
    a: Tensor
    phi: Tensor
    parity: Parity = "selection-rate"
    bins: Tensor | None = None
    weight: Tensor | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: Tensor) -> Rows:
        """Some rows, by position."""
        return replace(
            self, x=self.x[rows], y=self.y[rows], s=self.s[rows], a=self.a[rows],
            phi=self.phi[rows],
            bins=None if self.bins is None else self.bins[rows],
            weight=None if self.weight is None else self.weight[rows],
        )  # fmt: skip

    @property
    def strata(self) -> tuple[int | None, ...]:
        """Labels inside which the penalty runs; None is everybody."""
        return {"selection-rate": (None,), "equalized-odds": (0, 1), "tpr": (1,)}[self.parity]

    def stratum(self, label: int | None) -> Tensor:
        """Rows (n,) of a stratum, bool."""
        if label is None:
            return torch.ones(len(self), dtype=torch.bool, device=self.y.device)
        return self.y == float(label)


def of(
    x: NDArray[Any],
    y: NDArray[Any],
    s: NDArray[Any],
    k: tuple[int, ...],
    a: NDArray[Any],
    phi: NDArray[Any],
    *,
    parity: Parity = "selection-rate",
    bins: NDArray[Any] | None = None,
    weight: NDArray[Any] | None = None,
    device: Any = "cpu",
) -> Rows:
    """Rows of arrays; ``s`` (n,) or (n, A)."""

    def real(values: NDArray[Any]) -> Tensor:
        return torch.as_tensor(np.asarray(values, dtype=np.float32), device=device)

    def whole(values: NDArray[Any]) -> Tensor:
        return torch.as_tensor(np.asarray(values, dtype=np.int64), device=device)

    groups = np.asarray(s)
    return Rows(
        real(x), real(y), whole(groups[:, None] if groups.ndim == 1 else groups), tuple(k),
        real(a), real(phi), parity,
        None if bins is None else whole(bins),
        None if weight is None else real(np.asarray(weight) / np.mean(weight)),
    )  # fmt: skip
