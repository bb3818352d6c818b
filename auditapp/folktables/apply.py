"""Apply a task to rows: which of them it keeps, their label, features and group.

Two readings of blank cells. ``corrected`` leaves a blank feature blank and a label unknown where
the target cannot be answered. ``compatible`` does what the folktables package 0.0.12 does: blanks
become 0, which is a real code in RELP and POVPIP, and an unanswerable target is negative. Both
keep the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from auditapp.errors import AuditError
from auditapp.folktables.bridge import Source, refuse_missing, sources
from auditapp.folktables.nodes import columns_of
from auditapp.folktables.tasks import MODES, Task
from auditapp.folktables.truth import Bools, Floats, evaluate

ADJINC = "ADJINC"
MONEY = frozenset(
    {"PINCP", "PERNP", "WAGP", "SEMP", "INTP", "OIP", "PAP", "RETP", "SSIP", "SSP"}
    | {"HINCP", "FINCP"}
)
"""Columns in dollars that the Census adjusts by ADJINC."""
SUPPRESSED: Mapping[str, tuple[int, ...]] = {"JWMNP": (888,)}
"""Codes that say an answer was withheld (JWMNP in some areas of 2023); blank when corrected."""
SENSITIVE = ("RAC1P", "SEX", "AGEP")
"""Columns left out of the features when the sensitive ones are not wanted there."""


@dataclass(frozen=True)
class Settings:
    """How a task is applied.

    Parameters
    ----------
    mode
        ``corrected`` or ``compatible``: what blanks become.
    adjinc
        Whether dollars are multiplied by ADJINC, which brings them to one level within a file.
    drop_sensitive
        Whether RAC1P, SEX, AGEP and the task's group are left out of the features.
    common_codes
        Whether codes of a column that changed are those that both sides of the change have; on
        by itself where a table holds years of both.
    """

    mode: str = "corrected"
    adjinc: bool = False
    drop_sensitive: bool = False
    common_codes: bool = False

    def __post_init__(self) -> None:
        """Refuse a mode that does not exist."""
        if self.mode not in MODES:
            raise AuditError(
                "task-mode",
                f"There is no way “{self.mode}” of reading blank cells.",
                f"Choose {' or '.join(MODES)}.",
                where="mode",
            )

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Settings:
        """Settings of a form or a plan; unknown keys are ignored."""
        given = data or {}
        return cls(
            mode=str(given.get("mode") or "corrected"),
            adjinc=bool(given.get("adjinc")),
            drop_sensitive=bool(given.get("drop_sensitive")),
            common_codes=bool(given.get("common_codes")),
        )

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON."""
        return {name: getattr(self, name) for name in self.__annotations__}


@dataclass(frozen=True)
class Cut:
    """What a task makes of a batch of m rows, of which it keeps k.

    Parameters
    ----------
    rows : (k,) int64
        Places of the rows kept.
    label : (k,) int8
        1 positive, 0 not, -1 unknown.
    """

    rows: NDArray[np.int64]
    label: NDArray[np.int8]


