"""What a remedy is given and what it gives back.

A remedy never sees the rows it is judged on: it returns rules, and `metrics` measures them beside
the audited system on the same held-out rows.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from mitigations.rules import Rule

if TYPE_CHECKING:
    from mitigations.regions import Regions

Floats = NDArray[np.float64]
Kind = Literal["retrain", "tune", "postprocess", "transport", "abstain", "diagnose"]
Status = Literal["ok", "relaxed", "collapsed"]
Predict = Callable[["Part"], Floats]
Item = TypeVar("Item")
Answer = TypeVar("Answer")


class MethodError(Exception):
    """The input cannot be used by this method; the other methods go on.

    Parameters
    ----------
    code
        Kebab-case slug.
    message
        What was found, one sentence with numbers.
    hint
        What to do about it.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class Cancelled(Exception):
    """The audit is to stop: raised by `Context.tick`, passed on by every method."""


@dataclass(frozen=True)
class Column:
    """One input column of the model.

    Parameters
    ----------
    name, kind
        As in the table: ``numeric``, ``ordinal``, ``categorical`` or ``binary``.
    levels
        Words of the codes that a categorical column holds, in code order.
    slot
        Position in `Part.x`.
    sensitive
        Whether groups are compared by it.
    immutable
        Whether a remedy may not move it.
    direction
        1 or -1 where a remedy may move it one way only, else 0.
    move_cost
        Weight of moving it, relative to the other columns.
    keys
        The levels as the table writes them, where those are not the words.
    """

    name: str
    kind: Literal["numeric", "ordinal", "categorical", "binary"]
    levels: tuple[str, ...] = ()
    slot: int = 0
    sensitive: bool = False
    immutable: bool = False
    direction: int = 0
    move_cost: float = 1.0
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """Rows of one part of the split; every array has n rows.

    Parameters
    ----------
    x : (n, d) float32
        Raw numbers or codes of the columns, NaN for missing.
    group : (n,) int
        Protected axis, -1 unknown.
    groups
        Every sensitive column by name, -1 unknown.
    y : (n,) int8, optional
        Label 0 or 1, -1 blank, 1 favourable.
    score : (n,) float64, optional
        On [0, 1], favourable when high, NaN for none. Absent where the audited model was
        fitted on these rows and no cross-fitted score exists.
    decision : (n,) int8, optional
        Decision of the audited system, 0, 1, or -1 for none.
    weight, site, unit
        Survey weight, site, and household or person; units are never split between parts.
    row_key : (n,) uint64
        Keyed hash of the row's id, else of its contents: what decisions are drawn by.
    blobs
        Memory maps, such as images ``uint8 (n, 3, s, s)``.
    """

    x: NDArray[np.float32]
    group: NDArray[np.int32]
    row_key: NDArray[np.uint64]
    groups: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)
    y: NDArray[np.int8] | None = None
    score: Floats | None = None
    decision: NDArray[np.int8] | None = None
    weight: Floats | None = None
    site: NDArray[np.int32] | None = None
    unit: NDArray[np.int64] | None = None
    blobs: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.row_key)
        for item in fields(self):
            value = getattr(self, item.name)
            arrays = value.values() if isinstance(value, Mapping) else [value]
            for array in arrays:
                if array is not None and len(array) != n:
                    raise ValueError(f"{item.name} has {len(array)} rows, row_key has {n}")

    def __len__(self) -> int:
        return len(self.row_key)

    def take(self, rows: NDArray[Any]) -> Part:
        """The rows of a mask or of positions, in that order."""
        out: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, Mapping):
                out[item.name] = {name: array[rows] for name, array in value.items()}
            else:
                out[item.name] = None if value is None else value[rows]
        return Part(**out)


@dataclass(frozen=True)
class Problem:
    """What a method may learn from. The rows it is judged on are not in it.

    Parameters
    ----------
    train, valid
        Rows to fit on and rows to choose settings on.
    columns
        Columns of `Part.x` in slot order.
    group_names
        Words of the protected axis, in code order.
    group_floor
        Rows a group needs to be constrained.
    threshold
        Score from which the audited decision is favourable.
    cost : (2, 2)
        ``cost[y, d]``: cost of deciding d for a person with label y; zero on the diagonal.
    goal, tolerance
        What is to be equal between groups, and the largest gap that does not matter.
    predict
        The audited model on a part, (n,) scores, sandboxed; None where only its scores are known.
    checkpoint
        Folder or file with safetensors and config of a network, if one was uploaded.
    source
        Rows of another population, for adapting from it.
    axis_names
        Words of every sensitive column by name, in code order (`Part.groups`).
    """

    train: Part
    valid: Part
    columns: tuple[Column, ...]
    group_names: tuple[str, ...]
    group_floor: int = 30
    threshold: float = 0.5
    cost: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 1.0), (1.0, 0.0))
    goal: str = "selection-rate"
    tolerance: float = 0.05
    predict: Predict | None = None
    checkpoint: Path | None = None
    source: Part | None = None
    axis_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def groups_at_floor(self, part: Part) -> NDArray[np.intp]:
        """Codes of the protected axis with at least `group_floor` rows in a part."""
        known = part.group[part.group >= 0]
        n = np.bincount(known, minlength=len(self.group_names))
        return np.flatnonzero(n >= self.group_floor)


