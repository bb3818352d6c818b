"""A small residual convolutional network, one block for each resolution.

References
----------
He, Zhang, Ren, Sun, Deep residual learning for image recognition, CVPR 2016, figure 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from mitigations.fairtune.networks.pixels import Pictures

#: Blocks grow twice as wide each, up to so many times the first.
WIDEST = 8


class Stem(nn.Module):
    """The first convolution and its normalisation."""

    def __init__(self, channels: int, dim: int, stride: int) -> None:
        super().__init__()
        kernel = max(3, 2 * stride - 1)
        self.conv = nn.Conv2d(
            channels, dim, kernel, stride=stride, padding=kernel // 2, bias=False
        )
        self.bn = nn.BatchNorm2d(dim)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x)))


class Block(nn.Module):
    """Two convolutions, the first at half the resolution, added to a short cut."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.conv = nn.Conv2d(before, after, 1, stride=2, bias=False)
        self.bn = nn.BatchNorm2d(after)

    def forward(self, h: Tensor) -> Tensor:
        inner = functional.relu(self.bn1(self.conv1(h)))
        return functional.relu(self.bn2(self.conv2(inner)) + self.bn(self.conv(h)))


class ConvNet(Pictures):
    """A stem, blocks, the mean over the picture with a norm, a linear head."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        dim = int(config["dim"])
        widths = [dim * min(1 << i, WIDEST) for i in range(self.depth + 1)]
        self.stem = Stem(int(config.get("channels", 3)), dim, int(config.get("patch", 1)))
        self.blocks = nn.ModuleList(Block(before, after) for before, after in pairwise(widths))
        self.final_norm = nn.LayerNorm(widths[-1])
        self.head = nn.Linear(widths[-1], int(config["classes"]))

    def stage_of(self, parameter: str) -> int:
        """Stage that a parameter, or a statistic, belongs to."""
        first, *rest = parameter.split(".")
        if first == "blocks":
            return 1 + int(rest[0])
        return {"final_norm": self.depth + 1, "head": self.depth + 2}.get(first, 0)

    def embed(self, pictures: Tensor) -> Tensor:
        out: Tensor = self.stem(self.pixels(pictures))
        return out

    def block(self, index: int, h: Tensor) -> Tensor:
        out: Tensor = self.blocks[index](h)
        return out

    def pooled(self, h: Tensor) -> Tensor:
        out: Tensor = self.final_norm(h.mean(dim=(2, 3)))
        return out

    def logits(self, h: Tensor) -> Tensor:
        out: Tensor = self.head(h)
        return out


def convnet(config: Mapping[str, Any]) -> nn.Module:
    """`ConvNet` of a config."""
    return ConvNet(config)
