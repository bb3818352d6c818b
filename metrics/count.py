"""The one pass over the rows: everything a report needs as tables of counts that add."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.cells import DECISION, LABEL, Axis, CellTable, Floats, IntArray, cover, index_cells
from metrics.groups import Attribute, Grouping, combine, grouping
from metrics.scores import Bins, choose_bins, is_crowded

# Slots of one joint table. The label-decision table has 12 per cell, the score table 3,072:
# beyond the budget each wanted combination (for scores: each attribute) gets its own table.
OUTCOME_BUDGET = 1 << 24
SCORE_BUDGET = 1 << 22
# Groups with fewer scored rows keep them, for exact ranks.
EXACT_BELOW = 5000
# Scores are summed in steps of this size, so that sums do not depend on the order of rows.
STEP = float(1 << 26)

EVERYBODY = ""


@dataclass(frozen=True)
class SmallScores:
    """Scored and labelled rows of the small groups of one attribute.

    Parameters
    ----------
    codes : (r,) int32
        Group of each row.
    labels : (r,) int8
        0 or 1.
    scores : (r,) float64
        Sorted within each group and label, so that the order of rows leaves no trace.
    """

    codes: NDArray[np.int32]
    labels: NDArray[np.int8]
    scores: Floats

    def kept(self, where: NDArray[np.bool_]) -> SmallScores:
        """Some of the rows."""
        return SmallScores(self.codes[where], self.labels[where], self.scores[where])

    def __add__(self, other: SmallScores) -> SmallScores:
        """Rows of both, in an order that does not depend on theirs."""
        codes = np.concatenate([self.codes, other.codes])
        labels = np.concatenate([self.labels, other.labels])
        scores = np.concatenate([self.scores, other.scores])
        order = np.lexsort((scores, labels, codes))
        return SmallScores(codes[order], labels[order], scores[order])


@dataclass(frozen=True)
class CountSet:
    """Everything counted; sets over the same attributes and bins add.

    Parameters
    ----------
    axes
        The attributes.
    outcomes
        Tables over (attributes; label, decision).
    scores
        Tables over (attributes; label, score bin); empty without scores.
    bins
        Score cut points, None without scores.
    score_sums : (bins,) float64
        Sum of the scores in each bin.
    small
        Rows of small groups by attribute name, `EVERYBODY` for the population.
    has_label, has_decision
        Whether the column was given.
    """

    axes: tuple[Axis, ...]
    outcomes: tuple[CellTable, ...]
    scores: tuple[CellTable, ...]
    bins: Bins | None
    score_sums: Floats
    has_label: bool
    has_decision: bool
    small: dict[str, SmallScores] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Rows counted."""
        return self.outcomes[0].n

    def outcome_groups(self, by: Sequence[str]) -> Grouping:
        """Return the groups of `by` over (label, decision)."""
        return grouping(_containing(self.outcomes, by), by)

    def score_groups(self, by: Sequence[str]) -> Grouping:
        """Return the groups of `by` over (label, score bin)."""
        return grouping(_containing(self.scores, by), by)

    def score_values(self) -> Floats:
        """Score that stands for each bin: the mean of its scores, the middle of an empty bin."""
        if self.bins is None:
            raise ValueError("no scores were counted")
        n = self.score_groups(()).counts[0].sum(axis=0)
        middle = (self.bins.edges[1:] + self.bins.edges[:-1]) / 2
        np.divide(self.score_sums, n, out=middle, where=n > 0)
        return np.asarray(middle)

    def __add__(self, other: CountSet) -> CountSet:
        """Count set of the rows of both.

        Raises
        ------
        ValueError
            If attributes, columns or score bins differ.
        """
        mine = (self.axes, self.bins, self.has_label, self.has_decision)
        if mine != (other.axes, other.bins, other.has_label, other.has_decision):
            raise ValueError("these counts have different attributes, columns or score bins")
        added = CountSet(
            self.axes,
            tuple(a + b for a, b in zip(self.outcomes, other.outcomes, strict=True)),
            tuple(a + b for a, b in zip(self.scores, other.scores, strict=True)),
            self.bins,
            self.score_sums + other.score_sums,
            self.has_label,
            self.has_decision,
        )
        for name in self.small.keys() & other.small.keys():
            rows = self.small[name] + other.small[name]
            wanted = added._small_groups(name)
            added.small[name] = rows.kept(wanted[rows.codes])
        return added

    def _small_groups(self, name: str) -> NDArray[np.bool_]:
        """Which groups of an attribute have few enough scored rows for exact ranks."""
        groups = self.score_groups((name,) if name else ())
        return groups.n < EXACT_BELOW

    def save(self, path: Path) -> None:
        """Write the set as ``.npz``; no pickle is involved."""
        head = {
            "axes": [(axis.name, axis.size, axis.low) for axis in self.axes],
            "outcomes": len(self.outcomes),
            "scores": len(self.scores),
            "cuts": None if self.bins is None else self.bins.cuts,
            "binned": self.bins is not None,
            "has_label": self.has_label,
            "has_decision": self.has_decision,
            "small": list(self.small),
        }
        arrays: dict[str, Any] = {"head": np.array(json.dumps(head))}
        arrays["score_sums"] = self.score_sums
        for kind, tables in (("outcomes", self.outcomes), ("scores", self.scores)):
            for j, table in enumerate(tables):
                arrays |= table.arrays(f"{kind}{j}.")
        for j, rows in enumerate(self.small.values()):
            arrays |= {f"small{j}.{key}": value for key, value in vars(rows).items()}
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> CountSet:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as archive:
            data = dict(archive)
        head = json.loads(str(data["head"]))
        cuts = None if head["cuts"] is None else tuple(head["cuts"])
        fields = ("codes", "labels", "scores")
        return cls(
            tuple(Axis(*axis) for axis in head["axes"]),
            tuple(CellTable.from_arrays(data, f"outcomes{j}.") for j in range(head["outcomes"])),
            tuple(CellTable.from_arrays(data, f"scores{j}.") for j in range(head["scores"])),
            Bins(cuts) if head["binned"] else None,
            data["score_sums"],
            head["has_label"],
            head["has_decision"],
            {
                name: SmallScores(*(data[f"small{j}.{key}"] for key in fields))
                for j, name in enumerate(head["small"])
            },
        )


