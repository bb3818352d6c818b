"""What reaches the disk while a request arrives."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from auditapp.models import Dataset
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


def test_one_request_brings_a_file_of_every_state_at_most() -> None:
    client = Client()
    client.force_login(make_team().alice)
    data = {"table": [_table(f"psam_p{i:02d}.csv") for i in range(65)]}
    assert client.post(reverse("audit-new"), data).status_code == 400


def test_files_past_twice_the_limit_are_cut_and_refused(settings: Any) -> None:
    settings.UPLOAD_LIMIT_BYTES = 12
    client = Client()
    client.force_login(make_team().alice)
    data = {"a": _table(), "b": _table(), "c": _table(), "table": _table()}
    sent = client.post(reverse("audit-new"), data)
    assert sent.status_code == 422 and not Dataset.objects.exists()
