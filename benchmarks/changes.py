"""Years of scheduled audits on simulated count tables: false alarms, power, critical values.

``python -m benchmarks.changes`` prints the shares that docs/schedules.md states;
``python -m benchmarks.changes levels`` draws the critical values of `metrics.change_levels` again.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.populations import population
from metrics import change_scan
from metrics.cells import Counts
from metrics.change_levels import LEVELS

FloatArray = NDArray[np.float64]
NAMES = {"race": 0, "sex": 1}


@dataclass(frozen=True)
class Jump:
    """A lasting change of the selection rate from one run on.

    `group` is an attribute and a code, None for everybody; `points` is a fraction.
    """

    run: int
    points: float = 0.05
    group: tuple[str, int] | None = None


@dataclass(frozen=True)
class Year:
    """What the runs of a year are drawn from."""

    rows: int = 20_000
    runs: int = 12
    jump: Jump | None = None
    drift: float = 0.0
    levels: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "race": tuple(f"race {j}" for j in range(9)),
            "sex": ("men", "women"),
        }
    )


@cache
def shares() -> FloatArray:
    """Return the shares of race, sex, label and decision: (9, 2, 2, 2), summing to 1."""
    return np.asarray(population()[1].sum(axis=2))


def moved(cells: FloatArray, jump: Jump | None, points: float | None = None) -> FloatArray:
    """Shares after a change: part of those refused are chosen instead, alike in every cell."""
    if jump is None:
        return cells
    size = jump.points if points is None else points
    part = np.zeros(cells.shape[:2])
    if jump.group is None:
        part[:] = 1.0
    else:
        name, code = jump.group
        part[(slice(None),) * NAMES[name] + (code,)] = 1.0
    inside = cells * part[..., None, None]
    wanted = size * inside.sum() / inside[..., 0].sum()
    out = cells.copy()
    out[..., 1] += inside[..., 0] * wanted
    out[..., 0] -= inside[..., 0] * wanted
    return out


def draw(rng: np.random.Generator, cells: FloatArray, rows: int) -> dict[str, Counts]:
    """Draw the count tables of one run: (a + 1, 3, 4) by attribute."""
    counts = rng.multinomial(rows, cells.ravel()).reshape(cells.shape)
    out = {}
    for name, axis in NAMES.items():
        table = counts.sum(axis=1 - axis)
        out[name] = np.zeros((len(table) + 1, 3, 4), dtype=np.int64)
        out[name][1:, 1:, 1:3] = table
    return out


def runs(rng: np.random.Generator, cells: FloatArray, year: Year) -> list[dict[str, Counts]]:
    """Draw every run of a year; runs count from 1."""
    out = []
    for t in range(1, year.runs + 1):
        now = cells
        if year.jump is not None and t >= year.jump.run:
            size = year.jump.points + year.drift * (t - year.jump.run)
            now = moved(cells, year.jump, size)
        out.append(draw(rng, now, year.rows))
    return out


def first_alarm(drawn: Sequence[dict[str, Counts]], year: Year) -> int | None:
    """Return the run in which a year's scan raises the first alarm; None where it raises none."""
    for t in range(2, len(drawn) + 1):
        found = change_scan.scan(
            drawn[:t], year.levels, metrics=("selection-rate",), looks=year.runs
        )
        if any(stream["changed"] for stream in found["streams"]):
            return t
    return None


def alarms(year: Year, schedules: int, seed: int = 0) -> list[int | None]:
    """Return the first alarm of each of many schedules."""
    cells = shares()
    rng = np.random.default_rng(seed)
    return [first_alarm(runs(rng, cells, year), year) for _ in range(schedules)]


def raised(found: Sequence[int | None], jump: Jump) -> float:
    """Share of schedules that alarm in the run of the change or the next."""
    return sum(at in (jump.run, jump.run + 1) for at in found) / len(found)


def maxima(
    rng: np.random.Generator, draws: int, looks: Sequence[int], weights: FloatArray | None = None
) -> dict[int, FloatArray]:
    """Return max abs(Z) of years of normal runs up to each number of looks."""
    most = max(looks)
    size = np.ones(most) if weights is None else weights
    error = rng.standard_normal((most, draws)) * np.sqrt(size)[:, None]
    total, rows = np.cumsum(error, axis=0), np.cumsum(size)
    highest, out = np.zeros(draws), {}
    for t in range(1, most):
        for j in range(t):
            before, after = rows[j], rows[t] - rows[j]
            z = (total[t] - total[j]) / after - total[j] / before
            np.maximum(highest, np.abs(z) / np.sqrt(1 / before + 1 / after), out=highest)
        if t + 1 in looks:
            out[t + 1] = highest.copy()
    return out


def fitted(draws: int = 4_000_000, rare: int = 200_000) -> Iterator[tuple[int, list[float]]]:
    """Draw and fit the critical values: the table of `metrics.change_levels`."""
    p = np.exp(np.linspace(np.log(0.1), np.log(5e-5), 25))
    u = np.sqrt(2 * np.log(1 / p))
    grid = tuple(LEVELS)
    for looks, n, seed in ((grid[:10], draws, 1), (grid[10:], rare, 2)):
        rng, kept = np.random.default_rng(seed), {t: [] for t in looks}  # type: ignore[var-annotated]
        for _ in range(n // 20_000):
            for t, found in maxima(rng, 20_000, looks).items():
                kept[t].append(np.sort(found)[-4_000:])
        for t in looks:
            tail = np.sort(np.concatenate(kept[t]))
            heights = tail[len(tail) - np.ceil(p * n).astype(int)]
            yield t, np.polyfit(u, heights, 2, w=np.sqrt(p))[::-1].round(5).tolist()


def main(schedules: int = 2_000) -> None:
    """Print the shares of alarms in years without and with a change."""
    for rows in (5_000, 20_000, 100_000):
        found = alarms(Year(rows=rows), schedules, seed=rows)
        print(f"no change, {rows:,} rows: {np.mean([at is not None for at in found]):.1%}")
    cells = shares()
    for what in (None, ("sex", 1), ("race", 1), ("race", 5)):
        people = 20_000 * (1.0 if what is None else cells.take(what[1], NAMES[what[0]]).sum())
        for at in (2, 4, 7, 10):
            jump = Jump(at, group=what)
            found = alarms(Year(jump=jump), schedules // 10, seed=at)
            print(f"{what or 'everybody'} ({people:,.0f}) at run {at}: {raised(found, jump):.1%}")


if __name__ == "__main__":
    began = time.time()
    if sys.argv[1:] == ["levels"]:
        for looks, values in fitted():
            print(f"    {looks}: {tuple(values)},")
    else:
        main()
    print(f"{time.time() - began:.0f} s")