def _containing(tables: Sequence[CellTable], by: Sequence[str]) -> CellTable:
    for table in tables:
        if set(by) <= set(table.names):
            return table
    raise KeyError(f"no table was counted over {tuple(by)}")


def count(
    attributes: Sequence[Attribute],
    *,
    label: IntArray | None = None,
    decision: IntArray | None = None,
    score: Floats | None = None,
    intersections: int = 2,
    bins: Bins | None = None,
    exact: bool = True,
) -> CountSet:
    """Count rows once; shards counted with the same bins add.

    Parameters
    ----------
    attributes
        Sensitive columns, at least one, with codes of n rows each.
    label : (n,) int, optional
        0, 1 or -1 for blank.
    decision : (n,) int, optional
        0, 1, 2 for abstained or -1 for none.
    score : (n,) float, optional
        In [0, 1], NaN for none.
    intersections
        Largest number of columns that are combined.
    bins
        Score cut points, for shards; None fixes them from these scores.
    exact
        Keep the scores of groups under 5,000 rows for exact ranks; False keeps counts only.

    Raises
    ------
    ValueError
        Without attributes, if columns differ in length, codes lie outside their range, or a
        score outside [0, 1].
    """
    if not attributes:
        raise ValueError("an audit needs at least one sensitive column")
    n = len(attributes[0].codes)
    given = {"label": label, "decision": decision, "score": score}
    given |= {attribute.name: attribute.codes for attribute in attributes}
    for name, column in given.items():
        if column is not None and len(column) != n:
            raise ValueError(f"{name!r} has {len(column)} rows, {attributes[0].name!r} has {n}")
    codes = {attribute.name: attribute.codes for attribute in attributes}
    axes = {attribute.name: attribute.axis for attribute in attributes}
    sizes = {name: axis.size for name, axis in axes.items()}
    blank = np.full(n, -1, dtype=np.int8)
    labels = blank if label is None else label
    decisions = blank if decision is None else decision
    wanted = cover(sizes, combine(list(axes), intersections), width=12, budget=OUTCOME_BUDGET)
    index = {
        names: index_cells([codes[name] for name in names], [axes[name] for name in names])
        for names in wanted
    }
    outcomes = tuple(
        CellTable.fold(index[names], (labels, decisions), (LABEL, DECISION)) for names in wanted
    )
    counted = CountSet(
        tuple(axes.values()),
        outcomes,
        (),
        None,
        np.zeros(0),
        label is not None,
        decision is not None,
    )
    if score is None:
        return counted
    if not np.issubdtype(score.dtype, np.floating):
        score = score.astype(np.float64)
    known = _known(score)
    columns = _Scored(
        codes if known is None else {name: column[known] for name, column in codes.items()},
        labels if known is None else labels[known],
        score if known is None else score[known],
    )
    joint = index.get(tuple(axes)) if known is None else None
    return _count_scores(counted, columns, joint, bins=bins, exact=exact)


