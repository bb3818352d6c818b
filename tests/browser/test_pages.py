"""Every page in Chromium: rules of WCAG 2.2 AA, the policy on content, widths, keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.browser.seed import EMAIL, NEW
from tests.installation import Installation as Stack

AXE = Path(__file__).resolve().parent.parent / "vendor" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOK = """async ([type, values, contrast]) => {
  const found = await axe.run(document, {
    runOnly: { type, values },
    rules: type === "tag"
      ? { "target-size": { enabled: true }, "color-contrast": { enabled: contrast } }
      : {},
    resultTypes: ["violations"],
  });
  return found.violations
    .filter(one => ["serious", "critical"].includes(one.impact))
    .map(one => `${one.id}: ${one.nodes.map(node => node.html.slice(0, 200)).join(" | ")}`);
}"""
OVER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
HIDDEN_FOCUS = """() => {
  const bar = document.querySelector(".form-foot");
  const now = document.activeElement;
  if (!now || now === document.body || bar.contains(now)) return "";
  const [box, over] = [now, bar].map(one => one.getBoundingClientRect());
  const hidden = box.height > 1 && box.top >= over.top - 1 && box.top < over.bottom;
  return hidden ? now.outerHTML.slice(0, 200) : "";
}"""
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def paths(stack: Stack) -> dict[str, str]:
    printed = stack.manage("shell", "-c", "from tests.browser.seed import seed; seed()")
    found: dict[str, str] = json.loads(printed.strip().splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def context(browser: Browser, stack: Stack, paths: dict[str, str]) -> Iterator[BrowserContext]:
    """One signed-in session for this file."""
    made = _session(browser, stack, EMAIL)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    opened = context.new_page()
    opened.set_viewport_size(DESK)  # type: ignore[arg-type]
    yield opened
    opened.close()


def _session(browser: Browser, stack: Stack, email: str, **options: Any) -> BrowserContext:
    made = browser.new_context(base_url=stack.url, viewport=DESK, **options)  # type: ignore[arg-type]
    page = made.new_page()
    page.goto(stack.signin_link(email))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("banner")).to_contain_text("Data and models")
    page.close()
    return made


def listen(page: Page) -> list[str]:
    """What the console says; a refused page that was asked for is no complaint."""
    said: list[str] = []
    page.on(
        "console",
        lambda message: (
            None
            if "the server responded with a status of 4" in message.text
            else said.append(f"{message.text} at {message.location.get('url')}")
        ),
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def look(page: Page, what: str) -> list[str]:
    """Violations of a loaded page at two widths, and whether it scrolls sideways at any."""
    found: list[str] = []
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for size in (DESK, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        # where the bar at the bottom lies over nothing
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        seen = page.evaluate(LOOK, ["tag", TAGS, size is DESK])
        found += [f"{what} at {size['width']}: {one}" for one in seen]
    for width in (320, 390, 800, 1200, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        if page.evaluate(OVER) > 0:
            found.append(f"{what} scrolls sideways at {width}")
    return found


def test_every_page_keeps_the_rules_at_two_widths(page: Page, paths: dict[str, str]) -> None:
    said, found = listen(page), []
    for what, path in paths.items():
        page.goto(path)
        if what in {"report", "long-report"}:
            page.wait_for_url("**/report/", timeout=120_000)
        assert page.title() != ""
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        found += [f"{what} says: {words}" for words in said] + look(page, what)
        said.clear()  # axe itself tries inline styles
    assert found == []


@pytest.mark.usefixtures("paths")  # makes the new person's account
def test_the_first_pages_a_person_sees_keep_the_rules(browser: Browser, stack: Stack) -> None:
    made = browser.new_context(base_url=stack.url, viewport=DESK)  # type: ignore[arg-type]
    page = made.new_page()
    said, found = listen(page), []
    for what, path in {
        "sign in": "/sign-in/",
        "link": stack.signin_link(NEW),
        "old link": "/sign-in/link/of-long-ago/",
        "password": "/password/reset/",
        "password sent": "/password/reset/sent/",
        "old password link": "/password/reset/key/abc-def/",
        "verify": "/verify/",
        "docs": "/docs/",
    }.items():
        page.goto(path)
        found += look(page, what)
    page.goto("/sign-in/")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#error-summary")).to_be_focused()
    found += look(page, "sign in refused")
    page.goto(stack.signin_link(NEW))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Who is treated differently")
    found += look(page, "first run")
    made.close()
    assert found == []
    assert said == []


def test_the_dark_theme_keeps_the_rules(
    browser: Browser, stack: Stack, paths: dict[str, str]
) -> None:
    made = _session(browser, stack, EMAIL, color_scheme="dark", reduced_motion="reduce")
    page = made.new_page()
    found = []
    shown = ("home", "refused", "roles", "policy", "remedies", "progress", "schedule", "trail")
    for what in (*shown, "shares", "final", "verify", "settings", "comparison", "long-report"):
        page.goto(paths[what])
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found += page.evaluate(LOOK, ["rule", ["color-contrast"], True])
    made.close()
    assert found == []


def test_errors_take_the_focus_and_lead_to_their_fields(page: Page, paths: dict[str, str]) -> None:
    page.goto(paths["policy"])
    page.get_by_label("Smallest group").fill("many")
    page.get_by_role("button", name="Continue to remedies").click()
    summary = page.locator("#error-summary")
    expect(summary).to_be_focused()
    assert page.title().startswith("Error: ")
    assert look(page, "policy with an error") == []
    summary.get_by_role("link").first.click()
    field = page.get_by_label("Smallest group")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    described = (field.get_attribute("aria-describedby") or "").split()
    words = " ".join(page.locator(f"#{one}").inner_text() for one in described)
    assert "Enter a whole number" in words or "enter a whole number" in words


@pytest.mark.parametrize("what", ["roles", "policy", "remedies"])
def test_the_bar_at_the_bottom_never_hides_the_focus(
    what: str, page: Page, paths: dict[str, str]
) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(paths[what])
    hidden = []
    for _ in range(60):
        page.keyboard.press("Tab")
        hidden.append(page.evaluate(HIDDEN_FOCUS))
    assert set(hidden) == {""}


def test_the_keyboard_reaches_the_content_first_and_leaves_menus(
    page: Page, paths: dict[str, str]
) -> None:
    page.goto(paths["home"])
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    menu = page.locator("details.menu summary", has_text="Account of")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Your account")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    expect(page.get_by_role("link", name="Your account")).to_be_hidden()


def test_a_changed_role_asks_its_questions_at_once(page: Page, paths: dict[str, str]) -> None:
    said = listen(page)
    page.goto(paths["roles"])
    page.get_by_label("Role of AGEP", exact=True).select_option("sensitive")
    expect(page.get_by_label("Cuts")).to_be_visible()
    page.get_by_label("Role of AGEP", exact=True).select_option("feature")
    expect(page.get_by_label("Cuts")).to_be_hidden()
    page.get_by_label("Find a column").fill("age")
    expect(page.locator("[data-filter-status]")).to_contain_text("columns shown")
    assert said == []


def test_a_chosen_model_shows_how_its_answer_is_read(page: Page, paths: dict[str, str]) -> None:
    page.goto(paths["roles"])
    page.get_by_role("radio", name="Use an uploaded model").check()
    page.get_by_label("Uploaded model", exact=True).select_option(label="Scorer")
    expect(page.get_by_label("Favourable class of the model")).to_have_value("yes")
    expect(page.get_by_label("Output that holds the score")).to_have_value("predict_proba")


def test_a_file_can_be_dropped_taken_back_and_its_sending_stopped(
    page: Page, paths: dict[str, str], tmp_path: Path
) -> None:
    page.goto(paths["new"])
    page.evaluate(
        """() => {
          const files = new DataTransfer();
          files.items.add(new File(["a,b\\n1,2\\n"], "dropped.csv"));
          const box = document.querySelector("[data-drop]");
          const event = name => new DragEvent(name, { dataTransfer: files, bubbles: true,
            cancelable: true });
          box.dispatchEvent(event("dragover"));
          box.dispatchEvent(event("drop"));
        }"""
    )
    chosen = page.locator("[data-chosen]").first
    expect(chosen).to_contain_text("dropped.csv")
    expect(chosen).to_contain_text("8 bytes")
    assert look(page, "a chosen file") == []
    chosen.get_by_role("button", name="Remove").click()
    expect(chosen).to_be_hidden()
    source = tmp_path / "people.csv"
    source.write_text("a,b\n1,2\n")
    page.set_input_files("input[name=table]", str(source))
    waiting: list[Route] = []
    page.route("**/audits/new/", lambda route: waiting.append(route))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Sending")).to_be_visible()
    page.get_by_role("button", name="Cancel upload").click()
    expect(page.locator("[data-sending-text]")).to_have_text("Upload cancelled. Nothing was kept.")
    expect(page.get_by_role("button", name="Continue")).to_be_focused()
    page.unroute("**/audits/new/")


def test_a_way_out_can_be_copied(
    page: Page, context: BrowserContext, paths: dict[str, str]
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(paths["refused"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert "skops.io.dump" in page.evaluate("navigator.clipboard.readText()")


def test_progress_is_said_aloud_and_not_moved_for_those_who_ask(
    browser: Browser, stack: Stack, paths: dict[str, str]
) -> None:
    made = _session(browser, stack, EMAIL, reduced_motion="reduce", forced_colors="active")
    page = made.new_page()
    page.goto(paths["progress"])
    expect(page.locator("#spoken[role=status]")).to_be_empty()
    page.evaluate("""() => {
      const now = document.getElementById("now");
      now.dataset.tens = "50";
      now.dataset.percent = "52";
    }""")
    expect(page.locator("#spoken")).to_have_text("50% done")
    assert page.title().startswith("52%")
    moving = page.evaluate(
        "() => document.getAnimations().filter(one => one.playState === 'running').length"
    )
    assert moving == 0
    made.close()
