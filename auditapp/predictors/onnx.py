"""ONNX models: check what the file asks for, describe it, run it with onnxruntime."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditapp.errors import AuditError
from auditapp.predictors import deciders, outputs, wire
from auditapp.predictors.rows import BATCH, Rows, need_features

Json = dict[str, Any]

DOMAINS = {"", "ai.onnx", "ai.onnx.ml"}
#: imported by exporters whether used or not; what counts is that no operator uses them
HARMLESS_IMPORTS = {"com.microsoft", "ai.onnx.preview", "com.microsoft.nchwc"}
TYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(int16)": np.int16,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}
FLOATS = {"tensor(float)", "tensor(double)", "tensor(float16)"}
CPU = "CPUExecutionProvider"
#: providers that compute on this machine; others send rows elsewhere or need a compiled model
DEVICES = {
    CPU: "cpu",
    "CUDAExecutionProvider": "cuda",
    "ROCMExecutionProvider": "rocm",
    "DmlExecutionProvider": "directml",
    "CoreMLExecutionProvider": "coreml",
    "OpenVINOExecutionProvider": "openvino",
}
MEMORY_MARKS = ("bad_alloc", "Failed to allocate memory", "out of memory")


def check(path: Path, name: str) -> wire.Contents:
    """Refuse what a plain model has no need of, before anything loads the file.

    Raises
    ------
    AuditError
        ``onnx-damaged``, ``onnx-external-data``, ``onnx-custom-operators``.
    """
    if path.stat().st_size == 0:
        raise AuditError("empty-file", f"“{name}” is empty.", "Export the model again.")
    with path.open("rb") as file:
        # Not closed by hand: a traceback may still hold slices of it.
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    found = wire.contents(memoryview(data), name)
    if found.external:
        tensor, place = found.external[0]
        raise AuditError(
            "onnx-external-data",
            f"“{name}” keeps {len(found.external):,} of its tensors in another file.",
            "Save the model as one file.",
            where=f"tensor {tensor}",
            found=f"path {place}" if place else "",
            code_block="import onnx\n"
            'model = onnx.load("model.onnx")  # beside its data file\n'
            'onnx.save_model(model, "model-one-file.onnx", save_as_external_data=False)\n',
        )
    foreign = sorted({d for d, _ in found.ops} - DOMAINS)
    imported = sorted(found.domains - DOMAINS - HARMLESS_IMPORTS)
    if foreign or imported:
        domain = (foreign or imported)[0]
        ops = sorted(op for d, op in found.ops if d == domain)
        raise AuditError(
            "onnx-custom-operators",
            f"“{name}” uses operators of the domain “{domain}”.",
            "Export it with standard operators (domains ai.onnx and ai.onnx.ml), or add its"
            " scores as a column.",
            where=f"operators {', '.join(ops[:8])}" if ops else f"domain {domain}",
        )
    return found


def describe(path: Path, name: str) -> Json:
    """Inputs, outputs, class labels, and which output is taken for the probability."""
    found = check(path, name)
    return _described(session(path, name), found)


def _described(opened: Any, found: wire.Contents) -> Json:
    inputs = [_value(v) for v in opened.get_inputs()]
    _check_inputs(inputs)
    results = [_value(v) for v in opened.get_outputs()]
    classes = _classes(found, results)
    chosen = outputs.choose(results, classes)
    named = len(inputs) > 1 or _width(inputs[0]) == 1
    return {
        "format": "onnx",
        "inputs": inputs,
        "outputs": results,
        "features": [item["name"] for item in inputs] if named else None,
        "n_features": len(inputs) if named else _width(inputs[0]),
        "estimator": None,
        "classes": classes,
        **chosen,
    }


def scores(
    path: Path,
    name: str,
    *,
    table: Path,
    features: list[str] | None,
    output: str,
    positive: str | None,
    out: NDArray[np.float64],
    tick: Callable[..., None],
    choose: bool = False,
    provider: str = CPU,
) -> None:
    """Fill `out` with the score of every row, or with the class chosen for it."""
    found = check(path, name)
    opened = session(path, name, provider)
    profile = _described(opened, found)
    inputs = profile["inputs"]
    take = (
        deciders.decider(profile, output) if choose else outputs.reader(profile, output, positive)
    )
    rows = _rows(inputs, table, features)
    size = _batch(inputs)
    for start, batch in rows.batches(size):
        n = batch.num_rows
        fixed = size != BATCH and n < size
        feed = dict(_feed(inputs, rows, batch, pad=size - n if fixed else 0))
        try:
            result = opened.run([take.output], feed)[0]
        except Exception as error:  # onnxruntime has no base class of its own
            raise _failed(error, rows, start, n) from None
        out[start : start + n] = take.values(result, n)
        tick(start + n, rows.n_rows, f"{start + n:,} of {rows.n_rows:,} rows scored")


def session(path: Path, name: str, provider: str = CPU) -> Any:
    """Open a checked model on one device."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    onnxruntime.set_default_logger_severity(4)
    try:
        opened = onnxruntime.InferenceSession(str(path), options, providers=[provider])
    except Exception as error:  # onnxruntime has no base class of its own
        text = str(error)
        if any(mark in text for mark in MEMORY_MARKS):
            raise MemoryError from None
        raise AuditError(
            "onnx-not-loaded",
            f"“{name}” could not be loaded by ONNX Runtime {onnxruntime.__version__}.",
            "Export it again with an operator set this version knows (target_opset=21, for"
            " example), and run it once with onnxruntime before uploading.",
            where=name,
            found=outputs.first_line(text),
        ) from None
    # ONNX Runtime falls back to the processor without a word.
    if opened.get_providers()[0] != provider:
        raise AuditError(
            "device-not-opened",
            f"ONNX Runtime could not open {provider} inside the sandbox.",
            "Run the model on this device where it was trained, and compare its decisions.",
        )
    return opened


