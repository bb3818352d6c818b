"""Two remedies through the browser: choose, wait, read, download a rule."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from auditapp.datasets.simulated import write_demo
from tests.installation import Installation as Stack


@pytest.fixture
def signed_in(page: Page, stack: Stack) -> Page:
    page.goto(stack.signin_link())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Audits")
    return page


def to_remedies(page: Page, source: Path) -> None:
    page.goto("/audits/new/")
    page.set_input_files("input[name=table]", str(source))
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Continue to roles").or_(
        page.get_by_role("button", name="Continue to roles")
    ).click(timeout=60_000)
    page.get_by_label("Train a reference model").check()
    page.get_by_role("button", name="Continue to policy").click()
    page.get_by_role("button", name="Continue to remedies").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Remedies to try")


def download(page: Page, name: str, folder: Path) -> Path:
    with page.expect_download() as found:
        page.get_by_role("link", name=name).first.click()
    path = folder / found.value.suggested_filename
    found.value.save_as(path)
    return path


def test_two_remedies_from_the_choice_to_a_rule(signed_in: Page, tmp_path: Path) -> None:
    page = signed_in
    to_remedies(page, write_demo(tmp_path / "people.csv", n=6000))
    chosen = page.locator("input[name=methods]:checked")
    while chosen.count():
        chosen.first.uncheck()
    expect(page.locator("#remedy-time")).to_have_text("No remedy is ticked.")
    page.get_by_role("checkbox", name=re.compile("^Thresholds by group")).check()
    page.get_by_role("checkbox", name=re.compile("^Reweighing")).check()
    expect(page.locator("#remedy-time")).to_contain_text("2 remedies: ")
    page.get_by_text("Settings of Thresholds by group").click()
    page.locator("[name='thresholds--limits']").fill("0.02 0.05")
    page.get_by_role("button", name="Start audit").click()
    expect(page.get_by_text("Try remedies", exact=True)).to_be_visible(timeout=20_000)
    page.wait_for_url(re.compile("/report/"), timeout=120_000)
    document = json.loads(download(page, "JSON", tmp_path).read_text())
    assert [method["slug"] for method in document["methods"]] == ["thresholds", "reweighing"]
    assert all(method["status"] == "ok" for method in document["methods"])
    assert document["methods"][0]["settings"]["limits"] == [0.02, 0.05]
    page.get_by_role("link", name="Rules", exact=True).click()
    expect(page.get_by_role("heading", name="Thresholds by group")).to_be_visible()
    rule = json.loads(download(page, "JSON of Gap of at most 2 points", tmp_path).read_text())
    assert (rule["schema"], rule["method"]) == ("evenhand/rule/1", "thresholds")
    graph = download(page, "ONNX of Gap of at most 2 points", tmp_path)
    assert graph.suffix == ".onnx" and graph.stat().st_size > 100


def test_remedies_are_cancelled_within_five_seconds(signed_in: Page, tmp_path: Path) -> None:
    page = signed_in
    to_remedies(page, write_demo(tmp_path / "people.csv", n=60_000))
    page.get_by_role("checkbox", name=re.compile("^Exponentiated gradient")).check()
    page.get_by_role("button", name="Start audit").click()
    running = page.locator(".step-running", has_text="Try remedies")
    expect(running).to_be_visible(timeout=90_000)
    page.get_by_role("button", name="Cancel audit").click()
    expect(page.get_by_text(re.compile("cancelled", re.I)).first).to_be_visible(timeout=5_000)
