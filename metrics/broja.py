"""Unique information by a primal-dual interior-point method, with a certificate.

UNI = min I_Q(Z;Yh|S) over all Q that keep P(z,s) and P(z,yh). The program is convex, its
Hessian has one small block for each (site, decision) with a closed-form inverse, and any dual
point proves a lower bound, so every answer carries the largest error it can have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, xlogy

from metrics import information
from metrics.cells import Floats

TOLERANCE = 1e-7
ITERATIONS = 100
# Floats of the largest work array of one block of tables; a block stays in the cache.
BLOCK = 1 << 17

_RIDGE = 1e-13
_TO_BOUNDARY = 0.99
_SHRINK = 0.1


@dataclass(frozen=True)
class Solution:
    """Unique information of each of b tables.

    Parameters
    ----------
    unique : (b,) float64
        Attained by `optimum`, so at least the truth; nats.
    gap : (b,) float64
        Largest possible distance from the truth; nats.
    iterations : (b,) int64
        Newton steps; 0 where bounds known beforehand meet.
    optimum : (b, z, s, y) float64, optional
        One minimising Q.
    """

    unique: Floats
    gap: Floats
    iterations: NDArray[np.int64]
    optimum: Floats | None


@dataclass
class _Tables:
    """Fixed quantities and iterates of a block; arrays have the axes (b, s, y, z)."""

    p_s: Floats
    p_zs: Floats
    p_zy: Floats
    entropy: Floats
    mask: NDArray[np.bool_]
    pinned: NDArray[np.bool_]
    q: Floats
    zeta: Floats
    lam: Floats
    mu: Floats
    length: Floats

    @classmethod
    def start(cls, p: Floats) -> _Tables:
        """Q that makes S and Yh independent given Z: feasible, and inside the support."""
        p_zs, p_zy = p.sum(axis=2), p.sum(axis=1)
        p_z, p_s = p_zs.sum(axis=1), p_zs.sum(axis=2)
        product = p_zs[:, :, None] * p_zy[:, None]
        mask = product > 0
        q = np.divide(product, p_z[:, None, None], out=np.zeros_like(product), where=mask)
        n = np.maximum(mask.sum(axis=(1, 2, 3)), 1)[:, None, None, None]
        zeta = np.maximum(np.divide(0.1, n * q, out=np.zeros_like(q), where=mask), 1e-3) * mask
        largest = np.arange(p.shape[2])[:, None] == p_zy.argmax(axis=1)[:, None]
        pairs = p_zs.sum(axis=2)
        entropy = xlogy(pairs, pairs).sum(axis=1) - xlogy(p_zs, p_zs).sum(axis=(1, 2))
        return cls(
            p_s, p_zs, p_zy, entropy, mask, largest | (p_zy <= 0), q, zeta,
            np.zeros_like(p_zy), np.zeros_like(p_zs), np.ones(len(p)),
        )  # fmt: skip

    def keep(self, where: NDArray[np.bool_]) -> None:
        """Go on with some of the tables."""
        for name, value in vars(self).items():
            setattr(self, name, value[where])

    def log_ratio(self) -> Floats:
        """ln(q / q_sy) on the support, 0 elsewhere."""
        q_sy = self.q.sum(axis=3, keepdims=True)
        ratio = np.divide(self.q, q_sy, out=np.ones_like(self.q), where=self.mask)
        return np.asarray(np.log(ratio))

    def feasible(self) -> Floats:
        """The iterate with both marginals exact: scaled down, then what is missing spread out.

        Rounding leaves the iterate slightly outside; an upper bound needs a point inside.
        """
        q = self.q * _at_most_one(self.p_zs, self.q.sum(axis=2))[:, :, None]
        q *= _at_most_one(self.p_zy, q.sum(axis=1))[:, None]
        left_s = np.maximum(self.p_zs - q.sum(axis=2), 0.0)
        left_y = np.maximum(self.p_zy - q.sum(axis=1), 0.0)
        total = left_s.sum(axis=1)[:, None]
        part = np.divide(left_s, total, out=np.zeros_like(left_s), where=total > 0)
        return np.asarray(q + part[:, :, None] * left_y[:, None])

    def bounds(self) -> tuple[Floats, Floats, Floats]:
        """Upper bound of the unique information, where it is attained, and lower bound."""
        inside = self.feasible()
        ratio = np.divide(
            inside, inside.sum(axis=3, keepdims=True), out=np.ones_like(inside), where=inside > 0
        )
        upper = np.einsum("bsyz,bsyz->b", inside, np.log(ratio)) + self.entropy
        dual = self.lam[:, None] + self.mu[:, :, None]
        shift = logsumexp(np.where(self.mask, dual, -np.inf), axis=3).max(axis=2)
        shift[self.p_s <= 0] = 0.0
        lower = (
            (self.lam * self.p_zy).sum(axis=(1, 2))
            + (self.mu * self.p_zs).sum(axis=(1, 2))
            - (self.p_s * shift).sum(axis=1)
            + self.entropy
        )
        return upper, inside, lower

    def step(self) -> None:
        """One damped Newton step towards less complementarity, little less after a short step."""
        size = np.maximum(self.mask.sum(axis=(1, 2, 3)), 1)
        shrink = np.maximum(_SHRINK, 1.0 - self.length)
        tau = shrink * np.einsum("bsyz,bsyz->b", self.q, self.zeta) / size
        inverse = np.divide(1.0, self.q, out=np.zeros_like(self.q), where=self.mask)
        centring = tau[:, None, None, None] * inverse
        force = self.lam[:, None] + self.mu[:, :, None] - self.log_ratio() + centring
        system = _System.of(self)
        d_lam, d_mu = np.zeros_like(self.lam), np.zeros_like(self.mu)
        d_q = system.solve(force * self.mask)
        # The second pass removes the marginals' rounding error of the first.
        for _ in range(2):
            more_lam, more_mu = system.multipliers(
                self.p_zy - (self.q + d_q).sum(axis=1), self.p_zs - (self.q + d_q).sum(axis=2)
            )
            d_q += system.solve((more_lam[:, None] + more_mu[:, :, None]) * self.mask)
            d_lam += more_lam
            d_mu += more_mu
        d_zeta = centring - self.zeta - self.zeta * inverse * d_q
        room = np.maximum(
            (-d_q * inverse).max(axis=(1, 2, 3)),
            np.divide(-d_zeta, self.zeta, out=np.zeros_like(d_q), where=self.mask).max(
                axis=(1, 2, 3)
            ),
        )
        length = np.minimum(1.0, _TO_BOUNDARY / np.maximum(room, _TO_BOUNDARY))
        self.length = length
        self.q = self.q + length[:, None, None, None] * d_q
        self.zeta = self.zeta + length[:, None, None, None] * d_zeta
        self.lam = self.lam + length[:, None, None] * d_lam
        self.mu = self.mu + length[:, None, None] * d_mu


@dataclass(frozen=True)
class _System:
    """Factors of a Newton system.

    The inverse Hessian is, for each (s, y), the matrix diag(w) + w w' / d over groups; `over`
    is w / d. `coupling` joins the multipliers of (z, s) and (z, y), `solved` is it after
    elimination of the former.
    """

    w: Floats
    over: Floats
    by_site: Floats
    coupling: Floats
    solved: Floats
    schur: Floats

    @classmethod
    def of(cls, tables: _Tables) -> _System:
        """Factors at the iterates of some tables."""
        w = tables.q / (1.0 + tables.zeta)
        d = np.einsum("bsyz,bsyz->bsy", w, tables.zeta)[..., None]
        over = np.divide(w, d, out=np.zeros_like(w), where=d > 0)
        b, s, y, z = w.shape
        whole = w[..., :, None] * over[..., None, :]
        diagonal = np.arange(z)
        whole[..., diagonal, diagonal] += w
        by_site, by_decision = whole.sum(axis=2), whole.sum(axis=1)
        by_site[..., diagonal, diagonal] += tables.p_zs <= 0
        inverse = _inverse(by_site)
        coupling = whole.transpose(0, 1, 3, 2, 4).reshape(b, s, z, y * z)
        solved = (inverse @ coupling).reshape(b, s * z, y * z)
        schur = -(coupling.reshape(b, s * z, y * z).transpose(0, 2, 1) @ solved)
        every = schur.reshape(b, y, z, y, z)
        for j in range(y):
            every[:, j, :, j] += by_decision[:, j]
        pinned = _pinned_inverse(schur, tables.pinned.reshape(b, -1))
        return cls(w, over, inverse, coupling, solved, pinned)

    def solve(self, v: Floats) -> Floats:
        """Inverse Hessian times `v`."""
        product = self.w * v
        return np.asarray(product + self.over * product.sum(axis=3, keepdims=True))

    def multipliers(self, rest_lam: Floats, rest_mu: Floats) -> tuple[Floats, Floats]:
        """Changes of lam and mu that move the marginals by so much."""
        b, y, z = rest_lam.shape
        right = rest_lam.reshape(b, -1) - np.einsum(
            "bij,bi->bj", self.solved, rest_mu.reshape(b, -1)
        )
        d_lam = (self.schur @ right[..., None]).reshape(b, y, z)
        left = rest_mu - (self.coupling @ d_lam.reshape(b, 1, -1, 1))[..., 0]
        return d_lam, (self.by_site @ left[..., None])[..., 0]


def _at_most_one(wanted: Floats, found: Floats) -> Floats:
    ratio = np.divide(wanted, found, out=np.ones_like(found), where=found > wanted)
    return np.asarray(ratio)


def _inverse(matrices: Floats) -> Floats:
    """Inverse of each symmetric matrix, scaled to a unit diagonal first."""
    z = matrices.shape[-1]
    scale = 1.0 / np.sqrt(matrices[..., np.arange(z), np.arange(z)])
    unit = matrices * scale[..., :, None] * scale[..., None, :]
    inverse: Floats = np.ones_like(unit)
    if z == 2:
        off = unit[..., 0, 1]
        determinant = np.maximum((1.0 - off) * (1.0 + off), _RIDGE)
        inverse[..., 0, 0] = inverse[..., 1, 1] = 1.0 / determinant
        inverse[..., 0, 1] = inverse[..., 1, 0] = -off / determinant
    elif z > 2:
        unit[..., np.arange(z), np.arange(z)] += _RIDGE
        inverse = np.asarray(np.linalg.inv(unit), dtype=np.float64)
    return np.asarray(inverse * scale[..., :, None] * scale[..., None, :])


def _pinned_inverse(matrix: Floats, pinned: NDArray[np.bool_]) -> Floats:
    """Inverse with some unknowns held at 0; the matrix is changed in place."""
    free = ~pinned
    place = np.arange(matrix.shape[-1])
    diagonal = matrix[:, place, place]
    scale = free / np.sqrt(np.where(free & (diagonal > 0), diagonal, 1.0))
    matrix *= scale[:, :, None] * scale[:, None, :]
    matrix[:, place, place] = 1.0 + _RIDGE
    inverse = np.asarray(np.linalg.inv(matrix), dtype=np.float64)
    return np.asarray(inverse * scale[:, :, None] * scale[:, None, :])


def _block(
    p: Floats, *, tolerance: float, iterations: int
) -> tuple[Floats, Floats, NDArray[np.int64], Floats]:
    """Solve a block; `p` has the axes (b, s, y, z)."""
    shares = p.transpose(0, 3, 1, 2)
    upper = information.local_disparity(shares)
    lower = np.maximum(
        information.global_disparity(shares) - information.site_information(shares), 0.0
    )
    best = p.copy()
    steps = np.zeros(len(p), dtype=np.int64)
    tables = _Tables.start(p)
    live = np.arange(len(p))
    for number in range(iterations + 1):
        high, inside, low = tables.bounds()
        better = high < upper[live]
        upper[live[better]] = high[better]
        best[live[better]] = inside[better]
        lower[live] = np.fmax(lower[live], low)
        steps[live] = number
        going = (upper[live] - lower[live] > tolerance) & np.isfinite(high) & np.isfinite(low)
        if not going.any() or number == iterations:
            break
        if not going.all():
            tables.keep(going)
            live = live[going]
        with np.errstate(all="ignore"):
            try:
                tables.step()
            except np.linalg.LinAlgError:
                break
    return upper, np.maximum(upper - lower, 0.0), steps, best


def solve(
    shares: Floats,
    *,
    tolerance: float = TOLERANCE,
    iterations: int = ITERATIONS,
    keep: bool = False,
) -> Solution:
    """Unique information about Z that only Yh has, of each table.

    UNI = min over Q of I_Q(Z;Yh|S) with Q(z,s) = P(z,s) and Q(z,yh) = P(z,yh).

    Parameters
    ----------
    shares : (b, z, s, y) float64
        Joint shares; each table sums to 1, or to 0 where it is empty.
    tolerance
        Gap at which a table is done, nats.
    iterations
        Newton steps after which the bounds reached so far are returned.
    keep
        Return the minimising tables too.

    Returns
    -------
    Solution
        `unique` lies at most `gap` above the truth, whether or not the tolerance was reached.

    References
    ----------
    Bertschinger, Rauh, Olbrich, Jost, Ay, Quantifying unique information, Entropy 16, 2014.
    Makkeh, Theis, Vicente, Bivariate partial information decomposition: the optimization
    perspective, Entropy 19, 2017.
    """
    b, z, s, y = shares.shape
    rows = max(BLOCK // max(s * y * z * z, (y * z) ** 2), 1)
    unique, gap = np.zeros(b), np.zeros(b)
    steps = np.zeros(b, dtype=np.int64)
    optimum = np.zeros(shares.shape) if keep else None
    for first in range(0, b, rows):
        part = slice(first, first + rows)
        block = np.ascontiguousarray(shares[part].transpose(0, 2, 3, 1), dtype=np.float64)
        unique[part], gap[part], steps[part], best = _block(
            block, tolerance=tolerance, iterations=iterations
        )
        if optimum is not None:
            optimum[part] = best.transpose(0, 3, 1, 2)
    return Solution(unique, gap, steps, optimum)
