"""Decisions among several classes: against scikit-learn, on shards, at the edges."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import scipy.stats as ss
import sklearn.metrics as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import macro
from metrics.audit import Policy, measure
from metrics.groups import Attribute
from metrics.multiclass import ClassPolicy, count_classes, derive_multiclass, measure_multiclass

CLASSES = ("low", "middle", "high")
QUICK = ClassPolicy(draws=60)
KEYS = {
    "groups", "estimates", "gaps", "tests", "verdicts", "family", "classes", "confusion",
}  # fmt: skip


def population(n=2000, seed=0, k=3):
    rng = np.random.default_rng(seed)
    race, sex = rng.choice(3, n, p=[0.6, 0.3, 0.1]), rng.integers(0, 2, n)
    label = rng.integers(0, k, n)
    decision = np.where(rng.random(n) < 0.7, label, rng.integers(0, k, n))
    race = np.where(rng.random(n) < 0.03, -1, race)
    attributes = [
        Attribute("race", ("White", "Black", "Asian"), race),
        Attribute("sex", ("Male", "Female"), sex),
    ]
    return attributes, label, decision


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
    attributes, label, decision = population()
    return strict(
        measure_multiclass(
            attributes, label=label, decision=decision, classes=CLASSES, policy=QUICK
        )
    )


@pytest.mark.parametrize("code", [0, 1, 2])
def test_it_equals_scikit_learn_in_every_group(document, code):
    attributes, label, decision = population()
    mine = attributes[0].codes == code
    y, d = label[mine], decision[mine]
    group = {"race": attributes[0].levels[code]}
    recall, precision = (
        score(y, d, average=None, labels=[0, 1, 2])
        for score in (sm.recall_score, sm.precision_score)
    )
    matrix = sm.confusion_matrix(y, d, labels=[0, 1, 2])
    for j, word in enumerate(CLASSES):
        others = y != j
        expected = {
            "tpr": recall[j],
            "precision": precision[j],
            "fpr": (d[others] == j).mean(),
            "selection-rate": (d == j).mean(),
        }
        for metric, value in expected.items():
            record = pick(document["estimates"], metric=metric, group=group)
            assert one(record, **{"class": word})["value"] == pytest.approx(value, rel=1e-12)
    for metric, value in {
        "accuracy": sm.accuracy_score(y, d),
        "macro-tpr": sm.recall_score(y, d, average="macro"),
        "macro-precision": sm.precision_score(y, d, average="macro"),
    }.items():
        record = one(document["estimates"], metric=metric, group=group)
        assert record["value"] == pytest.approx(value, rel=1e-12)
        assert record["low"] < value < record["high"]
    assert one(document["confusion"], group=group)["counts"] == matrix.tolist()


def test_two_classes_give_the_rates_gaps_and_verdicts_of_yes_and_no():
    attributes, label, decision = population(k=2)
    two = measure_multiclass(
        attributes,
        label=label,
        decision=decision,
        classes=("no", "yes"),
        policy=ClassPolicy(draws=0, classes=("yes",)),
    )
    plain = measure(attributes, label=label, decision=decision, policy=Policy(draws=0))
    for gap in pick(plain["gaps"], kind="difference"):
        if gap["metric"] not in ("selection-rate", "tpr", "fpr", "precision"):
            continue
        same = pick(two["gaps"], metric=gap["metric"], group=gap["group"])
        same = one(same, **{"class": "yes"})
        for key in ("value", "p", "thick_low", "thick_high", "n", "n_comparator"):
            assert same[key] == pytest.approx(gap[key]), key
    complements = pick(two["gaps"], metric="tpr", **{"class": "yes"})
    twins = pick(two["gaps"], metric="fpr", **{"class": "no"})
    assert [g["weight"] for g in complements] == [g["weight"] for g in twins]
    assert two["family"]["k"] == len(pick(two["gaps"], metric="accuracy")) * 6


def test_the_weights_of_the_family_add_up_and_macro_means_stay_out(document):
    judged = [gap for gap in document["gaps"] if gap["weight"]]
    assert sum(gap["weight"] for gap in judged) == pytest.approx(1)
    assert {gap["metric"] for gap in judged} == {
        "selection-rate", "tpr", "fpr", "precision", "accuracy",
    }  # fmt: skip
    described = pick(document["gaps"], metric="macro-tpr")
    assert {gap["verdict"] for gap in described} == {None}
    assert all(g["low"] <= g["value"] <= g["high"] for g in described if g["low"] is not None)
    ids = [gap["id"] for gap in document["gaps"]]
    assert len(set(ids)) == len(ids)
    assert set(document["verdicts"]) <= set(ids)


def test_a_planted_gap_in_one_class_is_named_first():
    attributes, label, decision = population(6000)
    black = attributes[0].codes == 1
    moved = black & (decision == 2) & (np.random.default_rng(1).random(6000) < 0.5)
    decision = np.where(moved, 0, decision)
    document = measure_multiclass(
        attributes, label=label, decision=decision, classes=CLASSES, policy=QUICK
    )
    first = one(document["gaps"], id=document["verdicts"][0])
    assert (first["metric"], first["verdict"]) == ("selection-rate", "difference")
    high = pick(document["gaps"], metric="tpr", group={"race": "Black"})
    assert one(high, **{"class": "high"})["verdict"] == "difference"
    assert one(document["tests"], by=["race"])["p"] < 1e-6


def test_shards_add_to_the_same_document():
    attributes, label, decision = population(900)
    label[4], decision[8] = -1, -1
    order = np.random.default_rng(1).permutation(900)

    def part(rows):
        cut = [Attribute(a.name, a.levels, a.codes[rows]) for a in attributes]
        return count_classes(cut, label=label[rows], decision=decision[rows], classes=CLASSES)

    merged = part(order[:300]) + part(order[300:310]) + part(order[310:])
    whole = measure_multiclass(
        attributes, label=label, decision=decision, classes=CLASSES, policy=QUICK
    )
    assert json.dumps(derive_multiclass(merged, attributes, QUICK)) == json.dumps(whole)
    other = count_classes(attributes, decision=decision, label=label, classes=("a", "b", "c"))
    with pytest.raises(ValueError, match="different classes"):
        _ = merged + other


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), turn=st.permutations([0, 1, 2]))
def test_renaming_classes_moves_nothing_else(seed, turn):
    attributes, label, decision = population(150, seed)
    first = measure_multiclass(
        attributes,
        label=label,
        decision=decision,
        classes=CLASSES,
        policy=ClassPolicy(draws=0),
    )
    place = np.asarray(turn)
    words = tuple(CLASSES[turn.index(j)] for j in range(3))
    second = measure_multiclass(
        attributes,
        label=place[label],
        decision=place[decision],
        classes=words,
        policy=ClassPolicy(draws=0),
    )
    for record in first["gaps"]:
        same = pick(second["gaps"], metric=record["metric"], group=record["group"])
        same = one(same, **{"class": record["class"]})
        assert (same["p"], same["verdict"]) == (record["p"], record["verdict"])
        if record["value"] is not None:
            assert same["value"] == pytest.approx(record["value"], abs=1e-12)


def test_one_class_against_the_rest_reconciles(document):
    for table in document["confusion"]:
        group = {"by": table["by"], "group": table["group"]}
        chosen = [
            r["numerator"] for r in pick(document["estimates"], metric="selection-rate", **group)
        ]
        n = sum(map(sum, table["counts"])) + sum(table["label_blank"])
        assert sum(chosen) == n == table["n"] - sum(table["decision_blank"])


def test_undefined_is_a_value_with_a_reason():
    group = np.r_[np.zeros(60, int), np.ones(60, int), 2]
    label = np.r_[np.arange(60) % 3, np.arange(60) % 2, 0]
    decision = np.r_[np.arange(60) % 3, np.zeros(60, int), 2]
    attribute = Attribute("g", ("all", "two", "single", "empty"), group)
    document = strict(
        measure_multiclass(
            [attribute], label=label, decision=decision, classes=CLASSES, policy=QUICK
        )
    )

    def found(metric, word, of):
        return one(pick(document["estimates"], metric=metric, group={"g": word}), **{"class": of})

    assert found("tpr", "two", "high")["undefined"] == "absent-class"
    assert found("precision", "two", "middle")["undefined"] == "class-not-chosen"
    assert found("fpr", "single", "low")["undefined"] == "only-class"
    assert found("accuracy", "empty", None)["undefined"] == "empty-group"
    assert found("macro-tpr", "two", None)["undefined"] == "absent-class"
    assert found("macro-precision", "two", None)["undefined"] == "class-not-chosen"
    assert found("tpr", "all", "low")["value"] == 1.0
    gap = pick(document["gaps"], metric="accuracy", group={"g": "single"})[0]
    assert (gap["verdict"], gap["reason"]) == ("not-enough-data", "below-floor")


def test_without_labels_only_class_shares_are_judged():
    attributes, _, decision = population(500)
    document = strict(
        measure_multiclass(attributes, decision=decision, classes=CLASSES, policy=QUICK)
    )
    assert {g["metric"] for g in document["gaps"] if g["weight"]} == {"selection-rate"}
    assert {g["verdict"] for g in pick(document["gaps"], metric="tpr")} == {"not-applicable"}
    assert {g["reason"] for g in pick(document["gaps"], metric="macro-tpr")} == {"no-label"}
    assert one(document["estimates"], metric="accuracy", by=[])["undefined"] == "no-label"
    assert document["confusion"][0]["counts"] is None


def test_it_refuses_what_it_cannot_count():
    attributes, label, decision = population(60)
    with pytest.raises(ValueError, match="at least two"):
        count_classes(attributes, decision=decision * 0, classes=("one",))
    with pytest.raises(ValueError, match="decision"):
        count_classes(attributes, decision=decision + 3, classes=CLASSES)
    with pytest.raises(ValueError, match="none of the classes"):
        measure_multiclass(
            attributes,
            decision=decision,
            label=label,
            classes=CLASSES,
            policy=ClassPolicy(classes=("top",)),
        )


def test_overall_variation_is_pearsons_and_shuffles_small_tables():
    table = np.array([[30, 20, 25], [22, 31, 18]])
    found = macro.association(table, rng=np.random.default_rng(0), draws=0)
    expected = ss.chi2_contingency(table, correction=False)
    assert (found["statistic"], found["p"], found["df"]) == pytest.approx(expected[:3])
    assert found["cramers_v"] == pytest.approx(ss.contingency.association(table, method="cramer"))
    small = np.array([[3, 1], [1, 4]])
    found = macro.association(small, rng=np.random.default_rng(0), draws=4000)
    # Of the tables with these margins, those at least as far: Fisher's two-sided p.
    assert found["p"] == pytest.approx(ss.fisher_exact(small)[1], abs=0.03)
    assert found["method"] == "permutation"


def test_macro_intervals_cover():
    rng = np.random.default_rng(9)
    share = np.array([[0.3, 0.05, 0.05], [0.05, 0.2, 0.05], [0.02, 0.08, 0.2]])
    truth = macro.macro_values(share[None])[0]
    reps, covered = 250, np.zeros(3)
    for _ in range(reps):
        counts = rng.multinomial(300, share.ravel()).reshape(3, 3)
        tables = rng.multinomial(300, counts.ravel() / 300, size=400).reshape(-1, 3, 3)
        low, high = np.quantile(macro.macro_values(tables.astype(float)), [0.025, 0.975], axis=0)
        covered += (low <= truth) & (truth <= high)
    assert (covered / reps >= 0.91).all()
    assert (covered / reps <= 0.98).all()


@pytest.mark.shared_data
def test_grade_bands_of_students_by_sex(shared_data):
    table = pd.read_csv(shared_data / "student-performance" / "student_por_new.csv")
    words = ("under 10", "10 to 13", "14 and over")
    label = np.searchsorted([10, 14], table["G2"].to_numpy(), side="right")
    decision = np.searchsorted([10, 14], table["G1"].to_numpy(), side="right")
    sex = (table["sex"] == "M").to_numpy(int)
    document = strict(
        measure_multiclass(
            [Attribute("sex", ("F", "M"), sex)],
            label=label,
            decision=decision,
            classes=words,
            policy=QUICK,
        )
    )
    for code, word in enumerate("FM"):
        mine = sex == code
        record = one(document["estimates"], metric="macro-tpr", group={"sex": word})
        assert record["value"] == pytest.approx(
            sm.balanced_accuracy_score(label[mine], decision[mine])
        )
    assert all(g["verdict"] for g in document["gaps"] if g["weight"])


def test_intersections_of_primary_rates_are_steadied_and_single_columns_are_not(document):
    cells = pick(document["estimates"], metric="selection-rate", by=["race", "sex"])
    assert len(cells) == 18
    for cell in cells:
        assert cell["shrunken"]["low"] < cell["shrunken"]["value"] < cell["shrunken"]["high"]
    moved = [abs(c["shrunken"]["value"] - c["value"]) for c in cells]
    assert 0 < max(moved) < 0.1
    assert {e["shrunken"] is None for e in document["estimates"] if len(e["by"]) < 2} == {True}
    assert pick(document["estimates"], metric="tpr", by=["race", "sex"])[0]["shrunken"] is None
