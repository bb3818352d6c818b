"""Uploaded networks: what is refused, and how columns and images reach them in the sandbox."""

from __future__ import annotations

import hashlib
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditapp.errors import AuditError
from auditapp.predictors import child, inspect_model, network, precision, predict
from auditapp.predictors.formats import detect

Json = dict[str, Any]
CONFIG: Json = {
    "schema": "evenhand/network/1",
    "arch": "residual-mlp",
    "classes": 2,
    "positive": 1,
    "width": 8,
    "depth": 2,
    "columns": [
        {"name": "age", "kind": "numeric", "mean": 40.0, "sd": 12.0},
        {"name": "job; drop", "kind": "categorical", "levels": ["1", "clerk"]},
        {"name": "hours", "kind": "numeric", "mean": 38.0, "sd": 5.0},
    ],
}


def arrays_of(config: Json) -> dict[str, np.ndarray[Any, Any]]:
    import torch

    from mitigations.fairtune import networks

    with torch.random.fork_rng():
        torch.manual_seed(7)
        state = networks.build(config).state_dict()
    return {name: value.numpy().copy() for name, value in state.items()}


def write(path: Path, config: Json = CONFIG, **changed: Any) -> Path:
    """A network; arrays that are None are left out."""
    from mitigations.fairtune import checkpoint

    arrays = {**arrays_of(config), **changed}
    kept = {name: array for name, array in arrays.items() if array is not None}
    checkpoint.write(path, config, kept)
    return path


