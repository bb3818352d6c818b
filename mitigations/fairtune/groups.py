"""Parts of a network that are trained or left alone together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

#: Always trained, in no group.
HEAD = "head"
#: Not a group: every bias, on top of the groups of a mask.
BIASES = "biases"
#: Levels from which a column's embedding is a group of its own.
MANY_LEVELS = 50
_BLOCK = re.compile(r"blocks\.(\d+)\.(\w+)")
#: Part of a block by the first word of its parameter, for each architecture.
KINDS: Mapping[str, Mapping[str, str]] = {
    "vit": {"norm1": "norm", "norm2": "norm", "attn": "attn", "mlp": "mlp"},
    "ft-transformer": {"norm1": "norm", "norm2": "norm", "attn": "attn", "mlp": "ffn"},
    "residual-mlp": {"norm": "norm", "lin1": "lin1", "lin2": "lin2"},
    "convnet": {"bn": "bn", "bn1": "bn", "bn2": "bn", "conv": "conv", "conv1": "conv",
                "conv2": "conv"},
}  # fmt: skip


def groups(arch: str, module: nn.Module) -> dict[str, list[str]]:
    """Parameter names by mask group, from the input to the output; the head is in none.

    Blocks have one group for each of their parts, such as ``blocks.3.attn``. What comes before
    them is ``embed`` for images (``stem`` of a convolutional network) and ``num_embed`` and
    ``cat_embed`` for tables, where a column of many levels has a group of its own. A tensor that
    two modules share is named once.
    """
    shapes = {name: tuple(p.shape) for name, p in module.named_parameters()}
    out: dict[str, list[str]] = {}
    for name, shape in shapes.items():
        if name.split(".")[0] != HEAD:
            out.setdefault(_group(arch, name, shape), []).append(name)
    return dict(sorted(out.items(), key=lambda item: _order(item[0])))


def _group(arch: str, name: str, shape: tuple[int, ...]) -> str:
    found = _BLOCK.match(name)
    if found is not None:
        kind = KINDS[arch].get(found[2], found[2])
        return f"blocks.{found[1]}.{kind}"
    first, *rest = name.split(".")
    if first in ("final_norm", "norm"):
        return "final_norm"
    if arch == "convnet":
        return "stem"
    if arch == "vit":
        return "embed"
    if first == "cat_embed":
        return f"cat_embed.{rest[0]}" if shape[0] > MANY_LEVELS else "cat_embed"
    return "num_embed"


def _order(group: str) -> tuple[int, int, str]:
    found = _BLOCK.match(group)
    if found is not None:
        return 1, int(found[1]), ""
    return (2 if group == "final_norm" else 0), 0, ""


def trained(
    mask: Iterable[str], by_group: Mapping[str, list[str]], names: Iterable[str]
) -> list[str]:
    """Parameters that a mask trains: those of its groups, the head, and biases if asked for.

    Parameters
    ----------
    mask
        Groups, and `BIASES`.
    by_group, names
        `groups`, and every parameter of the network in its order.

    Raises
    ------
    ValueError
        A group that there is not.
    """
    chosen = set(mask)
    stray = chosen - set(by_group) - {BIASES}
    if stray:
        raise ValueError(f"no such group: {', '.join(sorted(stray))}")
    on = {name for group in chosen - {BIASES} for name in by_group[group]}
    return [
        name
        for name in names
        if name in on
        or name.split(".")[0] == HEAD
        or (BIASES in chosen and name.rsplit(".", 1)[-1] == "bias")
    ]


def in_words(mask: Iterable[str], by_group: Mapping[str, list[str]]) -> str:
    """A mask as people read it: ``head, attn 2 to 4, final norm``."""
    chosen = set(mask)
    if chosen >= set(by_group):
        return "everything"
    parts = ["head"]
    kinds: dict[str, list[int]] = {}
    for group in by_group:
        if group not in chosen:
            continue
        found = _BLOCK.match(group)
        if found is None:
            parts.append(group.replace("_", " "))
        else:
            kinds.setdefault(found[2], []).append(int(found[1]))
    parts += [f"{kind} {_runs(blocks)}" for kind, blocks in kinds.items()]
    if BIASES in chosen:
        parts.append("all biases")
    return ", ".join(parts)


def _runs(blocks: list[int]) -> str:
    """Numbers with runs drawn together, counted from 1: 1 to 3 and 5."""
    out: list[list[int]] = []
    for block in sorted(blocks):
        if out and out[-1][1] == block:
            out[-1][1] = block + 1
        else:
            out.append([block + 1, block + 1])
    return " and ".join(f"{a}" if a == b else f"{a} to {b}" for a, b in out)
