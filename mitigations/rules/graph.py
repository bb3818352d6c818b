"""Small ONNX graphs by hand: what a rule computes, in double precision, the number drawn an input.

All sums of shares are exact in any order (`dyadic`), so a runtime gives the same decisions as
numpy does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Old enough for runtimes in use, new enough for every operator here.
OPSET = 17
IR_VERSION = 8
#: Shares are multiples of one over this.
GRAIN = 2.0**40


def dyadic(shares: Sequence[float] | Floats) -> Floats:
    """Shares rounded to multiples of 2^-40 that sum to exactly 1: their sums round nowhere.

    The largest share takes what rounding leaves.
    """
    wanted = np.asarray(shares, dtype=np.float64)
    out: Floats = np.floor(wanted / wanted.sum() * GRAIN) / GRAIN
    out[int(np.argmax(wanted))] += 1.0 - out.sum()
    return out


class Graph:
    """Nodes in order; names are made up as they come."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []

    def input(self, name: str, kind: str, *shape: int | str) -> str:
        """Declare an input: ``float``, ``double`` or ``int64``."""
        from onnx import helper

        self._inputs.append(helper.make_tensor_value_info(name, _type(kind), list(shape)))
        return name

    def constant(self, value: Any, dtype: type = np.float64) -> str:
        """Keep an array in the graph."""
        from onnx import numpy_helper

        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator with one output."""
        from onnx import helper

        name = f"n{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def cast(self, value: str, kind: str) -> str:
        """Change the type of a value."""
        return self.node("Cast", value, to=_type(kind))

    def column(self, value: str) -> str:
        """Turn (n,) into (n, 1)."""
        return self.node("Unsqueeze", value, self.constant([1], np.int64))

    def row_of(self, group: str, groups: int) -> str:
        """Group codes with everything unknown moved to the row after the last group."""
        known = self.node(
            "And",
            self.node("GreaterOrEqual", group, self.constant(0, np.int64)),
            self.node("Less", group, self.constant(groups, np.int64)),
        )
        return self.node("Where", known, group, self.constant(groups, np.int64))

    def decide(self, favourable: str, u: str, abstain: str | None = None) -> bytes:
        """Draw decisions and close the graph.

        Parameters
        ----------
        favourable
            (n,) double, chance of a favourable decision.
        u
            (n,) double, the number drawn.
        abstain
            (n,) bool, rows left to a person.

        Returns
        -------
        bytes
            Model with the outputs ``decision`` (0, 1, or 2 for a person) and ``favourable``.
        """
        no = self.node("Sub", self.constant(1.0), favourable)
        decision = self.cast(self.node("GreaterOrEqual", u, no), "int64")
        chance = favourable
        if abstain is not None:
            decision = self.node("Where", abstain, self.constant(2, np.int64), decision)
            chance = self.node("Where", abstain, self.constant(0.0), favourable)
        return self.close({"decision": (decision, "int64"), "favourable": (chance, "double")})

    def close(self, outputs: dict[str, tuple[str, str]]) -> bytes:
        """Name the outputs, all (n,), and write the model."""
        from onnx import checker, helper

        infos = []
        for name, (value, kind) in outputs.items():
            self._nodes.append(helper.make_node("Identity", [value], [name]))
            infos.append(helper.make_tensor_value_info(name, _type(kind), ["n"]))
        graph = helper.make_graph(
            self._nodes, "rule", self._inputs, infos, initializer=self._constants
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            producer_name="evenhand",
            ir_version=IR_VERSION,
        )
        checker.check_model(model)
        return bytes(model.SerializeToString())


def _type(kind: str) -> int:
    from onnx import TensorProto

    return int({"float": TensorProto.FLOAT, "double": TensorProto.DOUBLE,
                "int64": TensorProto.INT64}[kind])  # fmt: skip
