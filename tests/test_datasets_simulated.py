"""The simulated population has the disparities it says it has, and no others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from auditapp.datasets import simulated
from auditapp.datasets.inspect import inspect
from auditapp.datasets.suggest import plan_defaults

N = 400_000


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    table = simulated.acs_like(N, seed=11)
    return table.assign(selected=table[simulated.SCORE] >= simulated.THRESHOLD)


def rows(people: pd.DataFrame, group: dict[str, str]) -> pd.DataFrame:
    for column, key in group.items():
        people = people[people[column] == int(key)]
    return people


@pytest.mark.parametrize("gap", simulated.PLANTED["gaps"], ids=lambda gap: gap["words"])
def test_the_planted_gaps_are_there(people: pd.DataFrame, gap: dict[str, object]) -> None:
    group, comparator = rows(people, gap["group"]), rows(people, gap["comparator"])
    found = group["selected"].mean() - comparator["selected"].mean()
    spread = np.sqrt(0.25 / len(group) + 0.25 / len(comparator))
    assert found == pytest.approx(gap["difference"], abs=0.0006 + 3 * spread)


def test_income_does_not_depend_on_race_or_sex(people: pd.DataFrame) -> None:
    rates = people.groupby(["RAC1P", "SEX"])[simulated.LABEL].agg(["mean", "size"])
    expected = people[simulated.LABEL].mean()
    assert ((rates["mean"] - expected).abs() < 4 * np.sqrt(0.25 / rates["size"])).all()


def test_small_groups_and_unknowns_are_there() -> None:
    table = simulated.acs_like(20_000, seed=0)
    sizes = table["RAC1P"].value_counts()
    assert 0 < sizes[4] < 30
    assert 30 < sizes[7] < 150
    assert table["RAC1P"].isna().mean() == pytest.approx(0.02, abs=0.005)
    assert table[simulated.SCORE].between(0, 1).all()


def test_equal_seeds_give_equal_files(tmp_path: Path) -> None:
    first = simulated.write_demo(tmp_path / "a.csv", n=500)
    second = simulated.write_demo(tmp_path / "b.csv", n=500)
    assert first.read_bytes() == second.read_bytes()
    assert (
        first.read_bytes() != simulated.write_demo(tmp_path / "c.csv", n=500, seed=1).read_bytes()
    )
    assert len(pd.read_parquet(simulated.write_demo(tmp_path / "d.parquet", n=50))) == 50


def test_the_demo_table_is_recognised_as_far_as_it_goes(tmp_path: Path) -> None:
    source = simulated.write_demo(tmp_path / "demo.csv", n=3_000)
    profile = inspect(source, "demo.csv", tmp_path / "out")
    draft = plan_defaults(profile)
    assert draft["label"] == {"column": "INCOME_ABOVE_50K", "favourable": ["1"]}
    assert draft["score"]["column"] == "score"
    assert [spec["title"] for spec in draft["attributes"]] == ["Race", "Sex"]
    assert draft["attributes"][0]["words"]["6"] == "Asian"
    assert draft["about"]["outcome"] == "A prediction of income above $50,000"
    assert not [n for n in profile["notices"] if n["level"] == "check"]
