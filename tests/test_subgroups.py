"""Subgroups nobody named are found, described, and not found where there is nothing."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from benchmarks.subgroups import fixture, null_sections, reached
from metrics import intervals
from metrics.subgroup_columns import FINE, quantiles
from metrics.subgroup_null import pairs, shuffled, worst
from metrics.subgroups import (
    Attribute,
    Descriptor,
    Search,
    describe,
    members,
    sentence,
    subgroups_section,
)
from metrics.verdicts import NO_DENOMINATOR

N = 6000


def _planted(seed: int = 0, n: int = N) -> tuple[Attribute, list[Descriptor], np.ndarray]:
    """Women from 40 to 60 in the east are chosen 40 points less often; nobody else differs."""
    rng = np.random.default_rng(seed)
    sex, age, place = rng.integers(0, 2, n), rng.uniform(20, 80, n), rng.integers(0, 4, n)
    hurt = (sex == 1) & (age >= 40) & (age < 60) & (place == 1)
    decision = (rng.uniform(size=n) < np.where(hurt, 0.2, 0.6)).astype(np.int64)
    columns = [
        Descriptor("age", age),
        Descriptor("place", place, levels=("north", "east", "south", "west")),
    ]
    return Attribute("sex", ("men", "women"), sex), columns, decision


def _no_nan(value: Any) -> None:
    json.dumps(value, allow_nan=False)


def test_it_finds_and_describes_a_planted_subgroup() -> None:
    attribute, columns, decision = _planted(n=20_000)
    section = subgroups_section(attribute, columns, decision=decision)
    found = section["found"]
    assert section["verdict"] == "difference"
    assert section["size_class"] == "above"
    assert found["family"] == "tree"
    assert found["group"] == {"sex": "women"}
    assert {c["column"] for c in found["conditions"]} == {"age", "place"}
    assert found["low"] < 0.4 < found["high"]
    assert abs(found["elsewhere"]["gap"]) < 0.1
    assert found["excess"] == pytest.approx(found["gap"] - found["null_mean"])
    inside = members(found["conditions"], columns)
    assert int(inside.sum()) == found["n_all"] > found["n"]
    assert "place east" in found["text"]
    assert "points apart" in sentence(found)
    _no_nan(section)


def test_a_family_repeats_with_its_seed_and_differs_with_another() -> None:
    attribute, columns, decision = _planted()
    first, again, other = (
        subgroups_section(attribute, columns, decision=decision, search=Search(seed=s))
        for s in (3, 3, 4)
    )
    assert first == again
    assert first["families"] != other["families"]


def test_the_interval_is_jeffreys_square_and_add_at_the_level_of_all_comparisons() -> None:
    attribute, columns, decision = _planted()
    section = subgroups_section(attribute, columns[1:], decision=decision)
    family = section["families"][0]
    less, more = sorted(family["worst"]["n_by_group"], key=lambda row: row["value"])
    alpha = section["level"] / (section["tests"] * family["n_subgroups"])
    parts = []
    for row in (more, less):
        x, n = row["numerator"], row["denominator"]
        parts += [x / n, *intervals.jeffreys(x, n, alpha)]
    low, high = intervals.square_and_add(*parts)
    assert family["n_subgroups"] == 4
    assert family["worst"]["low"] == pytest.approx(float(low))
    assert family["worst"]["high"] == pytest.approx(float(high))


def test_shuffles_match_the_exact_p_value_of_one_subgroup() -> None:
    hits, totals = np.array([[8, 16]]), np.array([[30, 30]])
    compared = pairs(totals, hits, totals, floor=30, denominator_floor=10)
    outcome = worst(compared, level=0.01, rank="raw", rng=np.random.default_rng(0), draws=20_000)
    x = np.arange(25)
    gap = np.abs(x / 30 - (24 - x) / 30)
    exact = hypergeom.pmf(x, 60, 24, 30)[gap >= 8 / 30 - 1e-9].sum()
    assert outcome.gap == pytest.approx(8 / 30)
    assert outcome.p == pytest.approx(exact, abs=4 * np.sqrt(exact / 20_000))
    assert outcome.null_mean == pytest.approx((hypergeom.pmf(x, 60, 24, 30) * gap).sum(), abs=3e-3)


def test_the_allowance_for_chance_is_the_standard_deviation_of_shuffles() -> None:
    hits, totals = np.array([[8, 16, 9]]), np.array([[40, 30, 35]])
    compared = pairs(totals, hits, totals, floor=1, denominator_floor=1)
    rates = shuffled(hits, totals, np.random.default_rng(0), 40_000)[:, 0] / totals[0]
    gaps = rates[:, compared.first] - rates[:, compared.second]
    assert gaps.std(axis=0) == pytest.approx(compared.chance, rel=0.02)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 20)] * 3), min_size=1, max_size=5), st.integers(0, 9))
def test_shuffles_keep_every_margin(sizes: list[tuple[int, int, int]], seed: int) -> None:
    totals = np.array(sizes)
    hits = np.random.default_rng(seed).integers(0, totals + 1)
    drawn = shuffled(hits, totals, np.random.default_rng(seed), 7)
    assert ((drawn >= 0) & (drawn <= totals)).all()
    assert (drawn.sum(axis=2) == hits.sum(axis=1)).all()


def test_true_positive_rates_are_compared_among_positives_only() -> None:
    attribute, columns, decision = _planted(n=12_000)
    label = np.random.default_rng(1).integers(-1, 2, len(decision))
    section = subgroups_section(attribute, columns, decision=decision, label=label, metric="tpr")
    row = section["families"][0]["worst"]["n_by_group"][0]
    assert row["denominator"] < row["n"]
    assert section["verdict"] == "difference"
    other = np.where(label == 1, decision, 1 - decision)
    same = subgroups_section(attribute, columns, decision=other, label=label, metric="tpr")
    assert same == section


def test_relabelled_groups_give_the_same_gap() -> None:
    attribute, columns, decision = _planted()
    swapped = Attribute("sex", ("women", "men"), 1 - attribute.codes)
    one, two = (
        subgroups_section(a, columns, decision=decision)["families"] for a in (attribute, swapped)
    )
    assert [f["worst"]["conditions"] for f in one] == [f["worst"]["conditions"] for f in two]
    assert [f["worst"]["gap"] for f in one] == pytest.approx([f["worst"]["gap"] for f in two])


def test_sides_below_the_floor_are_not_compared() -> None:
    rows = np.array([[29, 400, 50], [30, 400, 0]])
    compared = pairs(rows, rows // 2, rows, floor=30, denominator_floor=10)
    assert list(zip(compared.cell, compared.first, compared.second, strict=True)) == [
        (0, 1, 2),
        (1, 0, 1),
    ]


@pytest.mark.parametrize("sizes", [(500, 0), (500, 1), (500, 29)])
def test_groups_with_hardly_any_rows_are_not_enough_data(sizes: tuple[int, int]) -> None:
    codes = np.repeat([0, 1], sizes)
    rng = np.random.default_rng(0)
    columns = [Descriptor("x", rng.normal(size=codes.size))]
    section = subgroups_section(
        Attribute("g", ("a", "b"), codes), columns, decision=rng.integers(0, 2, codes.size)
    )
    assert section["verdict"] == ("not-applicable" if sizes[1] == 0 else "not-enough-data")
    assert section["reason"] == ("one-group" if sizes[1] == 0 else "below-floor")
    assert section["found"] is None
    _no_nan(section)


@pytest.mark.parametrize("value", [0, 1])
def test_constant_decisions_have_no_gap(value: int) -> None:
    attribute, columns, decision = _planted()
    section = subgroups_section(attribute, columns, decision=np.full_like(decision, value))
    assert section["verdict"] in ("no-difference", "not-enough-data")
    assert section["reason"] == "constant-decision"
    assert [f["p"] for f in section["families"]] == [1.0, 1.0, None]
    assert section["families"][0]["worst"]["gap"] == 0
    _no_nan(section)


def test_no_difference_needs_every_bar_inside_the_limit() -> None:
    rng = np.random.default_rng(0)
    n = 40_000
    attribute = Attribute("g", ("a", "b"), rng.integers(0, 2, n))
    columns = [Descriptor("x", rng.normal(size=n))]
    decision = rng.integers(0, 2, n)
    wide, narrow = (
        subgroups_section(attribute, columns, decision=decision, search=Search(tolerance=t))
        for t in (0.1, 0.005)
    )
    assert (wide["verdict"], narrow["verdict"]) == ("no-difference", "not-enough-data")
    assert 0.005 < wide["b"] < 0.1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"metric": "tpr"}, "no-label"),
        ({"descriptors": []}, "no-columns"),
        ({"decision": np.full(N, -1)}, NO_DENOMINATOR),
    ],
)
def test_what_cannot_be_searched_says_why(change: dict[str, Any], reason: str) -> None:
    attribute, columns, decision = _planted()
    arguments = {"descriptors": columns, "decision": decision, **change}
    section = subgroups_section(attribute, arguments.pop("descriptors"), **arguments)
    assert section["verdict"] == "not-applicable"
    assert section["reason"] == reason
    _no_nan(section)


@pytest.mark.parametrize("empty", [0, 1, 2])
def test_tiny_tables_are_answered(empty: int) -> None:
    columns = [Descriptor("x", np.arange(empty, dtype=float))]
    attribute = Attribute("g", ("a", "b"), np.arange(empty))
    section = subgroups_section(attribute, columns, decision=np.zeros(empty, dtype=int))
    assert section["verdict"] in ("not-applicable", "not-enough-data")
    _no_nan(section)


def test_a_thousand_declared_subgroups_are_searched() -> None:
    rng = np.random.default_rng(0)
    n = 100_000
    cell, sex = rng.integers(0, 1000, n), rng.integers(0, 2, n)
    rate = np.where((cell == 17) & (sex == 1), 0.05, 0.6)
    decision = (rng.uniform(size=n) < rate).astype(np.int64)
    section = subgroups_section(
        Attribute("sex", ("men", "women"), sex),
        [Descriptor("office", cell, levels=tuple(f"office {i}" for i in range(1000)))],
        decision=decision,
        search=Search(families=("declared",)),
    )
    family = section["families"][0]
    assert family["n_subgroups"] > 950
    assert family["worst"]["text"] == "office office 17"
    assert section["found"]["family"] == "declared"


def test_many_columns_are_searched_up_to_the_limit_and_the_rest_is_counted() -> None:
    rng = np.random.default_rng(0)
    columns = [Descriptor(f"x{i}", rng.normal(size=2000)) for i in range(20)]
    section = subgroups_section(
        Attribute("g", ("a", "b"), rng.integers(0, 2, 2000)),
        columns,
        decision=rng.integers(0, 2, 2000),
        search=Search(families=("quantile",)),
    )
    family = section["families"][0]
    assert family["left_out"] == 190 - (2000 - 20 * 5) // 5**2
    assert family["n_subgroups"] <= 2000


def test_more_searches_need_a_smaller_p_and_get_the_draws_for_it() -> None:
    attribute, columns, decision = _planted()
    search = Search(searches=20, families=("declared",))
    section = subgroups_section(attribute, columns, decision=decision, search=search)
    family = section["families"][0]
    assert family["draws"] == 4000
    assert family["p_adjusted"] == pytest.approx(min(1.0, 20 * family["p"]))


def test_shuffles_end_early_only_where_more_could_not_change_the_answer() -> None:
    rng = np.random.default_rng(4)
    attribute, columns, _ = _planted()
    decision = rng.integers(0, 2, len(attribute.codes))
    search = Search(searches=20, families=("declared",))
    section = subgroups_section(attribute, columns, decision=decision, search=search)
    family = section["families"][0]
    assert family["draws"] == 999
    assert family["p"] * 1000 > search.level / 20 * 4001
    assert family["p_adjusted"] > search.level


def test_blank_values_are_a_subgroup_of_their_own() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    income, sex = rng.normal(size=n), rng.integers(0, 2, n)
    income[:1000] = np.nan
    decision = (rng.uniform(size=n) < np.where(np.isnan(income) & (sex == 1), 0.2, 0.6)) * 1
    columns = [Descriptor("income", income)]
    section = subgroups_section(Attribute("s", ("m", "w"), sex), columns, decision=decision)
    shown = section["found"]
    assert shown["text"] == "income blank"
    assert members(shown["conditions"], columns).sum() == shown["n_all"] == 1000


def test_bins_are_few_even_and_easy_to_read() -> None:
    values = np.random.default_rng(0).uniform(20, 80, 5000)
    cut = quantiles(Descriptor("age", values), 4)
    assert cut.edges.tolist() == [35.0, 50.0, 65.0]
    assert np.bincount(cut.codes).min() > 1100
    assert quantiles(Descriptor("age", values), FINE).size == FINE
    few = quantiles(Descriptor("k", np.array([1.0, 2.0, 2.0, 3.0, np.nan])), 4)
    assert (few.edges.tolist(), few.codes.tolist()) == ([2.0, 3.0], [0, 1, 1, 2, -1])


@pytest.mark.parametrize("ordered", [False, True])
def test_rare_levels_are_merged(ordered: bool) -> None:
    codes = np.repeat(np.arange(50), np.arange(50, 0, -1))
    words = tuple(f"w{i}" for i in range(50))
    column = Descriptor("c", codes, levels=words, ordered=ordered)
    cut = quantiles(column, 8)
    assert cut.size == 8
    assert sorted(w for bin_ in cut.levels for w in bin_) == sorted(words)
    for place in range(cut.size):
        inside = members(cut.bin_conditions(place), [column])
        assert (inside == (cut.codes == place)).all()


def test_conditions_hold_in_exactly_the_allowed_bins() -> None:
    codes = np.array([-1, 0, 1, 2, 3, 4])
    column = Descriptor("c", codes, levels=("a", "b", "c", "d", "e"))
    cut = quantiles(column, FINE)
    for allowed in product([False, True], repeat=5):
        mask = np.array(allowed)
        if mask.any() and not mask.all():
            inside = members(cut.conditions(mask), [column])
            assert (inside == np.append(mask, False)[codes]).all()


@pytest.mark.parametrize(
    ("conditions", "text"),
    [
        ([], "everybody"),
        ([("age", "<", 40.0)], "age under 40"),
        ([("age", ">=", 12500.5)], "age from 12,500.5 up"),
        ([("age", ">=", -0.5), ("age", "<", 60.0)], "age from −0.5 to under 60"),
        ([("age", "blank", None), ("x", "in", ["a", "b"])], "age blank and x a or b"),
        ([("x", "not-in", list("abcdefgh"))], "x not a, b, c, d, e, f or 2 others"),
    ],
)
def test_conditions_are_written_in_words(
    conditions: list[tuple[str, str, Any]], text: str
) -> None:
    key = {"<": "value", ">=": "value", "in": "levels", "not-in": "levels", "blank": "none"}
    listed = [{"column": c, "title": c, "op": op, key[op]: v} for c, op, v in conditions]
    assert describe(listed) == text


@pytest.mark.parametrize(
    "change",
    [
        {"metric": "auc"},
        {"decision": np.zeros(3, dtype=int)},
        {"decision": np.full(N, 3)},
        {"label": np.full(N, 2)},
        {"search": Search(declared=(("nowhere",),))},
    ],
)
def test_what_has_no_meaning_is_refused(change: dict[str, Any]) -> None:
    attribute, columns, decision = _planted()
    with pytest.raises(ValueError, match=r"column|rate"):
        subgroups_section(attribute, columns, **{"decision": decision, **change})


@pytest.mark.parametrize("change", [{"bins": 1}, {"rank": "size"}, {"families": ("x",)},
                                    {"level": 0.0}])  # fmt: skip
def test_settings_without_meaning_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"bins|rank|families|level"):
        Search(**change)


@pytest.mark.slow
def test_the_region_of_the_fixture_is_found_and_shuffled_groups_are_quiet() -> None:
    real, mixed = fixture(range(2))
    assert [s.jaccard >= 0.6 and s.p <= 0.01 for s in real] == [True] * 2
    assert [s.alarm for s in mixed] == [False] * 2


@pytest.mark.slow
def test_tables_without_a_gap_rarely_raise_an_alarm() -> None:
    sections = null_sections(60, rows=1500)
    for family in ("declared", "quantile", "tree"):
        assert reached(sections, family, 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)
    assert sum(s["verdict"] == "difference" for s in sections) <= 3
