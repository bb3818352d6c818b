"""Thresholds of a score by group, mixed by chance where rates must meet exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mitigations.rules.base import Rule, binary
from mitigations.rules.graph import Graph, dyadic

if TYPE_CHECKING:
    from mitigations.contract import Part

Floats = NDArray[np.float64]

#: Scores lie on [0, 1]; these thresholds are below and above all of them.
EVERYBODY, NOBODY = -1.0, 2.0


@dataclass(frozen=True)
class Mix:
    """Thresholds, each used for a share of the people.

    A person's chance of a favourable decision is the sum of the shares of all thresholds that the
    score reaches.

    Parameters
    ----------
    thresholds
        In falling order.
    shares
        Multiples of 2^-40 that sum to 1.
    """

    thresholds: tuple[float, ...]
    shares: tuple[float, ...]

    @classmethod
    def of(cls, pairs: Iterable[tuple[float, float]]) -> Mix:
        """From (threshold, share) in any order; shares are scaled to sum to 1."""
        listed = sorted(pairs, reverse=True)
        shares = dyadic([share for _, share in listed])
        kept = [i for i in range(len(listed)) if shares[i] > 0.0]
        return cls(tuple(float(listed[i][0]) for i in kept), tuple(float(shares[i]) for i in kept))

    def state(self) -> dict[str, list[float]]:
        """The mix as JSON types."""
        return {"thresholds": list(self.thresholds), "shares": list(self.shares)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Mix:
        """The mix of a state."""
        return cls(tuple(state["thresholds"]), tuple(state["shares"]))


@dataclass(frozen=True)
class GroupThresholds(Rule):
    """Thresholds by group; groups without their own, and unknown ones, use the common one.

    A row without a score is left to a person.

    Parameters
    ----------
    groups
        Words of the protected axis, in code order.
    own
        A mix for each group, None for the common one.
    common
        For everybody else.
    """

    kind = "group-thresholds"
    uses_group = True

    groups: tuple[str, ...]
    own: tuple[Mix | None, ...]
    common: Mix

    def _tables(self) -> tuple[Floats, Floats]:
        """Thresholds and shares, one row for each group and the common one at the end."""
        mixes = [self.common if mix is None else mix for mix in self.own] + [self.common]
        most = max(len(mix.shares) for mix in mixes)
        threshold = np.full((len(mixes), most), NOBODY)
        share = np.zeros((len(mixes), most))
        for i, mix in enumerate(mixes):
            threshold[i, : len(mix.shares)] = mix.thresholds
            share[i, : len(mix.shares)] = mix.shares
        return threshold, share

    def act(self, part: Part, predict: Callable[[Part], Floats] | None = None) -> Floats:
        """Probabilities from `Part.score`, or from the audited model where there is none."""
        score = part.score
        if score is None:
            if predict is None:
                raise ValueError("thresholds need scores")
            score = predict(part)
        threshold, share = self._tables()
        known = (part.group >= 0) & (part.group < len(self.own))
        row = np.where(known, part.group, len(self.own))
        favourable = np.zeros(len(part))
        for j in range(threshold.shape[1]):
            favourable += share[row, j] * (score >= threshold[row, j])
        return binary(favourable, np.isnan(score))

    def state(self) -> dict[str, Any]:
        return {
            "groups": list(self.groups),
            "own": [None if mix is None else mix.state() for mix in self.own],
            "common": self.common.state(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> GroupThresholds:
        own: Sequence[Mapping[str, Any] | None] = state["own"]
        return cls(
            tuple(state["groups"]),
            tuple(None if mix is None else Mix.from_state(mix) for mix in own),
            Mix.from_state(state["common"]),
        )

    def to_onnx(self) -> bytes:
        """Graph from score (n,) double, group (n,) int64 and u (n,) double."""
        threshold, share = self._tables()
        graph = Graph()
        score = graph.input("score", "double", "n")
        group = graph.input("group", "int64", "n")
        u = graph.input("u", "double", "n")
        row = graph.row_of(group, len(self.own))
        reached = graph.node(
            "GreaterOrEqual",
            graph.column(score),
            graph.node("Gather", graph.constant(threshold), row),
        )
        parts = graph.node(
            "Mul", graph.cast(reached, "double"), graph.node("Gather", graph.constant(share), row)
        )
        favourable = graph.node("ReduceSum", parts, graph.constant([1], np.int64), keepdims=0)
        return graph.decide(favourable, u, graph.node("IsNaN", score))
