"""Settings of a method, declared once: form, API schema, command line and docs come from here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from mitigations.contract import MethodError


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
        except (TypeError, ValueError) as error:
            raise self._refused(value, f"a {self.kind} setting") from error
        if self.choices and found not in dict(self.choices):
            raise self._refused(value, f"one of {', '.join(name for name, _ in self.choices)}")
        for number in found if isinstance(found, tuple) else (found,):
            if isinstance(number, (int, float)) and not self._within(number):
                raise self._refused(value, f"a number {self._span()}")
        return found

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

    def _span(self) -> str:
        if self.low is None:
            return f"up to {self.high:g}"
        return (
            f"of {self.low:g} or more" if self.high is None else f"{self.low:g} to {self.high:g}"
        )

    def _refused(self, value: Any, wanted: str) -> MethodError:
        return MethodError(
            "bad-setting",
            f"{self.label} is “{value}”.",
            f"Enter {wanted}; {self.default} if in doubt.",
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
