"""Tasks as data: names, conditions and nothing that runs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from auditapp.errors import AuditError
from auditapp.folktables.grammar import ExpressionError, parse
from auditapp.folktables.nodes import Condition, columns_of

SCHEMA = "evenhand/task/1"
VERSION = "folktables 0.0.12"
MODES = ("corrected", "compatible")
"""What blanks become: see `auditapp.folktables.apply`."""
GROUP = "RAC1P"
LONGEST_NAME = 60
MOST_FEATURES = 500
MOST_CONDITIONS = 20

_FIELDS = {"schema", "name", "title", "features", "target", "filter", "group", "version", "notes"}


@dataclass(frozen=True)
class Task:
    """A prediction task on persons.

    Parameters
    ----------
    name, title
        What it is called, and what the positive class is in words.
    features
        Columns of the feature matrix, in this order.
    target
        Condition that the positive class meets.
    filter
        Conditions that every row must meet; a blank cell meets none.
    group
        Column whose groups are compared.
    version
        Whose definition it is.
    notes
        What an auditor should know about it.
    """

    name: str
    title: str
    features: tuple[str, ...]
    target: str
    filter: tuple[str, ...] = ()
    group: str = GROUP
    version: str = ""
    notes: tuple[str, ...] = ()

    @property
    def positive(self) -> Condition:
        """The target, read."""
        return parse(self.target)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The filter, read."""
        return tuple(parse(text) for text in self.filter)

    @property
    def label(self) -> str:
        """Name of the label column: the target's column where there is one, else the task's."""
        columns = columns_of(self.positive)
        return columns[0] if len(columns) == 1 else self.name

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column it reads: features, target, filter and group."""
        return tuple(dict.fromkeys([*self.features, *self.required]))

    @property
    def required(self) -> tuple[str, ...]:
        """The columns it cannot do without: target, filter and group."""
        read = [*columns_of(self.positive)]
        for condition in self.conditions:
            read += columns_of(condition)
        return tuple(dict.fromkeys([*read, self.group]))

    def without(self, names: Sequence[str]) -> Task:
        """The same task without some features, under another version.

        Raises
        ------
        AuditError
            ``task-features`` when none is left.
        """
        kept = tuple(name for name in self.features if name not in names)
        if kept == self.features:
            return self
        gone = ", ".join(name for name in self.features if name in names)
        version = f"{self.version}, without {gone}".removeprefix(", ")
        return make({**self.to_json(), "features": list(kept), "version": version})

    def to_json(self) -> dict[str, Any]:
        """The task as JSON; `make` reads it."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "title": self.title,
            "features": list(self.features),
            "target": self.target,
            "filter": list(self.filter),
            "group": self.group,
            "version": self.version,
            "notes": list(self.notes),
        }


def make(data: Mapping[str, Any]) -> Task:
    """Build a task from JSON, such as a form's.

    Raises
    ------
    AuditError
        ``task-name``, ``task-features``, ``task-group``, ``task-leak``, ``task-field`` or
        ``task-expression``; ``where`` begins with the field to change.
    """
    unknown = sorted(set(data) - _FIELDS)
    if unknown:
        raise AuditError(
            "task-field",
            f"A task has no field “{unknown[0]}”.",
            f"Its fields are {', '.join(sorted(_FIELDS - {'schema'}))}.",
            where=unknown[0],
        )
    name = _line(data, "name", "task-name", "The task has no name.")
    features = _names(data.get("features", ()))
    group = _line({"group": GROUP, **data}, "group", "task-group", "The task names no group.")
    target = _condition(str(data.get("target") or ""), "target")
    conditions = [str(text).strip() for text in _lines(data.get("filter", ()))]
    conditions = [text for text in conditions if text]
    if len(conditions) > MOST_CONDITIONS:
        raise AuditError(
            "task-field",
            f"The filter has {len(conditions):,} conditions; at most {MOST_CONDITIONS} are read.",
            "Join some of them with and.",
            where="filter",
        )
    for i, text in enumerate(conditions):
        _condition(text, f"filter {i + 1}")
    leaks = [column for column in columns_of(parse(target)) if column in features]
    if leaks:
        raise AuditError(
            "task-leak",
            f"“{leaks[0]}” is a feature, and the target “{target}” is computed from it.",
            "Leave it out of the features: a model would read the answer from it.",
            where="features",
            found=", ".join(leaks),
        )
    title = str(data.get("title") or "").strip()
    return Task(
        name=name,
        title=title if title else target,
        features=features,
        target=target,
        filter=tuple(conditions),
        group=group,
        version=str(data.get("version") or "").strip(),
        notes=tuple(str(note) for note in _lines(data.get("notes", ()))),
    )


@lru_cache(maxsize=1)
def catalogue() -> tuple[Task, ...]:
    """The eight tasks of the folktables package."""
    text = Path(__file__).with_name("tasks.toml").read_text(encoding="utf-8")
    return tuple(
        make({**item, "features": item["features"].split(), "version": VERSION})
        for item in tomllib.loads(text)["task"]
    )


def find(name: str) -> Task:
    """Return a task of the catalogue, whatever its capitals.

    Raises
    ------
    AuditError
        ``unknown-task``, with the names that come close.
    """
    known = {task.name: task for task in catalogue()}
    folded = {key.casefold(): task for key, task in known.items()}
    folded |= {key.casefold().removeprefix("acs"): task for key, task in known.items()}
    task = folded.get(name.strip().casefold())
    if task is None:
        near = get_close_matches(name, list(known), n=2, cutoff=0.5)
        raise AuditError(
            "unknown-task",
            f"There is no task “{name}”.",
            f"Did you mean {' or '.join(near)}?" if near else f"Tasks: {', '.join(known)}.",
            where="task",
        )
    return task


def _line(data: Mapping[str, Any], field: str, code: str, message: str) -> str:
    text = str(data.get(field) or "").strip()
    if not text:
        raise AuditError(code, message, "Fill it in.", where=field)
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise AuditError(
            code,
            f"The {field} of the task is too long or holds characters that cannot be shown.",
            f"Up to {LONGEST_NAME} characters.",
            where=field,
        )
    return text


def _names(value: Any) -> tuple[str, ...]:
    listed = value.replace(",", " ").split() if isinstance(value, str) else _lines(value)
    names = [str(name).strip() for name in listed]
    names = [name for name in names if name]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise AuditError(
            "task-features", f"“{twice[0]}” is a feature twice.", "Name it once.", where="features"
        )
    if not names or len(names) > MOST_FEATURES:
        raise AuditError(
            "task-features",
            "The task has no features." if not names else f"It has {len(names):,} features.",
            f"Name one to {MOST_FEATURES} columns that a model may see.",
            where="features",
        )
    return tuple(names)


def _lines(value: Any) -> list[Any]:
    return value.splitlines() if isinstance(value, str) else list(value or ())


def _condition(text: str, field: str) -> str:
    text = text.strip()
    try:
        parse(text)
    except ExpressionError as error:
        error.where = f"{field}, {error.where}"
        raise
    return text
