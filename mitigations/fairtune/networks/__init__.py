"""Networks that can be fine-tuned in parts.

Every network here is cut into stages, so that whatever lies before the first trained part is run
once: stage 0 is the embedding, stage i + 1 the i-th block, then the final norm, then the head.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from mitigations.contract import MethodError
from mitigations.fairtune.checkpoint import Checkpoint

if TYPE_CHECKING:
    from torch import Tensor, nn

#: arch -> "module:function"; the function makes a module of a config.
NETWORKS: Mapping[str, str] = {
    "residual-mlp": "mitigations.fairtune.networks.tabular:residual_mlp",
    "ft-transformer": "mitigations.fairtune.networks.tabular:ft_transformer",
    "vit": "mitigations.fairtune.networks.vit:vit",
    "convnet": "mitigations.fairtune.networks.convnet:convnet",
}


class Staged(Protocol):
    """What a trial asks of a network besides being a module.

    Parameters
    ----------
    depth
        Number of blocks. Stages run from 0 to ``depth + 2``: embedding, blocks, final norm with
        pooling, head.
    """

    depth: int

    def stage_of(self, parameter: str) -> int:
        """Stage that a parameter, or a buffer, belongs to."""

    def prefix(self, stage: int, *inputs: Tensor) -> Tensor:
        """What enters `stage`: all stages before it, applied to a batch; stage >= 1."""

    def suffix(self, stage: int, hidden: Tensor) -> Tensor:
        """Logits (B, classes) of what enters `stage`."""


def build(config: Mapping[str, Any]) -> nn.Module:
    """A module with fresh weights, drawn from torch's current random state."""
    module, name = NETWORKS[str(config["arch"])].split(":")
    made: nn.Module = getattr(import_module(module), name)(config)
    return made


def skeleton(config: Mapping[str, Any]) -> nn.Module:
    """Names and shapes of a network without weights; draws no random number."""
    import torch

    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        return build(config)


def load(checkpoint: Checkpoint) -> nn.Module:
    """The network of a checkpoint.

    Names and shapes of all arrays are those of the architecture; only the head may be missing or
    of another shape, and is then fresh (`fits_head`).

    Raises
    ------
    MethodError
        ``bad-checkpoint``: naming the first arrays that do not fit.
    """
    import numpy as np
    import torch

    with torch.random.fork_rng(devices=[]):  # a fresh head is drawn, nobody else's state moves
        module = build(checkpoint.config)
    wanted = module.state_dict()
    heads = {name for name in wanted if name.startswith("head.")}
    arrays = {
        name: array
        for name, array in checkpoint.arrays.items()
        if not name.startswith("head.") or fits_head(checkpoint, module)
    }
    missing = sorted(set(wanted) - heads - set(arrays))
    stray = sorted(set(arrays) - set(wanted))
    shapes = [n for n in sorted(set(arrays) & set(wanted)) if arrays[n].shape != wanted[n].shape]
    for what, names in (
        ("are missing", missing),
        ("are not part of the architecture", stray),
        ("have another shape", shapes),
    ):
        if names:
            some = ", ".join(names[:4]) + (" …" if len(names) > 4 else "")
            raise MethodError(
                "bad-checkpoint",
                f"{len(names)} arrays {what}: {some}.",
                "Check that the config describes the network the weights come from.",
            )
    state = {}
    for name, array in arrays.items():
        like = wanted[name].dtype
        state[name] = torch.as_tensor(np.array(array)).to(like)
    module.load_state_dict({**wanted, **state})
    return module


def fits_head(checkpoint: Checkpoint, module: nn.Module) -> bool:
    """Whether the head of a checkpoint is the head of the module."""
    shapes = {n: tuple(p.shape) for n, p in module.state_dict().items() if n.startswith("head.")}
    given = {n: a.shape for n, a in checkpoint.arrays.items() if n.startswith("head.")}
    return given == shapes
