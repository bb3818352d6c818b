"""Rules that the database itself keeps."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from auditapp.models import Audit, Event, User
from auditapp.services.trail import event_add
from tests.factories import make_draft, make_team

pytestmark = pytest.mark.django_db


def test_an_address_has_one_account_in_any_case() -> None:
    User.objects.create_user("Ada@Example.org")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email="ADA@example.org")


def test_it_finds_an_account_by_address_in_any_case() -> None:
    user = User.objects.create_user("ada@example.org")
    assert User.objects.get_by_natural_key("ADA@EXAMPLE.ORG") == user


def test_an_account_without_a_password_accepts_none() -> None:
    user = User.objects.create_user("ada@example.org")
    assert not user.has_usable_password()
    assert not user.check_password("")


def test_a_started_audit_has_a_plan() -> None:
    audit = make_draft(make_team())
    with pytest.raises(IntegrityError), transaction.atomic():
        Audit.objects.filter(id=audit.id).update(state="queued")


def test_an_unknown_state_is_refused() -> None:
    audit = make_draft(make_team())
    with pytest.raises(IntegrityError), transaction.atomic():
        Audit.objects.filter(id=audit.id).update(state="lost")


def test_report_ids_count_within_a_workspace() -> None:
    team = make_team()
    first, second = make_draft(team), make_draft(team)
    year = first.created_at.year
    assert [first.report_id, second.report_id] == [f"EH-{year}-0001", f"EH-{year}-0002"]


def test_the_trail_only_grows() -> None:
    team = make_team()
    event = event_add(subject=team.workspace, verb="looked at", user=team.bob)
    event.verb = "changed"
    with pytest.raises(TypeError, match="added, never changed"):
        event.save()
    assert Event.objects.get(id=event.id).verb == "looked at"
