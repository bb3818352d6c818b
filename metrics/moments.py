"""Sums of powers of labels, predictions and errors by group, in whole numbers that add exactly.

Every value is brought to about [-1, 1] by an origin and a power of two fixed beforehand, and
each sum is kept as three integers (units of 2^-26, 2^-52 and 2^-78). So the sums of shards
add, and neither the order of rows nor the cut into shards leaves a trace in a document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.cells import Axis, CellIndex, CellTable, Counts, Floats
from metrics.groups import Attribute, Grouping
from metrics.layout import TableSet, check_lengths, indexes

N_BINS = 256
LIMBS = 3
STEP = float(1 << 26)

# Rows, rows with a prediction, rows with a label too.
COUNTS = ("rows", "predicted", "both")
OF_PREDICTION = ("p", "p2", "p3", "p4")
OF_BOTH = (
    "under", "over", "under2", "over2", "under3", "over3", "e4",
    "y", "y2", "y3", "y4", "e2y", "e2y2",
)  # fmt: skip
NAMES = (*OF_PREDICTION, *OF_BOTH)


@dataclass(frozen=True)
class Scale:
    """What is fixed before rows are folded, equal for all shards.

    Parameters
    ----------
    origin
        Subtracted from labels and predictions.
    unit
        Power of two they are divided by, so that they stay near [-1, 1].
    edges
        Rising cut points of the errors, prediction less label, in the unit of the outcome;
        bin b holds edges[b] <= error < edges[b + 1], the first and the last one everything
        beyond too.
    exact
        Whether each bin holds a single value, its lower edge.
    """

    origin: float
    unit: float
    edges: tuple[float, ...]
    exact: bool = False

    @property
    def bins(self) -> int:
        """Number of error bins."""
        return max(len(self.edges) - (0 if self.exact else 1), 1)

    def codes(self, errors: Floats) -> NDArray[np.int16]:
        """Bin of each error."""
        inner = np.asarray(self.edges[1 : self.bins])
        return np.searchsorted(inner, errors, side="right").astype(np.int16)


def choose_scale(label: Floats | None, prediction: Floats, *, bins: int = N_BINS) -> Scale:
    """Fix origin, unit and cut points in a first pass.

    A cut at every distinct error if there are at most `bins`, else at their quantiles.

    Parameters
    ----------
    label, prediction : (n,) float
        NaN for none.
    bins
        Largest number of error bins.
    """
    given = prediction[~np.isnan(prediction)]
    values = given
    errors = np.zeros(0)
    if label is not None:
        both = ~np.isnan(label) & ~np.isnan(prediction)
        errors = prediction[both] - label[both]
        values = np.concatenate([given, label[both]])
    origin, unit = 0.0, 1.0
    if values.size:
        # Halves first: the sum of the two ends may exceed the largest float.
        origin = float(values.min() / 2 + values.max() / 2)
        furthest = float(np.abs(values - origin).max())
        unit = float(2.0 ** np.ceil(np.log2(furthest))) if furthest > 0 else 1.0
    distinct = np.unique(errors)
    if distinct.size <= bins:
        return Scale(origin, unit, tuple(distinct.tolist()), exact=True)
    cuts = np.quantile(errors, np.linspace(0, 1, bins + 1), method="inverted_cdf")
    return Scale(origin, unit, tuple(np.unique(cuts).tolist()))


@dataclass(frozen=True)
class MomentSet:
    """Moment tables and error histograms; sets with the same scale add.

    Parameters
    ----------
    moments
        Tables over (attributes; counts and sums in whole numbers).
    errors
        Tables over (attributes; error bin).
    scale
        What was fixed beforehand.
    has_label
        Whether a label column was given.
    """

    moments: TableSet
    errors: TableSet
    scale: Scale
    has_label: bool

    def __add__(self, other: MomentSet) -> MomentSet:
        """Moments of the rows of both.

        Raises
        ------
        ValueError
            If the scales, the columns or the attributes differ.
        """
        if (self.scale, self.has_label) != (other.scale, other.has_label):
            raise ValueError("these moments have different scales or columns")
        return MomentSet(
            self.moments + other.moments, self.errors + other.errors, self.scale, self.has_label
        )


@dataclass(frozen=True)
class Sums:
    """Means of powers in standard units for g groups, NaN without rows.

    Parameters
    ----------
    rows, predicted, both : (g,) int64
        Rows, rows with a prediction, rows with a label too.
    mean
        Mean of each power by name of `NAMES`, over the rows that carry it.
    scale
        Origin and unit.
    """

    rows: Counts
    predicted: Counts
    both: Counts
    mean: dict[str, Floats]
    scale: Scale


def read(counts: Counts, scale: Scale) -> Sums:
    """Means from the whole numbers of a moment table.

    Parameters
    ----------
    counts : (g, slots) int64
        Counts and limbs of sums, as folded.
    scale
        What they were folded with.
    """
    rows, predicted, both = (counts[:, j] for j in range(len(COUNTS)))
    limbs = counts[:, len(COUNTS) :].reshape(len(counts), len(NAMES), LIMBS).astype(float)
    sums = (limbs[..., 2] / STEP + limbs[..., 1]) / STEP + limbs[..., 0]
    sums /= STEP
    mean = {}
    for j, name in enumerate(NAMES):
        n = predicted if name in OF_PREDICTION else both
        mean[name] = np.divide(sums[:, j], n, out=np.full(len(n), np.nan), where=n > 0)
    return Sums(rows, predicted, both, mean, scale)


def count_moments(
    attributes: Sequence[Attribute],
    *,
    label: Floats | None,
    prediction: Floats,
    intersections: int = 2,
    scale: Scale | None = None,
) -> MomentSet:
    """Fold rows into moment tables in one pass; shards with the same scale add.

    Parameters
    ----------
    attributes
        Sensitive columns, at least one, with codes of n rows each.
    label, prediction : (n,) float
        NaN for none; None for no label column.
    intersections
        Largest number of columns that are combined.
    scale
        Origin, unit and cut points, for shards; None fixes them from these rows.

    Raises
    ------
    ValueError
        Without attributes, if columns differ in length, codes lie outside their range, or a
        value is infinite.
    """
    check_lengths(attributes, {"prediction": prediction, "label": label})
    for name, column in (("prediction", prediction), ("label", label)):
        if column is not None and np.isinf(column).any():
            raise ValueError(f"{name!r} holds {int(np.isinf(column).sum())} infinite values")
    fixed = choose_scale(label, prediction) if scale is None else scale
    predicted = ~np.isnan(prediction)
    truth = np.full(len(prediction), np.nan) if label is None else label
    both = predicted & ~np.isnan(truth)
    columns = _powers(truth, prediction, predicted, both, fixed)
    errors = np.zeros(len(prediction), dtype=np.int16) - 1
    errors[both] = fixed.codes(prediction[both] - truth[both])
    tail = (Axis("sum", len(COUNTS) + LIMBS * len(NAMES), 0),)
    bins = (Axis("error", fixed.bins + 1),)
    moments, histograms = [], []
    for index in indexes(attributes, intersections=intersections, width=tail[0].size):
        moments.append(_fold(index, columns, tail))
        histograms.append(CellTable.fold(index, (errors,), bins))
    axes = tuple(attribute.axis for attribute in attributes)
    return MomentSet(
        TableSet(axes, tuple(moments)),
        TableSet(axes, tuple(histograms)),
        fixed,
        label is not None,
    )


def _powers(
    label: Floats,
    prediction: Floats,
    predicted: NDArray[np.bool_],
    both: NDArray[np.bool_],
    scale: Scale,
) -> list[Floats]:
    """Columns to sum, 0 where a row does not carry the value."""
    p = np.where(predicted, (prediction - scale.origin) / scale.unit, 0.0)
    y = np.where(both, (label - scale.origin) / scale.unit, 0.0)
    error = np.where(both, (prediction - label) / scale.unit, 0.0)
    under, over, e2, y2, p2 = np.maximum(-error, 0), np.maximum(error, 0), error**2, y**2, p**2
    powers = (
        p, p2, p2 * p, p2**2,
        under, over, under**2, over**2, under**3, over**3, e2**2,
        y, y2, y2 * y, y2**2, e2 * y, e2 * y2,
    )  # fmt: skip
    return [np.ones(len(p)), predicted.astype(float), both.astype(float), *powers]


def _fold(index: CellIndex, columns: list[Floats], tail: tuple[Axis, ...]) -> CellTable:
    size = len(index.cells)
    counts = np.zeros((size, tail[0].size), dtype=np.int64)
    slot = 0
    for j, column in enumerate(columns):
        left = column
        for _ in range(1 if j < len(COUNTS) else LIMBS):
            whole = left if j < len(COUNTS) else np.rint(left * STEP)
            counts[:, slot] = np.bincount(index.codes, whole, minlength=size)
            # Exact: the remainder of a float and its rounding to a power of two is a float.
            left = left * STEP - whole
            slot += 1
    kept = counts[:, 0] > 0
    return CellTable(index.axes, tail, index.cells[kept], counts[kept])


def pooled(table: Grouping) -> Counts:
    """Counts of everybody else for each group of a table."""
    return np.asarray(table.counts.sum(axis=0)[None] - table.counts)
