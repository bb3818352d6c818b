"""Receiving, inspecting and deleting data sets and models."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser
from django.test import RequestFactory

from auditapp import queue, sandbox, storage
from auditapp.errors import AuditError
from auditapp.models import Audit, Dataset, Event, ModelFile, Report
from auditapp.services import leases, uploads
from tests.factories import (
    PROFILE,
    Team,
    make_dataset,
    make_draft,
    make_model,
    make_run,
    make_team,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(queue, "send", lambda name, *_: names.append(name))
    return names


def _receive(team: Team, name: str = "people.csv", body: bytes = b"a\n1\n") -> Dataset:
    file = SimpleUploadedFile(name, body)
    return uploads.dataset_receive(workspace=team.workspace, user=team.bob, file=file)


def _child(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    def run_child(_target: str, payload: dict[str, Any], **_: Any) -> dict[str, Any]:
        if isinstance(answer, Exception):
            raise answer
        out = Path(payload["out"])
        out.mkdir()
        for name in ("table.parquet", "profile.json"):
            (out / name).write_text(name)
        return dict(answer)

    monkeypatch.setattr(sandbox, "run_child", run_child)


def test_it_keeps_the_bytes_and_queues_the_check_after_commit(
    team: Team, sent: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        dataset = _receive(team)
        assert sent == []
    assert sent == ["inspect_dataset"]
    assert dataset.source.read_bytes() == b"a\n1\n"
    assert (dataset.state, dataset.name, dataset.bytes) == ("received", "people", 4)
    assert dataset.sha256 == hashlib.sha256(b"a\n1\n").hexdigest()


def test_names_lose_folders_and_control_characters(team: Team) -> None:
    dataset = _receive(team, name="../../etc/pa\u202essw\x07d.csv")
    assert dataset.original_name == "passwd.csv"
    assert dataset.path == f"datasets/{dataset.id}"


def test_an_empty_file_is_refused_and_nothing_kept(team: Team) -> None:
    with pytest.raises(AuditError, match="is empty") as caught:
        _receive(team, body=b"")
    assert caught.value.code == "empty-file"
    assert Dataset.objects.count() == 0


def test_a_file_over_the_limit_is_refused_with_both_sizes(team: Team, settings: Any) -> None:
    settings.UPLOAD_LIMIT_BYTES = 2 * 1024**2
    with pytest.raises(AuditError, match=r"is 3\.0 MB; .* up to 2\.0 MB") as caught:
        _receive(team, body=b"x" * 3 * 1024**2)
    assert caught.value.code == "file-too-large"
    assert Dataset.objects.count() == 0


def _posted(body: bytes, user: Any) -> Any:
    boundary = "b"
    data = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="t.csv"\r\n\r\n'
    ).encode()
    data += body + f"\r\n--{boundary}--\r\n".encode()
    request: HttpRequest = RequestFactory().post(
        "/", data=data, content_type=f"multipart/form-data; boundary={boundary}"
    )
    request.user = user  # as the middleware does: files of strangers are not kept
    parser = MultiPartParser(request.META, io.BytesIO(data), request.upload_handlers)
    return parser.parse()[1]["f"]


def test_an_upload_streams_to_disk_and_is_moved_into_place(team: Team, settings: Any) -> None:
    file = _posted(b"a\n1\n", team.alice)
    temporary = Path(file.temporary_file_path())
    assert temporary.parent == settings.TEMP_DIR
    dataset = uploads.dataset_receive(workspace=team.workspace, user=None, file=file)
    assert not temporary.exists()
    assert dataset.source.read_bytes() == b"a\n1\n"
    assert dataset.sha256 == hashlib.sha256(b"a\n1\n").hexdigest()
    assert dataset.source.stat().st_mode & 0o077 == 0


def test_an_upload_over_the_limit_does_not_fill_the_disk(team: Team, settings: Any) -> None:
    settings.UPLOAD_LIMIT_BYTES = 100_000
    file = _posted(b"x" * 300_000, team.alice)
    assert file.size == 300_000
    assert Path(file.temporary_file_path()).stat().st_size <= 100_000
    with pytest.raises(AuditError, match="this installation takes files up to"):
        uploads.dataset_receive(workspace=team.workspace, user=None, file=file)
    file.close()


def test_inspection_stores_profile_and_table(
    team: Team, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    _child(monkeypatch, PROFILE)
    dataset = _receive(team)
    uploads.dataset_inspect(dataset_id=dataset.id)
    dataset.refresh_from_db()
    assert (dataset.state, dataset.rows, dataset.profile) == ("ready", 3, PROFILE)
    assert (dataset.folder / "table.parquet").read_text() == "table.parquet"
    assert list(settings.TEMP_DIR.glob("dataset-*")) == []


def test_a_refusal_is_stored_readable_and_without_files(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    _child(monkeypatch, AuditError("ragged-rows", "Row 3 has 4 fields.", "Repair it."))
    dataset = _receive(team)
    uploads.dataset_inspect(dataset_id=dataset.id)
    dataset.refresh_from_db()
    assert dataset.state == "refused"
    assert AuditError.from_dict(dataset.error).message == "Row 3 has 4 fields."
    assert sorted(path.name for path in dataset.folder.iterdir()) == ["source"]


def test_an_unforeseen_error_shows_a_reference_only(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    _child(monkeypatch, RuntimeError("/secret/path"))
    dataset = _receive(team)
    uploads.dataset_inspect(dataset_id=dataset.id)
    dataset.refresh_from_db()
    assert dataset.state == "refused"
    assert "reference" in dataset.error["hint"]
    assert "secret" not in str(dataset.error)


def test_a_second_delivery_does_nothing(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    _child(monkeypatch, PROFILE)
    dataset = _receive(team)
    assert leases.claim(Dataset, dataset.id) is not None
    uploads.dataset_inspect(dataset_id=dataset.id)
    dataset.refresh_from_db()
    assert (dataset.state, dataset.attempt) == ("checking", 1)


def test_a_model_is_inspected(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    predictors = pytest.importorskip("auditapp.predictors")
    profile = {"format": "onnx"}
    monkeypatch.setattr(predictors, "inspect_model", lambda *_: profile)
    model = uploads.model_receive(
        workspace=team.workspace, user=team.bob, file=SimpleUploadedFile("m.onnx", b"x")
    )
    uploads.model_inspect(model_id=model.id)
    model.refresh_from_db()
    assert (model.state, model.profile) == ("ready", profile)


def test_reading_again_merges_options_and_queues(
    team: Team, sent: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    dataset = make_dataset(team, state="refused", read_options={"header": False})
    with django_capture_on_commit_callbacks(execute=True):
        uploads.dataset_reread(dataset=dataset, options={"delimiter": ";"}, user=team.bob)
    assert dataset.state == "received"
    assert dataset.read_options == {"header": False, "delimiter": ";"}
    assert sent == ["inspect_dataset"]
    with pytest.raises(AuditError, match="still being checked"):
        uploads.dataset_reread(dataset=dataset, options={})


def test_deleting_removes_files_after_commit_and_keeps_reports(
    team: Team, django_capture_on_commit_callbacks: Any
) -> None:
    dataset = make_dataset(team)
    audit = make_draft(team, dataset=dataset)
    Report.objects.create(audit=audit, result_hash="0" * 64, path="reports/x")
    folder = dataset.folder
    with django_capture_on_commit_callbacks(execute=True):
        uploads.dataset_delete(dataset=dataset, user=team.bob)
        assert folder.exists()
    assert not folder.exists()
    audit.refresh_from_db()
    assert audit.dataset is None
    assert Report.objects.filter(audit=audit).exists()
    assert Event.objects.filter(verb="deleted", subject="dataset", name="People").exists()


def test_a_data_set_in_use_is_not_deleted(team: Team) -> None:
    dataset = make_run(team).audit.dataset
    with pytest.raises(AuditError, match="works on it"):
        uploads.dataset_delete(dataset=dataset)
    Audit.objects.update(state="done")
    uploads.dataset_delete(dataset=dataset)
    assert Dataset.objects.count() == 0


def test_deleting_a_model_removes_its_files(
    team: Team, django_capture_on_commit_callbacks: Any
) -> None:
    model = make_model(team)
    folder = model.folder
    with django_capture_on_commit_callbacks(execute=True):
        uploads.model_delete(model=model, user=team.bob)
    assert not folder.exists()
    assert ModelFile.objects.count() == 0


TORN = b"PAR1" + bytes(200)
WRONG_FILES = [
    ("t.csv", b"sex,score\nF,0.1\nM,0.2,9\n", "ragged-rows", "row 3 has 3"),
    ("t.csv", "name\nKöln\n".encode("cp1252"), "wrong-encoding", "byte 0xF6 in row 2"),
    ("t.csv", b"sex,score\n", "header-only", "2 columns and no rows"),
    ("t.parquet", TORN, "damaged-parquet", "cut off or damaged"),
    ("t.zip", b"PK\x03\x04" + bytes(40), "truncated-file", "cut off or damaged"),
    ("t.pkl", b"\x80\x04N.", "pickle-refused", "never opens one"),
]


@pytest.mark.parametrize(("name", "body", "code", "words"), WRONG_FILES)
def test_a_wrong_table_is_refused_in_words_and_leaves_no_half(
    team: Team, sent: list[str], name: str, body: bytes, code: str, words: str
) -> None:
    dataset = _receive(team, name, body)
    uploads.dataset_inspect(dataset_id=dataset.id)
    dataset.refresh_from_db()
    assert (dataset.state, dataset.profile) == ("refused", None)
    assert dataset.error["code"] == code
    assert words in dataset.error["message"]
    assert dataset.error["hint"]
    assert [path.name for path in dataset.folder.iterdir()] == ["source"]
    assert _work_left() == []


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("m.onnx", b"\x08\x09\x3a\x9f\x01ab", "onnx-damaged"),
        ("m.onnx", b"\x80\x04N.", "pickle"),
        ("m.keras", b"\x89HDF\r\n\x1a\n" + bytes(99), "keras"),
    ],
)
def test_a_wrong_model_is_refused_with_a_way_out(
    team: Team, sent: list[str], name: str, body: bytes, code: str
) -> None:
    file = SimpleUploadedFile(name, body)
    model = uploads.model_receive(workspace=team.workspace, user=team.bob, file=file)
    uploads.model_inspect(model_id=model.id)
    model.refresh_from_db()
    assert (model.state, model.error["code"]) == ("refused", code)
    assert model.error["code_block"] or code == "onnx-damaged"
    assert [path.name for path in model.folder.iterdir()] == ["source"]
    assert _work_left() == []


def _work_left() -> list[str]:
    work = storage.absolute("tmp")
    return [path.name for path in work.iterdir()] if work.is_dir() else []
