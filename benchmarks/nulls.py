"""How often the tests of the report reject where nothing differs, by kind of test and group size.

Each function draws tables without a difference and returns how often each test has p at most
0.05. Tests call the same functions with fewer tables; the searches of unnamed groups and the
parts of a gap come from their own benchmarks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, expit
from threadpoolctl import threadpool_limits

from benchmarks import pid, subgroups
from metrics import calibration, exact, scores, significance, survey

FloatArray = NDArray[np.float64]
TABLES = 1000
LEVEL = 0.05
SIZES = (200, 1000, 5000)
REPLICATES = 80
#: shares of the groups of ACS, and of two groups
LAYOUTS = {
    "9 groups": (0.62, 0.12, 0.01, 0.004, 0.006, 0.06, 0.004, 0.10, 0.076),
    "2 groups": (0.52, 0.48),
}


def fisher(sizes: tuple[int, ...], rate: float, *, tables: int = TABLES) -> float:
    """Any of the comparisons with the first group at p <= 0.05 / (their number)."""
    rng = np.random.default_rng([21, *sizes])
    x = rng.binomial(sizes, rate, size=(tables, len(sizes)))
    p = significance.fisher_central(x[:, 1:], sizes[1:], x[:, :1], sizes[0])
    return float((p.min(axis=1) * (len(sizes) - 1) <= LEVEL).mean())


def mcnemar(changed: int, *, tables: int = TABLES) -> float:
    """Net change among people who change either way by the throw of a coin."""
    up = np.random.default_rng([22, changed]).binomial(changed, 0.5, size=tables)
    return float((exact.mcnemar(up, changed - up) <= LEVEL).mean())


def of_scores(n: int, other: int, *, tables: int = TABLES) -> dict[str, float]:
    """Calibration and sufficiency with scores that mean what they say; AUC with equal AUC.

    Groups of n and `other` people whose scores lie differently. For the AUC the label comes first
    and the score of both labels is shifted by the group, which leaves the ranking inside alone.
    """
    bins = scores.Bins()
    centres = (bins.edges[1:] + bins.edges[:-1]) / 2
    hits = {"calibration": 0, "sufficiency": 0, "AUC difference": 0}
    for table in range(tables):
        rng = np.random.default_rng([23, n, other, table])
        calibrated, ranked = [], []
        for size, shift in ((n, 0.0), (other, 0.7)):
            score = expit(rng.normal(shift - 0.8, 1.4, size))
            calibrated.append(_counts(bins, score, rng.random(size) < score))
            label = rng.random(size) < 0.4
            score = expit(rng.normal(size=size) + 1.4 * label + shift - 1.2)
            ranked.append(_counts(bins, score, label))
        (one, two), (here, there) = calibrated, ranked
        hits["calibration"] += _reached(calibration.calibration_test(*one, centres)[2])
        hits["sufficiency"] += _reached(calibration.sufficiency_test(*one, *two, centres)[2])
        gap = scores.auc_gap(*scores.delong(*here), *scores.delong(*there))
        hits["AUC difference"] += _reached(gap[3])
    return {name: hit / tables for name, hit in hits.items()}


def _reached(p: FloatArray) -> bool:
    return bool(p <= LEVEL)


def _counts(
    bins: scores.Bins, score: FloatArray, label: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    codes = bins.codes(score)
    yes, no = (np.bincount(codes[label == k], minlength=bins.size) for k in (True, False))
    return yes.astype(np.int64), no.astype(np.int64)


def hadamard() -> FloatArray:
    """A Hadamard matrix of order 80: Paley's of order 20, doubled twice."""
    squares = {i * i % 19 for i in range(1, 19)}
    sign = np.array([0] + [1 if i in squares else -1 for i in range(1, 19)])
    place = np.arange(19)
    core = sign[(place[:, None] - place) % 19] + np.eye(19)
    paley = np.ones((20, 20))
    paley[1:, 1:] = core
    paley[0, 1:], paley[1:, 0] = 1, -1
    paley[0, 0] = 1
    two = np.array([[1, 1], [1, -1]])
    return np.asarray(np.kron(np.kron(two, two), paley), dtype=np.float64)


