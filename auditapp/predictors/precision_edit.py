"""Rewrite an ONNX model so that its numbers are rounded to a coarser format.

Used where no real conversion exists: weights, inputs and the values between operators are rounded
to the format by pairs of casts, and the arithmetic itself stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

ML = "ai.onnx.ml"
FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE)
FORMATS: dict[str, tuple[int, Any]] = {
    "fp32": (TensorProto.FLOAT, np.float32),
    "fp16": (TensorProto.FLOAT16, np.float16),
    "bf16": (TensorProto.BFLOAT16, ml_dtypes.bfloat16),
}
LARGEST = {
    "fp32": 3.4028234e38,
    "fp16": 65504.0,
    "bf16": 3.3895314e38,
}
#: numbers that are looked up, not computed with
LOOKUPS = {"LabelEncoder", "CategoryMapper", "DictVectorizer", "OneHotEncoder"}
LINEAR = {"LinearClassifier", "LinearRegressor"}
TREES = {"TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor"}
STEPS = 127
SUFFIX = "__evenhand_exact"


def round_to(values: NDArray[Any], name: str) -> tuple[NDArray[Any], int]:
    """Round numbers to a format, in the type they came in.

    Returns
    -------
    rounded : array of the type of `values`
    clipped : int
        Finite numbers beyond the format's range, set to its largest.
    """
    largest = LARGEST[name]
    beyond = np.isfinite(values) & (np.abs(values) > largest)
    inside = np.where(beyond, np.copysign(largest, values), values)
    return inside.astype(FORMATS[name][1]).astype(values.dtype), int(beyond.sum())


def round_to_integers(values: NDArray[Any]) -> NDArray[Any]:
    """Round numbers to 255 even steps between minus and plus their largest size."""
    largest = float(np.abs(values).max()) if values.size else 0.0
    if largest == 0.0 or not np.isfinite(largest):
        return values
    step = largest / STEPS
    return (np.rint(values / step) * step).astype(values.dtype)


def rounded(model: onnx.ModelProto, name: str) -> int:
    """Round weights, inputs and values between operators, in place.

    Returns
    -------
    int
        Weights beyond the format's range, set to its largest.
    """
    clipped = 0
    for graph in graphs(model.graph):
        clipped += _initializers(graph, name)
        for node in graph.node:
            clipped += _attributes(node, name)
    _casts(model, name)
    return clipped


def linear_to_integers(model: onnx.ModelProto) -> int:
    """Round the coefficients of linear operators of ``ai.onnx.ml`` to 8 bits, in place.

    Returns
    -------
    int
        Operators changed.
    """
    changed = 0
    for graph in graphs(model.graph):
        for node in graph.node:
            if node.domain != ML or node.op_type not in LINEAR:
                continue
            for attribute in node.attribute:
                if attribute.name == "coefficients":
                    values = np.array(attribute.floats, dtype=np.float32)
                    attribute.floats[:] = round_to_integers(values).tolist()
                    changed += 1
    return changed


def graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Yield a graph and every graph inside its operators."""
    waiting = [graph]
    while waiting:
        found = waiting.pop()
        yield found
        for node in found.node:
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    waiting.append(attribute.g)
                waiting.extend(attribute.graphs)


def operators(model: onnx.ModelProto) -> set[tuple[str, str]]:
    """List the operators in use as (domain, name)."""
    return {(node.domain, node.op_type) for graph in graphs(model.graph) for node in graph.node}


def weight_types(model: onnx.ModelProto) -> dict[int, int]:
    """Count the numbers a model stores, by their ONNX element type."""
    found: dict[int, int] = {}
    for graph in graphs(model.graph):
        for tensor in graph.initializer:
            size = int(np.prod(tensor.dims)) if tensor.dims else 1
            found[tensor.data_type] = found.get(tensor.data_type, 0) + size
        for node in graph.node:
            for attribute in node.attribute if node.domain == ML else ():
                kind = attribute.t.data_type if attribute.HasField("t") else TensorProto.FLOAT
                size = len(attribute.floats) or int(np.prod(attribute.t.dims or [0]))
                if size:
                    found[kind] = found.get(kind, 0) + size
    return found


