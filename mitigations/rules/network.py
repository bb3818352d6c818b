"""A network over the columns with a cut: the rule of remedies that train one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mitigations.encode import Encoder
from mitigations.rules.base import Rule, binary
from mitigations.rules.graph import Graph

if TYPE_CHECKING:
    from mitigations.contract import Part

Floats = NDArray[np.float64]
Layer = tuple[tuple[tuple[float, ...], ...], tuple[float, ...]]

#: Rows encoded at a time.
CHUNK = 32_768
#: Rows multiplied at a time; blocks are filled up to it, so that a row's answer does not depend
#: on how many others are asked about.
BLOCK = 1024
#: Digits of a weight that are kept: those of the single precision it was trained in.
DIGITS = 8
SCHEMA = "evenhand/rule-network/1"


@dataclass(frozen=True)
class Network(Rule):
    """Favourable where the network's output lies above a cut.

    Linear layers with rectifiers between them; the last has one output. The group is no input.

    Parameters
    ----------
    encoder
        From raw columns to places.
    layers
        Weights (inputs, outputs) and biases of each layer.
    cut
        On the scale of the output, before any logistic function.
    """

    kind = "network"

    encoder: Encoder
    layers: tuple[Layer, ...]
    cut: float

    @classmethod
    def of(cls, encoder: Encoder, layers: Sequence[tuple[Floats, Floats]], cut: float) -> Network:
        """From arrays: weights (inputs, outputs) and biases (outputs,)."""
        return cls(
            encoder,
            tuple(
                (tuple(tuple(map(_short, row)) for row in weight), tuple(map(_short, bias)))
                for weight, bias in layers
            ),
            float(cut),
        )

    def at(self, cut: float) -> Network:
        """The same network with another cut."""
        return Network(self.encoder, self.layers, float(cut))

    @cached_property
    def arrays_of(self) -> list[tuple[Floats, Floats]]:
        """Layers as arrays."""
        out, width = [], self.encoder.width
        for weight, bias in self.layers:
            out.append((np.array(weight, np.float64).reshape(width, len(bias)), np.array(bias)))
            width = len(bias)
        return out

    def outputs(self, part: Part) -> Floats:
        """What the network says of each row, (n,), before the cut."""
        out = np.zeros(len(part))
        for start in range(0, len(part), CHUNK):
            rows = slice(start, start + CHUNK)
            out[rows] = self.encoded(self.encoder.transform(part.x[rows]))
        return out

    def encoded(self, x: Floats) -> Floats:
        """What the network says of encoded rows (n, places)."""
        out = np.zeros(len(x))
        last = len(self.layers) - 1
        for start in range(0, len(x), BLOCK):
            rows = x[start : start + BLOCK]
            block = np.zeros((BLOCK, x.shape[1]))
            block[: len(rows)] = rows
            for i, (weight, bias) in enumerate(self.arrays_of):
                block = block @ weight + bias
                if i < last:
                    np.maximum(block, 0.0, out=block)
            out[start : start + len(rows)] = block[: len(rows), 0]
        return out

    def act(self, part: Part, predict: Callable[[Part], Floats] | None = None) -> Floats:
        """Probabilities, all 0 or 1."""
        return binary((self.outputs(part) > self.cut).astype(np.float64))

    def state(self) -> dict[str, Any]:
        return {
            "encoder": self.encoder.state(),
            "weights": [[list(row) for row in weight] for weight, _ in self.layers],
            "biases": [list(bias) for _, bias in self.layers],
            "cut": self.cut,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Network:
        layers = zip(state["weights"], state["biases"], strict=True)
        return cls(
            Encoder.from_state(state["encoder"]),
            tuple((tuple(tuple(row) for row in w), tuple(b)) for w, b in layers),
            float(state["cut"]),
        )

    def to_onnx(self) -> bytes:
        """Graph from x (n, d) float, raw columns, and u (n,) double."""
        graph = Graph()
        x = graph.input("x", "float", "n", "d")
        u = graph.input("u", "double", "n")
        value = _encoded(graph, self.encoder, x, u)
        for i, (weight, bias) in enumerate(self.arrays_of):
            product = graph.node("MatMul", value, graph.constant(weight))
            value = graph.node("Add", product, graph.constant(bias))
            if i + 1 < len(self.layers):
                value = graph.node("Max", value, graph.constant(0.0))
        output = graph.node("Squeeze", value, graph.constant([1], np.int64))
        yes = graph.cast(graph.node("Greater", output, graph.constant(self.cut)), "double")
        return graph.decide(yes, u)

    def to_safetensors(self) -> bytes:
        """Weights in single precision, laid out as ``torch.nn.Linear`` has them.

        Names are ``layers.N.weight`` (outputs, inputs) and ``layers.N.bias``; the metadata hold
        the encoder and the cut as JSON.
        """
        from safetensors.numpy import save

        arrays: dict[str, NDArray[np.float32]] = {}
        for i, (weight, bias) in enumerate(self.arrays_of):
            arrays[f"layers.{i}.weight"] = np.ascontiguousarray(weight.T, dtype=np.float32)
            arrays[f"layers.{i}.bias"] = bias.astype(np.float32)
        config = {"schema": SCHEMA, "encoder": self.encoder.state(), "cut": self.cut}
        return bytes(save(arrays, metadata={"config": json.dumps(config, sort_keys=True)}))


def _encoded(graph: Graph, encoder: Encoder, x: str, u: str) -> str:
    """Places (n, width) double of raw columns (n, d)."""
    wide = graph.cast(x, "double")
    # u lends the number of rows, which a network without columns would not know.
    parts = [graph.node("Slice", graph.column(u), *_none(graph))]
    for _, slot, kind, facts in encoder.columns:
        values = graph.node("Gather", wide, graph.constant([slot], np.int64), axis=1)
        if kind == "categorical":
            if facts["codes"]:
                hit = graph.node("Equal", values, graph.constant([facts["codes"]]))
                parts.append(graph.cast(hit, "double"))
            continue
        missing = graph.node("Or", graph.node("IsNaN", values), graph.node("IsInf", values))
        centred = graph.node("Sub", values, graph.constant(facts["mean"]))
        scaled = graph.node("Div", centred, graph.constant(facts["sd"]))
        parts.append(graph.node("Where", missing, graph.constant(0.0), scaled))
        if facts["flag"]:
            parts.append(graph.cast(missing, "double"))
    return graph.node("Concat", *parts, axis=1)


def _none(graph: Graph) -> list[str]:
    """Starts, ends and axes of a slice (n, 0)."""
    return [graph.constant([v], np.int64) for v in (0, 0, 1)]


def _short(value: float) -> float:
    return float(f"{float(value):.{DIGITS}g}")
