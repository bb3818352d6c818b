"""The explorer of settings and thresholds in Chromium, under the policy of the real pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from csp.utils import build_policy
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, expect

from auditapp.reports.build import document
from auditapp.reports.facts import Facts
from auditapp.reports.sections import tradeoffs
from tests.browser.test_pages import AXE, LOOK, OVER, TAGS
from tests.tradeoff_documents import sample

ROOT = Path(__file__).resolve().parent.parent.parent
STYLES = ("tokens", "fonts", "base", "components", "report-page", "report")


class Pages(SimpleHTTPRequestHandler):
    """Files of a folder, sent as the web server sends pages."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", str(build_policy()))
        super().end_headers()

    def log_message(self, *args: Any) -> None:
        """Stay silent."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("explorer")
    (folder / "static").symlink_to(ROOT / "static")
    doc = sample(n=8000, groups=3)
    made = tradeoffs.section(Facts(doc))
    assert made is not None
    report = document(Facts(doc), (made, made), {})
    body = render_to_string("report/body.html", {"document": report, "folder": folder})
    links = "".join(f'<link rel="stylesheet" href="/static/css/{s}.css">' for s in STYLES)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">{links}'
    page = f'<!doctype html><html lang="en"><head><title>Report</title>{head}</head>'
    page += f"<body><main><h1>Report</h1>{body}</main></body></html>"
    (folder / "index.html").write_text(page, encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()
    server.server_close()


@pytest.fixture
def explored(browser: Browser, address: str) -> Iterator[tuple[Page, list[str]]]:
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    expect(page.locator(".explorer-plane svg.chart")).to_be_visible()
    yield page, said
    context.close()


def test_a_threshold_is_tried_by_keyboard_and_changes_no_stored_number(explored: Any) -> None:
    page, said = explored
    table = page.locator(".trade-explorer table")
    stored = table.locator("tbody tr").first.locator("td").first.inner_text()
    mine = table.locator("tbody tr").first.locator("td").nth(2)
    before = mine.inner_text()
    page.get_by_label("One threshold for everybody").focus()
    page.keyboard.press("Space")
    slider = page.get_by_label("Threshold, Black or African American")
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_label("Black or African American", exact=True)).to_have_value("0.40")
    assert mine.inner_text() != before
    assert table.locator("tbody tr").first.locator("td").first.inner_text() == stored
    expect(page.locator(".explorer-said")).to_contain_text("Your thresholds: largest gap")
    expect(page.get_by_text("Chosen after seeing these rows")).to_be_visible()
    page.get_by_role("button", name="Back to the audited threshold").click()
    assert mine.inner_text().split()[0] == before.split()[0]
    assert [text for text in said if "404" not in text] == []


def test_a_setting_is_chosen_from_the_list(explored: Any) -> None:
    page, said = explored
    page.get_by_label("Setting", exact=True).select_option(label="Up to 10% to a person")
    cell = page.locator(".trade-explorer tbody tr", has_text="Sent to a person").locator("td")
    expect(cell.nth(1)).to_have_text("10.0%")
    assert [text for text in said if "404" not in text] == []


@pytest.mark.parametrize("width", [1440, 390])
def test_it_keeps_the_rules_and_fits(explored: Any, width: int) -> None:
    page, _ = explored
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(LOOK, ["tag", TAGS, True]) == []
    assert page.evaluate(OVER) == 0
