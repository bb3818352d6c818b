"""Joint laws of group, site and decision that tests and benchmarks share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from metrics import information
from metrics.cells import Floats

ANCHORS = {
    "iid": [[[1413, 174], [1485, 166]], [[2303, 994], [2254, 979]]],
    "het": [[[263, 24], [2635, 316]], [[4190, 1789], [367, 184]]],
    "syn": [[[2871, 2], [27, 338]], [[46, 1952], [4511, 21]]],
}
"""Labels of 9,768 people by group, client and label under three ways to assign clients."""


def law(cells: dict[str, float], shape: tuple[int, int, int] = (2, 2, 2)) -> Floats:
    """Shares from cells named by their codes, such as ``"021"``."""
    out = np.zeros(shape)
    for name, share in cells.items():
        out[tuple(map(int, name))] = share
    return out


CANONICAL: dict[str, tuple[Floats, Sequence[float]]] = {
    "decision is the group": (law(dict.fromkeys(("000", "010", "101", "111"), 0.25)), (1, 0, 0)),
    "site and decision are the group": (law({"000": 0.5, "111": 0.5}), (0, 1, 0)),
    "exclusive or": (law(dict.fromkeys(("000", "011", "101", "110"), 0.25)), (0, 0, 1)),
    "independent": (np.full((2, 2, 2), 0.125), (0, 0, 0)),
    "and": (
        law(dict.fromkeys(("000", "010", "001", "111"), 0.25)),
        (0, 0.311278124459133, 0.5),
    ),
    "three sites": (
        law({"000": 1 / 3, "111": 1 / 3, "021": 1 / 6, "120": 1 / 6}, (2, 3, 2)),
        (0, 0.081704165952845, 1 / 3),
    ),
}
"""Laws with their unique, redundant and masked part in bits."""


def population(shape: tuple[int, int, int], rng: np.random.Generator) -> Floats:
    """Group mixes differ by site; decisions depend on group, site and both together."""
    z, s, y = shape
    mix = rng.dirichlet(np.full(z, 2.0), size=s).T * rng.dirichlet(np.full(s, 2.0))
    level = np.arange(y)
    score = level * (
        0.5 * rng.normal(size=(z, 1, 1))
        + 0.3 * rng.normal(size=(1, s, 1))
        + 0.2 * rng.normal(size=(z, s, 1))
    )
    chance = np.exp(score - score.max(axis=2, keepdims=True))
    return np.asarray(mix[:, :, None] * chance / chance.sum(axis=2, keepdims=True))


def sample(shape: tuple[int, int, int], rng: np.random.Generator, n: int = 20_000) -> Floats:
    """Counts of n people of a `population`; empty cells occur."""
    return rng.multinomial(n, population(shape, rng).ravel()).reshape(shape).astype(float)


def clarabel_unique(shares: Floats) -> float:
    """The same minimum by a general cone solver: q ln(q / q_sy) as exponential cones."""
    import clarabel

    z, s, y = shares.shape
    n = z * s * y
    one = [sparse.eye_array(k) for k in shares.shape]
    ones = [np.ones((1, k)) for k in shares.shape]
    by_site = sparse.kron(one[0], sparse.kron(one[1], ones[2]))
    by_decision = sparse.kron(one[0], sparse.kron(ones[1], one[2]))
    summed = sparse.kron(ones[0].T @ ones[0], sparse.eye_array(s * y))
    none = sparse.csr_array((n, n))
    equal = sparse.vstack([by_site, by_decision])
    cone = sparse.vstack(
        [
            sparse.hstack([none, sparse.eye_array(n)]),
            sparse.hstack([-sparse.eye_array(n), none]),
            sparse.hstack([-summed, none]),
        ]
    ).tocsr()[np.arange(3 * n).reshape(3, n).T.ravel()]
    a = sparse.vstack([sparse.hstack([equal, sparse.csr_array((equal.shape[0], n))]), cone])
    b = np.concatenate([equal @ shares.ravel(), np.zeros(3 * n)])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-9
    cones = [clarabel.ZeroConeT(equal.shape[0])] + [clarabel.ExponentialConeT()] * n
    cost = np.concatenate([np.zeros(n), np.ones(n)])
    found = clarabel.DefaultSolver(
        sparse.csc_matrix((2 * n, 2 * n)), cost, sparse.csc_matrix(a), b, cones, settings
    ).solve()
    return float(found.obj_val + information.conditional_entropy(shares))
