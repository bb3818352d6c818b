"""Accounts, workspaces and sign-in links."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.utils import timezone

from auditapp.models import Member, SignInLink, User
from auditapp.services import accounts, upkeep

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return accounts.user_create(email="ada@example.org")


def test_a_sign_in_link_works_once(ada: User) -> None:
    token = accounts.signin_link_make(user=ada)
    assert accounts.signin_link_user(token=token) is not None
    assert accounts.signin_link_use(token=token) == ada
    assert accounts.signin_link_user(token=token) is None
    assert accounts.signin_link_use(token=token) is None


def test_looking_at_a_sign_in_link_does_not_consume_it(ada: User) -> None:
    token = accounts.signin_link_make(user=ada)
    accounts.signin_link_user(token=token)
    assert accounts.signin_link_use(token=token) == ada


def test_only_the_hash_of_a_sign_in_link_is_stored(ada: User) -> None:
    token = accounts.signin_link_make(user=ada)
    link = SignInLink.objects.get()
    assert token not in (link.token_hash, str(link.id))
    assert len(link.token_hash) == 64


def test_a_sign_in_link_lasts_fifteen_minutes(ada: User) -> None:
    token = accounts.signin_link_make(user=ada)
    link = SignInLink.objects.get()
    left = (link.expires - timezone.now()).total_seconds()
    assert 14.5 * 60 < left <= 15 * 60
    link.expires = timezone.now() - timedelta(seconds=1)
    link.save()
    assert accounts.signin_link_use(token=token) is None


def test_an_unknown_sign_in_link_opens_nothing(ada: User) -> None:
    accounts.signin_link_make(user=ada)
    assert accounts.signin_link_use(token="guess") is None


def test_a_closed_account_cannot_be_entered(ada: User) -> None:
    token = accounts.signin_link_make(user=ada)
    User.objects.update(is_active=False)
    assert accounts.signin_link_use(token=token) is None


def test_workspaces_of_one_name_get_different_addresses(ada: User) -> None:
    first = accounts.workspace_create(user=ada, name="Audits")
    second = accounts.workspace_create(user=ada, name="Audits")
    assert first.slug == "audits"
    assert second.slug.startswith("audits-")
    assert Member.objects.get(workspace=first).role == "owner"


def test_signin_link_prints_a_link_that_works(capsys: Any, ada: User) -> None:
    call_command("signin_link", "ADA@example.org")
    address = capsys.readouterr().out.strip()
    assert accounts.signin_link_use(token=address.rstrip("/").rsplit("/", 1)[1]) == ada


def test_signin_link_makes_an_account_only_when_told(capsys: Any) -> None:
    with pytest.raises(CommandError, match="--create"):
        call_command("signin_link", "new@example.org")
    call_command("signin_link", "new@example.org", "--create")
    user = User.objects.get(email="new@example.org")
    assert user.workspaces.count() == 1
    call_command("signin_link", "new@example.org", "--create")
    assert user.workspaces.count() == 1


def test_signin_link_refuses_what_is_no_address() -> None:
    with pytest.raises(CommandError, match="no email address"):
        call_command("signin_link", "ada", "--create")


def test_tidying_up_forgets_sessions_that_ran_out() -> None:
    for days in (-1, 1):
        session = SessionStore()
        session["x"] = 1
        session.set_expiry(timezone.now() + timedelta(days=days))
        session.save()
    upkeep.sweep()
    assert [s.expire_date > timezone.now() for s in Session.objects.all()] == [True]
