"""A fine-tuned network as a rule: stored with its weights, exported, blind to other rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mitigations.contract import Column, MethodError, Part
from mitigations.fairtune import checkpoint, columns
from mitigations.rules import decide, from_state, uniforms
from mitigations.rules.tuned import Tuned
from tests import problems

COLUMNS = (
    Column("skill", "numeric", slot=0),
    Column("type", "numeric", slot=1),
    Column("branch", "categorical", levels=("Arts", "Law", "Med", "New"), slot=2,
           keys=("1", "2", "3", "4")),
)  # fmt: skip


def config(arch: str = "residual-mlp") -> dict[str, Any]:
    return {
        "schema": checkpoint.SCHEMA, "arch": arch, "classes": 2, "positive": 1, "width": 8,
        "depth": 2, "heads": 2,
        "columns": [
            {"name": "branch", "kind": "categorical", "levels": ["1", "2", "3"]},
            {"name": "skill", "kind": "numeric", "mean": 0.2, "sd": 1.5},
            {"name": "type", "kind": "categorical", "levels": ["0", "1", "0.0"]},
        ],
    }  # fmt: skip


def rule(arch: str = "residual-mlp", seed: int = 0) -> Tuned:
    import torch

    from mitigations.fairtune import networks

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        state = networks.build(config(arch)).state_dict()
    where = tuple(place.state() for place in columns.places(config(arch), COLUMNS))
    weights = {name: tensor.numpy() for name, tensor in state.items()}
    made = {"groups": [], "moved": ["head.weight", "head.bias"]}
    return Tuned(config(arch), weights, where, 0.5, made)


def rows(n: int = 700) -> Part:
    part = problems.part(n, 3)
    x = part.x.copy()
    x[:, 1] = np.random.default_rng(0).integers(0, 3, n)
    x[::7, 0] = np.nan
    x[::5, 1] = np.nan
    x[::11, 2] = np.nan
    return replace(part, x=x)


def centred(arch: str) -> Tuned:
    """The rule with a cut that divides the rows in halves."""
    made = rule(arch)
    found = np.sort(made.scores(rows()))
    return made.at(float((found[349] + found[350]) / 2))


ARCHES = ("residual-mlp", "ft-transformer")


@pytest.mark.parametrize("arch", ARCHES)
def test_a_stored_rule_decides_as_before_and_its_id_covers_the_weights(arch: str) -> None:
    made = centred(arch)
    stored = json.loads(json.dumps(made.to_json(), allow_nan=False))
    again = from_state(stored, made.arrays())
    assert again.id == made.id
    np.testing.assert_array_equal(decide(again, rows()), decide(made, rows()))
    other = {**made.arrays(), "head.bias": made.arrays()["head.bias"] + 1}
    for arrays in (None, {}, other):
        with pytest.raises(ValueError, match="arrays of the rule"):
            from_state(stored, arrays)
    changed = Tuned(made.config, other, made.columns, made.cut, made.mask)
    assert changed.id != made.id


@pytest.mark.parametrize("arch", ARCHES)
def test_a_decision_does_not_depend_on_the_other_rows(arch: str) -> None:
    made, people = centred(arch), rows()
    turned = np.arange(len(people))[::-1][:333]
    np.testing.assert_array_equal(made.scores(people)[turned], made.scores(people.take(turned)))


def test_the_graph_decides_as_the_rule_does() -> None:
    import onnxruntime

    made, people = centred("residual-mlp"), rows()
    graph = made.to_onnx()
    assert graph is not None
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    given = {"x": people.x, "u": uniforms(made.id, people.row_key)}
    asked = {item.name: given[item.name] for item in session.get_inputs()}
    decision = np.asarray(session.run(["decision"], asked)[0])
    np.testing.assert_array_equal(decision, decide(made, people))
    assert 0.4 < decision.mean() < 0.6
    assert rule("ft-transformer").to_onnx() is None


def test_levels_are_found_by_what_the_table_writes_and_unknown_ones_share_a_row() -> None:
    where = columns.places(config(), COLUMNS)
    x = np.array([[0.0, 0.0, 0.0], [np.nan, 1.0, 3.0], [1.0, 7.0, np.nan]], np.float32)
    numbers, codes = columns.encode(config(), where, x)
    np.testing.assert_array_equal(codes, [[1, 1], [0, 2], [0, 0]])
    np.testing.assert_allclose(numbers[:, 1], [0.0, 1.0, 0.0])
    assert numbers[1, 0] == 0.0
    again = [columns.Place.from_state(json.loads(json.dumps(p.state()))) for p in where]
    np.testing.assert_array_equal(columns.encode(config(), again, x)[1], codes)


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(MethodError, match="branch"):
        columns.places(config(), COLUMNS[:2])


def test_the_exported_network_is_a_checkpoint_and_the_delta_completes_its_start(
    tmp_path: Path,
) -> None:
    made = rule()
    (tmp_path / "whole.safetensors").write_bytes(made.to_safetensors())
    whole = checkpoint.read(tmp_path / "whole.safetensors")
    assert whole.config == made.config
    assert checkpoint.digest(whole.arrays) == checkpoint.digest(made.arrays())
    extras = made.extras()
    assert json.loads(extras["mask.json"])["arch"] == "residual-mlp"
    (tmp_path / "delta.safetensors").write_bytes(extras["delta.safetensors"])
    delta = checkpoint.read(tmp_path / "delta.safetensors")
    start = rule(seed=1).arrays()
    merged = {**start, **delta.arrays}
    for name in delta.arrays:
        np.testing.assert_array_equal(merged[name], made.arrays()[name])
