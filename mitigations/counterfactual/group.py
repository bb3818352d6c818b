"""One group that is moved: its different inputs, what is known at each, and the realised gap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mitigations.contract import Context, Part, Problem
from mitigations.counterfactual.descent import Limits, Path, descend
from mitigations.counterfactual.disparity import LABELLED, RATES, Disparity, Inputs, Undefined
from mitigations.counterfactual.likelihood import Quality, cross_fitted, log_odds_of_group
from mitigations.counterfactual.people import Aim, People, enough_to_check, stream
from mitigations.counterfactual.transport import Moved, solve
from mitigations.rules.space import Space
from mitigations.rules.transport import Support, asked, decided, spread

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Odds = Callable[[NDArray[np.float32]], Floats]


@dataclass(frozen=True, eq=False)
class Group:
    """A group as its different inputs.

    Parameters
    ----------
    code, name
        Of the protected axis.
    people
        Rows the inputs come from.
    support, start, strata
        Inputs, their shares, and between which a move is allowed.
    inputs
        Decision, label probability and odds at each.
    disparity
        What is to vanish, with the target of the fitted rows.
    odds
        Log odds of the group at any input, None where inputs are not compared.
    quality
        Of the label probabilities, None where none are needed.
    lost
        Mean distance from a row to the input that stands for it.
    """

    code: int
    name: str
    people: People
    support: Support
    start: Floats
    strata: Ints
    inputs: Inputs
    disparity: Disparity
    odds: Odds | None
    quality: Quality | None
    lost: float

    def path(self, limits: Limits, tick: Callable[[], None]) -> Path:
        """Descend from the group as it is."""
        return descend(self.disparity, self.inputs, self.start, self.strata, limits, tick)

    def moved(self, weight: Floats, tick: Callable[[], None]) -> Moved:
        """Cheapest way to this distribution."""
        points = self.support.points
        return solve(self.support.space, points, self.start, weight, self.strata, tick=tick)


def prepare(
    problem: Problem,
    context: Context,
    space: Space,
    fitted: People,
    aim: Aim,
    code: int,
    *,
    kind: str,
    label_model: str,
    inputs: int,
) -> Group:
    """Bring a group together.

    Parameters
    ----------
    fitted
        Rows of all groups to fit on.
    inputs
        Most different inputs; beyond, drawn ones stand for their neighbours.
    """
    name = problem.group_names[code]

    def tick() -> None:
        context.tick(0, 1, f"describing {name}")

    people = fitted.of(code)
    rng = stream(context, f"inputs:{code}")
    support, place, lost = _support(space, people, inputs, rng, tick)
    start = np.bincount(place, people.weight, minlength=len(support.points))
    total = float(start.sum())

    label: Floats | None = None
    quality: Quality | None = None
    if LABELLED & set(RATES[kind]):
        assert people.part.y is not None
        folds = stream(context, f"folds:{code}")
        given = (problem.columns, people.part.x, people.part.y, people.weight)
        each, quality = cross_fitted(*given, label_model, folds, tick)
        label = np.bincount(place, people.weight * each, minlength=start.size) / start
    targets = dict(aim.fitted)
    odds: Odds | None = None
    at_points: Floats | None = None
    if "inputs" in RATES[kind]:
        odds, shift = _odds(problem, context, fitted, aim, code, tick)
        targets["inputs"] = -shift
        at_points = odds(space.inputs(_blank(people.part, start.size), support.points))
    return Group(
        code, name, people, support, start / total, _numbered(space.strata(support.points)),
        Inputs(support.decision.astype(np.float64), label, at_points),
        Disparity(kind, targets), odds, quality, lost,
    )  # fmt: skip


def _blank(part: Part, n: int) -> NDArray[np.float32]:
    return np.zeros((n, part.x.shape[1]), dtype=np.float32)


def _numbered(keys: list[bytes]) -> Ints:
    seen: dict[bytes, int] = {}
    return np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=np.intp)


def _support(
    space: Space, people: People, most: int, rng: np.random.Generator, tick: Callable[[], None]
) -> tuple[Support, Ints, float]:
    """Different inputs, the input of each row, and the mean distance between the two."""
    points = space.points(people.part.x)
    decision = people.decision.astype(np.int8)
    place = _numbered([k + bytes([d]) for k, d in zip(space.keys(points), decision, strict=True)])
    first = np.unique(place, return_index=True)[1]
    points, decision = points[first], decision[first]
    if first.size <= most:
        return Support(space, points, decision), place, 0.0
    mass: Floats = np.bincount(place, people.weight).astype(np.float64)
    drawn = _drawn(space, points, decision, mass, most, rng)
    some = Support(space, points[drawn], decision[drawn])
    # Everybody has somebody like them among the drawn: one of each class was.
    to = some.locate(points, decision, tick)
    far = float(mass @ space.apart(points, some.points[to])) / float(mass.sum())
    return some, to[place], far


def _drawn(
    space: Space,
    points: Floats,
    decision: NDArray[np.int8],
    mass: Floats,
    most: int,
    rng: np.random.Generator,
) -> Ints:
    """So many inputs, frequent ones rather, and one at least of each stratum and decision."""
    classes = _numbered(
        [key + bytes([d]) for key, d in zip(space.strata(points), decision, strict=True)]
    )
    heaviest = np.lexsort((-mass, classes))
    must = heaviest[np.unique(classes[heaviest], return_index=True)[1]]
    # The order of exponential variables over mass is a draw without replacement.
    order = np.argsort(rng.exponential(size=mass.size) / mass)
    rest = order[~np.isin(order, must)]
    return np.sort(np.concatenate([must, rest[: max(0, most - must.size)]]))


def _odds(
    problem: Problem,
    context: Context,
    fitted: People,
    aim: Aim,
    code: int,
    tick: Callable[[], None],
) -> tuple[Odds, float]:
    """Log odds of the group against the others, and ln(n1 / n0)."""
    group = fitted.part.group
    other = group != code if aim.reference is None else group == aim.reference
    rows = (group == code) | other
    inside = group[rows] == code
    weight = fitted.weight[rows]
    rng = stream(context, f"overlap:{code}")
    odds = log_odds_of_group(problem.columns, fitted.part.x[rows], inside, weight, rng, tick)
    return odds, float(np.log(weight[~inside].sum() / weight[inside].sum()))


@dataclass(frozen=True, eq=False)
class Checked:
    """The group's rows that the realised gap is read from.

    Parameters
    ----------
    group
        The group.
    people
        Its rows, not fitted on.
    disparity
        With the target of those rows.
    before
        Gaps as they are, also from rows to fit on where the model does not know them.
    points, at
        Their inputs, and where each was looked up.
    problem
        Whose model is asked.
    """

    group: Group
    people: People
    disparity: Disparity
    before: Floats
    points: Floats
    at: Ints
    problem: Problem

    def signed(self, moved: Moved | None) -> float:
        """Realised disparity after the map, by the recorded labels; infinite where undefined."""
        return self.disparity.signed_of(self.gaps(moved))

    def gaps(self, moved: Moved | None) -> Floats:
        """Realised gap of each rate.

        The gap before plus its change on these rows, which has less noise than the gap after.
        Every row counts with its probability of each place, not with one draw.
        """
        if moved is None:
            return self.before
        try:
            return np.asarray(self.before + self._gaps(moved) - self._gaps(None))
        except Undefined:
            return np.full(self.before.size, np.inf)

    def _gaps(self, moved: Moved | None) -> Floats:
        decision, odds = self._after(moved)
        rows = replace(self.people.inputs(odds), decision=decision)
        return self.disparity.gaps(rows, self.people.weight)

    def _after(self, moved: Moved | None) -> tuple[Floats, Floats | None]:
        """Chance of a favourable decision, and expected odds, of each row after the map."""
        group, part = self.group, self.people.part
        decision = self.people.decision.copy()
        odds = None if group.odds is None else group.odds(part.x)
        if moved is None:
            return decision, odds
        assert self.problem.predict is not None
        space = group.support.space
        seen = np.flatnonzero(self.at >= 0)
        found = spread(group.support, moved.plan, self.points[seen], self.at[seen])
        row = seen[found.row]
        yes = decision[row]
        moving = ~found.stays
        score = asked(space, part, row[moving], found.points[moving], self.problem.predict)
        after = decided(score, self.problem.threshold)
        yes[moving] = np.where(after < 0, yes[moving], after)
        n = len(part)
        width = np.bincount(found.row, found.share, minlength=seen.size)
        decision[seen] = np.bincount(row, found.share * yes, minlength=n)[seen] / width
        if group.odds is not None and odds is not None:
            each = group.odds(space.inputs(part.x[row], found.points))
            odds[seen] = np.bincount(row, found.share * each, minlength=n)[seen] / width
        return decision, odds


def check(
    problem: Problem, group: Group, checked: People, to: Aim, tick: Callable[[], None]
) -> Checked | None:
    """The rows to check on; None where there are too few."""
    people = checked.of(group.code)
    if problem.predict is None or not enough_to_check(people, group.disparity.kind):
        return None
    full = {**group.disparity.target, **to.checked}
    points = group.support.space.points(people.part.x)
    at = group.support.locate(points, people.decision.astype(np.int8), tick)
    disparity = Disparity(group.disparity.kind, full)
    odds = None if group.odds is None else group.odds(people.part.x)
    gaps = disparity.gaps(people.inputs(odds), people.weight)
    honest = group.people.honest(problem.threshold)
    if honest is not None:
        odds = None if group.odds is None else group.odds(honest.part.x)
        gaps = _pooled(
            gaps, group.disparity.gaps(honest.inputs(odds), honest.weight), people, honest
        )
    return Checked(group, people, disparity, gaps, points, at, problem)


def _pooled(checked: Floats, fitted: Floats, people: People, honest: People) -> Floats:
    """Mean of the gaps on both parts, by their rows."""
    share = len(people.part) / (len(people.part) + len(honest.part))
    return np.asarray(share * checked + (1.0 - share) * fitted)
