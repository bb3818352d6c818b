"""Abstention over counts beside the published program over rows: same optimum, both times."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from metrics.abstention_cells import Wish
from metrics.abstention_program import oracle
from tests.abstention_rows import per_row

SIZES = (200, 500, 1000, 2000, 5000)
LARGE = (1_000_000, 10_000_000)
#: Shares of (group, label, decision) near those of a logistic regression on Adult by sex.
SHARES = np.array([[[0.41, 0.05], [0.08, 0.13]], [[0.28, 0.01], [0.02, 0.02]]])
PUBLISHED = Wish(gap=0.03, share=0.2, flips=1.0, reading="whole", floor=1)
ABSTAIN_ONLY = Wish(gap=0.05, share=0.2, flips=0.0, reading="whole", floor=1)


def counts_of(n: int, seed: int) -> NDArray[np.int64]:
    """Rows drawn from the shares."""
    shares = SHARES / SHARES.sum()
    drawn = np.random.default_rng([5, seed]).multinomial(n, shares.ravel())
    return drawn.reshape(SHARES.shape).astype(np.int64)


def run() -> str:
    """Both programs on the same counts, then counts alone on large data."""
    lines = [
        "Demographic parity, two groups. Over rows: three binary variables each, sparse, HiGHS.",
        "",
        "| rows | wish | over rows | counts | times faster | same errors |",
        "|---|---|---|---|---|---|",
    ]
    for n in SIZES:
        for name, wish in (
            ("as published, flips free", PUBLISHED),
            ("abstain only", ABSTAIN_ONLY),
        ):
            lines.append(_line(n, name, wish))
    lines += ["", "| rows | wish | counts | bound | holds |", "|---|---|---|---|---|"]
    for n in LARGE:
        seconds, _ = _timed(counts_of(n, 0), ABSTAIN_ONLY)
        lines.append(
            f"| {n:,} | abstain only, all stages | {1000 * seconds:.0f} ms | under 1 s |"
            f" {'yes' if seconds < 1.0 else 'no'} |"
        )
    return "\n".join(lines)


def _timed(counts: NDArray[np.int64], wish: Wish) -> tuple[float, float]:
    started = time.process_time()
    found = oracle(counts, wish)
    return time.process_time() - started, float(found.errors)


def _line(n: int, name: str, wish: Wish) -> str:
    counts = counts_of(n, n)
    started = time.process_time()
    errors = per_row(counts, wish)
    slow = time.process_time() - started
    fast, ours = _timed(counts, wish)
    same = "infeasible" if errors is None else "yes" if abs(ours - errors) < 1e-6 else "no"
    return (
        f"| {n:,} | {name} | {slow:.2f} s | {1000 * fast:.0f} ms | {slow / fast:,.0f} | {same} |"
    )
