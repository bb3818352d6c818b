"""Alerts of a workspace: read, seen, accepted."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from auditapp import schedule_selectors, selectors
from auditapp.errors import AuditError
from auditapp.services import alerts as services
from auditapp.views import schedule_rows as rows
from auditapp.views.access import may_edit, workspace_of

PER_PAGE = 30


@login_required
@require_safe
def alert_list(request: HttpRequest) -> HttpResponse:
    """Open alerts, or those that are over."""
    workspace = workspace_of(request)
    over = request.GET.get("show") == "over"
    found = schedule_selectors.alerts_for(user=request.user, workspace=workspace)
    if workspace is None:
        found = found.none()
    page = Paginator(found.filter(closed_at__isnull=not over), PER_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "alerts": [rows.alert_row(alert) for alert in page.object_list],
        "page": page,
        "over": over,
        "n_open": found.filter(closed_at=None).count(),
        "n_over": found.exclude(closed_at=None).count(),
        "edit": may_edit(request, workspace),
        "owns": workspace is not None
        and selectors.is_owner(user=request.user, workspace=workspace),
        "any_schedule": workspace is not None
        and schedule_selectors.schedules_for(user=request.user, workspace=workspace).exists(),
    }
    return render(request, "pages/alerts.html", context)


@login_required
@require_POST
def alert_seen(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """Note that somebody has read it."""
    found = schedule_selectors.alert_get(user=request.user, id=alert_id, edit=True)
    services.alert_see(alert=found, user=request.user)
    return _back(request)


@login_required
@require_POST
def alert_accept(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """Take what it says as the new normal."""
    found = schedule_selectors.alert_get(user=request.user, id=alert_id, edit=True)
    try:
        services.alert_accept(alert=found, user=request.user)
    except AuditError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Accepted: later runs are compared from here on."))
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    place = request.POST.get("next", "")
    known = url_has_allowed_host_and_scheme(place, allowed_hosts={request.get_host()})
    return redirect(place if known else "alerts")
