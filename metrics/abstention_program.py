"""Who is decided and who goes to a person: the program over counts, exact for any number of rows.

Whom a program leaves out matters only through counts of group, label and decision, so the
program over n rows and the one over cells have the same solutions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics import abstention_solver as solver
from metrics.abstention_cells import AMONG, Cells, Wish
from metrics.abstention_windows import Answer, Family, Program
from metrics.bootstrap import percentile_interval, resample

Floats = NDArray[np.float64]
Record = dict[str, Any]

#: Price of one overturned decision among solutions with equal errors, in people left out.
FLIP = 0.001


@dataclass(frozen=True)
class Allocation:
    """A solution in counts.

    Parameters
    ----------
    cells, wish
        What was asked of whom.
    abstain, flip : (P,) float64
        People of each place who go to a person, or whose decision is overturned.
    errors, errors_before
        Errors among the decided, and of the model.
    gap
        Smallest largest difference that can be kept: that of the wish unless it had to be wider.
    gap_found
        Difference in the solution, in the reading of the wish.
    binding
        Groups with the lowest and the highest rate.
    exempt
        Groups below the floor.
    prices
        Errors removed by one more point: ``share`` and ``slack`` by group, ``gap``.
    proved
        Whether every solve was finished.
    """

    cells: Cells
    wish: Wish
    abstain: Floats
    flip: Floats
    errors: float
    errors_before: float
    gap: float
    gap_found: float
    binding: tuple[int, ...]
    exempt: tuple[int, ...]
    prices: Record
    proved: bool

    @property
    def status(self) -> str:
        """``relaxed`` where the gap had to be wider than wished."""
        return "relaxed" if self.gap > self.wish.gap + 1e-6 else "ok"

    @property
    def abstained(self) -> Floats:
        """People of each group who go to a person, (K,)."""
        return np.asarray(self.cells.mix @ self.abstain)

    def groups(self) -> list[Record]:
        """What each group gets: shares of its people, None where there is nobody."""
        cells, mix = self.cells, self.cells.mix
        left, turned = self.abstained, mix @ self.flip
        kept = cells.n - mix * (self.abstain + self.flip)
        wrong = (kept * cells.wrong + mix * self.flip * (1 - cells.wrong)).sum(axis=1)
        yes = np.where(cells.kept == 1, kept, mix * self.flip).sum(axis=1)
        before = (cells.n * cells.wrong).sum(axis=1)
        decided = cells.size - left
        return [
            {
                "n": float(n),
                "to_person": _ratio(left[g], n),
                "flipped": _ratio(turned[g], n),
                "accuracy_before": _ratio(n - before[g], n),
                "accuracy": _ratio(decided[g] - wrong[g], decided[g]),
                "favoured": _ratio(yes[g], n),
                "favoured_decided": _ratio(yes[g], decided[g]),
            }
            for g, n in enumerate(cells.size)
        ]


def build(cells: Cells, wish: Wish) -> Program:
    """The program of a wish: variables are people left out, then people overturned, by place."""
    mix, n, wrong = cells.mix, cells.size, cells.wrong
    k, p = cells.n.shape
    exempt = wish.pooled(n)
    errors_g = np.hstack([-mix * wrong, mix * (1.0 - 2.0 * wrong)])
    before = (cells.n * wrong).sum(axis=1)
    with np.errstate(invalid="ignore"):
        allowed = wish.allowed(np.where(n > 0, before / np.maximum(n, 1e-12), 0.0))
    left = np.hstack([mix, np.zeros((k, p))])
    turned = np.hstack([np.zeros((k, p)), mix])
    total = cells.n.sum(axis=0)
    rows: list[Floats] = []
    limits: list[float] = []
    names: list[tuple[str, int]] = []
    if wish.flips > 0.0:
        rows.append(np.hstack([np.diag(np.ones(p)), np.diag(np.ones(p))]))
        limits, names = total.tolist(), [("place", i) for i in range(p)]

    def add(name: str, group: int, row: Floats, limit: float) -> None:
        rows.append(row[None, :])
        limits.append(limit)
        names.append((name, group))

    shares, whole = wish.shares(k), cells.whole
    for g in np.flatnonzero(~exempt):
        add("share", int(g), left[g], _floor(shares[g] * n[g], whole))
        add("harm", int(g), errors_g[g] + allowed[g] * left[g],
            allowed[g] * n[g] - before[g] + 1e-9)  # fmt: skip
        if 0.0 < wish.flips < 1.0:
            add("flips", int(g), turned[g], _floor(wish.flips * n[g], whole))
    if exempt.any():
        add("share", -1, left[exempt].sum(axis=0),
            _floor(float(shares[exempt] @ n[exempt]), whole))  # fmt: skip
        if 0.0 < wish.flips < 1.0:
            add("flips", -1, turned[exempt].sum(axis=0),
                _floor(wish.flips * float(n[exempt].sum()), whole))  # fmt: skip
    return Program(
        errors=errors_g.sum(axis=0),
        errors0=float(before.sum()),
        burden=np.concatenate([np.ones(p), np.full(p, FLIP)]),
        rows=np.vstack(rows),
        limits=np.array(limits),
        names=tuple(names),
        upper=np.concatenate([total, total if wish.flips > 0.0 else np.zeros(p)]),
        families=tuple(_families(cells, wish, np.flatnonzero(~exempt))),
        whole=whole,
    )


def oracle(counts: ArrayLike, wish: Wish, *, tick: Callable[[], None] | None = None) -> Allocation:
    """The best any rule could do that knows the labels: a bound, not a rule.

    Parameters
    ----------
    counts : (K, 2, 2) int
        Rows by group, label and decision of the model; favourable is 1.
    wish, tick
        What is asked; called before every solve.

    References
    ----------
    Yin et al., Fair classifiers that abstain without harm, ICLR 2024, the integer program.
    """
    return allocate(Cells.of(counts), wish, tick=tick)


def allocate(cells: Cells, wish: Wish, *, tick: Callable[[], None] | None = None) -> Allocation:
    """Smallest gap that can be kept, then least errors, then least abstention."""
    program = build(cells, wish)
    answer = solver.solve(program, tick)
    half = cells.n.shape[1]
    parity = [f for f in program.families if f.elastic]
    return Allocation(
        cells=cells,
        wish=wish,
        abstain=answer.x[:half],
        flip=answer.x[half:],
        errors=answer.errors,
        errors_before=program.errors0,
        gap=wish.gap + answer.excess,
        gap_found=max((f.gap(answer.x) for f in parity), default=0.0),
        binding=_binding(cells, wish, parity, answer.x),
        exempt=tuple(np.flatnonzero(wish.pooled(cells.size)).tolist()),
        prices=_priced(cells, wish, program, answer),
        proved=answer.proved,
    )


def draws(
    counts: ArrayLike,
    wish: Wish,
    *,
    rng: np.random.Generator,
    times: int = 200,
    tick: Callable[[], None] | None = None,
) -> Record:
    """95 % intervals of the solution, from multinomial draws of the cells.

    Returns
    -------
    dict
        ``gap`` (smallest that can be kept), ``errors`` and ``to_person`` as shares of all rows:
        ``[low, high]`` each, or None.
    """
    table = np.asarray(counts, np.int64)
    total = max(int(table.sum()), 1)
    drawn = resample(table, rng=rng, draws=times)
    found = np.full((3, times), np.nan)
    near = solver.solve(build(replace(Cells.of(table), whole=False), wish), tick).edges
    for i in range(times):
        cells = replace(Cells.of(drawn[..., i]), whole=False)
        program = build(cells, wish)
        answer = solver.solve(program, tick, near=near if program.edges else None, quick=True)
        half = cells.n.shape[1]
        found[:, i] = (
            wish.gap + answer.excess,
            answer.errors / total,
            answer.x[:half].sum() / total,
        )
    low, high = percentile_interval(found)
    return {
        name: [float(a), float(b)] if np.isfinite(a) and np.isfinite(b) else None
        for name, a, b in zip(("gap", "errors", "to_person"), low, high, strict=True)
    }


def _families(cells: Cells, wish: Wish, members: NDArray[np.intp]) -> list[Family]:
    if members.size == 0:
        return []
    k = len(cells.n)
    sums = [np.eye(k)[members]]
    for levels in wish.margins:
        codes = np.asarray(levels)
        marks = np.array([(codes == level).astype(float) for level in np.unique(codes)])
        sums.append(marks[marks @ cells.size >= wish.floor])
    out = []
    for label in AMONG[wish.parity]:
        for marks in sums:
            out.append(_rates(cells, marks, label, wish))
    for label, width in zip((None, 1, 0), wish.spread, strict=True):
        if width < 1.0:
            out.append(_shares(cells, sums[0], label, width))
    return [family for family in out if family.top0.size > 1]


def _rates(cells: Cells, marks: Floats, label: int | None, wish: Wish) -> Family:
    """Rates of favourable decisions, among the decided or among everybody."""
    among, mix, kept = cells.among(label), cells.mix, cells.kept
    counted = among * mix
    top = np.hstack([-kept * counted, (1 - 2 * kept) * counted])
    below = (among * cells.n).sum(axis=1)
    bottom = np.hstack([-counted, np.zeros_like(counted)])
    if wish.reading == "whole":
        bottom = np.zeros_like(bottom)
    some = marks @ below > 0.0
    return Family(
        (marks @ top)[some],
        (marks @ (kept * among * cells.n).sum(axis=1))[some],
        (marks @ bottom)[some],
        (marks @ below)[some],
        wish.gap,
        f"rate-{label}",
    )


def _binding(cells: Cells, wish: Wish, families: Sequence[Family], x: Floats) -> tuple[int, ...]:
    """Groups with the lowest and the highest rate of the widest gap."""
    best = -1.0
    out: tuple[int, ...] = ()
    for label in AMONG[wish.parity]:
        cases = (cells.among(label) * cells.n).sum(axis=1)
        groups = np.flatnonzero(~wish.pooled(cells.size) & (cases > 0.0))
        family = next((f for f in families if f.edge == f"rate-{label}"), None)
        if family is None or groups.size < 2:
            continue
        rates = family.rates(x)[: groups.size]
        if np.isfinite(rates).all() and float(np.ptp(rates)) > best:
            best = float(np.ptp(rates))
            out = (int(groups[rates.argmin()]), int(groups[rates.argmax()]))
    return out


def _shares(cells: Cells, marks: Floats, label: int | None, width: float) -> Family:
    """Shares that go to a person."""
    counted = cells.among(label) * cells.mix
    below = marks @ (cells.among(label) * cells.n).sum(axis=1)
    some = below > 0.0
    top = marks @ np.hstack([counted, np.zeros_like(counted)])
    return Family(
        top[some],
        np.zeros(int(some.sum())),
        np.zeros((int(some.sum()), top.shape[1])),
        below[some],
        width,
        f"share-{label}",
        elastic=False,
    )


def _priced(cells: Cells, wish: Wish, program: Program, answer: Answer) -> Record:
    """Errors removed by one more point of each limit."""
    raw = solver.prices(program, answer)
    n = cells.size
    half = cells.n.shape[1]
    decided = n - cells.mix @ answer.x[:half]
    error = (cells.n * cells.wrong).sum(axis=1) / np.maximum(n, 1e-12)
    slope = error if wish.allowance == "multiplicative" else 1.0 - error
    point = 0.01
    return {
        "share": {
            g: raw[(name, g)] * point * float(n[g])
            for name, g in program.names
            if name == "share" and g >= 0 and (name, g) in raw
        },
        "slack": {
            g: raw[(name, g)] * point * float(slope[g] * decided[g])
            for name, g in program.names
            if name == "harm" and (name, g) in raw
        },
        "gap": sum(
            raw.get(("high", i), 0.0) * point
            for i, family in enumerate(program.families)
            if family.elastic
        ),
    }


def _floor(limit: float, whole: bool) -> float:
    return float(np.floor(limit + 1e-9)) if whole else float(limit)


def _ratio(above: float, below: float) -> float | None:
    return float(above / below) if below > 0 else None
