"""A program that talks to the API, for tests."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from auditapp.models import ApiToken, User, Workspace
from auditapp.services.tokens import SCOPES, token_create
from tests.profiles import column

BASE = "/api/v1"
#: A profile that the column checks of a plan can be made with.
PROFILE: dict[str, Any] = {
    "schema": "evenhand/profile/1",
    "name": "people.csv",
    "bytes": 7,
    "sha256": "0" * 64,
    "format": "csv",
    "read": {},
    "rows": 3,
    "columns": [
        column("sex", {"f": 2, "m": 1}, guess="sensitive"),
        column("hired", {"no": 2, "yes": 1}, guess="decision"),
    ],
    "notices": [],
    "recognised": None,
}
START: dict[str, Any] = {
    "prediction": "hired",
    "favourable_decision": ["yes"],
    "sensitive": ["sex"],
    "title": "Hiring",
}


class Program:
    """A client with a token."""

    def __init__(self, secret: str = "") -> None:
        self.client = Client()
        self.headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.client.get(f"{BASE}{path}", query, headers=self.headers)

    def post(self, path: str, body: Any = None, key: str = "", **query: Any) -> HttpResponse:
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        return self.client.post(
            f"{BASE}{path}",
            json.dumps({} if body is None else body),
            content_type="application/json",
            headers=headers,
            query_params=query,
        )

    def upload(self, path: str, content: bytes, key: str = "", **query: Any) -> HttpResponse:
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        return self.client.post(
            f"{BASE}{path}",
            content,
            content_type="application/octet-stream",
            headers=headers,
            query_params=query,
        )

    def patch(self, path: str, body: Any) -> HttpResponse:
        return self.client.patch(
            f"{BASE}{path}",
            json.dumps(body),
            content_type="application/json",
            headers=self.headers,
        )

    def delete(self, path: str) -> HttpResponse:
        return self.client.delete(f"{BASE}{path}", headers=self.headers)


def make_token(
    workspace: Workspace, user: User, scopes: tuple[str, ...] = SCOPES, **fields: Any
) -> tuple[ApiToken, Program]:
    """A token and the program that has it."""
    token, secret = token_create(
        workspace=workspace, user=user, name="Nightly", scopes=scopes, days=30
    )
    if fields:
        ApiToken.objects.filter(id=token.id).update(**fields)
        token.refresh_from_db()
    return token, Program(secret)


def yesterday() -> Any:
    """A day ago."""
    return timezone.now() - timedelta(days=1)
