"""Count one canonical column while it streams past: missing, distinct, range, most frequent."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditapp.datasets.infer import ColumnType
from auditapp.datasets.keys import key_of, natural_sorted

DISTINCT_CAP = 100_000
TOP = 200
BARS = 24


class ColumnTally:
    """Running counts of one column.

    Different values are counted until there are more than `DISTINCT_CAP`; from there on
    ``capped`` is true, ``distinct`` is a lower bound and no value is kept.
    """

    def __init__(self, kind: ColumnType) -> None:
        self.kind = kind
        self.rows = 0
        self.missing = 0
        self.capped = False
        self.low: float | int | None = None
        self.high: float | int | None = None
        self.integral = kind == "integer"
        self._whole = kind in {"integer", "number"}
        self.distinct = 0
        self._different = 0
        self._counted = 0
        self._chars = 0
        self._spaces = 0
        self._table: pa.Table | None = None

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers."""
        return self.kind in {"integer", "number"}

    @property
    def ends(self) -> tuple[float, float]:
        """Smallest and largest number; 0 and 0 where there is none."""
        if self.low is None or self.high is None:
            return 0.0, 0.0
        return float(self.low), float(self.high)

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def unique_share(self) -> float:
        """Different values per counted value: 1 where no value repeats."""
        return self._different / self._counted if self._counted else 0.0

    @property
    def mean_length(self) -> float:
        """Average number of characters of the counted text values."""
        return self._chars / self._counted if self._counted else 0.0

    @property
    def mean_words(self) -> float:
        """Average number of words of the counted text values."""
        return 1 + self._spaces / self._counted if self._counted else 0.0

    def add(self, column: pa.Array) -> None:
        """Count one batch."""
        self.rows += len(column)
        self.missing += column.null_count
        column = column.drop_null()
        if not len(column):
            return
        if self.numeric:
            self._range(column)
        if not self.capped:
            self._count(column)

    def counts(self) -> list[tuple[str, int]]:
        """Return (key, count) pairs, the most frequent first, ties in natural order."""
        if self._table is None:
            return []
        pairs = zip(
            (key_of(value) for value in self._table["value"].to_pylist()),
            self._table["n"].to_pylist(),
            strict=True,
        )
        top = sorted(pairs, key=lambda pair: -pair[1])
        cut = top[: TOP + 1]
        order = {key: i for i, key in enumerate(natural_sorted(key for key, _ in cut))}
        return sorted(cut, key=lambda pair: (-pair[1], order[pair[0]]))[:TOP]

    def histogram(self) -> list[int] | None:
        """Return up to 24 bar heights, or None when a second pass must count them.

        Few different values get one bar each, in their order; numbers get 24 equal ranges.
        """
        if self.capped:
            return None if self.numeric else []
        if self._table is None:
            return []
        if self.distinct <= BARS or not self.numeric:
            pairs = dict(self.counts()[:BARS])
            return [pairs[key] for key in natural_sorted(pairs)]
        values = self._table["value"].to_numpy()
        weights = self._table["n"].to_numpy()
        return bars([(values, weights)], low=self.ends[0], high=self.ends[1])

    def _range(self, column: pa.Array) -> None:
        ends = pc.min_max(column).as_py()
        self.low = ends["min"] if self.low is None else min(self.low, ends["min"])
        self.high = ends["max"] if self.high is None else max(self.high, ends["max"])
        if self.kind == "number" and self._whole:
            self._whole = bool(pc.all(pc.equal(column, pc.floor(column))).as_py())
            self.integral = self._whole

    def _count(self, column: pa.Array) -> None:
        counts = pc.value_counts(column)
        values, n = counts.field("values"), counts.field("counts")
        if self.kind in {"text", "date"}:
            values = pc.utf8_trim_whitespace(values)
            self._chars += _weighted(pc.utf8_length(values), n)
            self._spaces += _weighted(pc.count_substring(values, " "), n)
        self._counted += len(column)
        fresh = pa.table({"value": values, "n": n})
        if self._table is not None:
            fresh = pa.concat_tables([self._table, fresh])
        if self._table is not None or self.kind == "text":
            fresh = fresh.group_by("value").aggregate([("n", "sum")])
            fresh = pa.table({"value": fresh["value"], "n": fresh["n_sum"]})
        self._different = fresh.num_rows
        self.capped = fresh.num_rows > DISTINCT_CAP
        self.distinct = min(fresh.num_rows, DISTINCT_CAP)
        self._table = None if self.capped else fresh


def bars(
    parts: Iterable[tuple[np.ndarray, np.ndarray | None]],
    *,
    low: float,
    high: float,
) -> list[int]:
    """Return 24 bar heights of (values, weights) parts over equal ranges from low to high."""
    total = np.zeros(BARS)
    for values, weights in parts:
        spread = np.asarray(values, dtype=float)
        total += np.histogram(spread, bins=BARS, range=(low, high), weights=weights)[0]
    return [int(n) for n in total]


def _weighted(sizes: pa.Array, counts: pa.Array) -> int:
    return int(np.dot(sizes.to_numpy(zero_copy_only=False), counts.to_numpy()))
