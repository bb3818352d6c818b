"""What the API answers: rows of the database in the words of their pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.urls import reverse
from ninja import Schema
from pydantic import Field

from auditapp.models import ApiToken, Audit, Dataset, ModelFile, Report, Run
from auditapp.models.upload import Upload
from auditapp.services.finals import edition_unwritten

Json = dict[str, Any]
UploadStates = Literal["received", "checking", "ready", "refused"]
States = Literal["draft", "queued", "running", "done", "failed", "cancelled"]
BASE = "/api/v1"


class ErrorOut(Schema):
    """Why a file was refused or an audit failed."""

    code: str = Field(description="What programs can test for")
    message: str
    hint: str
    where: str = ""
    found: str = ""


class ProgressOut(Schema):
    """How far something is."""

    percent: int | None = Field(None, description="0 to 100; null where it is not known")
    text: str = Field("", description="What is being done")


class UploadOut(Schema):
    """What data sets and models have in common."""

    id: UUID
    name: str
    original_name: str = Field(description="Name of the file as it was uploaded")
    state: UploadStates
    bytes: int
    sha256: str
    created_at: datetime
    error: ErrorOut | None = Field(description="Why it was refused")
    links: dict[str, str]


class DatasetOut(UploadOut):
    """A table of people."""

    series: UUID = Field(description="The same for all versions of one table")
    rows: int | None = Field(description="Known once it is ready")
    simulated: bool
    progress: ProgressOut | None = Field(description="While it is being checked")


class ColumnOut(Schema):
    """A column as the check found it."""

    name: str
    type: str
    distinct: int = Field(description="How many different values it has")
    missing: int = Field(description="In how many rows it is blank")
    suggested_role: str | None = Field(description="What it looks like; only a suggestion")


class DatasetDetailOut(DatasetOut):
    """A table with its columns."""

    columns: list[ColumnOut] = Field(description="Empty until it is ready")
    notices: list[str] = Field(description="What the check says of the file")
    read: dict[str, Any] = Field(description="How the file was read")


class ModelOut(UploadOut):
    """A model file."""

    format: str | None = Field(description="onnx, skops or network; known once it is ready")
    profile: dict[str, Any] | None = Field(description="What the check found in it")


class AuditOut(Schema):
    """An audit."""

    id: UUID
    report_id: str = Field(description="What people call it, such as EH-2026-0007")
    title: str
    state: States
    dataset: UUID | None
    model: UUID | None
    previous: UUID | None = Field(description="The audit it repeats")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: ErrorOut | None = Field(description="Why it failed")
    summary: dict[str, Any] | None = Field(
        description="Once it is done: headline, verdict, tally, findings by size class"
    )
    links: dict[str, str]


class AuditDetailOut(AuditOut):
    """An audit with everything that decides its result."""

    plan: dict[str, Any] | None = Field(description="Frozen at the start; null for a draft")


class StepOut(Schema):
    """A step of a run."""

    slug: str
    title: str
    state: str
    seconds: float | None = None


class RunOut(Schema):
    """A piece of an audit's work."""

    id: UUID
    audit: UUID
    kind: str
    lane: Literal["cpu", "gpu"]
    state: States
    attempt: int = Field(description="How often a worker took it")
    percent: int
    text: str
    steps: list[StepOut]
    error: ErrorOut | None
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    links: dict[str, str]


class AuditProgressOut(Schema):
    """What a program that waits asks for."""

    state: States
    finished: bool = Field(description="Whether nothing more will happen")
    percent: int
    text: str
    error: ErrorOut | None


class ReportOut(Schema):
    """A finished report."""

    audit: UUID
    report_id: str
    result_hash: str = Field(description="SHA-256 of the result document without its dates")
    pages: int | None
    status: Literal["draft", "final", "superseded"]
    final_at: datetime | None = Field(description="When it was made final")
    superseded_by: UUID | None = Field(description="The audit whose final report took its place")
    writing: bool = Field(description="Whether its files are being written in another status")
    error: ErrorOut | None = Field(description="Why the last writing of its files failed")
    pdf_sha256: str | None = Field(description="SHA-256 of the PDF; null for an old report")
    signed_with: str | None = Field(description="Id of the key; null for an unsigned report")
    created_at: datetime
    summary: dict[str, Any] | None
    links: dict[str, str]


class TokenOut(Schema):
    """The token of the request."""

    name: str
    prefix: str
    scopes: list[Literal["read", "write", "admin"]]
    expires_at: datetime
    workspace: str
    user: str = Field(description="In whose name it acts")
    role: Literal["owner", "auditor", "viewer"]


def dataset(row: Dataset) -> Json:
    """Fields of DatasetOut."""
    found = _upload(row, f"{BASE}/datasets/{row.id}", reverse("dataset-detail", args=[row.id]))
    progress = row.progress if row.state in {"received", "checking"} else None
    return {
        **found,
        "series": row.series,
        "rows": row.rows,
        "simulated": row.simulated,
        "progress": None if progress is None else _progress(progress),
    }


