"""The measured document: what it says, what it leaves undefined, what it depends on."""

from __future__ import annotations

import json

import fairlearn.metrics as fm
import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.audit import Attribute, Policy, count, decide, derive, measure
from metrics.count import CountSet
from metrics.rates import REGISTRY

KEYS = {"groups", "estimates", "gaps", "tests", "scores", "verdicts", "family"}
QUICK = Policy(draws=40)


def population(n=3000, seed=0, unknown=0.03):
    rng = np.random.default_rng(seed)
    race, sex = rng.choice(3, n, p=[0.6, 0.3, 0.1]), rng.integers(0, 2, n)
    score = np.clip(rng.beta(2, 3, n) + 0.1 * (race == 0), 0, 1)
    label = (rng.random(n) < score).astype(np.int8)
    race = np.where(rng.random(n) < unknown, -1, race)
    attributes = [
        Attribute("race", ("White", "Black", "Asian"), race),
        Attribute("sex", ("Male", "Female"), sex, title="Sex"),
    ]
    return attributes, label, score


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
    attributes, label, score = population()
    return strict(measure(attributes, label=label, score=score, policy=QUICK))


def test_every_table_lists_its_groups_and_loses_no_row(document):
    assert [g["by"] for g in document["groups"]] == [["race"], ["sex"], ["race", "sex"]]
    for table in document["groups"]:
        listed = sum(level["n"] for level in table["levels"])
        assert listed + table["unknown"] + table["unlisted"]["n"] == 3000
    race = document["groups"][0]
    assert race["unknown"] > 0
    assert race["reference"] == {"race": "White"}
    assert [level["status"] for level in race["levels"]] == ["reference", "compared", "compared"]
    assert document["groups"][1]["title"] == "Sex"
    assert document["groups"][2]["title"] == "race × Sex"
    assert document["groups"][2]["reference"] is None


def test_every_metric_of_every_group_is_an_estimate_with_its_counts_and_interval(document):
    groups = 1 + sum(len(table["levels"]) for table in document["groups"])
    assert len(document["estimates"]) == groups * len(REGISTRY)
    for estimate in document["estimates"]:
        assert estimate["undefined"] is None
        assert estimate["low"] <= estimate["value"] <= estimate["high"]
        if estimate["numerator"] is not None:
            ratio = estimate["numerator"] / estimate["denominator"]
            assert ratio == estimate["value"]


def test_rates_equal_fairlearn_and_auc_equals_scikit_learn(document):
    attributes, label, score = population()
    decision = decide(score, threshold=0.5)
    features = pd.DataFrame({a.name: a.codes for a in attributes})
    oracles = {
        "selection-rate": fm.selection_rate,
        "accuracy": sm.accuracy_score,
        "tpr": fm.true_positive_rate,
        "fpr": fm.false_positive_rate,
        "precision": sm.precision_score,
    }
    known = features["race"] >= 0
    frame = fm.MetricFrame(
        metrics=oracles,
        y_true=label[known],
        y_pred=decision[known],
        sensitive_features=features[known],
    )
    for (race, sex), row in frame.by_group.iterrows():
        group = {"race": attributes[0].levels[race], "sex": attributes[1].levels[sex]}
        for metric, value in row.items():
            found = one(document["estimates"], by=["race", "sex"], group=group, metric=metric)
            assert abs(found["value"] - value) < 1e-12
    for code, word in enumerate(attributes[0].levels):
        here = features["race"] == code
        auc = one(document["scores"]["auc"], by=["race"], group={"race": word})
        assert auc["method"] == "exact"
        assert abs(auc["value"] - sm.roc_auc_score(label[here], score[here])) < 1e-12
        brier = one(document["scores"]["brier"], by=["race"], group={"race": word})
        assert abs(brier["value"] - sm.brier_score_loss(label[here], score[here])) < 1e-12


def test_attributes_compare_with_a_reference_and_cells_with_everybody_else(document):
    gaps = pick(document["gaps"], metric="selection-rate", kind="difference")
    race = pick(gaps, by=["race"])
    assert [(g["group"]["race"], g["comparator"]) for g in race] == [
        ("White", "rest"),
        ("Black", {"group": {"race": "White"}}),
        ("Asian", {"group": {"race": "White"}}),
    ]
    assert [g["reference_choice"] for g in race] == ["rest", "largest", "largest"]
    assert len(pick(gaps, by=["sex"])) == 1
    cells = pick(gaps, by=["race", "sex"])
    assert len(cells) == 6
    assert {g["comparator"] for g in cells} == {"rest"}
    for gap in cells:
        assert gap["n"] + gap["n_comparator"] == sum(g["n"] for g in cells)
        assert gap["value"] == pytest.approx(gap["rate"] - gap["rate_comparator"])


