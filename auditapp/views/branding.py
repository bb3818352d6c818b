"""The settings of a workspace: what its reports look like."""

from __future__ import annotations

import base64
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from auditapp.errors import AuditError
from auditapp.forms.branding import BrandingForm
from auditapp.forms.errors import error_list, mark_invalid
from auditapp.models import Workspace
from auditapp.reports import brand
from auditapp.services import branding as services
from auditapp.views.access import owning


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def workspace_settings(request: HttpRequest) -> HttpResponse:
    """Organisation, logo, colour and language of new reports."""
    workspace = owning(request)
    if request.method != "POST":
        return _page(request, workspace, BrandingForm(initial=_now(workspace)))
    form = BrandingForm(request.POST, request.FILES)
    if form.is_valid():
        data = form.cleaned_data
        try:
            logo = "" if data["remove_logo"] else None
            if data["logo"]:
                logo = services.logo_keep(workspace=workspace, file=data["logo"])
        except AuditError as error:
            form.add_error("logo", str(error))
        else:
            services.branding_change(
                workspace=workspace,
                user=request.user,
                organisation=data["organisation"],
                accent=data["accent"],
                language=data["language"],
                logo=logo,
            )
            messages.success(request, gettext("The settings are saved. New reports follow them."))
            return redirect("workspace-settings")
    mark_invalid(form)
    return _page(request, workspace, form, status=422)


def _now(workspace: Workspace) -> dict[str, Any]:
    return {name: getattr(workspace, name) for name in ("organisation", "accent", "language")}


def _picture(workspace: Workspace) -> str:
    data = services.logo_read(workspace)
    return "" if data is None else "data:image/png;base64," + base64.b64encode(data).decode()


def _page(
    request: HttpRequest, workspace: Workspace, form: BrandingForm, *, status: int = 200
) -> HttpResponse:
    accent = workspace.accent
    context = {
        "form": form,
        "errors": error_list(form) if form.is_bound else [],
        "accent": accent,
        "accent_dark": brand.nearest(accent, dark=True) if accent else "",
        "logo": _picture(workspace),
    }
    return render(request, "pages/workspace_settings.html", context, status=status)
