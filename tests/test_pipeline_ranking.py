"""Audits of ranked lists: who is near the top, from columns of scores and lists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from auditapp.errors import AuditError
from auditapp.pipeline.outcomes.ranking import GOALS_RANKING
from auditapp.plan import Score, goals_for
from tests.number_documents import applicants, ranking, unequal_lists

SCHEMA = Path(__file__).parent.parent / "docs/result.schema.json"


def by_metric(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {g["metric"]: g for g in document["gaps"] if g["by"] == ["sex"]}


def test_a_group_that_stands_lower_is_found() -> None:
    document = unequal_lists()
    found = by_metric(document)
    sign = -1 if found["exposure"]["group"]["sex"] == "Women" else 1
    for metric in ("selection-at-k", "exposure"):
        assert found[metric]["verdict"] == "difference"
        assert np.sign(found[metric]["value"]) == sign
    assert found["ndcg"]["verdict"] is None
    assert document["outcome"]["lists"]["n"] == 60
    assert document["outcome"]["k"] == 5


def test_everybody_reaches_the_top_k_of_n_times() -> None:
    rows = [e for e in unequal_lists()["estimates"] if e["metric"] == "selection-at-k"]
    whole = next(e for e in rows if not e["by"])
    assert whole["value"] == pytest.approx(5 / 20)
    assert sum(e["numerator"] for e in rows if e["by"] == ["sex"]) == 60 * 5


@pytest.mark.parametrize("query", ["job", None])
def test_a_document_follows_the_published_schema(query: str | None) -> None:
    document = ranking(applicants(30, 12), query=query)
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    assert document["outcome"]["lists"]["n"] == (30 if query else 1)


def test_a_risk_that_is_high_puts_nobody_on_top() -> None:
    table = applicants(gap=1.0)
    turned = table.assign(score=-table["score"])
    given = by_metric(ranking(table))["selection-at-k"]["value"]
    other = by_metric(ranking(turned, score=Score("score", favourable=False)))
    assert other["selection-at-k"]["value"] == pytest.approx(given)


def test_rows_without_a_score_or_a_list_are_left_out_by_reason() -> None:
    table = applicants(30)
    table["job"] = table["job"].astype(object)
    table.loc[:9, "score"] = np.nan
    table.loc[5:24, "job"] = None
    rows = ranking(table)["rows"]
    found = {item["code"]: item["n"] for item in rows["left_out"]}
    assert found == {"no-score": 10, "no-list": 15}
    assert rows["used"] == 600 - 25


def test_a_column_of_lists_that_is_blank_is_named() -> None:
    with pytest.raises(AuditError, match="Column “job” is blank in all"):
        ranking(applicants(3).assign(job=None))


def test_without_a_relevance_the_order_is_not_applicable() -> None:
    document = ranking(applicants(30), label=None)
    assert {e["undefined"] for e in document["estimates"] if e["metric"] == "ndcg"} == {
        "no-relevance"
    }
    assert document["rows"]["label_blank"] == 0


def test_a_relevance_below_zero_is_refused() -> None:
    table = applicants(30)
    table["fit"] -= 1
    with pytest.raises(AuditError, match="below 0") as caught:
        ranking(table)
    assert "smallest -1" in caught.value.found


def test_the_goals_of_the_plan_are_those_that_can_be_judged() -> None:
    assert goals_for("ranking") == GOALS_RANKING
