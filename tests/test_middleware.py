"""What every answer has in common."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import make_team


@pytest.mark.django_db
def test_no_cache_on_the_way_keeps_a_page() -> None:
    client = Client()
    client.force_login(make_team().alice)
    for name in ("home", "data-list", "account", "status"):
        kept = client.get(reverse(name))["Cache-Control"]
        assert "private" in kept and "no-cache" in kept


@pytest.mark.django_db
def test_a_view_may_ask_for_more() -> None:
    assert "no-store" in Client().get(reverse("signin"))["Cache-Control"]


@pytest.mark.parametrize(("proxy", "trusted"), [("true", "1"), ("false", "none")])
def test_failed_tries_are_counted_by_the_address_behind_the_proxy(
    tmp_path: Path, proxy: str, trusted: str
) -> None:
    code = (
        "from auditapp import settings;"
        "print(getattr(settings, 'ALLAUTH_TRUSTED_PROXY_COUNT', 'none'))"
    )
    env = {**os.environ, "DATA_DIR": str(tmp_path), "BEHIND_PROXY": proxy}
    found = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == trusted
