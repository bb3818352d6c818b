"""Subgroups nobody named: what is found, how often nothing is, and how long it takes.

The fixture "cancel" plants a bias that favours one group below 40, the other from 60 on, and
nobody overall; its model is a small network without any fairness term. Tests call the same
functions with fewer seeds.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from benchmarks.audits import INCOME
from metrics.subgroups import (
    FAMILIES,
    Attribute,
    Descriptor,
    Search,
    members,
    subgroups_section,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ROWS = 10_000
NUMBERS = ("AGEP", "WKHP", "SCHL", "OCCP", "POBP")
CODED = ("COW", "MAR", "RELP")


@dataclass(frozen=True)
class Cancel:
    """Rows of the fixture: inputs, label, group, descriptors and the planted region."""

    inputs: FloatArray
    label: IntArray
    group: IntArray
    descriptors: tuple[Descriptor, ...]
    region: IntArray


def cancel(n: int, seed: int) -> Cancel:
    """Draw the fixture: two groups, a proxy of them, and age regions of opposite bias."""
    rng = np.random.default_rng([seed, 0, 2])
    group, age = rng.integers(0, 2, n), rng.uniform(20, 80, n)
    x, d1, d2 = rng.standard_normal((n, 3)), rng.standard_normal(n), rng.integers(0, 2, n)
    proxy = np.linspace(-1, 1, 2)[group] + rng.standard_normal(n)
    u = rng.uniform(size=n)
    region = np.where(age < 40, 1, np.where(age >= 60, -1, 0))
    eta = 1.2 * x[:, 0] - 0.8 * x[:, 1] + 0.6 * x[:, 2] + 0.55 * region * proxy - 0.3
    return Cancel(
        inputs=np.column_stack([x, proxy, (age - 50) / 17.32, d1, d2 - 0.5]),
        label=(u < expit(eta)).astype(np.int64),
        group=group,
        descriptors=(
            Descriptor("age", age),
            Descriptor("d1", d1),
            Descriptor("d2", d2, levels=("no", "yes")),
        ),
        region=region,
    )


def decisions(k: int) -> tuple[Cancel, IntArray]:
    """Fit the network of seed k on 10,000 rows and decide another 10,000."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    train, rows = cancel(ROWS, 10 * k), cancel(ROWS, 10 * k + 2)
    model = MLPClassifier(
        (64, 32), learning_rate_init=2e-3, batch_size=1024, max_iter=50, random_state=k
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(train.inputs, train.label)
    return rows, model.predict(rows.inputs)


@dataclass(frozen=True)
class Seed:
    """What one seed of the fixture gave."""

    jaccard: float
    p: float
    alarm: bool


def search(rows: Cancel, decision: IntArray, group: IntArray, seed: int) -> Seed:
    """Search one decided fixture; an alarm is a p of at most .01 in the tree or a verdict."""
    section = subgroups_section(
        Attribute("group", ("a", "b"), group),
        rows.descriptors,
        decision=decision,
        search=Search(seed=seed),
    )
    tree = section["families"][-1]
    if tree["worst"] is None:
        return Seed(0.0, 1.0, section["verdict"] == "difference")
    inside = members(tree["worst"]["conditions"], rows.descriptors)
    overlap = [
        float((inside & (rows.region == h)).sum() / (inside | (rows.region == h)).sum())
        for h in (1, -1)
    ]
    return Seed(max(overlap), tree["p"], tree["p"] <= 0.01 or section["verdict"] == "difference")


def fixture(seeds: Sequence[int]) -> tuple[list[Seed], list[Seed]]:
    """Search each seed as it is and with the groups shuffled over the rows."""
    real, shuffled = [], []
    for k in seeds:
        rows, decision = decisions(k)
        real.append(search(rows, decision, rows.group, k))
        mixed = np.random.default_rng([k, 1]).permutation(rows.group)
        shuffled.append(search(rows, decision, mixed, k))
    return real, shuffled


def null_sections(
    tables: int, *, rows: int, families: tuple[str, ...] = FAMILIES, split: float = 0.05
) -> list[dict[str, Any]]:
    """Search tables in which groups and decision rates differ by subgroup, but no gap exists.

    The group depends on two columns, the decision on two others, so that inside every subgroup
    the two are independent.
    """
    out = []
    for k in range(tables):
        rng = np.random.default_rng([rows, k])
        a, b, c = rng.standard_normal((3, rows))
        city, trade = rng.integers(0, 4, rows), rng.integers(0, 5, rows)
        share = np.array([0.6, 0.3, 0.1]) * np.exp(np.outer(a + city - 1.5, [0.0, 0.3, -0.3]))
        share = np.cumsum(share / share.sum(axis=1, keepdims=True), axis=1)
        group = (rng.uniform(size=(rows, 1)) > share[:, :2]).sum(axis=1)
        decision = rng.uniform(size=rows) < expit(b + 0.5 * trade - 2.0)
        columns = (
            Descriptor("a", a),
            Descriptor("b", b),
            Descriptor("c", c),
            Descriptor("city", city, levels=("n", "e", "s", "w")),
            Descriptor("trade", trade, levels=("1", "2", "3", "4", "5")),
        )
        attribute = Attribute("group", ("x", "y", "z"), group)
        section = subgroups_section(
            attribute,
            columns,
            decision=decision.astype(np.int64),
            search=Search(seed=k, families=families, split=split),
        )
        out.append(section)
    return out


def reached(sections: Sequence[dict[str, Any]], family: str, level: float) -> float:
    """Share of sections whose family has a p-value of at most the level."""
    p = [f["p"] for s in sections for f in s["families"] if f["family"] == family]
    return float(np.mean([value is not None and value <= level for value in p]))


def run() -> str:
    """State what was measured beside what was asked for."""
    lines = ["| what | measured | bound | held |", "|---|---|---|---|"]
    lines += _fixture_lines(50) + _null_lines(1000)
    return "\n".join(lines) + "\n\n" + _income()


def _line(what: str, measured: str, bound: str, held: bool) -> str:
    return f"| {what} | {measured} | {bound} | {'yes' if held else 'no'} |"


def _fixture_lines(seeds: int) -> list[str]:
    real, shuffled = fixture(range(seeds))
    found = sum(s.jaccard >= 0.6 and s.p <= 0.01 for s in real)
    alarms = sum(s.alarm for s in shuffled)
    middle = float(np.median([s.jaccard for s in real]))
    return [
        _line(
            f"fixture cancel, 10,000 rows, {seeds} seeds: the planted region is found (overlap "
            f"at least .6, p at most .01); median overlap {middle:.2f}",
            f"{found} of {seeds}",
            "at least 45 of 50",
            found >= 0.9 * seeds,
        ),
        _line(
            "the same with groups shuffled over the rows: alarms",
            f"{alarms} of {seeds}",
            "at most 2 of 50",
            alarms <= 0.04 * seeds,
        ),
    ]


def _null_lines(tables: int) -> list[str]:
    lines = []
    for rows in (1000, 5000):
        sections = null_sections(tables, rows=rows)
        for level in (0.05, 0.01):
            bound = level + 3 * np.sqrt(level * (1 - level) / tables)
            for family in ("declared", "quantile", "tree"):
                share = reached(sections, family, level)
                lines.append(
                    _line(
                        f"{tables:,} tables of {rows:,} rows without a gap, {family}: p at most "
                        f"{level:g}",
                        f"{100 * share:.1f} %",
                        f"at most {100 * bound:.1f} %",
                        share <= bound,
                    )
                )
        share = float(np.mean([s["verdict"] == "difference" for s in sections]))
        lines.append(
            _line(
                f"{tables:,} tables of {rows:,} rows without a gap: difference found",
                f"{100 * share:.1f} %",
                f"at most {100 * bound:.1f} %",
                share <= bound,
            )
        )
    return [*lines, _eager(tables)]


def _eager(tables: int) -> str:
    """Let the tree split where nothing is, so that its p-value is computed often."""
    sections = null_sections(tables, rows=5000, families=("tree",), split=0.99)
    p = [s["families"][0]["p"] for s in sections if s["families"][0]["p"] is not None]
    share, bound = float(np.mean(np.array(p) <= 0.05)), 0.05 + 3 * np.sqrt(0.0475 / len(p))
    return _line(
        f"a tree that splits almost anything, {len(p):,} tables of 5,000 rows without a gap in "
        "which it did: p at most 0.05",
        f"{100 * share:.1f} %",
        f"at most {100 * bound:.1f} %",
        share <= bound,
    )


def _income() -> str:
    if not INCOME.is_file():
        return "The real data sets are not beside this checkout; ACSIncome was not searched."
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(INCOME)
    column = {name: table.column(name).to_numpy() for name in table.schema.names}
    columns = [Descriptor(name, column[name].astype(np.float64)) for name in NUMBERS]
    columns += [Descriptor(name, *_coded(column[name])) for name in CODED]
    decision = (column["PINCP"].astype(np.float64) > 0).astype(np.int64)
    lines = [
        "ACSIncome, 332,900 rows, incomes over $50,000, 8 descriptor columns. Ranked by supported "
        "gap and, as the rival, by size alone:",
        "",
        "| groups | ranked by | wall | declared: gap (interval), p | quantile | tree |",
        "|---|---|---|---|---|---|",
    ]
    for name in ("SEX", "RAC1P"):
        codes, words = _coded(column[name])
        for rank in ("supported", "raw"):
            started = time.perf_counter()
            section = subgroups_section(
                Attribute(name, words, codes), columns, decision=decision, search=Search(rank=rank)
            )
            wall = time.perf_counter() - started
            cells = " | ".join(
                f"{100 * f['worst']['gap']:.0f} points ({100 * f['worst']['low']:.0f} to "
                f"{100 * f['worst']['high']:.0f}), {f['p']:.3f}"
                for f in section["families"]
            )
            lines.append(f"| {name} | {rank} | {wall:.1f} s | {cells} |")
    return "\n".join(lines)


def _coded(values: NDArray[np.generic]) -> tuple[IntArray, tuple[str, ...]]:
    levels, codes = np.unique(values, return_inverse=True)
    return codes.astype(np.int64), tuple(f"{level:g}" for level in levels.astype(np.float64))


if __name__ == "__main__":
    print(run())
