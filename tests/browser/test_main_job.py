"""The main job through the browser: upload, roles, policy, progress, verdict, PDF."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from auditapp.datasets.simulated import write_demo
from auditapp.result import result_hash
from tests.installation import Installation as Stack

MINUS = "−"


@pytest.fixture
def signed_in(page: Page, stack: Stack) -> Iterator[Page]:
    """Sign in by the single-use link, and let no page complain in the console."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(stack.signin_link())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Audits")
    yield page
    assert complaints == []


def audit(page: Page, source: Path, *, seconds: int) -> None:
    """Upload a table, take the suggested roles and policy, and wait for the report."""
    page.goto("/audits/new/")
    page.set_input_files("input[name=table]", str(source))
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Continue to roles").or_(
        page.get_by_role("button", name="Continue to roles")
    ).click(timeout=60_000)
    page.get_by_role("button", name="Continue to policy").click()
    page.get_by_role("button", name="Start without remedies").click()
    expect(page).to_have_url(re.compile("/progress/"))
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.wait_for_url(re.compile("/report/"), timeout=seconds * 1000)


def downloaded(page: Page, name: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("link", name=name, exact=True).first.click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def text_of(pdf: Path) -> str:
    done = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, check=False)
    return re.sub(r"\s+", " ", done.stdout.decode())


def points(value: float) -> str:
    """One decimal with a true minus and a sign, as the report prints a difference."""
    rounded = f"{abs(value) * 100:.1f}"
    sign = "" if rounded == "0.0" else MINUS if value < 0 else "+"
    return f"{sign}{rounded}"


def check_same_numbers(page: Page, folder: Path) -> dict[str, Any]:
    """The page, the PDF and the JSON tell the same verdict and the same gaps."""
    document: dict[str, Any] = json.loads(downloaded(page, "JSON", folder).read_text())
    text = text_of(downloaded(page, "Download PDF", folder))
    shown = re.sub(r"\s+", " ", page.locator("main").text_content() or "")
    short = result_hash(document)[:12]
    assert " ".join(short[i : i + 4] for i in (0, 4, 8)) in shown
    assert short in text
    gaps = {gap["id"]: gap for gap in document["gaps"]}
    worst = gaps[document["verdicts"][0]]
    assert worst["verdict"] == "difference"
    expect(page.locator("main").get_by_text("Difference found").first).to_be_visible()
    single = [
        gap for gap in document["gaps"]
        if len(gap["by"]) == 1 and gap["kind"] == "difference" and gap["primary"]
        and gap["verdict"] == "difference"
    ]  # fmt: skip
    assert single
    for gap in single:
        for number in (points(gap["value"]), points(gap["low"]), points(gap["high"])):
            assert number in text, (gap["group"], number)
            assert number in shown, (gap["group"], number)
    rows = document["rows"]
    assert rows["used"] + sum(item["n"] for item in rows["left_out"]) == rows["uploaded"]
    for count in (rows["uploaded"], rows["used"]):
        assert f"{count:,}" in text
        assert f"{count:,}" in shown
    return document


def test_a_simulated_table_from_upload_to_pdf(signed_in: Page, tmp_path: Path) -> None:
    source = write_demo(tmp_path / "people.csv", n=6000)
    audit(signed_in, source, seconds=60)
    document = check_same_numbers(signed_in, tmp_path)
    assert document["rows"]["uploaded"] == 6000


@pytest.mark.shared_data
def test_acs_income_from_upload_to_pdf(signed_in: Page, shared_data: Path, tmp_path: Path) -> None:
    audit(signed_in, shared_data / "acs-folktables-2018" / "ACSIncome.test.parquet", seconds=120)
    document = check_same_numbers(signed_in, tmp_path)
    assert document["rows"]["uploaded"] == 332_900
    assert document["plan"]["model"]["kind"] == "train"


def test_the_example_report_says_that_its_people_are_simulated(signed_in: Page) -> None:
    signed_in.get_by_role("link", name=re.compile("simulated population", re.I)).first.click()
    signed_in.wait_for_url(re.compile("/report/|/progress/"))
    signed_in.wait_for_url(re.compile("/report/"), timeout=60_000)
    expect(
        signed_in.locator("main").get_by_text(re.compile("simulated", re.I)).first
    ).to_be_visible()


def test_a_running_audit_is_cancelled_within_five_seconds(signed_in: Page, tmp_path: Path) -> None:
    source = write_demo(tmp_path / "many.csv", n=400_000)
    signed_in.goto("/audits/new/")
    signed_in.set_input_files("input[name=table]", str(source))
    signed_in.get_by_role("button", name="Continue").click()
    signed_in.get_by_role("link", name="Continue to roles").or_(
        signed_in.get_by_role("button", name="Continue to roles")
    ).click(timeout=120_000)
    signed_in.get_by_label("Train a reference model").check()
    signed_in.get_by_role("button", name="Continue to policy").click()
    signed_in.get_by_role("button", name="Start without remedies").click()
    expect(signed_in.get_by_text(re.compile("training", re.I)).first).to_be_visible(timeout=30_000)
    signed_in.get_by_role("button", name="Cancel audit").click()
    expect(signed_in.get_by_text(re.compile("cancelled", re.I)).first).to_be_visible(timeout=5_000)
