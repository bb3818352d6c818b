"""Models: uploading, looking at, deleting."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from auditapp import selectors
from auditapp.api import once, shapes, uploads
from auditapp.api.answers import ONE, UPLOAD, answers
from auditapp.api.auth import ADMIN, READ, WRITE
from auditapp.api.datasets import FileIn, Key
from auditapp.api.paging import PageIn, page
from auditapp.models import ModelFile
from auditapp.services import uploads as services

router = Router(tags=["Models"])
Json = dict[str, Any]


class ModelsOut(Schema):
    """A page of models."""

    items: list[shapes.ModelOut]
    next: str | None = Field(description="Cursor of the next page; null on the last")


def get(request: HttpRequest, key: UUID, *, edit: bool = False) -> ModelFile:
    """A model of the token's workspace."""
    workspace = request.auth.workspace
    return selectors.model_get(user=request.user, id=key, edit=edit, workspace=workspace)


@router.get("/models", auth=READ, response=answers({200: ModelsOut}), summary="List models")
def models_list(request: HttpRequest, asked: Query[PageIn]) -> Json:
    """Newest first."""
    rows = selectors.models_for(user=request.user, workspace=request.auth.workspace)
    items, cursor = page(rows, asked)
    return {"items": [shapes.model(row) for row in items], "next": cursor}


@router.post(
    "/models",
    auth=WRITE,
    response=answers({201: shapes.ModelOut}, *UPLOAD),
    summary="Upload a model",
    openapi_extra={"requestBody": uploads.BODY},
)
def model_upload(
    request: HttpRequest, asked: Query[FileIn], idempotency_key: Key = None
) -> HttpResponse:
    """ONNX, skops or a network; docs/models says which. A worker then checks it."""

    def make() -> Json:
        return shapes.model(
            services.model_receive(
                workspace=request.auth.workspace,
                user=request.user,
                file=file,
                name=asked.name or "",
            )
        )

    with uploads.received(request, asked.filename) as file:
        return once.answer(request, idempotency_key, make, shapes.ModelOut, digest=file.sha256)


@router.get(
    "/models/{uuid:model_id}",
    auth=READ,
    response=answers({200: shapes.ModelOut}, *ONE),
    summary="Look at a model",
)
def model_get(request: HttpRequest, model_id: UUID) -> Json:
    """Its state, and once it is ready what it is."""
    return shapes.model(get(request, model_id))


@router.delete(
    "/models/{uuid:model_id}",
    auth=ADMIN,
    response=answers({204: None}, *ONE, 409),
    summary="Delete a model",
)
def model_delete(request: HttpRequest, model_id: UUID) -> HttpResponse:
    """With its file; finished audits keep their reports."""
    services.model_delete(model=get(request, model_id, edit=True), user=request.user)
    return HttpResponse(status=204)
