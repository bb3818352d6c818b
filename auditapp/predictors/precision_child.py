"""What runs inside the sandbox to write a model in other number formats. Runs no model."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import onnx.inliner
from onnx import TensorProto

from auditapp.errors import AuditError
from auditapp.predictors import outputs, precision_edit
from auditapp.predictors.onnx import CPU, DEVICES, check, session

Json = dict[str, Any]

#: devices that may have 16-bit arithmetic
OTHERS = {name for name in DEVICES if name != CPU}
NAMES: dict[int, str] = {
    TensorProto.FLOAT: "fp32",
    TensorProto.DOUBLE: "fp64",
    TensorProto.FLOAT16: "fp16",
    TensorProto.BFLOAT16: "bf16",
    TensorProto.INT8: "int8",
    TensorProto.UINT8: "int8",
}
INTEGER_OPERATORS = {
    "MatMulInteger", "ConvInteger", "QLinearMatMul", "QLinearConv", "DynamicQuantizeLinear",
    "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLSTM",
}  # fmt: skip


def convert(payload: Json, tick: Callable[..., None]) -> Json:
    """Write each format of ``payload["formats"]`` beside each other into ``payload["out"]``.

    Returns
    -------
    dict
        ``precision`` of the upload, ``devices`` of this machine, ``made``: format ->
        ``{"file", "how", "clipped", "native"}`` or ``{"code", "message"}``; ``native`` is a file
        for devices other than the processor.
    """
    from onnxruntime import get_available_providers

    logging.disable(logging.WARNING)
    path, name = Path(payload["path"]), payload["name"]
    check(path, name)
    data = path.read_bytes()
    precision = _precision(onnx.ModelProto.FromString(data))
    made: Json = {}
    for i, wanted in enumerate(payload["formats"]):
        tick(i, len(payload["formats"]), f"writing the model as {wanted}")
        made[wanted] = _one(data, wanted, precision, Path(payload["out"]))
    providers = list(get_available_providers())
    if precision == "fp32" and "file" in made.get("fp16", {}) and OTHERS.intersection(providers):
        made["fp16"]["native"] = _native(data, Path(payload["out"]))
    return {
        "precision": precision,
        "devices": providers,
        "made": made,
    }


def _one(data: bytes, wanted: str, precision: str, out: Path) -> Json:
    try:
        model = onnx.ModelProto.FromString(data)
        if model.functions:
            model = onnx.inliner.inline_local_functions(model)
        return _written(model, wanted, precision, out / f"{wanted}.onnx")
    except AuditError as error:
        return {"code": error.code, "message": error.message}
    except MemoryError:
        raise
    except Exception as error:  # the converters have no base class of their own
        return {
            "code": "not-converted",
            "message": "The converter stopped: "
            + outputs.first_line(str(error) or type(error).__name__),
        }


def _written(model: onnx.ModelProto, wanted: str, precision: str, target: Path) -> Json:
    if wanted == precision:
        raise AuditError("as-uploaded", "The upload already has this format.")
    if precision in ("fp16", "bf16", "int8") and wanted != "int8":
        raise AuditError("coarser-upload", "The upload's own numbers are no finer than this.")
    if precision == "int8":
        raise AuditError("coarser-upload", "The upload is already quantised.")
    clipped = 0
    if wanted == "int8":
        how = _int8(model, target)
    else:
        how, clipped = "rounded", precision_edit.rounded(model, wanted)
        _save(model, target)
    return {"file": target.name, "how": how, "clipped": clipped}


def _plain(model: onnx.ModelProto) -> bool:
    return all(domain != precision_edit.ML for domain, _ in precision_edit.operators(model))


def _native(data: bytes, out: Path) -> str | None:
    """Write a model whose operators are FP16; None where the converter makes none that opens.

    Not for the processor: ONNX Runtime has no FP16 operators there, and drops the rounding
    between those it replaces.
    """
    from onnxruntime.transformers.float16 import convert_float_to_float16

    target = out / "fp16-native.onnx"
    try:
        model = onnx.ModelProto.FromString(data)
        _save(convert_float_to_float16(model, keep_io_types=True), target)
        session(target, target.name)
    except MemoryError:
        raise
    except Exception:  # the converter has no base class of its own
        return None
    return target.name


def _int8(model: onnx.ModelProto, target: Path) -> str:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    if _plain(model):
        # Unsigned weights: signed ones saturate on processors without VNNI, so that scores
        # would depend on the processor.
        quantize_dynamic(model, target, weight_type=QuantType.QUInt8)
        written = onnx.load(target)
        if any(op in INTEGER_OPERATORS for _, op in precision_edit.operators(written)):
            return "converted"
        target.unlink()
    elif precision_edit.linear_to_integers(model):
        _save(model, target)
        return "rounded-weights"
    trees = any(op in precision_edit.TREES for _, op in precision_edit.operators(model))
    raise AuditError(
        "no-int8-trees" if trees else "no-int8",
        "The thresholds of trees have no common 8-bit scale."
        if trees
        else "No operator of the model has an 8-bit form.",
    )


def _save(model: onnx.ModelProto, target: Path) -> None:
    target.write_bytes(model.SerializeToString())


def _precision(model: onnx.ModelProto) -> str:
    """Name the number format that most of the model's weights have."""
    if any(op in INTEGER_OPERATORS for _, op in precision_edit.operators(model)):
        return "int8"
    floating = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)
    counts = {k: v for k, v in precision_edit.weight_types(model).items() if k in floating}
    if not counts:
        return "fp32"
    return NAMES[max(counts, key=lambda kind: counts[kind])]
