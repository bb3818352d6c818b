"""Which class an output chooses: largest probability, label, or a refusal with a way out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from auditapp.errors import AuditError
from auditapp.predictors.deciders import Decider, decider, names

CLASSES = ("low", "middle", "high")
TAKE = Decider("probabilities", CLASSES)


def profile(shape: list[int | None], classes: list[str] | None = None) -> dict[str, Any]:
    output = {"name": "p", "type": "tensor(float)", "shape": shape}
    return {"outputs": [output], "output": "p", "classes": classes}


def test_the_largest_probability_wins_and_ties_take_the_first() -> None:
    rows = np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [0.1, 0.1, 0.8]])
    assert TAKE.values(rows, 3).tolist() == [1.0, 0.0, 2.0]


def test_a_row_without_numbers_has_no_class() -> None:
    found = TAKE.values(np.array([[np.nan, 0.5, 0.5], [0.0, 0.0, 1.0]]), 2)
    assert np.isnan(found[0])
    assert found[1] == 2.0


def test_maps_of_classes_are_read_in_the_order_of_the_classes() -> None:
    maps = [{"high": 0.7, "low": 0.2, "middle": 0.1}, {"high": 0.1, "low": 0.5, "middle": 0.4}]
    assert TAKE.values(maps, 2).tolist() == [2.0, 0.0]


def test_labels_are_found_among_the_classes() -> None:
    assert TAKE.values(np.array(["high", "low"], dtype=object), 2).tolist() == [2.0, 0.0]
    assert Decider("y", ("0", "1", "2")).values(np.array([2, 0]), 2).tolist() == [2.0, 0.0]


@pytest.mark.parametrize(
    "result",
    [
        np.zeros((2, 4)),
        np.array([0.1, 0.9]),
        np.array(["low", "unheard of"], dtype=object),
        [{"low": 1.0}, {"low": 1.0}],
    ],
    ids=["too wide", "one number", "another label", "too few in the map"],
)
def test_what_names_no_class_is_refused_with_a_way_out(result: Any) -> None:
    with pytest.raises(AuditError) as error:
        TAKE.values(result, 2)
    assert error.value.code == "model-classes"


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(AuditError, match="3 rows"):
        TAKE.values(np.zeros((2, 3)), 3)


def test_a_model_without_names_numbers_its_classes() -> None:
    assert names(profile([None, 4]), None) == ("0", "1", "2", "3")
    assert decider(profile([None, 3], list(CLASSES)), None).classes == CLASSES


def test_a_model_that_does_not_say_its_classes_is_refused() -> None:
    shapes: list[list[int | None]] = [[None, None], [None], [None, 1]]
    for shape in shapes:
        with pytest.raises(AuditError) as error:
            names(profile(shape), None)
        assert error.value.code == "model-classes"
    with pytest.raises(AuditError) as error:
        names(profile([None, 3]), "other")
    assert error.value.code == "model-outputs"
