"""A plan that did not come from the form goes back into it, to be changed and started again."""

from __future__ import annotations

from typing import Any

import pytest

from auditapp.api.asked import AuditIn, plan_asked
from auditapp.errors import AuditError
from auditapp.plan import Split, columns_of, draft_of, plan_from_draft
from tests.profiles import people

NOBODY = "00000000-0000-4000-8000-000000000000"


def plan(**fields: Any) -> Any:
    body = AuditIn(dataset=NOBODY, **fields)
    return plan_asked(body, people(), None, None)


PLANS: list[dict[str, Any]] = [
    {"prediction": "hired", "favourable_decision": ["1"], "sensitive": ["sex"]},
    {"score": "score", "label": "hired", "sensitive": ["sex", "age"], "bins": {"age": [30, 50]}},
    {
        "train": "logistic", "label": "hired", "sensitive": ["sex"], "features": ["age", "score"],
        "goal": "tpr", "tolerance": 0.1, "seed": 7, "skip": ["pid"], "site": "region",
        "method": [{"slug": "thresholds", "settings": {}}], "protect": "sex",
    },
    {
        "train": "boosting", "label": "hired", "sensitive": ["sex"], "features": ["sex", "age"],
        "compare_to": {"sex": "F"}, "about": {"system": "Sorter"},
    },
    {
        "score": "score", "label": "hired", "sensitive": ["sex"],
        "template": [
            {"slug": "ai-act", "settings": {"provider": "Acme", "declared": 81.5}},
            {"slug": "ll144", "settings": {"sex_column": "sex", "leave_out": ["Asian"]}},
        ],
    },
]  # fmt: skip


@pytest.mark.parametrize("fields", PLANS)
def test_a_plan_comes_back_from_its_draft(fields: dict[str, Any]) -> None:
    wanted = plan(**fields)
    profile = people()
    names = [column["name"] for column in profile["columns"]]
    again = plan_from_draft(draft_of(wanted, names), profile)
    ours, theirs = wanted.to_json(), again.to_json()
    # The form takes columns for a model in the order of the table.
    for item in (ours, theirs):
        item["features"] = None if item["features"] is None else sorted(item["features"])
    assert theirs == ours


def test_a_column_of_an_annex_is_a_column_of_the_plan() -> None:
    settings = {"groups_column": "region"}
    wanted = plan(
        prediction="hired", sensitive=["sex"], template=[{"slug": "ll144", "settings": settings}]
    )
    assert "region" in columns_of(wanted)
    profile = people()
    profile["columns"] = [c for c in profile["columns"] if c["name"] != "region"]
    with pytest.raises(AuditError, match="names the column “region”") as error:
        plan_from_draft(draft_of(wanted, []), profile)
    assert (error.value.code, error.value.where) == ("unknown-column", "templates")


def test_a_column_that_is_not_there_is_refused_at_once() -> None:
    with pytest.raises(AuditError, match="There is no column “shift”"):
        plan(
            prediction="hired",
            sensitive=["sex"],
            template=[{"slug": "ll144", "settings": {"groups_column": "shift"}}],
        )


def test_columns_are_named_once_wherever_they_are_used() -> None:
    wanted = plan(
        train="logistic", label="hired", sensitive=["sex"], features=["age", "sex"],
        site="region", split="remarks",
    )  # fmt: skip
    assert wanted.split == Split(kind="column", column="remarks")
    assert columns_of(wanted) == ["sex", "hired", "region", "age", "remarks"]
