"""Parts of a disparity and accuracy bounds: time, certificate, rivals and error rates.

Seconds are processor time of one thread. dit's solver is stopped after a minute and runs on the
small tables only.
"""

from __future__ import annotations

import importlib.util
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType

import numpy as np
from threadpoolctl import threadpool_limits

from metrics import bounds, information, pid, pid_nulls
from metrics.bootstrap import stream
from metrics.cells import Floats
from metrics.pid_sample import Sample, tests
from tests.information_laws import ANCHORS, clarabel_unique, sample

LN2 = np.log(2)
SHAPES = ((2, 2, 2), (2, 10, 2), (2, 50, 2), (9, 51, 2), (9, 51, 10))
LIMITS = {(2, 50, 2): 0.010, (9, 51, 10): 0.200}
RIVAL_CAP = 60
DIT_SHAPES = ((2, 2, 2), (2, 10, 2))
REPEATS = 15


@dataclass(frozen=True)
class Null:
    """A law in which some parts are absent.

    Parameters
    ----------
    mix : (z, s)
        Shares by group and site.
    chance : (z, s)
        Chance of the favourable decision.
    """

    mix: tuple[tuple[float, ...], ...]
    chance: tuple[tuple[float, ...], ...]

    @property
    def law(self) -> Floats:
        """Shares by group, site and decision."""
        mix, chance = np.array(self.mix), np.array(self.chance)
        return np.stack([mix * (1 - chance), mix * chance], axis=2)

    @property
    def absent(self) -> list[str]:
        """Parts that are 0."""
        atoms = pid.decompose(self.law, tolerance=1e-10)
        return [name for name in pid.NAMES if float(atoms[name]) < 1e-8]


EVEN = ((0.3, 0.2), (0.3, 0.2))
TIED = ((0.4, 0.1), (0.15, 0.35))
NULLS = {
    "nothing tied to anything": Null(EVEN, ((0.4, 0.4), (0.4, 0.4))),
    "decision differs by site, groups mixed alike": Null(EVEN, ((0.3, 0.5), (0.3, 0.5))),
    "decision differs by site, groups mixed differently": Null(TIED, ((0.3, 0.5), (0.3, 0.5))),
    "decision differs by group, groups mixed alike": Null(EVEN, ((0.3, 0.3), (0.45, 0.45))),
    "groups mixed differently, decision tied to nothing": Null(TIED, ((0.4, 0.4), (0.4, 0.4))),
    "opposite gaps at two sites": Null(((0.25, 0.25), (0.25, 0.25)), ((0.35, 0.55), (0.55, 0.35))),
}


def rejections(
    name: str, *, tables: int = 1000, draws: int = 99, n: int = 2000, seed: int = 0
) -> dict[str, float]:
    """Share of simulated tables in which an absent part has p at most 0.05."""
    null = NULLS[name]
    absent = null.absent
    drawn = pid_nulls.multinomial(
        null.law, n=n, rng=stream(seed, f"benchmark/pid/{name}"), draws=tables
    )
    hits = dict.fromkeys(absent, 0)
    for number, table in enumerate(drawn):
        one = table[None]
        atoms = pid.decompose(one, keep=True)
        parts = {part: float(atoms[part][0]) for part in pid.NAMES}
        found = tests(Sample(one, n, False, f"{name}/{number}", seed), parts, atoms.optimum, draws)
        for part in absent:
            p = found[part].p
            hits[part] += p is not None and p <= 0.05
    return {part: hit / tables for part, hit in hits.items()}


def median(run: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median processor seconds of a call."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return float(np.median(times))


def dit_unique(counts: Floats) -> float | None:
    """Unique information in nats by dit, None where it is absent or takes over a minute."""
    if importlib.util.find_spec("dit") is None:
        return None
    import dit

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    shares = information.joint(counts)
    cells = [(str(s), str(y), str(z)) for z, s, y in zip(*np.nonzero(shares), strict=True)]
    old = signal.signal(signal.SIGALRM, stop)
    signal.alarm(RIVAL_CAP)
    try:
        law = dit.Distribution(cells, shares[shares > 0].tolist())
        found = dit.pid.PID_BROJA(law, [[0], [1]], [2])
        return float(found.get_pi(((1,),))) * LN2
    except TimeoutError:
        return None
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)


