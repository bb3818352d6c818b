"""Files that are no ONNX and no skops model: recognised by their bytes, refused with a way out."""

from __future__ import annotations

import gzip
import pickle
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from auditapp.errors import AuditError
from auditapp.predictors import inspect_model, refusals
from auditapp.predictors.formats import detect, detect_head
from auditapp.predictors.refusals import REFUSALS, refusal
from tests.model_files import pickled, zip_of

PICKLE = pickled()


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", ["m.pkl", "m.skops", "m.onnx", "m", "m.csv"])
def test_it_knows_a_pickle_whatever_it_is_called(protocol: int, name: str) -> None:
    for value in ([1, 2], {"a": 1}, Path("x"), (1, "b")):
        assert detect_head(pickle.dumps(value, protocol), name) == "pickle"


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("m.joblib", PICKLE, "joblib"),
        ("m.joblib", zlib.compress(PICKLE), "joblib"),
        ("m.joblib", gzip.compress(PICKLE), "joblib"),
        ("m.bin", zlib.compress(PICKLE), "joblib"),
        ("m.pkl", gzip.compress(PICKLE), "joblib"),
        ("m.tar.gz", gzip.compress(b"x"), "archive"),
        ("m.pt", PICKLE, "torch"),
        ("m.pth", b"whatever", "torch"),
        ("m.h5", b"\x89HDF\r\n\x1a\n", "keras"),
        ("m.onnx", b"\x89HDF\r\n\x1a\n", "keras"),
        ("m.tflite", b"\x1c\x00\x00\x00TFL3", "keras"),
        ("m.pmml", b'<?xml version="1.0"?>\n<PMML version="4.4">', "pmml"),
        ("m.xml", b'<?xml version="1.0"?>\n<PMML version="4.4">', "pmml"),
        ("m.json", b'{"learner":{"attributes"', "xgboost"),
        ("m.txt", b"tree\nversion=v4\n", "lightgbm"),
        ("m.cbm", b"CBM1\x00", "catboost"),
        ("m.ort", b"\x00\x00\x00\x00ORTM", "ort"),
        ("m.safetensors", b"\x40\x00\x00\x00\x00\x00\x00\x00{", "safetensors"),
        ("m.npy", b"\x93NUMPY\x01", "arrays"),
        ("m.parquet", b"PAR1", "table"),
        ("m.csv", b"a,b\n1,2\n", "table"),
        ("m.bin", b"\x00\x01\x02", "unknown"),
        ("m.onnx", b"", "empty"),
        ("m.onnx", b"\x08\x09\x12\x07pytorch", "onnx"),
        ("model", b"\x08\x09\x12\x07pytorch", "onnx"),
    ],
)
def test_it_knows_the_format(tmp_path: Path, name: str, head: bytes, kind: str) -> None:
    path = tmp_path / "f"
    path.write_bytes(head)
    assert detect(path, name) == kind


@pytest.mark.parametrize(
    ("entries", "kind"),
    [
        (["schema.json", "1.npy"], "skops"),
        (["m/data.pkl", "m/version"], "torch"),
        (["m/constants.pkl", "m/code/m.py"], "torch"),
        (["config.json", "model.weights.h5"], "keras"),
        (["a/saved_model.pb"], "keras"),
        (["x.npy", "y.npy"], "arrays"),
        (["model.onnx"], "archive"),
    ],
)
def test_it_knows_an_archive_by_what_is_in_it(
    tmp_path: Path, entries: list[str], kind: str
) -> None:
    path = zip_of(tmp_path / "f", dict.fromkeys(entries, b"{}"))
    assert detect(path, "m.skops") == kind


@pytest.mark.parametrize("kind", REFUSALS)
def test_each_refusal_says_what_to_do_and_its_code_is_python(kind: str) -> None:
    error = refusal(kind, 'my "model" {1}.pkl')
    assert error.hint
    assert error.message.startswith("“my")
    if error.code_block:
        compile(error.code_block, "way-out", "exec")
        assert '"model"' not in error.code_block.replace("model = ", "")


def test_the_sandbox_carries_the_refusal_whole(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(PICKLE)
    with pytest.raises(AuditError) as caught:
        inspect_model(path, "credit.pkl", tmp_path)
    error = caught.value
    assert error.code == "pickle"
    assert "never opens one" in error.message
    assert 'skops.io.dump(model, "credit.skops")' in error.code_block
    assert "predict_proba" in error.code_block
    assert [p.name for p in tmp_path.iterdir()] == ["upload"]


@pytest.mark.slow
def test_the_way_out_of_torchscript_runs_as_it_is_printed(tmp_path: Path) -> None:
    code = refusals.TORCH.format(name="m.pt", stem="m").partition("\n# Or keep")[0]
    before = (
        "import numpy as np, torch\n"
        "net = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Sigmoid())\n"
        "torch.jit.script(net).save('m.pt')\n"
        "X_train = np.zeros((5, 3), dtype='float32')\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", before + code],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert inspect_model(tmp_path / "m.onnx", "m.onnx", tmp_path)["format"] == "onnx"