def test_one_family_weighs_the_whole_report(document):
    family = document["family"]
    tested = [g for g in document["gaps"] if g["weight"]]
    assert len(tested) == family["k"] == family["k_primary"] + family["k_secondary"]
    assert sum(g["weight"] for g in tested) == pytest.approx(1)
    assert {g["metric"] for g in tested} == set(family["metrics"])
    assert {g["metric"] for g in tested if g["primary"]} == {"selection-rate"}
    others = [g for g in document["gaps"] if g["metric"] in ("npv", "base-rate")]
    assert {g["verdict"] for g in others} == {None}
    assert all(g["low"] < g["value"] < g["high"] for g in others)


def test_verdicts_name_every_judged_gap_findings_first(document):
    by_id = {g["id"]: g for g in document["gaps"]}
    assert len(by_id) == len(document["gaps"])
    order = [by_id[i]["verdict"] for i in document["verdicts"]]
    rank = ["difference", "not-enough-data", "no-difference"]
    assert order == sorted(order, key=rank.index)
    assert len(order) == document["family"]["k"]
    first = by_id[document["verdicts"][0]]
    assert (first["metric"], first["by"]) == ("selection-rate", ["race"])


def test_a_ratio_has_a_pointwise_interval_and_no_verdict(document):
    ratios = pick(document["gaps"], kind="ratio")
    assert {g["verdict"] for g in ratios} == {None}
    assert {g["metric"] for g in ratios if len(g["by"]) == 2} == {"selection-rate"}
    for gap in ratios:
        assert gap["low"] < gap["value"] < gap["high"]
        assert gap["value"] == pytest.approx(gap["rate"] / gap["rate_comparator"])


def test_global_tests_stand_beside_their_null_values(document):
    kinds = [(t["by"], t["kind"]) for t in document["tests"]]
    assert kinds == [
        (table["by"], kind)
        for table in document["groups"]
        for kind in ("chi-square", "max-min", "min-max-ratio")
    ]
    spread = one(document["tests"], by=["race"], kind="max-min")
    assert spread["value"] > spread["null_p95"] > spread["null_mean"] > 0
    assert one(document["tests"], by=["race"], kind="chi-square")["p"] < 0.01


def test_only_cells_of_primary_metrics_have_a_shrunken_estimate(document):
    shrunken = [e for e in document["estimates"] if e["shrunken"] is not None]
    assert {(tuple(e["by"]), e["metric"]) for e in shrunken} == {
        (("race", "sex"), "selection-rate")
    }
    assert all(e["shrunken"]["low"] < e["shrunken"]["value"] for e in shrunken)


def test_the_score_section_counts_everybody_and_every_attribute(document):
    scores = document["scores"]
    assert (scores["bins"], scores["edges_kind"], scores["threshold"]) == (1024, "fixed", 0.5)
    heads = [[], ["race"], ["race"], ["race"], ["sex"], ["sex"]]
    for key in ("auc", "brier", "calibration", "roc", "sweep", "histogram"):
        assert [r["by"] for r in scores[key]] == heads
    assert len(scores["auc_gaps"]) == len(scores["calibration_gaps"]) == 3
    sweep = scores["sweep"][0]
    at = sweep["thresholds"].index(0.5)
    everybody = one(document["estimates"], by=[], metric="selection-rate")
    assert sweep["selected"][at] == everybody["numerator"]
    right = one(document["estimates"], by=[], metric="tpr")
    assert (sweep["true_positives"][at], sweep["positives"]) == (
        right["numerator"], right["denominator"],
    )  # fmt: skip
    for curve in scores["calibration"]:
        assert sum(part["n"] for part in curve["curve"]) == curve["n"]
    assert sum(scores["histogram"][0]["counts"]) == 3000


def test_without_a_label_every_metric_that_needs_one_is_not_applicable():
    attributes, label, score = population()
    decision = decide(score, threshold=0.5)
    for absent in (None, np.full_like(label, -1)):
        document = strict(measure(attributes, label=absent, decision=decision, policy=QUICK))
        for gap in pick(document["gaps"], kind="difference"):
            if REGISTRY[gap["metric"]].needs_label:
                assert gap["value"] is None
                assert gap["reason"] == "no-label"
                assert gap["verdict"] in ("not-applicable", None)
            else:
                assert gap["reason"] is None
        assert document["family"]["k_secondary"] == 0
        assert document["scores"] is None
        accuracy = one(document["estimates"], by=[], metric="accuracy")
        assert (accuracy["value"], accuracy["undefined"]) == (None, "no-label")
        assert all(level["base_rate"] is None for level in document["groups"][0]["levels"])
    judged = [g["verdict"] for g in document["gaps"] if g["metric"] == "tpr"]
    assert set(judged) == {"not-applicable"}


