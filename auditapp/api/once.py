"""Operations that make something answer the same when the same request comes again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Schema
from ninja.responses import NinjaJSONEncoder, Response

from auditapp.models import ApiToken
from auditapp.services import idempotency

Json = dict[str, Any]


def answer(
    request: HttpRequest,
    key: str | None,
    make: Callable[[], Json],
    shape: type[Schema],
    *,
    digest: str | None = None,
    status: int = 201,
) -> HttpResponse:
    """Do what `make` does, once for every key; `digest` is of a body that was streamed."""

    def do() -> tuple[int, Json]:
        found = shape.model_validate(make()).model_dump()
        return status, json.loads(json.dumps(found, cls=NinjaJSONEncoder))

    if key is None:
        found, again = do(), False
    else:
        found, again = idempotency.once(do, key=key, **asked(request, digest))
    response = Response(found[1], status=found[0])
    if "self" in found[1].get("links", {}):
        response["Location"] = found[1]["links"]["self"]
    if again:
        response["Idempotency-Replayed"] = "true"
    return response


def asked(request: HttpRequest, digest: str | None = None) -> Json:
    """What makes a request the same as another."""
    token: ApiToken = request.auth
    body = hashlib.sha256(request.body).hexdigest() if digest is None else digest
    query = sorted((name, request.GET.getlist(name)) for name in request.GET)
    text = json.dumps([query, body])
    return {
        "token": token,
        "method": str(request.method),
        "path": request.path[:300],
        "request_hash": hashlib.sha256(text.encode()).hexdigest(),
    }
