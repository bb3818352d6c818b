"""Windows on rates, the program they stand in, and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Denominators up to this are empty.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Family:
    """Rates top / bottom of some members, which are to lie within one window.

    Parameters
    ----------
    top, bottom : (g, v) float64
        Change of numerator and denominator for each unit of the variables.
    top0, bottom0 : (g,) float64
        Their values where every variable is 0.
    width
        Largest difference of two rates.
    edge
        Families of one name share their lower edge in a sweep.
    elastic
        Whether the width may be widened where it cannot be kept.
    """

    top: Floats
    top0: Floats
    bottom: Floats
    bottom0: Floats
    width: float
    edge: str
    elastic: bool = True

    @property
    def swept(self) -> bool:
        """Whether a denominator depends on the variables."""
        return bool(self.bottom.any())

    def rates(self, x: Floats) -> Floats:
        """Rates of the members, NaN without a case."""
        below = self.bottom0 + self.bottom @ x
        above = self.top0 + self.top @ x
        rates: Floats = np.full(below.size, np.nan)
        return np.divide(above, below, out=rates, where=below > ROUNDING)

    def gap(self, x: Floats) -> float:
        """Largest difference of two rates, 0 with fewer than two."""
        rates = self.rates(x)
        rates = rates[np.isfinite(rates)]
        return float(np.ptp(rates)) if rates.size > 1 else 0.0


@dataclass(frozen=True)
class Program:
    """Variables on [0, upper] under rows and windows; all 0 must satisfy the rows.

    Parameters
    ----------
    errors, errors0
        Errors as an affine function: minimised first.
    burden : (v,)
        Minimised among the solutions with the least errors.
    rows, limits, names
        ``rows @ x <= limits``, and what each row is.
    upper : (v,)
        Largest values.
    families
        Windows.
    whole
        Whether variables are whole numbers.
    """

    errors: Floats
    errors0: float
    burden: Floats
    rows: Floats
    limits: Floats
    names: tuple[tuple[str, int], ...]
    upper: Floats
    families: tuple[Family, ...] = ()
    whole: bool = True

    @property
    def edges(self) -> tuple[str, ...]:
        """Names of the edges that have to be swept."""
        return tuple(dict.fromkeys(f.edge for f in self.families if f.swept))


@dataclass(frozen=True)
class Answer:
    """A solution.

    Parameters
    ----------
    x
        Values of the variables.
    errors
        Errors with them.
    excess
        What the elastic windows were widened by; 0 where they could be kept.
    edges
        Lower edges of the swept windows.
    proved
        Whether every solve ended before its time limit.
    """

    x: Floats
    errors: float
    excess: float
    edges: Mapping[str, float] = field(default_factory=dict)
    proved: bool = True
