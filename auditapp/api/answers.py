"""Which answers an operation may give, for its OpenAPI entry."""

from __future__ import annotations

from typing import Any

from auditapp.api.problems import ProblemOut

COMMON = (401, 403, 422, 429)


def answers(ok: dict[int, Any], *more: int) -> dict[int, Any]:
    """The good answers, those every operation may give, and those of this one."""
    return {**ok, **dict.fromkeys(sorted({*COMMON, *more}), ProblemOut)}


ONE = (404,)
MAKE = (400, 409, 413)
UPLOAD = (400, 409, 411, 413, 507)
