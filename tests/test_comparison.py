"""Two audits compared: who is paired with whom, what is refused, what the report says."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from auditapp.comparison import refusals
from auditapp.comparison.build import make, write
from auditapp.comparison.document import compare
from auditapp.comparison.facts import Facts
from auditapp.comparison.match import SAME_FILE, SAME_ID, SAME_ORDER, match
from auditapp.comparison.sections import sections
from auditapp.errors import AuditError
from auditapp.pipeline import kept
from auditapp.reports.blocks import plain, walk
from auditapp.result import read, result_hash
from tests.chart_samples import HOSTILE
from tests.comparison_audits import audit, people

N = 4000
GAP = {"RAC1P": "Black"}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Audits of one table by two scores, of other people, and of the table in other files."""
    base = tmp_path_factory.mktemp("audits")
    table = people(N, 1, planted=0.12)
    shuffled = table.sample(frac=1, random_state=3)[: N - 500]
    return {
        "a": audit(table, base / "a"),
        "b": audit(table, base / "b", score="score_b"),
        "month": audit(people(N, 2), base / "month"),
        "by id": audit(shuffled, base / "ids", score="score_b"),
        "by order": audit(
            table.drop(columns="person"), base / "order", score="score_b", options={"unit": None}
        ),
        "no label": audit(table, base / "plain", score="score_b", options={"label": None}),
    }


def loaded(folder: Path) -> tuple[dict[str, Any], kept.Kept | None]:
    return read(folder / "result.json"), kept.read(folder)


def compared(done: dict[str, Path], one: str, other: str, **more: Any) -> dict[str, Any]:
    (first, a), (second, b) = loaded(done[one]), loaded(done[other])
    return compare(first, second, a, b, **more)


def change(document: dict[str, Any], kind: str, metric: str, group: dict[str, str]) -> Any:
    return next(
        row
        for row in document["changes"]
        if (row["kind"], row["metric"], row["group"]) == (kind, metric, group)
    )


def test_the_same_file_is_paired_row_by_row_and_the_planted_change_is_found(
    done: dict[str, Path],
) -> None:
    document = compared(done, "a", "b")
    assert (document["mode"], document["basis"]) == ("paired", SAME_FILE)
    assert document["rows"]["both"] == N
    top = next(row for row in document["changes"] if row["id"] == document["verdicts"][0])
    assert (top["kind"], top["group"], top["verdict"]) == ("gap", GAP, "difference")
    assert top["low"] < -0.12 + 0.03 < top["high"] + 0.06
    # The gaps of either side are those of the audits themselves.
    for side, name in (("first", "a"), ("second", "b")):
        own = next(
            gap for gap in loaded(done[name])[0]["gaps"]
            if gap["metric"] == "selection-rate" and gap["group"] == GAP
            and gap["kind"] == "difference"
        )  # fmt: skip
        assert top[side]["value"] == pytest.approx(own["value"])
        assert top[side]["numerator"] == own["numerator"]


def test_other_people_are_two_samples_with_drift_and_intersections_left_out(
    done: dict[str, Path],
) -> None:
    document = compared(done, "a", "month")
    assert (document["mode"], document["basis"]) == ("independent", None)
    assert document["moved"] is None
    assert {test["what"] for test in document["drift"]["tests"]} == {
        "group-shares", "label-rate", "selection-rate",
    }  # fmt: skip
    assert {len(row["by"]) for row in document["changes"]} == {0, 1}
    everyone = change(document, "rate", "selection-rate", {})
    assert everyone["first"]["denominator"] == everyone["second"]["denominator"] == N


def test_two_samples_need_no_kept_rows(done: dict[str, Path]) -> None:
    first, second = loaded(done["a"])[0], loaded(done["month"])[0]
    assert compare(first, second)["changes"] == compared(done, "a", "month")["changes"]


