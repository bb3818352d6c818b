"""The eight tasks beside the folktables package on simulated files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from auditapp.folktables import bridge, catalogue, find
from auditapp.folktables.apply import Settings, matrix
from tests import pums_fixtures as pums

folktables = pytest.importorskip("folktables")
NAMES = [task.name for task in catalogue()]
COMPATIBLE = Settings(mode="compatible")
BLANK_TARGETS = {"ACSEmployment", "ACSTravelTime", "ACSIncomePovertyRatio"}


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Two states of 2018, read by the package itself."""
    states = {s: pums.persons(1500, state=s, replicates=2) for s in ("06", "48")}
    root = pums.folktables_layout(tmp_path_factory.mktemp("acs"), states)
    source = folktables.ACSDataSource("2018", "1-Year", "person", root_dir=str(root))
    data = source.get_data(states=pums.codes(list(states)))
    assert isinstance(data, pd.DataFrame)
    return data


def table_of(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False)


@pytest.mark.parametrize("name", NAMES)
def test_declarations_are_those_of_the_package(name: str) -> None:
    theirs: Any = getattr(folktables, name)
    task = find(name)
    assert list(task.features) == theirs.features
    assert task.label == theirs.target
    assert task.group == theirs.group


@pytest.mark.parametrize("name", NAMES)
def test_compatible_mode_equals_the_package_cell_by_cell(frame: pd.DataFrame, name: str) -> None:
    features, label, group = getattr(folktables, name).df_to_numpy(frame)
    ours = matrix(table_of(frame), find(name), COMPATIBLE)
    assert len(label) > 100
    assert 0 < label.sum() < len(label)
    np.testing.assert_array_equal(ours.features, features)
    np.testing.assert_array_equal(ours.label == 1, label)
    assert ours.label.min() == 0
    np.testing.assert_array_equal(ours.group, group)


@pytest.mark.parametrize("name", NAMES)
def test_corrected_mode_differs_only_in_blanks(frame: pd.DataFrame, name: str) -> None:
    table, task = table_of(frame), find(name)
    same, ours = matrix(table, task, COMPATIBLE), matrix(table, task)
    np.testing.assert_array_equal(ours.rows, same.rows)
    np.testing.assert_array_equal(ours.group, same.group)
    blank = frame[list(task.features)].isna().to_numpy()[ours.rows]
    np.testing.assert_array_equal(np.isnan(ours.features), blank)
    np.testing.assert_array_equal(ours.features[~blank], same.features[~blank])
    assert (same.features[blank] == 0).all()
    unknown = frame[task.label].isna().to_numpy()[ours.rows]
    np.testing.assert_array_equal(ours.label == -1, unknown)
    assert bool(unknown.any()) == (name in BLANK_TARGETS)
    np.testing.assert_array_equal(ours.label[~unknown], same.label[~unknown])


@pytest.mark.parametrize("name", NAMES)
def test_years_after_2019_equal_the_package_on_bridged_columns(tmp_path: Path, name: str) -> None:
    path = pums.write_csv(tmp_path, pums.persons(900, year=2022, replicates=0), year=2022)
    frame = pd.read_csv(path, dtype={"SERIALNO": str, "SOCP": str, "NAICSP": str})
    relp, jwtr = bridge.BRIDGES[0].codes, bridge.BRIDGES[1].codes
    bridged = frame.assign(RELP=frame["RELSHIPP"].map(relp), JWTR=frame["JWTRNS"].map(jwtr))
    features, label, _ = getattr(folktables, name).df_to_numpy(bridged)
    ours = matrix(table_of(frame), find(name), COMPATIBLE)
    np.testing.assert_array_equal(ours.features, features)
    np.testing.assert_array_equal(ours.label == 1, label)


def test_several_states_lose_no_rows_of_the_mobility_task() -> None:
    """The package drops by index label, so frames joined without a new index lose rows."""
    frames = [pums.persons(800, state=state, replicates=0) for state in ("06", "48")]
    joined = pd.concat(frames)
    theirs = folktables.ACSMobility.df_to_numpy(joined.astype({"PINCP": float}))[1]
    ours = matrix(table_of(joined), find("ACSMobility"), COMPATIBLE)
    expected = sum(int(frame["AGEP"].between(19, 34).sum()) for frame in frames)
    assert len(ours.label) == expected
    assert len(theirs) < expected
