"""When did a rate or a gap change, over the runs of a year? A scan on counts alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics import compare, intervals, rates
from metrics.cells import Counts
from metrics.change_levels import critical
from metrics.compare import Record

FloatArray = NDArray[np.float64]
Tables = Mapping[str, Counts]

ALPHA = 0.04
#: Coverage of the intervals of single runs, which are for reading and raise nothing.
READING = 0.95
#: A pool of earlier runs that opens a budget counts as this many looks more.
POOLED_LOOKS = 2


@dataclass(frozen=True)
class Stream:
    """One number that is followed over time.

    Parameters
    ----------
    metric
        Slug of a rate.
    by
        The attribute, None for everybody.
    group
        Code of the group whose gap to all the others is followed; None for everybody.
    """

    metric: str
    by: str | None = None
    group: int | None = None


@dataclass(frozen=True)
class Followed:
    """Counts of s streams over r runs; a rate of everybody has an empty other side.

    Parameters
    ----------
    x1, n1, x0, n0 : (s, r) float64
        Numerator and denominator of the group, then of all the others.
    rows1, rows0 : (s, r) float64
        People on both sides.
    alone : (s,) bool
        Rates of everybody.
    """

    x1: FloatArray
    n1: FloatArray
    x0: FloatArray
    n0: FloatArray
    rows1: FloatArray
    rows0: FloatArray
    alone: NDArray[np.bool_]

    def sums(self) -> Followed:
        """Counts of all runs up to each."""
        return self._each(lambda v: v.cumsum(axis=1))

    def minus(self, other: Followed) -> Followed:
        """Counts that are here and not there."""
        return replace(self, **{k: getattr(self, k) - getattr(other, k) for k in _COUNTS})

    def at(self, place: Any) -> Followed:
        """The counts of some runs."""
        return self._each(lambda v: v[:, place])

    def enough(self, floor: int, denominator_floor: int) -> NDArray[np.bool_]:
        """Where both sides have the people and the denominators to be compared."""
        other = (self.rows0 >= floor) & (self.n0 >= denominator_floor)
        own = (self.rows1 >= floor) & (self.n1 >= denominator_floor)
        return np.asarray(own & (other | self.alone[:, None]))

    def value(self) -> FloatArray:
        """Rate of the group minus that of the others, NaN without a denominator."""
        other = np.where(self.alone[:, None], 0.0, rates.divide(self.x0, self.n0))
        return np.asarray(rates.divide(self.x1, self.n1) - other)

    def limits(self, alpha: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Value with limits at a level: Wilson for a rate, Jeffreys square-and-add for a gap."""
        low1, high1 = intervals.jeffreys(self.x1, self.n1, alpha)
        low0, high0 = intervals.jeffreys(self.x0, self.n0, alpha)
        p1, p0 = rates.divide(self.x1, self.n1), rates.divide(self.x0, self.n0)
        low, high = intervals.square_and_add(p1, low1, high1, p0, low0, high0)
        alone_low, alone_high = intervals.wilson(self.x1, self.n1, 1.0 - alpha)
        single = self.alone[:, None]
        return self.value(), np.where(single, alone_low, low), np.where(single, alone_high, high)

    def _each(self, function: Callable[[FloatArray], FloatArray]) -> Followed:
        changed: dict[str, Any] = {k: function(getattr(self, k)) for k in _COUNTS}
        return replace(self, **changed)


_COUNTS = ("x1", "n1", "x0", "n0", "rows1", "rows0")


def streams(
    first: Tables, levels: Mapping[str, Sequence[str]], metrics: Sequence[str]
) -> list[Stream]:
    """Name what is followed from a first run on: everybody's rates, and each group's gap.

    Two groups make one gap, that of the smaller; a group nobody was in makes none. The number
    of streams is what the level is divided by, so it is fixed here and does not follow the data.

    Parameters
    ----------
    first : mapping of (a + 1, 3, 4) int64
        By attribute: people of the first run by group (the unknown ones first), label, decision.
    levels
        Words of each attribute's groups, in code order.
    metrics
        Rates of `rates.REGISTRY` that are proportions.
    """
    out = []
    for metric in metrics:
        out.append(Stream(metric))
        for name in levels:
            n = first[name][1:].sum(axis=(1, 2))
            met = np.flatnonzero(n)
            if len(met) == 2:
                met = met[[int(np.argmin(n[met]))]]
            elif len(met) < 2:
                continue
            out += [Stream(metric, name, int(j)) for j in met]
    return out


