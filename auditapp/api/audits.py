"""Audits: starting, following, repeating, cancelling, deleting."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from auditapp import selectors
from auditapp.api import datasets, model_files, once, shapes
from auditapp.api.answers import MAKE, ONE, answers
from auditapp.api.asked import AuditIn, plan_asked
from auditapp.api.auth import ADMIN, READ, WRITE
from auditapp.api.datasets import Key
from auditapp.api.paging import PageIn, page
from auditapp.api.problems import Problem
from auditapp.api.words import Body, Id, Text, examples
from auditapp.models import Audit, ModelFile
from auditapp.services import audits as services
from auditapp.services.starting import audit_start_from, ready_profile

router = Router(tags=["Audits"])
Json = dict[str, Any]


class AuditsOut(Schema):
    """A page of audits."""

    items: list[shapes.AuditOut]
    next: str | None = Field(description="Cursor of the next page; null on the last")


class AuditsIn(PageIn):
    """Which audits."""

    state: Literal["draft", "queued", "running", "done", "failed", "cancelled"] | None = Field(
        None, description="Those in one state"
    )
    search: Text = Field("", description="Part of the title or of the data set's name")


class RepeatIn(Body):
    """What to change when an audit is repeated."""

    model_config = examples(dataset="5b0c7f0e-7d1c-4b0e-9a4e-2f3f6f0c9f11")

    dataset: Id | None = Field(None, description="Another data set, such as a newer version")
    title: Text = Field("", description="The same title if not given")


def get(request: HttpRequest, key: UUID, *, edit: bool = False) -> Audit:
    """An audit of the token's workspace."""
    workspace = request.auth.workspace
    return selectors.audit_get(user=request.user, id=key, edit=edit, workspace=workspace)


@router.get("/audits", auth=READ, response=answers({200: AuditsOut}), summary="List audits")
def audits_list(request: HttpRequest, asked: Query[AuditsIn]) -> Json:
    """Newest first."""
    rows = selectors.audits_for(
        user=request.user,
        workspace=request.auth.workspace,
        state=asked.state,
        search=asked.search,
    )
    items, cursor = page(rows.defer("plan", "draft"), asked)
    return {"items": [shapes.audit(row) for row in items], "next": cursor}


@router.post(
    "/audits",
    auth=WRITE,
    response=answers({201: shapes.AuditDetailOut}, *MAKE),
    summary="Start an audit",
)
def audit_start(request: HttpRequest, body: AuditIn, idempotency_key: Key = None) -> HttpResponse:
    """The fields are the options of the audit command, with underscores."""

    def make() -> Json:
        dataset = named(lambda: datasets.get(request, body.dataset), "dataset")
        profile = ready_profile(dataset)
        model = _model(request, body.model, "model")
        start = _model(request, body.checkpoint, "checkpoint")
        if start is not None and start.profile["format"] != "network":
            raise Problem(
                422,
                "not-a-network",
                f"The model “{start.name}” is no network, and remedies start from one.",
                "Upload a network, as docs/networks says.",
                where="checkpoint",
            )
        previous = None
        if body.previous is not None:
            wanted = body.previous
            previous = named(lambda: get(request, wanted), "previous")
        plan = plan_asked(
            body,
            profile,
            None if model is None else model.profile,
            None if start is None else start.profile,
        )
        audit = audit_start_from(
            plan=plan.to_json(),
            dataset=dataset,
            user=request.user,
            title=plan.about.title,
            model=model,
            previous=previous,
            token=request.auth.prefix,
        )
        return shapes.audit_detail(audit)

    return once.answer(request, idempotency_key, make, shapes.AuditDetailOut)


@router.get(
    "/audits/{uuid:audit_id}",
    auth=READ,
    response=answers({200: shapes.AuditDetailOut}, *ONE),
    summary="Look at an audit",
)
def audit_get(request: HttpRequest, audit_id: UUID) -> Json:
    """With its frozen plan, and once it is done its summary."""
    return shapes.audit_detail(get(request, audit_id))


@router.get(
    "/audits/{uuid:audit_id}/progress",
    auth=READ,
    response=answers({200: shapes.AuditProgressOut}, *ONE),
    summary="Follow an audit",
)
def audit_progress(request: HttpRequest, audit_id: UUID) -> Json:
    """For a program that waits: ask every second or two until `finished` is true."""
    found = get(request, audit_id)
    return shapes.audit_progress(found, selectors.audit_run(audit=found))


@router.post(
    "/audits/{uuid:audit_id}/repeat",
    auth=WRITE,
    response=answers({201: shapes.AuditDetailOut}, *ONE, *MAKE),
    summary="Repeat an audit",
)
def audit_repeat(
    request: HttpRequest, audit_id: UUID, body: RepeatIn, idempotency_key: Key = None
) -> HttpResponse:
    """The same plan again, perhaps on another data set; the two are compared."""

    def make() -> Json:
        before = get(request, audit_id, edit=True)
        if before.plan is None:
            raise Problem(
                409, "draft", f"The audit “{before.title}” is a draft.", "Start it first."
            )
        dataset = before.dataset
        if body.dataset is not None:
            wanted = body.dataset
            dataset = named(lambda: datasets.get(request, wanted), "dataset")
        if dataset is None:
            raise Problem(
                422,
                "no-data",
                "The data set of this audit was deleted.",
                "Name another one in “dataset”.",
                where="dataset",
            )
        audit = audit_start_from(
            plan=before.plan,
            dataset=dataset,
            user=request.user,
            title=body.title if body.title else before.title,
            previous=before,
            token=request.auth.prefix,
        )
        return shapes.audit_detail(audit)

    return once.answer(request, idempotency_key, make, shapes.AuditDetailOut)


@router.post(
    "/audits/{uuid:audit_id}/cancel",
    auth=WRITE,
    response=answers({200: shapes.AuditOut}, *ONE),
    summary="Cancel an audit",
)
def audit_cancel(request: HttpRequest, audit_id: UUID) -> Json:
    """At once while it waits, within about a second while it runs; one that ended stays so."""
    found = get(request, audit_id, edit=True)
    return shapes.audit(services.audit_cancel(audit=found, user=request.user))


@router.delete(
    "/audits/{uuid:audit_id}",
    auth=ADMIN,
    response=answers({204: None}, *ONE, 409),
    summary="Delete an audit",
)
def audit_delete(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """With its report and files."""
    services.audit_delete(audit=get(request, audit_id, edit=True), user=request.user)
    return HttpResponse(status=204)


def _model(request: HttpRequest, key: UUID | None, where: str) -> ModelFile | None:
    """An uploaded model that is ready."""
    if key is None:
        return None
    found = named(lambda: model_files.get(request, key), where)
    if found.state != "ready":
        raise Problem(
            409,
            "model-not-ready",
            f"The model “{found.name}” is {found.get_state_display().lower()}.",
            "Wait until its check is done, or choose another one.",
            where=where,
        )
    return found


def named(find: Any, where: str) -> Any:
    """What a field of the body names; 422 instead of the 404 that means the address."""
    try:
        return find()
    except Http404 as error:
        raise Problem(
            422,
            "unknown-id",
            f"“{where}” names nothing of this workspace.",
            "Take an id from a list of this API.",
            where=f"body.{where}",
        ) from error
