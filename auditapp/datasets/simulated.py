"""A simulated population with the columns of the American Community Survey.

Nobody in it exists and no survey record was used: every probability below is our own. Age,
schooling, hours, occupation and class of worker are drawn without regard to race and sex, income
depends on them alone, and so do the scores, except for the penalties that are planted. Every gap
in selection rate between groups of race or sex is therefore planted or chance.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from auditapp.datasets.split import stream

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

LABEL = "INCOME_ABOVE_50K"
SCORE = "score"
THRESHOLD = 0.5

_RACE = np.array([0.599, 0.130, 0.008, 0.0005, 0.006, 0.080, 0.004, 0.110, 0.0625])
_RACE_UNKNOWN = 0.02
_BLACK, _OTHER, _WOMEN = 2, 8, 2
_BLACK_PENALTY = 0.50
_OTHER_WOMEN_PENALTY = 0.65

_SCHOOLING = np.array(
    [12, 1, 1, 1, 2, 3, 4, 5, 6, 8, 10, 14, 18, 20, 18, 230, 42, 65, 160, 95, 210, 90, 22, 15]
)
_WORKER = np.array([0.68, 0.08, 0.075, 0.05, 0.03, 0.06, 0.022, 0.003])
_WORKER_EFFECT = np.array([0.0, -0.1, 0.0, 0.05, 0.5, -0.5, 0.35, -1.5])
_OCCUPATIONS = np.array([20, 440, 1021, 2310, 3255, 4020, 4720, 5240, 6260, 7750, 9130, 9620])
_OCCUPATION_EFFECT = np.array([0.9, 0.7, 1.2, 0.1, 0.6, -1.1, -0.6, -0.3, 0.2, 0.0, 0.1, -0.6])
_OCCUPATION_SCHOOLED = np.array([14, 12, 10, 18, 12, 3, 8, 8, 3, 3, 4, 5])
_OCCUPATION_OTHERS = np.array([5, 5, 2, 2, 3, 14, 14, 12, 14, 11, 12, 16])

PLANTED: dict[str, Any] = {
    "simulated": True,
    "threshold": THRESHOLD,
    "label": LABEL,
    "score": SCORE,
    "metric": "selection-rate",
    "gaps": (
        {
            "by": ("RAC1P",),
            "group": {"RAC1P": "2"},
            "words": "Black",
            "comparator": {"RAC1P": "1"},
            "difference": -0.113,
            "why": "0.50 taken off the score's log odds",
        },
        {
            "by": ("RAC1P", "SEX"),
            "group": {"RAC1P": "8", "SEX": "2"},
            "words": "Some other race, women",
            "comparator": {"RAC1P": "1", "SEX": "1"},
            "difference": -0.143,
            "why": "0.65 taken off the score's log odds of this combination only",
        },
        {
            "by": ("RAC1P",),
            "group": {"RAC1P": "8"},
            "words": "Some other race",
            "comparator": {"RAC1P": "1"},
            "difference": -0.069,
            "why": "half of this group are the women above",
        },
        {
            "by": ("RAC1P",),
            "group": {"RAC1P": "6"},
            "words": "Asian",
            "comparator": {"RAC1P": "1"},
            "difference": 0.0,
            "why": "nothing planted",
        },
        {
            "by": ("SEX",),
            "group": {"SEX": "2"},
            "words": "Women",
            "comparator": {"SEX": "1"},
            "difference": -0.016,
            "why": "the combination above makes up a ninth of all women",
        },
    ),
    "under_floor": ({"RAC1P": "4", "words": "Alaska Native", "share": 0.0005},),
    "few_people": (
        {"RAC1P": "3", "words": "American Indian", "share": 0.008},
        {"RAC1P": "7", "words": "Pacific Islander", "share": 0.004},
    ),
    "unknown": {"column": "RAC1P", "share": _RACE_UNKNOWN},
}
"""Planted disparities: differences in selection rate at the threshold, group minus comparator.

