"""Linear models of the raw columns, one of them drawn for each person where there are several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mitigations.encode import Encoder
from mitigations.rules.base import Rule, binary
from mitigations.rules.graph import Graph

if TYPE_CHECKING:
    from mitigations.contract import Part

Floats = NDArray[np.float64]

#: Rows at a time.
CHUNK = 65536


@dataclass(frozen=True)
class Linear(Rule):
    """Favourable where a weighted sum of the encoded columns is above zero.

    The sum is taken column by column, always in the same order, so that a runtime that does the
    same gives the same number to the last bit.

    Parameters
    ----------
    encoder
        From raw columns to places.
    weights : (models, places)
    intercepts : (models,)
    shares
        Share of the people that each model decides for: multiples of 2^-40 that sum to 1.
    """

    kind = "linear"

    encoder: Encoder
    weights: tuple[tuple[float, ...], ...]
    intercepts: tuple[float, ...]
    shares: tuple[float, ...]

    def margins(self, part: Part) -> Floats:
        """Weighted sums, (n, models)."""
        blocks = [
            self._block(part, slice(start, start + CHUNK)) for start in range(0, len(part), CHUNK)
        ]
        return np.vstack(blocks) if blocks else np.zeros((0, len(self.shares)))

    def _block(self, part: Part, rows: slice) -> Floats:
        x = part.x[rows]
        total = np.zeros((len(x), len(self.shares))) + np.array(self.intercepts)
        for (_, slot, kind, facts), weight in self._by_column():
            values = x[:, slot].astype(np.float64)
            if kind == "categorical":
                codes = np.array(facts["codes"], dtype=np.float64)
                if codes.size == 0:
                    continue
                place = np.searchsorted(codes, values).clip(0, codes.size - 1)
                total += np.where((codes[place] == values)[:, None], weight[:, place].T, 0.0)
                continue
            missing = ~np.isfinite(values)
            scaled = np.where(missing, 0.0, (values - facts["mean"]) / facts["sd"])
            total += scaled[:, None] * weight[:, 0]
            if facts["flag"]:
                total += missing[:, None] * weight[:, 1]
        return np.asarray(total)

    def _by_column(
        self,
    ) -> list[tuple[tuple[str, int, str, Mapping[str, Any]], Floats]]:
        """Columns of the encoder, each with its weights (models, places of the column)."""
        weights = np.array(self.weights, dtype=np.float64).reshape(len(self.shares), -1)
        out, start = [], 0
        for column in self.encoder.columns:
            facts = column[3]
            width = len(facts["codes"]) if column[2] == "categorical" else 1 + facts["flag"]
            out.append((column, weights[:, start : start + width]))
            start += width
        return out

    def act(self, part: Part, predict: Callable[[Part], Floats] | None = None) -> Floats:
        """Probabilities: the sum of the shares of all models that say yes."""
        return binary((self.margins(part) > 0.0) @ np.array(self.shares))

    def state(self) -> dict[str, Any]:
        return {
            "encoder": self.encoder.state(),
            "weights": [list(row) for row in self.weights],
            "intercepts": list(self.intercepts),
            "shares": list(self.shares),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Linear:
        return cls(**_fields(state))

    def to_onnx(self) -> bytes:
        """Graph from x (n, d) float, raw columns, and u (n,) double."""
        graph = Graph()
        x = graph.input("x", "float", "n", "d")
        u = graph.input("u", "double", "n")
        return self._close(graph, self._sum(graph, x, u), u)

    def _sum(self, graph: Graph, x: str, u: str) -> str:
        wide = graph.cast(x, "double")
        # u lends the number of rows, which a model without columns would not know.
        nothing = graph.node("Mul", graph.column(u), graph.constant(0.0))
        total = graph.node("Add", nothing, graph.constant(np.array(self.intercepts)[None, :]))
        for (_, slot, kind, facts), weight in self._by_column():
            values = graph.node("Gather", wide, graph.constant([slot], np.int64), axis=1)
            if kind == "categorical":
                if not facts["codes"]:
                    continue
                hit = graph.node("Equal", values, graph.constant([facts["codes"]]))
                part = graph.node("MatMul", graph.cast(hit, "double"), graph.constant(weight.T))
                total = graph.node("Add", total, part)
                continue
            missing = graph.node("Or", graph.node("IsNaN", values), graph.node("IsInf", values))
            centred = graph.node("Sub", values, graph.constant(facts["mean"]))
            scaled = graph.node("Div", centred, graph.constant(facts["sd"]))
            scaled = graph.node("Where", missing, graph.constant(0.0), scaled)
            part = graph.node("Mul", scaled, graph.constant(weight[None, :, 0]))
            total = graph.node("Add", total, part)
            if facts["flag"]:
                flag = graph.cast(missing, "double")
                part = graph.node("Mul", flag, graph.constant(weight[None, :, 1]))
                total = graph.node("Add", total, part)
        return total

    def _close(self, graph: Graph, total: str, u: str) -> bytes:
        yes = graph.cast(graph.node("Greater", total, graph.constant(0.0)), "double")
        parts = graph.node("Mul", yes, graph.constant(np.array(self.shares)[None, :]))
        favourable = graph.node("ReduceSum", parts, graph.constant([1], np.int64), keepdims=0)
        return graph.decide(favourable, u)


@dataclass(frozen=True)
class LinearByGroup(Linear):
    """A linear rule with a number added for each group; none for unknown groups.

    Parameters
    ----------
    groups
        Words of the protected axis, in code order.
    offsets : (groups,)
        Added to the sum of every model.
    """

    kind = "linear-by-group"
    uses_group = True

    groups: tuple[str, ...]
    offsets: tuple[float, ...]

    def margins(self, part: Part) -> Floats:
        known = (part.group >= 0) & (part.group < len(self.offsets))
        row = np.where(known, part.group, len(self.offsets))
        offset: Floats = np.array([*self.offsets, 0.0])[row]
        return super().margins(part) + offset[:, None]

    def state(self) -> dict[str, Any]:
        own = {"groups": list(self.groups), "offsets": list(self.offsets)}
        return {**super().state(), **own}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> LinearByGroup:
        return cls(
            **_fields(state), groups=tuple(state["groups"]), offsets=tuple(state["offsets"])
        )

    def to_onnx(self) -> bytes:
        """Graph from x (n, d) float, group (n,) int64 and u (n,) double."""
        graph = Graph()
        x = graph.input("x", "float", "n", "d")
        group = graph.input("group", "int64", "n")
        u = graph.input("u", "double", "n")
        row = graph.row_of(group, len(self.offsets))
        offset = graph.node("Gather", graph.constant([*self.offsets, 0.0]), row)
        total = graph.node("Add", self._sum(graph, x, u), graph.column(offset))
        return self._close(graph, total, u)


def _fields(state: Mapping[str, Any]) -> dict[str, Any]:
    weights: Sequence[Sequence[float]] = state["weights"]
    return {
        "encoder": Encoder.from_state(state["encoder"]),
        "weights": tuple(tuple(row) for row in weights),
        "intercepts": tuple(state["intercepts"]),
        "shares": tuple(state["shares"]),
    }
