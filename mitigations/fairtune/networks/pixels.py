"""What networks for pictures share: from bytes to normalised pixels, and stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Pictures(nn.Module):
    """Stages of a network whose input is pictures (B, 3, s, s), bytes or numbers of 0 to 255.

    Pictures of another size are resized to ``img_size``. Mean and spread of the channels belong
    to the config, not to the weights, as in timm.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.img_size = int(config["img_size"])
        self.depth = int(config["depth"])
        channels = int(config.get("channels", 3))
        for name, plain in (("mean", 0.5), ("std", 0.5)):
            values = torch.tensor(config.get(name, [plain] * channels), dtype=torch.float32)
            self.register_buffer(name, values.view(1, -1, 1, 1), persistent=False)

    def pixels(self, pictures: Tensor) -> Tensor:
        """Normalised pixels (B, channels, img_size, img_size)."""
        x = pictures.to(self.mean.dtype)
        if x.shape[-1] != self.img_size or x.shape[-2] != self.img_size:
            size = (self.img_size, self.img_size)
            x = functional.interpolate(x, size=size, mode="bilinear", antialias=True)
        if self.mean.shape[1] == 1:
            x = x.mean(dim=1, keepdim=True)
        return (x / 255.0 - self.mean) / self.std

    def embed(self, pictures: Tensor) -> Tensor:
        """Stage 0."""
        raise NotImplementedError

    def block(self, index: int, h: Tensor) -> Tensor:
        """Stage ``index + 1``."""
        raise NotImplementedError

    def pooled(self, h: Tensor) -> Tensor:
        """Stage ``depth + 1``: one vector for each picture."""
        raise NotImplementedError

    def logits(self, h: Tensor) -> Tensor:
        """Stage ``depth + 2``."""
        raise NotImplementedError

    def prefix(self, stage: int, *inputs: Tensor) -> Tensor:
        """What enters a stage: all stages before it."""
        h = self.embed(inputs[0])
        for index in range(min(stage - 1, self.depth)):
            h = self.block(index, h)
        return self.pooled(h) if stage == self.depth + 2 else h

    def suffix(self, stage: int, hidden: Tensor) -> Tensor:
        """Logits of what enters a stage."""
        h = hidden
        for index in range(stage - 1, self.depth):
            h = self.block(index, h)
        if stage < self.depth + 2:
            h = self.pooled(h)
        return self.logits(h)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.suffix(1, self.embed(pictures))
