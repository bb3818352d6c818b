"""The token itself: a first request to see whether it works."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from auditapp import selectors
from auditapp.api import shapes
from auditapp.api.answers import answers
from auditapp.api.auth import READ

router = Router(tags=["Token"])


@router.get(
    "/token", auth=READ, response=answers({200: shapes.TokenOut}), summary="Look at the token"
)
def token_get(request: HttpRequest) -> dict[str, Any]:
    """Its workspace, scopes and role: a first request that changes nothing."""
    token = request.auth
    role = selectors.role_of(user=request.user, workspace=token.workspace)
    return shapes.token(token, str(role))
