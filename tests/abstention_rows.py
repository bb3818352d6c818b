"""The program over rows, three variables each, as published: what the counted one is held to."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from metrics.abstention_cells import AMONG, Wish


def rows_of(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Group, label and decision of each row of a (K, 2, 2) table."""
    index = np.indices(counts.shape).reshape(3, -1)
    group, label, before = np.repeat(index, counts.ravel(), axis=1)
    return group, label, before


def per_row(counts: np.ndarray, wish: Wish) -> float | None:
    """Least errors by one binary program over rows, whole reading; None where infeasible.

    Variables of a row: decided w, issued h, and z = w h, enforced linearly.
    """
    group, y, b = rows_of(counts)
    n, k = len(group), len(counts)
    size = counts.sum(axis=(1, 2))
    shares = wish.shares(k)
    wrong = np.array([counts[g, 0, 1] + counts[g, 1, 0] for g in range(k)])
    allowed = wish.allowed(wrong / size)
    eye, empty = sparse.eye_array(n), sparse.csr_array((n, n))
    rows: list[sparse.sparray] = [
        sparse.hstack([-eye, empty, eye]),
        sparse.hstack([empty, -eye, eye]),
        sparse.hstack([eye, eye, -eye]),
    ]
    limits = [np.zeros(n), np.zeros(n), np.ones(n)]
    zero = np.zeros(n)

    def add(w: np.ndarray, z: np.ndarray, limit: float) -> None:
        rows.append(sparse.csr_array(np.concatenate([w, zero, z])[None, :]))
        limits.append(np.array([limit]))

    for g in range(k):
        mine = (group == g).astype(float)
        add(-mine, zero, -np.ceil((1 - shares[g]) * size[g] - 1e-9))
        add(mine * (y - allowed[g]), mine * (1 - 2 * y), 1e-9)
        if wish.flips < 1:
            budget = np.floor(wish.flips * size[g] + 1e-9)
            add(mine * b, mine * (1 - 2 * b), budget)
        for other in range(k):
            if other == g:
                continue
            theirs = (group == other).astype(float)
            for label in AMONG[wish.parity]:
                cases = np.ones(n) if label is None else (y == label).astype(float)
                here, there = (mine * cases).sum(), (theirs * cases).sum()
                if here and there:
                    add(zero, cases * (mine / here - theirs / there), wish.gap + 1e-9)
            for label, width in zip((None, 1, 0), wish.spread, strict=True):
                cases = np.ones(n) if label is None else (y == label).astype(float)
                here, there = (mine * cases).sum(), (theirs * cases).sum()
                if width < 1 and here and there:
                    add(cases * (theirs / there - mine / here), zero, width + 1e-9)
    found = milp(
        np.concatenate([y, zero, 1.0 - 2.0 * y]),
        integrality=np.ones(3 * n),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(sparse.vstack(rows), -np.inf, np.concatenate(limits)),
        options={"mip_rel_gap": 0.0},
    )
    return None if found.x is None else float(found.fun)
