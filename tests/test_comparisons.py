"""Who is compared with whom."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.comparisons import (
    NO_DENOMINATOR,
    ONE_GROUP,
    REST,
    Comparisons,
    comparisons_of,
    join,
)


def pairs(c: Comparisons) -> list[tuple[int, int]]:
    return list(zip(c.group.tolist(), c.comparator.tolist(), strict=True))


def test_three_groups_meet_the_largest_and_the_largest_meets_the_rest() -> None:
    c = comparisons_of([50, 200, 80], [5, 60, 20], [40, 190, 70], kind="attribute")
    assert pairs(c) == [(0, 1), (1, REST), (2, 1)]
    assert c.x1.tolist() == [5, 60, 20]
    assert c.n1.tolist() == [40, 190, 70]
    assert c.x2.tolist() == [60, 25, 60]
    assert c.n2.tolist() == [190, 110, 190]
    assert c.rows.tolist() == [50, 200, 80]


def test_a_chosen_reference_takes_the_place_of_the_largest() -> None:
    c = comparisons_of([50, 200, 80], [5, 60, 20], [50, 200, 80], kind="attribute", reference=2)
    assert pairs(c) == [(0, 2), (1, 2), (2, REST)]


def test_equally_large_groups_give_the_first_as_reference() -> None:
    assert pairs(comparisons_of([9, 70, 70], [0] * 3, [9, 70, 70], kind="attribute")) == [
        (0, 1),
        (1, REST),
        (2, 1),
    ]


@pytest.mark.parametrize(("reference", "expected"), [(None, (1, 0)), (0, (1, 0)), (1, (0, 1))])
def test_two_groups_are_one_comparison(reference: int | None, expected: tuple[int, int]) -> None:
    c = comparisons_of([90, 40], [30, 8], [90, 40], kind="attribute", reference=reference)
    assert pairs(c) == [expected]


def test_a_third_group_without_rows_leaves_one_comparison() -> None:
    c = comparisons_of([90, 0, 40], [30, 0, 8], [90, 0, 40], kind="attribute")
    assert pairs(c) == [(2, 0)]


def test_a_reference_without_rows_gives_way_to_the_largest() -> None:
    c = comparisons_of([90, 0, 40, 7], [9, 0, 8, 1], [90, 0, 40, 7], kind="attribute", reference=1)
    assert pairs(c) == [(0, REST), (2, 0), (3, 0)]


def test_cells_of_an_intersection_meet_everybody_else() -> None:
    c = comparisons_of([60, 0, 90, 50], [6, 0, 18, 30], [60, 0, 90, 50], kind="intersection")
    assert pairs(c) == [(0, REST), (2, REST), (3, REST)]
    assert (c.x1 + c.x2 == 54).all()
    assert (c.n1 + c.n2 == 200).all()


@pytest.mark.parametrize("kind", ["attribute", "intersection"])
def test_a_group_that_is_everybody_has_nobody_to_meet(kind: str) -> None:
    c = comparisons_of([0, 90], [0, 30], [0, 90], kind=kind)  # type: ignore[arg-type]
    assert pairs(c) == [(1, REST)]
    assert c.n2.tolist() == [0]
    assert c.reason.tolist() == [ONE_GROUP]


def test_a_metric_nobody_counts_in_does_not_apply() -> None:
    c = comparisons_of([90, 80, 70], [0] * 3, [0] * 3, kind="attribute")
    assert c.reason.tolist() == [NO_DENOMINATOR] * 3


def test_no_groups_give_no_comparisons() -> None:
    assert len(comparisons_of([], [], [], kind="attribute")) == 0
    assert len(comparisons_of([0, 0], [0, 0], [0, 0], kind="attribute")) == 0
    assert len(join([])) == 0


def test_complements_share_a_test_and_others_do_not() -> None:
    def names(metric: str, table: str = "race") -> list[str]:
        rows = [60, 90, 50]
        c = comparisons_of(rows, [6, 9, 5], rows, kind="attribute", table=table, metric=metric)
        return list(c.test)

    assert names("fnr") == names("tpr")
    assert names("fdr") == names("precision")
    assert not set(names("tpr")) & set(names("fpr"))
    assert not set(names("tpr")) & set(names("tpr", "sex"))


def test_joined_comparisons_keep_their_order() -> None:
    first = comparisons_of([60, 90], [6, 9], [60, 90], kind="attribute", primary=True)
    second = comparisons_of([60, 90], [1, 2], [60, 90], kind="intersection", judged=False)
    both = join([first, second])
    assert both.x1.tolist() == [6, 1, 2]
    assert both.primary.tolist() == [True, False, False]
    assert both.judged.tolist() == [True, False, False]
    assert both.x1.dtype == np.int64


def test_arrays_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="2 groups, 1 numerators, 2 denominators"):
        comparisons_of([1, 2], [1], [1, 2], kind="attribute")
    with pytest.raises(ValueError, match="the reference 2 is none of 2 groups"):
        comparisons_of([1, 2], [1, 1], [1, 2], kind="attribute", reference=2)
