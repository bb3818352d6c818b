"""The same upload in other number formats: what is made, what is said where it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from auditapp.errors import AuditError
from auditapp.predictors import inspect_model, precision, precision_child, precision_edit, predict
from auditapp.sandbox import run_child
from tests import model_files
from tests.model_files import linear_onnx, table_columns, write_table

ORDER = ["age", "hours"]
Found = tuple[str, dict[str, precision.Variant], np.ndarray[Any, Any]]


def run(tmp_path: Path, path: Path, features: list[str] | None = None) -> Found:
    """Score the test table with the upload and with every variant of it."""
    profile = inspect_model(path, path.name, tmp_path)
    table = write_table(tmp_path / "t.parquet", table_columns(2_000))
    exact = predict(path, {}, profile, table, features, tmp_path / "model")
    upload = precision.Upload(path, {}, profile, table, features)
    name, found = precision.variants(upload, tmp_path / "work")
    assert list((tmp_path / "work").iterdir()) == []
    return name, {variant.format: variant for variant in found}, exact


def convert(path: Path, tmp_path: Path) -> dict[str, Any]:
    """What the child makes of a file, without a sandbox around it."""
    order = {"path": str(path), "name": path.name, "formats": list(precision.FORMATS)}
    made: dict[str, Any] = precision_child.convert(
        {**order, "out": str(tmp_path)}, lambda *report: None
    )
    return made


def written(path: Path, inputs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What a written model gives, without a sandbox around it."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [item.name for item in session.get_inputs()]
    parts = [inputs] if len(names) == 1 else np.split(inputs, len(names), axis=1)
    out: np.ndarray[Any, Any] = session.run(None, dict(zip(names, parts, strict=True)))[0][:, 0]
    return out


def apart(variant: precision.Variant, exact: np.ndarray[Any, Any]) -> float:
    assert variant.scores is not None, variant
    return float(np.abs(variant.scores - exact).max())


def trees_onnx(path: Path, threshold: float = 40.3, second: float = 60.7) -> Path:
    """Two stumps on the first column, written by hand."""
    tree = helper.make_node(
        "TreeEnsembleRegressor",
        ["X"],
        ["probability"],
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=[0, 0, 0, 1, 1, 1],
        nodes_nodeids=[0, 1, 2, 0, 1, 2],
        nodes_featureids=[0] * 6,
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"] * 2,
        nodes_values=[threshold, 0.0, 0.0, second, 0.0, 0.0],
        nodes_truenodeids=[1, 0, 0, 1, 0, 0],
        nodes_falsenodeids=[2, 0, 0, 2, 0, 0],
        target_treeids=[0, 0, 1, 1],
        target_nodeids=[1, 2, 1, 2],
        target_ids=[0] * 4,
        target_weights=[0.1, 0.45, 0.05, 0.4],
    )
    graph = helper.make_graph(
        [tree],
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def mlp_onnx(path: Path, kind: int = TensorProto.FLOAT) -> Path:
    """One hidden layer of eight, by Gemm and Relu."""
    rng = np.random.default_rng(3)
    type_ = helper.tensor_dtype_to_np_dtype(kind)
    weights = {
        "W1": rng.normal(0, 0.05, (2, 8)),
        "b1": rng.normal(0, 0.1, 8),
        "W2": rng.normal(0, 0.5, (8, 1)),
        "b2": rng.normal(0, 0.1, 1),
    }
    nodes = [
        helper.make_node("Gemm", ["X", "W1", "b1"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "W2", "b2"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["probability"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("X", kind, [None, 2])],
        [helper.make_tensor_value_info("probability", kind, [None, 1])],
        [numpy_helper.from_array(value.astype(type_), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def test_a_network_runs_in_every_format_near_the_upload(tmp_path: Path) -> None:
    name, found, exact = run(tmp_path, mlp_onnx(tmp_path / "m.onnx"), ORDER)
    assert name == "fp32"
    assert {key: item.how for key, item in found.items()} == {
        "fp16": "rounded",
        "bf16": "rounded",
        "int8": "converted",
    }
    assert 0 < apart(found["fp16"], exact) < 2e-3
    assert apart(found["fp16"], exact) < apart(found["bf16"], exact) < 2e-2
    assert 0 < apart(found["int8"], exact) < 5e-2


def test_trees_are_rounded_and_have_no_eight_bits(tmp_path: Path) -> None:
    name, found, exact = run(tmp_path, trees_onnx(tmp_path / "m.onnx"), ORDER)
    assert name == "fp32"
    assert found["fp16"].how == found["bf16"].how == "rounded"
    # Whole ages stay on their side of both thresholds in 16 bits, so that only leaves move.
    assert 0 < apart(found["bf16"], exact) < 5e-3
    assert found["int8"].scores is None
    assert found["int8"].code == "no-int8-trees"


def test_rounding_a_threshold_moves_people_across_it(tmp_path: Path) -> None:
    path = trees_onnx(tmp_path / "m.onnx", threshold=39.96)
    convert(path, tmp_path)
    ages = np.arange(18, 90, dtype=np.float32)
    rows = np.stack([ages, ages], axis=1)
    moved = np.abs(written(tmp_path / "bf16.onnx", rows) - written(path, rows)) > 0.1
    # 39.96 is 40 in bfloat16, and 40 is at most 40.
    assert ages[moved].tolist() == [40.0]


def test_one_input_per_column_is_kept(tmp_path: Path) -> None:
    path = linear_onnx(tmp_path / "m.onnx", names=ORDER)
    convert(path, tmp_path)
    rows = np.random.default_rng(0).uniform(18, 60, (500, 2)).astype(np.float32)
    for name, limit in (("fp16", 1e-3), ("bf16", 2e-2), ("int8", 2e-2)):
        distance = np.abs(written(tmp_path / f"{name}.onnx", rows) - written(path, rows)).max()
        assert 0 < distance < limit, name


def test_a_double_upload_is_run_in_32_bits_too(tmp_path: Path) -> None:
    path = mlp_onnx(tmp_path / "m.onnx", TensorProto.DOUBLE)
    made = convert(path, tmp_path)
    assert made["precision"] == "fp64"
    assert made["made"]["fp32"]["how"] == "rounded"
    assert made["made"]["int8"]["code"] == "no-int8"
    rows = np.random.default_rng(0).uniform(18, 60, (500, 2))
    distance = np.abs(written(tmp_path / "fp32.onnx", rows) - written(path, rows)).max()
    assert 0 < distance < 1e-5


def test_an_upload_in_16_bits_is_not_run_in_16_bits_again(tmp_path: Path) -> None:
    path = mlp_onnx(tmp_path / "m.onnx", TensorProto.FLOAT16)
    made = convert(path, tmp_path)
    assert made["precision"] == "fp16"
    codes = {key: item.get("code") for key, item in made["made"].items()}
    assert codes["fp32"] == codes["bf16"] == "coarser-upload"
    assert codes["fp16"] == "as-uploaded"


def test_linear_operators_without_tensors_have_their_weights_rounded(tmp_path: Path) -> None:
    linear = helper.make_node(
        "LinearRegressor",
        ["X"],
        ["probability"],
        domain="ai.onnx.ml",
        coefficients=[0.004, 0.0031],
        intercepts=[0.1],
        targets=1,
    )
    graph = helper.make_graph(
        [linear],
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    path = tmp_path / "m.onnx"
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    path.write_bytes(model.SerializeToString())
    made = convert(path, tmp_path)["made"]
    assert made["int8"]["how"] == "rounded-weights"
    written = onnx.load(tmp_path / "int8.onnx").graph.node[0].attribute
    values = next(item.floats for item in written if item.name == "coefficients")
    assert values == pytest.approx([0.004, round(0.0031 / 0.004 * 127) / 127 * 0.004])


def test_weights_beyond_the_range_are_clipped_and_counted(tmp_path: Path) -> None:
    path = trees_onnx(tmp_path / "m.onnx", threshold=70_000.0)
    made = convert(path, tmp_path)["made"]
    assert (made["fp16"]["clipped"], made["bf16"]["clipped"]) == (1, 0)


def test_inputs_beyond_the_range_of_16_bits_end_in_a_reason(tmp_path: Path) -> None:
    path = linear_onnx(tmp_path / "m.onnx", scale=1e-5)
    table = table_columns(300)
    table["age"] = np.linspace(-80_000, 80_000, 300)
    table["hours"] = table["age"] * 0.5
    profile = inspect_model(path, path.name, tmp_path)
    upload = precision.Upload(path, {}, profile, write_table(tmp_path / "t.parquet", table), ORDER)
    found = {v.format: v for v in precision.variants(upload, tmp_path / "work")[1]}
    assert found["bf16"].scores is not None
    assert found["fp16"].scores is not None or found["fp16"].code == "model-scores"


def test_a_model_that_dies_while_it_is_written_gives_a_reason_for_each_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = linear_onnx(tmp_path / "m.onnx")
    real = run_child

    def stub(target: str, payload: dict[str, Any], **more: Any) -> dict[str, Any]:
        if len(payload["formats"]) != 0 and payload["formats"] != ["bf16"]:
            raise AuditError("child-crashed", "Writing crashed.")
        return real(target, payload, **more)

    monkeypatch.setattr(precision, "run_child", stub)
    _, found, _ = run(tmp_path, path, ORDER)
    assert found["bf16"].scores is not None
    assert (found["fp16"].code, found["int8"].code) == ("child-crashed", "child-crashed")


def test_a_wish_to_stop_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = linear_onnx(tmp_path / "m.onnx")
    profile = inspect_model(path, path.name, tmp_path)
    upload = precision.Upload(path, {}, profile, write_table(tmp_path / "t.parquet"), ORDER)

    def stop(share: float, text: str) -> None:
        raise AuditError("cancelled", "The audit was cancelled.")

    with pytest.raises(AuditError, match="cancelled"):
        precision.variants(upload, tmp_path / "work", stop)


def test_a_device_with_16_bit_arithmetic_gets_operators_of_16_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: providers)
    made = convert(mlp_onnx(tmp_path / "m.onnx"), tmp_path)["made"]
    model = onnx.load(tmp_path / made["fp16"]["native"])
    assert {t.data_type for t in model.graph.initializer} == {TensorProto.FLOAT16}
    made = convert(linear_onnx(tmp_path / "m.onnx", activation="Sigmoid"), tmp_path)["made"]
    assert made["bf16"].get("native") is None


def test_a_device_that_is_not_here_is_a_reason(tmp_path: Path) -> None:
    path = linear_onnx(tmp_path / "m.onnx")
    profile = inspect_model(path, path.name, tmp_path)
    upload = precision.Upload(path, {}, profile, write_table(tmp_path / "t.parquet"), ORDER)
    made = {"how": "as-uploaded", "clipped": 0}
    found = precision._scored(upload, "fp32", "CUDAExecutionProvider", made, tmp_path)
    assert (found.device, found.scores, found.code) == ("cuda", None, "device-not-opened")


def test_a_loop_is_rounded_around_but_not_broken(tmp_path: Path) -> None:
    model = onnx.load(model_files.endless_onnx(tmp_path / "m.onnx"))
    precision_edit.rounded(model, "bf16")
    onnx.checker.check_model(model)


def test_rounding_to_a_format_is_what_the_format_says() -> None:
    values = np.array([1.0, 1.00390625, 257.0, -1e39, np.nan, 0.0])
    found, clipped = precision_edit.round_to(values, "bf16")
    assert clipped == 1
    assert found[:3].tolist() == [1.0, 1.0, 256.0]
    assert np.isfinite(found[3]) and np.isnan(found[4])
    assert precision_edit.round_to(np.array([70_000.0]), "fp16") == (np.array([65_504.0]), 1)
    assert precision_edit.round_to_integers(np.array([0.0, 0.0])).tolist() == [0.0, 0.0]
