"""The real thing for browser tests: server, worker, beat and Redis started as `make run` does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.installation import Installation

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run everything here in one worker: the stack is started once."""
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.xdist_group("stack"))


@pytest.fixture(scope="session", autouse=True)
def _chromium_is_here() -> None:
    if CHROMIUM.exists():
        return
    if os.environ.get("EVENHAND_REQUIRE_BROWSER") == "1":
        pytest.fail("Chromium is missing: apt-get install chromium")
    pytest.skip("Chromium is not installed")


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {"executable_path": str(CHROMIUM), "args": CHROMIUM_ARGS}


Stack = Installation


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One installation with the demo workspace for all browser tests."""
    with Installation(tmp_path_factory.mktemp("up") / "var") as installation:
        installation.start("--demo")
        installation.wait()
        yield installation


@pytest.fixture(scope="session")
def base_url(stack: Stack) -> str:
    return stack.url