def _solver_rows() -> Iterator[str]:
    rng = np.random.default_rng(0)
    dit_unique(np.ones((2, 2, 2)))  # its import is not timed
    for shape in SHAPES:
        name = "x".join(map(str, shape))
        counts = [sample(shape, rng) for _ in range(REPEATS)]
        queue = iter(counts)
        seconds = median(lambda queue=queue: pid.decompose(next(queue), tolerance=1e-6))
        atoms = pid.decompose(np.stack(counts), tolerance=1e-6)
        bound = f"at most {1000 * LIMITS[shape]:.0f} ms" if shape in LIMITS else ""
        yield (
            f"| {name} | Evenhand | {1000 * seconds:.1f} ms | {bound} "
            f"| gap {atoms.gap.max():.0e}, at most {atoms.iterations.max()} steps |"
        )
        shares = information.joint(counts[0])
        if shape != (9, 51, 10):
            seconds = median(lambda shares=shares: clarabel_unique(shares), 3)
            error = clarabel_unique(shares) - float(pid.decompose(shares, tolerance=1e-9).unique)
            yield f"| {name} | Clarabel | {1000 * seconds:.1f} ms | | differs by {error:.0e} |"
        if shape in DIT_SHAPES:
            start = time.process_time()
            rival = dit_unique(counts[0])
            seconds = time.process_time() - start
            if rival is not None:
                error = rival - float(pid.decompose(shares, tolerance=1e-9).unique)
                yield f"| {name} | dit | {1000 * seconds:.0f} ms | | differs by {error:.0e} |"
    table = sample((2, 50, 2), rng)
    drawn = pid_nulls.multinomial(table, n=20_000, rng=rng, draws=1000)
    seconds = median(lambda: pid.decompose(drawn, tolerance=1e-6), 1)
    yield f"| 2x50x2, 1,000 bootstrap tables | Evenhand | {seconds:.2f} s | | |"


def surface(labels: Floats) -> tuple[float, float]:
    """Seconds and largest gap of a 12 x 12 surface for (z, s, y) label counts."""
    joint = np.repeat((labels / labels.sum())[..., None], 2, axis=3) / 2
    start = time.process_time()
    bound = bounds.Bound(joint)
    grid = bound.surface(*(bounds.axis(most) for most in bound.ceiling))
    return time.process_time() - start, max(point.gap for row in grid for point in row)


def _bound_rows() -> Iterator[str]:
    for name, table in ANCHORS.items():
        seconds, gap = surface(np.array(table, dtype=float))
        yield f"| 2x2x2, split {name} | {seconds:.2f} s | at most 1 s | {gap:.0e} |"
    seconds, gap = surface(sample((2, 51, 2), np.random.default_rng(0), n=200_000))
    yield f"| 2x51x2 | {seconds:.2f} s | | {gap:.0e} |"


def _error_rows(tables: int) -> Iterator[str]:
    worst = 0.05 + 3 * np.sqrt(0.05 * 0.95 / tables)
    for name in NULLS:
        shares = rejections(name, tables=tables)
        said = ", ".join(f"{part} {100 * share:.1f} %" for part, share in shares.items())
        held = "yes" if max(shares.values()) <= worst else "no"
        yield f"| {name} | {said} | at most 5 % + {100 * (worst - 0.05):.1f} | {held} |"


def run(tables: int = 1000) -> str:
    """Measure everything; returns Markdown."""
    with threadpool_limits(1):
        lines = [
            "Median of processor time per table of simulated counts of 20,000 people.",
            "",
            "| Groups x sites x decisions | Solver | Time | Bound | Result |",
            "|---|---|---|---|---|",
            *_solver_rows(),
            "",
            "Best accuracy on a 12 x 12 grid of limits:",
            "",
            "| Labels | Time | Bound | Largest gap |",
            "|---|---|---|---|",
            *_bound_rows(),
            "",
            f"Absent parts with p at most 0.05, {tables:,} tables of 2,000 people each:",
            "",
            "| Law | Rejected | Bound | Holds |",
            "|---|---|---|---|",
            *_error_rows(tables),
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(run())
