"""A second file joined by an id column."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from auditapp.datasets.inspect import inspect
from auditapp.datasets.join import join, match
from auditapp.datasets.table import Table
from auditapp.errors import AuditError


def version(folder: Path, name: str, text: str) -> Path:
    """Inspect a CSV text into a dataset version."""
    source = folder / f"{name}.csv"
    source.write_text(text)
    inspect(source, f"{name}.csv", folder / name)
    return folder / name


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return version(tmp_path, "people", "id,sex,label\n1,f,1\n2,m,0\n3,f,1\n4,m,1\n,f,0\n2,f,0\n")


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    return version(
        tmp_path, "gold", "person,gold,label\n2.0,0,x\n1.0,1,y\n9.5,1,z\n3.0,,w\n,1,v\n"
    )


def test_it_joins_by_key_and_counts_both_sides(people: Path, gold: Path, tmp_path: Path) -> None:
    profile = join(people, gold, tmp_path / "out", on="id", second_on="person", name="gold.csv")
    table = Table.open(tmp_path / "out")
    assert table.names == ("id", "sex", "label", "gold", "label (2)")
    assert table.codes("gold") == (["0", "1"], pytest.approx([1, 0, -1, -1, -1, 0]))
    assert table.codes("label (2)")[0] == ["w", "x", "y"]
    assert profile["joins"][-1]["first"] == {
        "rows": 6, "matched": 4, "unmatched": 1, "blank": 1, "shared": 1,
    }  # fmt: skip
    assert profile["joins"][-1]["second"] == {
        "rows": 5, "matched": 3, "unmatched": 1, "blank": 1, "duplicates": 0,
    }  # fmt: skip
    assert profile["joins"][-1]["columns"] == {"gold": "gold", "label (2)": "label"}
    assert profile["name"] == "people.csv"
    assert profile["rows"] == 6
    stored = json.loads((tmp_path / "out" / "profile.json").read_text())
    assert stored == profile
    said = {line["code"]: line["message"] for line in profile["notices"]}
    assert said["joined"] == "4 of 6 rows found their row in gold.csv."
    assert said["join-unused"] == "2 rows of gold.csv not used: no row has their id."
    assert "2 rows without a row in gold.csv" in said["join-unmatched"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "profile.json",
        "table.parquet",
    ]


def test_rows_without_a_match_can_be_dropped(people: Path, gold: Path, tmp_path: Path) -> None:
    profile = join(
        people, gold, tmp_path / "out", on="id", second_on="person", keep="matched",
        columns=["gold"],
    )  # fmt: skip
    table = Table.open(tmp_path / "out")
    assert table.n_rows == profile["rows"] == 4
    assert table.codes("sex")[1].tolist() == [0, 1, 0, 0]
    assert profile["joins"][-1]["kept"] == "matched"


def test_repeated_ids_are_refused_or_the_first_is_taken(people: Path, tmp_path: Path) -> None:
    twice = version(tmp_path, "twice", "id,gold\n1,1\n2,0\n1,0\n1,1\n")
    with pytest.raises(AuditError) as caught:
        join(people, twice, tmp_path / "out", on="id", name="twice.csv")
    assert caught.value.code == "join-duplicates"
    assert caught.value.found == "“1” 3 times"
    assert not (tmp_path / "out").exists()
    profile = join(people, twice, tmp_path / "out", on="id", duplicates="first", name="twice.csv")
    assert Table.open(tmp_path / "out").numbers("gold")[:2].tolist() == [1.0, 0.0]
    assert profile["joins"][-1]["second"]["duplicates"] == 2
    assert any(line["code"] == "join-duplicates" for line in profile["notices"])


def test_files_that_share_no_id_are_refused_with_examples(people: Path, tmp_path: Path) -> None:
    codes = version(tmp_path, "codes", "id,gold\n0a1,1\n0a2,0\n")
    with pytest.raises(AuditError) as caught:
        match(Table.open(people), Table.open(codes), "id", name="codes.csv")
    assert caught.value.code == "join-no-match"
    assert caught.value.found == "“id”: “1”, “2”, “3”; “id” of codes.csv: “0a1”, “0a2”"


@pytest.mark.parametrize(
    "options",
    [{"on": "nobody"}, {"on": "id"}, {"on": "id", "second_on": "person", "columns": ["no"]}],
)
def test_a_column_that_is_not_there_is_named(
    people: Path, gold: Path, tmp_path: Path, options: dict[str, str]
) -> None:
    with pytest.raises(AuditError) as caught:
        join(people, gold, tmp_path / "out", **options)
    assert caught.value.code == "unknown-column"
    assert not (tmp_path / "out").exists()


def test_every_row_finds_its_own_among_many(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 20_000
    ids, other = rng.permutation(n), rng.permutation(n)[: n // 2]
    first = version(tmp_path, "first", "id\n" + "\n".join(f"p{i}" for i in ids))
    second = version(
        tmp_path, "second", "id,value\n" + "\n".join(f" p{i} ,{3 * i}" for i in other)
    )
    found = match(Table.open(first), Table.open(second), "id")
    assert found.report["first"]["matched"] == n // 2
    assert (found.places[found.matched] >= 0).all()
    assert (other[found.places[found.matched]] == ids[found.matched]).all()
    join(first, second, tmp_path / "out", on="id")
    value = Table.open(tmp_path / "out").numbers("value")
    assert np.array_equal(np.isfinite(value), found.matched)
    assert (value[found.matched] == 3 * ids[found.matched]).all()