def sdr_factors(units: int) -> FloatArray:
    """Factors (units, 80) of successive difference replication for units in sample order."""
    matrix = hadamard()
    rows = np.arange(units)
    step = 1 + rows // 79 % 78
    first, second = 1 + rows * step % 79, 1 + (rows + 1) * step % 79
    factors = 1.0 + (matrix[first] - matrix[second]) / 2**1.5
    return np.asarray(factors)


def survey_tables(
    shares: tuple[float, ...], rate: float, *, people: int, tables: int, floor: int = 30
) -> Iterator[tuple[FloatArray, FloatArray, FloatArray, FloatArray, NDArray[np.int64]]]:
    """Draw weighted counts of households with 80 replicates, one rate for all groups.

    Most of a household are of one group, its outcomes are alike, and weights vary by 65 %. Groups
    under the floor are left out.

    Yields
    ------
    x, n, x_replicates, n_replicates, rows
    """
    groups = len(shares)
    homes = round(people / 2.4)
    factors = sdr_factors(homes)
    for table in range(tables):
        rng = np.random.default_rng([24, groups, round(1000 * rate), table])
        size = 1 + rng.binomial(4, 0.35, homes)
        home = np.repeat(np.arange(homes), size)
        own = rng.choice(groups, homes, p=np.array(shares) / sum(shares))[home]
        other = rng.choice(groups, home.size, p=np.array(shares) / sum(shares))
        group = np.where(rng.random(home.size) < 0.9, own, other)
        # The spread between homes is a beta with this mean, so that the rate is exact.
        chance = rng.beta(rate * 6.0, (1 - rate) * 6.0, homes)[home]
        outcome = rng.random(home.size) < chance
        spread = np.sqrt(np.log(1 + 0.65**2))
        weight = np.exp(rng.normal(0, 0.9 * spread, homes)[home])
        weight *= np.exp(rng.normal(0, 0.436 * spread, home.size))
        place = home * groups + group
        n = np.bincount(place, weight, homes * groups).reshape(homes, groups)
        x = np.bincount(place, weight * outcome, homes * groups).reshape(homes, groups)
        rows = np.bincount(group, minlength=groups)
        keep = rows >= floor
        x, n, rows = x[:, keep], n[:, keep], rows[keep]
        yield x.sum(axis=0), n.sum(axis=0), factors.T @ x, factors.T @ n, rows


def of_surveys(
    shares: tuple[float, ...], rate: float, *, people: int = 5000, tables: int = TABLES
) -> dict[str, float]:
    """Rao-Scott, its rival without a correction, and Fisher on deflated counts."""
    found = {"Rao-Scott": 0.0, "naive": 0.0, "deflated Fisher": 0.0, "design effect": 0.0}
    for x, n, x_draws, n_draws, rows in survey_tables(shares, rate, people=people, tables=tables):
        test = survey.rao_scott(x, n, x_draws, n_draws, rows=int(rows.sum()))
        p, pearson, effect = test["p"], test["pearson"], test["design_effect"]
        assert p is not None and pearson is not None and effect is not None
        found["Rao-Scott"] += p <= LEVEL
        found["naive"] += float(chdtrc(rows.size - 1, pearson)) <= LEVEL
        exact, sizes = survey.deflated(x, n, rows, effect)
        counts = np.rint(exact).astype(np.int64)
        r = int(np.argmax(sizes))
        rest = np.arange(sizes.size) != r
        p_values = significance.fisher_central(counts[rest], sizes[rest], counts[r], sizes[r])
        found["deflated Fisher"] += p_values.min() * rest.sum() <= LEVEL
        found["design effect"] += effect
    return {name: value / tables for name, value in found.items()}


