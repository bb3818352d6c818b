"""How often tests reject where nothing differs; the benchmark measures the same with more tables.

Bounds allow four standard errors of the tables drawn here beside those of the benchmark.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import nulls

TABLES = 300


def room(tables: int = TABLES) -> float:
    return 4 * float(np.sqrt(0.05 * 0.95 / tables))


@pytest.mark.parametrize(
    ("sizes", "rate"), [((1000, 200), 0.3), ((5000, 30), 0.3), ((800, 60, 200, 90), 0.1)]
)
def test_fishers_test_rejects_at_most_five_per_cent(sizes: tuple[int, ...], rate: float) -> None:
    assert nulls.fisher(sizes, rate, tables=2000) <= 0.05 + room(2000)


def test_mcnemars_test_rejects_at_most_five_per_cent() -> None:
    assert nulls.mcnemar(12, tables=2000) <= 0.05 + room(2000)
    assert nulls.mcnemar(200, tables=2000) <= 0.05 + room(2000)


@pytest.mark.parametrize(("n", "other"), [(200, 200), (200, 2000)])
def test_tests_of_scores_reject_five_per_cent(n: int, other: int) -> None:
    for name, share in nulls.of_scores(n, other, tables=TABLES).items():
        assert 0.03 - room() <= share <= 0.07 + room(), name


@pytest.mark.parametrize("name", sorted(nulls.LAYOUTS))
def test_rao_scott_rejects_about_five_per_cent_where_plain_chi_square_does_not(name: str) -> None:
    found = nulls.of_surveys(nulls.LAYOUTS[name], 0.35, people=3000, tables=TABLES)
    assert 0.03 - room() <= found["Rao-Scott"] <= 0.075 + room()
    assert found["deflated Fisher"] <= 0.05 + room()
    assert found["naive"] > 0.05 + room()
    assert found["design effect"] > 1.3