def _initializers(graph: onnx.GraphProto, name: str) -> int:
    tensors = [*graph.initializer, *(sparse.values for sparse in graph.sparse_initializer)]
    return sum(_tensor(tensor, name) for tensor in tensors)


def _tensor(tensor: onnx.TensorProto, name: str) -> int:
    if tensor.data_type not in FLOATS:
        return 0
    values, clipped = round_to(numpy_helper.to_array(tensor), name)
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return clipped


def _attributes(node: onnx.NodeProto, name: str) -> int:
    constant = node.op_type == "Constant"
    if not constant and (node.domain != ML or node.op_type in LOOKUPS):
        return 0
    clipped = 0
    for attribute in node.attribute:
        if attribute.HasField("t"):
            clipped += _tensor(attribute.t, name)
        if attribute.floats:
            values, beyond = round_to(np.array(attribute.floats, dtype=np.float32), name)
            attribute.floats[:] = values.tolist()
            clipped += beyond
        if attribute.type == onnx.AttributeProto.FLOAT:
            value, beyond = round_to(np.array(attribute.f, dtype=np.float32), name)
            attribute.f = float(value)
            clipped += beyond
    return clipped


def _casts(model: onnx.ModelProto, name: str) -> None:
    """Put a pair of casts behind every input and every operator that gives floating numbers."""
    types = _types(model)
    to = FORMATS[name][0]
    stored = {tensor.name for tensor in model.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    renamed: dict[str, str] = {}
    for value in model.graph.input:
        if value.type.tensor_type.elem_type in FLOATS and value.name not in stored:
            renamed[value.name] = value.name + SUFFIX
            kind = value.type.tensor_type.elem_type
            nodes += _pair(value.name, value.name + SUFFIX, to, kind)
    for node in list(model.graph.node):
        _rename(node, renamed)
        nodes.append(node)
        for i, output in enumerate(node.output):
            kind = types.get(output) or _declared(node, i)
            if output and kind in FLOATS:
                node.output[i] = output + SUFFIX
                nodes += _pair(output + SUFFIX, output, to, kind)
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    del model.graph.value_info[:]


def _pair(source: str, target: str, to: int, back: int) -> list[onnx.NodeProto]:
    middle = f"{target}__coarse"
    return [
        helper.make_node("Cast", [source], [middle], to=to),
        helper.make_node("Cast", [middle], [target], to=back),
    ]


def _rename(node: onnx.NodeProto, renamed: dict[str, str]) -> None:
    """Point an operator, and those inside it, at the rounded inputs of the model."""
    for i, name in enumerate(node.input):
        node.input[i] = renamed.get(name, name)
    for attribute in node.attribute:
        inner = [attribute.g] if attribute.type == onnx.AttributeProto.GRAPH else []
        for graph in [*inner, *attribute.graphs]:
            for below in graph.node:
                _rename(below, renamed)
            for value in graph.output:
                value.name = renamed.get(value.name, value.name)


def _types(model: onnx.ModelProto) -> dict[str, int]:
    inferred = onnx.shape_inference.infer_shapes(model).graph
    values = [*inferred.value_info, *inferred.output]
    return {value.name: value.type.tensor_type.elem_type for value in values}


def _declared(node: onnx.NodeProto, i: int) -> int | None:
    """Return the type an operator's definition fixes, for those without inference."""
    try:
        outputs = onnx.defs.get_schema(node.op_type, domain=node.domain).outputs
    except onnx.defs.SchemaError:
        return None
    fixed = {"tensor(float)": TensorProto.FLOAT, "tensor(double)": TensorProto.DOUBLE}
    return fixed.get(outputs[i].type_str) if i < len(outputs) else None