def _value(value: Any) -> Json:
    shape = [d if isinstance(d, int) else None for d in value.shape or []]
    return {"name": value.name, "type": value.type, "shape": shape}


def _check_inputs(inputs: list[Json]) -> None:
    if not inputs:
        raise AuditError("model-inputs", "The model takes no input.", "Export it again.")
    for item in inputs:
        shape = item["shape"]
        wide = len(inputs) > 1 and _width(item) != 1
        if item["type"] in TYPES and 1 <= len(shape) <= 2 and not wide:
            continue
        words = " × ".join("rows" if d is None else str(d) for d in shape) or "no shape"
        raise AuditError(
            "model-inputs",
            f"Input “{item['name']}” of the model is {item['type']} of shape {words}.",
            "A model takes either one input of shape rows × features, or one input of shape"
            " rows × 1 per column, named like the column.",
            where=f"input {item['name']}",
        )


def _width(item: Json) -> int | None:
    shape = item["shape"]
    return 1 if len(shape) == 1 else shape[1]


def _classes(found: wire.Contents, results: list[Json]) -> list[str] | None:
    if found.labels:
        return found.labels[-1]
    widths = {_width(r) for r in results if r["type"] in FLOATS and len(r["shape"]) == 2}
    return ["0", "1"] if 2 in widths else None


def _rows(inputs: list[Json], table: Path, features: list[str] | None) -> Rows:
    numeric = [item["name"] for item in inputs if item["type"] != "tensor(string)"]
    if len(inputs) > 1:
        return Rows(table, [item["name"] for item in inputs], numeric=numeric)
    width = _width(inputs[0])
    if width == 1 and not features:
        return Rows(table, [inputs[0]["name"]], numeric=numeric)
    columns = need_features(features, width)
    return Rows(table, columns, numeric=columns if numeric else ())


def _batch(inputs: list[Json]) -> int:
    fixed = {item["shape"][0] for item in inputs if item["shape"][0] is not None}
    return max(min(fixed), 1) if fixed else BATCH


def _feed(
    inputs: list[Json], rows: Rows, batch: Any, *, pad: int
) -> Iterator[tuple[str, NDArray[Any]]]:
    for item in inputs:
        kind = TYPES[item["type"]]
        columns = rows.columns if len(inputs) == 1 else [item["name"]]
        parts = [_column(rows, batch, column, item["type"]) for column in columns]
        values = np.stack(parts, axis=1).astype(kind, copy=False)
        if pad:
            values = np.concatenate([values, np.repeat(values[-1:], pad, axis=0)])
        yield item["name"], values[:, 0] if len(item["shape"]) == 1 else values


def _column(rows: Rows, batch: Any, name: str, kind: str) -> NDArray[Any]:
    if kind == "tensor(string)":
        return rows.texts(batch, name)
    if kind in FLOATS:
        return rows.numbers(batch, name)
    return rows.integers(batch, name)


def _failed(error: Exception, rows: Rows, start: int, n: int) -> Exception:
    text = str(error)
    if isinstance(error, MemoryError) or any(mark in text for mark in MEMORY_MARKS):
        return MemoryError()
    return outputs.model_failed(text, rows.words(), start, n)
