"""A schedule as it runs: beat, worker, a table that grows every minute, a mail and a webhook."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Browser, Page, expect

from auditapp.datasets.simulated import write_demo
from tests.browser.test_main_job import audit
from tests.installation import Installation

EMAIL = "ann@example.org"
ROWS = 4000


class World(ThreadingHTTPServer):
    """A source that has more rows at every visit, and a target that keeps what it gets."""

    def __init__(self, parts: list[bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.parts, self.visits = parts, 0
        self.got: list[tuple[dict[str, str], bytes]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: World

    def do_GET(self) -> None:
        self.server.visits += 1
        body = b"".join(self.server.parts[: self.server.visits + 1])
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class Post:
    """An SMTP server's box."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append(envelope)
        return "250 Taken"


def growing(folder: Path) -> list[bytes]:
    """A header and three lots of people; in the last one women score far lower."""
    lines = write_demo(folder / "people.csv", n=3 * ROWS).read_text().splitlines()
    header = lines[0].split(",")
    sex, score = header.index("SEX"), header.index("score")

    def lower(line: str) -> str:
        cells = line.split(",")
        if cells[sex] == "2":
            cells[score] = f"{max(float(cells[score]) - 0.3, 0.0):.4f}"
        return ",".join(cells)

    people = lines[1:]
    last = [lower(line) for line in people[2 * ROWS :]]
    lots = [people[:ROWS], people[ROWS : 2 * ROWS], last]
    return [f"{lines[0]}\n".encode(), *("".join(f"{x}\n" for x in lot).encode() for lot in lots)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    server = World(growing(tmp_path))
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def post() -> Iterator[tuple[Post, int]]:
    box = Post()
    # Port 0 is what the system gives; the controller's own check needs a known one.
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as probe:
        port = probe.server_port
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


@pytest.fixture
def running(tmp_path: Path, world: World, post: tuple[Post, int]) -> Iterator[Installation]:
    with Installation(tmp_path / "var") as installation:
        installation.env |= {
            "EMAIL_URL": f"smtp://127.0.0.1:{post[1]}",
            "TRUSTED_TARGETS": world.url,
        }
        installation.start()
        installation.wait()
        yield installation


def until(page: Page, what: Any, seconds: float, log: Path) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"{page.locator('main').inner_text()}\n{_tail(log)}"
        page.wait_for_timeout(500)


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]


def check_signature(secret: str, headers: dict[str, str], body: bytes) -> None:
    """As somebody who got the secret once would write it."""
    found = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", headers["Evenhand-Signature"])
    assert found is not None
    expected = hmac.new(secret.encode(), found[1].encode() + b"." + body, hashlib.sha256)
    assert hmac.compare_digest(expected.hexdigest(), found[2])
    assert abs(time.time() - int(found[1])) < 300


def test_a_schedule_every_minute_tells_of_the_change_and_of_nothing_else(
    browser: Browser,
    running: Installation,
    world: World,
    post: tuple[Post, int],
    tmp_path: Path,
) -> None:
    page = browser.new_context(base_url=running.url).new_page()
    page.goto(running.signin_link(EMAIL, "--create"))
    page.get_by_role("button", name="Sign in").click()

    page.goto("/webhooks/")
    page.get_by_role("textbox", name="Address").fill(f"{world.url}/alerts")
    page.get_by_role("button", name="Add webhook").click()
    secret = page.locator("#webhook-secret").inner_text()

    first = tmp_path / "first.csv"
    first.write_bytes(world.parts[0] + world.parts[1])
    audit(page, first, seconds=90)
    page.locator("summary", has_text="More").click()
    page.get_by_role("link", name="Repeat on a schedule").click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Incomes every minute")
    page.get_by_label("A file behind an HTTPS address").check()
    page.get_by_role("textbox", name="Address").fill(f"{world.url}/people.csv")
    page.get_by_label("The table only grows").check()
    page.get_by_label("By a cron expression").check()
    page.get_by_label("Cron expression", exact=True).fill("* * * * *")
    page.get_by_role("button", name="Make schedule").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Incomes every minute")

    reports = page.get_by_role("link", name=re.compile("^Report EH-"))
    until(page, lambda: reports.count() >= 3, 230, running.log)
    page.reload()
    expect(page.locator(".alert")).to_have_count(1)
    expect(page.locator(".alert-title")).to_contain_text("Women (Sex)")
    expect(page.locator(".history-card svg").first).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("None while it is paused")).to_be_visible()

    box, _ = post
    until(page, lambda: box.mails and world.got, 30, running.log)
    assert [mail.rcpt_tos for mail in box.mails] == [[EMAIL]]
    mail = message_from_bytes(box.mails[0].content)
    assert str(make_header(decode_header(mail["Subject"]))).startswith("Incomes every minute: ")
    assert len(world.got) == 1
    headers, body = world.got[0]
    check_signature(secret, headers, body)
    told = json.loads(body)
    assert told["schedule"]["name"] == "Incomes every minute"
    assert told["run"] == 3
    assert told["event"] in {"alert.change", "alert.tolerance"}
    assert secret not in running.log.read_text(errors="replace")

    page.goto("/alerts/")
    page.get_by_role("button", name=re.compile("^Accept")).click()
    expect(page.get_by_text("No schedule has anything to tell")).to_be_visible()
