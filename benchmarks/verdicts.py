"""Error rates, power and coverage of the verdict procedure, beside its rivals.

Each function simulates whole reports from counts and returns shares; :func:`run` states them
against their bounds. Tests call the same functions with fewer draws.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit

from benchmarks.populations import SHAPE, population
from metrics import calibration, intervals, scores, significance, verdicts
from metrics.verdicts import Comparisons

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ROWS = 20_000
TOLERANCE = 0.05
METRICS = ("selection-rate", "tpr", "fpr", "precision", "accuracy")
FULL = ((0,), (1,), (2,), (0, 1, 2))
"""Tables of the full layout: each attribute, then their intersection."""
SMALL = ((0,), (1,), (0, 1))


@dataclass(frozen=True)
class Row:
    """A measured number and its bound."""

    what: str
    measured: str
    bound: str
    holds: bool


def fractions(counts: NDArray[np.generic], metric: str) -> tuple[NDArray, NDArray]:
    """Return numerators and denominators of a metric from (..., label, decision) counts."""
    tn, fp, fn, tp = counts[..., 0, 0], counts[..., 0, 1], counts[..., 1, 0], counts[..., 1, 1]
    everyone = tn + fp + fn + tp
    return {
        "selection-rate": (fp + tp, everyone),
        "tpr": (tp, fn + tp),
        "fpr": (fp, tn + fp),
        "precision": (tp, fp + tp),
        "accuracy": (tn + tp, everyone),
    }[metric]


def report(
    counts: IntArray,
    *,
    tables: Sequence[tuple[int, ...]] = FULL,
    metrics: Sequence[str] = METRICS,
    primary: Sequence[str] = METRICS[:1],
) -> Comparisons:
    """Return all comparisons of a report over counts of attributes, label and decision."""
    attributes = range(counts.ndim - 2)
    parts = []
    for table in tables:
        margin = counts.sum(axis=tuple(a for a in attributes if a not in table))
        cells = margin.reshape(-1, 2, 2)
        for metric in metrics:
            x, n = fractions(cells, metric)
            parts.append(
                verdicts.comparisons_of(
                    cells.sum(axis=(1, 2)),
                    x,
                    n,
                    kind="attribute" if len(table) == 1 else "intersection",
                    table=str(table),
                    metric=metric,
                    primary=metric in primary,
                )
            )
    return verdicts.join(parts)


def truths(shares: FloatArray, sample: IntArray) -> FloatArray:
    """Return the population's differences for the comparisons that a sample leads to."""
    found = []
    for table in FULL:
        axes = tuple(a for a in range(shares.ndim - 2) if a not in table)
        cells, seen = (v.sum(axis=axes).reshape(-1, 2, 2) for v in (shares, sample))
        for metric in METRICS:
            kind = "attribute" if len(table) == 1 else "intersection"
            size = seen.sum(axis=(1, 2))
            pairs = verdicts.comparisons_of(size, 0 * size, 0 * size, kind=kind)
            x, n = fractions(cells, metric)
            rest = pairs.comparator == verdicts.REST
            with np.errstate(invalid="ignore"):
                other = np.where(
                    rest,
                    (x.sum() - x[pairs.group]) / (n.sum() - n[pairs.group]),
                    x[pairs.comparator] / n[pairs.comparator],
                )
                found.append(x[pairs.group] / n[pairs.group] - other)
    return np.concatenate(found)


def shuffled(counts: IntArray, rng: np.random.Generator) -> IntArray:
    """Shuffle (label, decision) pairs over rows with the groups fixed, from the counts."""
    left = counts.sum(axis=(-2, -1)).ravel()
    pairs = counts.sum(axis=tuple(range(counts.ndim - 2))).ravel()
    drawn = np.empty((left.size, 4), dtype=np.int64)
    for at, total in enumerate(pairs):
        drawn[:, at] = rng.multivariate_hypergeometric(left, total, method="marginals")
        left = left - drawn[:, at]
    return drawn.reshape(counts.shape)


def samples(
    shares: FloatArray, rows: int, draws: int, rng: np.random.Generator
) -> Iterator[IntArray]:
    """Draw tables of rows from a population."""
    for _ in range(draws):
        yield rng.multinomial(rows, shares.ravel() / shares.sum()).reshape(shares.shape)


