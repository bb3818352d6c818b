"""Tokens of programs: made, listed, revoked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from auditapp import selectors
from auditapp.errors import AuditError
from auditapp.forms.errors import error_list, mark_invalid
from auditapp.forms.tokens import TokenForm
from auditapp.services import tokens as services
from auditapp.views.access import may_edit, workspace_of

Json = dict[str, Any]


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """A new key stands in this one answer and nowhere else."""
    workspace = workspace_of(request)
    edit = may_edit(request, workspace)
    form = TokenForm(request.POST if request.method == "POST" else None, edit=edit)
    context: Json = {"errors": []}
    if workspace is not None and form.is_valid():
        try:
            token, secret = services.token_create(
                workspace=workspace,
                user=request.user,
                name=form.cleaned_data["name"],
                scopes=form.scopes,
                days=int(form.cleaned_data["days"]),
            )
        except AuditError as error:
            form.add_error("access", str(error))
        else:
            context |= {"new": token, "secret": secret}
            form = TokenForm(edit=edit)
    if form.is_bound:
        mark_invalid(form)
        context["errors"] = error_list(form)
    found = list(selectors.tokens_for(user=request.user))
    context |= {
        "form": form,
        "mine": [token for token in found if token.user_id == request.user.pk],
        "others": [token for token in found if token.user_id != request.user.pk],
        "base": f"{request.scheme}://{request.get_host()}",
    }
    return render(request, "pages/tokens.html", context, status=422 if context["errors"] else 200)


@login_required
@require_POST
def token_revoke(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """End a token of one's own, or of a workspace one owns."""
    found = selectors.token_get(user=request.user, id=token_id)
    services.token_revoke(token=found, user=request.user)
    messages.success(request, _("The token “{name}” is revoked.").format(name=found.name))
    return redirect("tokens")
