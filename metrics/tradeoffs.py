"""One setting of a remedy beside the audited decisions, on the same people.

Everything follows from one table: people by group, label, decision before and decision after.
Comparisons are paired, since both decisions are about the same person.

Survey data come as `metrics.survey_tradeoffs.Standing`: each group's people over the mean design
effect of the audited rates (Rao-Scott, from the replicates of the whole audit), spread as its
weights are. Limits, bands and paired changes are then made as for counts. One pass over the
replicates serves every setting, and small groups keep their limits, whose own replicates are too
few for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from metrics import rates
from metrics.bootstrap import resample, stream
from metrics.cells import Counts, Floats, IntArray
from metrics.compare import FLOOR
from metrics.estimates import GOALS
from metrics.intervals import jeffreys, square_and_add, wilson
from metrics.survey_tradeoffs import Standing, sums

Record = dict[str, Any]

LABELS, DECISIONS = len(rates.LABELS), len(rates.DECISIONS)


@dataclass(frozen=True)
class Settings:
    """What a comparison of settings needs to know.

    Parameters
    ----------
    goal
        A key of `metrics.estimates.GOALS`: which rates are held together.
    floor, denominator_floor
        People a group needs, and in the denominator of a rate, to be compared.
    draws, seed
        Of the bootstrap.
    level
        Error rate of an interval that stands alone.
    settings
        Number of settings drawn in one picture: its bars share the level over both directions.
    effect
        Mean design effect of survey data.
    """

    goal: str = "selection-rate"
    floor: int = FLOOR
    denominator_floor: int = 10
    draws: int = 1000
    seed: int = 0
    level: float = 0.05
    settings: int = 1
    effect: float = 1.0

    @property
    def metrics(self) -> tuple[str, ...]:
        """Rates that the goal holds together."""
        return GOALS[self.goal]


def joint(
    group: IntArray, label: IntArray | None, before: IntArray, after: IntArray, groups: int
) -> Counts:
    """People by group, label, decision before and after.

    Parameters
    ----------
    group : (n,) int
        -1 unknown; kept in slot 0, in totals only.
    label : (n,) int, optional
        0, 1 or -1.
    before, after : (n,) int
        0, 1, 2 for abstained or -1 for none.
    groups
        Number of groups.

    Returns
    -------
    (1 + groups, 3, 4, 4) int64
        Axes in the slot order of `metrics.rates.mask`.
    """
    codes, shape = _codes(group, label, before, after, groups)
    return np.bincount(codes, minlength=int(np.prod(shape))).reshape(shape).astype(np.int64)


def joint_weighted(
    group: IntArray,
    label: IntArray | None,
    before: IntArray,
    after: IntArray,
    groups: int,
    *,
    weight: Floats,
    effect: float,
) -> Standing:
    """The same with survey weights (n,) and the mean design effect."""
    codes, shape = _codes(group, label, before, after, groups)
    people = joint(group, label, before, after, groups)
    return Standing.of(people, sums(codes, weight, shape), effect)


def _codes(
    group: IntArray, label: IntArray | None, before: IntArray, after: IntArray, groups: int
) -> tuple[Any, tuple[int, ...]]:
    shape = (groups + 1, LABELS, DECISIONS, DECISIONS)
    known = np.full(len(group), -1) if label is None else np.asarray(label)
    axes = tuple(np.asarray(axis, dtype=np.int64) + 1 for axis in (group, known, before, after))
    return np.ravel_multi_index(axes, shape), shape


def _cells(table: Counts | Standing) -> Counts | Floats:
    return table.effective if isinstance(table, Standing) else table


def _people(table: Counts | Standing) -> Counts:
    return table.people if isinstance(table, Standing) else table


def _everybody(table: Counts | Standing) -> Counts | Floats:
    return table.together() if isinstance(table, Standing) else table.sum(axis=0)


def _parts(table: Counts | Floats, metric: str) -> tuple[Floats, Floats]:
    """Numerators and denominators of a rate over leading axes of (..., label, decision)."""
    rate = rates.REGISTRY[metric]
    assert isinstance(rate, rates.Rate)
    x = np.einsum("...ld,ld->...", table, rate.numerator)
    return np.asarray(x, float), np.asarray(np.einsum("...ld,ld->...", table, rate.denominator))


def _divide(x: Floats, n: Floats) -> Floats:
    out = np.full(np.shape(x), np.nan)
    np.divide(x, n, out=out, where=np.asarray(n) > 0)
    return out


def compared(table: Counts | Standing, settings: Settings) -> IntArray:
    """Groups that are compared: at the floor, and in every rate of the goal at its floor.

    Parameters
    ----------
    table
        As `joint` returns it. The decisions before say who is compared, so that no setting can
        take a group out of the comparison. Of survey data rows over the design effect count.
    """
    before = _cells(table)[1:].sum(axis=3)
    keep = before.sum(axis=(1, 2)) >= settings.floor
    for metric in settings.metrics:
        keep &= _parts(before, metric)[1] >= settings.denominator_floor
    return np.flatnonzero(keep)


def disparity(table: Counts | Floats, groups: IntArray, metrics: Sequence[str]) -> Floats:
    """Largest difference of a goal's rates between two compared groups.

    max over the metrics of max_g r_g - min_g r_g, as a fraction.

    Parameters
    ----------
    table : (..., 1 + g, 3, 4)
        People by group, label and decision.
    groups
        Positions of the compared groups, without slot 0.
    metrics
        Slugs of proportions.

    Returns
    -------
    (...) float64
        NaN where a rate is undefined or fewer than two groups are compared.
    """
    if len(groups) < 2:
        return np.full(np.shape(table)[:-3], np.nan)
    chosen = table[..., np.asarray(groups) + 1, :, :]
    spreads = []
    for metric in metrics:
        value = _divide(*_parts(chosen, metric))
        spreads.append(value.max(axis=-1) - value.min(axis=-1))
    return np.asarray(np.max(spreads, axis=0))


def _totals(
    table: Floats, groups: IntArray, settings: Settings, mass: Floats | None
) -> dict[str, Floats]:
    """Disparity, accuracy of decided people and coverage of (..., 1 + g, 3, 4) tables."""
    everybody = table.sum(axis=-3) if mass is None else np.einsum("...gld,g->...ld", table, mass)
    abstained, seen = _parts(everybody, "abstention-rate")
    return {
        "disparity": disparity(table, groups, settings.metrics),
        "accuracy": _divide(*_parts(everybody, "accuracy")),
        "coverage": 1.0 - _divide(abstained, seen),
    }


def totals(table: Counts | Standing, settings: Settings, *, name: str) -> Record:
    """Disparity, accuracy and coverage after, and their change, with intervals.

    Limits are value ± z s, s the standard deviation over multinomial draws of the joint table
    (`metrics.bootstrap.resample`); disparity, accuracy and coverage are cut at 0 and 1. ``low``
    and ``high`` stand alone; ``band_low`` and ``band_high`` hold for both directions of all
    `Settings.settings` points at once (Bonferroni).

    Parameters
    ----------
    table
        As `joint`.
    settings
        What is compared.
    name
        Of the random stream.

    Returns
    -------
    dict
        ``disparity``, ``accuracy``, ``coverage`` and ``change`` of the first two, each with
        value, low, high, band_low, band_high, undefined.
    """
    groups = compared(table, settings)
    rng = stream(settings.seed, f"tradeoff/{name}")
    cells = _cells(table)
    mass = table.mass if isinstance(table, Standing) else None
    drawn = np.moveaxis(resample(cells, rng=rng, draws=settings.draws), -1, 0)
    now = _totals(cells.sum(axis=-2).astype(float), groups, settings, mass)
    was = _totals(cells.sum(axis=-1).astype(float), groups, settings, mass)
    draws_now = _totals(drawn.sum(axis=-2), groups, settings, mass)
    draws_was = _totals(drawn.sum(axis=-1), groups, settings, mass)
    out = {key: _bars(now[key], draws_now[key], settings, (0.0, 1.0)) for key in now}
    out["change"] = {
        key: _bars(now[key] - was[key], draws_now[key] - draws_was[key], settings, (-1.0, 1.0))
        for key in ("disparity", "accuracy")
    }
    return out


def _bars(value: Floats, draws: Floats, settings: Settings, span: tuple[float, float]) -> Record:
    number = float(value)
    usable = draws[np.isfinite(draws)]
    if not np.isfinite(number) or usable.size < 0.9 * draws.size:
        keys = ("value", "low", "high", "band_low", "band_high")
        return {**dict.fromkeys(keys), "undefined": "empty-denominator"}
    deviation = float(usable.std(ddof=1)) if usable.size > 1 else 0.0
    out: Record = {"value": number, "undefined": None}
    alone, together = settings.level, settings.level / (2 * max(settings.settings, 1))
    for prefix, level in (("", alone), ("band_", together)):
        reach = float(-ndtri(level / 2)) * deviation
        out[f"{prefix}low"] = max(number - reach, span[0])
        out[f"{prefix}high"] = min(number + reach, span[1])
    return out


def group_rates(
    table: Counts | Standing, metrics: Sequence[str], level: float = 0.95
) -> list[Record]:
    """Rates of every group after, with Wilson limits.

    Parameters
    ----------
    table
        As `joint`.
    metrics
        Slugs of proportions.
    level
        Coverage of each interval, pointwise.

    Returns
    -------
    list of dict
        ``group`` (position, None for everybody), metric, n, numerator, denominator, value, low,
        high, undefined. Of survey data n, numerator and denominator are people.
    """
    rows = zip(_rows(_people(table).sum(axis=2)), _after(table), strict=True)
    out = []
    for (position, people), (_, cells) in rows:
        for metric in metrics:
            above, below = (int(part) for part in _parts(people, metric))
            x, n = (float(part) for part in _parts(cells, metric))
            low, high = wilson(x, n, level) if n > 0 else (np.nan, np.nan)
            out.append(
                {
                    "group": position, "metric": metric, "n": int(people.sum()),
                    "numerator": above, "denominator": below,
                    "value": x / n if n > 0 else None,
                    "low": float(low) if n > 0 else None,
                    "high": float(high) if n > 0 else None,
                    "undefined": None if n > 0 else "empty-denominator",
                }
            )  # fmt: skip
    return out


def _rows(table: Any) -> list[tuple[int | None, Any]]:
    """Everybody, then each group."""
    return [(None, table.sum(axis=0)), *enumerate(table[1:])]


def _after(table: Counts | Standing) -> list[tuple[int | None, Any]]:
    """Decisions after, of everybody and of each group, in rows that limits may be made of."""
    cells = _rows(_cells(table).sum(axis=2))
    return [(None, _everybody(table).sum(axis=1)), *cells[1:]]


def group_gaps(table: Counts | Standing, reference: int, settings: Settings) -> list[Record]:
    """Gap of every compared group to the reference after, Jeffreys square-and-add, pointwise.

    Returns
    -------
    list of dict
        ``group``, metric, value, low, high; groups that are not compared are left out.
    """
    after = _cells(table).sum(axis=2)
    out = []
    groups = compared(table, settings)
    if reference not in groups:
        return []
    for metric in settings.metrics:
        x, n = _parts(after, metric)
        r = reference + 1
        for j in groups:
            g = int(j) + 1
            if g == r or n[g] == 0 or n[r] == 0:
                continue
            limits = [jeffreys(x[i], n[i], settings.level) for i in (g, r)]
            first, second = x[g] / n[g], x[r] / n[r]
            low, high = square_and_add(first, *limits[0], second, *limits[1])
            out.append(
                {
                    "group": int(j), "metric": metric, "value": float(first - second),
                    "low": float(low), "high": float(high),
                }
            )  # fmt: skip
    return out


def paired(table: Counts | Standing, level: float = 0.05) -> list[Record]:
    """Who was right before and after: of people with a label decided both times.

    diff = (n01 - n10) / n with the adjusted Wald limits: one person is added to each
    discordant cell.

    Returns
    -------
    list of dict
        ``group`` (None for everybody), ``metric`` accuracy, n, ``n01`` (wrong before, right
        after), ``n10``, diff, low, high, undefined.

    References
    ----------
    Bonett, Price, Adjusted Wald confidence interval for a difference of binomial proportions
    based on paired data, Journal of Educational and Behavioral Statistics 37, 2012.
    """
    z = float(-ndtri(level / 2))
    out = []
    cells = [(None, _everybody(table)), *enumerate(_cells(table)[1:])]
    for (position, people), (_, part) in zip(_rows(_people(table)), cells, strict=True):
        row: Record = {"group": position, "metric": "accuracy"}
        row |= dict(zip(("n", "n01", "n10"), (int(v) for v in _discordant(people)), strict=True))
        n, gained, lost = _discordant(part)
        if n == 0:
            row |= {"diff": None, "low": None, "high": None, "undefined": "empty-denominator"}
        else:
            p01, p10 = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
            reach = z * float(np.sqrt((p01 + p10 - (p01 - p10) ** 2) / (n + 2)))
            middle = p01 - p10
            row |= {"diff": (gained - lost) / n, "low": max(middle - reach, -1.0),
                    "high": min(middle + reach, 1.0), "undefined": None}  # fmt: skip
        out.append(row)
    return out


def _discordant(cells: Any) -> tuple[Any, Any, Any]:
    """People with a label decided both times, those right only after, and only before."""
    both = cells[1:, 1:3, 1:3]
    return both.sum(), both[0, 1, 0] + both[1, 0, 1], both[0, 0, 1] + both[1, 1, 0]


def changed(table: Counts | Standing) -> list[Record]:
    """People whose decision changes, by group.

    Returns
    -------
    list of dict
        ``group`` (None for everybody), n, ``up`` (unfavourable to favourable), ``down``,
        ``to_human`` (decided before, sent to a person after). Of survey data n people at their
        weighted shares, rounded.
    """
    out = []
    cells = [(None, _everybody(table)), *enumerate(_cells(table)[1:])]
    for (position, people), (_, part) in zip(_rows(_people(table)), cells, strict=True):
        moves, n = part.sum(axis=0), int(people.sum())
        if isinstance(table, Standing):
            whole = moves.sum()
            moves = np.rint(moves * (n / whole if whole > 0 else 0.0))
        out.append(
            {
                "group": position,
                "n": n,
                "up": int(moves[1, 2]),
                "down": int(moves[2, 1]),
                "to_human": int(moves[1:3, 3].sum()),
            }
        )
    return out
