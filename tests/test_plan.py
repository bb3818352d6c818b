"""The plan: JSON there and back, refusals before a row is read, drafts from the web."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from auditapp.errors import AuditError
from auditapp.plan import (
    AttributeSpec,
    Data,
    Model,
    Outcome,
    Plan,
    Score,
    check,
    plan_from_draft,
)

PLAN = Plan(
    data=Data("people.csv", "ab" * 32, 1000, 100),
    model=Model("train", estimator="logistic"),
    label=Outcome("approved", ("1",)),
    attributes=(AttributeSpec("sex", "Sex", words={"1": "Men", "2": "Women"}),),
    features=("income", "age"),
)


def test_a_plan_survives_json() -> None:
    plan = replace(
        PLAN,
        attributes=(*PLAN.attributes, AttributeSpec("age", "Age", "binned", cuts=(25.0, 65.0))),
        score=Score(favourable=False),
    )
    assert Plan.from_json(plan.to_json()) == plan


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(AuditError, match="toleranse"):
        Plan.from_json({**PLAN.to_json(), "toleranse": 0.1})


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"attributes": ()}, "no-sensitive", "sensitive"),
        (
            {"attributes": tuple(AttributeSpec(f"a{i}", "A") for i in range(13))},
            "too-many-sensitive",
            "sensitive",
        ),
        ({"label": None}, "train-needs-label", "label"),
        ({"goal": "fairness"}, "unknown-goal", "goal"),
        ({"goal": "tpr", "label": None}, "goal-needs-label", "goal"),
        ({"label": Outcome("sex", ("1",))}, "two-roles", "label"),
        ({"floor": 0}, "out-of-range", "floor"),
        ({"tolerance": 0.6}, "out-of-range", "tolerance"),
        ({"threshold": 1.5}, "threshold-outside-range", "threshold"),
        ({"model": Model("columns")}, "no-decision", "model"),
        ({"score": Score(low=1.0, high=1.0)}, "score-range", "score"),
    ],
)
def test_an_impossible_plan_names_the_field(change: dict[str, Any], code: str, where: str) -> None:
    with pytest.raises(AuditError) as caught:
        check(replace(PLAN, **change))
    assert (caught.value.code, caught.value.where) == (code, where)


def test_a_threshold_may_lie_anywhere_in_the_range_of_the_score() -> None:
    check(replace(PLAN, model=Model("columns"), score=Score("points", low=300, high=850),
                  threshold=620.0))  # fmt: skip


PROFILE = {
    "name": "people.csv",
    "sha256": "cd" * 32,
    "bytes": 10,
    "rows": 5,
    "columns": [{"name": name} for name in ("sex", "note", "income", "approved")],
}


def test_a_draft_becomes_a_plan() -> None:
    plan = plan_from_draft(
        {
            "roles": {"income": "feature", "sex": "sensitive", "note": "unused"},
            "label": {"column": "approved", "favourable": ["yes"]},
            "attributes": [{"column": "sex", "title": "Sex"}],
            "model": {"kind": "train", "estimator": "boosting"},
            "policy": {"goal": "tpr", "tolerance": 0.03, "not_a_field": 1},
        },
        PROFILE,
    )
    assert plan.features == ("income",)
    assert plan.model.estimator == "boosting"
    assert (plan.goal, plan.tolerance) == ("tpr", 0.03)


def test_a_sensitive_column_is_a_feature_only_when_ticked() -> None:
    draft = {
        "roles": {"income": "feature", "sex": "sensitive"},
        "label": {"column": "approved", "favourable": ["yes"]},
        "attributes": [{"column": "sex", "title": "Sex"}],
        "model": {"kind": "train", "estimator": "logistic"},
    }
    assert plan_from_draft(draft, PROFILE).features == ("income",)
    ticked = plan_from_draft({**draft, "sensitive_features": True}, PROFILE)
    assert ticked.features == ("sex", "income")


def test_features_stand_in_the_order_of_the_table_whatever_order_roles_were_stored_in() -> None:
    draft = {
        "roles": {"income": "feature", "note": "feature", "sex": "feature"},
        "label": {"column": "approved", "favourable": ["yes"]},
        "attributes": [{"column": "sex"}],
        "model": {"kind": "train"},
    }
    assert plan_from_draft(draft, PROFILE).features == ("sex", "note", "income")


def test_a_trained_model_keeps_no_direction_of_an_earlier_score() -> None:
    draft = {
        "roles": {"income": "feature"},
        "label": {"column": "approved", "favourable": ["yes"]},
        "score": {"column": "points", "favourable": False, "low": 0, "high": 10},
        "attributes": [{"column": "sex"}],
        "model": {"kind": "train"},
    }
    assert plan_from_draft(draft, PROFILE).score == Score()


def test_a_label_without_favourable_values_is_refused() -> None:
    with pytest.raises(AuditError, match="approved") as caught:
        plan_from_draft(
            {
                "label": {"column": "approved", "favourable": []},
                "attributes": [{"column": "sex"}],
                "model": {"kind": "train"},
            },
            PROFILE,
        )
    assert caught.value.where == "label"
