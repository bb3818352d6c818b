"""What happens in each interval of the score: the model decides, or the opposite, or a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mitigations.rules.base import ABSTAIN, Rule
from mitigations.rules.graph import Graph, dyadic

if TYPE_CHECKING:
    from mitigations.contract import Part

Floats = NDArray[np.float64]
Shares = tuple[float, float, float]


@dataclass(frozen=True)
class Bins:
    """Intervals of the score.

    Parameters
    ----------
    edges
        Where intervals begin, rising; the first interval begins below all scores.
    shares
        Probabilities of {0, 1, a person} in each of the ``len(edges) + 1`` intervals: multiples
        of 2^-40 that sum to 1.
    """

    edges: tuple[float, ...]
    shares: tuple[Shares, ...]

    @classmethod
    def of(cls, edges: Sequence[float] | Floats, shares: Floats) -> Bins:
        """From edges and probabilities; neighbours that are treated alike become one."""
        rows = [_shares(row) for row in shares]
        kept = [i for i in range(len(rows)) if i == 0 or rows[i] != rows[i - 1]]
        return cls(tuple(float(edges[i - 1]) for i in kept[1:]), tuple(rows[i] for i in kept))

    def state(self) -> dict[str, Any]:
        """The intervals as JSON types."""
        return {"edges": list(self.edges), "shares": [list(row) for row in self.shares]}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Bins:
        """The intervals of a state."""
        rows: Sequence[Sequence[float]] = state["shares"]
        return cls(tuple(state["edges"]), tuple(_three(row) for row in rows))


@dataclass(frozen=True)
class ScoreBins(Rule):
    """Intervals of the score for each group, common ones for everybody else.

    A row without a score is left to a person.

    Parameters
    ----------
    groups
        Words of the protected axis, in code order.
    own
        Intervals of each group, None for the common ones.
    common
        For everybody else.
    """

    kind = "score-bins"
    uses_group = True

    groups: tuple[str, ...]
    own: tuple[Bins | None, ...]
    common: Bins

    def _all(self) -> list[Bins]:
        return [self.common if bins is None else bins for bins in self.own] + [self.common]

    def _tables(self) -> tuple[Floats, Floats]:
        """Edges and probabilities, one row for each group and the common one at the end."""
        listed = self._all()
        most = max(len(bins.shares) for bins in listed)
        edges = np.full((len(listed), most - 1), np.inf)
        shares = np.zeros((len(listed), most, 3))
        shares[:, :, ABSTAIN] = 1.0
        for i, bins in enumerate(listed):
            edges[i, : len(bins.edges)] = bins.edges
            shares[i, : len(bins.shares)] = bins.shares
        return edges, shares

    def _row(self, part: Part) -> NDArray[np.intp]:
        known = (part.group >= 0) & (part.group < len(self.own))
        return np.where(known, part.group, len(self.own)).astype(np.intp)

    def act(self, part: Part, predict: Callable[[Part], Floats] | None = None) -> Floats:
        """Probabilities of the interval that the score lies in."""
        score = scores(part, predict)
        out = np.zeros((len(part), 3))
        row = self._row(part)
        for i, bins in enumerate(self._all()):
            mine = row == i
            place = np.searchsorted(np.array(bins.edges), score[mine], side="right")
            out[mine] = np.array(bins.shares)[place]
        out[np.isnan(score)] = (0.0, 0.0, 1.0)
        return out

    def state(self) -> dict[str, Any]:
        return {
            "groups": list(self.groups),
            "own": [None if bins is None else bins.state() for bins in self.own],
            "common": self.common.state(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> ScoreBins:
        own: Sequence[Mapping[str, Any] | None] = state["own"]
        return cls(
            tuple(state["groups"]),
            tuple(None if bins is None else Bins.from_state(bins) for bins in own),
            Bins.from_state(state["common"]),
        )

    def to_onnx(self) -> bytes:
        """Graph from score (n,) double, group (n,) int64 and u (n,) double."""
        graph = Graph()
        score = graph.input("score", "double", "n")
        group = graph.input("group", "int64", "n")
        return self._graph(graph, score, graph.row_of(group, len(self.own)))

    def _graph(self, graph: Graph, score: str, row: str) -> bytes:
        """Probabilities of each row's interval, then the number drawn."""
        edges, shares = self._tables()
        u = graph.input("u", "double", "n")
        most = shares.shape[1]
        place = row
        if most > 1:
            passed = graph.node(
                "GreaterOrEqual",
                graph.column(score),
                graph.node("Gather", graph.constant(edges), row),
            )
            axes = graph.constant([1], np.int64)
            bin_ = graph.node("ReduceSum", graph.cast(passed, "int64"), axes, keepdims=0)
            start = graph.node("Mul", row, graph.constant(most, np.int64))
            place = graph.node("Add", start, bin_)
        flat = shares.reshape(-1, 3)
        no = graph.node("Gather", graph.constant(flat[:, 0]), place)
        # Where nobody goes to a person the sum is exactly 1, above every number drawn.
        decided = graph.node("Gather", graph.constant(flat[:, 0] + flat[:, 1]), place)
        yes = graph.node("Gather", graph.constant(flat[:, 1]), place)
        whole = {value: graph.constant(value, np.int64) for value in (0, 1, ABSTAIN)}
        issued = graph.node("Where", graph.node("Less", u, no), whole[0], whole[1])
        decision = graph.node("Where", graph.node("Less", u, decided), issued, whole[ABSTAIN])
        missing = graph.node("IsNaN", score)
        decision = graph.node("Where", missing, whole[ABSTAIN], decision)
        favourable = graph.node("Where", missing, graph.constant(0.0), yes)
        return graph.close({"decision": (decision, "int64"), "favourable": (favourable, "double")})


@dataclass(frozen=True)
class SharedBins(ScoreBins):
    """The same intervals for everybody: the group is not looked at."""

    kind = "shared-score-bins"
    uses_group = False

    def _row(self, part: Part) -> NDArray[np.intp]:
        return np.full(len(part), len(self.own), dtype=np.intp)

    def to_onnx(self) -> bytes:
        """Graph from score (n,) double and u (n,) double."""
        graph = Graph()
        score = graph.input("score", "double", "n")
        # Comparing with itself gives each row a code without an input for it.
        same = graph.cast(graph.node("Equal", score, score), "int64")
        row = graph.node("Mul", same, graph.constant(0, np.int64))
        row = graph.node("Add", row, graph.constant(len(self.own), np.int64))
        return self._graph(graph, score, row)


def scores(part: Part, predict: Callable[[Part], Floats] | None) -> Floats:
    """Scores of the rows, from the audited model where the part has none.

    Raises
    ------
    ValueError
        There is neither.
    """
    if part.score is not None:
        return part.score
    if predict is None:
        raise ValueError("the rule needs scores")
    return predict(part)


def _shares(row: Floats) -> Shares:
    return _three(dyadic(np.clip(row, 0.0, None)).tolist())


def _three(row: Sequence[float]) -> Shares:
    no, yes, person = row
    return (float(no), float(yes), float(person))
