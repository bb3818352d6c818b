"""The trail is chained: what is changed, removed or moved shows."""

from __future__ import annotations

import importlib
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from auditapp import chain
from auditapp.models import Event, User, Workspace
from auditapp.services.trail import event_add, person_event, trail_check
from tests.factories import Team, make_dataset, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    team = make_team()
    for name in ("first", "second", "third", "fourth"):
        event_add(subject=make_dataset(team, name=name), verb="uploaded", user=team.bob, bytes=7)
    team.workspace.refresh_from_db()
    return team


def rows(team: Team) -> list[Event]:
    return list(Event.objects.filter(workspace=team.workspace).order_by("sequence"))


def tamper(event: Event, **fields: Any) -> None:
    """Change a row behind the application's back."""
    Event._base_manager.filter(pk=event.pk).update(**fields)


def verify(*arguments: str) -> str:
    out = StringIO()
    call_command("verify_trail", *arguments, stdout=out)
    return out.getvalue()


def test_rows_are_numbered_and_each_carries_the_hash_before_it(team: Team) -> None:
    found = rows(team)
    assert [event.sequence for event in found] == [1, 2, 3, 4, 5]
    assert found[0].previous_hash == chain.START
    assert [e.previous_hash for e in found[1:]] == [e.hash for e in found[:-1]]
    assert (team.workspace.trail_length, team.workspace.trail_head) == (5, found[-1].hash)
    assert trail_check(workspace=team.workspace) is None


def test_workspaces_have_a_chain_each(team: Team) -> None:
    assert Event.objects.filter(workspace__name="Elsewhere").get().sequence == 1
    assert verify().count("rows hold") == 2


@pytest.mark.parametrize(
    "field, value",
    [
        ("verb", "deleted"),
        ("name", "other"),
        ("actor", "charlie@example.org"),
        ("detail", {"bytes": 8}),
        ("at", "2020-01-01T00:00:00Z"),
        ("subject", "model"),
        ("hash", "f" * 64),
    ],
)
def test_a_changed_row_is_found(team: Team, field: str, value: Any) -> None:
    tamper(rows(team)[2], **{field: value})
    fault = trail_check(workspace=team.workspace)
    assert fault is not None and (fault.kind, fault.sequence) == ("changed", 3)


@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_removed_row_is_found_even_the_newest(team: Team, place: int) -> None:
    with connection.cursor() as cursor:
        key = rows(team)[place].pk
        cursor.execute(
            "DELETE FROM auditapp_event WHERE id = %s",
            [key.hex if connection.vendor == "sqlite" else key],
        )
    fault = trail_check(workspace=team.workspace)
    assert fault is not None and (fault.kind, fault.sequence) == ("removed", place + 1)


def test_reordered_rows_are_found(team: Team) -> None:
    found = rows(team)
    tamper(found[1], sequence=99)
    tamper(found[2], sequence=2)
    tamper(found[1], sequence=3)
    fault = trail_check(workspace=team.workspace)
    assert fault is not None and (fault.kind, fault.sequence) == ("reordered", 2)


def test_a_chain_made_anew_is_found_by_a_noted_hash(team: Team) -> None:
    noted = team.workspace.trail_head
    assert trail_check(workspace=team.workspace, noted=noted) is None
    previous = chain.START
    for event in rows(team):
        values = {name: getattr(event, name) for name in chain.FIELDS} | {"actor": "nobody"}
        hashed = chain.digest(previous, values)
        tamper(event, actor="nobody", previous_hash=previous, hash=hashed)
        previous = hashed
    Workspace.objects.filter(id=team.workspace.id).update(trail_head=previous)
    assert trail_check(workspace=team.workspace) is None
    fault = trail_check(workspace=team.workspace, noted=noted)
    assert fault is not None and fault.kind == "replaced"
    with pytest.raises(CommandError):
        verify("--workspace", team.workspace.slug, "--noted", noted)


def test_the_command_says_where_and_fails(team: Team) -> None:
    assert f"newest hash {team.workspace.trail_head}" in verify()
    tamper(rows(team)[1], verb="deleted")
    out = StringIO()
    with pytest.raises(CommandError) as failed:
        call_command("verify_trail", stdout=out)
    assert failed.value.returncode == 3
    assert "audit-office: BROKEN, row 2 is not as it was written." in out.getvalue()
    assert "elsewhere: 1 rows hold" in out.getvalue()


@pytest.mark.parametrize("arguments", [("--workspace", "no-such"), ("--noted", "ab")])
def test_the_command_refuses_what_it_cannot_check(team: Team, arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError) as failed:
        verify(*arguments)
    assert failed.value.returncode == 2


def test_rows_cannot_be_changed_or_deleted_through_the_models(team: Team) -> None:
    event = rows(team)[0]
    for attempt in (
        event.save,
        event.delete,
        Event.objects.all().delete,
        lambda: Event.objects.all().update(verb="x"),
        lambda: Event.objects.bulk_create([]),
        lambda: Event.objects.bulk_update([], []),
    ):
        with pytest.raises(TypeError):
            attempt()


def test_the_trail_outlives_an_account(team: Team) -> None:
    User.objects.filter(id=team.bob.id).delete()
    assert rows(team)[2].user is None and rows(team)[2].actor == "bob@example.org"
    assert trail_check(workspace=team.workspace) is None


def test_a_person_is_noted_in_every_workspace_they_are_in(team: Team) -> None:
    person_event(user=team.bob, verb="signed in", method="password")
    newest = rows(team)[-1]
    assert (newest.subject, newest.name, newest.actor) == ("person", "Bob", "bob@example.org")
    assert Event.objects.filter(verb="signed in").count() == 1


def test_odd_details_and_names_keep_their_hash(team: Team) -> None:
    event_add(
        subject=team.workspace, verb="odd", user=None, when=team.workspace.created_at,
        text="ü \u202e \U0001f600", number=0.1, key=team.workspace.id, nothing=None, many=[1, 2.5],
    )  # fmt: skip
    assert trail_check(workspace=team.workspace) is None


def test_the_migration_chains_rows_that_are_there(team: Team) -> None:
    target = ("auditapp", "0004_accounts_trail")
    old = MigrationLoader(connection).project_state(target).apps
    before = [(e.sequence, e.hash) for e in rows(team)]
    for number, event in enumerate(Event.objects.order_by("at")):
        tamper(event, sequence=100 + number, hash="", previous_hash="", actor="")
    Workspace.objects.update(trail_length=0, trail_head="")
    importlib.import_module(".".join(("auditapp.migrations", target[1]))).chain_rows(old, None)
    assert [(e.sequence, e.hash) for e in rows(team)] == before
    assert verify().count("rows hold") == 2
