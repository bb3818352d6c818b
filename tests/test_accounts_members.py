"""Invitations, roles, leaving: who is in a workspace, and who may say so."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from auditapp.errors import AuditError
from auditapp.models import Event, Invitation, Member, User
from auditapp.models.team import Role
from auditapp.services import members
from tests.factories import Team, make_team

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough secret"


@pytest.fixture(autouse=True)
def _no_old_tries() -> None:
    cache.clear()


@pytest.fixture
def team() -> Team:
    return make_team()


def client_of(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def member(team: Team, user: User) -> Member:
    return Member.objects.get(workspace=team.workspace, user=user)


def invite(team: Team, email: str = "nina@example.org", role: str = "auditor") -> str:
    """The address of a fresh invitation, as its page shows it once."""
    page = client_of(team.alice).post(reverse("member-invite"), {"email": email, "role": role})
    found = re.search(r"http://testserver(/invitation/[\w-]+/)", page.content.decode())
    assert found is not None
    return found[1]


def newest(team: Team) -> Event:
    return Event.objects.filter(workspace=team.workspace).latest("sequence")


def test_everybody_in_it_sees_the_members_and_only_owners_see_buttons(team: Team) -> None:
    for user in (team.bob, team.vera):
        page = client_of(user).get(reverse("members")).content.decode()
        assert "alice@example.org" in page and "Invite somebody" not in page
    assert "Invite somebody" in client_of(team.alice).get(reverse("members")).content.decode()


def test_strangers_and_people_outside_reach_nothing(team: Team) -> None:
    invite(team)
    invitation = Invitation.objects.get()
    bob = member(team, team.bob)
    addresses = [
        reverse("member-role", args=[bob.id]),
        reverse("member-remove", args=[bob.id]),
        reverse("invitation-withdraw", args=[invitation.id]),
    ]
    for address in addresses:
        assert client_of(team.charlie).post(address, {"role": "owner"}).status_code == 404
        assert client_of(team.vera).post(address, {"role": "owner"}).status_code == 403
        assert client_of(None).post(address).status_code == 302
    data = {"email": "x@example.org", "role": "owner"}
    assert client_of(team.bob).post(reverse("member-invite"), data).status_code == 403
    assert member(team, team.bob).role == Role.AUDITOR
    assert Invitation.objects.count() == 1


def test_nobody_raises_their_own_role(team: Team) -> None:
    for user in (team.bob, team.vera):
        address = reverse("member-role", args=[member(team, user).id])
        assert client_of(user).post(address, {"role": "owner"}).status_code == 403
        assert member(team, user).role != Role.OWNER


def test_an_owner_changes_a_role_and_the_trail_says_so(team: Team) -> None:
    address = reverse("member-role", args=[member(team, team.bob).id])
    page = client_of(team.alice).post(address, {"role": "viewer"}, follow=True)
    assert "Bob is a viewer now" in page.content.decode()
    event = newest(team)
    assert (event.verb, event.actor, event.name) == ("role changed", "alice@example.org", "Bob")
    assert event.detail == {"member": "bob@example.org", "before": "auditor", "role": "viewer"}
    bad = client_of(team.alice).post(address, {"role": "emperor"})
    assert bad.status_code == 422


def test_the_last_owner_stays_one(team: Team) -> None:
    own = member(team, team.alice)
    client = client_of(team.alice)
    lower = client.post(reverse("member-role", args=[own.id]), {"role": "auditor"})
    assert lower.status_code == 409 and "is the last owner of" in lower.content.decode()
    leave = client.post(reverse("member-remove", args=[own.id]))
    assert leave.status_code == 409 and "Make another member an owner" in leave.content.decode()
    assert member(team, team.alice).role == Role.OWNER
    client.post(reverse("member-role", args=[member(team, team.bob).id]), {"role": "owner"})
    assert client.post(reverse("member-remove", args=[own.id])).status_code == 302
    assert not Member.objects.filter(workspace=team.workspace, user=team.alice).exists()


def test_a_closed_account_does_not_count_as_an_owner(team: Team) -> None:
    members.role_change(member=member(team, team.bob), role=Role.OWNER, by=team.alice)
    User.objects.filter(pk=team.bob.pk).update(is_active=False)
    with pytest.raises(AuditError, match="last owner"):
        members.member_remove(member=member(team, team.alice), by=team.alice)


def test_removing_asks_first_and_shuts_the_door_at_once(team: Team) -> None:
    bob = client_of(team.bob)
    address = reverse("member-remove", args=[member(team, team.bob).id])
    assert "will see nothing of" in client_of(team.alice).get(address).content.decode()
    client_of(team.alice).post(address)
    assert "Audit office" not in bob.get(reverse("members")).content.decode()
    assert newest(team).verb == "removed"


def test_a_member_leaves(team: Team) -> None:
    address = reverse("member-remove", args=[member(team, team.vera).id])
    assert client_of(team.vera).post(address)["Location"] == reverse("home")
    assert newest(team).verb == "left" and newest(team).actor == "vera@example.org"


def test_an_invitation_makes_an_account_and_a_member_once(team: Team) -> None:
    address = invite(team, role="viewer")
    for _ in range(2):
        page = Client().get(address).content.decode()
        assert "nina@example.org" in page and "Alice invites" in page and "as viewer" in page
    client = Client()
    weak = client.post(address, {"name": "Nina", "password": "12345678"})
    assert "<title>Error: Invitation" in weak.content.decode()
    joined = client.post(address, {"name": "Nina", "password": PASSWORD}, follow=True)
    assert "You are a viewer of “Audit office” now" in joined.content.decode()
    nina = User.objects.get(email="nina@example.org")
    assert member(team, nina).role == Role.VIEWER and nina.check_password(PASSWORD)
    verbs = list(Event.objects.filter(workspace=team.workspace).values_list("verb", flat=True))
    assert verbs[:3] == ["signed in", "joined", "invited"]
    again = Client().post(address, {"password": PASSWORD})
    assert again.status_code == 410 and "no longer works" in again.content.decode()


def test_only_the_hash_of_an_invitation_is_kept_and_its_link_is_shown_once(team: Team) -> None:
    token = invite(team).split("/")[2]
    row = Invitation.objects.get()
    assert token not in (row.token_hash, str(row.id))
    assert token not in client_of(team.alice).get(reverse("members")).content.decode()
    assert token not in str(list(Event.objects.values()))


def test_somebody_with_an_account_signs_in_to_join(team: Team) -> None:
    team.charlie.set_password(PASSWORD)
    team.charlie.save()
    address = invite(team, "Charlie@Example.org")
    page = Client().get(address).content.decode()
    assert "Sign in to join" in page and 'type="password"' not in page
    stolen = Client().post(address, {"name": "", "password": "my own choice of it"})
    assert "Sign in to join" in stolen.content.decode()
    team.charlie.refresh_from_db()
    assert team.charlie.check_password(PASSWORD)
    client = Client()
    data = {"email": "charlie@example.org", "password": PASSWORD, "next": address}
    assert client.post(reverse("signin"), data)["Location"] == address
    client.post(address)
    assert member(team, team.charlie).role == Role.AUDITOR
    assert "Audit office" in client.get(reverse("members")).content.decode()


def test_somebody_else_cannot_use_an_invitation(team: Team) -> None:
    address = invite(team)
    client = client_of(team.charlie)
    page = client.get(address).content.decode()
    assert "You are signed in as charlie@example.org" in page
    client.post(address)
    assert client.get(reverse("home")).status_code == 302
    assert Member.objects.filter(workspace=team.workspace).count() == 3
    token = address.split("/")[2]
    assert members.invitation_accept(token=token, user=team.charlie) is None
    assert members.invitation_find(token=token) is not None


def test_invitations_run_out_and_can_be_withdrawn(team: Team) -> None:
    old = invite(team)
    Invitation.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert Client().get(old).status_code == 410
    assert "ran out" in client_of(team.alice).get(reverse("members")).content.decode()
    fresh = invite(team)
    assert Invitation.objects.count() == 1
    address = reverse("invitation-withdraw", args=[Invitation.objects.get().id])
    client_of(team.alice).post(address)
    assert Client().get(fresh).status_code == 410
    assert newest(team).verb == "invitation withdrawn"


def test_a_member_cannot_be_invited_again(team: Team) -> None:
    page = client_of(team.alice).post(
        reverse("member-invite"), {"email": "Bob@example.org", "role": "owner"}
    )
    assert page.status_code == 422 and "is a member of" in page.content.decode()
    empty = client_of(team.alice).post(reverse("member-invite"), {"role": "owner"})
    assert empty.content.decode().count("Enter the email address of the person") == 2


def test_the_link_goes_by_mail_where_there_is_mail(team: Team, settings: Any) -> None:
    settings.EMAIL_SET = True
    address = invite(team)
    sent = mail.outbox[-1]
    assert sent.to == ["nina@example.org"] and address in str(sent.body)
    assert sent.subject == "Alice invites you to “Audit office” in Evenhand"


def test_a_name_cannot_add_headers_to_a_mail(team: Team, settings: Any) -> None:
    settings.EMAIL_SET = True
    User.objects.filter(pk=team.alice.pk).update(name="A\r\nBcc: all@example.org")
    invite(team)
    assert mail.outbox[-1].recipients() == ["nina@example.org"]


def test_a_mail_server_that_is_down_leaves_the_link_on_the_page(team: Team, settings: Any) -> None:
    settings.EMAIL_SET = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    data = {"email": "nina@example.org", "role": "viewer"}
    page = client_of(team.alice).post(reverse("member-invite"), data).content.decode()
    assert "The mail could not be sent" in page and "/invitation/" in page


def test_old_invitations_are_forgotten(team: Team) -> None:
    invite(team)
    Invitation.objects.update(expires=timezone.now() - timedelta(days=31))
    assert members.invitations_forget() == 1


def test_a_person_in_no_workspace_sees_a_page(team: Team) -> None:
    members.member_remove(member=member(team, team.vera), by=team.alice)
    assert client_of(team.vera).get(reverse("members")).status_code == 200
    assert client_of(team.vera).get(reverse("trail")).status_code == 403
