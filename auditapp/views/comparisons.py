"""Comparisons of two audits: the list, the choice, the report and its files."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from auditapp import selectors
from auditapp.errors import AuditError
from auditapp.models import Audit, Comparison, State, Workspace
from auditapp.services import comparisons
from auditapp.services.trail import event_add
from auditapp.views.access import enter, may_edit, workspace_of
from auditapp.views.reports import FILES

PER_PAGE = 50
#: Audits that can be chosen; the newest ones.
MOST_CHOICES = 300


@login_required
@require_safe
def comparison_list(request: HttpRequest) -> HttpResponse:
    """Comparisons of the current workspace."""
    workspace = workspace_of(request)
    found = selectors.comparisons_for(user=request.user, workspace=workspace)
    if workspace is None:
        found = found.none()
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": list(page.object_list),
        "edit": may_edit(request, workspace),
        "enough": len(_choices(request, workspace)[:2]) == 2,
    }
    return render(request, "pages/comparisons.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def comparison_new(request: HttpRequest) -> HttpResponse:
    """Choose two audits and have them compared."""
    workspace, given = _place(request)
    if workspace is None or not may_edit(request, workspace):
        raise PermissionDenied("A viewer can read this workspace, and change nothing in it.")
    choices = _choices(request, workspace)
    chosen = {name: request.POST.get(name) or request.GET.get(name) or "" for name in SIDES}
    if request.method != "POST":
        chosen = _suggested(choices, chosen, given)
    errors: list[tuple[str, str]] = []
    refused = None
    if request.method == "POST":
        try:
            made = _start(request, choices, chosen)
        except AuditError as error:
            field = f"id_{error.where}" if error.where in SIDES else "id_first"
            errors, refused = [(field, str(error))], error
        else:
            return redirect("comparison", made.id)
    context = {
        "first_groups": _grouped(choices),
        "chosen": chosen,
        "enough": len(choices) > 1,
        "title": request.POST.get("title", ""),
        "errors": errors,
        "error": refused,
    }
    return render(request, "pages/comparison_new.html", context, status=409 if errors else 200)


SIDES = ("first", "second")


def _place(request: HttpRequest) -> tuple[Workspace | None, Audit | None]:
    """The workspace of the audit that was asked about, else the current one."""
    for name in SIDES:
        try:
            asked = UUID(request.GET.get(name, ""))
        except ValueError:
            continue
        audit = selectors.audit_get(user=request.user, id=asked)
        enter(request, audit.workspace)
        return audit.workspace, audit
    return workspace_of(request), None


def _choices(request: HttpRequest, workspace: Workspace | None) -> list[Audit]:
    """Finished audits with a report, newest first."""
    if workspace is None:
        return []
    found = selectors.audits_for(user=request.user, workspace=workspace, state=State.DONE)
    found = found.exclude(report=None).order_by("-finished_at")
    return list(found.prefetch_related(None).defer("draft", "summary")[:MOST_CHOICES])


def _grouped(choices: list[Audit]) -> list[dict[str, Any]]:
    """Audits by their data set: those of the same data are paired."""
    groups: dict[str, dict[str, Any]] = {}
    for audit in choices:
        key = str(audit.dataset_id or "")
        name = audit.dataset.name if audit.dataset is not None else _("Data deleted")
        groups.setdefault(key, {"name": name, "audits": []})["audits"].append(audit)
    return list(groups.values())


def _suggested(
    choices: list[Audit], chosen: dict[str, str], given: Audit | None
) -> dict[str, str]:
    """The audit that was asked about as B, and what it repeats or shares its data with as A."""
    if given is None or all(chosen.values()):
        return chosen
    others = [audit for audit in choices if audit.pk != given.pk]
    earlier = [a for a in others if a.pk == given.previous_id]
    same = [a for a in others if a.dataset_id is not None and a.dataset_id == given.dataset_id]
    named = [a for a in others if a.title == given.title]
    best = next(iter([*earlier, *same, *named]), None)
    if chosen["first"]:
        return {"first": chosen["first"], "second": "" if best is None else str(best.pk)}
    return {"first": "" if best is None else str(best.pk), "second": str(given.pk)}


def _start(request: HttpRequest, choices: list[Audit], chosen: dict[str, str]) -> Comparison:
    by_id = {str(audit.pk): audit for audit in choices}
    for name, letter in zip(SIDES, "AB", strict=True):
        if chosen[name] not in by_id:
            raise AuditError("no-audit", _("Choose audit {letter}.").format(letter=letter),
                             where=name)  # fmt: skip
    return comparisons.comparison_start(
        first=by_id[chosen["first"]],
        second=by_id[chosen["second"]],
        user=request.user,
        title=request.POST.get("title", ""),
    )


@login_required
@require_safe
def comparison(request: HttpRequest, comparison_id: UUID) -> HttpResponse:
    """The report of a comparison, or how far it is."""
    found = selectors.comparison_get(user=request.user, id=comparison_id)
    enter(request, found.workspace)
    context: dict[str, Any] = {
        "comparison": found, "edit": may_edit(request, found.workspace), "error": found.error,
    }  # fmt: skip
    if found.state != State.DONE:
        return render(request, "pages/comparison_progress.html", context)
    context |= {"document": _document(found), "folder": found.folder}
    return render(request, "pages/comparison.html", context)


@login_required
@require_safe
def comparison_now(request: HttpRequest, comparison_id: UUID) -> HttpResponse:
    """The moving part of the progress page; it sends the browser on at the end."""
    found = selectors.comparison_get(user=request.user, id=comparison_id)
    response = render(request, "pages/comparison_now.html", {"comparison": found})
    if not found.is_open:
        response["HX-Redirect"] = reverse("comparison", args=[found.id])
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def comparison_again(request: HttpRequest, comparison_id: UUID) -> HttpResponse:
    """Have a comparison made anew that failed."""
    found = selectors.comparison_get(user=request.user, id=comparison_id, edit=True)
    comparisons.comparison_again(comparison=found, user=request.user)
    return redirect("comparison", found.id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def comparison_delete(request: HttpRequest, comparison_id: UUID) -> HttpResponse:
    """Ask, then delete a comparison."""
    found = selectors.comparison_get(user=request.user, id=comparison_id, edit=True)
    if request.method == "POST":
        title = found.title
        comparisons.comparison_delete(comparison=found, user=request.user)
        messages.success(request, _("Comparison “{title}” is deleted.").format(title=title))
        return redirect("comparisons")
    return render(request, "pages/comparison_delete.html", {"comparison": found})


@login_required
@require_safe
def comparison_file(request: HttpRequest, comparison_id: UUID, kind: str) -> FileResponse:
    """One of the files of a comparison under a fixed name."""
    found = selectors.comparison_get(user=request.user, id=comparison_id)
    stored, content_type, suffix = FILES[kind]
    if found.state != State.DONE:
        raise Http404("This comparison is not made yet.")
    try:
        handle = (found.folder / stored).open("rb")
    except FileNotFoundError as error:
        raise Http404("This comparison has no such file.") from error
    if request.method == "GET":
        event_add(subject=found, verb="downloaded", user=request.user, file=kind)
    response = FileResponse(
        handle,
        as_attachment=True,
        filename=f"{found.report_id}.{suffix}",
        content_type=content_type,
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"
    return response


def _document(found: Comparison) -> Any:
    try:
        return json.loads((found.folder / "report.json").read_bytes())
    except FileNotFoundError as error:
        raise Http404("The files of this comparison are gone.") from error
