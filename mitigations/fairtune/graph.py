"""A residual MLP as an ONNX graph in double precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mitigations.fairtune.columns import Place
from mitigations.rules.graph import Graph

if TYPE_CHECKING:
    from mitigations.rules.tuned import Tuned

Arrays = dict[str, NDArray[Any]]
#: Of a layer norm, as torch has it.
EPS = 1e-5


def residual_mlp(rule: Tuned) -> bytes:
    """Graph from x (n, d) float, raw columns, and u (n,) double."""
    graph = Graph()
    x = graph.cast(graph.input("x", "float", "n", "d"), "double")
    u = graph.input("u", "double", "n")
    arrays = {name: np.asarray(a, dtype=np.float64) for name, a in rule.weights.items()}
    h = _embedded(graph, rule, arrays, x)
    for i in range(int(rule.config["depth"])):
        inner = _norm(graph, arrays, f"blocks.{i}.norm", h)
        inner = graph.node("Max", _linear(graph, arrays, f"blocks.{i}.lin1", inner),
                           graph.constant(0.0))  # fmt: skip
        h = graph.node("Add", h, _linear(graph, arrays, f"blocks.{i}.lin2", inner))
    logits = _linear(graph, arrays, "head", _norm(graph, arrays, "final_norm", h))
    chances = graph.node("Softmax", logits, axis=1)
    chance = graph.node("Gather", chances, graph.constant(int(rule.config["positive"]), np.int64),
                        axis=1)  # fmt: skip
    yes = graph.cast(graph.node("GreaterOrEqual", chance, graph.constant(rule.cut)), "double")
    return graph.decide(yes, u)


def _embedded(graph: Graph, rule: Tuned, arrays: Arrays, x: str) -> str:
    """The sum of the numbers' linear map and one embedding per column, (n, width)."""
    tables = [name for name in arrays if name.startswith("cat_embed.")]
    ordered = _in_order(rule, tables)
    parts: list[str] = []
    scaled: list[str] = []
    blanks: list[str] = []
    for wanted, state in zip(rule.config["columns"], rule.columns, strict=True):
        place = Place.from_state(state)
        value = graph.node("Gather", x, graph.constant(place.slot, np.int64), axis=1)
        if wanted["kind"] == "categorical":
            parts.append(_level(graph, place, value, arrays[ordered.pop(0)]))
            continue
        number, blank = _number(graph, place, value)
        number = graph.node("Sub", number, graph.constant(float(wanted["mean"])))
        number = graph.node("Div", number, graph.constant(float(wanted["sd"])))
        # Single precision, as the network was given it.
        number = graph.cast(graph.cast(number, "float"), "double")
        scaled.append(graph.column(graph.node("Where", blank, graph.constant(0.0), number)))
        blanks.append(graph.column(graph.cast(blank, "double")))
    if scaled:
        numbers = graph.node("Concat", *scaled, *blanks, axis=1)
        parts.append(_linear(graph, arrays, "num_embed", numbers))
    total = parts[0]
    for part in parts[1:]:
        total = graph.node("Add", total, part)
    return total


def _in_order(rule: Tuned, tables: Sequence[str]) -> list[str]:
    """Names of the embeddings in the order of the categorical columns."""
    from mitigations.fairtune.networks.tabular import Columns

    made = Columns([c for c in rule.config["columns"] if c["kind"] == "categorical"], 1)
    names = [f"cat_embed.{key}.weight" for key in made.keys_of]
    assert set(names) == set(tables)
    return names


def _blank(graph: Graph, value: str) -> str:
    return graph.node("Or", graph.node("IsNaN", value), graph.node("IsInf", value))


def _code(graph: Graph, value: str, size: int) -> str:
    """Codes as whole numbers; blank and out of range are `size`."""
    outside = graph.node(
        "Or",
        graph.node("Less", value, graph.constant(0.0)),
        graph.node("GreaterOrEqual", value, graph.constant(float(size))),
    )
    bad = graph.node("Or", _blank(graph, value), outside)
    return graph.cast(graph.node("Where", bad, graph.constant(float(size)), value), "int64")


def _number(graph: Graph, place: Place, value: str) -> tuple[str, str]:
    if place.kind == "number":
        blank = _blank(graph, value)
        return graph.node("Where", blank, graph.constant(0.0), value), blank
    code = _code(graph, value, len(place.table))
    table = np.array([*place.table, np.nan])
    number = graph.node("Gather", graph.constant(np.nan_to_num(table)), code)
    gone = graph.node("Gather", graph.constant(np.isnan(table).astype(np.float64)), code)
    return number, graph.node("Greater", gone, graph.constant(0.5))


def _level(graph: Graph, place: Place, value: str, table: NDArray[Any]) -> str:
    if place.kind == "row-of-code":
        rows = np.array([*place.table, 0.0]).astype(np.int64)
        code = _code(graph, value, len(place.table))
        row = graph.node("Gather", graph.constant(rows, np.int64), code)
        return graph.node("Gather", graph.constant(table), row)
    numbers = np.array(place.table)[None]
    hit = graph.cast(graph.node("Equal", graph.column(value), graph.constant(numbers)), "double")
    known = graph.node("ReduceSum", hit, graph.constant([1], np.int64), keepdims=1)
    none = graph.node("Sub", graph.constant(1.0), known)
    rest = graph.node("Mul", none, graph.constant(table[:1]))
    return graph.node("Add", graph.node("MatMul", hit, graph.constant(table[1:])), rest)


def _linear(graph: Graph, arrays: Arrays, name: str, h: str) -> str:
    product = graph.node("MatMul", h, graph.constant(arrays[f"{name}.weight"].T))
    return graph.node("Add", product, graph.constant(arrays[f"{name}.bias"]))


def _norm(graph: Graph, arrays: Arrays, name: str, h: str) -> str:
    centred = graph.node("Sub", h, graph.node("ReduceMean", h, axes=[1], keepdims=1))
    square = graph.node("Mul", centred, centred)
    variance = graph.node("ReduceMean", square, axes=[1], keepdims=1)
    sd = graph.node("Sqrt", graph.node("Add", variance, graph.constant(EPS)))
    scaled = graph.node("Mul", graph.node("Div", centred, sd),
                        graph.constant(arrays[f"{name}.weight"]))  # fmt: skip
    return graph.node("Add", scaled, graph.constant(arrays[f"{name}.bias"]))
