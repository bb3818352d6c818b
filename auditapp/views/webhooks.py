"""Webhooks of a workspace, for its owners; a secret is in one answer and nowhere else."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from auditapp import schedule_selectors
from auditapp.errors import AuditError
from auditapp.forms.errors import error_list, mark_invalid
from auditapp.forms.schedules import WebhookForm
from auditapp.models import Delivery, Webhook, Workspace
from auditapp.outward import shown
from auditapp.services import deliveries as services
from auditapp.views.access import enter, owning


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_list(request: HttpRequest) -> HttpResponse:
    """Where alerts are sent; POST adds an address."""
    workspace = owning(request)
    form = WebhookForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            made = services.webhook_create(
                workspace=workspace, user=request.user, url=form.cleaned_data["url"]
            )
        except AuditError as error:
            form.add_error("url", str(error))
        else:
            return _page(request, workspace, WebhookForm(), new=made)
    return _page(request, workspace, form)


@login_required
@require_POST
def webhook_switch(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Switch it on or off."""
    found = schedule_selectors.webhook_get(user=request.user, id=webhook_id)
    services.webhook_set(webhook=found, user=request.user, active=not found.active)
    enter(request, found.workspace)
    return redirect("webhooks")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_delete(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Ask, then delete it with what waits for it."""
    found = schedule_selectors.webhook_get(user=request.user, id=webhook_id)
    enter(request, found.workspace)
    if request.method == "POST":
        services.webhook_delete(webhook=found, user=request.user)
        messages.success(request, _("The webhook is deleted."))
        return redirect("webhooks")
    context = {"webhook": found, "where": shown(found.url)}
    return render(request, "pages/webhook_delete.html", context)


def _page(
    request: HttpRequest, workspace: Workspace, form: WebhookForm, *, new: Webhook | None = None
) -> HttpResponse:
    latest = Delivery.objects.select_related("alert").order_by("-created_at")[:1]
    found = schedule_selectors.webhooks_for(user=request.user, workspace=workspace)
    found = found.prefetch_related(Prefetch("deliveries", latest, to_attr="latest"))
    mark_invalid(form)
    bad = form.is_bound and bool(form.errors)
    context = {
        "form": form,
        "errors": error_list(form) if bad else [],
        "new": new,
        "webhooks": [
            {
                "webhook": row,
                "where": shown(row.url),
                "last": row.latest[0] if row.latest else None,
            }
            for row in found
        ],
    }
    return render(request, "pages/webhooks.html", context, status=422 if bad else 200)
