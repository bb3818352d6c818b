"""Second step, password by mail, guesses, sessions: the account of one person."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from auditapp.models import Event, User
from auditapp.services.accounts import signin_link_make, user_create, workspace_create

pytestmark = pytest.mark.django_db
EMAIL, PASSWORD = "dora@example.org", "a long enough secret"


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> None:
    cache.clear()
    settings.EMAIL_SET = True


@pytest.fixture
def dora() -> User:
    user = user_create(email=EMAIL, name="Dora", password=PASSWORD)
    workspace_create(user=user, name="Office")
    return user


def signed_in(password: str = PASSWORD) -> Client:
    client = Client()
    response = client.post(reverse("signin"), {"email": EMAIL, "password": password})
    assert response.status_code == 302, response.content.decode()
    return client


def verbs(user: User) -> list[str]:
    found = Event.objects.filter(subject="person", subject_id=user.pk).order_by("sequence")
    return list(found.values_list("verb", flat=True))


def code_of(secret: str, steps: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def confirm(client: Client) -> None:
    """Give the password again."""
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})


def set_up(client: Client) -> tuple[str, list[str]]:
    """Turn the second step on; its secret and the recovery codes."""
    confirm(client)
    page = client.get(reverse("mfa_activate_totp")).content.decode()
    secret = re.search(r'id="totp-key">([A-Z2-7]+)<', page)
    assert secret is not None
    client.post(reverse("mfa_activate_totp"), {"code": code_of(secret[1])})
    codes = client.get(reverse("mfa_view_recovery_codes")).content.decode()
    return secret[1], re.findall(r"<li><code>(\w+)</code></li>", codes)


def test_signing_in_is_noted_with_its_way(dora: User) -> None:
    signed_in()
    event = Event.objects.get(verb="signed in")
    assert event.detail == {"by_way_of": ["password"]} and event.actor == EMAIL


def test_setting_up_asks_for_the_password_once_more(dora: User) -> None:
    client = signed_in()
    response = client.get(reverse("mfa_activate_totp"))
    assert response["Location"].startswith(reverse("account_reauthenticate"))
    page = client.get(response["Location"]).content.decode()
    assert "Confirm that it is you" in page
    wrong = client.post(response["Location"], {"password": "no"}).content.decode()
    assert "This is not your password" in wrong and "<title>Error: " in wrong
    assert 'aria-invalid="true"' in wrong
    right = client.post(response["Location"], {"password": PASSWORD})
    assert right["Location"] == reverse("mfa_activate_totp")


def test_a_second_step_is_asked_after_the_password(dora: User) -> None:
    secret, codes = set_up(signed_in())
    assert len(codes) == 10
    client = signed_in()
    assert client.get(reverse("home")).status_code == 302
    page = client.get(reverse("mfa_authenticate")).content.decode()
    assert 'autocomplete="one-time-code"' in page and "Enter your code" in page
    wrong = client.post(reverse("mfa_authenticate"), {"code": "000000"}).content.decode()
    assert "This is not the current code" in wrong
    assert "signed in" not in verbs(dora)[1:]
    done = client.post(reverse("mfa_authenticate"), {"code": code_of(secret, 1)})
    assert done["Location"] == reverse("home")
    assert client.get(reverse("home")).status_code == 200
    assert Event.objects.filter(verb="signed in").order_by("-sequence")[0].detail == {
        "by_way_of": ["password", "code"]
    }


def test_the_second_step_goes_on_to_the_page_that_was_asked_for(dora: User) -> None:
    secret, _ = set_up(signed_in())
    client = Client()
    data = {"email": EMAIL, "password": PASSWORD, "next": "/status/"}
    client.post(reverse("signin"), data)
    done = client.post(reverse("mfa_authenticate"), {"code": code_of(secret, 1)})
    assert done["Location"] == "/status/"


def test_a_recovery_code_opens_the_account_once(dora: User) -> None:
    _, codes = set_up(signed_in())
    client = signed_in()
    client.post(reverse("mfa_authenticate"), {"code": codes[0]})
    assert client.get(reverse("home")).status_code == 200
    again = signed_in()
    page = again.post(reverse("mfa_authenticate"), {"code": codes[0]}).content.decode()
    assert "This is not the current code" in page


def test_a_sign_in_link_asks_for_the_second_step_too(dora: User) -> None:
    set_up(signed_in())
    client = Client()
    response = client.post(reverse("signin-link", args=[signin_link_make(user=dora)]))
    assert response["Location"] == reverse("mfa_authenticate")
    assert client.get(reverse("home")).status_code == 302


def test_guesses_of_the_code_are_limited(dora: User) -> None:
    set_up(signed_in())
    client = signed_in()
    for _ in range(7):
        page = client.post(reverse("mfa_authenticate"), {"code": "000000"}).content.decode()
    assert "too many wrong tries" in page


def test_the_secret_of_the_second_step_is_not_in_the_database(dora: User) -> None:
    secret, codes = set_up(signed_in())
    stored = " ".join(str(a.data) for a in Authenticator.objects.all())
    assert secret not in stored and not any(code in stored for code in codes)


def test_a_lost_key_shuts_the_second_step_and_the_operator_opens_it(
    dora: User, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    secret, _ = set_up(signed_in())
    settings.SECRET_KEY = "another key altogether"
    client = signed_in()
    page = client.post(reverse("mfa_authenticate"), {"code": code_of(secret, 1)})
    assert "This is not the current code" in page.content.decode()
    call_command("signin_link", EMAIL, "--forget-second-step")
    assert "The second step is off." in capsys.readouterr().err
    assert signed_in().get(reverse("home")).status_code == 200
    assert "second step removed" in verbs(dora)


def test_a_former_key_still_reads_the_second_step(dora: User, settings: Any) -> None:
    secret, _ = set_up(signed_in())
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key altogether"
    client = signed_in()
    client.post(reverse("mfa_authenticate"), {"code": code_of(secret, 1)})
    assert client.get(reverse("home")).status_code == 200


def test_turning_it_off_takes_the_codes_along_and_is_noted(
    dora: User, django_capture_on_commit_callbacks: Any
) -> None:
    client = signed_in()
    with django_capture_on_commit_callbacks(execute=True):
        set_up(client)
    page = client.get(reverse("mfa_deactivate_totp")).content.decode()
    assert "Turn off the second step" in page
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.exists()
    assert signed_in().get(reverse("home")).status_code == 200
    assert [v for v in verbs(dora) if "step" in v] == ["second step added", "second step removed"]


def test_new_recovery_codes_make_the_old_ones_void(
    dora: User, django_capture_on_commit_callbacks: Any
) -> None:
    client = signed_in()
    _, codes = set_up(client)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("mfa_generate_recovery_codes"))
    page = client.get(reverse("mfa_view_recovery_codes")).content.decode()
    assert codes[0] not in page
    download = client.get(reverse("mfa_download_recovery_codes"))
    assert download["Content-Type"].startswith("text/plain")
    assert "recovery codes renewed" in verbs(dora)


def test_pages_of_the_second_step_are_ours_and_shut_to_strangers(dora: User) -> None:
    client = signed_in()
    set_up(client)
    for name in ("mfa_index", "mfa_deactivate_totp", "mfa_generate_recovery_codes"):
        assert "- Evenhand</title>" in client.get(reverse(name)).content.decode()
        assert Client().get(reverse(name)).status_code == 302
    assert Client().get(reverse("mfa_authenticate"))["Location"] == reverse("account_login")


def reset_address() -> str:
    found = re.search(r"http://testserver(/password/reset/key/\S+)", str(mail.outbox[-1].body))
    assert found is not None
    return found[1]


def test_a_password_is_reset_by_mail(dora: User) -> None:
    old = signed_in()
    link = signin_link_make(user=dora)
    sent = Client().post(reverse("account_reset_password"), {"email": "Dora@Example.org"})
    assert sent["Location"] == reverse("account_reset_password_done")
    assert mail.outbox[-1].subject == "A new password for Evenhand"
    address, client = reset_address(), Client()
    page = client.get(address, follow=True)
    assert EMAIL in page.content.decode()
    form = page.redirect_chain[-1][0]
    weak = client.post(form, {"password1": "12345678", "password2": "12345678"})
    assert "<title>Error: " in weak.content.decode()
    new = "quite another secret"
    client.post(form, {"password1": new, "password2": new})
    assert signed_in(new).get(reverse("home")).status_code == 200
    assert old.get(reverse("home")).status_code == 302
    assert Client().post(reverse("signin-link", args=[link])).status_code == 410
    assert "no longer works" in Client().get(address).content.decode()
    assert "password reset" in verbs(dora)


def test_a_reset_does_not_go_around_the_second_step(dora: User) -> None:
    set_up(signed_in())
    Client().post(reverse("account_reset_password"), {"email": EMAIL})
    client = Client()
    form = client.get(reset_address(), follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": "quite another secret", "password2": "quite another secret"})
    assert client.get(reverse("home")).status_code == 302
    assert signed_in("quite another secret").get(reverse("home")).status_code == 302


def test_asking_for_a_mail_does_not_keep_anybody_from_the_second_step(dora: User) -> None:
    Client().post(reverse("account_reset_password"), {"email": EMAIL})
    _, codes = set_up(signed_in())
    assert len(codes) == 10


def test_a_stranger_cannot_tell_which_addresses_have_an_account(dora: User) -> None:
    sent = Client().post(reverse("account_reset_password"), {"email": "nobody@example.org"})
    assert sent["Location"] == reverse("account_reset_password_done")
    assert mail.outbox == []


def test_a_mail_server_that_is_down_makes_no_error_page(dora: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    sent = Client().post(reverse("account_reset_password"), {"email": EMAIL})
    assert sent["Location"] == reverse("account_reset_password_done")


def test_without_mail_the_page_names_the_operator(settings: Any) -> None:
    settings.EMAIL_SET = False
    page = Client().get(reverse("account_reset_password")).content.decode()
    assert "manage.py signin_link EMAIL" in page


def test_asking_for_mails_is_limited(dora: User) -> None:
    for _ in range(7):
        response = Client().post(reverse("account_reset_password"), {"email": EMAIL})
    assert response.status_code == 429
    assert "There were too many tries" in response.content.decode()
    assert len(mail.outbox) == 5


def test_guesses_of_the_current_password_are_limited(dora: User) -> None:
    client = signed_in()
    data = {"name": "Dora", "old_password": "wrong", "new_password": "another long secret"}
    for _ in range(5):
        page = client.post(reverse("account"), data).content.decode()
        assert "not the current password" in page
    data["old_password"] = PASSWORD
    assert "too many tries" in client.post(reverse("account"), data).content.decode()
    assert User.objects.get(email=EMAIL).check_password(PASSWORD)


def test_the_right_password_clears_the_count(dora: User) -> None:
    client = signed_in()
    data = {"name": "Dora", "old_password": "wrong", "new_password": "another long secret"}
    for _ in range(4):
        client.post(reverse("account"), data)
    data["old_password"] = PASSWORD
    assert client.post(reverse("account"), data).status_code == 302
    data["old_password"] = "wrong"
    assert "not the current password" in client.post(reverse("account"), data).content.decode()


def test_guesses_in_front_of_the_second_step_are_limited_too(dora: User) -> None:
    client = signed_in()
    for _ in range(6):
        response = client.post(reverse("account_reauthenticate"), {"password": "wrong"})
    assert "too many" in response.content.decode().lower()


def test_the_link_page_names_the_account(dora: User) -> None:
    page = Client().get(reverse("signin-link", args=[signin_link_make(user=dora)]))
    assert EMAIL in page.content.decode()


def test_a_link_for_somebody_else_signs_the_first_one_out(dora: User) -> None:
    other = user_create(email="eve@example.org", password=PASSWORD)
    client = signed_in()
    address = reverse("signin-link", args=[signin_link_make(user=other)])
    assert f"You are signed in as {EMAIL}" in client.get(address).content.decode()
    client.post(address)
    assert client.get(reverse("account")).context["user"] == other


def test_every_other_session_can_be_ended(dora: User) -> None:
    here, there = signed_in(), signed_in()
    link = signin_link_make(user=dora)
    here.post(reverse("sessions-end"))
    assert here.get(reverse("home")).status_code == 200
    assert there.get(reverse("home")).status_code == 302
    assert Client().post(reverse("signin-link", args=[link])).status_code == 410
    assert "signed out everywhere" in verbs(dora)
    assert signed_in().get(reverse("home")).status_code == 200


def test_a_closed_account_stays_outside(dora: User) -> None:
    User.objects.filter(pk=dora.pk).update(is_active=False)
    page = Client().post(reverse("signin"), {"email": EMAIL, "password": PASSWORD})
    assert "This account is closed" in page.content.decode()
    Client().post(reverse("account_reset_password"), {"email": EMAIL})
    assert mail.outbox == []