def run(tables: int = TABLES) -> str:
    """State every share against its bound, as a Markdown table."""
    began = time.perf_counter()
    with threadpool_limits(1):
        rows = [*_exact_rows(tables), *_score_rows(tables), *_survey_rows(tables)]
        rows += [*_search_rows(tables), *_part_rows(tables)]
    return (
        f"Share of {tables:,} simulated tables with p at most 0.05 where nothing differs; of "
        "several comparisons any one, adjusted. Exact tests stay below 5 % by construction; the"
        f" Monte Carlo error is three standard errors, {100 * _error(tables):.1f} points.\n\n"
        "| test | table | rejected | bound | holds |\n|---|---|---|---|---|\n"
        + "\n".join(rows)
        + f"\n\n{time.perf_counter() - began:.0f} s in all."
    )


def _error(tables: int) -> float:
    return 3 * float(np.sqrt(LEVEL * (1 - LEVEL) / tables))


def _row(test: str, table: str, share: float, low: float, high: float) -> str:
    bound = f"{100 * low:g} to {100 * high:g} %" if low > 0 else f"at most {100 * high:.1f} %"
    holds = "yes" if low <= share <= high else "**no**"
    return f"| {test} | {table} | {100 * share:.1f} % | {bound} | {holds} |"


def _exact_rows(tables: int) -> Iterator[str]:
    most = LEVEL + _error(tables)
    for sizes, rate in (
        ((1000, 200), 0.3),
        ((5000, 30), 0.3),
        ((20_000, 2000), 0.02),
        ((6200, 1200, 100, 40, 60, 600, 40, 1000, 760), 0.3),
    ):
        people = ", ".join(f"{n:,}" for n in sizes[:3]) + (", ..." if len(sizes) > 3 else "")
        share = fisher(sizes, rate, tables=tables)
        name = f"groups of {people}, rate {rate:.0%}"
        yield _row("Fisher, reference and groups", name, share, 0, most)
    for changed in (12, 200):
        share = mcnemar(changed, tables=tables)
        yield _row("McNemar, net change", f"{changed} people change", share, 0, most)


def _score_rows(tables: int) -> Iterator[str]:
    pairs = [(200, 200), (200, 5000), (1000, 1000), (5000, 20_000)]
    for n, other in pairs:
        for name, share in of_scores(n, other, tables=tables).items():
            where = f"group of {n:,}" + ("" if name == "calibration" else f" and of {other:,}")
            yield _row(name, where, share, 0.03, 0.07)


def _survey_rows(tables: int) -> Iterator[str]:
    for name, shares in LAYOUTS.items():
        for rate in (0.35, 0.08):
            found = of_surveys(shares, rate, tables=tables)
            table = f"households, {name}, rate {rate:.0%}, design effect"
            table += f" {found['design effect']:.2f}"
            yield _row("Rao-Scott, second order", table, found["Rao-Scott"], 0.03, 0.075)
            naive = f"{100 * found['naive']:.1f} %"
            yield f"| chi-square without a correction (rival) | the same | {naive} | | |"
            share = found["deflated Fisher"]
            yield _row("Fisher on deflated counts", "the same", share, 0, LEVEL + _error(tables))


def _search_rows(tables: int) -> Iterator[str]:
    sections = subgroups.null_sections(tables, rows=1000)
    for family in ("declared", "quantile", "tree"):
        share = subgroups.reached(sections, family, LEVEL)
        name = f"subgroups: {family}, 1,000 rows"
        yield _row("worst subgroup", name, share, 0, LEVEL + _error(tables))


def _part_rows(tables: int) -> Iterator[str]:
    for name in pid.NULLS:
        found = pid.rejections(name, tables=tables)
        part = max(found, key=lambda key: found[key])
        table = f"{name}: {part}, the highest of {len(found)} absent parts"
        yield _row("part of a gap", table, found[part], 0, LEVEL + _error(tables))


if __name__ == "__main__":
    print(run())
