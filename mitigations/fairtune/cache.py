"""What comes out of stages that no trial moves: computed once for a whole search."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

#: Kept at most, on the device that computes.
MOST_BYTES = 1 << 30


class Cache:
    """Hidden states by side and stage, the ones used last kept.

    Parameters
    ----------
    most
        Bytes of all of them.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.most = most
        self.hits = self.misses = 0
        self._kept: OrderedDict[tuple[str, int], Tensor] = OrderedDict()
        self._refused: set[tuple[str, int]] = set()

    def take(self, side: str, stage: int, make: Callable[[], Iterable[Tensor]]) -> Tensor | None:
        """The states of a side at a stage, (n, ...); None where they take too much room.

        Parameters
        ----------
        make
            Gives them block by block.
        """
        import torch

        key = side, stage
        if key in self._refused:
            return None
        if key in self._kept:
            self.hits += 1
            self._kept.move_to_end(key)
            return self._kept[key]
        self.misses += 1
        blocks, size = [], 0
        for block in make():
            size += block.numel() * block.element_size()
            if 2 * size > self.most:
                self._refused.add(key)
                return None
            blocks.append(block)
        found = torch.cat(blocks)
        self._kept[key] = found
        while self._bytes() > self.most:
            self._kept.popitem(last=False)
        return found

    def _bytes(self) -> int:
        return sum(t.numel() * t.element_size() for t in self._kept.values())
