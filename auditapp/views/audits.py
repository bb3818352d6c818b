"""An audit after its start: progress, cancel, again, delete, and why it failed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from auditapp import selectors
from auditapp.errors import AuditError
from auditapp.forms.remedy_costs import cost
from auditapp.forms.remedy_words import seconds_once
from auditapp.models import Audit, Run, State
from auditapp.services import audits
from auditapp.views.access import enter, may_edit
from auditapp.views.steps import STEPS, reached
from mitigations.catalogue import entry


@login_required
@require_safe
def audit(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """The page that fits the audit's state."""
    found = selectors.audit_get(user=request.user, id=audit_id)
    if found.state == State.DRAFT:
        return redirect(STEPS[reached(found) - 1][1], found.id)
    return redirect("report" if found.state == State.DONE else "audit-progress", found.id)


@login_required
@require_safe
def audit_progress(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """How far a running audit is, or why it ended without a report."""
    found = selectors.audit_get(user=request.user, id=audit_id)
    if found.state in {State.DRAFT, State.DONE}:
        return redirect("audit", found.id)
    enter(request, found.workspace)
    context = _context(found, edit=may_edit(request, found.workspace))
    if found.is_open:
        return render(request, "pages/audit_progress.html", context)
    return render(request, "pages/audit_failed.html", context)


@login_required
@require_safe
def audit_progress_fragment(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """The moving part of the progress page; it sends the browser on when the audit ended."""
    found = selectors.audit_get(user=request.user, id=audit_id)
    context = _context(found, edit=may_edit(request, found.workspace))
    response = render(request, "pages/audit_progress_now.html", context)
    if not found.is_open:
        response["HX-Redirect"] = reverse("audit", args=[found.id])
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def audit_cancel(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """Stop an audit."""
    found = selectors.audit_get(user=request.user, id=audit_id, edit=True)
    audits.audit_cancel(audit=found, user=request.user)
    return redirect("audit", found.id)


@login_required
@require_POST
def audit_again(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """Begin a new draft with the same answers."""
    found = selectors.audit_get(user=request.user, id=audit_id, edit=True)
    return redirect("audit", audits.audit_again(audit=found, user=request.user).id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def audit_delete(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """Ask, then delete an audit with its report and files."""
    found = selectors.audit_get(user=request.user, id=audit_id, edit=True)
    errors = []
    if request.method == "POST":
        try:
            audits.audit_delete(audit=found, user=request.user)
        except AuditError as error:
            errors = [("", str(error))]
        else:
            messages.success(request, _("Audit “{title}” is deleted.").format(title=found.title))
            return redirect("home")
    context = {"audit": found, "errors": errors}
    return render(request, "pages/audit_delete.html", context, status=409 if errors else 200)


def _context(found: Audit, *, edit: bool) -> dict[str, Any]:
    run = selectors.audit_run(audit=found)
    progress: dict[str, Any] = run.progress if run is not None else {}
    percent = min(max(int(progress.get("percent") or 0), 0), 100)
    return {
        "audit": found,
        "run": run,
        "edit": edit,
        "progress": progress,
        "percent": percent,
        "tens": percent // 10 * 10,
        "steps": progress.get("steps") or [],
        "preview": progress.get("preview"),
        "spent": _spent(found, run),
        "left": _left(found, run, percent),
        "cancelling": run is not None and run.cancel_requested,
        "error": found.error or (run.error if run is not None else None),
    }


def _spent(found: Audit, run: Run | None) -> float | None:
    began = run.started_at if run is not None else None
    if began is None:
        return None
    end = found.finished_at if found.finished_at is not None else timezone.now()
    return max(float((end - began).total_seconds()), 0.0)


def _left(found: Audit, run: Run | None, percent: int) -> float | None:
    """A guess from the share that is done; none while that share says little."""
    spent = _spent(found, run)
    if run is None or spent is None or percent < 10 or not found.is_open or spent < 2:
        return None
    linear = spent * (100 - percent) / percent
    return max(linear, _left_of_remedies(found, run, spent))


def _left_of_remedies(found: Audit, run: Run, spent: float) -> float:
    """How long the remedies of the plan may still take; they differ too much for a share."""
    steps = run.progress.get("steps") or []
    state = next((s["state"] for s in steps if s["slug"] == "remedies"), "done")
    if state == "done":
        return 0.0
    plan = found.plan or {}
    rows = (plan.get("data") or {}).get("rows", 0)
    whole = seconds_once(rows) + sum(
        cost(found, method.get("settings") or {}, rows).seconds
        for method in plan.get("methods") or ()
        if (found := entry(str(method["slug"]))) is not None
    )
    before = sum(step.get("seconds") or 0.0 for step in steps)
    return whole if state == "waiting" else whole - (spent - before)
