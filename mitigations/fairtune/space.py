"""Which parts may be trained together: the space of a search, and where it starts.

The structured space has one number for each kind of part, the first block from which it is
trained, and one switch for what comes before the blocks: 13^3 x 2 for twelve blocks of three
kinds, where free bits have 2^38. Everything and nothing lie in both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mitigations.fairtune.groups import BIASES
from mitigations.fairtune.sampling import Choice, Params, Real, Space, Whole

_BLOCK = re.compile(r"blocks\.(\d+)\.(\w+)")
FINAL = "final_norm"
LR, EMBED, FROM, BIT = "lr", "embed", "from:", "train:"
NORMS = ("norm", "bn")


@dataclass(frozen=True)
class Masks:
    """The masks of one network.

    Parameters
    ----------
    by_group
        Parameters of every group (`groups.groups`).
    free
        Whether every group has a bit of its own.
    biases
        Whether all biases may be trained on top.
    rates
        Lowest, default and highest learning rate.
    """

    by_group: Mapping[str, list[str]]
    free: bool = False
    biases: bool = True
    rates: tuple[float, float, float] = (1e-4, 1e-3, 1e-2)

    @property
    def blocks(self) -> dict[str, dict[int, str]]:
        """Groups of blocks by kind and number."""
        out: dict[str, dict[int, str]] = {}
        for group in self.by_group:
            found = _BLOCK.fullmatch(group)
            if found is not None:
                out.setdefault(found[2], {})[int(found[1])] = group
        return out

    @property
    def depth(self) -> int:
        """Number of blocks."""
        return 1 + max((i for kind in self.blocks.values() for i in kind), default=-1)

    @property
    def before(self) -> list[str]:
        """Groups that come before the blocks."""
        return [g for g in self.by_group if _BLOCK.fullmatch(g) is None and g != FINAL]

    def space(self) -> Space:
        """What is searched."""
        low, _, high = self.rates
        out: dict[str, Whole | Real | Choice] = {LR: Real(low, high, log=True)}
        if self.free:
            out |= {f"{BIT}{group}": Choice((False, True)) for group in self.by_group}
        else:
            out |= {f"{FROM}{kind}": Whole(0, self.depth) for kind in self.blocks}
            if self.before:
                out[EMBED] = Choice((False, True))
        if self.biases:
            out[BIASES] = Choice((False, True))
        return out

    def mask(self, params: Params) -> frozenset[str]:
        """Groups that a point of the space trains."""
        extra = {BIASES} if params.get(BIASES) else set()
        if self.free:
            return frozenset({g for g in self.by_group if params[f"{BIT}{g}"]} | extra)
        out = set(self.before) if params.get(EMBED) else set()
        for kind, blocks in self.blocks.items():
            first = int(params[f"{FROM}{kind}"])
            out |= {group for i, group in blocks.items() if i >= first}
            if kind in NORMS and first < self.depth and FINAL in self.by_group:
                out.add(FINAL)
        return frozenset(out | extra)

    def masks(self) -> dict[str, frozenset[str]]:
        """Masks worth trying before any other, by name."""
        blocks, last = self.blocks, self.depth - 1
        norms = {g for kind in NORMS for g in blocks.get(kind, {}).values()}
        norms |= {FINAL} & set(self.by_group)
        # The kind that mixes: attention, else the first kind that is no norm.
        mixing = next((k for k in ("attn", *blocks) if k in blocks and k not in NORMS), None)
        some = set() if mixing is None else set(blocks[mixing].values())
        top = {kind[last] for kind in blocks.values() if last in kind}
        top |= {FINAL} & set(self.by_group)
        out = {
            "head": frozenset[str](),
            "everything": frozenset(self.by_group),
            "norms": frozenset(norms),
            "biases": frozenset({BIASES}),
            str(mixing): frozenset(some),
            "last block": frozenset(top),
        }
        return {k: v for k, v in out.items() if k != "None" and (self.biases or k != "biases")}

    def anchors(self) -> dict[str, Params]:
        """Points of the space for `masks`, at the default learning rate."""
        return {name: self._point(mask) for name, mask in self.masks().items()}

    def _point(self, mask: frozenset[str]) -> Params:
        out: dict[str, bool | int | float | str] = {LR: self.rates[1]}
        if self.free:
            out |= {f"{BIT}{group}": group in mask for group in self.by_group}
        else:
            for kind, blocks in self.blocks.items():
                on = [i for i, group in blocks.items() if group in mask]
                out[f"{FROM}{kind}"] = min(on, default=self.depth)
            if self.before:
                out[EMBED] = set(self.before) <= mask
        if self.biases:
            out[BIASES] = BIASES in mask
        return out