def test_scores_without_a_label_keep_their_distribution_and_sweep():
    attributes, _, score = population()
    scores = strict(measure(attributes, score=score, policy=QUICK))["scores"]
    assert scores["auc"] == scores["calibration"] == scores["roc"] == []
    assert scores["sweep"][0]["true_positives"] is None
    assert sum(scores["histogram"][0]["counts"]) == 3000


def test_a_label_alone_describes_base_rates_only():
    attributes, label, _ = population()
    document = strict(measure(attributes, label=label, policy=QUICK))
    assert document["verdicts"] == []
    assert one(document["estimates"], by=[], metric="base-rate")["value"] == label.mean()
    chosen = one(document["estimates"], by=[], metric="selection-rate")
    assert chosen["undefined"] == "no-decision"


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("chosen", [0, 1])
def test_one_class_or_everybody_chosen_leaves_reasons_and_no_number(label, chosen):
    attributes, _, score = population(400)
    document = strict(
        measure(
            attributes,
            label=np.full(400, label),
            decision=np.full(400, chosen),
            score=score,
            policy=Policy(goal="equalized-odds", draws=20),
        )
    )
    empty = "tpr" if label == 0 else "fpr"
    gaps = pick(document["gaps"], metric=empty, kind="difference")
    assert {g["verdict"] for g in gaps} == {"not-applicable"}
    assert {g["reason"] for g in gaps} == {"no-denominator"}
    estimate = one(document["estimates"], by=[], metric=empty)
    assert (estimate["value"], estimate["undefined"]) == (None, "empty-denominator")
    assert {a["undefined"] for a in document["scores"]["auc"]} == {"one-class"}
    assert document["scores"]["auc_gaps"] == document["scores"]["roc"] == []


def test_a_group_without_rows_is_listed_empty_and_never_compared():
    attributes, label, score = population()
    race = attributes[0]
    wider = Attribute("race", (*race.levels, "Other"), race.codes)
    document = strict(measure([wider], label=label, score=score, policy=QUICK))
    assert document["groups"][0]["levels"][3]["status"] == "empty"
    assert not pick(document["gaps"], group={"race": "Other"})
    nobody = pick(document["estimates"], group={"race": "Other"})
    assert {e["undefined"] for e in nobody} == {"empty-group"}
    auc = one(document["scores"]["auc"], group={"race": "Other"})
    assert (auc["value"], auc["undefined"]) == (None, "empty-group")


def test_one_group_alone_has_nobody_to_be_compared_with():
    _, label, score = population(300)
    only = Attribute("race", ("White",), np.zeros(300, dtype=int))
    document = strict(measure([only], label=label, score=score, policy=QUICK))
    gaps = pick(document["gaps"], kind="difference")
    assert {g["reason"] for g in gaps} == {"one-group"}
    assert document["verdicts"] == []


def test_a_column_of_unknowns_stays_in_the_totals():
    attributes, label, score = population(300)
    gone = Attribute("race", ("White", "Black"), np.full(300, -1))
    document = strict(measure([gone, attributes[1]], label=label, score=score, policy=QUICK))
    assert document["groups"][0]["unknown"] == 300
    assert document["groups"][0]["reference"] is None
    assert not pick(document["gaps"], by=["race"])
    assert one(document["estimates"], by=[], metric="accuracy")["n"] == 300


def test_a_group_below_the_floor_is_listed_and_not_judged():
    rng = np.random.default_rng(1)
    codes = np.array([0] * 500 + [1] * 29)
    tiny = Attribute("race", ("White", "Asian"), codes)
    decision = rng.integers(0, 2, 529)
    document = strict(measure([tiny], decision=decision, policy=QUICK))
    assert document["groups"][0]["levels"][1]["status"] == "below-floor"
    gap = one(document["gaps"], metric="selection-rate", kind="difference")
    assert (gap["verdict"], gap["reason"], gap["weight"]) == ("not-enough-data", "below-floor", 0)
    estimate = one(document["estimates"], metric="selection-rate", group={"race": "Asian"})
    assert estimate["below_floor"]
    assert estimate["value"] is not None


