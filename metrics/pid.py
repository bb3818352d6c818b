"""Where a gap comes from: the parts of a disparity across sites.

The information the decision Yh has about the group Z, over all sites together (global) and at
each site (local), splits into a unique, a redundant and a masked part:
GD = UNI + RED and LD = UNI + MSK. Everything is computed from counts, in nats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics import broja, information
from metrics.cells import Counts, Floats

NAMES = ("global", "local", "unique", "redundant", "masked")
OTHER = "other sites"


@dataclass(frozen=True)
class Atoms:
    """Parts of the disparity of one table or many, in nats.

    Parameters
    ----------
    whole, local
        I(Z;Yh) and I(Z;Yh|S).
    unique, redundant, masked
        Information about Z only in Yh, in Yh and also in S, and visible only given S.
    site_only
        Information about Z only in S.
    gap
        Largest distance of `unique` from its true value.
    iterations
        Newton steps of the solver.
    optimum : (..., z, s, y), optional
        The table without a masked part that proves `unique`.
    """

    whole: Floats
    local: Floats
    unique: Floats
    redundant: Floats
    masked: Floats
    site_only: Floats
    gap: Floats
    iterations: NDArray[np.int64]
    optimum: Floats | None = None

    def __getitem__(self, name: str) -> Floats:
        """A part by its name in the result document."""
        return np.asarray(getattr(self, "whole" if name == "global" else name))


def decompose(
    counts: Floats | Counts,
    *,
    tolerance: float = broja.TOLERANCE,
    iterations: int = broja.ITERATIONS,
    keep: bool = False,
) -> Atoms:
    """Split the disparity of each table.

    GD = I(Z;Yh), LD = I(Z;Yh|S), UNI = min I_Q(Z;Yh|S) over Q with P's (z,s) and (z,yh)
    marginals, RED = GD - UNI, MSK = LD - UNI, UNI_S = I(Z;S) - RED.

    Parameters
    ----------
    counts : (..., z, s, y)
        Counts, sums of weights or shares; 0 parts for an empty table.
    tolerance
        Gap at which the solver stops, nats.
    iterations
        Largest number of its steps.
    keep
        Return the optimum too.

    Returns
    -------
    Atoms
        Arrays of the shape in front of (z, s, y); all parts at least 0.

    References
    ----------
    Hamman, Dutta, Demystifying local and global fairness trade-offs in federated learning
    using partial information decomposition, ICLR 2024.
    Bertschinger, Rauh, Olbrich, Jost, Ay, Quantifying unique information, Entropy 16, 2014.
    """
    shares = information.joint(np.asarray(counts, dtype=np.float64))
    front = shares.shape[:-3]
    flat = shares.reshape(-1, *shares.shape[-3:])
    whole, local = information.global_disparity(flat), information.local_disparity(flat)
    site = information.site_information(flat)
    solved = broja.solve(flat, tolerance=tolerance, iterations=iterations, keep=keep)
    # Attained values exceed the smaller total by rounding at most.
    unique = np.clip(solved.unique, 0.0, np.minimum(whole, local))
    redundant, masked = whole - unique, local - unique
    return Atoms(
        whole=whole.reshape(front),
        local=local.reshape(front),
        unique=unique.reshape(front),
        redundant=redundant.reshape(front),
        masked=masked.reshape(front),
        site_only=np.maximum(site - redundant, 0.0).reshape(front),
        gap=solved.gap.reshape(front),
        iterations=solved.iterations.reshape(front),
        optimum=None if solved.optimum is None else solved.optimum.reshape(shares.shape),
    )


def averaged(
    counts: Floats | Counts,
    *,
    tolerance: float = broja.TOLERANCE,
    iterations: int = broja.ITERATIONS,
) -> tuple[dict[str, Floats], Floats]:
    """Parts within strata, averaged by the strata's share of people.

    Parameters
    ----------
    counts : (..., l, z, s, y)
        Tables of l strata.
    tolerance, iterations
        As in `decompose`.

    Returns
    -------
    parts : dict of (...) float64
        By the names in `NAMES`.
    gap : (...) float64
        Largest distance of the averaged unique part from its true value.
    """
    atoms = decompose(counts, tolerance=tolerance, iterations=iterations)
    weight = stratum_shares(counts)
    parts = {name: np.asarray((weight * atoms[name]).sum(axis=-1)) for name in NAMES}
    return parts, np.asarray((weight * atoms.gap).sum(axis=-1))


def stratum_shares(counts: Floats | Counts) -> Floats:
    """Share of people in each stratum of (..., l, z, s, y) tables."""
    size = np.asarray(counts, dtype=np.float64).sum(axis=(-3, -2, -1))
    total = size.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(size, total, out=np.zeros_like(size), where=total > 0))


def corrected(parts: dict[str, float], expected: dict[str, float]) -> dict[str, float]:
    """Parts of the totals less what chance alone adds to them.

    Small tables show information where there is none. The totals are lowered by its expected
    amount and the parts follow from GD = UNI + RED and LD = UNI + MSK.

    Parameters
    ----------
    parts
        Plug-in values by the names in `NAMES`.
    expected
        Values of ``global`` and ``local`` expected without any disparity.
    """
    whole = max(parts["global"] - expected["global"], 0.0)
    local = max(parts["local"] - expected["local"], 0.0)
    unique = min(parts["unique"], whole, local)
    return {
        "global": whole,
        "local": local,
        "unique": unique,
        "redundant": whole - unique,
        "masked": local - unique,
    }


def site_table(
    cells: NDArray[np.int32], counts: Counts
) -> tuple[NDArray[np.int32], NDArray[np.int32], Counts]:
    """Arrange the groups of an intersection whose last column is the site.

    Parameters
    ----------
    cells : (c, k + 1) int
        Codes of the sensitive columns and of the site, as in `metrics.groups.Grouping`.
    counts : (c, *tail) int64
        People of each cell.

    Returns
    -------
    groups : (z, k) int
        Codes of the sensitive columns.
    sites : (s,) int
        Codes of the sites.
    table : (z, s, *tail) int64
        Counts; 0 where a group has nobody at a site.
    """
    groups, z = np.unique(cells[:, :-1], axis=0, return_inverse=True)
    sites, s = np.unique(cells[:, -1], return_inverse=True)
    table = np.zeros((len(groups), len(sites), *counts.shape[1:]), dtype=np.int64)
    np.add.at(table, (z.reshape(-1), s.reshape(-1)), counts)
    return groups, sites, table


@dataclass(frozen=True)
class Pooled:
    """Which sites a table keeps apart.

    Parameters
    ----------
    sites
        Words of the sites, the pooled one last.
    place : (s,) int
        New position of each old site.
    members
        Positions of the sites that were joined.
    rule
        ``group`` if a site needed `floor` people of every group, ``total`` if `floor` people
        in all, ``none`` if nothing was joined.
    """

    sites: tuple[str, ...]
    place: NDArray[np.intp]
    members: tuple[int, ...]
    rule: str

    def apply(self, counts: Floats) -> Floats:
        """Add up the sites of (..., s, y) tables."""
        joined = np.zeros((len(self.sites), len(self.place)))
        joined[self.place, np.arange(len(self.place))] = 1.0
        return np.asarray(joined @ counts)


def pool_sites(
    counts: Counts | Floats, sites: Sequence[str], *, floor: int, rule: str = "group"
) -> Pooled:
    """Join sites with too few people into one, once.

    Parameters
    ----------
    counts : (z, s)
        People of each group at each site.
    sites
        Words of the s sites.
    floor
        People a site needs.
    rule
        ``group``: of every group; falls back on ``total`` (people in all) when fewer than two
        sites would stay apart. ``none``: keep all apart.
    """
    sparse: NDArray[np.bool_] = np.asarray(counts.sum(axis=0) < floor)
    used = "total"
    by_group = np.asarray((counts < floor).any(axis=0))
    if rule == "group" and (~by_group).sum() >= 2:
        sparse, used = by_group, "group"
    if rule == "none":
        sparse = np.zeros(len(sites), dtype=bool)
    # One sparse site has nothing to be joined with.
    if sparse.sum() < 2:
        return Pooled(tuple(sites), np.arange(len(sites)), (), "none")
    kept = np.flatnonzero(~sparse).tolist()
    place = np.full(len(sites), len(kept), dtype=np.intp)
    place[kept] = np.arange(len(kept))
    words = [sites[j] for j in kept]
    other = OTHER
    while other in words:
        other = f"{other} (pooled)"
    return Pooled((*words, other), place, tuple(np.flatnonzero(sparse).tolist()), used)