def dataset_detail(row: Dataset) -> Json:
    """Fields of DatasetDetailOut."""
    profile = row.profile if row.profile is not None and row.state == "ready" else {}
    return {
        **dataset(row),
        "columns": [
            {
                **{key: column[key] for key in ("name", "type", "distinct", "missing")},
                "suggested_role": column.get("guess"),
            }
            for column in profile.get("columns") or []
        ],
        "notices": [str(item.get("text") or item["code"]) for item in profile.get("notices", ())],
        "read": profile.get("read") or {},
    }


def model(row: ModelFile) -> Json:
    """Fields of ModelOut."""
    profile = row.profile if row.state == "ready" else None
    return {
        **_upload(row, f"{BASE}/models/{row.id}", reverse("model-detail", args=[row.id])),
        "format": None if profile is None else profile.get("format"),
        "profile": profile,
    }


def audit(row: Audit) -> Json:
    """Fields of AuditOut."""
    own = f"{BASE}/audits/{row.id}"
    links = {"self": own, "runs": f"{own}/runs", "page": reverse("audit", args=[row.id])}
    links["progress"] = f"{own}/progress"
    if row.state == "done":
        links |= _files(row)
    return {
        "id": row.id,
        "report_id": row.report_id,
        "title": row.title,
        "state": row.state,
        "dataset": row.dataset_id,
        "model": row.model_id,
        "previous": row.previous_id,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "error": error(row.error),
        "summary": row.summary,
        "links": links,
    }


def audit_detail(row: Audit) -> Json:
    """Fields of AuditDetailOut."""
    return {**audit(row), "plan": row.plan}


def audit_progress(row: Audit, run: Run | None) -> Json:
    """Fields of AuditProgressOut."""
    said: Json = run.progress if run is not None else {}
    return {
        "state": row.state,
        "finished": row.state in {"done", "failed", "cancelled"},
        "percent": _percent(said),
        "text": str(said.get("text") or ""),
        "error": error(row.error),
    }


def run(row: Run) -> Json:
    """Fields of RunOut."""
    return {
        "id": row.id,
        "audit": row.audit_id,
        "kind": row.kind,
        "lane": row.lane,
        "state": row.state,
        "attempt": row.attempt,
        "percent": _percent(row.progress),
        "text": str(row.progress.get("text") or ""),
        "steps": [
            {key: step.get(key) for key in ("slug", "title", "state", "seconds")}
            for step in row.progress.get("steps") or []
        ],
        "error": error(row.error),
        "queued_at": row.queued_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "links": {"self": f"{BASE}/runs/{row.id}", "audit": f"{BASE}/audits/{row.audit_id}"},
    }


def report(row: Report) -> Json:
    """Fields of ReportOut."""
    unwritten = edition_unwritten(report=row)
    later = row.superseded_by
    statement = {} if row.signature is None else row.signature["statement"]
    links = {"self": f"{BASE}/audits/{row.audit_id}/report", **_files(row.audit)}
    if row.signature is not None:
        links["signature"] = f"{BASE}/audits/{row.audit_id}/report.sig.json"
    return {
        "audit": row.audit_id,
        "report_id": row.audit.report_id,
        "result_hash": row.result_hash,
        "pages": row.pages,
        "status": row.status,
        "final_at": row.final_at,
        "superseded_by": None if later is None else later.audit_id,
        "writing": unwritten is not None and unwritten.is_open,
        "error": None if unwritten is None else error(unwritten.error),
        "pdf_sha256": row.pdf_hash if row.pdf_hash else None,
        "signed_with": statement.get("key"),
        "created_at": row.created_at,
        "summary": row.audit.summary,
        "links": links,
    }


def token(row: ApiToken, role: str) -> Json:
    """Fields of TokenOut."""
    return {
        "name": row.name,
        "prefix": row.prefix,
        "scopes": row.scopes,
        "expires_at": row.expires_at,
        "workspace": row.workspace.name,
        "user": row.user.email,
        "role": role,
    }


def _upload(row: Upload, own: str, page: str) -> Json:
    return {
        "id": row.id,
        "name": row.name,
        "original_name": row.original_name,
        "state": row.state,
        "bytes": row.bytes,
        "sha256": row.sha256,
        "created_at": row.created_at,
        "error": error(row.error),
        "links": {"self": own, "page": page},
    }


def _files(row: Audit) -> dict[str, str]:
    own = f"{BASE}/audits/{row.id}"
    return {"report": f"{own}/report", **{f: f"{own}/report.{f}" for f in ("json", "csv", "pdf")}}


def error(stored: Json | None) -> Json | None:
    """Fields of ErrorOut."""
    if stored is None:
        return None
    return {key: str(stored.get(key, "")) for key in ("code", "message", "hint", "where", "found")}


def _progress(stored: Json) -> Json:
    return {"percent": stored.get("percent"), "text": str(stored.get("text") or "")}


def _percent(stored: Json) -> int:
    return min(max(int(stored.get("percent") or 0), 0), 100)