def zipped(path: Path, folder: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names or ("model.safetensors", "config.json"):
            archive.write(folder / Path(name).name, name)
    return path


def table(path: Path, n: int = 3000) -> tuple[Path, Json]:
    """Columns in another order than the network's, a code that is a number, blanks, new words."""
    rng = np.random.default_rng(0)
    hours, age = rng.normal(38, 5, n).round(1), rng.normal(40, 12, n).round()
    job = np.where(rng.random(n) < 0.5, "clerk", "1").astype(object)
    job[:3], age[5] = [None, "astronaut", "clerk"], np.nan
    columns = {"hours": hours, "other": np.arange(n), "job; drop": job, "age": age}
    blank = [None if np.isnan(value) else value for value in age]
    made = pa.table({**columns, "job; drop": pa.array(list(job)), "age": pa.array(blank)})
    pq.write_table(made, path)
    return path, columns


def expected(columns: Json) -> np.ndarray[Any, Any]:
    """By hand, in 64 bits."""
    w = {name: array.astype(np.float64) for name, array in arrays_of(CONFIG).items()}
    table_name = next(name for name in w if name.startswith("cat_embed."))
    age, hours = columns["age"], columns["hours"]
    blank = np.isnan(age)
    numbers = np.stack(
        [np.where(blank, 0, (np.where(blank, 0, age) - 40) / 12), (hours - 38) / 5, blank,
         np.zeros(len(age))], axis=1,
    )  # fmt: skip
    codes = np.array([{"1": 1, "clerk": 2}.get(str(job), 0) for job in columns["job; drop"]])
    h = numbers @ w["num_embed.weight"].T + w["num_embed.bias"] + w[table_name][codes]

    def norm(x: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
        mean, var = x.mean(1, keepdims=True), x.var(1, keepdims=True)
        scaled = (x - mean) / np.sqrt(var + 1e-5)
        return np.asarray(scaled * w[f"{name}.weight"] + w[f"{name}.bias"])

    for i in range(2):
        inner = norm(h, f"blocks.{i}.norm") @ w[f"blocks.{i}.lin1.weight"].T
        inner = np.maximum(inner + w[f"blocks.{i}.lin1.bias"], 0)
        h = h + inner @ w[f"blocks.{i}.lin2.weight"].T + w[f"blocks.{i}.lin2.bias"]
    logits = norm(h, "final_norm") @ w["head.weight"].T + w["head.bias"]
    return np.asarray(1 / (1 + np.exp(logits[:, 0] - logits[:, 1])))


def profile_of(path: Path) -> Json:
    """As `inspect_model`, in this process: importing torch in each child takes seconds."""
    facts = {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    return {**facts, **network.describe(path, path.name)}


def refused(path: Path) -> AuditError:
    """What the child says of a file, said in this process."""
    payload = {"path": str(path), "name": path.name}
    with pytest.raises(AuditError) as caught:
        child.inspect(payload, lambda *_: None)
    return caught.value


def scored(path: Path, data: Path, n: int, **more: Any) -> np.ndarray[Any, Any]:
    out = np.full(n, np.nan)
    network.scores(
        path, path.name, table=data, features=None, output="probability", positive=None, out=out,
        tick=lambda *_: None, **more,
    )  # fmt: skip
    return out


def test_it_is_described_and_scores_columns_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "n.safetensors")
    profile = inspect_model(path, "n.safetensors", tmp_path)
    assert profile["format"] == "network"
    assert profile["features"] == ["age", "job; drop", "hours"]
    assert (profile["classes"], profile["positive"]) == (["0", "1"], "1")
    assert profile["network"]["parameters"] == sum(a.size for a in arrays_of(CONFIG).values())
    assert profile["network"]["head"] is True
    data, columns = table(tmp_path / "t.parquet")
    said: list[Any] = []
    scores = predict(
        path, {}, profile, data, None, tmp_path / "w", lambda *report: said.append(report)
    )
    assert np.allclose(scores, expected(columns), atol=1e-6)
    assert said[-1] == (3000, 3000, "3,000 of 3,000 rows scored")


def test_a_folder_in_a_zip_is_the_same_network(tmp_path: Path) -> None:
    write(tmp_path / "folder")
    packed = zipped(tmp_path / "n.zip", tmp_path / "folder")
    alone = write(tmp_path / "n.safetensors")
    first, second = (profile_of(p) for p in (packed, alone))
    own = {"name", "sha256"}
    assert {k: v for k, v in first.items() if k not in own} == {
        k: v for k, v in second.items() if k not in own
    }


def test_remedies_score_exactly_as_the_sandbox_does(tmp_path: Path) -> None:
    import torch

    from mitigations.fairtune import checkpoint, trial

    path = write(tmp_path / "n.safetensors")
    data, columns = table(tmp_path / "t.parquet")
    audited = scored(path, data, 3000)
    texts = np.array(["" if job is None else job for job in columns["job; drop"]], dtype=object)
    found = {"age": columns["age"], "hours": columns["hours"], "job; drop": texts}
    numbers, codes = network.encoded(CONFIG, lambda name, _kind: found[name])
    inputs = trial.Tensors((torch.from_numpy(numbers), torch.from_numpy(codes)))
    assert np.allclose(trial.scores(checkpoint.read(path), inputs), audited, atol=1e-7)


def test_a_missing_head_can_be_started_from_and_not_audited(tmp_path: Path) -> None:
    bare = {name: None for name in arrays_of(CONFIG) if name.startswith("head.")}
    path = write(tmp_path / "n.safetensors", **bare)
    assert profile_of(path)["network"]["head"] is False
    data, _ = table(tmp_path / "t.parquet", 50)
    with pytest.raises(AuditError) as caught:
        scored(path, data, 50)
    assert caught.value.code == "network-head"


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "n.safetensors")
    pq.write_table(pa.table({"age": [1.0], "Hours": [2.0]}), tmp_path / "t.parquet")
    with pytest.raises(AuditError) as caught:
        scored(path, tmp_path / "t.parquet", 1)
    assert caught.value.code == "model-inputs"
    assert "hours → Hours" in caught.value.hint


def test_it_runs_again_in_sixteen_bits(tmp_path: Path) -> None:
    path = write(tmp_path / "n.safetensors")
    profile = profile_of(path)
    data, columns = table(tmp_path / "t.parquet", 400)
    name, runs = precision.variants(precision.Upload(path, {}, profile, data, None), tmp_path)
    assert (name, [run.format for run in runs], runs[0].code) == ("fp32", ["bf16"], None)
    assert runs[0].scores is not None
    difference = np.abs(runs[0].scores - expected(columns)[:400]).max()
    assert 0 < difference < 0.02


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arch": "llama"}, "llama"),
        ({"width": 10**9}, "width"),
        ({"depth": 3}, "missing"),
        ({"schema": "other"}, "schema"),
        ({"columns": CONFIG["columns"][:2]}, "shape"),
        ({"columns": [{"name": "a", "kind": "numeric", "mean": 0, "sd": 0}]}, "sd"),
    ],
)
def test_a_config_that_does_not_fit_is_refused_in_words(
    changes: Json, words: str, tmp_path: Path
) -> None:
    from safetensors.numpy import save

    path = tmp_path / "n.safetensors"
    text = json.dumps({**CONFIG, **changes})
    path.write_bytes(save(arrays_of(CONFIG), {"config": text}))
    error = refused(path)
    assert error.code == "bad-checkpoint"
    assert words in error.message
    assert "n.safetensors" in error.message


