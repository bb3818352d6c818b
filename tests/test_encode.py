"""Encoding of raw columns: exact on what it saw, silent on what it did not."""

from __future__ import annotations

import json

import numpy as np

from mitigations.contract import Column
from mitigations.encode import Encoder

COLUMNS = (
    Column("age", "numeric", slot=0),
    Column("job", "categorical", slot=1),
    Column("hours", "numeric", slot=2),
)
X = np.array([[20, 0, np.nan], [40, 2, 10], [60, 2, 30]], dtype=np.float32)


def test_numbers_are_standardised_and_levels_get_a_place() -> None:
    encoder = Encoder.fit(COLUMNS, X)
    out = encoder.transform(X)
    assert encoder.names == ("age", "job=0", "job=2", "hours", "hours missing")
    assert out.shape == (3, encoder.width)
    np.testing.assert_allclose(out[:, 0], [-1.22474487, 0.0, 1.22474487])
    assert out[:, 1].tolist() == [1, 0, 0]
    assert out[:, 4].tolist() == [1, 0, 0]


def test_levels_never_seen_and_missing_codes_are_zero_everywhere() -> None:
    encoder = Encoder.fit(COLUMNS, X)
    out = encoder.transform(np.array([[40, 7, 20], [40, np.nan, 20]], dtype=np.float32))
    assert not out[:, 1:3].any()


def test_the_state_is_json_and_gives_the_same_numbers() -> None:
    encoder = Encoder.fit(COLUMNS, X)
    again = Encoder.from_state(json.loads(json.dumps(encoder.state())))
    np.testing.assert_array_equal(again.transform(X), encoder.transform(X))


def test_a_constant_and_an_empty_column_stay_finite() -> None:
    x = np.array([[1, 0, np.nan], [1, 0, np.nan]], dtype=np.float32)
    assert np.isfinite(Encoder.fit(COLUMNS, x).transform(x)).all()
