"""A rule handed out by an audit, applied to the same table, decides as it was measured."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from auditapp.datasets import split
from auditapp.datasets.simulated import acs_like
from auditapp.headless import applied
from auditapp.result import read
from mitigations.rules import decide, uniforms

SKIP = "subgroups,pid,bounds,shift,levels"


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An audit of a split column, so that its audit rows are known; two remedies."""
    place = tmp_path_factory.mktemp("audited")
    table = acs_like(6000, seed=3).drop(columns="score")
    parts = split.seeded(len(table), seed=1)
    table["part"] = np.array(["train", "valid", "audit"])[parts]
    table.to_csv(place / "t.csv", index=False)
    options = ["--label", "INCOME_ABOVE_50K", "--sensitive", "SEX,RAC1P", "--train", "boosting"]
    options += ["--split", "part", "--skip", SKIP, "--method", "thresholds:limits=0.02"]
    options += ["--method", "reweighing", "--out", str(place / "r.json")]
    call_command("audit", str(place / "t.csv"), *options, "--rules", str(place / "rules"),
                 verbosity=0)  # fmt: skip
    return place


def decisions(place: Path, rule: str) -> list[dict[str, str]]:
    out = place / "d.csv"
    call_command("apply", str(place / "rules" / rule), str(place / "t.csv"), "--out", str(out),
                 verbosity=0)  # fmt: skip
    with out.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_rule_decides_as_it_was_measured(audited: Path) -> None:
    with (audited / "t.csv").open(encoding="utf-8") as file:
        people = list(csv.DictReader(file))
    document = read(audited / "r.json")
    checked = 0
    for method in document["methods"]:
        assert method["status"] == "ok", method["error"]
        for point in method["points"]:
            made = decisions(audited, Path(point["rule"]["file"]).name)
            chosen = sum(
                row["decision"] == "favourable"
                for row, person in zip(made, people, strict=True)
                if person["part"] == "audit"
            )
            wanted = [
                r for r in point["rates"] if r["metric"] == "selection-rate" and r["group"] is None
            ]
            assert chosen == wanted[0]["numerator"], (method["slug"], point["id"])
            checked += 1
    assert checked >= 3


def test_order_of_rows_and_other_rows_do_not_matter(audited: Path) -> None:
    rule = next(p.name for p in sorted((audited / "rules").glob("thresholds--*.json")))
    made = decisions(audited, rule)
    lines = (audited / "t.csv").read_text(encoding="utf-8").splitlines()
    (audited / "some.csv").write_text("\n".join([lines[0], *lines[:0:-1][:500]]), encoding="utf-8")
    out = audited / "some-out.csv"
    call_command("apply", str(audited / "rules" / rule), str(audited / "some.csv"), "--out",
                 str(out), verbosity=0)  # fmt: skip
    with out.open(encoding="utf-8") as file:
        again = list(csv.DictReader(file))
    before = [row["decision"] for row in made[::-1][:500]]
    assert [row["decision"] for row in again] == before


@pytest.mark.parametrize("text", ["{}", "nonsense", '{"schema": "evenhand/rule/1", "rule": 3}'])
def test_what_is_no_rule_is_refused(audited: Path, text: str) -> None:
    (audited / "bad.json").write_text(text, encoding="utf-8")
    with pytest.raises(CommandError) as caught:
        decisions(audited, "../bad.json")
    assert caught.value.returncode == 2
    assert not (audited / "bad-out.csv").exists()


def test_a_rule_that_somebody_changed_is_refused(audited: Path) -> None:
    path = next(iter(sorted((audited / "rules").glob("reweighing--*.json"))))
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    document["rule"]["intercepts"][0] += 0.125
    (audited / "rules" / "changed.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(CommandError, match=r"somebody changed it|cannot be read"):
        decisions(audited, "changed.json")


def test_onnxruntime_alone_decides_as_the_command_does(audited: Path, tmp_path: Path) -> None:
    rules = sorted((audited / "rules").glob("*.onnx"))
    assert len(rules) >= 3
    table = None
    for graph in rules:
        request = applied.Request(
            graph.with_suffix(".json"), audited / "t.csv", tmp_path / "o.csv"
        )
        document = applied.document_of(request.rule)
        table = applied.table_of(request, tmp_path) if table is None else table
        part, _ = applied.part_of(request, document, table, tmp_path)
        rule = applied.rule_of(document)
        given = {
            "score": part.score,
            "group": part.group.astype(np.int64),
            "x": part.x,
            "u": uniforms(rule.id, part.row_key),
        }
        session = onnxruntime.InferenceSession(graph)
        asked = {item.name: given[item.name] for item in session.get_inputs()}
        made = session.run(["decision"], asked)[0]
        np.testing.assert_array_equal(made, decide(rule, part))
