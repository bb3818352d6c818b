"""Two years of one survey: the later as an audit after the earlier, and both as sites."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from auditapp import result
from auditapp.datasets.inspect import ReadOptions, inspect
from auditapp.datasets.simulated import acs_like
from auditapp.headless import Options, plan_of
from auditapp.pipeline.execute import document_of
from auditapp.pipeline.progress import Progress
from auditapp.reports.facts import Facts
from auditapp.reports.sections import glossary, stability
from tests.test_report_stability import words

SKIP = ("subgroups", "pid", "bounds", "levels", "numerics", "transfer")


def run(place: Path, table: pd.DataFrame, name: str, **changes: Any) -> dict[str, Any]:
    data = place / f"{name}.csv"
    table.to_csv(data, index=False)
    read = ReadOptions(missing=("N",))
    profile = inspect(data, data.name, place / name, read, lambda *_, **__: None)
    previous = changes.pop("previous", None)
    given: dict[str, Any] = {"sensitive": ["SEX"], "weight": "PWGTP", **changes}
    skip = SKIP if "site" in given else (*SKIP, "shift")
    options = Options(data=data, out=place / f"{name}.json", skip=skip, **given)
    plan = plan_of(options, profile, None)
    job = {
        "plan": plan.to_json(), "table_dir": str(place / name), "out": str(place / f"{name}-out"),
        "previous": None if previous is None else str(previous),
    }  # fmt: skip
    document = result.plain(document_of(plan, job, Progress(None)))
    result.write(document, options.out)
    return dict(document)


def year(seed: int, *, raised: float = 0.0) -> pd.DataFrame:
    """One simulated year; `raised` moves every score, so that more people are chosen."""
    table = acs_like(3000, seed=seed).drop(columns=["OCCP"])
    table["score"] = (table["score"] + raised).clip(0, 1)
    table["PWGTP"] = [1 + (7 * i) % 40 for i in range(len(table))]
    table["CLASS"] = ["N" if i % 3 else str(i % 9) for i in range(len(table))]
    return table


def drifts(document: dict[str, Any]) -> dict[str, bool | None]:
    return {test["what"]: test["drift"] for test in document["change"]["drift"]["tests"]}


def test_a_year_with_more_favourable_decisions_has_drifted_and_the_report_says_so(
    tmp_path: Path,
) -> None:
    given: dict[str, Any] = {"label": "INCOME_ABOVE_50K", "score": "score"}
    run(tmp_path, year(1), "first", **given)
    second = run(
        tmp_path, year(2, raised=0.15), "second", previous=tmp_path / "first.json", **given
    )
    assert second["change"]["undefined"] is None
    assert drifts(second) == {
        "group-shares": False, "label-rate": False, "selection-rate": True
    }  # fmt: skip
    facts = Facts(second)
    made = stability.section(facts)
    assert made is not None
    text = words(made)
    assert "Drift of people" in text and "count every row once" in text
    told = words(glossary.section(facts))
    for term in ("Survey weight", "Replicate weights", "Design effect", "Effective rows"):
        assert term in told


@pytest.mark.shared_data
def test_massachusetts_is_compared_from_year_to_year(shared_data: Path, tmp_path: Path) -> None:
    place = shared_data / "acs-excerpts-ma-2018-2019"
    years = {y: pd.read_csv(place / f"ma{y}.csv", dtype=str, na_filter=False)
             for y in ("2018", "2019")}  # fmt: skip
    given: dict[str, Any] = {
        "label": "PINCP_DECILE", "favourable": ["7", "8", "9"], "train": "logistic",
        "features": ["AGEP", "EDU", "MSP", "HOUSING_TYPE", "OWN_RENT"],
    }  # fmt: skip
    run(tmp_path, years["2018"], "y2018", **given)
    later = run(tmp_path, years["2019"], "y2019", previous=tmp_path / "y2018.json", **given)
    assert drifts(later) == {
        "group-shares": False, "label-rate": False, "selection-rate": False
    }  # fmt: skip
    tested = {t["what"]: t for t in later["change"]["drift"]["tests"]}
    # N marks the young, who have no income: blank, not a value of the label.
    assert tested["label-rate"]["after"]["denominator"] < later["rows"]["used"]
    gaps = later["change"]["gaps"]
    assert [g["changed"] for g in gaps] == [False]
    assert gaps[0]["before"]["value"] is not None and gaps[0]["after"]["value"] is not None
    both = pd.concat([t.assign(YEAR=y) for y, t in years.items()])
    together = run(tmp_path, both, "both", site="YEAR", **given)
    sites = together["shift"]["sites"]
    assert [s["site"] for s in sites["sites"]] == ["2018", "2019"]
    found = sites["comparisons"][0]
    assert found["compared"] == 2 and found["differing"] == 0
    assert found["homogeneity"]["p_adjusted"] > 0.05
