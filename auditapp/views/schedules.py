"""Audits that run by the clock: the list, a new one, one with its runs, and what changes it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from auditapp import schedule_selectors, selectors
from auditapp.errors import AuditError
from auditapp.forms.clock import fields_of
from auditapp.forms.errors import Errors, error_list, mark_invalid
from auditapp.forms.schedules import ClockForm, ScheduleForm
from auditapp.models import Audit, Schedule
from auditapp.services import schedules as services
from auditapp.services.schedule_charts import charts_remove
from auditapp.views import schedule_rows as rows
from auditapp.views.access import editing, enter, may_edit, workspace_of

PER_PAGE = 25


@login_required
@require_safe
def schedule_list(request: HttpRequest) -> HttpResponse:
    """Schedules of the current workspace, with their state and next run."""
    workspace = workspace_of(request)
    found = (
        list(schedule_selectors.schedules_for(user=request.user, workspace=workspace))
        if workspace is not None
        else []
    )
    edit = may_edit(request, workspace)
    context = {
        "rows": [rows.schedule_row(schedule) for schedule in found],
        "sentence": rows.health_words(found),
        "edit": edit,
        "template": workspace is not None
        and schedule_selectors.templates_for(user=request.user, workspace=workspace).exists(),
        "polling": any((run := rows.latest(s)) is not None and run.is_open for s in found),
    }
    name = "pages/schedules_list.html" if rows.is_fragment(request) else "pages/schedules.html"
    return render(request, name, context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def schedule_new(request: HttpRequest) -> HttpResponse:
    """Choose a finished audit, then its data and its times."""
    workspace = editing(request)
    chosen = request.POST.get("audit") or request.GET.get("audit")
    if not chosen:
        found = schedule_selectors.templates_for(user=request.user, workspace=workspace)
        return render(request, "pages/schedule_from.html", {"audits": found[:100]})
    audit = selectors.audit_get(user=request.user, id=rows.uuid_of(chosen), edit=True)
    enter(request, audit.workspace)
    tables = schedule_selectors.series_for(user=request.user, workspace=audit.workspace)
    if request.method != "POST":
        return _form(request, ScheduleForm(initial=_initial(audit), tables=tables), audit=audit)
    form = ScheduleForm(request.POST, tables=tables)
    if form.is_valid():
        data = form.cleaned_data
        try:
            made = services.schedule_create(
                workspace=audit.workspace,
                user=request.user,
                name=data["name"],
                clock=form.clock,
                source=form.chosen(),
                audit=audit,
                notify_email=data["notify_email"],
            )
        except AuditError as error:
            form.add_error(rows.field_of(form, error), str(error))
        else:
            messages.success(request, _("“{name}” is scheduled.").format(name=made.name))
            return redirect("schedule-detail", made.id)
    return _form(request, form, audit=audit)


@login_required
@require_safe
def schedule_times(request: HttpRequest) -> HttpResponse:
    """The next times of a clock that is being filled in."""
    form = ClockForm(request.GET)
    clock = form.clock if form.is_valid() else None
    return render(request, "pages/schedule_times.html", rows.times(clock))


@login_required
@require_safe
def schedule(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """One schedule: its next times, its runs, its history and its alerts."""
    found = schedule_selectors.schedule_get(user=request.user, id=schedule_id)
    enter(request, found.workspace)
    return _page(request, found)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def schedule_edit(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """Other data, or other times."""
    found = schedule_selectors.schedule_get(user=request.user, id=schedule_id, edit=True)
    tables = schedule_selectors.series_for(user=request.user, workspace=found.workspace)
    if request.method != "POST":
        form = ScheduleForm(initial=_initial_of(found), tables=tables)
        return _form(request, form, schedule=found)
    form = ScheduleForm(request.POST, tables=tables)
    if form.is_valid():
        data, clock, source = form.cleaned_data, form.clock, form.chosen()
        same = services.clock_of(found)
        try:
            services.schedule_update(
                schedule=found,
                user=request.user,
                name=data["name"],
                clock=None if clock == same else clock,
                source=source,
                notify_email=data["notify_email"],
            )
        except AuditError as error:
            form.add_error(rows.field_of(form, error), str(error))
        else:
            messages.success(request, _("“{name}” is changed.").format(name=data["name"]))
            return redirect("schedule-detail", found.id)
    return _form(request, form, schedule=found)


@login_required
@require_POST
def schedule_pause(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """Start no more runs."""
    found = schedule_selectors.schedule_get(user=request.user, id=schedule_id, edit=True)
    services.schedule_pause(schedule=found, user=request.user)
    messages.success(request, _("“{name}” is paused.").format(name=found.name))
    return redirect("schedule-detail", found.id)


@login_required
@require_POST
def schedule_resume(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """Start runs again."""
    found = schedule_selectors.schedule_get(user=request.user, id=schedule_id, edit=True)
    services.schedule_resume(schedule=found, user=request.user)
    messages.success(request, _("“{name}” runs again at its next time.").format(name=found.name))
    return redirect("schedule-detail", found.id)


@login_required
@require_POST
def schedule_run_now(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """Start a run by hand."""
    found = schedule_selectors.schedule_get(user=request.user, id=schedule_id, edit=True)
    try:
        run = services.schedule_run_now(schedule=found, user=request.user)
    except AuditError as error:
        return _page(request, found, [("", str(error))], status=409)
    messages.success(request, _("Run {number} is started.").format(number=run.number))
    return redirect("schedule-detail", found.id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def schedule_delete(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """Ask, then delete a schedule with its runs and alerts."""
    found = schedule_selectors.schedule_get(user=request.user, id=schedule_id, edit=True)
    if request.method == "POST":
        services.schedule_delete(schedule=found, user=request.user)
        charts_remove(schedule_id=schedule_id)
        messages.success(request, _("“{name}” is deleted.").format(name=found.name))
        return redirect("schedules")
    enter(request, found.workspace)
    audits = schedule_selectors.schedule_runs(schedule=found).exclude(audit=None).count()
    return render(request, "pages/schedule_delete.html", {"schedule": found, "audits": audits})


def _page(
    request: HttpRequest, found: Schedule, errors: Errors | None = None, *, status: int = 200
) -> HttpResponse:
    runs = schedule_selectors.schedule_runs(schedule=found)
    page = Paginator(runs, PER_PAGE).get_page(request.GET.get("page"))
    alerts = schedule_selectors.alerts_for(user=request.user, schedule=found)
    shown = list(page.object_list)
    working = runs.filter(state__in=rows.OPEN_RUNS).first()
    context = {
        "schedule": found,
        "row": rows.schedule_row(found),
        "runs": [rows.run_row(run) for run in shown],
        "page": page,
        "working": working,
        "polling": found.is_active or working is not None,
        "alerts": [rows.alert_row(a) for a in alerts.filter(closed_at=None)[:10]],
        "history": rows.history(found),
        "edit": may_edit(request, found.workspace),
        "errors": errors or [],
        **rows.times(services.clock_of(found) if found.is_active else None, found.last_due),
    }
    name = "pages/schedule_now.html" if rows.is_fragment(request) else "pages/schedule.html"
    return render(request, name, context, status=status)


def _form(
    request: HttpRequest,
    form: ScheduleForm,
    *,
    audit: Audit | None = None,
    schedule: Schedule | None = None,
) -> HttpResponse:
    clock = getattr(form, "clock", None)
    if not form.is_bound:
        filled = ClockForm({**rows.defaults(ClockForm()), **form.initial})
        clock = filled.clock if filled.is_valid() else None
    mark_invalid(form)
    context = {
        "form": form,
        "audit": audit,
        "schedule": schedule,
        "errors": error_list(form) if form.is_bound else [],
        **rows.times(clock),
    }
    bad = form.is_bound and not form.is_valid()
    return render(request, "pages/schedule_form.html", context, status=422 if bad else 200)


def _initial(audit: Audit) -> dict[str, Any]:
    series = audit.dataset.series if audit.dataset is not None else ""
    return {"name": audit.title, "series": str(series)}


def _initial_of(found: Schedule) -> dict[str, Any]:
    return {
        "name": found.name,
        "source": "url" if found.source_url else "series",
        "series": str(found.series),
        "url": found.source_url,
        "grows": found.grows,
        "notify_email": found.notify_email,
        "timezone": found.timezone,
        **fields_of(services.clock_of(found)),
    }
