"""Runs: the pieces of an audit's work, and how far they are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema

from auditapp import selectors
from auditapp.api import audits, shapes
from auditapp.api.answers import ONE, answers
from auditapp.api.auth import READ

router = Router(tags=["Runs"])
Json = dict[str, Any]


class RunsOut(Schema):
    """All runs of an audit."""

    items: list[shapes.RunOut]


@router.get(
    "/audits/{uuid:audit_id}/runs",
    auth=READ,
    response=answers({200: RunsOut}, *ONE),
    summary="List the runs of an audit",
)
def runs_list(request: HttpRequest, audit_id: UUID) -> Json:
    """There is none before the start."""
    found = audits.get(request, audit_id)
    rows = selectors.runs_for(user=request.user, workspace=request.auth.workspace)
    return {"items": [shapes.run(row) for row in rows.filter(audit=found)]}


@router.get(
    "/runs/{uuid:run_id}",
    auth=READ,
    response=answers({200: shapes.RunOut}, *ONE),
    summary="Look at a run",
)
def run_get(request: HttpRequest, run_id: UUID) -> Json:
    """Its state, its steps and how long each took."""
    workspace = request.auth.workspace
    return shapes.run(selectors.run_get(user=request.user, workspace=workspace, id=run_id))
