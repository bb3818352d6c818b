"""What a search for subgroups looks at: its settings, the rows that count, the bins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics import rates
from metrics.groups import Attribute
from metrics.subgroup_columns import FINE, Binned, Descriptor, declared, quantiles
from metrics.verdicts import THICK_ALPHA

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

FAMILIES = ("declared", "quantile", "tree")


@dataclass(frozen=True)
class Search:
    """Where to look, and how sure to be.

    Parameters
    ----------
    families
        Of `FAMILIES`.
    declared
        Combinations of column names whose declared bins are crossed; None takes every column
        with declared bins alone and every pair of them.
    bins
        Quantile bins of a column.
    at_once
        Columns crossed at a time in the quantile family, 1 or 2.
    depth, smallest
        Most splits on a path of the tree, and the share of the rows that a part needs.
    split
        Chance, at most, that the tree splits a part without differences. What is found is
        tested on other rows, so that this guards the description, not the error rate.
    floor, denominator_floor
        Rows and denominator that each of two compared groups needs inside a subgroup.
    rank
        ``"supported"`` ranks gaps by what is left after the allowance for chance, ``"raw"``
        by size alone.
    draws, seed
        Shuffles (raised where `tests` are so many that fewer could not reach the level) and
        the seed of the audit.
    level
        Error rate of all searches of the report together.
    searches
        How many such sections the report holds.
    tolerance
        The auditor's limit as a fraction.
    """

    families: tuple[str, ...] = FAMILIES
    declared: tuple[tuple[str, ...], ...] | None = None
    bins: int = 4
    at_once: int = 2
    depth: int = 3
    smallest: float = 0.05
    split: float = 0.05
    floor: int = 30
    denominator_floor: int = 10
    rank: str = "supported"
    draws: int = 999
    seed: int = 0
    level: float = 0.01
    searches: int = 1
    tolerance: float = 0.05

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if not set(self.families) <= set(FAMILIES):
            raise ValueError(f"families {self.families} are not all of {FAMILIES}")
        if self.rank not in ("supported", "raw"):
            raise ValueError(f"rank {self.rank!r} is neither 'supported' nor 'raw'")
        if self.bins < 2 or self.at_once not in (1, 2) or self.depth < 1:
            raise ValueError("bins need 2 or more, at_once 1 or 2, depth 1 or more")
        if not (0 < self.split < 1 and 0 < self.smallest < 1):
            raise ValueError("split and smallest must lie in (0, 1)")
        if not 0 < self.level <= THICK_ALPHA or self.searches < 1 or self.draws < 1:
            raise ValueError("level must lie in (0, 0.1], searches and draws be 1 or more")


@dataclass(frozen=True)
class Rows:
    """The rows that are searched.

    Attributes
    ----------
    attribute, metric
        The sensitive column and the slug of the rate.
    group : (n,) int
        Group, -1 unknown.
    known, counted : (n,) bool
        Whether the group is known, and whether the row is in the denominator besides.
    hit : (n,) int
        1 where it is in the numerator.
    weight : (n,) float, optional
        Survey weights; None where every row counts once.
    effect
        Mean design effect of the rate over the groups.
    """

    attribute: Attribute
    metric: str
    group: Ints
    known: Mask
    counted: Mask
    hit: Ints
    weight: Floats | None = None
    effect: float = 1.0

    def table(self, codes: Ints, size: int) -> tuple[Ints, Ints, Ints]:
        """Rows, numerators and denominators by (subgroup, group); codes -1 are left out.

        With weights each group's rows over the design effect, rounded, at its weighted rate: what
        is tested on counts is then tested on these.
        """
        n, hits, totals = self.people(codes, size)
        if self.weight is None:
            return n, hits, totals
        rate = np.nan_to_num(self.rate(codes, size))
        n, totals = (np.rint(part / self.effect).astype(np.int64) for part in (n, totals))
        return n, np.rint(rate * totals).astype(np.int64), totals

    def rate(self, codes: Ints, size: int) -> Floats:
        """Rates by (subgroup, group), weighted if rows are; NaN where nobody counts."""
        _, hits, totals = self.people(codes, size)
        above, below = hits.astype(np.float64), totals.astype(np.float64)
        if self.weight is not None:
            inside = self.counted & (codes >= 0)
            joint = ((codes * len(self.attribute.levels) + self.group) * 2 + self.hit)[inside]
            flat = np.bincount(joint, self.weight[inside], minlength=2 * above.size)
            sums = np.asarray(flat, dtype=np.float64).reshape(*above.shape, 2)
            above, below = sums[..., 1], sums.sum(axis=2)
        out = np.full(above.shape, np.nan)
        return np.asarray(np.divide(above, below, out=out, where=below > 0))

    def people(self, codes: Ints, size: int) -> tuple[Ints, Ints, Ints]:
        """The same, every row counted once."""
        g = len(self.attribute.levels)
        state = self.counted.astype(np.int64) + self.hit
        joint = (codes * g + self.group) * 3 + state
        inside = self.known & (codes >= 0)
        n = np.bincount(joint[inside], minlength=size * g * 3).reshape(size, g, 3)
        return n.sum(axis=2), n[:, :, 2], n[:, :, 1] + n[:, :, 2]


def counted_rows(
    attribute: Attribute,
    decision: NDArray[Any],
    label: NDArray[Any] | None,
    metric: str,
    *,
    weight: Floats | None = None,
    effect: float = 1.0,
) -> Rows:
    """Rows with a known group, and where they count in the metric.

    Parameters
    ----------
    attribute, decision, label, metric, weight, effect
        As in `metrics.subgroups.subgroups_section`.
    """
    rate = rates.REGISTRY[metric]
    assert isinstance(rate, rates.Rate)
    blank = np.zeros(len(decision), dtype=np.int64)
    place = blank if label is None else label.astype(np.int64) + 1
    slot = place * len(rates.DECISIONS) + decision.astype(np.int64) + 1
    group = attribute.codes.astype(np.int64)
    known = group >= 0
    # A weight of 0 counts nobody: a part of such rows alone has no rate.
    weighs = known if weight is None else known & (weight > 0)
    return Rows(
        attribute=attribute,
        metric=metric,
        group=group,
        known=known,
        counted=rate.denominator.ravel()[slot] & weighs,
        hit=(rate.numerator.ravel()[slot] & weighs).astype(np.int64),
        weight=weight,
        effect=effect,
    )


def able(descriptors: Sequence[Descriptor], search: Search) -> list[str]:
    """Families that have columns to work with, whatever the decisions are."""
    has = {
        "declared": any(d.declared for d in descriptors) and search.declared != (),
        "quantile": any(not d.levels for d in descriptors),
        "tree": len(descriptors) > 0,
    }
    return [family for family in FAMILIES if family in search.families and has[family]]


def crossings(
    descriptors: Sequence[Descriptor], search: Search, family: str
) -> list[tuple[Binned, ...]]:
    """List the combinations of binned columns that a family divides the rows by.

    Parameters
    ----------
    descriptors, search
        The columns, and how many at a time.
    family
        ``"declared"`` or ``"quantile"``.

    Raises
    ------
    ValueError
        A declared combination names a column without declared bins.
    """
    if family == "declared":
        by_name = {d.name: declared(d) for d in descriptors if d.declared}
        if search.declared is not None:
            unknown = {name for names in search.declared for name in names} - set(by_name)
            if unknown:
                raise ValueError(f"columns {sorted(unknown)} have no declared bins")
            return [tuple(by_name[name] for name in names) for names in search.declared]
        columns = list(by_name.values())
        return [(c,) for c in columns] + list(combinations(columns, 2))
    cut = {d.name: quantiles(d, FINE if d.levels else search.bins) for d in descriptors}
    numeric = {d.name for d in descriptors if not d.levels}
    out: list[tuple[Binned, ...]] = [(cut[name],) for name in cut if name in numeric]
    if search.at_once == 2:
        out += [(cut[a], cut[b]) for a, b in combinations(cut, 2) if a in numeric or b in numeric]
    return out


def joint(columns: Sequence[Binned]) -> Ints:
    """Code of each row over the crossed columns, the blank of each last."""
    codes = np.zeros(columns[0].codes.size, dtype=np.int64)
    for column in columns:
        codes = codes * (column.size + 1) + np.where(column.codes < 0, column.size, column.codes)
    return codes
