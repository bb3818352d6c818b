"""Networks for pictures: names, stages, frozen parts, and pictures that stay on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mitigations.blobs import Chosen
from mitigations.contract import MethodError, Part
from mitigations.fairtune import images, networks, trial
from mitigations.fairtune.cache import Cache
from mitigations.fairtune.checkpoint import Checkpoint
from mitigations.fairtune.groups import groups
from mitigations.fairtune.objective import Objective

ARCHS = ("vit", "convnet")


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def config(arch: str, size: int = 16) -> dict[str, Any]:
    return images.config(arch, size, dim=8, depth=2, heads=2, patch={"vit": 4}.get(arch, 1))


def network(arch: str, size: int = 16) -> tuple[dict[str, Any], Any]:
    torch.manual_seed(3)
    told = config(arch, size)
    return told, networks.build(told)


def checkpoint(arch: str) -> Checkpoint:
    told, net = network(arch)
    return Checkpoint(told, {k: v.detach().numpy().copy() for k, v in net.state_dict().items()})


def rows(n: int = 60, size: int = 16, seed: int = 0) -> Part:
    rng = np.random.default_rng(seed)
    y = (np.arange(n) % 2).astype(np.int8)
    pictures = rng.integers(0, 120, (n, 3, size, size)).astype(np.uint8)
    pictures[y == 1, 0, 4:9, 4:9] += 100
    return Part(
        x=np.zeros((n, 0), np.float32),
        group=(np.arange(n) // 2 % 2).astype(np.int32),
        row_key=np.arange(n, dtype=np.uint64),
        y=y,
        blobs={"image": pictures},
    )


def data(seed: int = 0) -> trial.Data:
    parts = rows(seed=seed), rows(40, seed=seed + 1)
    splits = []
    for part in parts:
        assert part.y is not None
        y, group = part.y.astype(np.int64), part.group.astype(np.int64)
        splits.append(trial.Split(images.inputs(part), y, group))
    valid = splits[1]
    return trial.Data(splits[0], valid, Objective("auc", valid.y, valid.group, (0, 1)))


def test_weights_of_the_transformer_are_called_as_timm_calls_them() -> None:
    _, net = network("vit")
    block = [
        f"{part}.{kind}"
        for part in ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
        for kind in ("weight", "bias")
    ]
    wanted = {
        "cls_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias",
        "norm.weight", "norm.bias", "head.weight", "head.bias",
        *(f"blocks.{i}.{name}" for i in range(2) for name in block),
    }  # fmt: skip
    assert set(net.state_dict()) == wanted
    assert net.pos_embed.shape == (1, 17, 8) and net.blocks[0].attn.qkv.weight.shape == (24, 8)


def test_the_network_of_the_specification_has_its_number_of_parameters() -> None:
    from tests.digits_fixture import CONFIG

    net = networks.build(CONFIG)
    assert sum(p.numel() for p in net.parameters()) == 35_430
    assert len(groups("vit", net)) == 14


def test_attention_is_that_of_the_paper() -> None:
    _, net = network("vit")
    h = torch.randn(3, 17, 8, generator=torch.Generator().manual_seed(1))
    attn = net.blocks[0].attn
    q, k, v = attn.qkv(h).split(8, dim=2)
    out = []
    for head in range(2):
        at = slice(4 * head, 4 * head + 4)
        weights = torch.softmax(q[..., at] @ k[..., at].transpose(1, 2) / 2.0, dim=2)
        out.append(weights @ v[..., at])
    expected = attn.proj(torch.cat(out, dim=2))
    assert torch.allclose(attn(h), expected, atol=1e-6)


@pytest.mark.parametrize("ratio", [0, 1e9, "4", True, float("nan")])
def test_a_config_cannot_ask_for_a_network_of_any_width(ratio: Any) -> None:
    with pytest.raises(MethodError):
        networks.build({**config("vit"), "mlp_ratio": ratio})


@pytest.mark.parametrize("arch", ARCHS)
def test_the_stages_before_and_after_any_cut_are_the_whole_network(arch: str) -> None:
    told, net = network(arch)
    net.eval()
    pictures = torch.from_numpy(rows(5).blobs["image"])
    with torch.no_grad():
        whole = net(pictures)
        for stage in range(1, told["depth"] + 3):
            assert torch.equal(net.suffix(stage, net.prefix(stage, pictures)), whole)


@pytest.mark.parametrize("arch", ARCHS)
def test_every_parameter_is_in_one_group_and_a_stage_that_uses_it(arch: str) -> None:
    told, net = network(arch)
    by_group = groups(arch, net)
    named = [name for names in by_group.values() for name in names]
    assert sorted(named) == sorted(
        n for n, _ in net.named_parameters() if not n.startswith("head.")
    )
    assert len(by_group) == (3 if arch == "vit" else 2) * told["depth"] + 2
    net.eval()
    pictures = torch.from_numpy(rows(4).blobs["image"])
    for name, parameter in net.named_parameters():
        stage = net.stage_of(name)
        with torch.no_grad():
            before = net.prefix(stage, pictures) if stage else torch.zeros(0)
            after = None if stage == told["depth"] + 2 else net.prefix(stage + 1, pictures)
            kept = parameter.clone()
            parameter.add_(0.5 * torch.randn(parameter.shape))
            if stage:
                assert torch.equal(net.prefix(stage, pictures), before), name
            if after is not None:
                assert not torch.equal(net.prefix(stage + 1, pictures), after), name
            parameter.copy_(kept)


@pytest.mark.parametrize("arch", ARCHS)
def test_with_nothing_but_the_head_no_other_bit_changes(arch: str) -> None:
    start = checkpoint(arch)
    found = trial.run(start, trial.Recipe(frozenset(), epochs=2, batch=16), data(), cache=Cache())
    assert set(found.arrays) == {"head.weight", "head.bias"}
    assert found.stage == start.config["depth"] + 2


@pytest.mark.parametrize("arch", ARCHS)
def test_stages_that_are_run_once_give_what_running_them_always_gives(arch: str) -> None:
    start = checkpoint(arch)
    last = f"blocks.{start.config['depth'] - 1}"
    by_group = groups(arch, networks.build(start.config))
    mask = frozenset(g for g in by_group if g.startswith(last))
    recipe = trial.Recipe(mask, lr=3e-3, epochs=3, batch=16)
    cached = trial.run(start, recipe, data(), cache=Cache())
    plain = trial.run(start, recipe, data())
    assert cached.stage == start.config["depth"] and plain.stage == 0
    assert np.allclose(cached.valid, plain.valid, atol=1e-5)
    for name, array in plain.arrays.items():
        assert np.allclose(cached.arrays[name], array, atol=1e-4), name


def test_parts_that_do_not_move_keep_their_statistics() -> None:
    start = checkpoint("convnet")
    recipe = trial.Recipe(frozenset({"blocks.1.bn", "blocks.1.conv"}), epochs=1, batch=16)
    found = trial.run(start, recipe, data())
    moved = {name.rsplit(".", 2)[0] for name in found.arrays if "running" in name}
    assert moved == {"blocks.1"}


@pytest.mark.parametrize("arch", ARCHS)
def test_the_same_seed_gives_the_same_bits(arch: str) -> None:
    start = checkpoint(arch)
    everything = frozenset(groups(arch, networks.build(start.config)))
    recipe = trial.Recipe(everything, lr=3e-3, epochs=2, batch=16, seed=5)
    first, second = (trial.run(start, recipe, data()) for _ in range(2))
    assert all(np.array_equal(first.arrays[k], second.arrays[k]) for k in first.arrays)


@pytest.mark.parametrize("arch", ARCHS)
def test_pictures_of_another_size_are_brought_to_the_networks(arch: str) -> None:
    _, net = network(arch)
    net.eval()
    with torch.no_grad():
        out = net(torch.from_numpy(rows(4, size=40).blobs["image"]))
    assert out.shape == (4, 2) and torch.isfinite(out).all()


def test_bytes_and_numbers_of_the_same_value_are_the_same_picture() -> None:
    _, net = network("vit")
    pictures = torch.from_numpy(rows(4).blobs["image"])
    with torch.no_grad():
        assert torch.equal(net(pictures), net(pictures.float()))


def test_pictures_on_disk_give_the_batches_of_pictures_in_memory(tmp_path: Path) -> None:
    part = rows(30)
    np.save(tmp_path / "images.npy", part.blobs["image"])
    lazy = Chosen.all(np.load(tmp_path / "images.npy", mmap_mode="r"))
    chosen = np.array([7, 3, 3, 29, 0])
    taken = Part(
        x=part.x,
        group=part.group,
        row_key=part.row_key,
        blobs={"image": lazy},  # type: ignore[dict-item]
    ).take(chosen)
    assert isinstance(taken.blobs["image"], Chosen) and len(taken.blobs["image"]) == 5
    assert np.array_equal(np.asarray(taken.blobs["image"]), part.blobs["image"][chosen])
    at = torch.tensor([4, 0, 2])
    device = torch.device("cpu")
    (disk,) = images.inputs(taken, most=0).batch(at, device)
    (memory,) = images.inputs(taken).batch(at, device)
    assert torch.equal(disk, memory)
    assert np.array_equal(disk.numpy(), part.blobs["image"][chosen[at.numpy()]])


def test_rows_without_pictures_are_said() -> None:
    part = rows(4)
    bare = Part(x=part.x, group=part.group, row_key=part.row_key)
    with pytest.raises(MethodError) as caught:
        images.inputs(bare)
    assert caught.value.code == "needs-images"