The numbers are means over 4,000,000 simulated people, rounded to a tenth of a point.
"""


def acs_like(n: int = 20_000, seed: int = 0) -> pd.DataFrame:
    """Return `n` simulated people.

    Parameters
    ----------
    n
        Number of people.
    seed
        Equal seeds give equal tables.

    Returns
    -------
    pandas.DataFrame
        ``AGEP, COW, SCHL, MAR, OCCP, WKHP, SEX, RAC1P`` in Census codes (RAC1P blank where
        unknown), the label ``INCOME_ABOVE_50K`` as 0 or 1, and ``score`` in [0, 1] of a scorer
        that is biased as `PLANTED` says.
    """
    import pandas as pd

    random = stream("simulated/acs-like/1", seed)
    age = _ages(random, n)
    sex = np.where(random.random(n) < 0.51, 1, 2)
    race = _draw(random, _RACE, n) + 1
    schooling = _draw(random, _SCHOOLING, n) + 1
    worker = _draw(random, _WORKER, n)
    hours = np.clip(np.rint(random.normal(39, 11, n)), 1, 99)
    hours = np.where(random.random(n) < 0.42, 40, hours).astype(int)
    occupation = np.where(
        schooling >= 21,
        _draw(random, _OCCUPATION_SCHOOLED, n),
        _draw(random, _OCCUPATION_OTHERS, n),
    )
    odds = (
        -0.95
        + 0.23 * np.clip(schooling - 17, -6, 7)
        + 0.07 * (np.minimum(age, 52) - 40)
        + 0.06 * (hours - 40)
        + _WORKER_EFFECT[worker]
        + _OCCUPATION_EFFECT[occupation]
    )
    label = (random.random(n) < _sigmoid(odds)).astype(int)
    penalty = np.where(race == _BLACK, _BLACK_PENALTY, 0.0)
    penalty += np.where((race == _OTHER) & (sex == _WOMEN), _OTHER_WOMEN_PENALTY, 0.0)
    score = _sigmoid(odds + random.normal(0.0, 0.45, n) - penalty)
    known = random.random(n) >= _RACE_UNKNOWN
    return pd.DataFrame(
        {
            "AGEP": age,
            "COW": worker + 1,
            "SCHL": schooling,
            "MAR": _marital(random, age),
            "OCCP": _OCCUPATIONS[occupation],
            "WKHP": hours,
            "SEX": sex,
            "RAC1P": pd.Series(race, dtype="Int64").where(pd.Series(known)),
            LABEL: label,
            SCORE: np.round(score, 4),
        }
    )


def write_demo(path: Path | str, *, n: int = 20_000, seed: int = 0) -> Path:
    """Write the demo table as CSV, or as Parquet when the name ends so; return its path."""
    target = Path(path)
    table = acs_like(n, seed)
    if target.suffix == ".parquet":
        table.to_parquet(target, index=False)
    else:
        table.to_csv(target, index=False, lineterminator="\n")
    return target


def _ages(random: np.random.Generator, n: int) -> NDArray[np.int64]:
    middle = random.normal(42, 14, n)
    older = random.random(n) < 0.06
    spread = np.where(older, random.uniform(62, 85, n), middle)
    return np.clip(np.rint(spread), 17, 94).astype(np.int64)


def _marital(random: np.random.Generator, age: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return marital status: never married falls and widowed rises with age."""
    never = np.clip(1.5 - 0.032 * age, 0.08, 0.97)
    widowed = np.clip((age - 50) * 0.008, 0.0, 0.5)
    divorced = np.clip((age - 24) * 0.006, 0.0, 0.16)
    edges = np.cumsum(np.vstack([never, widowed, divorced, np.full(len(age), 0.02)]), axis=0)
    step = (random.random(len(age)) >= edges).sum(axis=0)
    return np.asarray(np.array([5, 2, 3, 4, 1])[step], dtype=np.int64)


def _draw(
    random: np.random.Generator, weights: NDArray[np.floating | np.integer], n: int
) -> NDArray[np.intp]:
    edges = np.cumsum(weights / weights.sum())
    return np.minimum(np.searchsorted(edges, random.random(n), side="right"), len(weights) - 1)


def _sigmoid(values: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-values)), dtype=np.float64)
