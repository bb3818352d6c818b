"""Who takes part: rows with decisions, rates of the groups, and the target they are brought to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import Context, MethodError, Part, Problem
from mitigations.counterfactual.disparity import (
    LABELLED,
    RATES,
    Inputs,
    Undefined,
)
from mitigations.rules.transport import decided, scores

Floats = NDArray[np.float64]

#: Rows, and cases of each label where labels count, that a moved group needs; rows to check on.
FEWEST_ROWS, FEWEST_CASES, FEWEST_CHECKED = 200, 30, 30


@dataclass(frozen=True, eq=False)
class People:
    """Rows of one part that take part.

    Parameters
    ----------
    part
        Rows with a group, a decision, and a label where labels count.
    decision : (n,) float64
        0 or 1.
    score : (n,) float64
        Of the model where there is one; else the decision.
    weight : (n,) float64
        Survey weight, times what stands for rows that were not drawn.
    """

    part: Part
    decision: Floats
    score: Floats
    weight: Floats

    def of(self, code: int) -> People:
        """One group."""
        rows = self.part.group == code
        return People(
            self.part.take(rows), self.decision[rows], self.score[rows], self.weight[rows]
        )

    def inputs(self, odds: Floats | None = None) -> Inputs:
        """The rows as `Inputs`."""
        label = None if self.part.y is None else self.part.y.astype(np.float64)
        return Inputs(self.decision, label, odds)

    def honest(self, threshold: float) -> People | None:
        """The rows with the scores they brought along; None where the model knows the rows."""
        score = self.part.score
        if score is None or np.isnan(score).any():
            return None
        return replace(self, decision=(score >= threshold).astype(np.float64), score=score)

    def rate(self, name: str) -> float | None:
        """A rate of these rows; None where it is undefined."""
        try:
            return self.inputs().rate(name, self.weight)
        except Undefined:
            return None


def gather(
    part: Part, problem: Problem, kind: str, rows: int, rng: np.random.Generator, *, own: bool
) -> People:
    """Rows of a part that can be used, at most so many of each group.

    Parameters
    ----------
    kind
        Disparity; those of labelled rates use labelled rows alone.
    own
        Whether scores that the part brings along count, or the model is asked for all.
    """
    usable = part.group >= 0
    if part.weight is not None:
        usable &= part.weight > 0.0
    if LABELLED & set(RATES[kind]):
        if part.y is None:
            raise MethodError(
                "needs-label",
                "There is no label, which these rates need.",
                "Name the column with the true outcome, or make selection rates equal.",
            )
        usable &= part.y >= 0
    weight = np.ones(len(part)) if part.weight is None else part.weight.astype(np.float64)
    kept = []
    for code in range(len(problem.group_names)):
        found = np.flatnonzero(usable & (part.group == code))
        if found.size > rows:
            drawn = np.sort(rng.choice(found, rows, replace=False))
            weight[drawn] *= weight[found].sum() / weight[drawn].sum()
            found = drawn
        kept.append(found)
    chosen = np.sort(np.concatenate(kept)) if kept else np.zeros(0, dtype=np.intp)
    some = part.take(chosen)
    score = _scores(some, problem, own=own)
    seen = ~np.isnan(score)
    decision = decided(score, problem.threshold)[seen].astype(np.float64)
    return People(some.take(seen), decision, score[seen], weight[chosen][seen])


def _scores(part: Part, problem: Problem, *, own: bool) -> Floats:
    if problem.predict is not None:
        bare = part if own else replace(part, score=None)
        return scores(bare, problem.predict)
    if part.score is not None:
        return part.score
    if part.decision is not None:
        # 0 or 1 lies on the right side of every threshold inside (0, 1].
        known = np.isin(part.decision, (0, 1))
        return np.where(known, part.decision.astype(np.float64), np.nan)
    raise MethodError(
        "needs-model",
        "There is neither a model nor a decision on rows it was not fitted on.",
        "Upload the model or let one be trained here.",
    )


@dataclass(frozen=True)
class Aim:
    """Which groups are moved, and where to.

    Parameters
    ----------
    moved
        Codes of the groups that are moved.
    reference
        Code of the group they are brought to; None where that is a pooled or a chosen rate.
    fitted, checked
        Rate -> target on the rows to fit on and to check on.
    notes
        Who is left out and why.
    """

    moved: tuple[int, ...]
    reference: int | None
    fitted: Mapping[str, float]
    checked: Mapping[str, float]
    notes: tuple[str, ...] = ()


def aim(
    problem: Problem, kind: str, toward: str, reference: str, fitted: People, checked: People
) -> Aim:
    """Choose the target and the groups that are brought to it.

    Parameters
    ----------
    toward
        ``best``, ``largest`` or ``pooled``.
    reference
        Name of a group; stronger than `toward` unless empty.

    Raises
    ------
    MethodError
        ``unknown-group``, ``too-few-groups``, ``group-too-small`` or ``undefined``.
    """
    names = problem.group_names
    n = np.bincount(fitted.part.group, minlength=len(names))
    enough = [code for code in range(len(names)) if n[code] >= problem.group_floor]
    if len(enough) < 2:
        raise MethodError(
            "too-few-groups",
            f"{len(enough)} of {len(names)} groups have {problem.group_floor} usable rows.",
            "Merge groups, lower the floor, or give more rows.",
        )
    at = None if toward == "pooled" and not reference else _reference(
        problem, kind, toward, reference, fitted, enough
    )  # fmt: skip
    moved, notes = [], []
    for code in enough:
        if code == at:
            continue
        lack = _lack(fitted.of(code), kind)
        if lack:
            notes.append(f"{names[code]} is left as it is: {lack}.")
        else:
            moved.append(code)
    if not moved:
        raise MethodError(
            "group-too-small",
            f"No group can be moved. {notes[0]}",
            "Make selection rates equal, which needs no label, merge groups, or give more rows.",
        )
    targets = []
    known = fitted.honest(problem.threshold)
    for people in (fitted if known is None else known, checked):
        base = people if at is None else people.of(at)
        targets.append({name: _target(base, name) for name in RATES[kind] if name != "inputs"})
    return Aim(tuple(moved), at, targets[0], targets[1], tuple(notes))


def _reference(
    problem: Problem, kind: str, toward: str, name: str, people: People, enough: list[int]
) -> int:
    if name:
        found = [c for c in enough if problem.group_names[c].casefold() == name.casefold()]
        if not found:
            raise MethodError(
                "unknown-group",
                f"There is no group “{name}” with enough rows.",
                f"Choose among {', '.join(problem.group_names[code] for code in enough)}.",
            )
        return found[0]
    if toward == "largest":
        return max(enough, key=lambda code: (float(people.of(code).weight.sum()), -code))
    rates = RATES[kind]
    errors = [rate for rate in rates if rate in LABELLED]
    best, value = enough[0], -np.inf
    for code in enough:
        one = people.of(code)
        found_rates = [one.rate(rate) for rate in errors] if errors else [
            one.rate("selection-rate")
        ]  # fmt: skip
        if any(rate is None for rate in found_rates):
            continue
        total = sum(rate for rate in found_rates if rate is not None)
        total = -total if errors else total
        if total > value:
            best, value = code, total
    return best


def _lack(people: People, kind: str) -> str:
    """What a group lacks to be moved, empty if nothing."""
    n = len(people.part)
    if n < FEWEST_ROWS:
        return f"{n} rows, {FEWEST_ROWS} are needed"
    if LABELLED & set(RATES[kind]):
        assert people.part.y is not None
        for label, word in ((1, "favourable"), (0, "unfavourable")):
            cases = int((people.part.y == label).sum())
            if cases < FEWEST_CASES:
                return f"{cases} rows with a {word} label, {FEWEST_CASES} are needed"
    for name in RATES[kind]:
        if name != "inputs" and people.rate(name) is None:
            return "nobody to compare"
    return ""


def _target(people: People, name: str) -> float:
    found = people.rate(name) if len(people.part) else None
    if found is None:
        raise MethodError(
            "undefined",
            "The rate to be reached is undefined: there is nothing to divide by.",
            "Give more rows, or choose another group to compare with.",
        )
    return found


def enough_to_check(people: People, kind: str) -> bool:
    """Whether a realised gap can be read from these rows of a group."""
    if len(people.part) < FEWEST_CHECKED:
        return False
    return all(people.rate(name) is not None for name in RATES[kind] if name != "inputs")


def stream(context: Context, name: str) -> np.random.Generator:
    """Random stream of this method."""
    return context.rng(f"counterfactual:{name}")
