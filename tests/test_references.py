"""Share of reference decisions that the model equals or betters on every loss."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.diagnoses import superhuman
from metrics.groups import Attribute
from metrics.references import INTERVAL_COVERS, references_section
from tests.documents import sound


def data(n: int = 400) -> tuple[Attribute, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, n)
    label = rng.integers(0, 2, n)
    return Attribute("sex", ("Men", "Women"), group), label, rng


def test_a_model_equal_to_a_reference_ties_and_counts() -> None:
    sex, label, rng = data()
    model = np.where(rng.random(400) < 0.2, 1 - label, label)
    out = sound(references_section(sex, label, model, model[None]))
    assert out["gamma"] == 1.0
    assert [loss["ties"] for loss in out["losses"]] == [1, 1, 1]
    assert (out["low"], out["high"]) == pytest.approx((0.025, 1.0))
    assert out["interval_covers"] == INTERVAL_COVERS == "the choice of references only"
    assert out["notices"] == ["few-references"]


def test_the_best_model_beats_noisy_references_and_one_more_lowers_gamma() -> None:
    bayes, some, more = superhuman()
    assert bayes >= 0.95
    assert some == 1.0
    # Down by gamma / 51: by 1 / 51 exactly where all fifty were matched.
    assert more == pytest.approx(some - some / 51, abs=1e-12)


def test_each_reference_is_judged_on_the_rows_it_decided() -> None:
    sex, label, _ = data()
    half = np.where(np.arange(400) < 200, label, -1)
    worse = label.copy()
    worse[200:] = 1 - worse[200:]
    out = sound(references_section(sex, label, worse, half[None], names=["panel"]))
    assert out["gamma"] == 1.0
    assert out["list"][0]["name"] == "panel"


def test_nothing_to_compare_has_a_reason() -> None:
    sex, label, _ = data()
    none = sound(references_section(sex, label, label, np.zeros((0, 400), int)))
    assert (none["gamma"], none["undefined"]) == (None, "no-references")
    one_class = np.ones(400, dtype=int)
    out = sound(references_section(sex, one_class, one_class, one_class[None]))
    assert (out["gamma"], out["undefined"]) == (None, "not-comparable")
    assert out["list"][0]["reason"] == "empty-denominator"
    blank = np.full(400, -1)
    assert (
        sound(references_section(sex, blank, label, label[None]))["undefined"] == "not-comparable"
    )
    lonely = Attribute("sex", ("Men",), np.zeros(400, int))
    assert sound(references_section(lonely, label, label, label[None]))["gamma"] is None
    with pytest.raises(ValueError, match="losses are"):
        references_section(sex, label, label, label[None], losses=("charm",))
    with pytest.raises(ValueError, match="rows"):
        references_section(sex, label, label, label[None, :5])
