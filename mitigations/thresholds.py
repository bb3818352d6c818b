"""Thresholds by group for a fixed score: the least cost under every limit on the gap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import (
    Card,
    Context,
    Method,
    Outcome,
    Part,
    Point,
    Problem,
    Status,
    Table,
)
from mitigations.frontier import Corner, Frontier, measures
from mitigations.parameters import param
from mitigations.parity import CHOICES, PARITIES, Compared, compared, labelled
from mitigations.roc import Roc, nearest, reach, roc
from mitigations.rules.thresholds import GroupThresholds, Mix

#: Limits between none and the gap of the cheapest thresholds, for the table.
STEPS = 32


@dataclass(frozen=True)
class Thresholds(Method):
    """Relaxed threshold optimisation of a fixed scorer."""

    card = Card(
        title="Thresholds by group",
        text=(
            "Keeps the model and sets a threshold of its score for each group, so that the gap "
            "stays within a limit at the least cost. No other use of this score alone does better "
            "under the same limit, so every other remedy is drawn beside it."
        ),
        source=(
            "Hardt, Price, Srebro, Equality of opportunity, NeurIPS 2016, sections 3-4; Cruz, "
            "Hardt, Unprocessing seven years of algorithmic fairness, ICLR 2024, section 3"
        ),
        kind="postprocess",
        needs=frozenset({"label", "score"}),
        uses_group_at_decision=True,
    )

    limits: tuple[float, ...] = param(
        (0.0, 0.01, 0.02, 0.05, 0.1),
        0.0,
        1.0,
        label="Limits on the gap",
        help="One set of thresholds for each; 0.05 allows a difference of 5 points.",
    )
    equal: str = param(
        "goal",
        label="What is to be equal",
        help="The rate whose largest difference between two groups is limited.",
        choices=CHOICES,
    )
    norm: str = param(
        "inf",
        label="Distance of two rates",
        help="How differences in true and false positive rate are put together.",
        choices=(("inf", "The larger of the two"), ("1", "Their sum")),
    )
    deterministic: bool = param(
        True,
        label="Also without chance",
        help="Add, for each limit, the nearest rule with one threshold for each group.",
    )

    def fit(self, problem: Problem, context: Context) -> Outcome:
        split, part = fitting_part(problem)
        rows = labelled(part, scored=True)
        to = compared(problem, part, rows, self.equal)
        context.tick(0, 1, "counting curves")
        curves = [_curve(part, rows & (part.group == code)) for code in to.codes]
        everybody = _curve(part, rows)
        program = Frontier(curves, problem.cost, to.parity, self.norm)
        fitted = _Fitted(problem, context, to, program, everybody)
        points: list[Point] = []
        details: list[tuple[object, ...]] = []
        limits = sorted(set(self.limits))
        for done, limit in enumerate(limits):
            context.tick(done, len(limits) + STEPS, "solving")
            corner = program.solve(limit)
            points += self._points(fitted, corner)
            details += _rates_by_group(fitted, corner)
        frontier = _table(fitted, limits, context, split)
        caption = f"Expected rates on the {split} rows of the mixed thresholds."
        names = ("limit", "group", "rows", "selection-rate", "tpr", "fpr")
        by_group = Table(names, tuple(details), caption, split)
        return Outcome(
            tuple(points),
            {"frontier": frontier, "rates": by_group},
            (*to.notes, *_remarks(fitted, part, split)),
        )

    def _points(self, fitted: _Fitted, corner: Corner) -> list[Point]:
        """The mixed rule of a limit, and the nearest one without chance where that differs."""
        words = f"{100 * corner.limit:g}"
        slug = f"r-{words.replace('.', '-')}"
        plural = "point" if corner.limit == 0.01 else "points"
        settings = {"limit": corner.limit, "parity": fitted.to.parity, "norm": self.norm}
        mixed = fitted.mixed(corner)
        label = f"Gap of at most {words} {plural}"
        out = [Point(slug, label, {**settings, "chance": True}, (mixed,), status=_status(mixed))]
        if self.deterministic:
            single = fitted.single(corner)
            if single != mixed:
                out.append(
                    Point(
                        f"{slug}-single",
                        f"{label}, without chance",
                        {**settings, "chance": False},
                        (single,),
                        status=_status(single),
                    )
                )
        return out


@dataclass(frozen=True)
class _Fitted:
    """Curves of the groups, and how a corner of the frontier becomes a rule."""

    problem: Problem
    context: Context
    to: Compared
    program: Frontier
    everybody: Roc

    def mixed(self, corner: Corner) -> GroupThresholds:
        """Thresholds mixed by chance, so that the rates are met in expectation."""
        mixes = [
            reach(curve, float(f), float(t))
            for curve, f, t in zip(self.program.curves, corner.fpr, corner.tpr, strict=True)
        ]
        return self._rule(
            mixes, reach(self.everybody, *self.program.follow(self.everybody, corner))
        )

    def single(self, corner: Corner) -> GroupThresholds:
        """One threshold for each group, with the nearest rates."""
        mixes = [
            self._nearest(curve, float(f), float(t))
            for curve, f, t in zip(self.program.curves, corner.fpr, corner.tpr, strict=True)
        ]
        follow = self.program.follow(self.everybody, corner)
        return self._rule(mixes, self._nearest(self.everybody, *follow))

    def _nearest(self, curve: Roc, fpr: float, tpr: float) -> Mix:
        parity, norm = self.program.parity, self.program.norm
        wanted = measures(curve, np.array([fpr]), np.array([tpr]), parity, norm)[0]
        values = measures(curve, curve.fpr, curve.tpr, parity, norm)
        costs = self.program.costs(curve, curve.fpr, curve.tpr)
        return Mix((float(curve.threshold[nearest(curve, wanted, values, costs)]),), (1.0,))

    def _rule(self, mixes: Sequence[Mix], common: Mix) -> GroupThresholds:
        own: list[Mix | None] = [None] * len(self.problem.group_names)
        for code, mix in zip(self.to.codes, mixes, strict=True):
            own[code] = mix
        return GroupThresholds(self.problem.group_names, tuple(own), common)


def fitting_part(problem: Problem) -> tuple[Literal["train", "valid"], Part]:
    """Training rows where their scores are honest (cross-fitted), else the validation rows.

    The first leave the validation rows to choose among points.
    """
    scored = problem.train.score
    if scored is not None and bool(np.isfinite(scored).any()):
        return "train", problem.train
    return "valid", problem.valid


def _curve(part: Part, rows: NDArray[np.bool_]) -> Roc:
    assert part.score is not None and part.y is not None
    return roc(part.score[rows], part.y[rows], None if part.weight is None else part.weight[rows])


def _status(rule: GroupThresholds) -> Status:
    """Whether one and the same decision falls for everybody."""
    mixes = [mix for mix in rule.own if mix is not None]
    ends = {mix.thresholds for mix in mixes}
    return "collapsed" if ends in ({(-1.0,)}, {(2.0,)}) else "ok"


def _rates_by_group(fitted: _Fitted, corner: Corner) -> list[tuple[object, ...]]:
    out: list[tuple[object, ...]] = []
    for i, code in enumerate(fitted.to.codes):
        curve = fitted.program.curves[i]
        fpr, tpr = float(corner.fpr[i]), float(corner.tpr[i])
        selected = curve.base * tpr + (1.0 - curve.base) * fpr
        name = fitted.problem.group_names[code]
        out.append((corner.limit, name, curve.share, selected, tpr, fpr))
    return out


def _table(
    fitted: _Fitted, limits: list[float], context: Context, split: Literal["train", "valid"]
) -> Table:
    """The frontier from no gap to the gap of the cheapest thresholds."""
    free = fitted.program.solve(math.inf)
    wanted = sorted({*limits, *np.linspace(0.0, free.gap, STEPS).round(6).tolist()})
    rows: list[tuple[object, ...]] = []
    for done, limit in enumerate(wanted):
        context.tick(done, len(wanted), "drawing the frontier")
        found = fitted.program.solve(limit) if limit < free.gap else free
        rows.append((limit, found.gap, found.cost, found.accuracy))
    rows.append((None, free.gap, free.cost, free.accuracy))
    caption = (
        f"Least expected cost of this score under a limit on the gap "
        f"({PARITIES[fitted.to.parity].lower()}), on the {split} rows; last, without a limit."
    )
    return Table(("limit", "gap", "cost", "accuracy"), tuple(rows), caption, split)


def _remarks(fitted: _Fitted, part: Part, split: str) -> list[str]:
    assert part.score is not None
    out = []
    if split == "valid":
        out.append(
            "Thresholds were set on the validation rows, since the model was fitted on the "
            "training rows: values measured on validation rows are therefore too good."
        )
    if len(fitted.to.codes) < len(fitted.problem.group_names):
        out.append(
            "Groups without thresholds of their own, and people whose group is unknown, share one "
            "rule, set on everybody's rows."
        )
    blank = int(np.isnan(part.score).sum())
    if blank:
        out.append(f"{blank} rows without a score were not used; such rows are left to a person.")
    return out
