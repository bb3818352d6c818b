"""What a regulatory template is, before anything is counted: rule, source, and what it asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from auditapp.errors import AuditError

#: Kinds of answers: a line, several lines, one of `choices`, yes or no, a number, a day
#: (2026-01-31), a column of the table, or several names.
KINDS = frozenset({"text", "long", "choice", "switch", "number", "date", "column", "names"})
LONGEST = 4000
#: `91,5`; a comma before three digits may part thousands and is left alone.
_COMMA = re.compile(r"-?\d+,(\d{1,2}|\d{4,})")


@dataclass(frozen=True)
class Field:
    """One thing a template asks the auditor for.

    `default` stands where nothing is said; `needed` fields keep a report a draft while empty.
    `of` says what a list of names has to name: ``columns`` of the table, or ``attributes``, the
    sensitive columns by name or title. `first` questions stand open beside the needed ones.
    """

    name: str
    label: str
    kind: str = "text"
    help: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    default: Any = ""
    low: float | None = None
    high: float | None = None
    needed: bool = False
    of: str = ""
    first: bool = False

    def read(self, value: Any) -> Any:
        """Return an answer as its kind, from text or JSON.

        Raises
        ------
        AuditError
            ``bad-template-setting``.
        """
        try:
            return _READERS[self.kind](self, value)
        except (TypeError, ValueError) as error:
            raise AuditError(
                "bad-template-setting",
                f"“{self.label}” is “{str(value)[:80]}”, which is not {self._wanted()}.",
                f"Write {self._wanted()}.",
                where="templates",
            ) from error

    def _wanted(self) -> str:
        if self.kind == "choice":
            return f"one of: {', '.join(self.choices)}"
        if self.kind == "number":
            low = "" if self.low is None else f" from {self.low:g}"
            high = "" if self.high is None else f" up to {self.high:g}"
            return f"a number{low}{high}"
        return {"switch": "yes or no", "date": "a day such as 2026-01-31"}.get(
            self.kind, f"text of at most {LONGEST:,} characters"
        )


@dataclass(frozen=True)
class Card:
    """A template as people choose it.

    `compute` and `section` are dotted names of the module with ``run(audited, document,
    settings) -> dict`` and of the one with ``section(facts, annex) -> Section``. `outcomes` are
    the kinds of outcome it can speak of. `version` is the day of the text the template follows.
    `check` finds answers that do not go together: the name of a field, and what is wrong.
    `also` says what is needed for a final report beside the fields.
    """

    slug: str
    title: str
    jurisdiction: str
    rule: str
    version: str
    source: str
    text: str
    compute: str
    section: str
    fields: tuple[Field, ...] = ()
    outcomes: tuple[str, ...] = ("binary",)
    needs_label: bool = False
    check: Callable[[Mapping[str, Any]], list[tuple[str, str]]] | None = None
    also: str = ""

    def problems(self, given: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Answers that do not go together: the name of a field, and what is wrong."""
        return [] if self.check is None else self.check(self.settings(given))

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Every field with its answer or its default.

        Raises
        ------
        AuditError
            ``unknown-template-setting`` or ``bad-template-setting``.
        """
        known = {item.name: item for item in self.fields}
        for name in given:
            if name not in known:
                raise AuditError(
                    "unknown-template-setting",
                    f"The template “{self.slug}” has no setting “{name}”.",
                    f"Choose among: {', '.join(known)}."
                    if known
                    else "This template has no settings.",
                    where="templates",
                )
        return {
            name: item.read(given[name]) if name in given else item.default
            for name, item in known.items()
        }


def _text(item: Field, value: Any) -> str:
    text = "" if value is None else str(value).strip()
    if len(text) > LONGEST:
        raise ValueError(text[:20])
    return text


def _choice(item: Field, value: Any) -> str:
    if str(value) not in item.choices:
        raise ValueError(value)
    return str(value)


def _switch(item: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"yes": True, "true": True, "1": True, "on": True,
            "no": False, "false": False, "0": False, "": False}[str(value).lower()]  # fmt: skip


def _number(item: Field, value: Any) -> float:
    if isinstance(value, str) and _COMMA.fullmatch(value.strip()):
        value = value.replace(",", ".")
    number = float(value)
    low = number if item.low is None else item.low
    high = number if item.high is None else item.high
    if not low <= number <= high:
        raise ValueError(value)
    return number


def _date(item: Field, value: Any) -> str:
    from datetime import date

    text = _text(item, value)
    return date.fromisoformat(text).isoformat() if text else ""


def _names(item: Field, value: Any) -> list[str]:
    """Names from a list, or from text with a semicolon or a new line between them."""
    if isinstance(value, str):
        value = value.replace("\n", ";").split(";")
    return [_text(item, name) for name in value if str(name).strip()]


_READERS = {
    "text": _text, "long": _text, "choice": _choice, "switch": _switch,
    "number": _number, "date": _date, "column": _text, "names": _names,
}  # fmt: skip
