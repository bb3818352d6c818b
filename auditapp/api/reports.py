"""Reports: the stored result document and the files drawn from it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse
from ninja import Router, Status
from pydantic import Field

from auditapp import signing
from auditapp.api import audits, shapes
from auditapp.api.answers import ONE, answers
from auditapp.api.auth import READ, WRITE
from auditapp.api.problems import Problem
from auditapp.api.words import Body, examples
from auditapp.models import Report
from auditapp.services import finals
from auditapp.services.trail import event_add
from auditapp.views.reports import FILES

router = Router(tags=["Reports"])
Json = dict[str, Any]


def _content(kind: str, schema: Json) -> Json:
    """What the OpenAPI document says of a file."""
    media = FILES[kind][1].partition(";")[0]
    return {"responses": {200: {"content": {media: {"schema": schema}}}}}


FILE = {"type": "string", "format": "binary"}


class FinalIn(Body):
    """How a report becomes final."""

    model_config = examples(supersede=True)

    supersede: bool = Field(
        True, description="Whether it takes the place of final reports of audits it repeats"
    )


@router.get(
    "/audits/{uuid:audit_id}/report",
    auth=READ,
    response=answers({200: shapes.ReportOut}, *ONE),
    summary="Look at a report",
)
def report_get(request: HttpRequest, audit_id: UUID) -> Json:
    """Its hash, its summary and where its files are."""
    return shapes.report(_report(request, audit_id))


@router.get(
    "/audits/{uuid:audit_id}/report.json",
    auth=READ,
    response=answers({200: None}, *ONE),
    summary="Download the result document",
    openapi_extra=_content("json", {"type": "object"}),
)
def report_json(request: HttpRequest, audit_id: UUID) -> FileResponse:
    """Everything that was measured; docs/result-document explains it."""
    return _file(request, audit_id, "json")


@router.get(
    "/audits/{uuid:audit_id}/report.csv",
    auth=READ,
    response=answers({200: None}, *ONE),
    summary="Download the tables",
    openapi_extra=_content("csv", FILE),
)
def report_csv(request: HttpRequest, audit_id: UUID) -> FileResponse:
    """Every number of the report, one a row."""
    return _file(request, audit_id, "csv")


@router.get(
    "/audits/{uuid:audit_id}/report.pdf",
    auth=READ,
    response=answers({200: None}, *ONE),
    summary="Download the report as PDF",
    openapi_extra=_content("pdf", FILE),
)
def report_pdf(request: HttpRequest, audit_id: UUID) -> FileResponse:
    """PDF/A-3 with the result document attached."""
    return _file(request, audit_id, "pdf")


@router.get(
    "/audits/{uuid:audit_id}/report.sig.json",
    auth=READ,
    response=answers({200: None}, *ONE),
    summary="Download the signature of a report",
    openapi_extra={
        "responses": {200: {"content": {"application/json": {"schema": {"type": "object"}}}}}
    },
)
def report_signature(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """What this installation signed of the files, the PDF among them; see docs/verify."""
    found = _report(request, audit_id)
    if found.signature is None:
        raise Problem(
            404, "not-signed", "This report was written before reports were signed.",
            "Audit again to make one that is.",
        )  # fmt: skip
    return HttpResponse(signing.written(found.signature), content_type="application/json")


@router.post(
    "/audits/{uuid:audit_id}/report/final",
    auth=WRITE,
    response=answers({202: shapes.ReportOut}, *ONE, 400, 409, 413),
    summary="Make a report final",
)
def report_final(request: HttpRequest, audit_id: UUID, body: FinalIn) -> Status:
    """Its files are written anew within seconds: ask for the report until `writing` is false."""
    found = _report(request, audit_id, edit=True)
    finals.report_finalise(
        report=found,
        user=request.user,
        supersede=body.supersede,
        token=request.auth.prefix,
    )
    return Status(202, shapes.report(_report(request, audit_id)))


def _report(request: HttpRequest, audit_id: UUID, *, edit: bool = False) -> Report:
    audit = audits.get(request, audit_id, edit=edit)
    found = Report.objects.filter(audit=audit).select_related("superseded_by").first()
    if found is None:
        raise Problem(
            404,
            "no-report",
            f"The audit “{audit.title}” is {audit.get_state_display().lower()},"
            " and has no report.",
            "Ask for its progress until it is done.",
        )
    found.audit = audit
    return found


def _file(request: HttpRequest, audit_id: UUID, kind: str) -> FileResponse:
    found = _report(request, audit_id)
    stored, content_type, suffix = FILES[kind]
    try:
        handle = (found.folder / stored).open("rb")
    except FileNotFoundError as error:
        raise Problem(
            404, "no-file", "This report has no such file.", "Audit again to make it."
        ) from error
    event_add(
        subject=found.audit,
        verb="downloaded",
        user=request.user,
        report=found.audit.report_id,
        file=kind,
        token=request.auth.prefix,
    )
    return FileResponse(
        handle,
        as_attachment=True,
        filename=f"{found.audit.report_id}.{suffix}",
        content_type=content_type,
    )
