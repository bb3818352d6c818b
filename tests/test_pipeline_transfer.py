"""Models and thresholds moved between sites."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from auditapp import result
from auditapp.datasets.inspect import ReadOptions, inspect
from auditapp.headless import Options, plan_of
from auditapp.pipeline.execute import document_of
from auditapp.pipeline.progress import Progress
from auditapp.reports import transfer_parts
from auditapp.reports.facts import Facts
from metrics.audit import Policy, measure
from metrics.groups import Attribute
from metrics.transfer import moved

SKIP = ("subgroups", "pid", "bounds", "shift", "levels", "change", "numerics")


def people(n: int = 3000, seed: int = 0) -> pd.DataFrame:
    """Three sites; in the third, schooling works the other way round and women have less."""
    rng = np.random.default_rng(seed)
    site = rng.choice(["north", "south", "east"], n, p=[0.4, 0.3, 0.3])
    sex = rng.integers(0, 2, n)
    school = rng.normal(0, 1, n) - 0.8 * sex * (site == "east")
    sign = np.where(site == "east", -1.0, 1.0)
    income = rng.random(n) < 1 / (1 + np.exp(-1.5 * sign * school))
    return pd.DataFrame(
        {
            "site": site,
            "sex": np.where(sex == 1, "women", "men"),
            "school": school.round(3),
            "score": (1 / (1 + np.exp(-school))).round(4),
            "rich": np.where(income, "yes", "no"),
            "w": rng.integers(1, 9, n),
        }
    )


def run(place: Path, table: pd.DataFrame, **changes: Any) -> dict[str, Any]:
    place.mkdir(exist_ok=True)
    table.to_csv(place / "t.csv", index=False)
    profile = inspect(place / "t.csv", "t.csv", place / "table", ReadOptions(), lambda *_, **__: 0)
    (place / "out").mkdir(exist_ok=True)
    given: dict[str, Any] = {"train": "logistic", "features": ["school"], **changes}
    options = Options(
        data=place / "t.csv", out=place / "r.json", label="rich", favourable=["yes"],
        sensitive=["sex"], site="site", skip=SKIP, **given,
    )  # fmt: skip
    plan = plan_of(options, profile, None)
    job = {"plan": plan.to_json(), "table_dir": str(place / "table"), "out": str(place / "out")}
    return result.plain(document_of(plan, job, Progress(None)))


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run(tmp_path_factory.mktemp("transfer"), people())


def cell(document: dict[str, Any], source: str, target: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        c for c in document["transfer"]["cells"] if (c["source"], c["target"]) == (source, target)
    )
    return found


def test_a_model_fails_where_its_rule_does_not_hold(document: dict[str, Any]) -> None:
    assert len(document["transfer"]["cells"]) == 9
    home, away = cell(document, "north", "north"), cell(document, "north", "east")
    assert home["accuracy"]["value"] > 0.7
    assert away["accuracy"]["value"] < 0.3
    assert cell(document, "south", "north")["accuracy"]["value"] > 0.7


def test_thresholds_of_home_leave_a_gap_abroad(document: dict[str, Any]) -> None:
    home = cell(document, "north", "north")["moved"]["gaps"][0]
    away = cell(document, "north", "east")["moved"]["gaps"][0]
    assert home["low"] < 0 < home["high"]
    assert away["high"] < 0  # women's lower schooling is met nowhere else


def test_nobody_is_tested_who_trained_or_set_a_threshold(document: dict[str, Any]) -> None:
    for item in document["transfer"]["sites"]:
        whole = int((people()["site"] == item["site"]).sum())
        assert item["train"] + item["tested"] < whole


def test_sites_are_told_apart_where_their_people_differ(document: dict[str, Any]) -> None:
    told = {frozenset(item["sites"]): item for item in document["transfer"]["told"]}
    assert told[frozenset(("north", "east"))]["low"] > 0.5
    alike = told[frozenset(("north", "south"))]
    assert alike["low"] < 0.5 < alike["high"]


def test_the_same_seed_gives_the_same_study(tmp_path: Path, document: dict[str, Any]) -> None:
    assert run(tmp_path, people())["transfer"] == document["transfer"]


def test_a_given_score_is_one_source_whose_thresholds_move(tmp_path: Path) -> None:
    found = run(tmp_path, people(), train=None, features=None, score="score")["transfer"]
    assert found["trained"] is False and found["reason"] is None
    assert {c["n"] for c in found["cells"]}
    same = [c["accuracy"] for c in found["cells"] if c["target"] == "east"]
    assert same[0] == same[1] == same[2]


def test_weights_are_used_and_too_few_people_are_a_reason(tmp_path: Path) -> None:
    weighted = run(tmp_path / "a", people(2100), weight="w")["transfer"]["cells"][0]
    plain = run(tmp_path / "b", people(2100))["transfer"]["cells"][0]
    assert weighted["accuracy"]["value"] != plain["accuracy"]["value"]
    few = run(tmp_path / "c", people(240))
    assert few["transfer"]["reason"] == "one-site"
    part = transfer_parts.part(Facts({**few, "run": {}, "environment": {}, "timings": {}}))
    assert part is not None and "fewer than two" in repr(part)


def test_a_cell_holds_what_an_audit_of_its_rows_would() -> None:
    rng = np.random.default_rng(1)
    group = rng.integers(0, 3, 900).astype(np.int32)
    label, decision = rng.integers(0, 2, 900), rng.integers(0, 2, 900)
    attribute = Attribute("g", ("a", "b", "c"), group, 0)
    policy = Policy(draws=0, intersections=1)
    found = moved(attribute, label=label, decision=decision, policy=policy)
    whole = measure([attribute], label=label, decision=decision, policy=policy)
    accuracy = next(e for e in whole["estimates"] if e["metric"] == "accuracy" and not e["group"])
    assert found["accuracy"]["value"] == accuracy["value"]
    for gap in found["gaps"]:
        same = next(
            g
            for g in whole["gaps"]
            if g["kind"] == "difference"
            and g["metric"] == "selection-rate"
            and g["group"] == {"g": gap["group"]}
            and g["comparator"] != "rest"
        )
        assert gap["value"] == pytest.approx(same["value"])


def test_the_report_draws_the_moves(document: dict[str, Any]) -> None:
    facts = Facts({**document, "run": {}, "environment": {}, "timings": {}})
    part = transfer_parts.part(facts)
    assert part is not None
    text = repr(part)
    assert "Thresholds were set at each site to leave no gap" in text
    kinds = [b.chart["kind"] for b in part.blocks if getattr(b, "chart", None)]
    assert kinds == ["intersection-grid"] * 3
