"""Step 4 of a new audit: remedies to try, and the start."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from auditapp import selectors
from auditapp.errors import AuditError
from auditapp.forms.errors import Errors, error_list, mark_invalid
from auditapp.forms.kinds import BINARY, kind_of
from auditapp.forms.remedies import RemediesForm
from auditapp.forms.remedy_needs import offered
from auditapp.models import State
from auditapp.services import audits
from auditapp.views.access import enter
from auditapp.views.policy import policy_summary
from auditapp.views.steps import STEPS, reached, steps_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def audit_remedies(request: HttpRequest, audit_id: UUID) -> HttpResponse:
    """Methods, their settings, and between whose groups they work; starts the audit."""
    audit = selectors.audit_get(user=request.user, id=audit_id, edit=True)
    if audit.state != State.DRAFT:
        return redirect("audit", audit.id)
    ready = reached(audit) >= 3 and "policy" in audit.draft.get("steps", [])
    if not ready or audit.dataset is None or kind_of(audit.draft.get("outcome")) != BINARY:
        return redirect(STEPS[min(reached(audit), 3) - 1][1], audit.id)
    enter(request, audit.workspace)
    form = RemediesForm(
        request.POST if request.method == "POST" else None,
        draft=audit.draft,
        profile=audit.dataset.profile,
        rows=audit.dataset.rows or 0,
        model=audits.model_profile(audit),
        models=list(
            selectors.models_for(user=request.user, workspace=audit.workspace, ready=True)
        ),
    )
    if request.method == "POST" and request.POST.get("action") == "cost":
        return JsonResponse(form.costs())
    confirm = False
    errors: Errors = []
    if request.method == "POST":
        if form.is_valid():
            audits.draft_save(
                audit=audit, step="remedies", data=form.draft_data(), user=request.user
            )
            if request.POST.get("action") == "save":
                return redirect("audit-remedies", audit.id)
            confirm = form.time["trainings"] > _shown(request)
            try:
                if not confirm:
                    audits.audit_start(audit=audit, user=request.user)
                    return redirect("audit-progress", audit.id)
            except AuditError as error:
                if error.where in form.fields:
                    form.add_error(error.where, str(error))
                else:
                    errors = [("", str(error))]
        errors = errors + error_list(form)
        mark_invalid(form)
    context = {
        "audit": audit,
        "form": form,
        "errors": errors,
        "offered": offered(audit.draft),
        "confirm": confirm,
        "summary": policy_summary(audit),
        "steps": steps_of(audit, 4),
    }
    return render(request, "pages/audit_remedies.html", context, status=422 if errors else 200)


def _shown(request: HttpRequest) -> int:
    """The number of trainings that the page said before it was sent."""
    text = request.POST.get("trainings", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
