"""Decide as the model does where a learnt sum is above zero, otherwise leave it to a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mitigations.rules.base import Rule, binary
from mitigations.rules.bins import scores
from mitigations.rules.graph import Graph
from mitigations.rules.linear import Linear

if TYPE_CHECKING:
    from mitigations.contract import Part

Floats = NDArray[np.float64]

#: Stands for the score where a bend names the slot of a column.
SCORE = -1


@dataclass(frozen=True)
class Rejector(Rule):
    """A weighted sum of the columns with bends in numbers and in the score.

    A bend adds ``weight * max(value - at, 0)``. A row without a score is left to a person.

    Parameters
    ----------
    linear
        Sum over the columns, one model.
    bends
        ``(slot, at, weight)``; the slot `SCORE` is the score.
    threshold
        Of the model.
    """

    kind = "rejector"

    linear: Linear
    bends: tuple[tuple[int, float, float], ...]
    threshold: float

    def margin(self, part: Part, score: Floats) -> Floats:
        """The sum, (n,); missing numbers add nothing."""
        total: Floats = self.linear.margins(part)[:, 0].copy()
        for slot, at, weight in self.bends:
            values = score if slot == SCORE else part.x[:, slot].astype(np.float64)
            total += weight * np.where(np.isfinite(values), np.maximum(values - at, 0.0), 0.0)
        return total

    def act(self, part: Part, predict: Callable[[Part], Floats] | None = None) -> Floats:
        """Probabilities, all 0 or 1."""
        score = scores(part, predict)
        left = ~(self.margin(part, score) > 0.0) | np.isnan(score)
        return binary((score >= self.threshold).astype(np.float64), left)

    def state(self) -> dict[str, Any]:
        return {
            "linear": self.linear.state(),
            "bends": [list(bend) for bend in self.bends],
            "threshold": self.threshold,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Rejector:
        bends: Sequence[Sequence[float]] = state["bends"]
        return cls(
            Linear.from_state(state["linear"]),
            tuple((int(slot), float(at), float(weight)) for slot, at, weight in bends),
            float(state["threshold"]),
        )

    def to_onnx(self) -> bytes:
        """Graph from score (n,) double, u (n,) double and, with columns, x (n, d) float."""
        graph = Graph()
        score = graph.input("score", "double", "n")
        u = graph.input("u", "double", "n")
        if self.linear.encoder.columns:
            x = graph.input("x", "float", "n", "d")
            total = self.linear._sum(graph, x, u)
            wide = graph.cast(x, "double")
        else:
            nothing = graph.node("Mul", graph.column(u), graph.constant(0.0))
            start = np.array(self.linear.intercepts)[None, :]
            total = graph.node("Add", nothing, graph.constant(start))
        zero = graph.constant(0.0)
        for slot, at, weight in self.bends:
            if slot == SCORE:
                values = graph.column(score)
            else:
                values = graph.node("Gather", wide, graph.constant([slot], np.int64), axis=1)
            missing = graph.node("Or", graph.node("IsNaN", values), graph.node("IsInf", values))
            above = graph.node("Max", graph.node("Sub", values, graph.constant(at)), zero)
            above = graph.node("Where", missing, zero, above)
            part = graph.node("Mul", graph.constant(weight), above)
            total = graph.node("Add", total, part)
        flat = graph.node("Squeeze", total, graph.constant([1], np.int64))
        left = graph.node("Not", graph.node("Greater", flat, zero))
        left = graph.node("Or", left, graph.node("IsNaN", score))
        reached = graph.node("GreaterOrEqual", score, graph.constant(self.threshold))
        return graph.decide(graph.cast(reached, "double"), u, left)
