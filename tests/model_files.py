"""Small models and hostile files for the tests of the loaders, built where they are needed."""

from __future__ import annotations

import io
import json
import pickle
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Json = dict[str, Any]
WEIGHTS = (0.9, -0.4)
BIAS = -0.2


def table_columns(n: int = 400, seed: int = 0) -> dict[str, Any]:
    """Two numbers, a code and a text column, without blanks."""
    rng = np.random.default_rng(seed)
    return {
        "age": rng.integers(18, 90, n),
        "hours": np.round(rng.normal(38, 10, n), 1),
        "job": rng.choice(["nurse", "clerk", "guard"], n),
        "flag": rng.integers(0, 2, n),
    }


def write_table(path: Path, columns: dict[str, Any] | None = None) -> Path:
    """Write a canonical table."""
    pq.write_table(pa.table(table_columns() if columns is None else columns), path)
    return path


def linear_onnx(
    path: Path,
    *,
    width: int = 2,
    names: Sequence[str] | None = None,
    rows: int | None = None,
    domain: str = "",
    tail: Sequence[Any] = (),
    activation: str = "Sigmoid",
    external: str | None = None,
    scale: float = 0.05,
) -> Path:
    """A logistic model: one tensor of `width` columns, or one input per name."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = (np.resize(WEIGHTS, width) * scale).astype(np.float32).reshape(width, 1)
    weight = numpy_helper.from_array(weights, "W")
    if external is not None:
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        entry = weight.external_data.add()
        entry.key, entry.value = "location", external
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [rows, 1]) for name in names or ()
    ] or [helper.make_tensor_value_info("X", TensorProto.FLOAT, [rows, width])]
    nodes = [helper.make_node("Concat", list(names), ["X"], axis=1)] if names else []
    nodes += [
        helper.make_node("MatMul", ["X", "W"], ["mul"]),
        helper.make_node("Add", ["mul", "b"], ["sum"]),
        helper.make_node(activation, ["sum"], ["probability"], domain=domain),
        *tail,
    ]
    bias = numpy_helper.from_array(np.array([BIAS], dtype=np.float32), "b")
    output = helper.make_tensor_value_info("probability", TensorProto.FLOAT, [rows, 1])
    graph = helper.make_graph(nodes, "g", inputs, [output], [weight, bias])
    opsets = [helper.make_opsetid("", 17)]
    if domain:
        opsets.append(helper.make_opsetid(domain, 1))
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    path.write_bytes(model.SerializeToString())
    assert onnx.ModelProto.FromString(path.read_bytes()).ir_version == 9
    return path


def expected(columns: dict[str, Any], names: Sequence[str], scale: float = 0.05) -> Any:
    """What `linear_onnx` gives, in 64 bits."""
    stacked = np.stack([np.asarray(columns[name], dtype=float) for name in names], axis=1)
    weights = np.resize(WEIGHTS, len(names)) * scale
    return 1 / (1 + np.exp(-(stacked @ weights + BIAS)))


def hungry_onnx(path: Path, n_bytes: int = 40 << 30) -> Path:
    """Asks for tens of gigabytes when it is run, in a file of a few hundred bytes."""
    from onnx import TensorProto, helper, numpy_helper

    shape = numpy_helper.from_array(np.array([n_bytes // 4], dtype=np.int64), "shape")
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["huge"]),
        helper.make_node("ReduceMax", ["huge"], ["most"], keepdims=0),
        helper.make_node("Mul", ["X", "most"], ["zero"]),
        helper.make_node("Sigmoid", ["zero"], ["probability"]),
    ]
    return _save(path, nodes, [shape], TensorProto)


def endless_onnx(path: Path) -> Path:
    """A loop of 2^62 steps."""
    from onnx import TensorProto, helper, numpy_helper

    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Sigmoid", ["value"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, [None, 1]),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, [None, 1]),
        ],
    )
    many = numpy_helper.from_array(np.array(2**62, dtype=np.int64), "many")
    yes = numpy_helper.from_array(np.array(True), "yes")
    loop = helper.make_node("Loop", ["many", "yes", "X"], ["probability"], body=body)
    return _save(path, [loop], [many, yes], TensorProto)


def _save(path: Path, nodes: list[Any], initial: list[Any], types: Any) -> Path:
    from onnx import helper

    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("X", types.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("probability", types.FLOAT, [None, 1])],
        initial,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def constant_onnx(path: Path, value: float) -> Path:
    """Adds a constant, so that scores become whatever a test wants."""
    from onnx import TensorProto, helper, numpy_helper

    constant = numpy_helper.from_array(np.array([value], dtype=np.float32), "c")
    nodes = [
        helper.make_node("Sub", ["X", "X"], ["zero"]),
        helper.make_node("Add", ["zero", "c"], ["probability"]),
    ]
    return _save(path, nodes, [constant], TensorProto)


class Hostile:
    """Runs a command when a pickle of it is opened."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        import os

        return os.system, ("touch pwned",)


def pickled() -> bytes:
    """Return a pickle that would run a command."""
    return pickle.dumps(Hostile())


def zip_of(path: Path, entries: dict[str, bytes]) -> Path:
    """Write a zip archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def zip_bomb(path: Path) -> Path:
    """600 MB of zeros in 600 kB beside a schema, the way a skops file looks."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", "{}")
        with archive.open("1.npy", "w") as out:
            block = bytes(8 << 20)
            for _ in range(75):
                out.write(block)
    return path


def skops_files(payload: Json, tick: Any) -> Json:
    """In a child: fit, dump and return what each model predicts on the test table."""
    from auditapp.predictors.child import _NoTorch

    sys.meta_path.insert(0, _NoTorch())
    import os

    import pandas as pd
    import skops.io
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    out = Path(payload["out"])
    frame = pd.DataFrame(table_columns())
    target = (frame["age"] + 10 * frame["flag"] > 55).astype(int)
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["job"]),
        (StandardScaler(), ["age", "hours"]),
    )
    piped = make_pipeline(encode, LogisticRegression()).fit(frame, target)
    skops.io.dump(piped, out / "piped.skops")
    words = LogisticRegression(max_iter=1000).fit(
        frame[["age", "hours"]].to_numpy(), np.where(target == 1, "yes", "no")
    )
    skops.io.dump(words, out / "words.skops")
    evil = make_pipeline(FunctionTransformer(os.system), LogisticRegression())
    skops.io.dump(evil, out / "evil.skops")
    foreign = make_pipeline(Foreign(), LogisticRegression())
    skops.io.dump(foreign, out / "foreign.skops")
    _as_version(out / "piped.skops", out / "old.skops", "1.2.2")
    return {
        "piped": piped.predict_proba(frame)[:, 1].tolist(),
        "words": words.predict_proba(frame[["age", "hours"]].to_numpy())[:, 1].tolist(),
        "classes": [str(c) for c in words.classes_],
    }


class Foreign:
    """A class of somebody else's package."""

    def __init__(self, command: str = "touch pwned") -> None:
        self.command = command

    def fit(self, data: Any, target: Any = None) -> Foreign:
        return self

    def transform(self, data: Any) -> Any:
        return data


def _as_version(source: Path, target: Path, version: str) -> None:
    import sklearn

    with zipfile.ZipFile(source) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    text = entries["schema.json"].decode()
    entries["schema.json"] = text.replace(sklearn.__version__, version).encode()
    json.load(io.BytesIO(entries["schema.json"]))
    zip_of(target, entries)
