"""Reweighing, correlation remover and threshold optimizer beside the libraries they come from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mitigations.contract import Context
from mitigations.correlation import CorrelationRemover
from mitigations.encode import Encoder
from mitigations.parity import Compared, gap, labelled
from mitigations.reweighing import Reweighing, factors
from mitigations.rules import expected
from mitigations.threshold_optimizer import CONSTRAINTS, ThresholdOptimizer
from mitigations.training import training
from tests import problems


def test_weighted_rows_show_no_dependence_of_outcome_and_group() -> None:
    given = problems.problem(2000, groups=3)
    data = training(given, Context(), name="x", rows=10_000, equal="selection-rate")
    weight = factors(data)
    assert weight.sum() == pytest.approx(len(weight))
    base = np.average(data.y, weights=weight)
    for code in range(3):
        mine = data.part.group == code
        assert np.average(data.y[mine], weights=weight[mine]) == pytest.approx(base)
        assert weight[mine].sum() == pytest.approx(mine.sum())


def test_reweighing_is_a_weighted_logistic_regression_and_lowers_the_gap() -> None:
    from sklearn.linear_model import LogisticRegression

    given = problems.problem(4000)
    data = training(given, Context(), name="x", rows=10_000, equal="selection-rate")
    points = Reweighing().fit(given, Context()).points
    x = data.encoder.transform(given.train.x)
    theirs = LogisticRegression(solver="newton-cholesky", tol=1e-10)
    theirs.fit(x, given.train.y, sample_weight=factors(data))
    chances = [expected(point.rules[0], given.train) for point in points]
    np.testing.assert_array_equal(chances[-1], theirs.predict(x))
    rows, to = labelled(given.train), Compared("selection-rate", (0, 1))
    gaps = [gap(chance, given.train, rows, to) for chance in chances]
    assert gaps[0] > gaps[1] > gaps[2]


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_the_correlation_remover_is_that_of_fairlearn(strength: float) -> None:
    from fairlearn.preprocessing import CorrelationRemover as Remover
    from sklearn.linear_model import LogisticRegression

    given = problems.problem(2000, groups=3)
    rows = problems.audit(1000, groups=3)
    encoder = Encoder.fit(given.columns, given.train.x)

    def beside(part: Any) -> np.ndarray:
        return np.c_[encoder.transform(part.x), part.group[:, None] == np.arange(3)]

    width = encoder.width
    remover = Remover(sensitive_feature_ids=[width, width + 1, width + 2], alpha=strength)
    theirs = LogisticRegression(solver="newton-cholesky", tol=1e-10)
    theirs.fit(remover.fit_transform(beside(given.train)), given.train.y)
    point = CorrelationRemover(strengths=(strength,)).fit(given, Context()).points[0]
    wanted = theirs.predict(remover.transform(beside(rows)))
    assert (expected(point.rules[0], rows) == wanted).mean() >= 0.999


def test_sensitive_columns_are_no_features_and_unknown_groups_are_not_shifted() -> None:
    given = problems.problem(1000)
    columns = (replace(given.columns[0], sensitive=True), *given.columns[1:])
    outcome = CorrelationRemover().fit(replace(given, columns=columns), Context())
    assert "Not used as features, since sensitive: skill." in outcome.notes
    rule: Any = outcome.points[-1].rules[0]
    assert "skill" not in rule.encoder.names
    unknown = replace(given.train, group=np.full(1000, -1, np.int32))
    np.testing.assert_allclose(
        rule.margins(given.train) - rule.margins(unknown),
        np.array(rule.offsets)[given.train.group][:, None],
        atol=1e-9,
    )


@pytest.mark.parametrize("parity", list(CONSTRAINTS))
def test_thresholds_of_fairlearn_are_kept_to_the_letter(parity: str) -> None:
    from fairlearn.postprocessing import ThresholdOptimizer as Optimizer
    from sklearn.linear_model import LogisticRegression

    given = problems.problem(2000, goal=parity)
    train, rows = given.train, problems.audit(2000)
    assert train.score is not None and rows.score is not None and train.y is not None
    margin = [np.log(part.score / (1 - part.score))[:, None] for part in (train, rows)]
    scorer = LogisticRegression(C=np.inf).fit(margin[0], train.y)
    known = [scorer.predict_proba(m)[:, 1] for m in margin]
    theirs = Optimizer(
        estimator=scorer,
        constraints=CONSTRAINTS[parity],
        prefit=True,
        predict_method="predict_proba",
    ).fit(margin[0], train.y.astype(int), sensitive_features=train.group)
    wanted = theirs._pmf_predict(margin[1], sensitive_features=rows.group)[:, 1]
    scored = replace(given, train=replace(train, score=known[0]))
    point = ThresholdOptimizer(objective="accuracy").fit(scored, Context()).points[0]
    found = expected(point.rules[0], replace(rows, score=known[1]))
    np.testing.assert_allclose(found, wanted, atol=1e-9)
