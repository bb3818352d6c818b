"""Sites, gold labels, reference decisions and lists that names of columns suggest."""

from __future__ import annotations

from typing import Any

import pytest

from auditapp.datasets import further
from auditapp.datasets.suggest import plan_defaults
from tests.profiles import column, people


def with_columns(*columns: dict[str, Any]) -> dict[str, Any]:
    profile = people()
    profile["columns"] += columns
    return profile


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("site", True),
        ("hospital_id", True),
        ("HospitalName", True),
        ("state", True),
        ("branch code", True),
        ("marital_state", False),
        ("state_income", False),
        ("remarks_site_visit", False),
    ],
)
def test_a_site_is_known_by_its_name_alone(name: str, *, found: bool) -> None:
    draft = plan_defaults(with_columns(column(name, {"a": 500, "b": 500})))
    assert (draft["site"] is not None) == found
    assert draft["roles"][name] == "feature"


@pytest.mark.parametrize(
    "fields", [{"distinct": 1}, {"distinct": 900}, {"type": "number"}, {"top": []}]
)
def test_a_site_has_a_few_values_and_they_are_no_amounts(fields: dict[str, Any]) -> None:
    draft = plan_defaults(with_columns(column("site", {"1": 500, "2": 500}, **fields)))
    assert draft["site"] is None


def test_codes_of_sites_are_not_cut_like_numbers() -> None:
    codes = {str(i): 20 for i in range(50)}
    draft = plan_defaults(with_columns(column("site_id", codes, kind="numeric")))
    assert draft["site"]["cuts"] == [] and draft["site"]["kind"] == "categorical"


def test_a_gold_label_is_no_feature_and_is_read_like_the_label() -> None:
    draft = plan_defaults(with_columns(column("gold_label", {"0": 500, "1": 500})))
    assert draft["roles"]["gold_label"] == "gold"
    assert draft["gold"] == {"column": "gold_label", "favourable": ["1"]}
    assert draft["label"]["column"] == "hired"


def test_what_people_decided_is_a_reference_where_the_system_scores() -> None:
    human = column("human_decision", {"0": 500, "1": 500}, guess="decision")
    rater = column("reviewer_2", {"0": 500, "1": 500})
    draft = plan_defaults(with_columns(human, rater))
    assert draft["decision"] is None
    assert draft["references"] == {
        "columns": ["human_decision", "reviewer_2"], "favourable": ["1"],
    }  # fmt: skip
    assert draft["roles"]["reviewer_2"] == "reference"


def test_the_only_decision_there_is_stays_the_decision() -> None:
    profile = with_columns(column("human_decision", {"0": 500, "1": 500}, guess="decision"))
    profile["columns"] = [c for c in profile["columns"] if c["name"] != "score"]
    draft = plan_defaults(profile)
    assert draft["decision"]["column"] == "human_decision" and draft["references"] is None


def test_a_joined_table_has_one_label_and_one_score() -> None:
    draft = plan_defaults(
        with_columns(
            column("outcome", {"0": 500, "1": 500}, guess="label"),
            column("risk", {"0.1": 1, "0.2": 2}, type="number", kind="numeric", guess="score"),
        )
    )
    found = list(draft["roles"].values())
    assert (found.count("label"), found.count("score")) == (1, 1)
    assert draft["label"]["column"] == "hired" and draft["score"]["column"] == "score"


def test_a_list_is_known_by_its_name() -> None:
    assert further.query([column("query_id", {"1": 1, "2": 2})]) == "query_id"
    assert further.query([column("income", {"1": 1, "2": 2})]) is None
