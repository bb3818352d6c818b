"""How the values of a metric and their differences are written: rates in points, or amounts."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from auditapp.reports.language import gettext as _
from auditapp.reports.language import gettext_noop, punctuated
from auditapp.reports.numbers import FURTHEST, MINUS, between, text


@dataclass(frozen=True)
class Unit:
    """The writing of one metric.

    Parameters
    ----------
    one, many
        What a difference counts in.
    axis
        The same as the title of an axis or the end of a subtitle.
    heading, value_heading
        Over a column of differences and of values.
    sign
        What follows a value without a space.
    shift
        Powers of ten between a stored number and a written one.
    fine, coarse
        Decimals in tables and charts, and in sentences where that is enough.
    """

    one: str = "point"
    many: str = "points"
    axis: str = "percentage points"
    heading: str = "Points"
    value_heading: str = "Rate"
    sign: str = "%"
    shift: int = 2
    fine: int = 1
    coarse: int = 0

    @classmethod
    def of(cls, chart: dict[str, Any] | None) -> Unit:
        """The unit of a chart; rates where none is said."""
        return POINTS if chart is None else cls(**chart)

    def to_chart(self) -> dict[str, Any]:
        """The unit as a part of a chart."""
        return asdict(self)

    def rounded(self, value: float, digits: int) -> Decimal:
        """A number as written, half away from zero."""
        if self._powers(value, digits):
            return Decimal(f"{value:.3e}")
        shifted = Decimal(repr(float(value))).scaleb(self.shift)
        return shifted.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)

    def value(self, value: float, digits: int | None = None) -> str:
        """A value: `34.5%`, `−0.42`."""
        number = self._text(value, digits, sign=False)
        return _("{number}%").format(number=number) if self.sign == "%" else number + self.sign

    def values(self, low: float, high: float, digits: int | None = None) -> str:
        """An interval of values without their sign."""
        low_text, high_text = (self._text(v, digits, sign=False) for v in (low, high))
        return between(low_text, high_text)

    def difference(self, value: float, digits: int | None = None) -> str:
        """A signed difference; zero carries no sign."""
        return self._text(value, digits, sign=True)

    def differences(self, low: float, high: float, digits: int | None = None) -> str:
        """An interval of signed differences."""
        return between(self.difference(low, digits), self.difference(high, digits))

    def size(self, value: float, digits: int | None = None) -> str:
        """The size of a difference without its sign, in sentences."""
        return self._text(abs(value), self.coarse if digits is None else digits, sign=False)

    def sizes(self, low: float, high: float, digits: int | None = None) -> str:
        """An interval of sizes."""
        return between(self.size(low, digits), self.size(high, digits))

    def limit(self, value: float) -> str:
        """A limit with as many decimals as it was set with."""
        return punctuated(f"{Decimal(repr(float(value))).scaleb(self.shift).normalize():f}")

    def counted(self, amount: str) -> str:
        """`1 point`, `2 points`, `0.42 units`."""
        return f"{amount} {self.one if amount == '1' else self.many}".strip()

    def at_most(self, value: float) -> str:
        """A limit rounded up, so that a claim that a gap is smaller stays true."""
        shown = abs(value) * 10.0**self.shift
        digits = self.coarse if shown >= 10.0**-self.coarse else max(self.fine, self.coarse)
        ceiling = math.ceil(round(shown * 10.0**digits, 6)) / 10.0**digits
        return text(Decimal(repr(ceiling)), digits, sign=False)

    @staticmethod
    def _powers(value: float, digits: int) -> bool:
        """Whether a number is too large or too small to be read without a power of ten."""
        return abs(value) >= FURTHEST or (value != 0 and digits >= MOST_DIGITS - 1)

    def _text(self, value: float, digits: int | None, *, sign: bool) -> str:
        shown = self.fine if digits is None else digits
        if self._powers(value, shown):
            body = f"{value:{'+' if sign else ''}.3e}".replace("-", MINUS, int(value < 0))
            return punctuated(body)
        return text(self.rounded(value, shown), shown, sign=sign)


POINTS = Unit(
    one=gettext_noop("point"),
    many=gettext_noop("points"),
    axis=gettext_noop("percentage points"),
    heading=gettext_noop("Points"),
    value_heading=gettext_noop("Rate"),
)
#: a number without a unit, such as R²
PLAIN = Unit(
    one="", many="", axis=gettext_noop("its own scale"), heading=gettext_noop("Difference"),
    value_heading=gettext_noop("Value"), sign="", shift=0, fine=2, coarse=2,
)  # fmt: skip
MOST_DIGITS = 12


def points() -> Unit:
    """Rates, in the language that is being written."""
    return _spoken(POINTS)


def plain() -> Unit:
    """A number without a unit, in the language that is being written."""
    return _spoken(PLAIN)


def _spoken(unit: Unit) -> Unit:
    names = ("one", "many", "axis", "heading", "value_heading")
    words: Any = {name: _(getattr(unit, name)) for name in names}
    return replace(unit, **words)


def amount(spread: float | None, axis: str) -> Unit:
    """The unit of an outcome that is a number, with about three digits of its spread.

    Parameters
    ----------
    spread
        Standard deviation of the outcome, None where it is not known.
    axis
        What one unit is, for axes and subtitles.
    """
    fine = 2
    if spread is not None and spread > 0:
        fine = min(max(2 - math.floor(math.log10(spread)), 0), MOST_DIGITS)
    return Unit(
        one=_("unit"),
        many=_("units"),
        axis=axis,
        heading=_("Units"),
        value_heading=_("Value"),
        sign="",
        shift=0,
        fine=fine,
        coarse=max(fine - 1, 0),
    )
