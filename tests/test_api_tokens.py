"""Tokens: shown once, kept as a hash, never in a log; limits; requests that come twice."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from auditapp.api import limits
from auditapp.errors import AuditError
from auditapp.logs import hide_secrets
from auditapp.models import ApiToken, Audit, Dataset, Event, IdempotencyKey
from auditapp.services import idempotency
from auditapp.services.tokens import SCOPES, hashed, token_create, token_find, token_revoke
from tests.api import PROFILE, START, Program, make_token, yesterday
from tests.factories import Team, make_dataset, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    cache.clear()


def make(team: Team, **fields: Any) -> tuple[ApiToken, str]:
    values = {"user": team.bob, "name": "CI", "scopes": ["read"], "days": 30, **fields}
    return token_create(workspace=team.workspace, **values)


def test_only_a_hash_is_kept(team: Team) -> None:
    token, secret = make(team)
    stored = ApiToken.objects.filter(id=token.id).values().get()
    assert secret.startswith(f"{token.prefix}_")
    assert len(secret) >= 40
    assert stored["token_hash"] == hashed(secret)
    assert all(secret not in str(value) for value in stored.values())
    assert token_find(secret=secret) == token
    assert token_find(secret=secret + "x") is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"scopes": []}, "no-scope"),
        ({"scopes": ["read", "everything"]}, "no-scope"),
        ({"days": 0}, "token-days"),
        ({"days": 400}, "token-days"),
    ],
)
def test_a_token_without_sense_is_refused(team: Team, change: dict[str, Any], code: str) -> None:
    with pytest.raises(AuditError) as caught:
        make(team, **change)
    assert caught.value.code == code


def test_a_viewer_makes_tokens_that_read(team: Team) -> None:
    make(team, user=team.vera)
    for user in (team.vera, team.charlie):
        with pytest.raises(AuditError, match="viewer"):
            make(team, user=user, scopes=["read", "write"])


def test_what_becomes_of_a_token_is_in_the_trail(team: Team) -> None:
    token, secret = make(team)
    token_revoke(token=token, user=team.alice)
    token_revoke(token=token, user=team.alice)
    events = Event.objects.filter(verb__startswith="token").order_by("sequence")
    assert [(event.verb, event.user) for event in events] == [
        ("token made", team.bob),
        ("token revoked", team.alice),
    ]
    assert secret not in str([event.detail for event in events])


def test_no_token_reaches_a_log(
    team: Team, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = make(team)
    wrong = "evh_12345678_" + "w" * 40

    def fail(**_: Any) -> None:
        raise RuntimeError(f"token {secret} in an error")

    with caplog.at_level(logging.DEBUG):
        Program(secret).get("/token")
        Program(wrong).get("/token")
        Program(secret).post("/audits", {"dataset": secret})
        Client().get(f"/api/v1/{wrong}/")
        monkeypatch.setattr("auditapp.selectors.datasets_for", fail)
        Program(secret).get("/datasets")
    lines = [hide_secrets(None, "", {"event": r.getMessage(), **vars(r)}) for r in caplog.records]
    shown = [str(line["event"]) for line in lines]
    assert shown
    assert not any(secret in line or wrong in line for line in shown)


@pytest.mark.parametrize("text", ["GET /x?token=evh_1234abcd_SeCret-0_9 took 3 ms", "evh_1_S:"])
def test_logs_hide_what_looks_like_a_token(text: str) -> None:
    line = hide_secrets(None, "info", {"event": text})["event"]
    assert "SeCret" not in line
    assert "evh_1" not in line or "[hidden]" in line


def test_requests_are_limited(team: Team, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.API_REQUESTS_PER_MINUTE, settings.API_CHANGES_PER_MINUTE = 3, 1
    monkeypatch.setattr(limits.time, "time", lambda: 1_000_000_015.0)
    program = make_token(team.workspace, team.bob)[1]
    other = make_token(team.workspace, team.bob)[1]
    assert [program.get("/token").status_code for _ in range(4)] == [200, 200, 200, 429]
    found = program.get("/token")
    assert found.json()["code"] == "too-many-requests"
    assert 1 <= int(found.headers["Retry-After"]) <= 60
    assert other.get("/token").status_code == 200
    assert other.delete(f"/datasets/{make_dataset(team).id}").status_code == 204
    assert other.delete(f"/datasets/{make_dataset(team).id}").status_code == 429
    monkeypatch.setattr(limits.time, "time", lambda: 1_000_000_080.0)
    assert program.get("/token").status_code == 200


def test_guesses_are_limited_by_address(team: Team, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    guesses = [Program(f"evh_0_{i}").get("/token").status_code for i in range(3)]
    assert guesses == [401, 401, 429]
    assert make_token(team.workspace, team.bob)[1].get("/token").status_code == 200


def test_a_broken_cache_takes_nothing_down(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ConnectionError("no Redis")

    monkeypatch.setattr(limits.cache, "add", fail)
    assert make_token(team.workspace, team.bob)[1].get("/token").status_code == 200


def test_a_start_that_comes_twice_starts_once(team: Team) -> None:
    program = make_token(team.workspace, team.bob)[1]
    body = {**START, "dataset": str(make_dataset(team, profile=PROFILE).id)}
    first = program.post("/audits", body, key="night-7")
    second = program.post("/audits", body, key="night-7")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.headers["Location"] == first.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert Audit.objects.count() == 1
    third = program.post("/audits", body, key="night-8")
    assert third.json()["id"] != first.json()["id"]


def test_an_upload_that_comes_twice_is_kept_once(team: Team, settings: Any) -> None:
    program = make_token(team.workspace, team.bob)[1]
    first = program.upload("/datasets", b"a\n1\n", key="k", filename="a.csv").json()
    again = program.upload("/datasets", b"a\n1\n", key="k", filename="a.csv").json()
    assert again == first
    assert Dataset.objects.count() == 1
    other = program.upload("/datasets", b"a\n2\n", key="k", filename="a.csv")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    other = program.upload("/datasets", b"a\n1\n", key="k", filename="b.csv")
    assert other.json()["code"] == "idempotency-key-reused"
    assert not list(settings.TEMP_DIR.glob("api-*"))


def test_a_refused_request_may_come_again_with_its_key(team: Team) -> None:
    program = make_token(team.workspace, team.bob)[1]
    dataset = make_dataset(team, profile=None, state="checking")
    body = {**START, "dataset": str(dataset.id)}
    assert program.post("/audits", body, key="k").status_code == 409
    assert not IdempotencyKey.objects.exists()
    Dataset.objects.filter(id=dataset.id).update(state="ready", profile=PROFILE)
    assert program.post("/audits", body, key="k").status_code == 201


def test_keys_are_of_one_token_and_end_after_a_day(team: Team) -> None:
    body = {**START, "dataset": str(make_dataset(team, profile=PROFILE).id)}
    program = make_token(team.workspace, team.bob)[1]
    first = program.post("/audits", body, key="k").json()["id"]
    other = make_token(team.workspace, team.alice)[1].post("/audits", body, key="k").json()["id"]
    IdempotencyKey.objects.update(created_at=yesterday())
    later = program.post("/audits", body, key="k").json()["id"]
    assert len({first, other, later}) == 3
    assert idempotency.keys_forget() == 1


@pytest.mark.parametrize("key", ["with blank", "é", "x" * 201])
def test_a_key_has_a_form(team: Team, key: str) -> None:
    program = make_token(team.workspace, team.bob)[1]
    response = program.upload("/datasets", b"a\n1\n", key=key, filename="a.csv")
    assert response.status_code == 422
    assert not Dataset.objects.exists()


def test_the_second_of_two_at_once_gets_the_answer_of_the_first(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = make_token(team.workspace, team.bob)[1]
    body = {**START, "dataset": str(make_dataset(team, profile=PROFILE).id)}
    first = program.post("/audits", body, key="same").json()
    known, calls = idempotency.known, []

    def late(**given: Any) -> Any:
        calls.append(given)
        return None if len(calls) == 1 else known(**given)

    monkeypatch.setattr(idempotency, "known", late)
    assert program.post("/audits", body, key="same").json() == first
    assert len(calls) == 2
    assert Audit.objects.count() == 1


def test_a_token_is_made_on_its_page_and_shown_once(team: Team, client: Client) -> None:
    client.force_login(team.bob)
    page = client.post(reverse("tokens"), {"name": "Nightly", "access": "write", "days": "30"})
    token = ApiToken.objects.get()
    assert (token.name, token.scopes, token.user) == ("Nightly", ["read", "write"], team.bob)
    text = page.content.decode()
    secret = text.split('id="new-token" tabindex="0">')[1].split("<")[0]
    assert token_find(secret=secret) == token
    assert "no-store" in page.headers["Cache-Control"]
    again = client.get(reverse("tokens")).content.decode()
    assert secret not in again
    assert token.prefix in again


def test_the_page_says_what_is_missing(team: Team, client: Client) -> None:
    client.force_login(team.bob)
    page = client.post(reverse("tokens"), {"name": "", "access": "read", "days": "30"})
    assert page.status_code == 422
    assert "Enter what the token is for" in page.content.decode()
    assert not ApiToken.objects.exists()


def test_a_viewer_is_offered_reading_only(team: Team, client: Client) -> None:
    client.force_login(team.vera)
    assert "Read and write" not in client.get(reverse("tokens")).content.decode()
    page = client.post(reverse("tokens"), {"name": "x", "access": "write", "days": "30"})
    assert page.status_code == 422
    assert not ApiToken.objects.exists()


def test_tokens_are_revoked_by_their_user_and_by_owners(team: Team, client: Client) -> None:
    token, secret = make(team)
    for user, status in ((team.charlie, 404), (team.vera, 404), (team.alice, 302)):
        client.force_login(user)
        page = client.post(reverse("token-revoke", args=[token.id]))
        assert page.status_code == status
    assert Program(secret).get("/token").json()["code"] == "revoked-token"
    mine, _ = make(team)
    client.force_login(team.bob)
    client.post(reverse("token-revoke", args=[mine.id]))
    mine.refresh_from_db()
    assert not mine.works


def test_an_owner_sees_the_tokens_of_the_workspace(team: Team, client: Client) -> None:
    make(team, name="Of Bob")
    for user, seen in ((team.alice, True), (team.bob, True), (team.vera, False)):
        client.force_login(user)
        assert ("Of Bob" in client.get(reverse("tokens")).content.decode()) is seen


def test_scopes_are_a_fixed_list() -> None:
    assert SCOPES == ("read", "write", "admin")
