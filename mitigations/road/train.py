"""One stack per form: lambdas, temperatures and seeds as slices of one run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from mitigations.nets import Loop, Stack, Term, Trained, train
from mitigations.road.data import Rows

__all__ = ["HIDDEN", "Term", "fit"]

#: Hidden widths of a scoring network.
HIDDEN = (64, 32)


def fit(
    rows: Rows,
    term: Term | None,
    lam: Sequence[float],
    seeds: Sequence[int],
    loop: Loop,
    *,
    rng: np.random.Generator,
    tick: Any,
    valid: Rows | None = None,
) -> Trained:
    """Train one network per slice; slice c has weight ``lam[c]`` and seed ``seeds[c]``."""
    stack = Stack.new(seeds, (rows.x.shape[1], *HIDDEN, 1), rows.x.device)
    return train(stack, rows, term, torch.tensor(list(lam)), loop, rng=rng, tick=tick, valid=valid)
