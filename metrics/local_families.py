"""Families of regions: declared bins, quantile bins, one found by a tree, and random ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics import subgroup_tree
from metrics.subgroup_columns import FINE, Binned, Descriptor, describe, quantiles
from metrics.subgroup_search import joint

Ints = NDArray[np.int64]

FAMILIES = ("declared", "quantile", "tree", "random")
LEAST = 10
"""Rows that each compared group needs inside a region."""


@dataclass(frozen=True)
class Family:
    """Regions of one kind.

    Parameters
    ----------
    name
        Of `FAMILIES`.
    layers
        Region of each row, (n,) int, -1 in none; regions are numbered through all layers. The
        regions of one layer do not overlap.
    words
        What each region is called, J of them.
    """

    name: str
    layers: tuple[Ints, ...]
    words: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of regions."""
        return len(self.words)

    def crossed(self, codes: Ints, words: Sequence[str]) -> Family:
        """Return the regions divided once more, such as by the label.

        Parameters
        ----------
        codes : (n,) int
            Part of each row, -1 in none.
        words
            Of the parts.
        """
        size = len(words)
        layers = tuple(
            np.where((layer >= 0) & (codes >= 0), layer * size + codes, -1)
            for layer in self.layers
        )
        return Family(self.name, layers, tuple(f"{r}, {w}" for r in self.words for w in words))

    def take(self, rows: NDArray[Any]) -> Family:
        """Return the regions over some of the rows."""
        return Family(self.name, tuple(layer[rows] for layer in self.layers), self.words)


def declared(columns: Sequence[Binned]) -> Family:
    """Regions that cross given bins of some columns; rows with a blank are in none."""
    codes = joint(columns)
    for column in columns:
        codes = np.where(column.codes < 0, -1, codes)
    return _named("declared", [(columns, codes)])


def quantile(descriptors: Sequence[Descriptor], bins: int = 4) -> Family:
    """Regions that are bins of about equal size of one column each."""
    return binned("quantile", [quantiles(d, FINE if d.levels else bins) for d in descriptors])


def binned(name: str, columns: Sequence[Binned]) -> Family:
    """Regions that are given bins of one column each; rows with a blank are in none of it."""
    return _named(name, [((c,), np.where(c.codes < 0, -1, joint([c]))) for c in columns])


def _named(name: str, crossings: Sequence[tuple[Sequence[Binned], Ints]]) -> Family:
    """Keep the regions that hold rows, in words."""
    layers: list[Ints] = []
    words: list[str] = []
    for columns, codes in crossings:
        used = np.unique(codes[codes >= 0])
        place = np.searchsorted(used, codes.clip(0)) + len(words)
        layers.append(np.where(codes >= 0, place, -1).astype(np.int64))
        shape = [column.size + 1 for column in columns]
        for code in used:
            bins = np.unravel_index(int(code), shape)
            words.append(
                describe(
                    [
                        condition
                        for column, bin_ in zip(columns, bins, strict=True)
                        for condition in column.bin_conditions(int(bin_))
                    ]
                )
            )
    return Family(name, tuple(layers), tuple(words))


def tree(
    descriptors: Sequence[Descriptor],
    group: NDArray[Any],
    hit: NDArray[Any],
    counted: NDArray[Any],
    groups: int,
    *,
    rng: np.random.Generator,
    depth: int = 3,
    smallest: float = 0.05,
    least: int = LEAST,
    split: float = 0.2,
) -> Family:
    """Return the region that stands out most on half of the rows, and the rest, on the others.

    Rows that were searched are in no region, so that what is measured was not chosen by them.

    Parameters
    ----------
    descriptors, group, hit, counted, groups, least
        As in `measure`.
    rng
        Random stream of the two halves.
    depth, smallest
        Most splits on a path, and the share of the searched rows that a region needs.
    split
        Chance that a part without differences is split.

    Returns
    -------
    Family
        Without regions where nothing stood out.

    References
    ----------
    Athey, Imbens, Recursive partitioning for heterogeneous causal effects, PNAS 113, 2016.
    """
    codes = np.asarray(group, dtype=np.int64)
    n = codes.size
    searched = np.zeros(n, dtype=bool)
    searched[rng.permutation(n)[: n // 2]] = True
    seen = np.flatnonzero(searched & np.asarray(counted, dtype=bool) & (codes >= 0))
    columns = [quantiles(d, FINE) for d in descriptors]
    region = None
    if columns and seen.size:
        region, _ = subgroup_tree.find(
            columns, codes, np.asarray(hit, dtype=np.int64), seen, n_groups=groups, depth=depth,
            smallest=max(round(smallest * seen.size), 2 * least), side=least, alpha=split,
        )  # fmt: skip
    if region is None:
        return Family("tree", (), ())
    inside = region.member(columns)
    layer = np.where(searched, -1, np.where(inside, 0, 1)).astype(np.int64)
    return Family("tree", (layer,), (describe(region.conditions(columns)), "everybody else"))


def random(like: Family, rng: np.random.Generator) -> Family:
    """Return regions of the same sizes that say nothing about the people in them."""
    layers = []
    for layer in like.layers:
        inside = np.flatnonzero(layer >= 0)
        mixed = layer.copy()
        mixed[inside] = layer[rng.permutation(inside)]
        layers.append(mixed)
    return Family("random", tuple(layers), tuple(f"random {i + 1}" for i in range(len(like))))
