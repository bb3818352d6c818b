"""What a reader can do on a report's page, by keyboard: filter, copy, link, explore, print."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_pages import AXE, DESK, LOOK, OVER, PHONE, TAGS, listen
from tests.installation import Installation as Stack

HEAD = "Differences to White people, in points"


@pytest.fixture(scope="module")
def address(browser: Browser, stack: Stack) -> str:
    """Where the demo's report is."""
    page = _signed_in(browser, stack)
    page.get_by_role("link", name="Income scores of a simulated population").first.click()
    page.wait_for_url(re.compile("/report/"), timeout=120_000)
    found = page.url
    page.context.close()
    return found


def _signed_in(browser: Browser, stack: Stack, **options: object) -> Page:
    made = browser.new_context(base_url=stack.url, viewport=DESK, **options)  # type: ignore[arg-type]
    made.grant_permissions(["clipboard-read", "clipboard-write"])
    page = made.new_page()
    page.goto(stack.signin_link())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Audits")
    return page


@pytest.fixture
def report(browser: Browser, stack: Stack, address: str) -> Iterator[Page]:
    page = _signed_in(browser, stack)
    said = listen(page)
    page.goto(address)
    yield page
    page.context.close()
    assert said == []


def clipboard(page: Page, kind: str) -> str:
    """What was copied, as text or as HTML."""
    text: str = page.evaluate(
        """async kind => {
          const [item] = await navigator.clipboard.read();
          return (await item.getType(kind)).text();
        }""",
        kind,
    )
    return text


def test_a_filter_hides_rows_and_changes_no_number(report: Page) -> None:
    table = report.get_by_role("group", name=HEAD).locator("tbody")
    before = table.inner_text()
    rows = table.locator("tr").count()
    find = report.get_by_role("searchbox", name=f"Find a row in: {HEAD}")
    find.focus()
    report.keyboard.type("black, asian")
    expect(table.locator("tr:visible")).to_have_count(2)
    expect(report.get_by_text(f"Shown: 2 of {rows} rows. No number changes.")).to_be_visible()
    black = table.locator("tr:visible").first.inner_text()
    assert " ".join(black.split()) in " ".join(before.split())
    find.fill("")
    kinds = report.get_by_label(f"Results shown in: {HEAD}")
    kinds.select_option(label="Difference found")
    assert 0 < table.locator("tr:visible").count() < rows
    for row in table.locator("tr:visible").all():
        expect(row).to_contain_text("Difference found")
    kinds.select_option(label="All results")
    assert table.inner_text() == before


def test_a_table_is_copied_as_one_with_its_source(report: Page) -> None:
    button = report.get_by_role("button", name=re.compile(f"^Copy as table ?: {HEAD}"))
    button.focus()
    report.keyboard.press("Enter")
    expect(report.get_by_role("button", name=re.compile("^Table copied"))).to_be_visible()
    lines = clipboard(report, "text/plain").split("\n")
    assert re.match(rf"EH-\d{{4}}-\d{{4}}, sha256 [0-9a-f]{{12}}: {HEAD}", lines[0])
    widths = {len(line.split("\t")) for line in lines[1:]}
    assert len(widths) == 1
    assert not any(re.match(r"[=@]", cell) for line in lines for cell in line.split("\t"))
    black = next(line for line in lines if line.startswith("Black"))
    assert re.search(r"Difference found: -\d+\.\d .?-\d+\.\d to -\d+\.\d", black)
    assert "<table" in clipboard(report, "text/html")


def test_a_link_names_its_result_and_says_where_it_does_not_fit(
    report: Page, address: str
) -> None:
    report.get_by_role("link", name=re.compile("^Copy link")).first.click()
    expect(report.get_by_role("link", name=re.compile("^Link copied")).first).to_be_visible()
    copied = report.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(re.escape(address) + r"\?hash=[0-9a-f]{12}#[a-z0-9-]+", copied)
    report.goto(copied)
    other = report.get_by_text("This link was made for another result.")
    expect(other).to_have_count(0)
    report.goto(f"{address}?hash=000000000000")
    expect(other).to_be_visible()


def test_a_chart_gives_way_to_its_table_and_a_part_to_another(report: Page) -> None:
    figure = report.locator("figure").first
    drawing = figure.locator(".drawing-wide")
    summary = figure.locator(".as-table > summary")
    summary.focus()
    report.keyboard.press("Enter")
    expect(figure.get_by_role("table")).to_be_visible()
    expect(drawing).to_be_hidden()
    report.keyboard.press("Enter")
    expect(drawing).to_be_visible()
    for drawn in report.locator("figure").all():
        assert drawn.locator("svg[role=img]").count() == 2
        assert drawn.locator("details table tbody tr").count() > 0
        assert drawn.locator(".how-to p").text_content()
    figure.locator(".how-to > summary").press("Enter")
    expect(figure.get_by_text("Each mark is a group's difference")).to_be_visible()
    report.get_by_role("link", name="Sex", exact=True).first.click()
    expect(report.get_by_role("heading", name="Sex", exact=True).first).to_be_visible()
    report.go_back()
    expect(report.get_by_role("heading", name="Race", exact=True).first).to_be_visible()


def test_another_threshold_is_tried_by_keyboard(report: Page) -> None:
    box = report.locator("[data-explorer]").first
    rate = box.locator("tbody td").first
    stored = rate.inner_text()
    slider = box.get_by_role("slider", name="Threshold")
    slider.focus()
    for _ in range(5):
        report.keyboard.press("ArrowRight")
    expect(rate).not_to_have_text(stored)
    box.get_by_role("button", name="Back to the audited threshold").press("Enter")
    expect(rate).to_have_text(stored)


def test_tables_and_tools_keep_the_rules_at_every_width(
    browser: Browser, stack: Stack, address: str
) -> None:
    report = _signed_in(browser, stack)
    report.goto(address)
    for summary in report.locator(".as-table > summary:visible").all():
        summary.press("Enter")
    report.evaluate(AXE.read_text(encoding="utf-8"))
    for size in (DESK, PHONE):
        report.set_viewport_size(size)  # type: ignore[arg-type]
        assert report.evaluate(LOOK, ["tag", TAGS, size is DESK]) == []
    report.set_viewport_size({"width": 320, "height": 800})
    assert report.evaluate(OVER) == 0
    report.context.close()


def test_on_paper_people_are_sent_to_the_pdf(report: Page) -> None:
    report.emulate_media(media="print")
    expect(report.get_by_text("Print the PDF instead")).to_be_visible()
    expect(report.get_by_role("banner")).to_be_hidden()
    expect(report.locator(".table-tools").first).to_be_hidden()


def test_shapes_and_borders_stay_in_the_colours_a_person_forces(
    browser: Browser, stack: Stack, address: str
) -> None:
    page = _signed_in(browser, stack, forced_colors="active", reduced_motion="reduce")
    page.goto(address)
    chip = page.locator(".chip").first
    assert chip.evaluate("one => getComputedStyle(one).borderTopWidth") == "1px"
    expect(chip.locator("svg")).to_be_visible()
    now = page.locator(".report-tabs a[aria-current]").first
    assert "underline" in now.evaluate("one => getComputedStyle(one).textDecorationLine")
    page.context.close()
