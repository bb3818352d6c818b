"""An audit that fine-tunes: arms on unseen rows, files of the rule, and the rule applied."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from auditapp.datasets import split
from auditapp.datasets.simulated import acs_like
from auditapp.result import read
from auditapp.views.rules import NAME
from mitigations.fairtune import checkpoint

SETTINGS = (
    "trials=6,baseline_trials=1,top=1,again=1,final=2,epochs=2,width=8,depth=1,source_epochs=1,"
    "scratch=no"
)
SKIP = "subgroups,pid,bounds,shift,levels"


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An audit of one state that starts from another."""
    place = tmp_path_factory.mktemp("tuned")
    table = acs_like(3000, seed=3).drop(columns="score")
    table["ST"] = np.where(np.arange(len(table)) % 2, "A", "B")
    parts = split.seeded(len(table), seed=1)
    table["part"] = np.array(["train", "valid", "audit"])[parts]
    table.to_csv(place / "t.csv", index=False)
    run(place, "r.json", "--rules", str(place / "rules"))
    return place


def run(place: Path, out: str, *more: str) -> None:
    call_command(
        "audit", str(place / "t.csv"), "--label", "INCOME_ABOVE_50K", "--sensitive", "SEX",
        "--train", "logistic", "--split", "part", "--skip", SKIP, "--source", "ST=A",
        "--draws", "100", "--method", f"fairtune:{SETTINGS}", "--out", str(place / out), *more,
        verbosity=0,
    )  # fmt: skip


def method(place: Path, name: str = "r.json") -> dict[str, Any]:
    found: dict[str, Any] = read(place / name)["methods"][0]
    assert found["status"] == "ok", found["error"]
    return found


def rows(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    table = found["tables"][name]
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def test_arms_are_compared_on_rows_nobody_learnt_from(audited: Path) -> None:
    found = method(audited)
    for name in ("arms", "gain", "groups"):
        assert found["tables"][name]["split"] == "audit"
    arms = {row["arm"]: row for row in rows(found, "arms")}
    assert sum(row["best_baseline"] for row in arms.values()) == 1
    (gain,) = rows(found, "gain")
    best = arms[gain["baseline"]]
    assert best["best_baseline"] and best["mean_on_validation_rows"] == max(
        row["mean_on_validation_rows"] for name, row in arms.items() if name != "Searched parts"
    )
    assert gain["diff"] == pytest.approx(arms["Searched parts"]["mean"] - best["mean"])
    assert gain["evidence"] == (not gain["low"] <= 0 <= gain["high"])
    for row in rows(found, "groups"):
        assert row["low"] <= row["auc"] <= row["high"] and 0.5 < row["auc_before"] < 1
    assert found["compute"]["precision"] in ("float32", "bfloat16")
    assert not any(word in json.dumps(found) for word in ("seconds", "/tmp"))


@pytest.mark.slow
def test_the_same_audit_again_has_the_same_hash(audited: Path) -> None:
    run(audited, "again.json")
    one, two = method(audited), method(audited, "again.json")
    assert one == two


def test_a_rule_with_weights_is_applied_as_it_was_measured(audited: Path) -> None:
    with (audited / "t.csv").open(encoding="utf-8") as file:
        people = list(csv.DictReader(file))
    for point in method(audited)["points"][:1]:
        name = Path(point["rule"]["file"]).name
        out = audited / "d.csv"
        call_command("apply", str(audited / "rules" / name), str(audited / "t.csv"), "--out",
                     str(out), verbosity=0)  # fmt: skip
        with out.open(encoding="utf-8") as file:
            made = list(csv.DictReader(file))
        chosen = sum(
            row["decision"] == "favourable"
            for row, person in zip(made, people, strict=True)
            if person["part"] == "audit" and person["ST"] == "B"
        )
        wanted = next(
            r for r in point["rates"] if r["metric"] == "selection-rate" and r["group"] is None
        )
        assert chosen == wanted["numerator"], point["id"]


def test_weights_that_are_missing_or_others_are_refused(audited: Path, tmp_path: Path) -> None:
    rules = audited / "rules"
    shutil.copy(rules / "fairtune--searched.json", tmp_path / "rule.json")

    def apply() -> None:
        call_command("apply", str(tmp_path / "rule.json"), str(audited / "t.csv"), "--out",
                     str(tmp_path / "d.csv"), verbosity=0)  # fmt: skip

    with pytest.raises(CommandError, match="are not beside it"):
        apply()
    shutil.copy(rules / "fairtune--zero-shot.safetensors", tmp_path / "rule.safetensors")
    with pytest.raises(CommandError, match="cannot be read"):
        apply()
    assert not (tmp_path / "d.csv").exists()


def test_every_file_of_a_rule_can_be_downloaded_and_read(audited: Path) -> None:
    rule = method(audited)["points"][0]["rule"]
    files = [rule["file"], rule["onnx"], rule["weights"], *rule["more"]]
    assert len(files) == 5
    for file in files:
        assert (audited / file).is_file() and NAME.fullmatch(Path(file).name)
    whole = checkpoint.read(audited / rule["weights"])
    assert whole.arch == "residual-mlp" and "ST" not in str(whole.config["columns"])