def test_a_chosen_reference_is_used_and_an_empty_one_replaced():
    attributes, label, score = population()
    race = attributes[0]
    for chosen, expected, choice in ((2, "Asian", "chosen"), (3, "White", "largest")):
        wider = Attribute("race", (*race.levels, "Other"), race.codes, chosen)
        document = strict(measure([wider], label=label, score=score, policy=QUICK))
        assert document["groups"][0]["reference"] == {"race": expected}
        assert document["groups"][0]["reference_choice"] == choice
        compared = {json.dumps(g["comparator"]) for g in document["gaps"]}
        assert compared == {'"rest"', json.dumps({"group": {"race": expected}})}


def test_abstentions_are_a_decision_of_their_own():
    attributes, label, score = population()
    decision = decide(score, threshold=0.5)
    decision[::10] = 2
    document = strict(measure(attributes, label=label, decision=decision, policy=QUICK))
    decided = decision != 2
    estimates = document["estimates"]
    assert one(estimates, by=[], metric="abstention-rate")["value"] == 0.1
    accuracy = one(estimates, by=[], metric="accuracy")
    assert accuracy["denominator"] == decided.sum()
    assert accuracy["numerator"] == (decision == label)[decided].sum()


def test_missing_scores_leave_their_rows_in_everything_else():
    attributes, label, score = population()
    decision = decide(score, threshold=0.5)
    score[:300] = np.nan
    document = strict(
        measure(attributes, label=label, decision=decision, score=score, policy=QUICK)
    )
    assert document["scores"]["auc"][0]["n"] == 2700
    assert one(document["estimates"], by=[], metric="accuracy")["n"] == 3000
    assert decide(np.array([np.nan, 0.5]), threshold=0.5).tolist() == [-1, 1]


def test_whole_numbers_and_single_precision_are_scores_too():
    attributes, label, score = population(400)
    for kind in (np.int8, np.float32):
        given = np.round(score).astype(kind)
        scores = strict(measure(attributes, label=label, score=given, policy=QUICK))["scores"]
        assert scores["edges_kind"] == "quantile"
        assert scores["cuts"] == [1.0]
        exact = sm.roc_auc_score(label, np.round(score))
        assert scores["auc"][0]["value"] == pytest.approx(exact, abs=1e-12)


def test_scores_that_repeat_are_also_counted_strictly_above_each_threshold():
    attributes, label, _ = population(4000)
    risk = np.round(np.random.default_rng(1).random(4000), 2)
    sweep = measure(attributes, label=label, score=1 - risk, policy=QUICK)["scores"]["sweep"][0]
    thresholds = np.round(1 - np.array(sweep["thresholds"]), 6)
    assert sweep["selected"] == [int((risk <= t).sum()) for t in thresholds]
    assert sweep["selected_above"] == [int((risk < t).sum()) for t in thresholds]


def test_a_measure_of_several_rates_is_below_the_floor_with_the_smallest_of_them():
    attributes, label, score = population()
    sex = attributes[1].codes
    label[(sex == 1) & (np.cumsum((sex == 1) & (label == 1)) > 3)] = 0
    found = measure(attributes, label=label, score=score, policy=QUICK)["estimates"]
    small = one(found, by=["sex"], metric="balanced-accuracy", group={"sex": "Female"})
    assert (small["n"] >= 30, small["below_floor"]) == (True, True)
    assert not one(found, by=["sex"], metric="balanced-accuracy", group={"sex": "Male"})[
        "below_floor"
    ]


def test_scores_that_do_not_repeat_have_no_count_strictly_above(document):
    assert all(item["selected_above"] is None for item in document["scores"]["sweep"])
    attributes, label, score = population()
    crowded = strict(measure(attributes, label=label, score=score**16, policy=QUICK))["scores"]
    assert crowded["edges_kind"] == "quantile"
    assert crowded["sweep"][0]["selected_above"] is None


def test_a_group_with_one_score_has_no_interval_of_its_auc():
    attributes, label, score = population()
    score[attributes[1].codes == 1] = 0.5
    scores = measure(attributes, label=label, score=score, policy=QUICK)["scores"]
    found = one(scores["auc"], by=["sex"], group={"sex": "Female"})
    assert (found["value"], found["low"], found["undefined"]) == (0.5, None, "one-score")
    assert not pick(scores["auc_gaps"], by=["sex"])


