"""Numbers as people read them. Rounded here, for display only: nothing is decided on them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from auditapp.reports.language import gettext as _
from auditapp.reports.language import gettext_noop, ngettext, punctuated

MINUS = "\u2212"
#: larger numbers are written with a power of ten
FURTHEST = 1e15


def rounded(value: float, digits: int) -> Decimal:
    """Half away from zero, from the shortest decimal that stands for the float."""
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def text(number: Decimal, digits: int, *, sign: bool) -> str:
    """A rounded number with commas and a true minus; zero has no sign."""
    if number == 0:
        return punctuated(f"{0:.{digits}f}")
    body = punctuated(f"{abs(number):,.{digits}f}")
    if number < 0:
        return MINUS + body
    return f"+{body}" if sign else body


def count(value: float) -> str:
    """A whole number with thousands commas."""
    return text(rounded(value, 0), 0, sign=False)


def decimal(value: float, digits: int = 2) -> str:
    if abs(value) >= FURTHEST:
        return punctuated(f"{value:.3e}".replace("-", MINUS, int(value < 0)))
    return text(rounded(value, digits), digits, sign=False)


def signed(value: float, digits: int = 2) -> str:
    """A difference on its own scale; zero carries no sign."""
    return text(rounded(value, digits), digits, sign=True)


def percent(value: float, digits: int = 0) -> str:
    """A fraction as a percentage."""
    return _("{number}%").format(number=text(hundred(value, digits), digits, sign=False))


def hundred(value: float, digits: int) -> Decimal:
    """A fraction times one hundred, rounded."""
    shifted = Decimal(repr(float(value))).scaleb(2)
    return shifted.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def points(value: float, digits: int = 1) -> str:
    """A signed difference of fractions in percentage points; zero carries no sign."""
    return text(hundred(value, digits), digits, sign=True)


def size(value: float, digits: int = 0) -> str:
    """The size of a difference in points, without sign."""
    return text(abs(hundred(value, digits)), digits, sign=False)


def limit(value: float) -> str:
    """A limit in points with as many decimals as it was set with."""
    return punctuated(f"{Decimal(repr(float(value))).scaleb(2).normalize():f}")


def given(value: float) -> str:
    """A number as somebody set it, with every decimal it was set with."""
    if value and not 1 / FURTHEST < abs(value) < FURTHEST:
        return punctuated(f"{value:g}".replace("-", MINUS, int(value < 0)))
    exact = Decimal(repr(float(value))).normalize()
    return text(exact, max(0, -int(exact.as_tuple().exponent)), sign=False)


def span(low: float, high: float, digits: int = 1, *, signed: bool = True) -> str:
    """An interval of points: `−28.0 to −26.5`."""
    if signed:
        return between(points(low, digits), points(high, digits))
    return between(size(low, digits), size(high, digits))


def percent_span(low: float, high: float, digits: int = 1) -> str:
    """An interval of rates without the repeated percent sign."""
    return between(
        text(hundred(low, digits), digits, sign=False),
        text(hundred(high, digits), digits, sign=False),
    )


def between(low: str, high: str) -> str:
    """An interval from its two ends as written."""
    return _("{low} to {high}").format(low=low, high=high)


def comparisons(value: int) -> str:
    """`1 comparison`, `178 comparisons`."""
    return plural(value, "comparison")


def p_value(value: float | None) -> str:
    if value is None:
        return _("not computed")
    if value < 0.001:
        return f"p < {punctuated('0.001')}"
    return f"p = {decimal(value, 3)}"


_WORDS = (
    gettext_noop("no"), gettext_noop("one"), gettext_noop("two"), gettext_noop("three"),
    gettext_noop("four"), gettext_noop("five"), gettext_noop("six"), gettext_noop("seven"),
    gettext_noop("eight"), gettext_noop("nine"), gettext_noop("ten"),
)  # fmt: skip


def spelled(value: int) -> str:
    """Small counts as words, others in figures."""
    return _(_WORDS[value]) if 0 <= value < len(_WORDS) else count(value)


def plural(value: int, noun: str, many: str = "") -> str:
    """`1 person`, `2 people`."""
    return f"{count(value)} {ngettext(noun, many or noun + 's', value)}"


def byte_size(value: int) -> str:
    """Bytes in decimal units."""
    amount = float(value)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            exact = unit == "bytes"
            return f"{count(amount)} bytes" if exact else punctuated(f"{amount:.1f} {unit}")
        amount /= 1000
    raise AssertionError


def listing(items: list[str], cap: int = 0) -> str:
    """`a, b and c`; past the cap `a, b and 4 more`."""
    shown = items[:cap] if cap and len(items) > cap else items
    rest = len(items) - len(shown)
    if rest:
        return _("{shown} and {rest} more").format(shown=", ".join(shown), rest=rest)
    if len(shown) < 2:
        return "".join(shown)
    return _("{shown} and {last}").format(shown=", ".join(shown[:-1]), last=shown[-1])


def upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def short_hash(text: str, groups: int = 3) -> str:
    """The first digits of a hash in groups of four."""
    return " ".join(text[i : i + 4] for i in range(0, 4 * groups, 4))
