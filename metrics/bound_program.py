"""The cone program behind `metrics.bounds`: rules as variables, limits as cones.

The decision is a randomised rule K(yh | ...) applied to what is known of the joint law of group
Z, site S, label Y and, for rules that rework a model, the model's decision. Both disparities are
convex in K, so the best accuracy is found exactly, with a bound from the dual.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from metrics.cells import Floats

# Who may see what: the label itself (no model can beat it), or the model's decision together
# with group and site, group, site, or nothing else.
RULES = ("free", "group-site", "group", "site", "blind")
CERTIFIED = 1e-6
_SHARP = {"tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9}
# Tried in turn until a point is certified.
SETTINGS: tuple[dict[str, Any], ...] = (
    _SHARP,
    {**_SHARP, "equilibrate_enable": False},
    {**_SHARP, "max_step_fraction": 0.9},
    {**_SHARP, "static_regularization_constant": 1e-10},
)


@dataclass(frozen=True)
class Point:
    """One optimum.

    Parameters
    ----------
    accuracy
        Share of right decisions that is attained.
    bound
        No rule of this kind exceeds this accuracy.
    price
        Accuracy gained per nat of the global and of the local limit.
    decided : (z, s, y) float64
        Shares of people by group, site and new decision; other optima may exist.
    solved
        Whether the solver reported an optimum.
    chances : (v,) float64
        The rule: chances of its decisions but the last, by variable.
    """

    accuracy: float
    bound: float
    price: tuple[float, float]
    decided: Floats
    solved: bool
    chances: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def gap(self) -> float:
        """Largest distance from the best accuracy."""
        return max(self.bound - self.accuracy, 0.0)

    @property
    def certified(self) -> bool:
        """Whether the accuracy is the best one, up to `CERTIFIED`."""
        return self.solved and self.gap <= CERTIFIED


@dataclass(frozen=True)
class Maps:
    """Accuracy and decided shares as affine functions of the rule's probabilities.

    Parameters
    ----------
    matrix : (z*s*y, v) sparse
        Decided shares by variable.
    constant : (z*s*y,) float64
        Decided shares when every variable is 0, that is, all get the last decision.
    gain : (v,) float64
        Accuracy by variable.
    base
        Accuracy when every variable is 0.
    rows : (v,) int
        Row of the rule each variable belongs to: a row sums to at most 1.
    shape
        z, s, y.
    """

    matrix: sparse.csr_array
    constant: Floats
    gain: Floats
    base: float
    rows: NDArray[np.intp]
    shape: tuple[int, int, int]

    @classmethod
    def of(cls, joint: Floats, rule: str) -> Maps:
        """Set up the rule for a joint law.

        Parameters
        ----------
        joint : (z, s, y, yb) float64
            Shares by group, site, label and model decision.
        rule
            One of `RULES`.
        """
        if rule == "free":
            label = joint.sum(axis=3)
            joint = label[..., None] * np.eye(label.shape[2])
        z, s, y, seen = joint.shape
        place = _places(rule, z, s, seen)
        mass = joint.sum(axis=2)
        used, place = np.unique(place, return_inverse=True)
        place = place.reshape(z, s, seen)
        variable = place[..., None] * (y - 1) + np.arange(y - 1)
        cell = (np.arange(z * s).reshape(z, s, 1, 1) * y + np.arange(y - 1)) + np.zeros_like(
            variable
        )
        amount = np.broadcast_to(mass[..., None], variable.shape).ravel()
        v = len(used) * (y - 1)
        matrix = sparse.coo_array((amount, (cell.ravel(), variable.ravel())), (z * s * y, v))
        last = sparse.coo_array(
            (-amount, (cell.ravel() // y * y + y - 1, variable.ravel())), (z * s * y, v)
        )
        constant = np.zeros((z, s, y))
        constant[..., -1] = mass.sum(axis=2)
        right = joint.transpose(0, 1, 3, 2)
        gain = np.zeros(v)
        np.add.at(gain, variable.ravel(), (right[..., :-1] - right[..., -1:]).ravel())
        return cls(
            sparse.csr_array(matrix + last), constant.ravel(), gain, float(right[..., -1].sum()),
            np.repeat(np.arange(len(used)), y - 1), (z, s, y),
        )  # fmt: skip


def _places(rule: str, z: int, s: int, seen: int) -> NDArray[np.intp]:
    """Row of the rule that applies to each group, site and seen value."""
    number = {
        "free": np.arange(z * s),
        "group-site": np.arange(z * s),
        "group": np.repeat(np.arange(z), s),
        "site": np.tile(np.arange(s), z),
        "blind": np.zeros(z * s, dtype=np.intp),
    }[rule].reshape(z, s)
    return np.asarray(number[:, :, None] * seen + np.arange(seen))


def kernel(rule: str, chances: Floats, shape: tuple[int, int, int]) -> Floats:
    """Chance of each decision by group, site and what the rule sees.

    Parameters
    ----------
    rule
        One of `RULES`.
    chances : (v,) float64
        As in `Point`.
    shape
        z, s, y.

    Returns
    -------
    (z, s, y, y) float64
        Rows sum to 1; the rule ``free`` sees the label, the others the model's decision.
    """
    z, s, y = shape
    first = chances.reshape(-1, y - 1)[_places(rule, z, s, y)]
    last = np.maximum(1.0 - first.sum(axis=-1, keepdims=True), 0.0)
    return np.concatenate([first, last], axis=-1)


@dataclass
class Program:
    """A compiled problem; solving again under other limits changes two numbers of it.

    Parameters
    ----------
    maps
        The rule.
    zero
        Whether the global and the local limit are 0: then they are linear equations.
    """

    maps: Maps
    zero: tuple[bool, bool]
    solver: Any = None
    right: Floats = field(default_factory=lambda: np.zeros(0))
    limits: tuple[int | None, int | None] = (None, None)

    @classmethod
    def compile(cls, maps: Maps, zero: tuple[bool, bool], variant: int = 0) -> Program:
        """Write the problem in the solver's form, with one of the `SETTINGS`."""
        import clarabel  # only the bounds need it

        builder = _Builder(maps)
        limits: list[int | None] = []
        for pairs, none in zip((_overall(maps), _by_site(maps)), zero, strict=True):
            if none:
                builder.equal(pairs)
            limits.append(None if none else builder.limited(pairs))
        matrix, right, sizes = builder.stacked()
        kinds = (clarabel.ZeroConeT, clarabel.NonnegativeConeT)
        cones = [kind(size) for kind, size in zip(kinds, sizes[:2], strict=True) if size]
        cones += [clarabel.ExponentialConeT()] * (sizes[2] // 3)
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        settings.presolve_enable = False
        for name, value in SETTINGS[variant].items():
            setattr(settings, name, value)
        v = matrix.shape[1]
        cost = np.zeros(v)
        cost[: len(maps.gain)] = -maps.gain
        solver = clarabel.DefaultSolver(
            sparse.csc_matrix((v, v)), cost, sparse.csc_matrix(matrix), right, cones, settings
        )
        offset = sizes[0]
        places = tuple(None if j is None else offset + j for j in limits)
        return cls(maps, zero, solver, right, (places[0], places[1]))

    def solve(self, whole: float, local: float) -> Point:
        """Best accuracy with at most so many nats of global and local disparity."""
        for place, limit in zip(self.limits, (whole, local), strict=True):
            if place is not None:
                self.right[place] = limit
        self.solver.update(b=self.right)
        found = self.solver.solve()
        maps = self.maps
        x = np.asarray(found.x)[: len(maps.gain)]
        dual = np.asarray(found.z)
        price = tuple(0.0 if j is None else max(float(dual[j]), 0.0) for j in self.limits)
        decided = np.maximum(maps.matrix @ x + maps.constant, 0.0).reshape(maps.shape)
        accuracy = maps.base - float(found.obj_val)
        return Point(
            accuracy=min(accuracy, 1.0),
            bound=min(max(maps.base - float(found.obj_val_dual), accuracy), 1.0),
            price=(price[0], price[1]),
            decided=decided,
            solved=str(found.status) in ("Solved", "AlmostSolved"),
            chances=np.clip(x, 0.0, 1.0),
        )


Pairs = list[tuple[sparse.csr_array, Floats, sparse.csr_array, Floats]]


def _overall(maps: Maps) -> Pairs:
    """Shares by group and decision, and what they would be if unrelated."""
    z, s, y = maps.shape
    groups = sparse.kron(sparse.eye_array(z), sparse.kron(np.ones((1, s)), sparse.eye_array(y)))
    share = (groups @ maps.constant).reshape(z, y).sum(axis=1)
    spread = sparse.kron(share[:, None] * np.ones((1, z)), sparse.eye_array(y))
    return [_pair(maps, sparse.csr_array(groups), sparse.csr_array(spread @ groups))]


def _by_site(maps: Maps) -> Pairs:
    """The same at each site with two groups or more."""
    z, s, y = maps.shape
    people = maps.constant.reshape(z, s, y).sum(axis=2)
    pairs: Pairs = []
    for j in range(s):
        here = np.flatnonzero(people[:, j] > 0)
        if len(here) < 2:
            continue
        cells = ((here * s + j)[:, None] * y + np.arange(y)).ravel()
        pick = sparse.csr_array(
            (np.ones(len(cells)), (np.arange(len(cells)), cells)), (len(cells), z * s * y)
        )
        share = people[here, j] / people[:, j].sum()
        spread = sparse.kron(share[:, None] * np.ones((1, len(here))), sparse.eye_array(y))
        pairs.append(_pair(maps, pick, sparse.csr_array(spread @ pick)))
    return pairs


def _pair(
    maps: Maps, actual: sparse.csr_array, expected: sparse.csr_array
) -> tuple[sparse.csr_array, Floats, sparse.csr_array, Floats]:
    return (
        actual @ maps.matrix, actual @ maps.constant,
        expected @ maps.matrix, expected @ maps.constant,
    )  # fmt: skip


class _Builder:
    """Rows of ``A x + s = b``: equations, then inequalities, then exponential cones."""

    def __init__(self, maps: Maps) -> None:
        self.maps = maps
        self.v = len(maps.gain)
        self.bounds = self.v
        self.equations: list[tuple[sparse.csr_array, Floats]] = []
        self.cones: list[tuple[sparse.csr_array, Floats, sparse.csr_array, Floats, Floats]] = []
        self.budgets: list[int] = []

    def equal(self, pairs: Pairs) -> None:
        """Make the disparity 0."""
        y = self.maps.shape[2]
        for actual, constant, expected, other in pairs:
            # The last group and the last decision follow from the others.
            n = actual.shape[0] - y
            keep = [j for j in range(n) if j % y < y - 1]
            difference = sparse.csr_array(actual - expected)
            self.equations.append((difference[keep], (other - constant)[keep]))

    def limited(self, pairs: Pairs) -> int | None:
        """Keep the disparity within a limit; returns its place among the inequalities."""
        if not pairs:
            return None
        first = sum(self.budgets)
        for actual, constant, expected, other in pairs:
            # The cone is homogeneous: shares of each group keep its numbers near 1.
            y = self.maps.shape[2]
            scale = np.repeat(constant.reshape(-1, y).sum(axis=1), y)
            self.cones.append((actual, constant, expected, other, scale))
        self.budgets.append(sum(part[0].shape[0] for part in self.cones) - first)
        return len(self.budgets) - 1

    def stacked(self) -> tuple[sparse.csc_array, Floats, tuple[int, int, int]]:
        """Matrix, right side and number of rows of each kind.

        Limits come first among the inequalities: sum of t within the limit, where each t is at
        least a ln(a/b), that is (-t, a, b) in the exponential cone.
        """
        v, m = self.v, sum(self.budgets)
        parts: list[sparse.csr_array] = [
            sparse.hstack([rows, sparse.csr_array((rows.shape[0], m))])
            for rows, _ in self.equations
        ]
        right = [values for _, values in self.equations]
        zero = sum(len(values) for values in right)
        owner = np.repeat(np.arange(len(self.budgets)), self.budgets)
        if m:
            weight = np.concatenate([part[4] for part in self.cones])
            sums = sparse.csr_array((weight, (owner, np.arange(m))), (len(self.budgets), m))
            parts.append(sparse.hstack([sparse.csr_array((len(self.budgets), v)), sums]))
            right.append(np.zeros(len(self.budgets)))
        rows = self.maps.rows
        total = sparse.csr_array((np.ones(v), (rows, np.arange(v))), (int(rows.max()) + 1, v))
        for block, limit in ((-sparse.eye_array(v), 0.0), (total, 1.0)):
            parts.append(sparse.hstack([block, sparse.csr_array((block.shape[0], m))]))
            right.append(np.full(block.shape[0], limit))
        bounded = len(self.budgets) + v + total.shape[0]
        if m:
            parts.append(self._cone_rows(v, m))
            a, b = (np.concatenate([part[j] / part[4] for part in self.cones]) for j in (1, 3))
            right.append(np.column_stack([np.zeros(m), a, b]).ravel())
        return (
            sparse.csc_array(sparse.vstack(parts)),
            np.concatenate(right),
            (zero, bounded, 3 * m),
        )

    def _cone_rows(self, v: int, m: int) -> sparse.csr_array:
        actual, expected = (
            sparse.vstack([sparse.diags_array(1 / part[4]) @ part[j] for part in self.cones])
            for j in (0, 2)
        )
        t = sparse.hstack([sparse.csr_array((m, v)), sparse.eye_array(m)])
        none = sparse.csr_array((m, m))
        stack = sparse.vstack(
            [t, sparse.hstack([-actual, none]), sparse.hstack([-expected, none])]
        )
        order = np.arange(3 * m).reshape(3, m).T.ravel()
        return sparse.csr_array(stack)[order]
