"""Ranked lists by group: against scikit-learn, scipy and plain loops, on shards, at the edges."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import scipy.stats as ss
import sklearn.metrics as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import hypergeometric, shuffles
from metrics.groups import Attribute
from metrics.ranking import RankingPolicy, count_ranking, derive_ranking, measure_ranking

KEYS = {"groups", "estimates", "gaps", "verdicts", "family", "lists"}


def population(n=1200, seed=0, queries=40):
    rng = np.random.default_rng(seed)
    race, sex = rng.choice(3, n, p=[0.6, 0.3, 0.1]), rng.integers(0, 2, n)
    score = rng.standard_normal(n) - 0.6 * (race == 1)
    relevance = np.round(np.clip(score + rng.standard_normal(n), 0, 3))
    race = np.where(rng.random(n) < 0.03, -1, race)
    attributes = [
        Attribute("race", ("White", "Black", "Asian"), race),
        Attribute("sex", ("Male", "Female"), sex),
    ]
    return attributes, score, relevance, rng.integers(0, queries, n)


def pick(records, **wanted):
    return [r for r in records if all(r.get(k) == v for k, v in wanted.items())]


def one(records, **wanted):
    found = pick(records, **wanted)
    assert len(found) == 1, found
    return found[0]


def strict(document):
    assert set(document) == KEYS
    return json.loads(json.dumps(document, allow_nan=False))


def plain_loop(score, query, relevance, codes, code, k):
    """Selection, exposure relative to everybody and NDCG, list by list."""
    chosen = people = 0
    shown, everybody, ndcg = [], [], []
    for q in np.unique(query):
        rows = np.flatnonzero(query == q)
        order = rows[np.argsort(-score[rows], kind="stable")]
        discounts = 1 / np.log2(np.arange(len(order)) + 2)
        mine = codes[order] == code
        everybody += discounts.tolist()
        shown += discounts[mine].tolist()
        if len(order) >= k:
            chosen += mine[:k].sum()
            people += mine.sum()
        own = order[mine]
        if len(own) > 1 and relevance[own].any():
            ndcg.append(sm.ndcg_score([relevance[own]], [score[own]], k=k))
        elif len(own) == 1 and relevance[own].any():
            ndcg.append(1.0)
    return chosen / people, np.mean(shown) / np.mean(everybody), np.mean(ndcg)


@pytest.mark.parametrize("code", [0, 1, 2])
def test_it_equals_a_plain_loop_and_scikit_learn(code):
    attributes, score, relevance, query = population()
    document = strict(measure_ranking(attributes, score=score, query=query, relevance=relevance))
    codes = attributes[0].codes
    expected = plain_loop(score, query, relevance, codes, code, 10)
    group = {"race": attributes[0].levels[code]}
    for metric, value in zip(("selection-at-k", "exposure", "ndcg"), expected, strict=True):
        record = one(document["estimates"], metric=metric, group=group)
        assert record["value"] == pytest.approx(value, rel=1e-8), metric
        assert record["low"] < record["value"] < record["high"]
    skew = one(document["estimates"], metric="skew-at-k", group=group)
    overall = one(document["estimates"], metric="selection-at-k", by=[])["value"]
    assert skew["value"] == pytest.approx(np.log(expected[0] / overall), rel=1e-8)


def test_ties_share_their_discounts_as_scikit_learn_does():
    rng = np.random.default_rng(3)
    score, relevance = rng.integers(0, 5, 40).astype(float), rng.integers(0, 4, 40).astype(float)
    group = Attribute("g", ("all",), np.zeros(40, int))
    policy = RankingPolicy(k=12)
    document = measure_ranking([group], score=score, relevance=relevance, policy=policy)
    expected = sm.ndcg_score([relevance], [score], k=12)
    found = one(document["estimates"], metric="ndcg", by=[])
    assert found["value"] == pytest.approx(expected, abs=1e-9)
    shuffled = [sm.ndcg_score([relevance], [rng.random(40)], k=12) for _ in range(400)]
    assert found["chance"] == pytest.approx(np.mean(shuffled), abs=0.02)
    # Wherever the tied rows stand in the file, the two halves of a tie get the same.
    halves = Attribute("h", ("a", "b"), np.arange(40) % 2)
    flat = measure_ranking([halves], score=np.ones(40), policy=policy)
    exposures = [r["value"] for r in pick(flat["estimates"], metric="exposure")]
    assert exposures == pytest.approx([1, 1, 1])
    selection = one(flat["estimates"], metric="selection-at-k", by=[])
    assert selection["undefined"] == "tied-at-k"
    assert flat["lists"]["tied_at_k"] == 1


def test_a_planted_gap_is_found_in_several_lists_and_in_one():
    attributes, score, _, query = population(3000, queries=100)
    several = strict(measure_ranking(attributes, score=score, query=query))
    single = strict(measure_ranking(attributes, score=score, policy=RankingPolicy(k=300)))
    for document in (several, single):
        for metric in ("selection-at-k", "exposure"):
            gap = one(document["gaps"], metric=metric, group={"race": "Black"})
            assert gap["verdict"] == "difference", metric
            assert gap["high"] < 0
        assert sum(g["weight"] for g in document["gaps"]) == pytest.approx(1)
        assert one(document["gaps"], id=document["verdicts"][0])["metric"] == "selection-at-k"


def test_selection_in_one_list_is_the_exact_test_with_its_own_interval():
    attributes, score, _, _ = population(500)
    document = measure_ranking(attributes, score=score, policy=RankingPolicy(k=60))
    gap = one(document["gaps"], metric="selection-at-k", group={"race": "Black"})
    x1, n1 = gap["numerator"], gap["denominator"]
    x2, n2 = gap["numerator_comparator"], gap["denominator_comparator"]
    law = ss.hypergeom(n1 + n2, x1 + x2, n1)
    expected = min(1, 2 * min(law.cdf(x1), law.sf(x1 - 1)))
    assert gap["p"] == pytest.approx(expected, rel=1e-9)
    counts = (np.array([v]) for v in (x1, n1, x2, n2))
    low, high = hypergeometric.difference_limits(*counts, np.array([expected]))
    assert min(abs(low[0]), abs(high[0])) < 1e-9


def test_limits_of_the_places_match_scipys_noncentral_law():
    odds = ss.contingency.odds_ratio([[8, 32], [20, 140]]).confidence_interval(0.95)
    low, high = hypergeometric.expected_limits(8, 40, 28, 200, 0.05)
    for end, ratio in ((low, odds.low), (high, odds.high)):
        law = ss.nchypergeom_fisher(200, 28, 40, ratio)
        assert end == pytest.approx(law.mean(), rel=1e-4)
    assert hypergeometric.expected_limits(0, 40, 28, 200, 0.05)[0] == 0
    assert hypergeometric.expected_limits(28, 40, 28, 200, 0.05)[1] == 28


def test_shuffled_exposure_equals_every_order_of_a_short_list():
    value = 1 / np.log2(np.arange(10) + 2)
    here, there = np.zeros(10, int), np.ones(10, int)
    here[[0, 1, 4]], there[[0, 1, 4]] = 1, 0
    gap = value[here == 1].mean() - value[there == 1].mean()
    every = np.array(
        [
            value[list(rows)].mean() - np.delete(value, rows).mean()
            for rows in combinations(range(10), 3)
        ]
    )
    exact = 2 * min((every >= gap - 1e-12).mean(), (every <= gap + 1e-12).mean())
    null = shuffles.null_differences(
        here, there, value, rng=np.random.default_rng(0), draws=20_000
    )
    assert shuffles.shuffled_p(gap, null) == pytest.approx(exact, abs=0.01)
    assert shuffles.tail_bound(here, there, value) >= exact
    low, high = shuffles.shifted_limits(gap, null, 0.1)
    assert low < gap < high


def test_the_tail_bound_holds_at_small_levels():
    rng = np.random.default_rng(5)
    value = 1 / np.log2(np.arange(300) + 2)
    reached = []
    for _ in range(600):
        here = np.zeros(300, int)
        here[rng.permutation(300)[:60]] = 1
        reached.append(shuffles.tail_bound(here, 1 - here, value))
    assert np.mean(np.array(reached) <= 0.05) <= 0.05
    top = (np.arange(300) < 60).astype(int)
    assert shuffles.tail_bound(top, 1 - top, value) < 1e-10


def test_shards_of_whole_lists_add_to_the_same_document():
    attributes, score, relevance, query = population()
    score[3], query[5] = np.nan, -1
    policy = RankingPolicy(draws=50)

    def part(rows):
        cut = [Attribute(a.name, a.levels, a.codes[rows]) for a in attributes]
        return count_ranking(cut, score=score[rows], query=query[rows], relevance=relevance[rows])

    rng = np.random.default_rng(2)
    cuts = [np.flatnonzero(query % 3 == j) for j in (0, 1)]
    cuts.append(np.flatnonzero((query % 3 == 2) | (query < 0)))
    parts = [part(rng.permutation(rows)) for rows in cuts]
    merged = derive_ranking(parts[2] + parts[0] + parts[1], attributes, policy)
    whole = measure_ranking(
        attributes, score=score, query=query, relevance=relevance, policy=policy
    )
    assert json.dumps(merged) == json.dumps(whole)
    assert whole["lists"]["left_out"] == [
        {"code": "no-score", "n": 1}, {"code": "no-list", "n": 1}
    ]  # fmt: skip
    with pytest.raises(ValueError, match="lies in both"):
        _ = parts[0] + parts[0]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([0.5, 3.0]), shift=st.integers(-4, 4))
def test_only_the_order_of_scores_matters(seed, scale, shift):
    attributes, score, relevance, query = population(200, seed, queries=8)
    policy = RankingPolicy(draws=20, k=5, lists_floor=3)
    first = measure_ranking(
        attributes, score=score, query=query, relevance=relevance, policy=policy
    )
    second = measure_ranking(
        attributes,
        score=np.arctan(score) * scale + shift,
        query=query,
        relevance=4 * relevance,
        policy=policy,
    )
    assert json.dumps(first) == json.dumps(second)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_exposure_and_selection_average_to_everybody(seed):
    attributes, score, _, query = population(150, seed, queries=6)
    group = Attribute("race", attributes[0].levels, np.abs(attributes[0].codes))
    document = measure_ranking(
        [group], score=score, query=query, policy=RankingPolicy(draws=0, k=4)
    )
    for metric, total in (("exposure", 1.0), ("selection-at-k", None)):
        records = pick(document["estimates"], metric=metric, by=["race"])
        records = [r for r in records if r["value"] is not None]
        weight = [r["denominator"] for r in records]
        mean = np.average([r["value"] for r in records], weights=weight)
        everybody = one(document["estimates"], metric=metric, by=[])["value"]
        assert mean == pytest.approx(everybody)
        assert total is None or everybody == pytest.approx(total)


def test_undefined_is_a_value_with_a_reason():
    score = np.arange(80.0)
    group = Attribute("g", ("top", "low", "single", "empty"), np.r_[np.repeat([1, 0], 39), 0, 2])
    document = strict(measure_ranking([group], score=score, policy=RankingPolicy(k=20)))
    estimates = document["estimates"]
    assert one(estimates, metric="skew-at-k", group={"g": "low"})["undefined"] == "none-selected"
    assert one(estimates, metric="exposure", group={"g": "empty"})["undefined"] == "empty-group"
    assert one(estimates, metric="ndcg", by=[])["undefined"] == "no-relevance"
    assert one(estimates, metric="selection-at-k", group={"g": "single"})["value"] == 1.0
    gap = one(document["gaps"], metric="selection-at-k", group={"g": "single"})
    assert (gap["verdict"], gap["reason"]) == ("not-enough-data", "below-floor")
    long = strict(measure_ranking([group], score=score, policy=RankingPolicy(k=81)))
    record = one(long["estimates"], metric="selection-at-k", by=[])
    assert record["undefined"] == "k-above-n"
    assert one(long["gaps"], metric="selection-at-k", group={"g": "low"})["reason"] == "k-above-n"
    assert long["lists"]["shorter_than_k"] == 1


def test_few_lists_and_one_list_say_why_there_is_no_interval():
    attributes, score, relevance, query = population(600, queries=5)
    few = strict(measure_ranking(attributes, score=score, query=query, relevance=relevance))
    assert one(few["estimates"], metric="ndcg", by=[])["undefined"] == "too-few-lists"
    assert {g["reason"] for g in pick(few["gaps"], metric="exposure")} == {"below-floor"}
    single = strict(measure_ranking(attributes, score=score, relevance=relevance))
    assert one(single["estimates"], metric="ndcg", by=[])["undefined"] == "one-list"


def test_ndcg_is_judged_only_where_groups_have_lists_of_their_own():
    attributes, score, relevance, query = population(2400, queries=120)
    mixed = measure_ranking(attributes, score=score, query=query, relevance=relevance)
    assert {g["verdict"] for g in pick(mixed["gaps"], metric="ndcg")} == {None}
    user = Attribute("user", ("a", "b"), query % 2)
    noise = np.random.default_rng(0).standard_normal(2400) * 3 * (query % 2)
    own = measure_ranking([user], score=score + noise, query=query, relevance=relevance)
    gap = one(own["gaps"], metric="ndcg")
    assert gap["verdict"] == "difference"


def test_no_row_at_all_still_gives_a_document():
    attribute = Attribute("g", ("a", "b"), np.zeros(3, int))
    document = strict(measure_ranking([attribute], score=np.full(3, np.nan)))
    assert document["lists"]["n"] == 0
    assert one(document["estimates"], metric="exposure", by=[])["value"] is None


def test_it_refuses_what_it_cannot_rank():
    attributes, score, relevance, _ = population(60)
    with pytest.raises(ValueError, match="k is 0"):
        count_ranking(attributes, score=score, k=0)
    with pytest.raises(ValueError, match="negative"):
        count_ranking(attributes, score=score, relevance=relevance - 1)
    with pytest.raises(ValueError, match="cannot be judged"):
        measure_ranking(attributes, score=score, policy=RankingPolicy(goal="skew-at-k"))


def test_equal_treatment_is_rarely_called_a_difference():
    rng = np.random.default_rng(11)
    alarms = {"several": 0, "single": 0}
    for _ in range(60):
        group = Attribute("g", tuple("abcd"), rng.integers(0, 4, 600))
        score, query = rng.standard_normal(600), np.repeat(np.arange(30), 20)
        several = measure_ranking(
            [group], score=score, query=query, policy=RankingPolicy(draws=200)
        )
        single = measure_ranking([group], score=score, policy=RankingPolicy(k=60, draws=200))
        alarms["several"] += bool(pick(several["gaps"], verdict="difference"))
        alarms["single"] += bool(pick(single["gaps"], verdict="difference"))
    assert max(alarms.values()) <= 9


@pytest.mark.shared_data
def test_students_ranked_by_their_first_grade(shared_data):
    table = pd.read_csv(shared_data / "student-performance" / "student_por_new.csv")
    score = table["G1"].to_numpy(float) + table["absences"].to_numpy(float) / 1000
    score += np.arange(len(table)) / 1e6
    sex = (table["sex"] == "M").to_numpy(int)
    document = strict(
        measure_ranking(
            [Attribute("sex", ("F", "M"), sex)],
            score=score,
            relevance=table["G2"].to_numpy(float),
            policy=RankingPolicy(k=100),
        )
    )
    gap = one(document["gaps"], metric="selection-at-k")
    top = np.argsort(-score)[:100]
    assert gap["numerator"] == sex[top].sum()
    ndcg = one(document["estimates"], metric="ndcg", by=[])["value"]
    expected = sm.ndcg_score([table["G2"].to_numpy(float)], [score], k=100)
    assert ndcg == pytest.approx(expected, abs=1e-8)