def test_files_with_the_same_ids_are_paired_whatever_their_order(done: dict[str, Path]) -> None:
    document = compared(done, "a", "by id")
    assert document["basis"] == SAME_ID
    assert document["rows"]["both"] == N - 500
    assert document["rows"]["first_only"] == 500
    whole = compared(done, "a", "b")
    mine, all_ = (change(d, "gap", "selection-rate", GAP)["value"] for d in (document, whole))
    assert mine == pytest.approx(all_, abs=0.02)


def test_files_in_the_same_order_with_the_same_outcomes_are_paired(done: dict[str, Path]) -> None:
    document = compared(done, "a", "by order")
    assert document["basis"] == SAME_ORDER
    same = compared(done, "a", "b")
    assert document["changes"] == same["changes"]


def test_people_in_another_order_without_ids_are_not_taken_for_the_same(
    done: dict[str, Path], tmp_path: Path
) -> None:
    table = people(N, 1, planted=0.12).drop(columns="person").sample(frac=1, random_state=9)
    other = kept.read(audit(table, tmp_path, score="score_b", options={"unit": None}))
    mine = kept.read(done["a"])
    assert mine is not None
    assert other is not None
    assert match(mine, other) is None


def test_hashes_of_another_key_do_not_match(done: dict[str, Path]) -> None:
    mine, other = kept.read(done["a"]), kept.read(done["by id"])
    assert mine is not None
    assert other is not None
    assert match(mine, replace(other, key_name="another")) is None


def test_no_id_and_no_value_of_the_table_is_kept(done: dict[str, Path]) -> None:
    raw = (done["a"] / "rows.npz").read_bytes() + (done["a"] / "rows.json").read_bytes()
    assert b"P1-0" not in raw
    words = json.loads((done["a"] / "rows.json").read_text())
    assert set(words) == {"schema", "sha256", "rows", "attributes", "key"}
    with np.load(done["a"] / "rows.npz") as columns:
        assert set(columns.files) == {"used", "decision", "label", "key", "codes-0", "codes-1"}


def test_only_who_was_chosen_is_compared_without_a_common_outcome(done: dict[str, Path]) -> None:
    document = compared(done, "a", "no label")
    assert document["rules"]["metrics"] == ["selection-rate"]
    assert {row["metric"] for row in document["changes"]} == {"selection-rate"}


def test_rows_left_out_by_a_split_are_counted(done: dict[str, Path]) -> None:
    first, a = loaded(done["a"])
    second, b = loaded(done["b"])
    assert b is not None
    fewer = replace(
        b, row=b.row[1000:], decision=b.decision[1000:],
        label=None if b.label is None else b.label[1000:],
        key=None if b.key is None else b.key[1000:],
        attributes=tuple(replace(x, codes=x.codes[1000:]) for x in b.attributes),
    )  # fmt: skip
    rows = compare(first, second, a, fewer)["rows"]
    assert (rows["both"], rows["first_only"], rows["second_only"]) == (N - 1000, 1000, 0)


def test_corrected_groups_and_outcomes_count_as_unknown_and_are_said(
    done: dict[str, Path],
) -> None:
    first, a = loaded(done["a"])
    second, b = loaded(done["b"])
    assert b is not None
    assert b.label is not None
    label = b.label.copy()
    label[:7] = 1 - label[:7]
    sex = b.attributes[1]
    codes = sex.codes.copy()
    codes[:11] = 1 - codes[:11]
    other = replace(b, label=label, attributes=(b.attributes[0], replace(sex, codes=codes)))
    document = compare(first, second, a, other)
    assert document["rows"]["relabelled"] == 7
    assert document["rows"]["regrouped"] == {"SEX": 11}
    assert change(document, "rate", "tpr", {})["first"]["denominator"] < N
    worse = replace(other, attributes=(b.attributes[0], replace(sex, codes=1 - sex.codes)))
    document = compare(first, second, a, worse)
    assert {"by": "SEX", "reason": "other-people"} in document["left_out"]


