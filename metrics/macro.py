"""Macro means over classes with a multinomial bootstrap, and the test of equal class shares.

A macro mean is the plain mean over classes of a rate of one class against the rest. It is
undefined where one of them is: dropping the class would compare groups on different classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from metrics import bootstrap, rates
from metrics.cells import Counts, Floats
from metrics.comparisons import REST
from metrics.estimates import BASELINE, Record, plain
from metrics.layout import Layout
from metrics.values import COLUMNS, pair_head

MACRO = ("macro-tpr", "macro-fpr", "macro-precision")
NOTHING = {
    "macro-tpr": "absent-class",
    "macro-fpr": "only-class",
    "macro-precision": "class-not-chosen",
}
EXPECTED = 5


def denominators(counts: Floats) -> Floats:
    """Smallest denominator of the rates in each macro mean.

    Parameters
    ----------
    counts : (..., K, K) float
        Rows by label and decision.

    Returns
    -------
    (..., 3) float
        For `MACRO`.
    """
    labelled, chosen = counts.sum(axis=-1), counts.sum(axis=-2)
    others = counts.sum(axis=(-2, -1))[..., None] - labelled
    return np.stack([labelled.min(-1), others.min(-1), chosen.min(-1)], axis=-1)


def macro_values(counts: Floats) -> Floats:
    """Macro true positive rate, false positive rate and precision.

    Parameters
    ----------
    counts : (..., K, K) float
        Rows by label and decision.

    Returns
    -------
    (..., 3) float
        NaN where a class has no denominator.
    """
    hit = np.diagonal(counts, axis1=-2, axis2=-1)
    labelled, chosen = counts.sum(axis=-1), counts.sum(axis=-2)
    others = counts.sum(axis=(-2, -1))[..., None] - labelled
    parts = (
        rates.divide(hit, labelled),
        rates.divide(chosen - hit, others),
        rates.divide(hit, chosen),
    )
    return np.stack([part.mean(axis=-1) for part in parts], axis=-1)


@dataclass(frozen=True)
class Draws:
    """Macro means with their bootstrap draws, made once per group and comparator.

    Parameters
    ----------
    layout
        Groups with counts over (label, decision), none first.
    draws, seed
        Number of draws and seed of every stream.
    denominator_floor
        Denominator every class needs for an interval.
    """

    layout: Layout
    draws: int
    seed: int
    denominator_floor: int
    cache: dict[tuple[tuple[str, ...], int, bool], Floats]

    @classmethod
    def of(cls, layout: Layout, draws: int, seed: int, denominator_floor: int) -> Draws:
        """Nothing drawn yet."""
        return cls(layout, draws, seed, denominator_floor, {})

    def counts(self, by: tuple[str, ...], j: int, *, rest: bool) -> Counts:
        """(K, K) counts of a group or of everybody else."""
        table = self.layout.groups[by].counts[:, 1:, 1:]
        return np.asarray(table.sum(axis=0) - table[j] if rest else table[j])

    def enough(self, by: tuple[str, ...], j: int, *, rest: bool) -> NDArray[np.bool_]:
        """Which macro means have an interval: rows and denominators from the floor on."""
        counts = self.counts(by, j, rest=rest)
        known = denominators(counts.astype(float)) >= max(self.denominator_floor, 1)
        return np.asarray(known & (int(counts.sum()) >= self.layout.floor))

    def drawn(self, by: tuple[str, ...], j: int, *, rest: bool) -> Floats:
        """(3, draws) macro means of drawn tables, n fixed."""
        key = (by, j, rest)
        if key not in self.cache:
            counts = self.counts(by, j, rest=rest)
            name = f"macro/{'/'.join(by)}/{j}/{'rest' if rest else 'group'}"
            rng = bootstrap.stream(self.seed, name)
            used = counts > 0
            tables = np.zeros((self.draws, *counts.shape))
            n = int(counts.sum())
            tables[:, used] = rng.multinomial(n, counts[used] / max(n, 1), size=self.draws)
            self.cache[key] = macro_values(tables).T
        return self.cache[key]


def estimates(draws: Draws, by: tuple[str, ...], has_label: bool) -> list[Record]:
    """Macro means of every listed group."""
    layout = draws.layout
    out: list[Record] = []
    for j in layout.listed(by).tolist():
        counts = draws.counts(by, j, rest=False).astype(float)
        value = macro_values(counts)
        enough = draws.enough(by, j, rest=False)
        low, high = np.full(len(MACRO), np.nan), np.full(len(MACRO), np.nan)
        if enough.any() and draws.draws:
            low, high = bootstrap.percentile_interval(draws.drawn(by, j, rest=False).copy())
        n = int(layout.rows[by][j])
        for m, metric in enumerate(MACRO):
            number, lower, upper = plain(np.array([value[m], low[m], high[m]]))
            why = None
            if number is None:
                why = "empty-group" if n == 0 else NOTHING[metric]
                why = why if has_label else "no-label"
            elif not enough[m]:
                why = "below-floor"
            out.append(
                {
                    "subject": BASELINE,
                    "metric": metric,
                    "class": None,
                    "by": list(by),
                    "group": layout.words(by, j),
                    "n": n,
                    "numerator": None,
                    "denominator": int(counts.sum()),
                    "value": number,
                    "low": lower if enough[m] else None,
                    "high": upper if enough[m] else None,
                    "undefined": why,
                    "below_floor": not bool(enough[m]),
                    "interval": "bootstrap",
                    "shrunken": None,
                }
            )
    return out


def gaps(draws: Draws, has_label: bool) -> list[Record]:
    """Differences of macro means, pointwise and without a verdict; ids are left empty."""
    layout = draws.layout
    out: list[Record] = []
    for by in layout.tables:
        pairs = layout.compared(by)
        for k in range(len(pairs)):
            head = _blank() | pair_head(layout, by, pairs, k)
            sides = _sides(draws, by, int(pairs.group[k]), int(pairs.comparator[k]))
            out += [head | sides[m] | {"metric": metric} for m, metric in enumerate(MACRO)]
            for record in out[-len(MACRO) :]:
                record["reason"] = pairs.reason[k] or record["reason"]
                record["reason"] = record["reason"] if has_label else "no-label"
    return out


def _blank() -> Record:
    """What every gap of a macro mean has in common."""
    empty = dict.fromkeys(
        (*COLUMNS, "numerator", "denominator", "numerator_comparator", "denominator_comparator",
         "size_class", "verdict", "class")
    )  # fmt: skip
    return empty | {"kind": "difference", "primary": False, "level": 0.05, "weight": 0.0}


def _sides(draws: Draws, by: tuple[str, ...], j: int, against: int) -> list[Record]:
    rest = against == REST
    other = j if rest else against
    first, second = draws.counts(by, j, rest=False), draws.counts(by, other, rest=rest)
    here, there = macro_values(first.astype(float)), macro_values(second.astype(float))
    enough = draws.enough(by, j, rest=False) & draws.enough(by, other, rest=rest)
    limits = np.full((4, len(MACRO)), np.nan)
    if enough.any() and draws.draws:
        moved = draws.drawn(by, j, rest=False) - draws.drawn(by, other, rest=rest)
        limits[:2] = bootstrap.percentile_interval(moved.copy())
        limits[2:] = bootstrap.percentile_interval(moved.copy(), level=0.90)
    limits[:, ~enough] = np.nan
    out, rows = [], draws.layout.rows[by]
    for m in range(len(MACRO)):
        names = ("low", "high", "thick_low", "thick_high")
        record: Record = dict(zip(names, plain(limits[:, m]), strict=True))
        value, rate, rate_there = plain(np.array([here[m] - there[m], here[m], there[m]]))
        bars = [record[name] for name in names[2:]]
        record |= {
            "value": value,
            "rate": rate,
            "rate_comparator": rate_there,
            "n": int(rows[j]),
            "n_comparator": int(rows.sum() - rows[j] if rest else rows[other]),
            "b": None if None in bars else max(abs(bar) for bar in bars),
            "reason": None if enough[m] else "below-floor",
        }
        out.append(record)
    return out


def association(
    counts: Counts, *, rng: np.random.Generator, draws: int
) -> dict[str, float | int | str | None]:
    """Pearson's chi-square of group and class, shuffled where expected counts are small.

    Parameters
    ----------
    counts : (g, K) int64
        People by group and chosen class; empty rows and columns are left out.
    rng, draws
        Random stream and number of shuffles where an expected count is below 5.

    Returns
    -------
    dict
        groups, statistic, df, p, method, draws and ``cramers_v``; None with fewer than two
        groups or classes.
    """
    table = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0].astype(float)
    out: dict[str, float | int | str | None] = {
        "groups": len(table), "statistic": None, "df": 0, "p": None, "method": "asymptotic",
        "draws": 0, "cramers_v": None,
    }  # fmt: skip
    if min(table.shape) < 2:
        return out
    rows, columns, n = table.sum(axis=1), table.sum(axis=0), table.sum()
    expected = rows[:, None] * columns / n
    statistic = float(((table - expected) ** 2 / expected).sum())
    df = (len(rows) - 1) * (len(columns) - 1)
    out |= {"statistic": statistic, "df": df, "p": float(chdtrc(df, statistic))}
    out["cramers_v"] = float(np.sqrt(statistic / (n * (min(table.shape) - 1))))
    if expected.min() < EXPECTED and draws:
        reached = 0
        for _ in range(draws):
            left, drawn = columns.astype(np.int64), np.empty_like(table)
            for j, size in enumerate(rows[:-1].astype(np.int64)):
                drawn[j] = rng.multivariate_hypergeometric(left, size, method="marginals")
                left = left - drawn[j].astype(np.int64)
            drawn[-1] = left
            moved = ((drawn - expected) ** 2 / expected).sum()
            reached += bool(moved >= statistic * (1 - 1e-12))
        out |= {"p": (reached + 1) / (draws + 1), "method": "permutation", "draws": draws}
    return out
