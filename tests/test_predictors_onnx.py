"""ONNX models: what is refused before loading, and how columns reach the inputs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditapp.errors import AuditError
from auditapp.predictors import inspect_model, onnx, outputs, predict, wire
from auditapp.sandbox import Limits
from tests import model_files
from tests.model_files import expected, linear_onnx, table_columns, write_table

ORDER = ["age", "hours"]


def refused(path: Path, tmp_path: Path) -> AuditError:
    with pytest.raises(AuditError) as caught:
        inspect_model(path, path.name, tmp_path)
    return caught.value


def failed(
    tmp_path: Path, path: Path, table: Path, features: Any = None, **more: Any
) -> AuditError:
    profile = inspect_model(path, path.name, tmp_path)
    with pytest.raises(AuditError) as caught:
        predict(path, {}, profile, table, features, tmp_path, **more)
    return caught.value


def test_it_describes_and_scores_one_tensor_by_position(tmp_path: Path) -> None:
    path = linear_onnx(tmp_path / "m.onnx")
    profile = inspect_model(path, "m.onnx", tmp_path)
    assert profile["inputs"] == [{"name": "X", "type": "tensor(float)", "shape": [None, 2]}]
    assert (profile["features"], profile["n_features"]) == (None, 2)
    assert (profile["output"], profile["positive"]) == ("probability", None)
    table = write_table(tmp_path / "t.parquet")
    said: list[tuple[int, int, str]] = []
    scores = predict(
        path, {}, profile, table, ORDER, tmp_path, lambda *report: said.append(report)
    )
    assert np.allclose(scores, expected(table_columns(), ORDER), atol=1e-6)
    assert said[-1] == (400, 400, "400 of 400 rows scored")


def test_it_scores_named_inputs_by_the_names_of_columns(tmp_path: Path) -> None:
    path = linear_onnx(tmp_path / "m.onnx", width=2, names=["hours", "age"])
    profile = inspect_model(path, "m.onnx", tmp_path)
    assert profile["features"] == ["hours", "age"]
    table = write_table(tmp_path / "t.parquet")
    scores = predict(path, {}, profile, table, None, tmp_path)
    assert np.allclose(scores, expected(table_columns(), ["hours", "age"]), atol=1e-6)


def test_it_keeps_the_order_of_rows_over_batches(tmp_path: Path) -> None:
    path = linear_onnx(tmp_path / "m.onnx", scale=0.001)
    profile = inspect_model(path, "m.onnx", tmp_path)
    columns = table_columns(150_001)
    columns["age"] = np.arange(150_001)
    table = write_table(tmp_path / "t.parquet", columns)
    scores = predict(path, {}, profile, table, ORDER, tmp_path)
    assert np.allclose(scores, expected(columns, ORDER, scale=0.001), atol=1e-5)


def test_it_fills_up_a_fixed_batch(tmp_path: Path) -> None:
    path = linear_onnx(tmp_path / "m.onnx", rows=64)
    profile = inspect_model(path, "m.onnx", tmp_path)
    table = write_table(tmp_path / "t.parquet")
    scores = predict(path, {}, profile, table, ORDER, tmp_path)
    assert np.allclose(scores, expected(table_columns(), ORDER), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("zipmap", [True, False])
def test_it_scores_an_exported_pipeline_with_text(tmp_path: Path, zipmap: bool) -> None:
    pd = pytest.importorskip("pandas")
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = table_columns()
    frame = pd.DataFrame(columns).astype({"hours": np.float32})
    target = np.where(frame["age"] + 10 * frame["flag"] > 55, "yes", "no")
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["job"]), (StandardScaler(), ["age", "hours"])
    )
    model = make_pipeline(encode, LogisticRegression()).fit(frame, target)
    types = [
        ("age", Int64TensorType([None, 1])),
        ("hours", FloatTensorType([None, 1])),
        ("job", StringTensorType([None, 1])),
        ("flag", Int64TensorType([None, 1])),
    ]
    exported = to_onnx(model, initial_types=types, options={"zipmap": zipmap}, target_opset=17)
    path = tmp_path / "m.onnx"
    path.write_bytes(exported.SerializeToString())
    profile = inspect_model(path, "m.onnx", tmp_path)
    assert (profile["classes"], profile["positive"]) == (["no", "yes"], "yes")
    table = write_table(tmp_path / "t.parquet", columns)
    scores = predict(path, {}, profile, table, None, tmp_path)
    assert np.allclose(scores, model.predict_proba(frame)[:, 1], atol=1e-5)


def test_it_reads_probabilities_labels_and_maps() -> None:
    results = [
        {"name": "label", "type": "tensor(int64)", "shape": [None]},
        {"name": "probabilities", "type": "tensor(float)", "shape": [None, 2]},
    ]
    profile = {"outputs": results, "classes": ["3", "7"]}
    profile |= outputs.choose(results, ["3", "7"])
    assert (profile["output"], profile["positive"]) == ("probabilities", "7")
    both = np.array([[0.2, 0.8], [0.9, 0.1]])
    assert outputs.reader(profile, None, None).values(both, 2).tolist() == [0.8, 0.1]
    assert outputs.reader(profile, None, "3").values(both, 2).tolist() == [0.2, 0.9]
    label = outputs.reader(profile, "label", "7")
    assert label.values(np.array([3, 7]), 2).tolist() == [0.0, 1.0]
    maps = [{3: 0.4, 7: 0.6}]
    assert outputs.reader(profile, None, None).values(maps, 1).tolist() == [0.6]
    for bad in ((None, "5"), ("nothing", None)):
        with pytest.raises(AuditError):
            outputs.reader(profile, *bad)


def test_it_asks_for_the_class_when_there_are_three() -> None:
    results = [{"name": "p", "type": "tensor(float)", "shape": [None, 3]}]
    profile = {"outputs": results, "classes": ["a", "b", "c"]}
    profile |= outputs.choose(results, ["a", "b", "c"])
    assert profile["positive"] is None
    with pytest.raises(AuditError) as caught:
        outputs.reader(profile, None, None).values(np.zeros((1, 3)), 1)
    assert caught.value.code == "positive-class"
    assert "a, b, c" in caught.value.message


def test_it_counts_the_chosen_columns(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.parquet")
    error = failed(tmp_path, linear_onnx(tmp_path / "m.onnx", width=3), table, ORDER)
    assert error.code == "model-inputs"
    assert "takes 3 columns by position, and 2 are chosen" in error.message


def test_it_names_missing_columns_and_the_closest(tmp_path: Path) -> None:
    path = linear_onnx(tmp_path / "m.onnx", names=["age", "hour"])
    error = failed(tmp_path, path, write_table(tmp_path / "t.parquet"))
    assert error.code == "model-inputs"
    assert "lacks 1 of them: hour" in error.message
    assert "hour → hours" in error.hint


def test_it_names_text_where_the_model_takes_numbers(tmp_path: Path) -> None:
    path = linear_onnx(tmp_path / "m.onnx")
    error = failed(tmp_path, path, write_table(tmp_path / "t.parquet"), ["age", "job"])
    assert error.code == "model-column-type"
    assert "“job”" in error.message
    assert "nurse" in error.found


def test_it_takes_numbers_written_as_text(tmp_path: Path) -> None:
    path = linear_onnx(tmp_path / "m.onnx")
    profile = inspect_model(path, "m.onnx", tmp_path)
    columns = table_columns()
    table = write_table(
        tmp_path / "t.parquet", {**columns, "age": [f"0{age}" for age in columns["age"]]}
    )
    scores = predict(path, {}, profile, table, ORDER, tmp_path)
    assert np.allclose(scores, expected(columns, ORDER), atol=1e-6)


def test_it_counts_rows_without_a_score(tmp_path: Path) -> None:
    columns = table_columns()
    columns["hours"] = [None, None, *columns["hours"][2:]]
    table = write_table(tmp_path / "t.parquet", columns)
    error = failed(tmp_path, linear_onnx(tmp_path / "m.onnx"), table, ORDER)
    assert error.code == "model-scores"
    assert "Blank values: hours 2." in error.hint
    assert "2 of 400 rows" in error.message
    assert "first in data row 1" in error.where


@pytest.mark.parametrize("value", [1.5, -0.25])
def test_it_names_the_score_range(tmp_path: Path, value: float) -> None:
    path = model_files.constant_onnx(tmp_path / "m.onnx", value)
    table = write_table(tmp_path / "t.parquet")
    error = failed(tmp_path, path, table, ["age"])
    assert error.code == "score-out-of-range"
    assert "400 of 400 values" in error.message
    assert f"--score-range={value:g},{value:g}" in error.hint
    profile = inspect_model(path, "m.onnx", tmp_path)
    scores = predict(path, {}, profile, table, ["age"], tmp_path, score_range=(-1, 2))
    assert set(scores) == {value}


def test_it_forgives_a_hair_above_one(tmp_path: Path) -> None:
    path = model_files.constant_onnx(tmp_path / "m.onnx", 1.0000002)
    profile = inspect_model(path, "m.onnx", tmp_path)
    table = write_table(tmp_path / "t.parquet")
    assert predict(path, {}, profile, table, ["age"], tmp_path).max() == 1.0


def test_it_refuses_data_outside_the_file(tmp_path: Path) -> None:
    error = refused(linear_onnx(tmp_path / "m.onnx", external="../../etc/passwd"), tmp_path)
    assert error.code == "onnx-external-data"
    assert (error.where, error.found) == ("tensor W", "path ../../etc/passwd")
    assert "save_as_external_data=False" in error.code_block


def test_it_refuses_foreign_operators(tmp_path: Path) -> None:
    error = refused(linear_onnx(tmp_path / "m.onnx", domain="evil.ops"), tmp_path)
    assert error.code == "onnx-custom-operators"
    assert "“evil.ops”" in error.message


def test_it_sees_into_the_body_of_a_loop(tmp_path: Path) -> None:
    import onnx as reference

    path = model_files.endless_onnx(tmp_path / "m.onnx")
    model = reference.load(path)
    body = model.graph.node[0].attribute[0].g
    body.node[0].domain = "evil.ops"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(AuditError) as caught:
        onnx.check(path, "m.onnx")
    assert caught.value.code == "onnx-custom-operators"


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.99])
def test_it_refuses_a_truncated_file(tmp_path: Path, keep: float) -> None:
    path = linear_onnx(tmp_path / "m.onnx")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(AuditError) as caught:
        onnx.check(path, "m.onnx")
    assert caught.value.code == "onnx-damaged"


def test_it_survives_any_flipped_byte(tmp_path: Path) -> None:
    data = linear_onnx(tmp_path / "m.onnx").read_bytes()
    for at in range(len(data)):
        flipped = bytes([*data[:at], data[at] ^ 0xFF, *data[at + 1 :]])
        try:
            wire.contents(memoryview(flipped), "m.onnx")
        except AuditError as error:
            assert error.code == "onnx-damaged"


def test_it_refuses_text_named_onnx(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_text("version https://example.org/spec/v1\n")
    assert refused(path, tmp_path).code == "onnx-damaged"


def test_it_refuses_a_graph_that_does_not_fit_together(tmp_path: Path) -> None:
    path = linear_onnx(tmp_path / "m.onnx", activation="NoSuchOperator")
    error = refused(path, tmp_path)
    assert error.code == "onnx-not-loaded"
    assert "/" not in error.found


def test_it_stops_a_model_that_asks_for_40_gigabytes(tmp_path: Path) -> None:
    path = model_files.hungry_onnx(tmp_path / "m.onnx")
    error = failed(tmp_path, path, write_table(tmp_path / "t.parquet"), ["age"])
    assert error.code == "out-of-memory"
    assert "3 GB" in error.message


def test_it_stops_an_endless_model(tmp_path: Path) -> None:
    path = model_files.endless_onnx(tmp_path / "m.onnx")
    started = time.monotonic()
    error = failed(
        tmp_path,
        path,
        write_table(tmp_path / "t.parquet"),
        ["age"],
        limits=Limits.model(wall=1.5),
    )
    assert error.code == "time-limit"
    assert time.monotonic() - started < 10
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.onnx", "t.parquet"]


def test_it_stops_a_model_when_the_audit_is_cancelled(tmp_path: Path) -> None:
    path = model_files.endless_onnx(tmp_path / "m.onnx")
    table = write_table(tmp_path / "t.parquet")
    started = time.monotonic()
    error = failed(
        tmp_path,
        path,
        table,
        ["age"],
        should_stop=lambda: "cancel" if time.monotonic() - started > 1 else None,
    )
    assert error.code == "cancelled"
    assert time.monotonic() - started < 5


def test_it_refuses_a_file_that_was_swapped(tmp_path: Path) -> None:
    path = linear_onnx(tmp_path / "m.onnx")
    profile = inspect_model(path, "m.onnx", tmp_path)
    linear_onnx(path, scale=2.0)
    with pytest.raises(AuditError) as caught:
        predict(path, {}, profile, write_table(tmp_path / "t.parquet"), ORDER, tmp_path)
    assert caught.value.code == "model-changed"