def test_hostile_files_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "folder")
    weights = (folder / "model.safetensors").read_bytes()
    (tmp_path / "p.safetensors").write_bytes(pickle.dumps({"a": 1}))
    assert refused(tmp_path / "p.safetensors").code == "pickle"
    (tmp_path / "w.safetensors").write_bytes(b"\x40" + bytes(7) + b"{" + bytes(80))
    assert refused(tmp_path / "w.safetensors").code == "weights-only"
    (folder / "evil.py").write_text("")
    names = ("model.safetensors", "config.json", "evil.py")
    more = zipped(tmp_path / "more.zip", folder, *names)
    slip = zipped(tmp_path / "slip.zip", folder, "../model.safetensors", "config.json")
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    cut = zipped(tmp_path / "cut.zip", folder)
    (folder / "model.safetensors").write_bytes(pickle.dumps(list(range(99))))
    renamed = zipped(tmp_path / "renamed.zip", folder)
    for path in (more, slip, cut, renamed):
        assert detect(path, path.name) == "network", path.name
        assert refused(path).code == "bad-checkpoint", path.name


def test_plain_weights_are_told_what_is_missing(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file(arrays_of(CONFIG), tmp_path / "weights.safetensors")
    error = refused(tmp_path / "weights.safetensors")
    assert (error.code, "config" in error.message) == ("weights-only", True)


def test_an_audit_of_a_network_runs_from_the_command_line(tmp_path: Path) -> None:
    from auditapp import headless
    from auditapp.headless import Options

    path = write(tmp_path / "n.safetensors")
    _, columns = table(tmp_path / "t.parquet")
    rng = np.random.default_rng(1)
    n = len(columns["age"])
    sex, label = rng.choice(["f", "m"], n), rng.integers(0, 2, n)
    lines = ["age,job; drop,hours,sex,y"]
    for i in range(n):
        age = "" if np.isnan(columns["age"][i]) else columns["age"][i]
        job = columns["job; drop"][i] or ""
        lines.append(f"{age},{job},{columns['hours'][i]},{sex[i]},{label[i]}")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    options = Options(
        data=tmp_path / "t.csv", out=tmp_path / "r.json", model=path, label="y",
        favourable=["1"], sensitive=["sex"], checkpoint=path, device="cpu",
        skip=["subgroups", "pid", "bounds", "shift", "strata", "levels"], policy={"draws": 100},
    )  # fmt: skip
    document = headless.run(options)
    assert document["inputs"]["model"]["kind"] == "network"
    assert document["plan"]["model"]["kind"] == "network"
    assert document["plan"]["checkpoint"]["name"] == "n.safetensors"
    assert [run["format"] for run in document["numerics"]["runs"]] == ["bf16"]


def test_a_model_of_another_kind_is_no_starting_network(tmp_path: Path) -> None:
    from auditapp.headless import Options
    from auditapp.headless.run import _inspect_start
    from tests.model_files import linear_onnx

    path = linear_onnx(tmp_path / "m.onnx")
    options = Options(data=path, out=tmp_path / "r.json", checkpoint=path)
    with pytest.raises(AuditError) as caught:
        _inspect_start(options, tmp_path)
    assert caught.value.code == "not-a-network"