def test_bad_input_is_named():
    attributes, label, score = population(50)
    with pytest.raises(ValueError, match="outside 0 to 1"):
        measure(attributes, label=label, score=score * 3, policy=QUICK)
    with pytest.raises(ValueError, match="'label' has 49 rows"):
        measure(attributes, label=label[1:], score=score, policy=QUICK)
    with pytest.raises(ValueError, match="at least one sensitive column"):
        measure([], label=label, score=score, policy=QUICK)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 2999))
def test_the_document_depends_on_no_order_and_no_sharding(seed, cut):
    attributes, label, score = population(seed=seed)
    policy = Policy(draws=10)
    whole = measure(attributes, label=label, score=score, policy=policy)
    order = np.random.default_rng(seed).permutation(3000)
    moved = [Attribute(a.name, a.levels, a.codes[order], title=a.title) for a in attributes]
    assert measure(moved, label=label[order], score=score[order], policy=policy) == whole
    bins = count(attributes, label=label, score=score).bins
    parts = []
    for part in (slice(cut), slice(cut, None)):
        some = [Attribute(a.name, a.levels, a.codes[part], title=a.title) for a in attributes]
        parts.append(
            count(
                some,
                label=label[part],
                decision=decide(score[part], threshold=0.5),
                score=score[part],
                bins=bins,
            )
        )
    assert derive(parts[0] + parts[1], attributes, policy) == whole


def test_renaming_group_codes_changes_no_number_of_a_group():
    attributes, label, score = population()
    race = attributes[0]
    turned = Attribute("race", race.levels[::-1], np.where(race.codes >= 0, 2 - race.codes, -1))
    exact = {"selection-rate", "tpr", "fpr", "accuracy", "precision"}

    def numbers(document):
        rows = {}
        for gap in document["gaps"]:
            if gap["metric"] in exact:
                key = (gap["metric"], str(gap["group"]), str(gap["comparator"]), gap["kind"])
                rows[key] = (gap["value"], gap["low"], gap["p"], gap["verdict"])
        for e in document["estimates"]:
            if e["metric"] in exact:
                rows[e["metric"], str(e["group"])] = (e["numerator"], e["denominator"], e["low"])
        for auc in document["scores"]["auc"]:
            rows["auc", str(auc["group"])] = (auc["value"], auc["low"])
        return rows

    first = numbers(measure([race], label=label, score=score, policy=QUICK))
    second = numbers(measure([turned], label=label, score=score, policy=QUICK))
    assert first == second


def test_counts_come_back_from_a_file_and_from_tables_of_their_own(tmp_path, monkeypatch):
    attributes, label, score = population()
    decision = decide(score, threshold=0.5)
    score[:30] = np.nan
    whole = count(attributes, label=label, decision=decision, score=score)
    path = tmp_path / "counts.npz"
    whole.save(path)
    expected = derive(whole, attributes, QUICK)
    assert derive(CountSet.load(path), attributes, QUICK) == expected
    monkeypatch.setattr("metrics.count.OUTCOME_BUDGET", 0)
    monkeypatch.setattr("metrics.count.SCORE_BUDGET", 0)
    apart = count(attributes, label=label, decision=decision, score=score)
    assert [t.names for t in apart.scores] == [("race",), ("sex",)]
    assert derive(apart, attributes, QUICK) == expected
    with pytest.raises(ValueError, match="different attributes"):
        apart + count(attributes, label=label, decision=decision)


def test_large_groups_use_bins_and_small_ones_exact_ranks_however_shards_fall():
    rng = np.random.default_rng(5)
    n = 12_000
    codes = (rng.random(n) < 0.3).astype(int)
    score = rng.beta(2, 3, n)
    label = (rng.random(n) < score).astype(int)
    sex = Attribute("sex", ("Male", "Female"), codes)
    bins = count([sex], label=label, score=score).bins
    parts = [
        count([Attribute("sex", sex.levels, codes[p])], label=label[p], score=score[p], bins=bins)
        for p in (slice(4000), slice(4000, 8000), slice(8000, None))
    ]
    document = derive(parts[0] + parts[1] + parts[2], [sex], QUICK)
    assert [a["method"] for a in document["scores"]["auc"]] == ["bins", "bins", "exact"]
    for auc, kept in zip(
        document["scores"]["auc"], (codes >= 0, codes == 0, codes == 1), strict=True
    ):
        assert abs(auc["value"] - sm.roc_auc_score(label[kept], score[kept])) < 1e-4
    assert parts[0].small["sex"].codes.size == 4000


