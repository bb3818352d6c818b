"""What one workspace may hold."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from auditapp import storage
from auditapp.errors import AuditError
from auditapp.models import Audit, Dataset, State
from auditapp.services import quotas
from auditapp.services.audits import audit_start
from auditapp.services.starting import audit_queue
from auditapp.services.uploads import dataset_receive, model_receive
from tests.factories import Team, make_dataset, make_draft, make_run, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team()


def a_file(size: int, name: str = "people.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"x" * size)


def test_every_file_of_a_workspace_counts_and_no_other(team: Team) -> None:
    dataset = make_dataset(team)
    (dataset.folder / "table.parquet").write_bytes(b"x" * 1000)
    (dataset.folder / "deep").mkdir()
    (dataset.folder / "deep" / "file").write_bytes(b"x" * 500)
    assert quotas.bytes_of(team.workspace) == 1500 + len(b"a,b\n1,2\n")
    elsewhere = team.charlie.workspaces.get()
    assert quotas.bytes_of(elsewhere) == 0
    assert storage.size_of("datasets/gone") == 0


def test_an_upload_past_the_space_is_refused_and_says_how_much_is_used(
    team: Team, settings: Any
) -> None:
    settings.WORKSPACE_DISK_BYTES = 2 * 1024**2
    dataset_receive(workspace=team.workspace, user=team.bob, file=a_file(1024**2))
    for receive in (dataset_receive, model_receive):
        with pytest.raises(AuditError) as refused:
            receive(workspace=team.workspace, user=team.bob, file=a_file(1024**2 + 1))
        assert refused.value.code == "workspace-full"
        assert "holds 1.0 MB of the 2.0 MB it may" in str(refused.value)
        assert "WORKSPACE_DISK_MB" in refused.value.hint
    dataset_receive(workspace=team.workspace, user=team.bob, file=a_file(1024**2))
    assert Dataset.objects.count() == 2


def test_another_workspace_still_has_its_space(team: Team, settings: Any) -> None:
    settings.WORKSPACE_DISK_BYTES = 1024
    make_dataset(team)
    elsewhere = team.charlie.workspaces.get()
    dataset_receive(workspace=elsewhere, user=team.charlie, file=a_file(1024))


def test_without_a_limit_nothing_is_refused(team: Team, settings: Any) -> None:
    settings.WORKSPACE_DISK_BYTES = settings.WORKSPACE_QUEUE_LIMIT = 0
    quotas.space_check(workspace=team.workspace, more=10**15)
    quotas.queue_check(workspace=team.workspace)


def test_the_page_of_an_upload_says_so(team: Team, settings: Any) -> None:
    settings.WORKSPACE_DISK_BYTES = 10
    client = Client()
    client.force_login(team.bob)
    page = client.post(reverse("audit-new"), {"table": a_file(1000)})
    assert page.status_code == 422
    assert "holds 0.0 kB of the 0.0 kB it may" in page.content.decode()


def test_a_start_past_the_queue_is_refused_and_the_draft_stays(team: Team, settings: Any) -> None:
    settings.WORKSPACE_QUEUE_LIMIT = 2
    first = make_run(team)
    make_run(team)
    draft = make_draft(team)
    with pytest.raises(AuditError) as refused:
        audit_start(audit=draft, user=team.bob)
    assert refused.value.code == "queue-full" and not refused.value.permanent
    assert "2 audits of “Audit office” wait or run, and 2 may." in str(refused.value)
    draft.refresh_from_db()
    assert draft.state == State.DRAFT
    Audit.objects.filter(id=first.audit_id).update(state=State.CANCELLED)
    assert audit_start(audit=draft, user=team.bob).state == State.QUEUED


def test_a_program_meets_the_same_limit(team: Team, settings: Any) -> None:
    audit = make_run(team).audit
    settings.WORKSPACE_QUEUE_LIMIT = 1
    with pytest.raises(AuditError, match="One audit of “Audit office” waits or runs, and 1 may"):
        audit_queue(audit=make_draft(team), plan=audit.plan, user=team.bob)
    assert Audit.objects.filter(state=State.QUEUED).count() == 1


def test_usage_names_what_is_held_and_the_limits(team: Team, settings: Any) -> None:
    settings.WORKSPACE_DISK_BYTES = 5000
    make_run(team)
    found = quotas.usage(workspace=team.workspace)
    assert (found.queued, found.queued_limit, found.bytes_limit) == (1, 100, 5000)
    assert found.bytes > 0


def test_sizes_are_said_in_words() -> None:
    assert quotas.megabytes(1536) == "1.5 kB"
    assert quotas.megabytes(3 * 1024**2) == "3.0 MB"
    assert quotas.megabytes(5 * 1024**3 // 2) == "2.5 GB"
