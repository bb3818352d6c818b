"""Nothing secret reaches a log line."""

from __future__ import annotations

import pytest

from auditapp.logs import hide_secrets


@pytest.mark.parametrize(
    "text",
    [
        "Not Found: /sign-in/link/TOPSECRET/",
        "Not Found: /signin/link/TOPSECRET",
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


def test_it_leaves_other_lines_alone() -> None:
    line = {"event": "GET http://localhost:8000/audits/ took 3 ms", "rows": 332_900}
    assert hide_secrets(None, "info", dict(line)) == line
