"""Signing in, out, and one's own account."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from auditapp.models import User
from auditapp.services.accounts import signin_link_make, user_create, workspace_create
from tests.factories import make_team

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough secret"


@pytest.fixture(autouse=True)
def _no_old_tries() -> None:
    cache.clear()


@pytest.fixture
def dora() -> Client:
    user = user_create(email="dora@example.org", name="Dora", password=PASSWORD)
    workspace_create(user=user, name="Office")
    return Client()


def test_email_and_password_open_the_door(dora: Client) -> None:
    response = dora.post(
        reverse("signin"), {"email": "Dora@Example.org", "password": PASSWORD}, follow=True
    )
    assert response.redirect_chain == [(reverse("home"), 302)]
    assert "Office" in response.content.decode()


def test_a_wrong_password_says_so_at_the_top(dora: Client) -> None:
    page = dora.post(reverse("signin"), {"email": "dora@example.org", "password": "no"})
    text = page.content.decode()
    assert "<title>Error: Sign in" in text
    assert "do not belong together" in text
    assert 'id="error-summary"' in text


def test_an_unknown_address_reads_like_a_wrong_password(dora: Client) -> None:
    pages = [
        dora.post(reverse("signin"), {"email": email, "password": "no"}).content.decode()
        for email in ("dora@example.org", "nobody@example.org")
    ]
    assert all("do not belong together" in page for page in pages)


def test_empty_fields_are_named_at_the_field_and_at_the_top(dora: Client) -> None:
    text = dora.post(reverse("signin"), {}).content.decode()
    assert text.count("Enter your email address") == 2
    assert 'href="#id_email"' in text
    assert 'aria-invalid="true"' in text


def test_too_many_tries_are_stopped(dora: Client) -> None:
    for _ in range(12):
        page = dora.post(reverse("signin"), {"email": "dora@example.org", "password": "no"})
    assert "too many failed tries" in page.content.decode()


def test_it_goes_on_to_the_page_that_was_asked_for(dora: Client) -> None:
    data = {"email": "dora@example.org", "password": PASSWORD, "next": "/status/"}
    assert dora.post(reverse("signin"), data)["Location"] == "/status/"


def test_it_never_goes_on_to_another_site(dora: Client) -> None:
    data = {"email": "dora@example.org", "password": PASSWORD, "next": "https://elsewhere.test/"}
    assert dora.post(reverse("signin"), data)["Location"] == reverse("home")


@pytest.mark.parametrize("wanted", ["no-such-name", "//elsewhere.test/", "/\\elsewhere.test/"])
def test_an_odd_place_to_go_on_to_is_the_list_of_audits(dora: Client, wanted: str) -> None:
    data = {"email": "dora@example.org", "password": PASSWORD, "next": wanted}
    assert dora.post(reverse("signin"), data)["Location"] == reverse("home")
    assert dora.get(reverse("signin"), {"next": wanted})["Location"] == reverse("home")


def test_opening_a_link_consumes_nothing_and_the_button_works_once() -> None:
    team = make_team()
    address = reverse("signin-link", args=[signin_link_make(user=team.alice)])
    for _ in range(2):
        assert "This link signs you in once" in Client().get(address).content.decode()
    client = Client()
    assert client.post(address).status_code == 302
    assert client.get(reverse("home")).status_code == 200
    again = Client().post(address)
    assert again.status_code == 410
    assert "no longer works" in again.content.decode()


def test_signing_out_ends_the_session() -> None:
    team = make_team()
    client = Client()
    client.force_login(team.alice)
    client.post(reverse("signout"))
    assert client.get(reverse("home")).status_code == 302


def test_someone_without_a_password_can_set_one() -> None:
    team = make_team()
    client = Client()
    client.force_login(team.alice)
    response = client.post(
        reverse("account"), {"name": "Alice A.", "new_password": PASSWORD}, follow=True
    )
    assert "Your account is saved." in response.content.decode()
    team.alice.refresh_from_db()
    assert team.alice.check_password(PASSWORD)
    assert team.alice.name == "Alice A."


def test_a_password_is_changed_only_with_the_old_one(dora: Client) -> None:
    dora.post(reverse("signin"), {"email": "dora@example.org", "password": PASSWORD})
    data = {"name": "Dora", "old_password": "wrong", "new_password": "another long secret"}
    assert "not the current password" in dora.post(reverse("account"), data).content.decode()
    data["old_password"] = PASSWORD
    assert dora.post(reverse("account"), data).status_code == 302


def test_a_new_password_ends_other_sessions_and_open_links(dora: Client) -> None:
    other = Client()
    for client in (dora, other):
        client.post(reverse("signin"), {"email": "dora@example.org", "password": PASSWORD})
    link = signin_link_make(user=User.objects.get(email="dora@example.org"))
    data = {"name": "", "old_password": PASSWORD, "new_password": "another long secret"}
    dora.post(reverse("account"), data)
    assert dora.get(reverse("home")).status_code == 200
    assert other.get(reverse("home")).status_code == 302
    assert Client().post(reverse("signin-link", args=[link])).status_code == 410


def test_a_weak_password_is_refused() -> None:
    team = make_team()
    client = Client()
    client.force_login(team.alice)
    page = client.post(reverse("account"), {"name": "", "new_password": "12345678"})
    assert "Error:" in page.content.decode()


def test_the_theme_is_remembered() -> None:
    client = Client()
    client.post(reverse("theme"), {"theme": "dark"})
    assert 'data-theme="dark"' in client.get(reverse("signin")).content.decode()
    client.post(reverse("theme"), {"theme": ""})
    assert "data-theme" not in client.get(reverse("signin")).content.decode()
