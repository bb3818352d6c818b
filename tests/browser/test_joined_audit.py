"""Two files through the browser: joined, with a site and a factor, to a report that has both."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.installation import Installation as Stack

ROWS, SITES = 1200, ("North", "East", "South")


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


def tables(folder: Path) -> tuple[Path, Path]:
    """People with a score, and a file with gold labels for nine in ten of them."""
    rng = np.random.default_rng(7)
    people, gold = folder / "people.csv", folder / "relabels.csv"
    with people.open("w", newline="") as one, gold.open("w", newline="") as other:
        rows, labels = csv.writer(one), csv.writer(other)
        rows.writerow(["person_id", "hospital", "sex", "schooling", "hired", "score"])
        labels.writerow(["person", "gold_label"])
        for i in range(ROWS):
            sex, years = "FM"[rng.integers(2)], int(rng.choice([8, 12, 16]))
            score = 1 / (1 + np.exp(-(years - 12) / 4 - (sex == "M") + rng.normal()))
            hired = int(rng.random() < score)
            site = SITES[int(rng.choice(3, p=[0.5, 0.3, 0.2]))]
            rows.writerow([f"P{i}", site, sex, years, hired, f"{score:.4f}"])
            if i % 10:
                labels.writerow([f"P{i}", hired if rng.random() < 0.95 else 1 - hired])
    return people, gold


def test_a_joined_table_is_audited_by_site_and_with_a_factor_held_equal(
    signed_in: Page, tmp_path: Path
) -> None:
    page = signed_in
    people, gold = tables(tmp_path)
    page.goto("/audits/new/")
    page.set_input_files("input[name=table]", str(people))
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Join another file").click(timeout=60_000)
    page.set_input_files("input[name=table]", str(gold))
    page.get_by_role("button", name="Continue").click()
    on = page.get_by_label("Id column of people.csv")
    expect(on).to_have_value("person_id", timeout=60_000)
    page.get_by_label("Id column of relabels.csv").select_option("person")
    page.get_by_role("button", name="Join the tables").click()
    use = page.get_by_role("button", name="Use it in the audit")
    expect(use).to_be_visible(timeout=60_000)
    expect(page.locator("main")).to_contain_text(
        "1,080 of 1,200 rows of people.csv found their row in relabels.csv."
    )
    use.click()
    page.get_by_role("link", name="Continue to roles").click()
    expect(page.get_by_label("Role of hospital")).to_have_value("site")
    expect(page.get_by_label("Role of gold_label")).to_have_value("gold")
    page.get_by_label("Role of schooling").select_option("control")
    expect(page.get_by_role("heading", name="Legitimate factor schooling")).to_be_visible()
    page.get_by_role("button", name="Continue to policy").click()
    page.get_by_label("Hidden groups").uncheck()
    page.get_by_text("Advanced").click()
    page.get_by_label("Draws").fill("200")
    page.get_by_role("button", name="Start without remedies").click()
    page.wait_for_url(re.compile("/report/"), timeout=60_000)
    check_report(page, tmp_path)


def check_report(page: Page, folder: Path) -> None:
    """Every entry of the contents leads somewhere, and the document has what was asked for."""
    links = page.locator(".report-rail nav a")
    hashes = [links.nth(i).get_attribute("href") for i in range(links.count())]
    assert all(page.locator(str(href)).count() == 1 for href in hashes)
    repeated = page.evaluate(
        """() => {
          const ids = [...document.querySelectorAll("[id]")].map(one => one.id);
          return ids.filter((id, i) => ids.indexOf(id) !== i);
        }"""
    )
    assert repeated == []
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON", exact=True).first.click()
    download.value.save_as(folder / "result.json")
    document = json.loads((folder / "result.json").read_text())
    assert document["plan"]["site"]["column"] == "hospital"
    assert document["plan"]["control"]["column"] == "schooling"
    assert document["plan"]["skip"] == ["subgroups"]
    assert document["subgroups"] is None
    for part in ("strata", "levels", "shift", "pid"):
        assert document[part], part
        assert "failed" not in document[part], part
