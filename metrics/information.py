"""Mutual information of count tables, in nats, for any number of tables at once.

Tables have the axes (group Z, site S, decision Yh) last and may have more in front. 0 ln 0 is 0.
"""

from __future__ import annotations

import numpy as np
from scipy.special import entr, rel_entr

from metrics.cells import Floats


def joint(counts: Floats) -> Floats:
    """Shares of the cells of each table.

    Parameters
    ----------
    counts : (..., z, s, y)
        Non-negative counts or sums of weights.

    Returns
    -------
    (..., z, s, y) float64
        Sums to 1 over the last three axes; all 0 where a table is empty.
    """
    table = np.asarray(counts, dtype=np.float64)
    total = table.sum(axis=(-3, -2, -1), keepdims=True)
    return np.asarray(np.divide(table, total, out=np.zeros_like(table), where=total > 0))


def mutual(pairs: Floats) -> Floats:
    """Information two variables have about each other.

    I(A;B) = sum p(a,b) ln [p(a,b) / p(a) p(b)].

    Parameters
    ----------
    pairs : (..., a, b) float64
        Joint shares; a table that sums to t gives t times its information.

    Returns
    -------
    (...) float64
        Nats, at least 0.
    """
    total = pairs.sum(axis=(-2, -1), keepdims=True)
    product = pairs.sum(axis=-1, keepdims=True) * pairs.sum(axis=-2, keepdims=True)
    expected = np.divide(product, total, out=np.zeros_like(pairs), where=total > 0)
    return np.asarray(np.maximum(rel_entr(pairs, expected).sum(axis=(-2, -1)), 0.0))


def global_disparity(shares: Floats) -> Floats:
    """I(Z;Yh): 0 exactly when every group is decided alike over all sites together."""
    return mutual(shares.sum(axis=-2))


def site_terms(shares: Floats) -> Floats:
    """p(s) I(Z;Yh|S=s) for each site; they sum to the local disparity.

    Returns
    -------
    (..., s) float64
        Nats.
    """
    return mutual(np.swapaxes(shares, -3, -2))


def local_disparity(shares: Floats) -> Floats:
    """I(Z;Yh|S): 0 exactly when every group is decided alike at each site."""
    return np.asarray(site_terms(shares).sum(axis=-1))


def site_information(shares: Floats) -> Floats:
    """I(Z;S): how much the site tells about the group."""
    return mutual(shares.sum(axis=-1))


def total_information(shares: Floats) -> Floats:
    """I(Z;Yh,S): what decision and site together tell about the group."""
    return mutual(shares.reshape(*shares.shape[:-2], -1))


def conditional_entropy(shares: Floats) -> Floats:
    """H(Z|S) of (..., z, s, y) shares."""
    pairs = shares.sum(axis=-1)
    return np.asarray(entr(pairs).sum(axis=(-2, -1)) - entr(pairs.sum(axis=-2)).sum(axis=-1))


def degrees(counts: Floats) -> Floats:
    """Degrees of freedom of a table of two variables, levels without a row left out.

    Parameters
    ----------
    counts : (..., a, b)
        Counts.

    Returns
    -------
    (...) float64
        (occupied a - 1)(occupied b - 1), 0 for an empty table.
    """
    rows = (counts.sum(axis=-1) > 0).sum(axis=-1) - 1.0
    columns = (counts.sum(axis=-2) > 0).sum(axis=-1) - 1.0
    return np.asarray(np.maximum(rows, 0.0) * np.maximum(columns, 0.0))
