"""Where gaps inside a population are looked for: fixed on training rows, measured on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metrics import local, local_families
from metrics.local import Local
from metrics.local_families import Family
from metrics.subgroup_columns import FINE, Binned, Descriptor, declared, quantiles

if TYPE_CHECKING:
    from mitigations.contract import Column, Part, Problem

#: Words of the label where regions are divided by it.
LABELS = ("label not favourable", "label favourable")
#: Bins of a column of numbers where nothing was declared.
BINS = 4


@dataclass(frozen=True)
class Regions:
    """Columns that describe parts of a population, and where they are cut.

    Parameters
    ----------
    declared
        Columns whose bins are crossed: sensitive columns other than the protected one, or inputs.
    descriptors
        Inputs whose bins are looked at one by one, and that a tree may split.
    parity
        Rate that is compared, of `mitigations.parity.PARITIES`.
    cuts
        Lower ends of all bins but the first, of columns of numbers.
    levels
        Words of the levels in each bin, of columns of codes.
    """

    declared: tuple[str, ...]
    descriptors: tuple[str, ...]
    parity: str = "selection-rate"
    cuts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    levels: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        problem: Problem,
        declared: Sequence[str],
        descriptors: Sequence[str],
        parity: str,
        *,
        least: int = 0,
    ) -> Regions:
        """Cut columns into bins by the training rows: of numbers, about equal in size.

        Parameters
        ----------
        least
            People of the smallest group that each crossing of the declared columns is to hold on
            average; 0 keeps every level and `BINS` bins of numbers.
        """
        bare = cls(tuple(declared), tuple(descriptors), parity)
        crossed = BINS
        if least:
            n = np.bincount(problem.train.group[problem.train.group >= 0])
            room = int(n[n > 0].min(initial=0)) / least
            crossed = int(np.clip(room ** (1.0 / max(len(declared), 1)), 2, BINS))
        cuts, levels = {}, {}
        for name in dict.fromkeys((*descriptors, *declared)):
            found = bare.column(problem, problem.train, name)
            small = bool(least) and name in declared
            most = crossed if small else FINE if found.levels else BINS
            binned = quantiles(found, most)
            if found.levels:
                levels[name] = binned.levels
            else:
                cuts[name] = tuple(float(v) for v in binned.edges)
        return cls(bare.declared, bare.descriptors, parity, cuts, levels)

    def column(self, problem: Problem, part: Part, name: str) -> Descriptor:
        """A column of a part, as words and values."""
        if name in problem.axis_names and name in part.groups:
            return Descriptor(name, part.groups[name], levels=tuple(problem.axis_names[name]))
        column = next(c for c in problem.columns if c.name == name)
        return descriptor(column, part, self.cuts.get(name, ()))

    def cells(self, problem: Problem, part: Part) -> Family:
        """Regions that were declared."""
        binned = [self._binned(problem, part, name) for name in self.declared]
        return local_families.declared(binned) if binned else Family("declared", (), ())

    def codes(self, problem: Problem, part: Part) -> NDArray[np.int64]:
        """Declared region of each row, (n,), the same numbers in every part; -1 in none."""
        out = np.zeros(len(part), dtype=np.int64)
        known = np.ones(len(part), dtype=bool)
        for name in self.declared:
            found = self._binned(problem, part, name)
            out = out * found.size + found.codes.clip(0)
            known &= found.codes >= 0
        return np.where(known, out, -1)

    def families(
        self,
        problem: Problem,
        part: Part,
        decision: NDArray[Any],
        counted: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> list[Family]:
        """Declared, quantile and tree-found regions, and a random control."""
        columns = [self.column(problem, part, name) for name in self.descriptors]
        cells = self.cells(problem, part)
        binned = [self._binned(problem, part, name) for name in self.descriptors]
        found = [cells, local_families.binned("quantile", binned)]
        found.append(
            local_families.tree(
                columns, part.group, decision == 1, counted, len(problem.group_names), rng=rng
            )
        )
        found.append(local_families.random(cells if len(cells) else found[1], rng))
        return [family for family in found if len(family)]

    def _binned(self, problem: Problem, part: Part, name: str) -> Binned:
        found = self.column(problem, part, name)
        if not found.levels:
            return declared(found)
        merged = self.levels[name]
        into = {word: i for i, words in enumerate(merged) for word in words}
        place = np.array([*(into.get(word, -1) for word in found.levels), -1], dtype=np.int32)
        return Binned(name, name, place[found.values], np.empty(0), merged, ordered=False)

    def measure(
        self,
        problem: Problem,
        part: Part,
        decision: NDArray[Any],
        rng: np.random.Generator,
        draws: int = local.DRAWS,
    ) -> list[Local]:
        """Gaps of realised decisions in every family.

        Parameters
        ----------
        decision : (n,) int
            1 favourable, 0 not; others are not counted.
        rng
            Halves of the tree and shuffles.
        """
        counted = self._counted(part, decision)
        found = self.families(problem, part, decision, counted, rng)
        return [self._measured(f, problem, part, decision, counted, rng, draws) for f in found]

    def declared_only(
        self,
        problem: Problem,
        part: Part,
        decision: NDArray[Any],
        rng: np.random.Generator,
        draws: int = local.DRAWS,
    ) -> Local | None:
        """Gaps of the declared regions alone; None where there are none."""
        cells = self.cells(problem, part)
        if not len(cells):
            return None
        counted = self._counted(part, decision)
        return self._measured(cells, problem, part, decision, counted, rng, draws)

    def _counted(self, part: Part, decision: NDArray[Any]) -> NDArray[np.bool_]:
        counted = np.isin(decision, (0, 1))
        if self.parity in ("tpr", "fpr"):
            counted &= _label(part) == (1 if self.parity == "tpr" else 0)
        return counted

    def _measured(
        self,
        family: Family,
        problem: Problem,
        part: Part,
        decision: NDArray[Any],
        counted: NDArray[np.bool_],
        rng: np.random.Generator,
        draws: int,
    ) -> Local:
        if self.parity == "equalized-odds":
            family = family.crossed(_label(part), LABELS)
        return local.measure(
            family, part.group, decision == 1, counted, len(problem.group_names),
            rng=rng, draws=draws,
        )  # fmt: skip

    def rank_gap(self, problem: Problem, part: Part, score: NDArray[np.float64]) -> float:
        """Widest difference of mean ranks in declared and quantile regions; NaN for none."""
        binned = [self._binned(problem, part, name) for name in self.descriptors]
        counted = self._counted(part, np.ones(len(part), dtype=np.int64))
        found = []
        for family in (self.cells(problem, part), local_families.binned("quantile", binned)):
            if self.parity == "equalized-odds":
                family = family.crossed(_label(part), LABELS)
            found.append(
                local.rank_gap(family, part.group, score, counted, len(problem.group_names))
            )
        known = [gap for gap in found if np.isfinite(gap)]
        return max(known) if known else float("nan")


def _label(part: Part) -> NDArray[np.int64]:
    return np.full(len(part), -1) if part.y is None else part.y.astype(np.int64)


def descriptor(column: Column, part: Part, cuts: tuple[float, ...] = ()) -> Descriptor:
    """An input column of a part, as words and values."""
    values = part.x[:, column.slot].astype(np.float64)
    if column.kind == "categorical" and column.levels:
        codes = np.where(np.isfinite(values), values, -1).astype(np.int64)
        codes[codes >= len(column.levels)] = -1
        words = tuple("other" if not w.strip() else w.strip() for w in column.levels)
        return Descriptor(column.name, codes, levels=words)
    values[~np.isfinite(values)] = np.nan
    return Descriptor(column.name, values, cuts=cuts)