def follow(runs: Sequence[Tables], wanted: Sequence[Stream]) -> Followed:
    """Count numerators and denominators of every stream in every run."""
    found: dict[tuple[str | None, str], list[FloatArray]] = {}
    for stream in wanted:
        key = (stream.by, stream.metric)
        if key not in found:
            found[key] = _tallied(runs, stream)
    columns: list[list[FloatArray]] = [[] for _ in _COUNTS]
    for stream in wanted:
        x, n, rows = found[stream.by, stream.metric]
        if stream.group is None:
            nothing = np.zeros(len(runs))
            sides = (x[:, 0], n[:, 0], nothing, nothing, rows[:, 0], nothing)
        else:
            j = stream.group
            own = (x[:, j], n[:, j], rows[:, j])
            rest = tuple(v.sum(axis=1) - o for v, o in zip((x, n, rows), own, strict=True))
            sides = (own[0], own[1], rest[0], rest[1], own[2], rest[2])
        for column, side in zip(columns, sides, strict=True):
            column.append(side)
    alone = np.array([stream.by is None for stream in wanted], dtype=bool)
    x1, n1, x0, n0, rows1, rows0 = (np.array(column) for column in columns)
    return Followed(x1, n1, x0, n0, rows1, rows0, alone)


def _tallied(runs: Sequence[Tables], stream: Stream) -> list[FloatArray]:
    """Numerator, denominator and people by run and group; one column for everybody."""
    if stream.by is None:
        stacked = np.stack([next(iter(run.values())).sum(axis=0)[None] for run in runs])
    else:
        stacked = np.stack([run[stream.by][1:] for run in runs])
    x, n = rates.tally(stacked, (stream.metric,))
    parts = (x[..., 0], n[..., 0], stacked.sum(axis=(2, 3)))
    return [np.asarray(part, dtype=np.float64) for part in parts]


def scan(
    runs: Sequence[Tables],
    levels: Mapping[str, Sequence[str]],
    *,
    metrics: Sequence[str],
    looks: int,
    pooled: bool = False,
    floor: int = compare.FLOOR,
    denominator_floor: int = compare.DENOMINATOR_FLOOR,
    alpha: float = ALPHA,
) -> Record:
    """Compare, at the latest run, every split of the runs into before and after.

    With pooled counts on both sides and q = (x + 1) / (n + 2), Z is the change of the value over
    its standard error. For each rate the variance is the larger of q0 (1 - q0) / (n0 + 2) +
    q1 (1 - q1) / (n1 + 2) and q (1 - q) (1 / (n0 + 2) + 1 / (n1 + 2)) with the q of both pools:
    the first alone is too small where few people were all decided alike. A stream changed where
    its largest abs(Z) is above c(K, T), and that split dates the change.

    Parameters
    ----------
    runs : sequence of mappings of (a + 1, 3, 4) int64
        Independent people, oldest run first, the one to judge last. By attribute: counts by
        group (the unknown ones first), label and decision.
    levels
        Words of each attribute's groups, in code order.
    metrics
        Rates of `rates.REGISTRY` that are proportions.
    looks
        T: runs of a year.
    pooled
        Whether the first of `runs` holds many runs of an earlier budget.
    floor, denominator_floor
        People and denominator that both sides need, before and after.
    alpha
        Error rate of a whole year, all streams together.

    Returns
    -------
    dict
        ``k``, ``looks``, ``critical``, ``undefined`` (``first-run`` or None) and ``streams[]``:
        metric, by, group, comparator (None for everybody, else ``"rest"``), z, start (place in
        `runs` of the first run after the split), before, after (numerators, denominators,
        value), change with limits that hold for all splits and streams together, changed, reason.

    References
    ----------
    Newcombe, Statistics in Medicine 17, 1998 (joining intervals). Hawkins, Journal of the
    American Statistical Association 72, 1977 (the largest standardised difference of means).
    """
    wanted = streams(runs[0], levels, metrics)
    last = len(runs) - 1
    k = len(wanted)
    level = critical(k, max(looks, 2) + POOLED_LOOKS * pooled, alpha)
    out: Record = {"k": k, "looks": looks, "alpha": alpha, "critical": level, "streams": []}
    out["undefined"] = None if last > 0 else "first-run"
    counted = follow(runs, wanted)
    if last == 0:
        out["streams"] = [_named(stream, levels) | _NOTHING for stream in wanted]
        return out
    sums = counted.sums()
    before, every = sums.at(slice(0, last)), sums.at(slice(last, last + 1))
    after = every.minus(before)
    enough = before.enough(floor, denominator_floor) & after.enough(floor, denominator_floor)
    error = np.sqrt(_variance(before, after))
    z = np.where(enough, (_smooth(after) - _smooth(before)) / error, 0.0)
    best = np.abs(z).argmax(axis=1)
    for i, stream in enumerate(wanted):
        j = int(best[i])
        record = _named(stream, levels)
        if not enough[i].any():
            out["streams"].append(record | _NOTHING | {"reason": "below-floor"})
            continue
        sides = [_side(part, i, j) for part in (before, after)]
        change = sides[1]["value"] - sides[0]["value"]
        most = 1.0 if stream.by is None else 2.0
        record |= {
            "z": float(z[i, j]), "start": j + 1, "before": sides[0], "after": sides[1],
            "change": change, "low": max(-most, float((z[i, j] - level) * error[i, j])),
            "high": min(most, float((z[i, j] + level) * error[i, j])),
            "changed": bool(abs(z[i, j]) > level), "reason": None,
        }  # fmt: skip
        out["streams"].append(record)
    return out


