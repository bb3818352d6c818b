"""What reaches the disk while a request arrives."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from auditapp.uploadhandler import DiskUploadHandler
from tests.factories import make_team

pytestmark = pytest.mark.django_db


def _table(name: str = "people.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"a,b\n1,2\n")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Chunks that were taken."""
    found: list[bytes] = []
    take = DiskUploadHandler.receive_data_chunk

    def seen(self: DiskUploadHandler, raw_data: bytes, start: int) -> Any:
        found.append(raw_data)
        return take(self, raw_data, start)

    monkeypatch.setattr(DiskUploadHandler, "receive_data_chunk", seen)
    return found


@pytest.mark.parametrize("name", ["signin", "audit-new", "theme"])
def test_nothing_of_a_stranger_reaches_the_disk(written: list[bytes], name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    assert client.post(reverse(name), {"table": _table()}).status_code == 403
    assert written == []


def test_a_member_uploads(written: list[bytes]) -> None:
    client = Client()
    client.force_login(make_team().alice)
    client.post(reverse("audit-new"), {"table": _table()})
    assert written != []


def test_one_request_brings_a_table_and_a_model_at_most() -> None:
    client = Client()
    client.force_login(make_team().alice)
    data = {"table": _table(), "model_file": _table("m.onnx"), "more": _table()}
    assert client.post(reverse("audit-new"), data).status_code == 400
