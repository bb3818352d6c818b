"""Nothing secret reaches a log line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from auditapp.logs import hide_secrets


@pytest.mark.parametrize(
    "text",
    [
        "Not Found: /sign-in/link/TOPSECRET/",
        "Not Found: /signin/link/TOPSECRET",
        "Gone: /invitation/TOPSECRET/",
        "GET /password/reset/key/5x-TOPSECRET/",
        "Authorization: Bearer TOPSECRETTOPSECRET",
        "connect(host='db', password='TOPSECRET and more', port=5432)",
        "{'api_key': \"TOPSECRET\", 'rows': 7}",
        "REDIS_PASSWORD=TOPSECRET is refused",
        "cannot connect to redis://:TOPSECRET@host:6379/0",
        "postgres://evenhand:TOPSECRET@db/evenhand refused",
    ],
)
def test_it_hides_tokens_and_passwords_in_text(text: str) -> None:
    line = hide_secrets(None, "info", {"event": text})["event"]
    assert "TOPSECRET" not in line
    assert "[hidden]" in line


@pytest.mark.parametrize("key", ["password", "token", "api_key", "Cookie", "csrf_token"])
def test_it_hides_values_of_secret_keys(key: str) -> None:
    assert hide_secrets(None, "info", {key: "TOPSECRET"})[key] == "[hidden]"


def test_it_hides_values_inside_of_values() -> None:
    line = hide_secrets(
        None, "info", {"context": {"token": "TOPSECRET", "many": ["redis://:TOPSECRET@host"]}}
    )
    assert "TOPSECRET" not in str(line) and "[hidden]" in str(line)


@pytest.mark.parametrize(
    "text",
    [
        "GET http://localhost:8000/audits/ took 3 ms",
        "ValueError: unexpected token, row 7",
        "def check(password: str) -> bool:",
    ],
)
def test_it_leaves_other_lines_readable(text: str) -> None:
    line = hide_secrets(None, "info", {"event": text, "rows": 332_900})
    assert line["rows"] == 332_900
    assert text[:12] in line["event"] and text[-5:] in line["event"]


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("library", [True, False])
def test_a_traceback_passes_the_filter(as_json: bool, library: bool) -> None:
    """In the processes' own words: the real configuration, in a process of its own."""
    code = f"""
import logging, structlog
from auditapp.logs import logging_config
logging_config(level="INFO", as_json={as_json})
log = logging.getLogger("some.library") if {library} else structlog.get_logger("ours")
try:
    raise OSError("postgres://evenhand:TOPSECRET@db/x refused, password='TOPSECRET'")
except OSError:
    log.exception("it failed")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert "Traceback (most recent call last)" in done.stderr and "it failed" in done.stderr
    assert "TOPSECRET" not in done.stderr and "evenhand:[hidden]@db" in done.stderr
