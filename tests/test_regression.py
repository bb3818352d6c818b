"""Predictions of a number by group: against scikit-learn and scipy, on shards, at the edges."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import scipy.stats as ss
import sklearn.metrics as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import contrasts, stats
from metrics.groups import Attribute
from metrics.moments import choose_scale, count_moments, read
from metrics.regression import RegressionPolicy, derive_regression, measure_regression

KEYS = {"groups", "estimates", "gaps", "verdicts", "family", "spread", "errors"}


def population(n=1500, seed=0):
    rng = np.random.default_rng(seed)
    race, sex = rng.choice(3, n, p=[0.6, 0.3, 0.1]), rng.integers(0, 2, n)
    label = 50_000 + 8_000 * rng.standard_normal(n)
    prediction = 0.8 * label + 10_000 + 4_000 * rng.standard_normal(n) + 1_500 * (race == 1)
    race = np.where(rng.random(n) < 0.03, -1, race)
    attributes = [
        Attribute("race", ("White", "Black", "Asian"), race),
        Attribute("sex", ("Male", "Female"), sex),
    ]
    return attributes, label, prediction


def pick(records, **wanted):
    return [r for r in records if all(r.get(k) == v for k, v in wanted.items())]


def one(records, **wanted):
    found = pick(records, **wanted)
    assert len(found) == 1, found
    return found[0]


def strict(document):
    assert set(document) == KEYS
    return json.loads(json.dumps(document, allow_nan=False))


@pytest.fixture(scope="module")
def document():
    attributes, label, prediction = population()
    return strict(measure_regression(attributes, label=label, prediction=prediction))


@pytest.mark.parametrize("code", [0, 1, 2])
def test_it_equals_scikit_learn_in_every_group(document, code):
    attributes, label, prediction = population()
    mine = attributes[0].codes == code
    y, p = label[mine], prediction[mine]
    expected = {
        "bias": (p - y).mean(),
        "mae": sm.mean_absolute_error(y, p),
        "rmse": sm.root_mean_squared_error(y, p),
        "r2": sm.r2_score(y, p),
        "pinball-10": sm.mean_pinball_loss(y, p, alpha=0.1),
        "pinball-90": sm.mean_pinball_loss(y, p, alpha=0.9),
        "mean-prediction": p.mean(),
        "mean-label": y.mean(),
    }
    group = {"race": attributes[0].levels[code]}
    for metric, value in expected.items():
        record = one(document["estimates"], metric=metric, group=group)
        assert record["value"] == pytest.approx(value, rel=1e-11, abs=1e-8), metric
        assert record["denominator"] == mine.sum()
        assert record["low"] < record["value"] < record["high"]


def test_its_mean_intervals_are_students(document):
    attributes, label, prediction = population()
    error = (prediction - label)[attributes[1].codes == 0]
    low, high = ss.t.interval(0.95, len(error) - 1, error.mean(), ss.sem(error))
    record = one(document["estimates"], metric="bias", group={"sex": "Male"})
    assert (record["low"], record["high"]) == pytest.approx((low, high), rel=1e-9)


def test_its_gaps_are_welchs(document):
    attributes, label, prediction = population()
    race = attributes[0].codes
    error = np.abs(prediction - label)
    found = ss.ttest_ind(error[race == 1], error[race == 0], equal_var=False)
    gap = one(document["gaps"], metric="mae", group={"race": "Black"}, kind="difference")
    assert gap["comparator"] == {"group": {"race": "White"}}
    assert gap["p"] == pytest.approx(found.pvalue, rel=1e-8)
    ends = found.confidence_interval(0.90)
    assert (gap["thick_low"], gap["thick_high"]) == pytest.approx((ends.low, ends.high), rel=1e-8)
    thin = found.confidence_interval(1 - gap["level"])
    assert (gap["low"], gap["high"]) == pytest.approx((thin.low, thin.high), rel=1e-7)
    rest = ss.ttest_ind(error[race == 0], error[race > 0], equal_var=False)
    assert one(document["gaps"], metric="mae", group={"race": "White"})["p"] == pytest.approx(
        rest.pvalue, rel=1e-8
    )


def test_a_planted_signed_error_is_found_and_named_first(document):
    first = one(document["gaps"], id=document["verdicts"][0])
    assert first["metric"] == "bias"
    assert first["verdict"] == "difference"
    planted = one(document["gaps"], metric="bias", group={"race": "Black"})
    assert planted["verdict"] == "difference"
    assert planted["size_class"] in ("near", "above")
    assert document["family"]["tolerance"]["bias"] == pytest.approx(
        0.1 * np.std(population()[1], ddof=1)
    )


def test_the_weights_of_the_family_add_up(document):
    judged = [gap for gap in document["gaps"] if gap["weight"]]
    assert sum(gap["weight"] for gap in judged) == pytest.approx(1)
    assert len(judged) == document["family"]["k"]
    for gap in judged:
        assert gap["p_adjusted"] == pytest.approx(min(1, gap["p"] / gap["weight"]))


def test_test_and_bar_agree_for_rmse_and_r2():
    attributes, label, prediction = population(400)
    counted = count_moments(attributes, label=label, prediction=prediction)
    sums = read(counted.moments.groups(("sex",)).counts, counted.scale)
    halves = [read(counted.moments.groups(("sex",)).counts[[j]], counted.scale) for j in (0, 1)]
    assert sums.both.sum() == 400
    for slug in ("rmse", "r2"):
        test = stats.compare(*(stats.estimate(half, slug) for half in halves))
        low, high = test.bar(test.p)
        assert min(abs(low[0]), abs(high[0])) < 1e-6 * abs(test.value[0])


def test_the_standardised_difference_has_its_sampling_error():
    rng = np.random.default_rng(4)
    reps, n = 400, 120
    covered = 0
    for _ in range(reps):
        group = rng.random(n * 3) < 1 / 3
        value = rng.gamma(2.0, size=n * 3) + group
        # Mixture of two shifted gammas: variance 2 + p(1-p), mean gap 1.
        truth = 1 / np.sqrt(2 + 2 / 9)
        counted = count_moments(
            [Attribute("g", ("a", "b"), group.astype(int))], label=None, prediction=value
        )
        table = counted.moments.groups(("g",)).counts
        here, there = (read(table[[j]], counted.scale) for j in (1, 0))
        everybody = read(counted.moments.groups(()).counts, counted.scale)
        test = stats.standardised(here, there, everybody)
        expected = (value[group].mean() - value[~group].mean()) / value.std()
        assert test.value[0] == pytest.approx(expected)
        low, high = test.bar(np.array([0.05]))
        covered += low[0] <= truth <= high[0]
    assert 0.92 <= covered / reps <= 0.98


def test_error_quantiles_are_exact_where_each_bin_holds_one_value():
    rng = np.random.default_rng(2)
    error = rng.integers(-5, 6, 300).astype(float)
    sex = rng.integers(0, 2, 300)
    document = measure_regression(
        [Attribute("sex", ("m", "f"), sex)], label=np.zeros(300), prediction=error
    )
    for q in (10, 50, 90):
        record = one(document["estimates"], metric=f"error-quantile-{q}", group={"sex": "f"})
        expected = np.quantile(error[sex == 1], q / 100, method="inverted_cdf")
        assert record["value"] == expected
        assert record["low"] <= expected <= record["high"]
    histogram = one(document["errors"], group={"sex": "m"})
    assert histogram["edges_kind"] == "values"
    assert sum(histogram["counts"]) == (sex == 0).sum()


def test_error_quantiles_from_bins_are_close(document):
    attributes, label, prediction = population()
    error = (prediction - label)[attributes[0].codes == 0]
    record = one(document["estimates"], metric="error-quantile-90", group={"race": "White"})
    assert record["value"] == pytest.approx(np.quantile(error, 0.9), abs=0.02 * error.std())


def test_shards_add_exactly_and_the_order_of_rows_leaves_no_trace():
    attributes, label, prediction = population(600)
    label[3], prediction[5] = np.nan, np.nan
    scale = choose_scale(label, prediction)
    whole = count_moments(attributes, label=label, prediction=prediction, scale=scale)
    order = np.random.default_rng(1).permutation(600)

    def part(rows):
        cut = [Attribute(a.name, a.levels, a.codes[rows]) for a in attributes]
        return count_moments(cut, label=label[rows], prediction=prediction[rows], scale=scale)

    merged = part(order[:100]) + part(order[100:450]) + part(order[450:])
    policy = RegressionPolicy()
    expected = json.dumps(derive_regression(whole, attributes, policy))
    assert json.dumps(derive_regression(merged, attributes, policy)) == expected
    with pytest.raises(ValueError, match="scales"):
        _ = whole + count_moments(attributes, label=label, prediction=prediction * 3)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), power=st.integers(-8, 12), shift=st.sampled_from([0.0, 64.0]))
def test_a_change_of_unit_changes_units_only(seed, power, shift):
    attributes, label, prediction = population(120, seed)
    label, prediction = label / 8192, prediction / 8192
    factor = 2.0**power
    plain = measure_regression(attributes, label=label, prediction=prediction)
    moved = measure_regression(
        attributes, label=factor * (label + shift), prediction=factor * (prediction + shift)
    )
    for before, after in zip(plain["gaps"], moved["gaps"], strict=True):
        assert before["verdict"] == after["verdict"]
        if before["kind"] == "difference" and before["metric"] != "r2" and before["value"]:
            assert after["value"] == pytest.approx(factor * before["value"], rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_names_and_order_of_groups_do_not_matter(seed):
    attributes, label, prediction = population(200, seed)
    race = attributes[0]
    turned = np.where(race.codes < 0, -1, 2 - race.codes)
    first = measure_regression([race], label=label, prediction=prediction)
    levels = tuple(race.levels[::-1])
    second = measure_regression(
        [Attribute("race", levels, turned)], label=label, prediction=prediction
    )
    for record in first["estimates"]:
        same = one(second["estimates"], metric=record["metric"], group=record["group"])
        assert same == record


def test_undefined_is_a_value_with_a_reason():
    group = np.r_[np.zeros(40, int), np.ones(40, int), 2, np.full(40, 3)]
    label = np.r_[np.arange(40.0), np.full(40, 7.0), 3.0, np.full(40, np.nan)]
    prediction = np.r_[np.arange(40.0) + 1, np.arange(40.0), 4.0, np.arange(40.0)]
    attribute = Attribute("g", ("line", "flat", "single", "blank", "empty"), group)
    document = strict(measure_regression([attribute], label=label, prediction=prediction))

    def reason(metric, word):
        return one(document["estimates"], metric=metric, group={"g": word})["undefined"]

    assert reason("bias", "line") == "zero-variance"
    assert reason("r2", "flat") == "zero-variance"
    assert reason("bias", "single") == "single-row"
    assert reason("bias", "blank") == reason("bias", "empty") == "empty-group"
    assert one(document["estimates"], metric="bias", group={"g": "line"})["value"] == 1.0
    assert one(document["gaps"], metric="bias", group={"g": "single"})["reason"] == "below-floor"
    assert one(document["groups"], by=["g"])["levels"][4]["status"] == "empty"


def test_equal_predictions_and_equal_labels_give_an_answer():
    attribute = Attribute("g", ("a", "b"), np.repeat([0, 1], 50))
    document = strict(
        measure_regression([attribute], label=np.full(100, 3.0), prediction=np.full(100, 3.0))
    )
    assert {gap["verdict"] for gap in document["gaps"] if gap["weight"]} == set()
    assert one(document["estimates"], metric="rmse", by=[])["value"] == 0.0
    gap = one(document["gaps"], metric="bias")
    assert (gap["verdict"], gap["reason"]) == ("not-enough-data", "zero-variance")


def test_without_labels_only_mean_predictions_are_judged():
    attributes, _, prediction = population(500)
    document = strict(measure_regression(attributes, prediction=prediction))
    judged = {gap["metric"] for gap in document["gaps"] if gap["weight"]}
    assert judged == {"mean-prediction"}
    assert {gap["verdict"] for gap in pick(document["gaps"], metric="bias")} == {"not-applicable"}
    assert one(document["estimates"], metric="mae", by=[])["undefined"] == "no-label"
    assert document["errors"] == []


def test_a_tolerance_in_units_is_used_as_it_stands():
    attributes, label, prediction = population(500)
    policy = RegressionPolicy(tolerance=1e9, tolerance_unit="units")
    document = measure_regression(attributes, label=label, prediction=prediction, policy=policy)
    found = {gap["verdict"] for gap in document["gaps"] if gap["weight"]}
    assert found <= {"no-difference", "difference"}
    assert {g["size_class"] for g in pick(document["gaps"], verdict="difference")} <= {"below"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"goal": "r2"}, "cannot be judged"),
        ({"tolerance": -1}, "negative"),
        ({"quantiles": (0.0,)}, "between 0 and 1"),
    ],
)
def test_it_refuses_a_policy_it_cannot_follow(change, message):
    attributes, label, prediction = population(60)
    with pytest.raises(ValueError, match=message):
        measure_regression(
            attributes, label=label, prediction=prediction, policy=RegressionPolicy(**change)
        )


def test_it_refuses_infinite_values_and_odd_lengths():
    attributes, label, prediction = population(60)
    with pytest.raises(ValueError, match="1 infinite"):
        measure_regression(attributes, prediction=np.r_[prediction[1:], np.inf])
    with pytest.raises(ValueError, match="59 rows"):
        measure_regression(attributes, label=label[1:], prediction=prediction)


def test_intervals_cover_and_tests_keep_their_level():
    rng = np.random.default_rng(7)
    reps, n = 1500, 60
    label = rng.standard_normal(reps * n) * 2
    error = rng.standard_normal(reps * n)
    group = Attribute("g", tuple(map(str, range(reps))), np.repeat(np.arange(reps), n))
    counted = count_moments([group], label=label, prediction=label + error, intersections=1)
    counts = counted.moments.groups(("g",)).counts
    sums = read(counts, counted.scale)
    truth = {"bias": 0.0, "mae": np.sqrt(2 / np.pi), "rmse": 1.0, "r2": 0.75}
    for slug, value in truth.items():
        low, high = stats.estimate(sums, slug).limits(np.full(reps, 0.05))
        assert 0.93 <= np.mean((low <= value) & (value <= high)) <= 0.97, slug
        halves = (read(part, counted.scale) for part in (counts[::2], counts[1::2]))
        p = stats.compare(*(stats.estimate(half, slug) for half in halves)).p
        assert np.mean(p <= 0.05) <= 0.075, slug


def test_a_family_of_equal_groups_rarely_finds_a_difference():
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(150):
        group = Attribute("g", tuple("abcdef"), rng.integers(0, 6, 600))
        label = rng.standard_normal(600)
        document = measure_regression(
            [group], label=label, prediction=label + rng.standard_normal(600)
        )
        alarms += bool(pick(document["gaps"], verdict="difference"))
    assert alarms <= 15


def test_a_gap_at_the_tolerance_is_rarely_called_no_difference():
    rng = np.random.default_rng(5)
    reps, n = 2000, 400
    here = rng.standard_normal((reps, n)) + 0.2
    there = rng.standard_normal((reps, n))
    sizes = np.full(reps, float(n))
    test = contrasts.welch(
        here.mean(1), here.var(1, ddof=1), sizes, there.mean(1), there.var(1, ddof=1), sizes
    )
    low, high = test.bar(np.full(reps, 0.10))
    assert np.mean((low > -0.2) & (high < 0.2)) <= 0.065


def _least_squares(features, target, train):
    x = np.column_stack([np.ones(len(features)), features])
    weights = np.linalg.lstsq(x[train], target[train], rcond=None)[0]
    return x @ weights


@pytest.mark.shared_data
def test_crime_rates_of_towns_by_share_of_black_residents(shared_data):
    table = pd.read_csv(shared_data / "communities-crime" / "communities_crime.csv")
    target = table["ViolentCrimesPerPop"].to_numpy(float)
    names = ["PctPopUnderPov", "PctUnemployed", "medIncome"]
    train = np.arange(len(table)) % 2 == 0
    prediction = _least_squares(table[names].to_numpy(float), target, train)[~train]
    label, share = target[~train], table["racepctblack"].to_numpy(float)[~train]
    bins = np.searchsorted([0.05, 0.2, 0.5], share, side="right")
    attribute = Attribute("black", ("under 5", "5 to 20", "20 to 50", "over 50"), bins)
    document = strict(measure_regression([attribute], label=label, prediction=prediction))
    assert one(document["estimates"], metric="r2", by=[])["value"] == pytest.approx(
        sm.r2_score(label, prediction), rel=1e-9
    )
    # Towns with most Black residents are predicted lower than they are; the others are not.
    gap = one(document["gaps"], metric="bias", group={"black": "over 50"})
    assert gap["verdict"] == "difference"
    assert gap["value"] < 0


@pytest.mark.shared_data
def test_second_grades_of_students_by_sex(shared_data):
    table = pd.read_csv(shared_data / "student-performance" / "student_por_new.csv")
    target = table["G2"].to_numpy(float)
    features = table[["G1", "failures", "absences"]].to_numpy(float)
    train = np.arange(len(table)) % 2 == 0
    prediction = _least_squares(features, target, train)[~train]
    sex = (table["sex"] == "M").to_numpy(int)[~train]
    document = strict(
        measure_regression(
            [Attribute("sex", ("F", "M"), sex)], label=target[~train], prediction=prediction
        )
    )
    gap = one(document["gaps"], metric="bias")
    assert gap["comparator"] == {"group": {"sex": "F"}}
    assert gap["verdict"] in ("no-difference", "not-enough-data")
    record = one(document["estimates"], metric="rmse", group={"sex": "M"})
    mine = sex == 1
    assert record["value"] == pytest.approx(
        sm.root_mean_squared_error(target[~train][mine], prediction[mine]), rel=1e-9
    )
