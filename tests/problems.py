"""Simulated problems for remedies: two or more groups, scores that favour one of them."""

from __future__ import annotations

import numpy as np

from mitigations.contract import Column, Part, Problem


def part(n: int, seed: int, *, groups: int = 2, gap: float = 1.0, scored: bool = True) -> Part:
    """Rows with three features, a label that depends on them, and a logistic score.

    Group 0 is the largest and the best placed: `gap` shifts the first feature of the others.
    """
    rng = np.random.default_rng([7, seed])
    shares = np.array([0.55] + [0.45 / (groups - 1)] * (groups - 1))
    group = rng.choice(groups, n, p=shares).astype(np.int32)
    x = rng.normal(size=(n, 3))
    x[:, 0] -= gap * (group > 0)
    x[:, 2] = rng.integers(0, 4, n)
    margin = 1.2 * x[:, 0] + 0.6 * x[:, 1]
    y = (rng.random(n) < 1 / (1 + np.exp(-margin))).astype(np.int8)
    score = 1 / (1 + np.exp(-(margin + rng.normal(0, 0.3, n))))
    return Part(
        x=x.astype(np.float32),
        group=group,
        groups={"group": group},
        y=y,
        score=score if scored else None,
        decision=(score >= 0.5).astype(np.int8) if scored else None,
        row_key=rng.integers(0, 2**63, n, dtype=np.uint64),
    )


def problem(
    n: int = 4000,
    seed: int = 0,
    *,
    groups: int = 2,
    gap: float = 1.0,
    goal: str = "selection-rate",
) -> Problem:
    """A problem with training rows 5 to 2 of validation, and the model that scored them."""
    columns = (
        Column("skill", "numeric", slot=0),
        Column("effort", "numeric", slot=1),
        Column("branch", "categorical", levels=("a", "b", "c", "d"), slot=2),
    )
    return Problem(
        train=part(n, seed, groups=groups, gap=gap),
        valid=part(int(0.4 * n), seed + 1, groups=groups, gap=gap),
        columns=columns,
        group_names=tuple(f"group {i}" for i in range(groups)),
        goal=goal,
        predict=predict,
        source=part(n // 2, seed + 50, groups=groups, gap=gap, scored=False),
    )


def audit(n: int = 2000, seed: int = 0, *, groups: int = 2, gap: float = 1.0) -> Part:
    """Rows the remedy is judged on."""
    return part(n, seed + 1000, groups=groups, gap=gap)


def predict(rows: Part) -> np.ndarray:
    """The audited model without its noise: it can be asked for new inputs."""
    return np.asarray(1 / (1 + np.exp(-(1.2 * rows.x[:, 0] + 0.6 * rows.x[:, 1]))), np.float64)