class Context:
    """What a method may use while it works.

    Parameters
    ----------
    seed
        Seed of the audit.
    device, threads
        Where to compute, and with how many threads.
    scratch
        Folder for temporary files.
    tick
        ``tick(done, total, text)``; raises `Cancelled` where the audit is to stop.
    store
        URL of the search's storage (Optuna).
    shared
        Folder that outlives this process and that helpers see; None where nobody helps.
    mapper
        Runs independent tasks; in this process where none is given.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        device: str = "cpu",
        threads: int = 1,
        scratch: Path | None = None,
        tick: Callable[[int, int, str], None] | None = None,
        store: str | None = None,
        shared: Path | None = None,
        mapper: Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]] | None = None,
    ) -> None:
        self.seed = seed
        self.device = device
        self.threads = threads
        self.scratch = scratch
        self.store = store
        self.shared = shared
        self.facts: dict[str, Any] = {}
        self._tick = tick
        self._mapper = mapper

    def tick(self, done: int, total: int, text: str = "") -> None:
        """Report progress; called inside every loop, since it is where a method is stopped."""
        if self._tick is not None:
            self._tick(done, total, text)

    def record(self, **facts: Any) -> None:
        """Say how it was computed: ``precision="bfloat16"``; goes into the result document."""
        self.facts |= facts

    def rng(self, name: str) -> np.random.Generator:
        """The random stream of this name: the same for the same seed, whatever ran before."""
        words = hashlib.blake2b(name.encode(), digest_size=16).digest()
        return np.random.default_rng([self.seed, *np.frombuffer(words, np.uint32).tolist()])

    def map(self, task: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
        """Apply a task to independent items, in order."""
        listed = list(items)
        if self._mapper is not None:
            return self._mapper(task, listed)
        out = []
        for done, item in enumerate(listed):
            self.tick(done, len(listed))
            out.append(task(item))
        return out


@dataclass(frozen=True)
class Card:
    """What a method says of itself before it runs.

    Parameters
    ----------
    title, text
        For people who choose: a name, and one or two plain sentences on what it does and what
        it costs.
    source
        Paper with equation, algorithm or section numbers.
    kind
        What it changes.
    needs
        Of ``label``, ``score``, ``features``, ``model`` (can be asked for new inputs),
        ``two-groups``, ``checkpoint``, ``images``, ``source``.
    uses_group_at_decision
        Whether a deployed rule must know the person's group.
    lane
        ``cpu`` or ``gpu``.
    helped
        Whether it opens searches that other workers may join (`mitigations.fairtune.offers`).
    """

    title: str
    text: str
    source: str
    kind: Kind
    needs: frozenset[str] = frozenset()
    uses_group_at_decision: bool = False
    lane: Literal["cpu", "gpu"] = "cpu"
    helped: bool = False


@dataclass(frozen=True)
class Table:
    """Numbers a method wants to show: on which rows, in which columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    caption: str = ""
    split: Literal["train", "valid", "audit"] = "valid"


@dataclass(frozen=True)
class Point:
    """One setting of a method.

    Parameters
    ----------
    id
        Unique within the method; a slug.
    label
        What the report calls it.
    settings
        Plain JSON values.
    rules
        One per training seed; a method that trains nothing has one.
    chosen_on
        ``fixed`` where the setting was given, ``valid`` where it was chosen on those rows.
    status
        ``ok``; ``relaxed`` where a wish could not be met and the nearest is given;
        ``collapsed`` where everybody is decided alike.
    """

    id: str
    label: str
    settings: Mapping[str, Any]
    rules: tuple[Rule, ...]
    chosen_on: Literal["fixed", "valid"] = "fixed"
    status: Status = "ok"


@dataclass(frozen=True)
class Arm:
    """One way to spend a budget of trainings, to be compared with others on unseen rows.

    Parameters
    ----------
    id, label
        As of a point.
    rules
        One per final seed, each with ``scores(part) -> (n,)``; the seeds of the arms of one
        outcome are the same, in the same order.
    trainings
        Spent on it.
    valid
        What it was worth on validation rows: the best baseline is the best there.
    ours
        Whether it is the arm that the others are baselines of.
    """

    id: str
    label: str
    rules: tuple[Rule, ...]
    trainings: int
    valid: float
    ours: bool = False


@dataclass(frozen=True)
class Outcome:
    """Everything a method found: settings to be measured, tables, and remarks in words.

    Parameters
    ----------
    regions
        Where local gaps of the points are to be measured, on rows the method never saw.
    watched
        Points, by id, whose local gaps are listed region by region.
    arms
        Ways to spend the budget, to be compared on rows the method never saw.
    """

    points: tuple[Point, ...]
    tables: Mapping[str, Table] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    regions: Regions | None = None
    watched: tuple[str, ...] = ()
    arms: tuple[Arm, ...] = ()


class Method(ABC):
    """A remedy: a frozen dataclass whose fields are declared by `mitigations.parameters.param`."""

    card: ClassVar[Card]

    @abstractmethod
    def fit(self, problem: Problem, context: Context) -> Outcome:
        """Learn rules.

        Raises
        ------
        MethodError
            The input cannot be used.
        Cancelled
            From `Context.tick`.
        """
