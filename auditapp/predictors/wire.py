"""Walk an ONNX file's protobuf without building it, to see what it asks for before loading it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from auditapp.errors import AuditError

#: GraphProto, NodeProto, AttributeProto, TensorProto, FunctionProto: field numbers of onnx.proto
MODEL_GRAPH, MODEL_OPSET, MODEL_TRAINING, MODEL_FUNCTIONS = 7, 8, 20, 25
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_SPARSE = 1, 5, 15
NODE_OP, NODE_ATTRIBUTE, NODE_DOMAIN = 4, 5, 7
ATTRIBUTE_NAME, ATTRIBUTE_INTS, ATTRIBUTE_STRINGS = 1, 8, 9
ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS, ATTRIBUTE_SPARSE = (5, 10), (6, 11), (22, 23)
TENSOR_NAME, TENSOR_EXTERNAL, TENSOR_LOCATION = 8, 13, 14
FUNCTION_NODE, FUNCTION_OPSET, FUNCTION_DOMAIN, FUNCTION_ATTRIBUTE = 7, 9, 10, 11
CLASS_LABELS = (
    "classlabels_ints",
    "classlabels_int64s",
    "classlabels_strings",
)
DEEPEST = 64
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Field = tuple[int, int, int | memoryview]


class Damaged(ValueError):
    """The bytes are not a complete protobuf message."""


@dataclass
class Contents:
    """What a model file asks for.

    Parameters
    ----------
    ops
        Operators in use, as (domain, name).
    domains
        Domains the file imports.
    external
        Names of tensors whose data lies in another file, with the path.
    labels
        Class labels that classifier operators carry, in order.
    """

    ops: set[tuple[str, str]] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)
    external: list[tuple[str, str]] = field(default_factory=list)
    labels: list[list[str]] = field(default_factory=list)
    graphs: int = 0


def contents(data: memoryview, name: str) -> Contents:
    """Walk the whole model.

    Raises
    ------
    AuditError
        ``onnx-damaged``: the file is cut off or is no ONNX model.
    """
    found = Contents()
    try:
        _model(data, found)
    except Damaged as error:
        raise _damaged(name, len(data), str(error)) from None
    if not found.graphs:
        raise _damaged(name, len(data), "there is no graph in it")
    return found


def _damaged(name: str, length: int, why: str) -> AuditError:
    return AuditError(
        "onnx-damaged",
        f"“{name}” is not a complete ONNX model: {why}.",
        "Export the model again, and check that the upload was complete.",
        where=name,
        found=f"{length:,} bytes",
    )


def fields(data: memoryview) -> Iterator[Field]:
    """Yield (number, wire type, value) of one message."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise Damaged(f"byte {at:,} starts no field")
        if kind == VARINT:
            value, at = _varint(data, at)
            yield number, kind, value
            continue
        if kind == BYTES:
            length, at = _varint(data, at)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise Damaged(f"byte {at:,} has the unknown wire type {kind}")
        if at + length > end:
            raise Damaged(f"a field of {length:,} bytes is cut off after {end - at:,}")
        yield number, kind, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data):
            raise Damaged("it ends in the middle of a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise Damaged(f"byte {at:,} holds a number that is too long")


def _messages(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    for number, _, value in fields(data):
        if isinstance(value, memoryview):
            yield number, value


def _text(value: memoryview) -> str:
    return bytes(value).decode("utf-8", "replace")


def _model(data: memoryview, found: Contents) -> None:
    for number, value in _messages(data):
        if number == MODEL_GRAPH:
            found.graphs += 1
            _graph(value, found, 0)
        elif number == MODEL_OPSET:
            _opset(value, found)
        elif number == MODEL_FUNCTIONS:
            _function(value, found)
        elif number == MODEL_TRAINING:
            found.domains.add("ai.onnx.training")


def _opset(data: memoryview, found: Contents) -> None:
    names = [_text(value) for number, value in _messages(data) if number == 1]
    found.domains.add(names[-1] if names else "")


def _function(data: memoryview, found: Contents) -> None:
    for number, value in _messages(data):
        if number == FUNCTION_NODE:
            _node(value, found, 0)
        elif number == FUNCTION_OPSET:
            _opset(value, found)
        elif number == FUNCTION_DOMAIN:
            found.domains.add(_text(value))
        elif number == FUNCTION_ATTRIBUTE:
            _attribute(value, found, 0)


def _graph(data: memoryview, found: Contents, depth: int) -> None:
    if depth > DEEPEST:
        raise Damaged(f"graphs are nested more than {DEEPEST} deep")
    for number, value in _messages(data):
        if number == GRAPH_NODE:
            _node(value, found, depth)
        elif number == GRAPH_INITIALIZER:
            _tensor(value, found)
        elif number == GRAPH_SPARSE:
            _sparse(value, found)


def _node(data: memoryview, found: Contents, depth: int) -> None:
    domain = name = ""
    for number, value in _messages(data):
        if number == NODE_OP:
            name = _text(value)
        elif number == NODE_DOMAIN:
            domain = _text(value)
        elif number == NODE_ATTRIBUTE:
            _attribute(value, found, depth)
    found.ops.add((domain, name))


def _attribute(data: memoryview, found: Contents, depth: int) -> None:
    name = ""
    labels: list[str] = []
    for number, kind, value in fields(data):
        if isinstance(value, int):
            if number == ATTRIBUTE_INTS:
                labels.append(str(_signed(value)))
        elif number == ATTRIBUTE_NAME:
            name = _text(value)
        elif number == ATTRIBUTE_INTS and kind == BYTES:
            labels.extend(_packed(value) if len(value) < 100_000 else [])
        elif number == ATTRIBUTE_STRINGS:
            labels.append(_text(value))
        elif number in ATTRIBUTE_TENSORS:
            _tensor(value, found)
        elif number in ATTRIBUTE_GRAPHS:
            _graph(value, found, depth + 1)
        elif number in ATTRIBUTE_SPARSE:
            _sparse(value, found)
    if name in CLASS_LABELS and labels:
        found.labels.append(labels)


def _packed(data: memoryview) -> list[str]:
    values, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        values.append(str(_signed(value)))
    return values


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _sparse(data: memoryview, found: Contents) -> None:
    for number, value in _messages(data):
        if number in (1, 2):
            _tensor(value, found)


def _tensor(data: memoryview, found: Contents) -> None:
    name, place, outside = "", "", False
    for number, _, value in fields(data):
        if isinstance(value, int):
            outside = outside or (number == TENSOR_LOCATION and value != 0)
        elif number == TENSOR_NAME:
            name = _text(value)
        elif number == TENSOR_EXTERNAL:
            outside = True
            entry = {key: _text(text) for key, text in _messages(value)}
            if entry.get(1) == "location":
                place = entry.get(2, "")
    if outside:
        found.external.append((name, place))