@dataclass(frozen=True)
class _Scored:
    """Rows that have a score."""

    codes: dict[str, IntArray]
    labels: IntArray
    scores: Floats


def _known(score: Floats) -> NDArray[np.bool_] | None:
    """Rows with a score, None when all have one.

    Raises
    ------
    ValueError
        If a score lies outside [0, 1].
    """
    if score.size == 0:
        return None
    low, high = score.min(), score.max()
    known = None
    if np.isnan(low):
        known = ~np.isnan(score)
        low, high = score.min(initial=1, where=known), score.max(initial=0, where=known)
    if low < 0 or high > 1:
        raise ValueError(f"scores run from {low} to {high}, outside 0 to 1")
    return known


def _count_scores(
    counted: CountSet, rows: _Scored, joint: Any, *, bins: Bins | None, exact: bool
) -> CountSet:
    """Add score tables to a count set."""
    axes = {axis.name: axis for axis in counted.axes}
    chosen = Bins() if bins is None else bins
    wanted = cover(
        {name: axis.size for name, axis in axes.items()},
        [(name,) for name in axes],
        width=3 * chosen.size,
        budget=SCORE_BUDGET,
    )
    place = chosen.codes(rows.scores)
    tables = []
    for names in wanted:
        index = joint if joint is not None and names == tuple(axes) else None
        if index is None:
            index = index_cells([rows.codes[name] for name in names], [axes[n] for n in names])
        tail = (LABEL, Axis("bin", chosen.size, 0))
        tables.append(CellTable.fold(index, (rows.labels, place), tail))
    if bins is None and is_crowded(tables[0].counts.sum(axis=(0, 1))):
        bins = choose_bins([rows.scores])
        return _count_scores(counted, rows, joint, bins=bins, exact=exact)
    steps = np.rint(rows.scores * STEP)
    sums = np.bincount(place, steps, minlength=chosen.size) / STEP
    full = CountSet(
        counted.axes,
        counted.outcomes,
        tuple(tables),
        chosen,
        sums,
        counted.has_label,
        counted.has_decision,
    )
    if exact and counted.has_label:
        for name in (EVERYBODY, *axes):
            full.small[name] = _small(full, rows, name)
    return full


def _small(counted: CountSet, rows: _Scored, name: str) -> SmallScores:
    """Labelled rows of the groups with few enough rows."""
    few = counted._small_groups(name)
    if name == EVERYBODY:
        place = np.arange(len(rows.scores)) if few[0] else np.zeros(0, dtype=np.intp)
        codes = np.zeros(len(place), dtype=np.int32)
    elif not few.any():
        place, codes = np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.int32)
    else:
        # One slot more: unknown is -1 and reads the last.
        place = np.flatnonzero(np.append(few, False)[rows.codes[name]])
        codes = rows.codes[name][place].astype(np.int32)
    labels = rows.labels[place].astype(np.int8)
    found = SmallScores(codes, labels, rows.scores[place].astype(np.float64))
    nothing = found.kept(np.zeros(len(place), dtype=bool))
    return found.kept(labels >= 0) + nothing
