"""System checks name the cause and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from auditapp import checks
from auditapp.environment import private_folder
from auditapp.signing import new_key


def _ids(found: list[Any]) -> list[str]:
    assert all(message.hint for message in found)
    return [message.id for message in found]


def test_the_default_settings_are_fine() -> None:
    assert [message for message in run_checks() if message.id.startswith("evenhand")] == []


def test_a_readable_key_is_an_error(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    (tmp_path / "secret.key").write_text("x")
    (tmp_path / "secret.key").chmod(0o644)
    assert _ids(checks.folders()) == ["evenhand.E002"]


def test_a_signing_key_that_others_read_is_an_error(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    assert checks.signing() == []
    path = tmp_path / "signing.key"
    path.write_text(new_key())
    path.chmod(0o640)
    assert _ids(checks.signing()) == ["evenhand.E007"]


def test_a_signing_key_that_is_none_is_an_error(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    settings.SIGNING_KEY = "nothing"
    assert _ids(checks.signing()) == ["evenhand.E008"]
    settings.SIGNING_KEY = ""
    (tmp_path / "signing.key").write_bytes(b"\xff")
    (tmp_path / "signing.key").chmod(0o600)
    assert _ids(checks.signing()) == ["evenhand.E008"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path / "gone"
    assert _ids(checks.folders()) == ["evenhand.E001"]


def test_an_origin_needs_a_scheme(settings: Any) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["audit.example.org"]
    assert _ids(checks.reachability()) == ["evenhand.E003"]


def test_leaving_loopback_asks_for_tls_and_names(settings: Any) -> None:
    settings.HOST = "0.0.0.0"
    settings.ALLOWED_HOSTS = ["localhost"]
    assert _ids(checks.reachability()) == ["evenhand.W001", "evenhand.W002"]
    settings.HTTPS = True
    settings.ALLOWED_HOSTS = ["audit.example.org"]
    assert checks.reachability() == []
    settings.ALLOWED_HOSTS = ["*"]
    assert _ids(checks.reachability()) == ["evenhand.W003"]


def test_unknown_services_are_errors(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = "amqp://host"
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.mysql")
    assert _ids(checks.services()) == ["evenhand.E004", "evenhand.E005"]


def test_a_data_folder_that_cannot_be_made_is_named_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ImproperlyConfigured, match="Set DATA_DIR"):
        private_folder(tmp_path / "file" / "var")


def test_a_data_folder_others_can_enter_is_a_warning(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    tmp_path.chmod(0o755)
    assert _ids(checks.folders()) == ["evenhand.W004"]
    tmp_path.chmod(0o750)
    assert checks.folders() == []
