"""Settings of a method, declared once: form, API schema, command line and docs come from here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from mitigations.contract import MethodError

#: Most numbers that a setting of several takes: each may be a fit of its own.
MOST_NUMBERS = 50
_WANTED = {
    "switch": "yes or no",
    "whole": "a whole number",
    "number": "a number",
    "numbers": f"up to {MOST_NUMBERS} numbers, separated by commas",
}


@dataclass(frozen=True)
class Parameter:
    """One setting of a method.

    Parameters
    ----------
    name, label, help, unit
        For people; `unit` such as ``points`` or ``people``.
    default
        Its type is the type of the setting: bool, int, float, str, or a tuple of floats.
    low, high
        Limits, both allowed; None for none.
    choices
        Allowed values of a text, with their words.
    """

    name: str
    label: str
    help: str
    unit: str
    default: Any
    low: float | None = None
    high: float | None = None
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def kind(self) -> str:
        """``switch``, ``whole``, ``number``, ``numbers``, ``choice`` or ``text``."""
        if self.choices:
            return "choice"
        names = {bool: "switch", int: "whole", float: "number", tuple: "numbers"}
        return names.get(type(self.default), "text")

    def read(self, value: Any) -> Any:
        """The value as its type, from JSON or from text.

        Raises
        ------
        MethodError
            ``bad-setting``: of another type, not among the choices, or outside the limits.
        """
        try:
            found = self._typed(value)
        except (TypeError, ValueError, LookupError, OverflowError) as error:
            raise self._refused(value) from error
        if self.choices and found not in dict(self.choices):
            raise self._refused(value)
        numbers = found if isinstance(found, tuple) else (found,)
        if isinstance(found, tuple) and not bool(self.default) <= len(found) <= MOST_NUMBERS:
            raise self._refused(value)
        for number in numbers:
            if isinstance(number, (int, float)) and not self._within(number):
                raise self._refused(value)
        return found

    def shown(self, value: Any) -> str:
        """The value as it is typed: 0, 0.01, 0.05."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, (tuple, list)):
            return ", ".join(self.shown(item) for item in value)
        return f"{value:.12g}" if isinstance(value, float) else str(value)

    def _typed(self, value: Any) -> Any:
        if isinstance(self.default, bool):
            if isinstance(value, bool):
                return value
            return {"true": True, "yes": True, "1": True, "on": True, "false": False,
                    "no": False, "0": False, "off": False}[str(value).strip().lower()]  # fmt: skip
        if isinstance(self.default, int):
            if isinstance(value, bool) or float(value) != int(float(value)):
                raise ValueError
            return int(float(value))
        if isinstance(self.default, float):
            return float(value)
        if isinstance(self.default, tuple):
            items: Sequence[Any] = (
                value.replace(";", " ").replace(",", " ").split()
                if isinstance(value, str)
                else value
            )
            return tuple(float(item) for item in items)
        return str(value)

    def _within(self, number: float) -> bool:
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return math.isfinite(number) and low <= number <= high

    @property
    def span(self) -> str:
        """Limits in words: from 0 to 1."""
        if self.low is None and self.high is None:
            return ""
        if self.low is None:
            return f"up to {self.high:,.12g}"
        if self.high is None:
            return f"from {self.low:,.12g} up"
        return f"from {self.low:,.12g} to {self.high:,.12g}"

    def _refused(self, value: Any) -> MethodError:
        kind = self.kind
        wanted = (
            f"one of {', '.join(name for name, _ in self.choices)}"
            if kind == "choice"
            else _WANTED.get(kind, "a text")
        )
        if kind == "numbers":
            start, _, end = wanted.partition(",")
            wanted = f"{start} {self.span}".rstrip() + f",{end}"
        elif kind in {"whole", "number"}:
            wanted = f"{wanted} {self.span}".rstrip()
        given = self.shown(value) if isinstance(value, (tuple, list)) else str(value)
        given = given if len(given) <= 60 else f"{given[:59]}…"
        return MethodError(
            "bad-setting",
            f"{self.label} is “{given}”." if given else f"{self.label} is empty.",
            f"Enter {wanted}; {self.shown(self.default)} if in doubt.",
        )


def param(
    default: Any,
    low: float | None = None,
    high: float | None = None,
    *,
    label: str,
    help: str,
    unit: str = "",
    choices: Sequence[tuple[str, str]] = (),
) -> Any:
    """Declare a field of a method as a setting."""
    facts = {"low": low, "high": high, "label": label, "help": help, "unit": unit}
    return field(default=default, metadata={"param": {**facts, "choices": tuple(choices)}})


def parameters(method: type) -> tuple[Parameter, ...]:
    """Settings of a method in the order in which they are declared."""
    return tuple(_of(item) for item in fields(method) if "param" in item.metadata)


def _of(item: Field[Any]) -> Parameter:
    if item.default is MISSING:
        raise TypeError(f"the setting {item.name} has no default")
    return Parameter(name=item.name, default=item.default, **item.metadata["param"])


def build(method: type, settings: Mapping[str, Any]) -> Any:
    """A method with these settings, checked.

    Raises
    ------
    MethodError
        ``unknown-setting`` or ``bad-setting``.
    """
    known = {item.name: item for item in parameters(method)}
    stray = [name for name in settings if name not in known]
    if stray:
        raise MethodError(
            "unknown-setting",
            f"There is no setting “{stray[0]}”.",
            f"Choose among {', '.join(known)}." if known else "This method has no settings.",
        )
    return method(**{name: known[name].read(value) for name, value in settings.items()})
