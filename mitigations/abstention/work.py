"""How a wish becomes rules: the best that is possible, what can be done, and what to say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from metrics.abstention_cells import Cells, Wish
from metrics.abstention_program import Allocation, allocate
from mitigations.abstention import bins, nets, tables
from mitigations.abstention.bins import Grid, Rows
from mitigations.contract import Context, Part, Point, Problem, Status, Table
from mitigations.parity import Compared
from mitigations.rules.base import Rule

if TYPE_CHECKING:
    from mitigations.abstention.method import Abstention


@dataclass(frozen=True)
class _Found:
    """One share: what would be best, and what can be done."""

    share: float
    best: Allocation
    deployed: Allocation
    point: Point


@dataclass(frozen=True)
class Work:
    """What the points of one fit have in common."""

    method: Abstention
    problem: Problem
    context: Context
    part: Part
    to: Compared
    rows: Rows
    wish: Wish
    split: Literal["train", "valid"]

    def tick(self, done: int, total: int, text: str) -> Callable[[], None]:
        return lambda: self.context.tick(done, total, text)

    def cells(self) -> Cells:
        """Counts of slot, label and decision; whole people unless they carry weights."""
        return replace(Cells.of(self.rows.counts()), whole=self.part.weight is None)

    def point(self, share: float, done: int, total: int) -> _Found:
        percent = f"{100 * share:g}"
        tick = self.tick(done, total + 1, f"solving for a share of {percent}%")
        wish = replace(self.wish, share=share)
        best = allocate(self.cells(), wish, tick=tick)
        rule, deployed = self._rule(wish, best, tick)
        point = Point(
            id=f"share-{percent.replace('.', '-').replace('+', '')}",
            label=f"At most {percent}% left to a person",
            settings={
                "share": share,
                "chosen": share == round(self.method.share, 6),
                "gap": self.wish.gap,
                "gap_kept": deployed.gap,
                "parity": self.to.parity,
                "reading": self.wish.reading,
                "policy": self.method.policy,
                "flips": self.wish.flips,
            },
            rules=(rule,),
            status=_status(deployed, wish),
        )
        return _Found(share, best, deployed, point)

    def _rule(
        self, wish: Wish, best: Allocation, tick: Callable[[], None]
    ) -> tuple[Rule, Allocation]:
        if self.method.policy == "nets":
            return nets.fit(self.problem, self.context, self.part, self.rows, self.to, best), best
        asked = bins.cautious(wish, self.rows) if self.method.caution else wish
        solution, intervals = bins.solve(self._grid(), asked, chance=self.method.chance, tick=tick)
        rule = bins.rule(
            intervals, self.problem.group_names, self.to.codes, self.problem.threshold,
            bool(self.rows.size[-1] >= self.problem.group_floor),
        )  # fmt: skip
        return rule, solution

    def _grid(self) -> Grid:
        return bins.grid(self.rows, self.method.bins, shared=self.method.policy == "shared")

    def tables(self, found: list[_Found]) -> dict[str, Table]:
        chosen = next(f for f in found if f.point.settings["chosen"])
        tick = self.tick(len(found), len(found) + 1, "drawing the counts anew")
        names = self._names()
        counts = self.rows.counts()
        return {
            "best": tables.best([(f.share, f.best) for f in found], self.split),
            "deployed": tables.deployed(
                [(f.share, f.point.rules[0]) for f in found],
                self.problem, self.to, self.problem.valid, self.wish,
            ),
            "region": tables.region(self.cells(), self.wish, self.split, tick),
            "prices": tables.prices(chosen.best, names, self.split),
            "intervals": tables.intervals(
                np.round(counts).astype(np.int64), replace(self.wish, share=chosen.share),
                self.context.rng("abstention/draws"), self.method.draws, self.split, tick,
            ),
        }  # fmt: skip

    def _names(self) -> list[str]:
        return [self.problem.group_names[code] for code in self.to.codes] + ["everybody else"]

    def notes(self, found: list[_Found]) -> tuple[str, ...]:
        names = self._names()
        out = list(self.to.notes)
        if self.wish.slack > 0.0:
            out.append(tables.ALLOWANCES[self.wish.allowance])
        short = [item for item in found if item.point.status == "relaxed"]
        if short:
            nearest = min(short, key=lambda item: item.deployed.gap)
            who = " and ".join(names[g] for g in nearest.deployed.binding)
            shares = ", ".join(f"{100 * item.share:g}" for item in short)
            out.append(
                f"With at most {shares}% left to a person a gap of {100 * self.wish.gap:g} points "
                f"cannot be kept; the smallest is {100 * nearest.deployed.gap:.1f} points, at "
                f"{100 * nearest.share:g}%" + (f", between {who}." if who else ".")
            )
        if not all(f.best.proved and f.deployed.proved for f in found):
            out.append("One of the programs was cut off before its solution was proved best.")
        out += self._data_notes()
        return tuple(out)

    def _data_notes(self) -> list[str]:
        out = []
        if self.split == "valid":
            out.append(
                "The rule was set on the validation rows, since the model was fitted on the "
                "training rows: values measured on validation rows are therefore too good."
            )
        given = self.part.decision
        if given is not None:
            known = given >= 0
            other = int((given[known] != self.rows.decision[known]).sum())
            if other:
                out.append(
                    f"{other:,} of {int(known.sum()):,} decisions are not those of the score at "
                    f"the threshold {self.problem.threshold:.4g}; the rule starts from the score."
                )
        if self.wish.flips > 0.0:
            out.append(
                "Overturning a decision is a different act from leaving it to a person: nobody "
                "looked at the case."
            )
        if self.method.policy == "nets":
            out.append(
                "The best that is possible is found with the labels, which networks do not "
                "see: expect less of the rule."
            )
        return out


def gather(part: Part, used: np.ndarray, to: Compared, threshold: float) -> Rows:
    """Labelled and scored rows with their slots."""
    assert part.y is not None and part.score is not None
    slots = len(to.codes) + 1
    of_code = np.full(max(int(part.group.max(initial=0)), max(to.codes)) + 2, slots - 1)
    of_code[list(to.codes)] = np.arange(slots - 1)
    weight = np.ones(int(used.sum())) if part.weight is None else part.weight[used]
    return Rows(
        slot=of_code[part.group[used]],
        label=part.y[used],
        score=part.score[used],
        weight=weight / weight.mean(),
        slots=slots,
        threshold=threshold,
    )


def _status(deployed: Allocation, wish: Wish) -> Status:
    if deployed.gap > wish.gap + 1e-6:
        return "relaxed"
    left = float(deployed.abstain.sum())
    return "collapsed" if left >= float(deployed.cells.n.sum()) * (1.0 - 1e-9) else "ok"