def false_reports(
    shares: FloatArray, *, rows: int = ROWS, draws: int = 1000, seed: int = 0
) -> dict[str, int]:
    """Count fair reports with a finding, by this procedure and by two rivals."""
    rng = np.random.default_rng(seed)
    count = {"procedure": 0, "unadjusted": 0, "test_only": 0, "bar_only": 0, "above": 0}
    for sample in samples(shares, rows, draws, rng):
        comparisons = report(shuffled(sample, rng))
        j = verdicts.judge(comparisons, tolerance=TOLERANCE)
        count["procedure"] += bool(np.any(j.verdict == verdicts.DIFFERENCE))
        count["above"] += bool(np.any(j.size_class == "above"))
        tested = j.in_family
        count["unadjusted"] += bool(np.any(j.p[tested] <= 0.05))
        outside = (j.low[tested] > 0) | (j.high[tested] < 0)
        significant = j.p_adjusted[tested] <= j.alpha
        count["test_only"] += bool(np.any(significant & ~outside))
        count["bar_only"] += bool(np.any(outside & ~significant))
    return count


@dataclass(frozen=True)
class Planted:
    """Reports with one planted cell, by what they said about it."""

    found: int
    first: int
    above: int
    draws: int


def planted(
    sizes: IntArray,
    cell: int,
    *,
    gap: float,
    base: float = 1 / 3,
    draws: int = 200,
    seed: int = 0,
) -> Planted:
    """Shift the selection rate of one cell of an otherwise fair population.

    `sizes` has one axis for each attribute; label and decision of everybody else come from
    one joint law in which 77 % of decisions are right.
    """
    rng = np.random.default_rng(seed)
    fair = np.array([[0.57, 0.06], [0.17, 0.20]])
    fair = np.where([[False, True]], base, 1 - base) * fair / fair.sum(axis=0)
    odd = fair.copy()
    source, target = (0, 1) if gap > 0 else (1, 0)
    moved = fair[:, source] * abs(gap) / fair[:, source].sum()
    odd[:, source] -= moved
    odd[:, target] += moved
    laws = np.repeat(fair.reshape(1, 4), sizes.size, axis=0)
    laws[cell] = odd.ravel()
    table = "|".join([str(tuple(range(sizes.ndim))), METRICS[0], str(cell), str(verdicts.REST)])
    tables = [*((a,) for a in range(sizes.ndim)), tuple(range(sizes.ndim))]
    found = first = above = 0
    for _ in range(draws):
        counts = rng.multinomial(sizes.ravel(), laws).reshape(*sizes.shape, 2, 2)
        comparisons = report(counts, tables=tables)
        j = verdicts.judge(comparisons, tolerance=TOLERANCE)
        at = int(np.flatnonzero(comparisons.test == table)[0])
        found += bool(j.verdict[at] == verdicts.DIFFERENCE)
        above += bool(j.size_class[at] == "above")
        first += bool(verdicts.order(j, comparisons.primary)[0] == at)
    return Planted(found, first, above, draws)


