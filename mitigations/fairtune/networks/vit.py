"""A vision transformer whose arrays are called as timm calls them.

So a checkpoint saved from timm's ``vit_*`` models (class token, no ``fc_norm``) loads as it is,
without timm.

References
----------
Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021, equations (1) to (4).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mitigations.contract import MethodError
from mitigations.fairtune.networks.pixels import Pictures

#: Of every layer norm, as in timm.
EPS = 1e-6


class PatchEmbed(nn.Module):
    """A linear map of each patch."""

    def __init__(self, patch: int, channels: int, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, dim, patch, stride=patch)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.proj(x).flatten(2).transpose(1, 2)
        return out


class Attention(nn.Module):
    """Attention of every token to every token."""

    def __init__(self, dim: int, heads: int, bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=bias)
        self.proj = nn.Linear(dim, dim)

    def forward(self, h: Tensor) -> Tensor:
        b, t, d = h.shape
        qkv = self.qkv(h).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
        out: Tensor = self.proj(mixed.transpose(1, 2).reshape(b, t, d))
        return out


class Mlp(nn.Module):
    """Two linear maps around a GELU."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, h: Tensor) -> Tensor:
        out: Tensor = self.fc2(functional.gelu(self.fc1(h)))
        return out


class Block(nn.Module):
    """Attention and MLP, each after a norm and added to what came in."""

    def __init__(self, dim: int, heads: int, hidden: int, bias: bool) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=EPS)
        self.attn = Attention(dim, heads, bias)
        self.norm2 = nn.LayerNorm(dim, eps=EPS)
        self.mlp = Mlp(dim, hidden)

    def forward(self, h: Tensor) -> Tensor:
        h = h + self.attn(self.norm1(h))
        out: Tensor = h + self.mlp(self.norm2(h))
        return out


class Vit(Pictures):
    """Patches with a place each and a class token, blocks, a norm, a linear head."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        dim, patch = int(config["dim"]), int(config["patch"])
        side = self.img_size // patch
        hidden = int(dim * _ratio(config))
        bias = bool(config.get("qkv_bias", True))
        self.patch_embed = PatchEmbed(patch, int(config.get("channels", 3)), dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, side * side + 1, dim))
        self.blocks = nn.ModuleList(
            Block(dim, int(config["heads"]), hidden, bias) for _ in range(self.depth)
        )
        self.norm = nn.LayerNorm(dim, eps=EPS)
        self.head = nn.Linear(dim, int(config["classes"]))
        self._begin()

    def _begin(self) -> None:
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        nn.init.normal_(self.cls_token, std=1e-6)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def stage_of(self, parameter: str) -> int:
        """Stage that a parameter belongs to."""
        first, *rest = parameter.split(".")
        if first == "blocks":
            return 1 + int(rest[0])
        return {"norm": self.depth + 1, "head": self.depth + 2}.get(first, 0)

    def embed(self, pictures: Tensor) -> Tensor:
        tokens = self.patch_embed(self.pixels(pictures))
        first = self.cls_token.expand(len(tokens), -1, -1)
        return torch.cat([first, tokens], dim=1) + self.pos_embed

    def block(self, index: int, h: Tensor) -> Tensor:
        out: Tensor = self.blocks[index](h)
        return out

    def pooled(self, h: Tensor) -> Tensor:
        # The norm works on each token alone, so the class token's is enough.
        out: Tensor = self.norm(h[:, 0])
        return out

    def logits(self, h: Tensor) -> Tensor:
        out: Tensor = self.head(h)
        return out


def _ratio(config: Mapping[str, Any]) -> float:
    """Width of the MLP over that of the tokens."""
    value = config.get("mlp_ratio", 4.0)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.25 <= value <= 16:
        raise MethodError("bad-checkpoint", "“mlp_ratio” is not a number from 0.25 to 16.")
    return float(value)


def vit(config: Mapping[str, Any]) -> nn.Module:
    """`Vit` of a config."""
    return Vit(config)
