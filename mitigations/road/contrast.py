"""Signed weights of rows: their mean times a decision is half a gap, anywhere among people."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mitigations.road.data import Rows

#: Ridge of the gap's regression, and of the propensity's.
RIDGE, PROPENSITY_RIDGE = 0.1, 1e-3
#: Least propensity, and 1 less the largest.
FEWEST = 0.02
#: Rows of a group, and of the rest, from which a comparison is made.
FEWEST_ROWS = 10


@dataclass(frozen=True)
class Comparison:
    """Group ``code`` of an axis against the rest, among rows of one label (None: all).

    Parameters
    ----------
    ridge : (q,)
        Propensity ``P(s = code | a)`` as a linear function of `design`.
    inverse : (m + 1, m + 1)
        Of A, the features' second moments among these rows, plus a ridge.
    share
        Propensity with a constant.
    weight
        Of the comparison in the penalty.
    """

    axis: int
    label: int | None
    code: int
    ridge: Tensor
    inverse: Tensor
    share: float
    weight: float = 1.0


def comparisons(rows: Rows) -> list[Comparison]:
    """Comparisons the rows allow: one for two groups, one per group for more.

    Axes count alike, and so do strata and groups within an axis.
    """
    out: list[Comparison] = []
    seen = design(rows)
    for axis, k in enumerate(rows.k):
        found: list[Comparison] = []
        for label in rows.strata:
            use = rows.stratum(label) & (rows.s[:, axis] >= 0)
            n = int(use.sum())
            if n < 2 * FEWEST_ROWS:
                continue
            inverse = _inverse(rows.phi[use], RIDGE)
            fitted = _inverse(seen[use], PROPENSITY_RIDGE, free=True)
            for code in [1] if k == 2 else range(k):
                member = (rows.s[use, axis] == code).double()
                size = float(member.sum())
                if min(size, n - size) < FEWEST_ROWS:
                    continue
                ridge = fitted @ (seen[use].double().T @ member) / n
                share = size / n
                found.append(Comparison(axis, label, code, ridge.float(), inverse.float(), share))
        out += [_weighted(one, 1.0 / len(found)) for one in found]
    axes = len({one.axis for one in out})
    return [_weighted(one, one.weight / axes) for one in out]


def design(rows: Rows) -> Tensor:
    """What the propensity is linear in (n, q): features, and a place for each declared bin."""
    if rows.bins is None:
        return rows.phi
    places = int(rows.bins.max()) + 1 if len(rows) else 0
    known = rows.bins.clamp(min=0)
    one = torch.nn.functional.one_hot(known, max(places, 1)).to(rows.phi.dtype)
    return torch.cat([rows.phi, one * (rows.bins >= 0)[:, None]], 1)


def signs(rows: Rows, of: list[Comparison]) -> tuple[Tensor, Tensor, Tensor]:
    """Signed weights of rows, for every comparison.

    Returns
    -------
    st : (J, n)
        ``E[st v | a]`` is half the gap of v between the group and the rest, near a.
    sg : (J, n)
        The same with a constant propensity: half the gap within the whole stratum.
    use : (J, n)
        1 for rows of the stratum whose group is known, else 0.
    """
    seen = design(rows)
    local, whole, used = [], [], []
    for one in of:
        use = (rows.stratum(one.label) & (rows.s[:, one.axis] >= 0)).float()
        member = (rows.s[:, one.axis] == one.code).float()
        q = min(seen.shape[1], len(one.ridge))
        p = (seen[:, :q] @ one.ridge[:q]).clamp(FEWEST, 1.0 - FEWEST)
        local.append(use * (member - p) / (2.0 * p * (1.0 - p)))
        whole.append(use * (member - one.share) / (2.0 * one.share * (1.0 - one.share)))
        used.append(use)
    if not of:
        empty = torch.zeros((0, len(rows)), device=rows.y.device)
        return empty, empty, empty
    return torch.stack(local), torch.stack(whole), torch.stack(used)


def _inverse(phi: Tensor, ridge: float, *, free: bool = False) -> Tensor:
    """Inverse of the second moments plus a ridge; ``free`` leaves the first place out of it."""
    wide = phi.double()
    moments = wide.T @ wide / len(wide)
    more = torch.full((len(moments),), ridge, dtype=torch.float64, device=phi.device)
    if free:
        more[0] = 1e-9
    found: Tensor = torch.linalg.inv(moments + torch.diag(more))
    return found


def _weighted(one: Comparison, by: float) -> Comparison:
    return replace(one, weight=by)
