"""Reports: the stored result document and the files drawn from it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import FileResponse, HttpRequest
from ninja import Router

from auditapp.api import audits, shapes
from auditapp.api.answers import ONE, answers
from auditapp.api.auth import READ
from auditapp.api.problems import Problem
from auditapp.models import Report
from auditapp.services.trail import event_add
from auditapp.views.reports import FILES

router = Router(tags=["Reports"])
Json = dict[str, Any]


def _content(kind: str, schema: Json) -> Json:
    """What the OpenAPI document says of a file."""
    media = FILES[kind][1].partition(";")[0]
    return {"responses": {200: {"content": {media: {"schema": schema}}}}}


FILE = {"type": "string", "format": "binary"}


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


def _report(request: HttpRequest, audit_id: UUID) -> Report:
    audit = audits.get(request, audit_id)
    found = Report.objects.filter(audit=audit).first()
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
