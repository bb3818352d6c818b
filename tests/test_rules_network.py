"""A network as a rule: stored, exported, and the same for a row whoever stands beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load

from mitigations.contract import Column, Part
from mitigations.encode import Encoder
from mitigations.rules import decide, from_state, uniforms
from mitigations.rules.network import BLOCK, Network
from tests import problems
from tests.test_mitigations_contract import run_graph


def network(part: Part, columns: tuple[Column, ...], seed: int = 0) -> Network:
    rng = np.random.default_rng(seed)
    encoder = Encoder.fit(columns, part.x)
    layers, width = [], encoder.width
    for out in (16, 8, 1):
        layers.append(
            (rng.normal(size=(width, out)) / np.sqrt(max(width, 1)), rng.normal(size=out))
        )
        width = out
    rule = Network.of(encoder, layers, 0.0)
    return rule.at(float(np.median(rule.outputs(part))))


@pytest.fixture
def given() -> tuple[Part, Network]:
    problem = problems.problem(2600, seed=1)
    part = problem.train
    x = part.x.copy()
    x[::7, 0] = np.nan
    part = replace(part, x=x)
    return part, network(part, problem.columns)


def test_outputs_are_those_of_the_layers_by_hand(given: tuple[Part, Network]) -> None:
    part, rule = given
    value = rule.encoder.transform(part.x)
    for i, (weight, bias) in enumerate(rule.arrays_of):
        value = value @ weight + bias
        value = np.maximum(value, 0.0) if i < 2 else value
    np.testing.assert_allclose(rule.outputs(part), value[:, 0], rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(decide(rule, part), (rule.outputs(part) > rule.cut))
    assert decide(rule, part).mean() == pytest.approx(0.5, abs=0.01)


def test_an_output_does_not_depend_on_the_other_rows(given: tuple[Part, Network]) -> None:
    part, rule = given
    whole = rule.outputs(part)
    np.testing.assert_array_equal(
        rule.outputs(part.take(np.arange(BLOCK + 5))), whole[: BLOCK + 5]
    )
    for row in (0, BLOCK - 1, BLOCK, len(part) - 1):
        np.testing.assert_array_equal(
            rule.outputs(part.take(np.array([row]))) > rule.cut, whole[[row]] > rule.cut
        )


def test_json_holds_the_whole_rule(given: tuple[Part, Network]) -> None:
    part, rule = given
    again = from_state(json.loads(json.dumps(rule.to_json(), allow_nan=False)))
    assert isinstance(again, Network) and again == rule and again.id == rule.id
    np.testing.assert_array_equal(again.outputs(part), rule.outputs(part))
    assert rule.at(rule.cut + 1.0).id != rule.id


def test_onnxruntime_decides_alike(given: tuple[Part, Network]) -> None:
    part, rule = given
    x = part.x.copy()
    x[3, 0], x[5, 2] = np.inf, 9.0
    part = replace(part, x=x)
    got = run_graph(rule.to_onnx(), part, uniforms(rule.id, part.row_key))
    np.testing.assert_array_equal(got, decide(rule, part))


def test_weights_stand_in_a_file_as_torch_lays_them_out(
    given: tuple[Part, Network], tmp_path: Path
) -> None:
    import torch

    part, rule = given
    path = tmp_path / "rule.safetensors"
    path.write_bytes(rule.to_safetensors())
    layers: list[torch.nn.Module] = []
    arrays = load(path.read_bytes())
    for i in range(3):
        weight, bias = arrays[f"layers.{i}.weight"], arrays[f"layers.{i}.bias"]
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        linear.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
        layers += [linear, torch.nn.ReLU()]
    with safe_open(path, "np") as file:
        config = json.loads(file.metadata()["config"])
    encoder = Encoder.from_state(config["encoder"])
    x = torch.tensor(encoder.transform(part.x), dtype=torch.float32)
    with torch.no_grad():
        found = torch.nn.Sequential(*layers[:-1])(x)[:, 0].numpy()
    np.testing.assert_allclose(found, rule.outputs(part), atol=1e-5)
    assert config["cut"] == rule.cut


def test_a_network_without_columns_says_the_same_of_everybody() -> None:
    rule = Network(Encoder(()), (((), (0.5,)), (((2.0,),), (0.25,))), 1.0)
    part = problems.part(30, 0)
    np.testing.assert_allclose(rule.outputs(part), 1.25)
    bare = replace(part, x=np.zeros((30, 0), np.float32))
    got = run_graph(rule.to_onnx(), bare, uniforms(rule.id, bare.row_key))
    np.testing.assert_array_equal(got, np.ones(30))