def changed(document: dict[str, Any], **plan: Any) -> dict[str, Any]:
    return {**document, "plan": {**document["plan"], **plan}}


def refused(*given: Any, **more: Any) -> AuditError:
    with pytest.raises(AuditError) as caught:
        compare(*given, **more)
    return caught.value


def test_audits_that_ask_different_things_are_refused_with_the_reason(
    done: dict[str, Path],
) -> None:
    first, second = loaded(done["a"])[0], loaded(done["month"])[0]
    cases = {
        "same-result": (first, first),
        "not-a-result": (first, {"schema": "evenhand/comparison/1"}),
        "not-binary": (first, changed(second, outcome="regression")),
        "weighted": (first, changed(second, weights={"column": "w"})),
        "other-goal": (first, changed(second, goal="tpr")),
        "other-outcome": (
            changed(first, goal="tpr"),
            changed(second, goal="tpr", label={"column": "x", "favourable": ["9"]}),
        ),
        "other-attributes": (
            first,
            changed(second, attributes=[{**first["plan"]["attributes"][0], "column": "AGEP"}]),
        ),
    }
    for code, pair in cases.items():
        error = refused(*pair)
        assert error.code == code
        assert error.message.endswith(".")


def test_the_same_people_are_never_taken_for_two_samples_by_default(
    done: dict[str, Path],
) -> None:
    first, a = loaded(done["a"])
    second, _ = loaded(done["b"])
    error = refused(first, second, a, None)
    assert error.code == "rows-not-kept"
    assert "B (“Income model, score_b”)" in error.message
    month, rows = loaded(done["month"])
    assert refused(first, month, a, rows, mode="paired").code == "not-the-same-people"
    assert refused(first, second, rows, None).code == "other-rows"
    assert compare(first, second, mode="independent")["mode"] == "independent"


def test_bins_of_another_cut_are_left_out_and_named(done: dict[str, Path]) -> None:
    first, second = loaded(done["a"])[0], loaded(done["month"])[0]
    specs = [dict(spec) for spec in second["plan"]["attributes"]]
    specs[0]["cuts"] = [1.0]
    found, left_out = refusals.common(first, changed(second, attributes=specs))
    assert found == ["SEX"]
    assert left_out == [{"by": "RAC1P", "reason": "other-groups"}]


@pytest.mark.parametrize("damage", ["text", "short", "codes", "words"])
def test_damaged_rows_are_refused(done: dict[str, Path], tmp_path: Path, damage: str) -> None:
    for name in ("rows.npz", "rows.json"):
        (tmp_path / name).write_bytes((done["a"] / name).read_bytes())
    if damage == "text":
        (tmp_path / "rows.npz").write_text("no archive")
    elif damage == "words":
        (tmp_path / "rows.json").write_text("{}")
    else:
        with np.load(done["a"] / "rows.npz") as found:
            columns = dict(found)
        columns["codes-0"] = columns["codes-0"] + (99 if damage == "codes" else 0)
        columns["decision"] = columns["decision"][: -1 if damage == "short" else None]
        np.savez(tmp_path / "rows.npz", **columns)
    with pytest.raises(AuditError) as caught:
        kept.read(tmp_path)
    assert caught.value.code == "unreadable-rows"


def test_the_hash_is_that_of_the_numbers_and_not_of_the_moment(
    done: dict[str, Path], tmp_path: Path
) -> None:
    made = []
    for day in ("2026-11-01", "2026-12-01"):
        job = {
            side: {"result": str(done[name] / "result.json"), "rows": str(done[name])}
            for side, name in (("first", "a"), ("second", "b"))
        }
        run = {"id": "EC-2026-0001", "date": f"{day}T00:00:00+00:00"}
        made.append(make({**job, "out": str(tmp_path / day), "run": run, "report": False}))
    assert made[0]["hash"] == made[1]["hash"]
    document = read(tmp_path / "2026-11-01" / "result.json")
    assert result_hash(document) == made[0]["hash"]


