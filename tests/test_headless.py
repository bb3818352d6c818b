"""The audit command on bad input: what it says, how it ends, and that it leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from auditapp import delivery
from auditapp.errors import AuditError
from auditapp.headless.arguments import names
from auditapp.management.commands.audit import Command
from auditapp.result import read

ROOT = Path(__file__).resolve().parent.parent
SCORED = ("--score", "score", "--label", "label", "--sensitive", "sex")
TRAINED = ("--train", "logistic", "--label", "label", "--features", "age", "--sensitive", "sex")


def columns(n: int = 200) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "sex": rng.choice(["F", "M"], n),
        "age": rng.integers(18, 80, n),
        "score": np.round(rng.random(n), 3),
        "label": rng.integers(0, 2, n),
    }


def text(**changes: Any) -> str:
    table = {**columns(), **changes}
    rows = zip(*table.values(), strict=True)
    return "\n".join([",".join(table), *(",".join(map(str, row)) for row in rows)]) + "\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table; temporary files go to the folder beside it."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "work" / "t.csv").write_text(text(), encoding="utf-8")
    return tmp_path / "work"


def audit(place: Path, *options: str, out: str = "out.json") -> None:
    call_command("audit", str(place / "t.csv"), *options, "--out", str(place / out), verbosity=0)


def refused(place: Path, *options: str, out: str = "out.json") -> str:
    before = {p.name: p.stat().st_mtime_ns for p in place.iterdir()}
    with pytest.raises(CommandError) as caught:
        audit(place, *options, out=out)
    assert caught.value.returncode == 2
    assert {p.name: p.stat().st_mtime_ns for p in place.iterdir()} == before
    assert list((place.parent / "tmp").iterdir()) == []
    return str(caught.value)


BAD_TABLES = {
    "label blank": (text(label=[""] * 200), SCORED, ("“label” is blank in all 200 rows",)),
    "score blank": (text(score=[""] * 200), SCORED, ("“score” is blank in all 200 rows",)),
    "quote left open in the last row": (text() + '"F,30,0.5,1', SCORED, ("quote in row 202",)),
    "a score as decision": (
        "\n".join(["sex,many", *(f"{'FM'[i % 2]},{i / 7}" for i in range(3000))]),
        ("--prediction", "many", "--sensitive", "sex"),
        ("“many” holds numbers with too many different values",),
    ),
    "many label values, none named": (
        text(label=np.arange(200) % 9),
        SCORED,
        ("“label” are favourable is not clear", "--favourable"),
    ),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_a_bad_table_is_refused_by_column_and_count(place: Path, case: str) -> None:
    content, options, says = BAD_TABLES[case]
    (place / "t.csv").write_text(content, encoding="utf-8")
    said = refused(place, *options)
    for words in says:
        assert words in said


BAD_OPTIONS = {
    "encoding without its mark": ((*SCORED, "--encoding", "utf-16"), "is not UTF-16 text"),
    "a number without a label": (
        ("--outcome", "regression", "--score", "score", "--sensitive", "sex", "--goal", "mae"),
        "the goal “mean-prediction”",
    ),
    "endless score range": ((*SCORED, "--score-range", "0,inf"), "score range runs from 0 to inf"),
    "direction of a trained score": ((*TRAINED, "--score-is", "unfavourable"), "--score-is"),
    "label among the features": ((*TRAINED, "--features", "age,label"), "“label” is the label"),
    "nothing to train on": ((*TRAINED, "--split", "0/50/50"), "None of the 200 rows is left to"),
    "nothing to measure": ((*TRAINED, "--split", "100/0/0"), "Change the split"),
    "split column of other words": (
        (*TRAINED, "--split", "sex"),
        "“sex” does not say for 200 of 200 rows",
    ),
}


def test_a_name_with_a_comma_is_found_once_it_is_quoted(place: Path) -> None:
    content = text().replace("sex", '"sex, as told"', 1)
    (place / "t.csv").write_text(content, encoding="utf-8")
    options = ("--score", "score", "--sensitive")
    assert "stands in double quotes" in refused(place, *options, "sex, as told")
    audit(place, *options, '"sex, as told"')
    assert (place / "out.json").is_file()


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_options_that_do_not_fit_are_refused(place: Path, case: str) -> None:
    options, words = BAD_OPTIONS[case]
    assert words in refused(place, *options)


IDS = np.arange(200)
SIDES = ("yes", "no")
BAD_REFERENCES = {
    "ids and nothing else": ({"id": IDS}, "holds no column besides the id"),
    "no decision at all": ({"id": IDS, "ann": [""] * 200}, "no decision in any of its other"),
    "words of their own": (
        {"id": IDS, "ann": IDS % 2, "bob": ["hello"] * 200},
        "Column “bob” of the reference decisions has no value that another",
    ),
    "numbers of many values": (
        {"id": IDS, "ann": (IDS + 0.5) / 7},
        "Column “ann” of the reference",
    ),
}


@pytest.mark.parametrize("case", BAD_REFERENCES)
def test_references_that_cannot_be_read_as_decisions_are_refused(place: Path, case: str) -> None:
    table, words = BAD_REFERENCES[case]
    (place / "t.csv").write_text(text(id=IDS), encoding="utf-8")
    rows = zip(*table.values(), strict=True)
    lines = [",".join(table), *(",".join(map(str, row)) for row in rows)]
    (place / "refs.csv").write_text("\n".join(lines), encoding="utf-8")
    options = (*SCORED, "--references", str(place / "refs.csv"), "--on", "id")
    assert words in refused(place, *options)


def test_a_split_column_says_who_trains(place: Path) -> None:
    parts = np.array(["train", "Valid", "audit", "audit"] * 50)
    (place / "t.csv").write_text(text(part=parts), encoding="utf-8")
    audit(place, *TRAINED, "--split", "part")
    rows = read(place / "out.json")["rows"]
    assert (rows["uploaded"], rows["used"]) == (200, 150)
    assert [(item["code"], item["n"]) for item in rows["left_out"]] == [("fit", 50)]


def test_it_writes_to_files_only_and_never_over_its_input(place: Path) -> None:
    (place / "folder").mkdir()
    assert "which is a folder" in refused(place, *SCORED, out="folder")
    assert "which is the table" in refused(place, *SCORED, out="t.csv")
    (place / "link").symlink_to(place / "t.csv")
    assert "which is the table" in refused(place, *SCORED, out="link")
    assert "does not exist" in refused(place, *SCORED, out="missing/out.json")
    assert "a device or pipe" in refused(place, *SCORED, out="/dev/null")
    assert "cannot be written" in refused(place, *SCORED, out="x" * 300)
    both = refused(place, *SCORED, "--pdf", str(place / "out.json"))
    assert "also the file of --out" in both


def test_both_files_arrive_or_neither(tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.write_text("new")
    (tmp_path / "out.json").write_text("old")
    files = {tmp_path / "out.json": first, tmp_path / "out.pdf": tmp_path / "absent"}
    with pytest.raises(AuditError) as caught:
        delivery.put(files)
    assert caught.value.code == "not-writable"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["first", "out.json"]
    assert (tmp_path / "out.json").read_text() == "old"


def test_a_missing_folder_for_temporary_files_is_said(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(place / "missing"))
    assert "no folder for temporary files" in refused(place, *SCORED)


def test_names_with_commas_stand_in_quotes_and_numbers_may_be_negative() -> None:
    assert names('"sex, as told", race') == ["sex, as told", "race"]
    assert names('the "sex" of,age') == ['the "sex" of', "age"]
    parser = Command().create_parser("manage.py", "audit")
    given = parser.parse_args(
        [
            "t.csv",
            "--out",
            "o",
            "--sensitive",
            "a",
            "--score-range",
            "-1,1",
            "--favourable",
            "-1,0",
        ]
    )
    assert given.score_range == (-1.0, 1.0)
    assert given.favourable == ["-1", "0"]


def test_a_stop_from_outside_leaves_nothing(place: Path) -> None:
    temporary = place.parent / "tmp"
    (place / "t.csv").write_text(text() * 400, encoding="utf-8")
    command = [sys.executable, str(ROOT / "manage.py"), "audit", str(place / "t.csv"), *SCORED]
    process = subprocess.Popen(
        [*command, "--out", str(place / "out.json")],
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        text=True,
    )
    # the settings of these tests make a folder of their own there, before the command begins
    while process.poll() is None and all(
        p.name.startswith("evenhand-test-") for p in temporary.iterdir()
    ):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said.strip().splitlines()[-1]) == (
        2,
        "CommandError: Stopped. Nothing was written.",
    )
    assert list(temporary.iterdir()) == []
    assert [p.name for p in place.iterdir()] == ["t.csv"]


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("road:stepps=20", "no setting “stepps”"),
        ("road:seeds=0", "whole number from 1 to 10"),
        ("fairtune:lr=nan", "Default learning rate is “nan”"),
    ],
)
def test_settings_of_remedies_are_refused_before_anything_is_read(
    place: Path, method: str, words: str
) -> None:
    (place / "t.csv").write_bytes(b"")
    assert words in refused(place, *SCORED, "--method", method)


def test_a_remedy_that_could_not_be_tried_is_said_on_the_console() -> None:
    from auditapp.management.commands.audit import _untried

    error = {"code": "needs-start", "message": "There is no network.", "hint": "Upload one."}
    document = {"methods": [{"title": "Tuning", "error": error}, {"title": "B", "error": None}]}
    assert list(_untried(document)) == ["Tuning was not tried: There is no network. Upload one."]
