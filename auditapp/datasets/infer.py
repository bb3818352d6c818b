"""Decide a text column's type from every value of the whole column.

Leading zeros stay text, because ``00501`` is a code and not the number 501; so do whole numbers
of more than 18 digits, which are account numbers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ColumnType = Literal["integer", "number", "text", "boolean", "date"]

_INTEGER = r"^[+-]?(0|[1-9][0-9]{0,17})$"
_NUMBER = r"^[+-]?(0|[1-9][0-9]{0,17}|(0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
_COMMA = r"^[+-]?(0|[1-9][0-9]*),[0-9]+$"
_THOUSANDS = r"^[+-]?[1-9][0-9]{0,2},[0-9]{3}$"
_LEADING_ZERO = r"^[+-]?0[0-9]+$"
_DATE = (
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?)?|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4})$"
)
_EXAMPLES = 50


@dataclass
class Tally:
    """Counts of what a column's values could be; add batches, then decide.

    Attributes
    ----------
    rows, missing, integers, numbers, commas, booleans, dates, leading_zeros, other
        Counts of rows; ``marks`` counts each missing mark as it was found, ``thousands`` those
        of ``commas`` that may as well be thousands (``1,234``).
    odd, odd_total, odd_capped
        Values that are not numbers with their counts (the first 50 different ones), the count
        of all of them, and whether there are more than listed.
    """

    decimal_comma: bool = False
    rows: int = 0
    missing: int = 0
    integers: int = 0
    numbers: int = 0
    commas: int = 0
    thousands: int = 0
    booleans: int = 0
    dates: int = 0
    leading_zeros: int = 0
    other: int = 0
    marks: Counter[str] = field(default_factory=Counter)
    odd: Counter[str] = field(default_factory=Counter)
    odd_total: int = 0
    odd_capped: bool = False

    def add(self, column: pa.Array, marks: frozenset[str]) -> None:
        """Count one batch of a text column."""
        self.rows += len(column)
        self.missing += column.null_count
        counts = pc.value_counts(column.drop_null())
        values = plain_text(counts.field("values"))
        weights = counts.field("counts").to_numpy()
        rest = self._missing(values, weights, marks)
        rest, n = self._take(*rest, pattern=_INTEGER)
        self.integers += n
        if not len(rest[0]):
            return
        number = _matches(rest[0], _NUMBER) & _finite(rest[0])
        self.numbers += int(rest[1][number].sum())
        rest = _split(rest, ~number)
        if not len(rest[0]):
            return
        if self.decimal_comma:
            self.thousands += self._take(*rest, pattern=_THOUSANDS)[1]
            rest, n = self._take(*rest, pattern=_COMMA)
            self.commas += n
        self._odd(rest)
        self._words(rest)

    def decide(self) -> ColumnType:
        """Return the narrowest type that every value has."""
        present = self.rows - self.missing
        if present == 0:
            return "text"
        if self.integers == present:
            return "integer"
        if self.integers + self.numbers == present:
            return "number"
        if self.commas > self.thousands and self.integers + self.commas == present:
            return "number"
        if self.booleans == present:
            return "boolean"
        if self.dates == present:
            return "date"
        return "text"

    @property
    def numeric_share(self) -> float:
        """Share of the present values that read as numbers."""
        present = self.rows - self.missing
        return (self.integers + self.numbers) / present if present else 0.0

    def _missing(
        self, values: pa.Array, weights: np.ndarray, marks: frozenset[str]
    ) -> tuple[pa.Array, np.ndarray]:
        gone = pc.is_in(values, value_set=pa.array(sorted(marks), pa.string())).to_numpy(
            zero_copy_only=False
        )
        if gone.any():
            self.missing += int(weights[gone].sum())
            for mark, n in zip(values.filter(gone).to_pylist(), weights[gone], strict=True):
                self.marks[mark] += int(n)
        return _split((values, weights), ~gone)

    def _take(
        self, values: pa.Array, weights: np.ndarray, *, pattern: str
    ) -> tuple[tuple[pa.Array, np.ndarray], int]:
        hit = _matches(values, pattern)
        return _split((values, weights), ~hit), int(weights[hit].sum())

    def _odd(self, rest: tuple[pa.Array, np.ndarray]) -> None:
        self.odd_total += int(rest[1].sum())
        for value, n in zip(rest[0][:_EXAMPLES].to_pylist(), rest[1], strict=False):
            if value in self.odd or len(self.odd) < _EXAMPLES:
                self.odd[value] += int(n)
            else:
                self.odd_capped = True
        self.odd_capped = self.odd_capped or len(rest[0]) > _EXAMPLES

    def _words(self, rest: tuple[pa.Array, np.ndarray]) -> None:
        rest, n = self._take(*rest, pattern=_LEADING_ZERO)
        self.leading_zeros += n
        boolean = pc.is_in(pc.utf8_lower(rest[0]), value_set=pa.array(["true", "false"])).to_numpy(
            zero_copy_only=False
        )
        self.booleans += int(rest[1][boolean].sum())
        rest = _split(rest, ~boolean)
        rest, n = self._take(*rest, pattern=_DATE)
        self.dates += n
        self.other += int(rest[1].sum())


def plain_text(values: pa.Array) -> pa.Array:
    """Return trimmed text of a text or dictionary array."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return pc.utf8_trim_whitespace(values.cast(pa.string()))


def _matches(values: pa.Array, pattern: str) -> np.ndarray:
    hit = pc.match_substring_regex(values, pattern)
    return np.asarray(hit.to_numpy(zero_copy_only=False), dtype=bool)


def _finite(values: pa.Array) -> np.ndarray:
    """Whether values with an exponent stay finite; ``1e999`` does not."""
    finite = np.ones(len(values), dtype=bool)
    large = _matches(values, r"^[^eE]*([eE]\+?[0-9]{3}$|[0-9]{300})")
    if large.any():
        for i in np.flatnonzero(large):
            finite[i] = _is_finite(values[int(i)].as_py())
    return finite


def _is_finite(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return True


def _split(rest: tuple[pa.Array, np.ndarray], keep: np.ndarray) -> tuple[pa.Array, np.ndarray]:
    if keep.all():
        return rest
    return rest[0].filter(pa.array(keep)), rest[1][keep]