_NOTHING: Record = {
    "z": None, "start": None, "before": None, "after": None, "change": None, "low": None,
    "high": None, "changed": None, "reason": None,
}  # fmt: skip


def _named(stream: Stream, levels: Mapping[str, Sequence[str]]) -> Record:
    if stream.by is None or stream.group is None:
        return {"metric": stream.metric, "by": [], "group": {}, "comparator": None}
    group = {stream.by: levels[stream.by][stream.group]}
    return {"metric": stream.metric, "by": [stream.by], "group": group, "comparator": "rest"}


def _smooth(counts: Followed) -> FloatArray:
    """Value with half a person more on each side of each rate, as the variance has it."""
    own = (counts.x1 + 1) / (counts.n1 + 2)
    rest = (counts.x0 + 1) / (counts.n0 + 2)
    return np.asarray(own - np.where(counts.alone[:, None], 0.0, rest))


def _variance(before: Followed, after: Followed) -> FloatArray:
    own = _larger(before.x1, before.n1, after.x1, after.n1)
    rest = _larger(before.x0, before.n0, after.x0, after.n0)
    return np.asarray(own + np.where(before.alone[:, None], 0.0, rest))


def _larger(x0: FloatArray, n0: FloatArray, x1: FloatArray, n1: FloatArray) -> FloatArray:
    """The larger of the variance of two rates and that of one rate for both."""
    q0, q1 = (x0 + 1) / (n0 + 2), (x1 + 1) / (n1 + 2)
    q = (x0 + x1 + 1) / (n0 + n1 + 2)
    apart = q0 * (1 - q0) / (n0 + 2) + q1 * (1 - q1) / (n1 + 2)
    alike = q * (1 - q) * (1 / (n0 + 2) + 1 / (n1 + 2))
    return np.asarray(np.maximum(apart, alike))


def _side(counts: Followed, i: int, j: int) -> Record:
    x1, n1, x0, n0 = (int(getattr(counts, key)[i, j]) for key in _COUNTS[:4])
    value = x1 / n1 - (0.0 if counts.alone[i] else x0 / n0)
    out: Record = {"numerator": x1, "denominator": n1, "value": value}
    if not counts.alone[i]:
        out |= {"numerator_comparator": x0, "denominator_comparator": n0}
    return out


def history(
    runs: Sequence[Tables],
    levels: Mapping[str, Sequence[str]],
    *,
    metrics: Sequence[str],
    floor: int = compare.FLOOR,
    denominator_floor: int = compare.DENOMINATOR_FLOOR,
) -> list[Record]:
    """Every stream at every run, for reading: nothing here raises an alarm.

    Returns
    -------
    list of dict
        metric, by, group, comparator and ``points[]``, one for each run, None below the floor:
        value with its own 95 % interval, and since_previous and since_first, the changes with
        theirs (square-and-add of the two intervals), None where there is nothing to compare.
    """
    wanted = streams(runs[0], levels, metrics)
    counted = follow(runs, wanted)
    enough = counted.enough(floor, denominator_floor)
    value, low, high = counted.limits(1.0 - READING)
    steps = [_since(value, low, high, place) for place in ("previous", "first")]
    out = []
    for i, stream in enumerate(wanted):
        points: list[Record | None] = []
        for t in range(len(runs)):
            if not enough[i, t]:
                points.append(None)
                continue
            point: Record = {
                "value": float(value[i, t]), "low": float(low[i, t]), "high": float(high[i, t]),
                "n": int(counted.rows1[i, t]),
            }  # fmt: skip
            for name, at, step in zip(("previous", "first"), (t - 1, 0), steps, strict=True):
                known = t > 0 and bool(enough[i, at])
                numbers = dict(zip(("change", "low", "high"), step[:, i, t].tolist(), strict=True))
                point[f"since_{name}"] = numbers if known else None
            points.append(point)
        out.append(_named(stream, levels) | {"points": points})
    return out


def _since(value: FloatArray, low: FloatArray, high: FloatArray, what: str) -> FloatArray:
    """Change since the run before or the first run, with limits: (3, s, r)."""
    earlier = np.arange(value.shape[1]) - 1 if what == "previous" else np.zeros(1, dtype=int)
    then = [v[:, earlier] for v in (value, low, high)]
    ends = intervals.square_and_add(value, low, high, *then)
    return np.stack([value - then[0], *ends])
