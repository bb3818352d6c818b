"""What a report says of survey weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from auditapp.reports import survey_tables
from auditapp.reports.facts import Facts
from auditapp.reports.sections import sections
from tests.test_pipeline_weights import run, survey


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place: Path = tmp_path_factory.mktemp("survey")
    found = run(place, survey(1500), replicate_weights="PWGTP", unit="SERIALNO")
    return {**found, "run": {}, "environment": {}, "timings": {}}


def words(block: Any) -> str:
    return repr(block)


def test_the_data_section_says_whom_rows_stand_for(document: dict[str, Any]) -> None:
    data = next(s for s in sections(Facts(document)) if s.slug == "data")
    text = words(data)
    assert "Whom the rows stand for, by sex" in text
    assert "Variances from 80 replicate weights" in text
    assert "every row counts once." not in text


def test_both_intervals_stand_side_by_side(document: dict[str, Any]) -> None:
    facts = Facts(document)
    table = survey_tables.intervals(facts, facts.singles[0], "selection-rate")
    assert table is not None
    assert [column.text for column in table.columns][1:] == [
        "Every row once",
        "Weighted",
        "95%, design ignored",
        "95%, with the design",
        "95%, replicates and t",
    ]
    assert len(table.rows) == 2
    assert "Mean design effect" in table.foot[0]


def test_the_overall_line_is_that_of_rao_and_scott(document: dict[str, Any]) -> None:
    groups = next(s for s in sections(Facts(document)) if s.slug == "groups")
    assert "Rao-Scott F" in words(groups)
    assert "chi-square" not in words(groups)
    methods = next(s for s in sections(Facts(document)) if s.slug == "reproducibility")
    assert "Survey weights: rates from sums of weights" in words(methods)


def test_drawn_households_are_called_approximate(tmp_path: Path) -> None:
    found = run(tmp_path, survey(900, 0), unit="SERIALNO")
    facts = Facts({**found, "run": {}, "environment": {}, "timings": {}})
    assert "households were drawn anew 500 times" in survey_tables.how(facts)
    assert "approximate" in survey_tables.how(facts)
