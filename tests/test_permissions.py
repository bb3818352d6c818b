"""Every address for everyone: what an owner, an auditor, a viewer, a stranger and nobody may.

The matrix is generated from the URL configuration. A route that is not classified below fails
the test; so does one that answers somebody otherwise than its class says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from auditapp.models import Invitation, Member, User
from auditapp.services.accounts import member_add, user_create
from auditapp.services.members import invitation_make
from tests.api import make_token
from tests.comparison_rows import make_comparison
from tests.factories import Team, make_team
from tests.schedule_pages import make_alert, make_schedule, make_webhook
from tests.share_pages import make_copy, make_share
from tests.test_views_access import things

pytestmark = pytest.mark.django_db

ROLES = ("owner", "auditor", "viewer", "stranger", "anonymous")
#: May, is told that it may not, learns nothing, is asked to sign in, is asked for a token.
OK, NO, NOTHING, DOOR, KEY = "ok", "403", "404", "sign-in", "401"
STEP, AGAIN = "ok, 403 or 404", "password again"
#: What each class of page answers to each role, in the order of ROLES.
CLASSES = {
    # for anybody
    "open": (OK, OK, OK, OK, OK),
    # about the person who asks, or about the workspaces they are in
    "own": (OK, OK, OK, OK, DOOR),
    # one thing of a workspace, or one change to it
    "read": (OK, OK, OK, NOTHING, DOOR),
    "edit": (OK, OK, NO, NOTHING, DOOR),
    "rule": (OK, NO, NO, NOTHING, DOOR),
    # the current workspace; the stranger has one of their own and is its owner
    "edit-here": (OK, OK, NO, OK, DOOR),
    "rule-here": (OK, NO, NO, OK, DOOR),
    # the second step: what is there depends on how far the account is with it
    "step": (STEP, STEP, STEP, STEP, DOOR),
    # only one's own: somebody else's is not there
    "mine": (OK, NOTHING, NOTHING, NOTHING, DOOR),
    # programs come with a token, and no session counts; test_api_permissions.py has the rest
    "program": (KEY, KEY, KEY, KEY, KEY),
}
BOTH, GET, POST = ("get", "post"), ("get",), ("post",)
#: Class and methods of every route by name.
ROUTES: dict[str, tuple[str, tuple[str, ...]]] = {
    "home": ("own", GET),
    "signin": ("open", BOTH),
    "signin-link": ("open", BOTH),
    "signout": ("open", POST),
    "account": ("own", BOTH),
    "tokens": ("own", BOTH),
    "token-revoke": ("mine", POST),
    "sessions-end": ("own", POST),
    "mfa_index": ("own", GET),
    # without a sign-in under way there is nothing to confirm
    "mfa_authenticate": ("own", BOTH),
    "mfa_reauthenticate": ("step", BOTH),
    "mfa_activate_totp": ("step", BOTH),
    "mfa_deactivate_totp": ("step", BOTH),
    "mfa_view_recovery_codes": ("step", GET),
    "mfa_generate_recovery_codes": ("step", BOTH),
    "mfa_download_recovery_codes": ("step", GET),
    "account_reauthenticate": ("step", BOTH),
    "account_reset_password": ("open", BOTH),
    "account_reset_password_done": ("open", GET),
    "account_reset_password_from_key": ("open", BOTH),
    "account_reset_password_from_key_done": ("open", GET),
    "account_login": ("open", BOTH),
    "account_change_password": ("open", BOTH),
    "workspace-switch": ("own", POST),
    "workspace-settings": ("rule-here", BOTH),
    "members": ("own", GET),
    "member-role": ("rule", POST),
    "member-remove": ("rule", BOTH),
    "member-invite": ("rule-here", POST),
    "invitation-withdraw": ("rule", POST),
    "invitation": ("open", BOTH),
    "trail": ("rule-here", BOTH),
    "trail-csv": ("rule-here", GET),
    "theme": ("open", POST),
    "language": ("open", POST),
    "schedules": ("own", GET),
    "schedule-new": ("edit-here", BOTH),
    "schedule-times": ("own", GET),
    "schedule-detail": ("read", GET),
    "schedule-edit": ("edit", BOTH),
    "schedule-pause": ("edit", POST),
    "schedule-resume": ("edit", POST),
    "schedule-run-now": ("edit", POST),
    "schedule-delete": ("edit", BOTH),
    "alerts": ("own", GET),
    "alert-seen": ("edit", POST),
    "alert-accept": ("edit", POST),
    "webhooks": ("rule-here", BOTH),
    "webhook-switch": ("rule", POST),
    "webhook-delete": ("rule", BOTH),
    "audit-new": ("edit-here", BOTH),
    "audit": ("read", GET),
    "audit-data": ("edit", BOTH),
    "audit-data-state": ("edit", GET),
    "audit-data-reading": ("edit", POST),
    "audit-roles": ("edit", BOTH),
    "audit-policy": ("edit", BOTH),
    "audit-remedies": ("edit", BOTH),
    "audit-progress": ("read", GET),
    "audit-progress-fragment": ("read", GET),
    "audit-cancel": ("edit", POST),
    "audit-again": ("edit", POST),
    "audit-delete": ("edit", BOTH),
    "report": ("read", GET),
    "report-rules": ("read", GET),
    "report-rule": ("read", GET),
    "report-pdf": ("read", GET),
    "report-json": ("read", GET),
    "report-csv": ("read", GET),
    "annex-csv": ("read", GET),
    "report-final": ("edit", BOTH),
    # one that was written before reports were signed has none
    "report-signature": ("read", GET),
    "report-shares": ("edit", BOTH),
    "report-copy": ("edit", POST),
    "report-copies": ("edit", GET),
    "copy-pdf": ("read", GET),
    "copy-json": ("read", GET),
    "copy-csv": ("read", GET),
    "share-revoke": ("edit", POST),
    # whoever holds the link; what it answers without one is in test_views_shared.py
    "shared": ("open", BOTH),
    "shared-pdf": ("open", GET),
    "shared-json": ("open", GET),
    "shared-csv": ("open", GET),
    "comparisons": ("own", GET),
    "comparison-new": ("edit-here", BOTH),
    "comparison": ("read", GET),
    "comparison-now": ("read", GET),
    "comparison-again": ("edit", POST),
    "comparison-delete": ("edit", BOTH),
    "comparison-pdf": ("read", GET),
    "comparison-json": ("read", GET),
    "comparison-csv": ("read", GET),
    "data-list": ("own", GET),
    "dataset-detail": ("read", GET),
    "dataset-reading": ("edit", POST),
    "dataset-join": ("edit", BOTH),
    "dataset-join-columns": ("edit", BOTH),
    "dataset-task": ("edit", BOTH),
    "dataset-again": ("edit", POST),
    "dataset-delete": ("edit", BOTH),
    "census-load": ("edit-here", BOTH),
    "census-host": ("edit-here", GET),
    "model-detail": ("read", GET),
    "model-delete": ("edit", BOTH),
    "verify": ("open", BOTH),
    "verify-key": ("open", GET),
    "api-docs": ("open", GET),
    "api-openapi": ("open", BOTH),
    "docs": ("open", GET),
    "doc-page": ("open", GET),
    "status": ("own", GET),
    "healthz": ("open", GET),
}
#: Which of several things of a kind a route is asked about.
ASKED = {
    "audit-data": "draft", "audit-data-state": "draft", "audit-data-reading": "draft",
    "audit-roles": "draft", "audit-policy": "draft", "audit-remedies": "draft",
    "audit-progress": "waiting", "audit-progress-fragment": "waiting", "audit-cancel": "waiting",
}  # fmt: skip
#: Pages that ask for something that is not there, a token that nobody made, say.
DOORS = (reverse("signin"), reverse("account_login"))
GONE = {
    "signin-link", "invitation", "account_reset_password_from_key",
    "shared", "shared-pdf", "shared-json", "shared-csv",
}  # fmt: skip
FINE = {200, 201, 302, 303, 400, 409, 422}


def routes() -> Iterator[tuple[str, str, list[str]]]:
    """Name, path and arguments of every route, with those of included modules."""

    def walk(resolver: Any, before: str) -> Iterator[tuple[str, str, list[str]]]:
        for pattern in resolver.url_patterns:
            path = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern, path)
            elif isinstance(pattern, URLPattern):
                taken = set(pattern.pattern.converters)
                taken |= set(getattr(pattern.pattern, "regex", None).groupindex)  # type: ignore[union-attr]
                yield pattern.name or "", path, sorted(taken)

    yield from walk(get_resolver(), "")


def is_program(path: str) -> bool:
    """Whether a route belongs to the API, which has a matrix of its own."""
    return path.startswith("api/v1/") and "openapi" not in path


@pytest.fixture
def team() -> Team:
    return make_team()


def world(team: Team) -> dict[str, Any]:
    """One of everything a route can be asked about, by the name of the argument."""
    rows = things(team)
    schedule = make_schedule(team)
    invitation, _ = invitation_make(
        workspace=team.workspace, email="new@example.org", role="viewer", by=team.alice
    )
    assert isinstance(invitation, Invitation)
    # Nobody of the matrix: everybody may take themselves out.
    member = member_add(
        workspace=team.workspace, user=user_create(email="dora@example.org"), role="viewer"
    )
    assert isinstance(member, Member)
    token, _ = make_token(team.workspace, team.alice)
    return {
        **rows,
        "audit_id": rows["done"].id,
        "dataset_id": rows["dataset"].id,
        "other_id": rows["other"].id,
        "model_id": rows["model"].id,
        "member_id": member.id,
        "invitation_id": invitation.id,
        "token_id": token.id,
        "schedule_id": schedule.id,
        "alert_id": make_alert(schedule).id,
        "webhook_id": make_webhook(team).id,
        "share_id": make_share(rows["done"].report, team.alice)[0].id,
        "smallest": make_copy(rows["done"].report).smallest,
        "comparison_id": make_comparison(rows["done"], rows["waiting"]).id,
        "name": "thresholds--r-5.json",
        "annex": "ll144",
        "slug": "data",
        "token": "made-by-nobody",
        "uidb36": "zz",
        "key": "made-by-nobody",
    }


def user_of(team: Team, role: str) -> User | None:
    people = {
        "owner": team.alice, "auditor": team.bob, "viewer": team.vera, "stranger": team.charlie
    }  # fmt: skip
    return people.get(role)


def ask(session: str | None, method: str, address: str) -> Any:
    """Ask as somebody, and undo what came of it."""
    client = Client(raise_request_exception=False)
    if session is not None:
        client.cookies[settings.SESSION_COOKIE_NAME] = session
    with transaction.atomic():
        response = getattr(client, method)(address)
        response.close()
        transaction.set_rollback(True)
    return response


def answer(name: str, response: Any) -> str:
    """The class of an answer."""
    status = response.status_code
    if status in {301, 302} and response["Location"].startswith(DOORS):
        return OK if name in {"account_login", "signout"} else DOOR
    if status == 302 and response["Location"].startswith(reverse("account_reauthenticate")):
        return AGAIN
    if status in FINE or (status in {404, 410} and name in GONE):
        return OK
    return str(status)


def address_of(name: str, path: str, arguments: list[str], known: dict[str, Any]) -> str:
    """The address of a route for the things that were made."""
    if is_program(path):
        address = f"/{path}".replace("<uuidstr:", "<")
        for key in arguments:
            address = address.replace(f"<{key}>", str(known.get(key, known["audit_id"])))
        return address
    chosen = {key: known[key] for key in arguments}
    if name in ASKED:
        chosen["audit_id"] = known[ASKED[name]].id
    return reverse(name, kwargs=chosen)


def fits(name: str, got: str, expected: str, *, known_method: bool) -> bool:
    """Whether an answer is what the class of a route says."""
    if expected == KEY:
        return got in {KEY, "405"} or (name, got) == ("api-root", NOTHING)
    if not known_method:
        return got in {"405", NOTHING}
    if expected == STEP:
        return got in {OK, NO, NOTHING, AGAIN}
    # Who has to give the password again is asked to sign in by that page.
    return got == expected or (expected, got) == (DOOR, AGAIN)


def test_every_route_has_a_class_and_every_class_a_route() -> None:
    found = {name for name, path, _ in routes() if not is_program(path) and path != "^api/"}
    assert found - set(ROUTES) == set(), "classify these in ROUTES"
    assert set(ROUTES) - found == set(), "these routes are gone"


@pytest.mark.parametrize("role", ROLES)
def test_the_matrix(team: Team, role: str) -> None:
    known = world(team)
    user = user_of(team, role)
    session = None
    if user is not None:
        client = Client()
        client.force_login(user)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
    wrong, asked = [], 0
    for method in ("get", "post"):
        for name, path, arguments in routes():
            if path == "^api/":
                continue
            kind, methods = ("program", BOTH) if is_program(path) else ROUTES[name]
            if method not in methods and role != "owner":
                continue
            asked += 1
            got = answer(name, ask(session, method, address_of(name, path, arguments, known)))
            expected = CLASSES[kind][ROLES.index(role)]
            if not fits(name, got, expected, known_method=method in methods):
                wrong.append(f"{method} {name}: {got}, not {expected}")
    assert asked > 100
    assert wrong == [], "\n".join(wrong)