class Applied:
    """A task made ready for a table.

    Parameters
    ----------
    task, settings
        What to compute, and how.
    available
        Columns of the table.

    Raises
    ------
    AuditError
        ``task-columns`` or ``no-adjinc``.
    """

    def __init__(self, task: Task, available: Sequence[str], settings: Settings) -> None:
        self.task, self.settings = task, settings
        refuse_missing(task, available)
        self.sources = sources([*task.columns, ADJINC], available)
        money = [name for name in task.columns if name.upper() in MONEY]
        self._adjusted = frozenset(money if settings.adjinc else ())
        if self._adjusted and ADJINC not in self.sources:
            raise AuditError(
                "no-adjinc",
                f"{', '.join(money)} cannot be adjusted: the table has no column ADJINC.",
                "Use dollars as they are, or a file with ADJINC.",
                where="adjinc",
            )

    @property
    def features(self) -> tuple[str, ...]:
        """Features, without the sensitive ones where they are not wanted."""
        if not self.settings.drop_sensitive:
            return self.task.features
        gone = {*SENSITIVE, self.task.group}
        kept = tuple(name for name in self.task.features if name.upper() not in gone)
        if not kept:
            raise AuditError(
                "task-features",
                f"Every feature of {self.task.name} is sensitive, so none is left.",
                "Keep the sensitive features.",
                where="features",
            )
        return kept

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns of the table that are read for rows, label, features and group."""
        names = [*self.task.columns, *([ADJINC] if self._adjusted else [])]
        return tuple(dict.fromkeys(c for name in names for c in self.sources[name].columns))

    @property
    def bridged(self) -> tuple[Source, ...]:
        """Columns that come from a successor."""
        return tuple(s for s in self.sources.values() if s.successor is not None)

    def adjusted(self, name: str) -> bool:
        """Whether a column's dollars are adjusted."""
        return name in self._adjusted

    def plain(self, name: str) -> bool:
        """Whether a column is taken as it stands in the table."""
        return not (self.adjusted(name) or rewritten(self.sources[name], self.settings))

    def cut(self, batch: Batch) -> Cut:
        """Return the rows of a batch that the task keeps, and their labels."""
        keep = np.ones(batch.rows, dtype=bool)
        for condition in self.task.conditions:
            keep &= evaluate(condition, batch).true
        truth = evaluate(self.task.positive, batch)
        label = truth.true.astype(np.int8)
        if self.settings.mode == "corrected":
            label[~truth.known] = -1
        rows = np.flatnonzero(keep)
        return Cut(rows, label[rows])

    def batch(self, table: pa.Table | pa.RecordBatch) -> Batch:
        """Wrap an Arrow batch that holds the columns of `reads`."""
        return Batch(table, self.sources, self.settings, self._adjusted)


class Batch:
    """Columns of a batch under the names of a task, bridged and adjusted."""

    def __init__(
        self,
        table: pa.Table | pa.RecordBatch,
        sources: Mapping[str, Source],
        settings: Settings,
        adjusted: frozenset[str],
    ) -> None:
        self._table, self._sources = table, sources
        self._settings, self._adjusted = settings, adjusted
        self._known: dict[str, Floats] = {}
        self.rows: int = table.num_rows

    def numbers(self, name: str) -> Floats:
        """A column as numbers, NaN where blank."""
        if name not in self._known:
            self._known[name] = self._numbers(name)
        return self._known[name]

    def texts(self, name: str) -> NDArray[np.object_]:
        """A column as trimmed text, None where blank."""
        source = self._sources[name]
        if source.own is None:
            keys = [None if np.isnan(v) else f"{v:g}" for v in self.numbers(name)]
            return np.array(keys, dtype=object)
        text = pc.utf8_trim_whitespace(self._column(source.own).cast(pa.string()))
        gone = pc.equal(text, "")
        return np.asarray(
            pc.if_else(gone, pa.scalar(None, pa.string()), text).to_numpy(zero_copy_only=False),
            dtype=object,
        )

    def blank(self, name: str) -> Bools:
        """Rows of a column without a value."""
        source = self._sources[name]
        if source.own is not None and pa.types.is_string(
            self._table.schema.field(source.own).type
        ):
            return np.array([text is None for text in self.texts(name)], dtype=bool)
        return np.isnan(self.numbers(name))

    def feature(self, name: str) -> Floats:
        """A feature as numbers: blanks are NaN, or 0 where the package is followed."""
        values = self.numbers(name)
        if self._settings.mode == "compatible":
            return np.nan_to_num(values)
        return values

    def arrow(self, name: str, *, filled: bool = True) -> pa.Array:
        """A column for a new table: as it is in this one where nothing had to be computed."""
        source = self._sources[name]
        compatible = self._settings.mode == "compatible" and filled
        if name not in self._adjusted and not rewritten(source, self._settings):
            column = self._column(str(source.own))
            if not compatible or not column.null_count:
                return column
            zero = pa.scalar("0" if pa.types.is_string(column.type) else 0).cast(column.type)
            return pc.fill_null(column, zero)
        values = self.feature(name) if compatible else self.numbers(name)
        array = pa.array(values, from_pandas=True)
        whole = name not in self._adjusted and bool(
            pc.all(pc.equal(array, pc.floor(array))).as_py() is not False
        )
        return array.cast(pa.int64()) if whole else array

    def _column(self, name: str) -> pa.Array:
        column = self._table.column(name)
        return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column

    def _numbers(self, name: str) -> Floats:
        source = self._sources[name]
        values = np.full(self.rows, np.nan)
        if source.successor is not None:
            codes = _floats(self._column(source.successor), source.successor)
            bridge = source.bridge
            assert bridge is not None
            values = _mapped(codes, bridge.codes) if bridge.codes else codes
        if source.own is not None:
            own = _floats(self._column(source.own), source.own)
            both = source.successor is not None or self._settings.common_codes
            if both and source.bridge is not None and source.bridge.common:
                own = _mapped(own, source.bridge.common, keep=True)
            values = np.where(np.isnan(own), values, own)
        if name in SUPPRESSED and self._settings.mode == "corrected":
            values = np.where(np.isin(values, SUPPRESSED[name]), np.nan, values)
        if name in self._adjusted:
            values = values * factors(self.numbers(ADJINC))
        return values


