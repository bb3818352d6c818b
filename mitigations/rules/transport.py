"""Decisions of an unchanged model on moved inputs: one map of inputs for each moved group.

There is no ONNX graph of it: between the map and the decision the audited model is asked, which
is not part of the rule, and the map looks people up by their inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mitigations.rules.base import Rule, uniforms
from mitigations.rules.space import Space

if TYPE_CHECKING:
    from mitigations.contract import Part

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Predict = Callable[["Part"], Floats]

#: Shares below it are rounding.
TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Support:
    """Inputs that a group was seen with.

    Parameters
    ----------
    space
        Columns and distances.
    points : (m, d) float64
        Different from one another.
    decision : (m,) int8
        The model's decision at each: a person is looked up among inputs decided alike.
    """

    space: Space
    points: Floats
    decision: NDArray[np.int8]

    @cached_property
    def _exact(self) -> dict[bytes, int]:
        return {key: i for i, key in enumerate(self.space.keys(self.points))}

    @cached_property
    def _classes(self) -> dict[tuple[bytes, int], Ints]:
        out: dict[tuple[bytes, int], list[int]] = {}
        for i, key in enumerate(self.space.strata(self.points)):
            out.setdefault((key, int(self.decision[i])), []).append(i)
        return {key: np.array(found) for key, found in out.items()}

    def locate(
        self, points: Floats, decision: NDArray[np.int8], tick: Callable[[], None] | None = None
    ) -> Ints:
        """The same inputs, else the nearest that a move may start from; -1 where there are none.

        Nearest are sought among inputs with the same decision and the same fixed columns.
        """
        exact = self._exact
        out = np.array([exact.get(key, -1) for key in self.space.keys(points)], dtype=np.intp)
        unseen = np.flatnonzero((out < 0) & (decision >= 0))
        groups: dict[tuple[bytes, int], list[int]] = {}
        for row, key in zip(unseen, self.space.strata(points[unseen]), strict=True):
            groups.setdefault((key, int(decision[row])), []).append(int(row))
        for found, rows in groups.items():
            near = self._classes.get(found)
            if near is not None:
                out[rows] = near[self.space.nearest(points[rows], self.points[near], tick)]
        return out


@dataclass(frozen=True, eq=False)
class Plan:
    """Which share of the people at each input is moved where; the rest stays.

    Parameters
    ----------
    source, target : (k,) int
        Rows of the support, ordered by source.
    share : (k,) float64
        Of the people at the source; they sum to at most 1.
    """

    source: Ints
    target: Ints
    share: Floats

    def spread(self, at: Ints) -> tuple[Ints, Ints, Floats]:
        """Every place that people at these inputs may come to.

        Returns
        -------
        row, target, share : (k,)
            Of `at`; row of the support, -1 for staying; probability, never 0.
        """
        first = np.searchsorted(self.source, at, side="left")
        count = np.searchsorted(self.source, at, side="right") - first
        row = np.repeat(np.arange(at.size), count)
        within = np.arange(row.size) - np.repeat(np.cumsum(count) - count, count)
        place = np.repeat(first, count) + within
        moved = np.bincount(row, self.share[place], minlength=at.size)
        stay = np.clip(1.0 - moved, 0.0, 1.0)
        stay[stay < TINY] = 0.0
        here = np.flatnonzero(stay)
        rows = np.concatenate([row, here])
        target = np.concatenate([self.target[place], np.full(here.size, -1)])
        return rows, target, np.concatenate([self.share[place], stay[here]])


@dataclass(frozen=True, eq=False)
class Spread:
    """Places that rows may come to.

    Parameters
    ----------
    row : (k,) int
        Row that is moved.
    points : (k, d) float64
        Where to; its own for the entries that stay.
    share : (k,) float64
        Probability.
    stays : (k,) bool
        Whether it is the row's own place.
    """

    row: Ints
    points: Floats
    share: Floats
    stays: NDArray[np.bool_]


def spread(support: Support, plan: Plan, points: Floats, at: Ints) -> Spread:
    """Move rows that were looked up at `at`."""
    row, target, share = plan.spread(at)
    stays = target < 0
    out = points[row]
    moving = ~stays
    out[moving] = support.space.step(
        out[moving], support.points[at[row[moving]]], support.points[target[moving]]
    )
    return Spread(row, out, share, stays)


def asked(space: Space, part: Part, rows: Ints, points: Floats, predict: Predict) -> Floats:
    """Scores of the model at moved inputs, each different input asked about once."""
    if not rows.size:
        return np.zeros(0)
    seen: dict[bytes, int] = {}
    place = np.array([seen.setdefault(key, len(seen)) for key in space.keys(points)])
    first = np.unique(place, return_index=True)[1]
    some = part.take(rows[first])
    some = replace(some, x=space.inputs(some.x, points[first]), y=None, score=None, decision=None)
    return np.asarray(np.asarray(predict(some), dtype=np.float64)[place])


def decided(score: Floats, threshold: float) -> NDArray[np.int8]:
    """1 from the threshold on, else 0; -1 without a score."""
    return np.where(np.isnan(score), -1, score >= threshold).astype(np.int8)


@dataclass(frozen=True, eq=False)
class Transport(Rule):
    """The audited model's decisions after the inputs of some groups were moved.

    Everybody else is decided as before. A row whose inputs the model cannot score is left to a
    person.

    Parameters
    ----------
    groups
        Words of the protected axis, in code order.
    threshold
        Score from which a decision is favourable.
    space
        Columns and distances.
    maps
        Code of a moved group -> where it was seen, and what is moved where.
    """

    kind = "transport"
    uses_group = True

    groups: tuple[str, ...]
    threshold: float
    space: Space
    maps: Mapping[int, tuple[Support, Plan]]

    def act(self, part: Part, predict: Predict | None = None) -> Floats:
        """Probability of each decision over all places that the row may come to."""
        rows, yes, share, _ = self._everywhere(part, predict)
        out = np.zeros((len(part), 3))
        for column, value in ((0, 0), (1, 1), (2, -1)):
            hit = yes == value
            out[:, column] = np.bincount(rows[hit], share[hit], minlength=len(part))
        return np.asarray(out / out.sum(axis=1, keepdims=True))

    def moved(self, part: Part, predict: Predict | None = None) -> NDArray[np.float32]:
        """Inputs that each row is decided on, (n, d); their decision is that of the rule."""
        rows, yes, share, points = self._everywhere(part, predict)
        # In the order in which `decide` draws: 0, 1, none.
        order = np.lexsort((np.where(yes < 0, 2, yes), rows))
        rows, share, points = rows[order], share[order], points[order]
        first = np.searchsorted(rows, np.arange(len(part)))
        total = np.cumsum(share)
        before = (total - share)[first]
        upto = total - before[rows]
        width = np.bincount(rows, share, minlength=len(part))
        u = uniforms(self.id, part.row_key) * width
        drawn = np.bincount(rows, upto <= u[rows], minlength=len(part)).astype(np.intp)
        count = np.bincount(rows, minlength=len(part))
        place = first + np.minimum(drawn, count - 1)
        return self.space.inputs(part.x, points[place])

    def _everywhere(
        self, part: Part, predict: Predict | None
    ) -> tuple[Ints, NDArray[np.int8], Floats, Floats]:
        """Rows, decisions, probabilities and points of every place that rows may come to."""
        if predict is None:
            raise ValueError("moved inputs need the audited model")
        points = self.space.points(part.x)
        own = decided(scores(part, predict), self.threshold)
        rows, yes, share, place = [], [], [], []
        still = np.ones(len(part), dtype=np.bool_)
        for code, (support, plan) in sorted(self.maps.items()):
            mine = np.flatnonzero((part.group == code) & (own >= 0))
            at = support.locate(points[mine], own[mine])
            mine, at = mine[at >= 0], at[at >= 0]
            found = spread(support, plan, points[mine], at)
            decision = own[mine[found.row]]
            moving = ~found.stays
            score = asked(self.space, part, mine[found.row[moving]], found.points[moving], predict)
            decision[moving] = decided(score, self.threshold)
            rows.append(mine[found.row])
            yes.append(decision)
            share.append(found.share)
            place.append(found.points)
            still[mine] = False
        rest = np.flatnonzero(still)
        return (
            np.concatenate([*rows, rest]),
            np.concatenate([*yes, own[rest]]),
            np.concatenate([*share, np.ones(rest.size)]),
            np.vstack([*place, points[rest]]),
        )

    def state(self) -> dict[str, Any]:
        maps = []
        for code, (support, plan) in sorted(self.maps.items()):
            maps.append(
                {
                    "code": code,
                    "points": [[_number(v) for v in row] for row in support.points.tolist()],
                    "decision": support.decision.tolist(),
                    "source": plan.source.tolist(),
                    "target": plan.target.tolist(),
                    "share": plan.share.tolist(),
                }
            )
        own = {"groups": list(self.groups), "threshold": self.threshold}
        return {**own, "space": self.space.state(), "maps": maps}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Transport:
        space = Space.from_state(state["space"])
        width = len(space.axes)
        maps = {
            int(item["code"]): (
                Support(
                    space,
                    np.array(item["points"], dtype=np.float64).reshape(-1, width),
                    np.array(item["decision"], dtype=np.int8),
                ),
                Plan(
                    np.array(item["source"], dtype=np.intp),
                    np.array(item["target"], dtype=np.intp),
                    np.array(item["share"], dtype=np.float64),
                ),
            )
            for item in state["maps"]
        }
        return cls(tuple(state["groups"]), float(state["threshold"]), space, maps)


def scores(part: Part, predict: Predict) -> Floats:
    """Scores of the rows as they are: the part's own, the model's where it has none."""
    if part.score is not None and bool(np.isfinite(part.score).all()):
        return part.score
    found = np.asarray(predict(part), dtype=np.float64)
    return found if part.score is None else np.where(np.isnan(part.score), found, part.score)


def _number(value: float) -> float | int | None:
    """Whole numbers in short, a blank as null."""
    if value != value:
        return None
    return int(value) if value == int(value) else value