def planted_layouts(shares: FloatArray) -> dict[str, tuple[IntArray, int]]:
    """Return group sizes of 20,000 rows and the place of a cell of 500 in them."""
    real = shares.sum(axis=(-2, -1))
    cell = int(np.argmin(np.abs(real.ravel() - 500 / ROWS)))
    scaled = real.ravel().copy()
    scaled[cell] = 0.0
    sizes = np.floor(scaled / scaled.sum() * (ROWS - 500)).astype(np.int64)
    sizes[np.argmax(sizes)] += ROWS - 500 - sizes.sum()
    sizes[cell] = 500
    equal = np.full(72, (ROWS - 500) // 71)
    equal[40] = 500
    return {
        "90 cells of unequal size": (sizes.reshape(SHAPE[:3]), cell),
        "72 cells, the planted one the largest": (equal.reshape(9, 2, 4), 40),
    }


def at_tolerance(
    n: int, *, gap: float = TOLERANCE, comparator: int = ROWS, draws: int = 20_000, seed: int = 0
) -> dict[str, float]:
    """Return shares of verdicts for one true gap, 122 comparisons to a report (a_k = .00041)."""
    rng = np.random.default_rng(seed)
    size = 122
    reports = -(-draws // size)
    said = {"no-difference": 0, "difference": 0, "above": 0}
    for _ in range(reports):
        parts = {
            "group": np.arange(size),
            "comparator": np.full(size, verdicts.REST),
            "rows": np.full(size, n),
            "x1": rng.binomial(n, 1 / 3 + gap, size),
            "n1": np.full(size, n),
            "x2": rng.binomial(comparator, 1 / 3, size),
            "n2": np.full(size, comparator),
            "primary": np.ones(size, dtype=np.bool_),
            "judged": np.ones(size, dtype=np.bool_),
            "test": np.arange(size).astype(object),
            "reason": np.full(size, "", dtype=object),
        }
        j = verdicts.judge(Comparisons(**parts), tolerance=TOLERANCE)
        said["no-difference"] += int(np.sum(j.verdict == verdicts.NO_DIFFERENCE))
        said["difference"] += int(np.sum(j.verdict == verdicts.DIFFERENCE))
        said["above"] += int(np.sum(j.size_class == "above"))
    return {key: value / (reports * size) for key, value in said.items()}


def coverage(
    shares: FloatArray, *, rows: int = ROWS, draws: int = 1000, seed: int = 0
) -> dict[str, float]:
    """Return how often all thin bars of a report hold the true differences at once."""
    rng = np.random.default_rng(seed)
    held = {"Jeffreys": 0, "Wilson": 0}
    for sample in samples(shares, rows, draws, rng):
        comparisons = report(sample)
        true = truths(shares, sample)
        j = verdicts.judge(comparisons, tolerance=TOLERANCE)
        at = j.in_family
        held["Jeffreys"] += bool(np.all((j.low[at] <= true[at]) & (true[at] <= j.high[at])))
        low, high = newcombe(comparisons, at, j.level[at])
        held["Wilson"] += bool(np.all((low <= true[at]) & (true[at] <= high)))
    return {key: value / draws for key, value in held.items()}


def newcombe(c: Comparisons, at: NDArray[np.bool_], level: FloatArray) -> tuple[FloatArray, ...]:
    """Square-and-add of Wilson limits, the rival that covers too little at small levels."""
    limits = []
    for x, n in ((c.x1[at], c.n1[at]), (c.x2[at], c.n2[at])):
        z2 = stats.norm.isf(level / 2) ** 2
        rate = x / n
        middle = (rate + z2 / (2 * n)) / (1 + z2 / n)
        half = np.sqrt(z2 * (rate * (1 - rate) / n + z2 / (4 * n**2))) / (1 + z2 / n)
        limits += [rate, middle - half, middle + half]
    return intervals.square_and_add(*limits)


def fisher_against_scipy(*, tables: int = 1000, seed: int = 0) -> tuple[float, bool]:
    """Return the largest relative difference from scipy, and whether extremes stay finite."""
    rng = np.random.default_rng(seed)
    n1, n2 = rng.integers(1, 5000, tables), rng.integers(1, 20_000, tables)
    rate = rng.random(tables)
    x1, x2 = rng.binomial(n1, rate), rng.binomial(n2, rng.beta(40 * rate + 1, 41 - 40 * rate))
    p = significance.fisher_central(x1, n1, x2, n2)
    law = stats.hypergeom(n1 + n2, x1 + x2, n1)
    other = np.minimum(1.0, 2.0 * np.minimum(law.cdf(x1), law.sf(x1 - 1)))
    normal = other > 1e-290
    extreme = significance.fisher_central(
        [0, 20_000, 0, 1], [20_000] * 4, [20_000, 0, 0, 0], 20_000
    )
    error = float(np.max(np.abs(p[normal] / other[normal] - 1.0)))
    return error, bool(np.isfinite(p).all() and np.isfinite(extreme).all())


def pass_time(shares: FloatArray, *, repeats: int = 15) -> tuple[int, float]:
    """Return the number of comparisons in a report and the median seconds of its pass."""
    rng = np.random.default_rng(0)
    everything = report(next(samples(shares, 333_000, 1, rng)))
    tested = np.flatnonzero(verdicts.judge(everything, tolerance=TOLERANCE).in_family)[:329]
    some = Comparisons(**{name: v[tested] for name, v in vars(everything).items()})
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        judgement = verdicts.judge(some, tolerance=TOLERANCE)
        verdicts.order(judgement, some.primary)
        times.append(time.perf_counter() - start)
    return len(some), float(np.median(times))


def auc_coverage(n: int, *, draws: int = 4000, seed: int = 0) -> float:
    """Return the coverage of the logit interval of an AUC of 0.84, both labels ten or more."""
    rng = np.random.default_rng(seed)
    apart = np.sqrt(2) * stats.norm.ppf(0.84)
    bins = scores.Bins()
    tables = []
    while len(tables) < draws:
        label = rng.random(n) < 0.37
        if min(label.sum(), n - label.sum()) < 10:
            continue
        codes = bins.codes(expit(rng.normal(size=n) + apart * label - 1.2))
        tables.append([np.bincount(codes[label == k], minlength=bins.size) for k in (1, 0)])
    positives, negatives = np.array(tables).swapaxes(0, 1)
    low, high = scores.auc_interval(*scores.delong(positives, negatives))
    return float(np.mean((low <= 0.84) & (high >= 0.84)))


def calibration_size(n: int, *, draws: int = 2000, seed: int = 0) -> float:
    """Return how often the two-degree calibration test rejects a calibrated group at 5 %."""
    rng = np.random.default_rng(seed)
    bins = scores.Bins()
    centres = (bins.edges[1:] + bins.edges[:-1]) / 2
    rejected = 0
    for _ in range(draws):
        score = expit(rng.normal(-0.8, 1.6, n))
        label = rng.random(n) < score
        codes = bins.codes(score)
        counts = [np.bincount(codes[label == k], minlength=bins.size) for k in (True, False)]
        rejected += bool(calibration.calibration_test(counts[0], counts[1], centres)[2] <= 0.05)
    return rejected / draws


def run() -> str:
    """Measure everything and return a Markdown table with bounds."""
    return markdown(
        [row for measure in (_decisions, _power, _limits, _exact) for row in measure()]
    )


def markdown(rows: Sequence[Row]) -> str:
    """Render rows as a Markdown table."""
    head = ["| Measured | Value | Bound | Holds |", "|---|---|---|---|"]
    body = [
        f"| {r.what} | {r.measured} | {r.bound} | {'yes' if r.holds else '**no**'} |" for r in rows
    ]
    return "\n".join([*head, *body])


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _decisions() -> Iterator[Row]:
    name, shares = population()
    draws = 1000
    count = false_reports(shares, draws=draws)
    share = {key: value / draws for key, value in count.items()}
    what = f"fair {name} data, 20,000 rows, full layout, 1,000 reports: any difference found"
    yield Row(what, _percent(share["procedure"]), "at most 5.5 %", share["procedure"] <= 0.055)
    yield Row(
        "the same, unadjusted Fisher tests (rival)",
        _percent(share["unadjusted"]),
        "more than 5.5 %",
        share["unadjusted"] > 0.055,
    )
    yield Row(
        "the same, a significant test whose thin bar holds 0",
        _percent(share["test_only"]),
        "0.0 %",
        count["test_only"] == 0,
    )
    yield Row(
        "the same, a thin bar without 0 whose test is not significant (decides nothing)",
        _percent(share["bar_only"]),
        "at most 3 %",
        share["bar_only"] <= 0.03,
    )
    held = coverage(shares, draws=draws)
    what = f"{name} data, 1,000 draws: all true differences inside their thin bars"
    yield Row(what, _percent(held["Jeffreys"]), "at least 94 %", held["Jeffreys"] >= 0.94)
    yield Row(
        "the same, limits from Wilson intervals (rival)",
        _percent(held["Wilson"]),
        "below 94 %",
        held["Wilson"] < 0.94,
    )


def _power() -> Iterator[Row]:
    _, shares = population()
    for layout, (sizes, cell) in planted_layouts(shares).items():
        for gap in (0.10, -0.10):
            result = planted(sizes, cell, gap=gap)
            what = (
                f"10 points {'more' if gap > 0 else 'less'} in a cell of 500 of 20,000, {layout}"
            )
            share = result.found / result.draws
            yield Row(f"{what}: found", _percent(share), "at least 80 %", share >= 0.8)
            share = result.first / result.draws
            yield Row(f"{what}: named first", _percent(share), "at least 80 %", share >= 0.8)


def _limits() -> Iterator[Row]:
    draws = 40_000
    error = 3 * np.sqrt(0.05 * 0.95 / draws)
    for n in (300, 1000, 2000):
        said = at_tolerance(n, draws=draws)
        what = f"true gap = tolerance, group of {n:,}"
        share = said["no-difference"]
        yield Row(
            f"{what}: no difference found",
            _percent(share),
            f"at most 5 % + {100 * error:.1f}",
            share <= 0.05 + error,
        )
        yield Row(
            f"{what}: above the limit",
            _percent(said["above"]),
            "at most 0.1 %",
            said["above"] <= 0.001,
        )
    for n in (50, 200, 2000):
        share = auc_coverage(n)
        yield Row(
            f"logit interval of an AUC, group of {n:,}: coverage",
            _percent(share),
            "94 to 97 %",
            0.94 <= share <= 0.97,
        )
    for n in (50, 1000, 5000):
        share = calibration_size(n)
        yield Row(
            f"calibration test, group of {n:,}: rejects at 5 %",
            _percent(share),
            "3.5 to 6.5 %",
            0.035 <= share <= 0.065,
        )


def _exact() -> Iterator[Row]:
    error, finite = fisher_against_scipy()
    yield Row(
        "Fisher p against scipy, 1,000 tables: largest relative difference",
        f"{error:.1e}",
        "at most 1e-9",
        error <= 1e-9,
    )
    yield Row(
        "the same at the most extreme tables",
        "finite" if finite else "not finite",
        "finite",
        finite,
    )
    number, seconds = pass_time(population()[1])
    yield Row(
        f"verdict pass over {number} comparisons, median",
        f"{1000 * seconds:.1f} ms",
        "at most 20 ms",
        seconds <= 0.020,
    )


if __name__ == "__main__":
    print(run())
