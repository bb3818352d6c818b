"""When it may be said that a group lost no accuracy."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.no_harm import joint_cells, no_harm


def test_cells_count_people_by_what_they_get_now_and_got_before() -> None:
    group = np.array([0, 0, 0, 1, 1, -1])
    label = np.array([1, 0, 1, 1, 0, 1])
    before = np.array([1, 1, 0, 1, 0, 1])
    after = np.array([1, 2, 1, 0, -1, 1])
    cells = joint_cells(group, label, before, np.where(after < 0, 2, after), 2)
    assert cells[0].tolist() == [[1, 0], [0, 0], [1, 1]]
    assert cells[1].tolist() == [[0, 1], [0, 1], [0, 0]]


def test_leaving_out_the_wrong_ones_in_a_large_group_is_no_harm() -> None:
    found = no_harm([[[300, 100], [500, 0], [0, 4100]]])
    group = found["groups"][0]
    assert found["shown"] is True
    assert group["difference"] == pytest.approx(4100 / 4600 - 4200 / 5000)
    assert 0 < group["lower"] < group["difference"]


def test_leaving_out_the_right_ones_is_not_shown_to_be_no_harm() -> None:
    found = no_harm([[[300, 100], [500, 0], [0, 4100]], [[10, 790], [500, 0], [0, 4100]]])
    assert [g["shown"] for g in found["groups"]] == [True, False]
    assert found["shown"] is False


def test_overturned_decisions_that_were_right_are_harm() -> None:
    assert no_harm([[[0, 0], [500, 150], [50, 4300]]])["shown"] is False


def test_few_people_show_nothing_even_where_nothing_changed() -> None:
    assert no_harm([[[0, 0], [4, 0], [0, 20]]])["groups"][0]["reason"] == "few-rows"
    assert no_harm([[[0, 0], [5, 0], [0, 30]]])["shown"] is False
    assert no_harm([[[0, 0], [500, 0], [0, 3000]]])["shown"] is True


def test_a_group_of_which_nobody_is_decided_shows_nothing() -> None:
    found = no_harm([[[10, 90], [0, 0], [0, 0]]])
    assert found["groups"][0]["reason"] == "nobody-decided"
    assert found["shown"] is False
    assert no_harm(np.zeros((1, 3, 2)))["shown"] is False


@pytest.mark.parametrize("n", [100, 400, 3000])
def test_the_limit_is_below_the_truth_as_often_as_it_says(n: int) -> None:
    share = np.array([[0.05, 0.05], [0.08, 0.02], [0.03, 0.77]])
    truth = share[2].sum() / share[1:].sum() - share[:, 1].sum()
    drawn = np.random.default_rng(n).multinomial(n, share.ravel(), size=1500).reshape(-1, 3, 2)
    below = np.mean([g["lower"] <= truth for g in no_harm(drawn)["groups"]])
    assert 0.935 <= below <= 0.975