def rewritten(source: Source, settings: Settings) -> bool:
    """Whether a column's values differ from those in the table."""
    bridge = source.bridge
    common = bridge is not None and bool(bridge.common) and settings.common_codes
    withheld = source.name in SUPPRESSED and settings.mode == "corrected"
    return source.successor is not None or common or withheld


def factors(adjinc: Floats) -> Floats:
    """ADJINC as a factor: 1013097 and 1.013097 both mean 1.013097."""
    return np.where(adjinc > 1000.0, adjinc / 1e6, adjinc)


@dataclass(frozen=True)
class Matrix:
    """A task on a table in memory.

    Parameters
    ----------
    features : (k, p) float64
        NaN where blank, unless the package is followed.
    label : (k,) int8
        1 positive, 0 not, -1 unknown.
    group : (k,) float64
        Codes of the group, NaN where blank.
    rows : (k,) int64
        Rows of the table that were kept.
    """

    features: Floats
    label: NDArray[np.int8]
    group: Floats
    rows: NDArray[np.int64]


def matrix(table: pa.Table, task: Task, settings: Settings | None = None) -> Matrix:
    """Apply a task to a table in memory.

    Raises
    ------
    AuditError
        ``task-columns``, ``no-adjinc``, ``task-features`` or ``not-numeric``.
    """
    applied = Applied(task, table.schema.names, Settings() if settings is None else settings)
    batch = applied.batch(table.select(list(applied.reads)))
    cut = applied.cut(batch)
    features = [batch.feature(name)[cut.rows] for name in applied.features]
    return Matrix(
        np.column_stack(features), cut.label, batch.numbers(task.group)[cut.rows], cut.rows
    )


def targets(task: Task) -> tuple[str, ...]:
    """Columns that the target is computed from."""
    return columns_of(task.positive)


def _mapped(codes: Floats, table: Mapping[int, int], *, keep: bool = False) -> Floats:
    values = codes.copy() if keep else np.full(codes.shape, np.nan)
    for old, new in table.items():
        values[codes == old] = new
    return values


def _floats(column: pa.Array, name: str) -> Floats:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        text = pc.utf8_trim_whitespace(column)
        text = pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)
        try:
            column = text.cast(pa.float64())
        except pa.ArrowInvalid as error:
            raise AuditError(
                "not-numeric",
                f"Column “{name}” is compared with numbers, and holds text.",
                "Name another column, or compare it with texts between quotes.",
                where=name,
                found=str(error)[:200],
            ) from error
    values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)