@pytest.fixture(scope="module")
def reports(done: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = {}
    for name, other in (("paired", "b"), ("apart", "month")):
        out[name] = tmp_path_factory.mktemp("reports") / name
        job = {
            side: {"result": str(done[key] / "result.json"), "rows": str(done[key])}
            for side, key in (("first", "a"), ("second", other))
        }
        run = {"id": "EC-2026-0001", "date": "2026-11-23T15:00:00+00:00"}
        make({**job, "out": str(out[name]), "run": run})
    return out


def words_of(facts: Facts) -> str:
    from auditapp.reports import blocks

    return json.dumps([blocks.to_json(section) for section in sections(facts)], ensure_ascii=False)


def test_the_report_opens_with_the_planted_change(reports: dict[str, Path]) -> None:
    report = json.loads((reports["paired"] / "report.json").read_text())
    answer = next(s for s in report["sections"] if s["slug"] == "answer")
    headline = answer["blocks"][0]
    assert headline["verdict"] == "difference"
    text = "".join(run["t"] for run in headline["text"])
    assert text.startswith("Under B the gap in selection rate between Black people and White")
    assert "points wider" in text
    slugs = [s["slug"] for s in report["sections"]]
    assert slugs == [
        "cover", "answer", "examined", "gaps", "moved", "intersections", "limits",
        "glossary", "reproducibility",
    ]  # fmt: skip
    report = json.loads((reports["apart"] / "report.json").read_text())
    slugs = [s["slug"] for s in report["sections"]]
    assert "drift" in slugs
    assert "moved" not in slugs


def test_the_pdf_is_made_twice_alike_and_holds_its_numbers(
    reports: dict[str, Path], tmp_path: Path
) -> None:
    document = read(reports["paired"] / "result.json")
    write(document, tmp_path)
    pdf = (tmp_path / "report.pdf").read_bytes()
    assert pdf == (reports["paired"] / "report.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-1.7")
    assert b"result.json" in pdf


def test_every_figure_has_words_and_a_table(reports: dict[str, Path]) -> None:
    for folder in reports.values():
        facts = Facts(read(folder / "result.json"))
        figures = [
            block for s in sections(facts) for block in walk(s.blocks) if block.kind == "figure"
        ]
        assert figures
        for figure in figures:
            assert 20 <= len(figure.alt) <= 250  # type: ignore[attr-defined]
            assert figure.table.rows  # type: ignore[attr-defined]


def test_the_words_never_grade(reports: dict[str, Path]) -> None:
    for folder in reports.values():
        text = words_of(Facts(read(folder / "result.json"))).lower()
        for word in (" fair ", " pass", "safe", "compliant", "bias-free", "score card", "!",
                     "please", "nan", "none points"):  # fmt: skip
            assert word not in text.replace("null", ""), word


def test_the_table_has_every_number_of_the_document(reports: dict[str, Path]) -> None:
    document = read(reports["paired"] / "result.json")
    text = (reports["paired"] / "tables.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert sum(row["table"] == "gaps" for row in rows) == sum(
        row["kind"] == "gap" for row in document["changes"]
    )
    mine = change(document, "gap", "selection-rate", GAP)
    row = next(
        r
        for r in rows
        if (r["table"], r["metric"], r["group"]) == ("gaps", "selection-rate", "Black")
    )
    assert float(row["change"]) == mine["value"]
    assert float(row["low"]) == mine["low"]
    assert int(row["numerator_b"]) == mine["second"]["numerator"]
    moved = [r for r in rows if r["table"] == "moved"]
    assert int(moved[0]["to_no"]) == document["moved"][0]["to_no"]


def test_verdicts_of_a_document_without_any_test_are_words_too(done: dict[str, Path]) -> None:
    document = compared(done, "a", "month")
    for row in document["changes"]:
        row |= {"p": None, "low": None, "high": None, "verdict": "not-enough-data",
                "reason": "below-floor", "size_class": None}  # fmt: skip
    facts = Facts(document)
    assert facts.verdict == "not-enough-data"
    assert "no gap could be compared" in words_of(facts)


def test_no_difference_at_all_is_said_with_what_is_ruled_out(done: dict[str, Path]) -> None:
    first, a = loaded(done["a"])
    second, b = loaded(done["b"])
    assert a is not None
    assert b is not None
    document = compare(first, second, a, replace(b, decision=a.decision))
    facts = Facts(document)
    assert not facts.found
    text = plain(next(iter(sections(facts)[1].blocks)).text)  # type: ignore[attr-defined]
    assert "points or more" in text


def test_hostile_names_are_text(done: dict[str, Path], tmp_path: Path) -> None:
    table = people(2500, 4)
    names = {"1": HOSTILE[0], "2": HOSTILE[7]}
    table["group"] = [names.get(str(v), HOSTILE[4][:60]) for v in table["RAC1P"]]
    made = [
        audit(table, tmp_path / score, score=score, options={"sensitive": ["group", "SEX"]})
        for score in ("score", "score_b")
    ]
    job = {
        side: {"result": str(folder / "result.json"), "rows": str(folder)}
        for side, folder in zip(("first", "second"), made, strict=True)
    }
    make({**job, "out": str(tmp_path / "out"), "run": {"title": HOSTILE[0]}})
    text = (tmp_path / "out" / "tables.csv").read_text(encoding="utf-8-sig")
    assert "alert(1)" in text
    assert (tmp_path / "out" / "report.pdf").stat().st_size > 50_000


def test_the_command_pairs_what_audits_kept(done: dict[str, Path], tmp_path: Path) -> None:
    out = io.StringIO()
    call_command(
        "compare", str(done["a"]), str(done["b"]), "--out", str(tmp_path / "c.json"), "--csv",
        str(tmp_path / "c.csv"), stdout=out,
    )  # fmt: skip
    assert f"{N:,} people paired. Primary gaps that differ: " in out.getvalue()
    assert read(tmp_path / "c.json")["mode"] == "paired"
    with pytest.raises(SystemExit) as ended:
        call_command(
            "compare", str(done["a"]), str(done["b"]), "--out", str(tmp_path / "d.json"),
            "--fail-on-change", stdout=out,
        )  # fmt: skip
    assert ended.value.code == 3
    with pytest.raises(CommandError) as caught:
        call_command(
            "compare", str(done["a"] / "result.json"), str(done["b"]), "--out",
            str(tmp_path / "e.json"),
        )  # fmt: skip
    assert caught.value.returncode == 2
    assert "kept row by row" in str(caught.value)
    assert not (tmp_path / "e.json").exists()


def test_the_audit_command_keeps_what_the_comparison_needs(tmp_path: Path) -> None:
    people(1500, 6).to_csv(tmp_path / "t.csv", index=False)
    for score in ("score", "score_b"):
        call_command(
            "audit", str(tmp_path / "t.csv"), "--score", score, "--label", "INCOME_ABOVE_50K",
            "--sensitive", "SEX", "--skip", "subgroups,pid,bounds,strata,levels,numerics",
            "--out", str(tmp_path / f"{score}.json"), "--keep", str(tmp_path / score),
            verbosity=0,
        )  # fmt: skip
        assert {path.name for path in (tmp_path / score).iterdir()} == {
            "result.json", "rows.npz", "rows.json",
        }  # fmt: skip
    first, second = loaded(tmp_path / "score"), loaded(tmp_path / "score_b")
    assert compare(first[0], second[0], first[1], second[1])["basis"] == SAME_FILE


def test_frames_of_the_fixture_differ_in_the_second_score_only() -> None:
    one, other = people(300, 1), people(300, 1, planted=0.5)
    pd.testing.assert_frame_equal(one.drop(columns="score_b"), other.drop(columns="score_b"))
    assert (one["score_b"] != other["score_b"]).any()
