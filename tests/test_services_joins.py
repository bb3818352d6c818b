"""Making one table of two: what is refused, and what a worker does."""

from __future__ import annotations

from typing import Any

import pytest

from auditapp.errors import AuditError
from auditapp.models import Dataset
from auditapp.services import joins, uploads
from tests.factories import Team, make_dataset, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team()


def start(first: Dataset, second: Dataset, **how: Any) -> Dataset:
    values: dict[str, Any] = {"on": "id", "second_on": "id", **how}
    return joins.dataset_join(first=first, second=second, user=None, **values)


def test_a_join_waits_for_a_worker_after_the_commit(
    team: Team, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[str] = []
    monkeypatch.setattr("auditapp.queue.send", lambda name, *_: sent.append(name))
    with django_capture_on_commit_callbacks(execute=True):
        made = start(make_dataset(team), make_dataset(team, name="Gold"))
        assert sent == []
    assert sent == ["inspect_dataset"]
    assert (made.state, made.name) == ("received", "People with Gold")


def test_a_table_is_not_joined_with_itself_or_before_it_is_ready(team: Team) -> None:
    first = make_dataset(team)
    with pytest.raises(AuditError, match="with itself"):
        start(first, first)
    with pytest.raises(AuditError, match="not ready"):
        start(first, make_dataset(team, state="checking"))


def test_tables_that_are_being_joined_are_not_deleted_or_read_again(team: Team) -> None:
    first, second = make_dataset(team), make_dataset(team)
    made = start(first, second)
    for table in (first, second):
        with pytest.raises(AuditError, match="joined to make"):
            uploads.dataset_delete(dataset=table)
        with pytest.raises(AuditError, match="joined to make"):
            uploads.dataset_reread(dataset=table, options={})
    Dataset.objects.filter(id=made.id).update(state="ready")
    uploads.dataset_delete(dataset=first)


def test_a_table_that_was_joined_has_no_file_to_read_again(team: Team) -> None:
    made = start(make_dataset(team), make_dataset(team))
    with pytest.raises(AuditError, match="made of two tables"):
        uploads.dataset_reread(dataset=made, options={})


def test_a_table_that_is_gone_is_said_in_words(team: Team) -> None:
    first, second = make_dataset(team), make_dataset(team)
    made = start(first, second)
    Dataset.objects.filter(id=second.id).delete()
    uploads.dataset_inspect(dataset_id=made.id)
    made.refresh_from_db()
    assert made.state == "refused"
    assert "was deleted" in made.error["message"]


def test_no_space_is_said_before_anything_is_made(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditapp.storage.free_bytes", lambda: 0)
    with pytest.raises(AuditError, match="less is free"):
        start(make_dataset(team), make_dataset(team))
    assert Dataset.objects.count() == 2
