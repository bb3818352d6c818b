"""Networks for tables: a residual MLP and an FT-Transformer.

References
----------
Gorishniy, Rubachev, Khrulkov, Babenko, Revisiting deep learning models for tabular data,
NeurIPS 2021, sections 3.2 (ResNet) and 3.3 (FT-Transformer).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Columns(nn.ModuleDict):
    """One embedding for each categorical column; its row 0 stands for blank and unknown."""

    def __init__(self, columns: Sequence[Mapping[str, Any]], width: int) -> None:
        super().__init__()
        self.keys_of: list[str] = []
        for column in columns:
            key = self._free(str(column["name"]))
            table = nn.Embedding(len(column["levels"]) + 1, width)
            nn.init.normal_(table.weight, std=width**-0.5)
            self[key] = table
            self.keys_of.append(key)

    def _free(self, name: str) -> str:
        """The column's name as part of the name of a parameter."""
        key = re.sub(r"[^A-Za-z0-9_]", "_", name)[:60] or "_"
        while hasattr(self, key) or key in self:
            key += "_"
        return key

    def __call__(self, codes: Tensor) -> list[Tensor]:
        """Embeddings (B, width) of codes (B, columns)."""
        return [self[key](codes[:, i]) for i, key in enumerate(self.keys_of)]


class ResidualBlock(nn.Module):
    """Layer norm, linear, ReLU, linear, added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.lin1 = nn.Linear(width, 2 * width)
        self.lin2 = nn.Linear(2 * width, width)

    def forward(self, h: Tensor) -> Tensor:
        out: Tensor = h + self.lin2(functional.relu(self.lin1(self.norm(h))))
        return out


class Attention(nn.Module):
    """Attention of every token to every token, names as in timm."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, h: Tensor) -> Tensor:
        b, t, d = h.shape
        qkv = self.qkv(h).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
        out: Tensor = self.proj(mixed.transpose(1, 2).reshape(b, t, d))
        return out


class Mlp(nn.Module):
    """Two linear layers around a GELU."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, h: Tensor) -> Tensor:
        out: Tensor = self.fc2(functional.gelu(self.fc1(h)))
        return out


class TokenBlock(nn.Module):
    """Attention and MLP, each after a norm and added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width, 2 * width)

    def forward(self, h: Tensor) -> Tensor:
        h = h + self.attn(self.norm1(h))
        out: Tensor = h + self.mlp(self.norm2(h))
        return out


class Tabular(nn.Module):
    """Stages that both networks share; inputs are numbers (B, k) and codes (B, c).

    A number that is blank comes as 0 with a 1 in the second half of the numbers.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        kinds = [column["kind"] for column in config["columns"]]
        self.numbers = 2 * kinds.count("numeric")
        self.depth = int(config["depth"])
        self.width = int(config["width"])
        self.cat_embed = Columns(
            [c for c in config["columns"] if c["kind"] == "categorical"], self.width
        )
        self._embedding()
        self.blocks = nn.ModuleList(self._block(config) for _ in range(self.depth))
        self.final_norm = nn.LayerNorm(self.width)
        self.head = nn.Linear(self.width, int(config["classes"]))

    def _embedding(self) -> None:
        raise NotImplementedError

    def _block(self, config: Mapping[str, Any]) -> nn.Module:
        raise NotImplementedError

    def _embed(self, numbers: Tensor, codes: Tensor) -> Tensor:
        raise NotImplementedError

    def _pool(self, h: Tensor) -> Tensor:
        return h

    def stage_of(self, parameter: str) -> int:
        first, *rest = parameter.split(".")
        if first == "blocks":
            return 1 + int(rest[0])
        return {"final_norm": self.depth + 1, "head": self.depth + 2}.get(first, 0)

    def prefix(self, stage: int, *inputs: Tensor) -> Tensor:
        h = self._embed(*inputs)
        for block in list(self.blocks)[: stage - 1]:
            h = block(h)
        return self.final_norm(self._pool(h)) if stage == self.depth + 2 else h

    def suffix(self, stage: int, hidden: Tensor) -> Tensor:
        h = hidden
        for block in list(self.blocks)[stage - 1 :]:
            h = block(h)
        if stage < self.depth + 2:
            h = self.final_norm(self._pool(h))
        logits: Tensor = self.head(h)
        return logits

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        return self.suffix(1, self._embed(numbers, codes))


class ResidualMlp(Tabular):
    """The sum of a linear map of the numbers and one embedding per column, then blocks."""

    def _embedding(self) -> None:
        self.num_embed = nn.Linear(self.numbers, self.width) if self.numbers else None

    def _block(self, config: Mapping[str, Any]) -> nn.Module:
        return ResidualBlock(self.width)

    def _embed(self, numbers: Tensor, codes: Tensor) -> Tensor:
        parts = self.cat_embed(codes)
        if self.num_embed is not None:
            parts.append(self.num_embed(numbers))
        return torch.stack(parts).sum(0) if len(parts) > 1 else parts[0]


class Numbers(nn.Module):
    """A token for each number: its direction times the number, plus a place of its own."""

    def __init__(self, numbers: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(numbers, width))
        self.bias = nn.Parameter(torch.empty(numbers // 2, width))
        nn.init.uniform_(self.weight, -(width**-0.5), width**-0.5)
        nn.init.uniform_(self.bias, -(width**-0.5), width**-0.5)

    def forward(self, numbers: Tensor) -> Tensor:
        k = len(self.bias)
        value = numbers[:, :k, None] * self.weight[:k] + numbers[:, k:, None] * self.weight[k:]
        return value + self.bias


class FtTransformer(Tabular):
    """A token for every column and one for the answer, then transformer blocks."""

    def _embedding(self) -> None:
        self.num_embed = Numbers(self.numbers, self.width) if self.numbers else None
        self.cls_token = nn.Parameter(torch.empty(1, 1, self.width))
        nn.init.uniform_(self.cls_token, -(self.width**-0.5), self.width**-0.5)

    def _block(self, config: Mapping[str, Any]) -> nn.Module:
        return TokenBlock(self.width, int(config["heads"]))

    def _embed(self, numbers: Tensor, codes: Tensor) -> Tensor:
        tokens = [self.cls_token.expand(len(codes), -1, -1)]
        if self.num_embed is not None:
            tokens.append(self.num_embed(numbers))
        tokens += [token[:, None] for token in self.cat_embed(codes)]
        return torch.cat(tokens, dim=1)

    def _pool(self, h: Tensor) -> Tensor:
        return h[:, 0]


def residual_mlp(config: Mapping[str, Any]) -> nn.Module:
    """`ResidualMlp` of a config."""
    return ResidualMlp(config)


def ft_transformer(config: Mapping[str, Any]) -> nn.Module:
    """`FtTransformer` of a config."""
    return FtTransformer(config)