def test_only_counts_leave_a_site_when_asked():
    attributes, label, score = population()
    counted = count(attributes, label=label, score=score, exact=False)
    assert counted.small == {}
    document = strict(derive(counted, attributes, QUICK))
    assert {a["method"] for a in document["scores"]["auc"]} == {"bins"}


def test_a_table_of_very_many_cells_lists_those_that_reach_the_floor(monkeypatch):
    monkeypatch.setattr("metrics.estimates.LISTED_GROUPS", 4)
    attributes, label, score = population(500)
    document = strict(measure(attributes, label=label, score=score, policy=QUICK))
    cells = document["groups"][2]
    assert cells["unlisted"]["groups"] > 0
    assert len(cells["levels"]) + cells["unlisted"]["groups"] == 6
    assert min(level["n"] for level in cells["levels"]) >= 30
    total = sum(level["n"] for level in cells["levels"]) + cells["unlisted"]["n"]
    assert total + cells["unknown"] == 500
    gap = pick(document["gaps"], by=["race", "sex"], metric="accuracy")[0]
    assert gap["n"] + gap["n_comparator"] == total


def test_a_table_without_one_cell_above_the_floor_lists_none(monkeypatch):
    monkeypatch.setattr("metrics.estimates.LISTED_GROUPS", 4)
    attributes, label, score = population(60)
    policy = Policy(draws=20, floor=50)
    document = strict(measure(attributes, label=label, score=score, policy=policy))
    assert document["groups"][2]["levels"] == []
    assert not pick(document["gaps"], by=["race", "sex"])


def test_the_same_seed_repeats_the_document_and_another_moves_only_what_is_drawn():
    attributes, label, score = population()
    first = measure(attributes, label=label, score=score, policy=Policy(draws=30))
    again = measure(attributes, label=label, score=score, policy=Policy(draws=30))
    other = measure(attributes, label=label, score=score, policy=Policy(draws=30, seed=1))
    assert first == again
    assert first["gaps"] == other["gaps"]
    assert first["verdicts"] == other["verdicts"]
    assert first["estimates"] != other["estimates"]
    none = strict(measure(attributes, label=label, score=score, policy=Policy(draws=0)))
    ratio = one(none["estimates"], by=[], metric="predicted-actual-ratio")
    assert ratio["value"] is not None
    assert ratio["low"] is None


@pytest.mark.slow
@pytest.mark.shared_data
def test_real_rows_agree_with_fairlearn_and_scikit_learn(shared_data):
    frame = pd.read_parquet(shared_data / "acs-folktables-2018" / "ACSIncome.test.parquet")
    label = frame["PINCP"].to_numpy().astype(np.int8)
    score = np.clip(frame["WKHP"].to_numpy(float) * frame["SCHL"].to_numpy(float) / 2400, 0, 1)
    decision = decide(score, threshold=0.35)
    race = frame["RAC1P"].to_numpy().astype(int)
    codes = race - race.min()
    levels = tuple(map(str, range(codes.max() + 1)))
    document = strict(
        measure([Attribute("RAC1P", levels, codes)], label=label, score=score, decision=decision,
                policy=Policy(draws=20))
    )  # fmt: skip
    oracles = {
        "selection-rate": fm.selection_rate,
        "tpr": fm.true_positive_rate,
        "fpr": fm.false_positive_rate,
        "accuracy": sm.accuracy_score,
    }
    theirs = fm.MetricFrame(
        metrics=oracles, y_true=label, y_pred=decision, sensitive_features=codes
    ).by_group
    for code, row in theirs.iterrows():
        group = {"RAC1P": str(code)}
        for metric, value in row.items():
            found = one(document["estimates"], group=group, metric=metric)
            assert abs(found["value"] - value) < 1e-12
        here = codes == code
        auc = one(document["scores"]["auc"], group=group)
        assert abs(auc["value"] - sm.roc_auc_score(label[here], score[here])) < 1e-4


def test_a_ratio_of_nobody_to_nobody_is_undefined() -> None:
    sex = Attribute("sex", ("a", "b", "c"), np.repeat([0, 1, 2], 100), None)
    decision = np.zeros(300, dtype=np.int8)
    decision[200:220] = 1
    document = measure([sex], decision=decision, policy=Policy(goal="selection-rate"))
    ratios = {gap["group"]["sex"]: gap for gap in document["gaps"] if gap["kind"] == "ratio"}
    assert ratios["b"]["value"] is None
    assert ratios["b"]["reason"] == "nobody-in-either"
    assert ratios["c"]["value"] is not None
