"""Who is in a workspace, and how people come in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from auditapp import selectors
from auditapp.errors import AuditError
from auditapp.forms.errors import Errors, error_list, mark_invalid
from auditapp.forms.members import MAY, InviteForm, JoinForm, RoleForm
from auditapp.models import Invitation, User, Workspace
from auditapp.models.team import Role
from auditapp.services import members as services
from auditapp.views.access import KEY, enter, owning, workspace_of
from auditapp.views.account import enter_as

Json = dict[str, Any]


@login_required
@require_safe
def members(request: HttpRequest) -> HttpResponse:
    """Everybody in the current workspace; owners change it here."""
    return _page(request, workspace_of(request), InviteForm())


@login_required
@never_cache
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """Make an invitation; its link is in this one answer and nowhere else."""
    workspace = owning(request)
    form = InviteForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            made, token = services.invitation_make(
                workspace=workspace, email=data["email"], role=data["role"], by=request.user
            )
        except AuditError as error:
            form.add_error("email", str(error))
        else:
            url = request.build_absolute_uri(reverse("invitation", args=[token]))
            sent = settings.EMAIL_SET and services.invitation_send(invitation=made, url=url)
            new = {"invitation": made, "url": url, "sent": sent}
            return _page(request, workspace, InviteForm(), new=new)
    mark_invalid(form)
    return _page(request, workspace, form, error_list(form), status=422)


@login_required
@require_POST
def invitation_withdraw(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Make an open invitation void."""
    found = selectors.invitation_get(user=request.user, id=invitation_id)
    services.invitation_revoke(invitation=found, by=request.user)
    messages.success(
        request, _("The invitation of {email} is withdrawn.").format(email=found.email)
    )
    return redirect("members")


@login_required
@require_POST
def member_role(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """Give a member another role."""
    found = selectors.member_get(user=request.user, id=member_id)
    if not selectors.is_owner(user=request.user, workspace=found.workspace):
        # one's own row, but nobody raises themselves
        owning(request)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _page(
            request, found.workspace, InviteForm(), [("", _("Choose a role"))], status=422
        )
    try:
        changed = services.role_change(
            member=found, role=form.cleaned_data["role"], by=request.user
        )
    except AuditError as error:
        return _page(request, found.workspace, InviteForm(), [("", str(error))], status=409)
    messages.success(
        request, _("{user} is {role} now.").format(user=changed.user, role=_article(changed.role))
    )
    return redirect("members")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def member_remove(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """Ask, then take a member out; also the way to leave."""
    found = selectors.member_get(user=request.user, id=member_id)
    own = found.user_id == request.user.pk
    errors: Errors = []
    if request.method == "POST":
        try:
            services.member_remove(member=found, by=request.user)
        except AuditError as error:
            errors = [("", str(error))]
        else:
            if own:
                request.session.pop(KEY, None)
                messages.success(
                    request, _("You left “{workspace}”.").format(workspace=found.workspace)
                )
                return redirect("home")
            messages.success(request, _("{user} is no member any more.").format(user=found.user))
            return redirect("members")
    enter(request, found.workspace)
    context = {"member": found, "own": own, "errors": errors}
    return render(request, "pages/member_remove.html", context, status=409 if errors else 200)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """GET consumes nothing, since mail programs open links; POST joins."""
    found = services.invitation_find(token=token)
    if found is None:
        return render(request, "pages/invitation.html", {"void": True}, status=410)
    known = User.objects.filter(email__iexact=found.email).first()
    mine = request.user.is_authenticated and request.user == known
    context: Json = {"invitation": found, "may": MAY[Role(found.role)], "mine": mine}
    context |= {"known": known is not None, "other": request.user.is_authenticated and not mine}
    if mine:
        return _join(request, found, token, context)
    if known is not None or context["other"]:
        if request.method == "POST" and context["other"]:
            logout(request)
            return redirect(request.path)
        return render(request, "pages/invitation.html", {**context, "next": request.path})
    form = JoinForm(request.POST if request.method == "POST" else None, email=found.email)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        user = services.invitation_accept(
            token=token, name=data["name"], password=data["password"]
        )
        if user is None:
            return redirect(request.path)
        response = enter_as(request, user, method="invitation")
        _joined(request, found)
        return response
    if form.is_bound:
        mark_invalid(form)
    context |= {"form": form, "errors": error_list(form) if form.is_bound else []}
    return render(request, "pages/invitation.html", context)


def _join(request: HttpRequest, found: Invitation, token: str, context: Json) -> HttpResponse:
    if request.method != "POST":
        return render(request, "pages/invitation.html", context)
    if services.invitation_accept(token=token, user=request.user) is None:
        return redirect(request.path)
    _joined(request, found)
    return redirect("home")


def _joined(request: HttpRequest, found: Invitation) -> None:
    request.session[KEY] = str(found.workspace_id)
    words = _("You are {role} of “{workspace}” now.").format(
        role=_article(found.role), workspace=found.workspace
    )
    messages.success(request, words)


def _article(role: str) -> str:
    named = {
        Role.OWNER: _("an owner"),
        Role.AUDITOR: _("an auditor"),
        Role.VIEWER: _("a viewer"),
    }
    return named[Role(role)]


def _page(
    request: HttpRequest,
    workspace: Workspace | None,
    form: InviteForm,
    errors: Errors | None = None,
    *,
    new: Json | None = None,
    status: int = 200,
) -> HttpResponse:
    own = workspace is not None and selectors.is_owner(user=request.user, workspace=workspace)
    found = list(selectors.members_of(user=request.user, workspace=workspace)) if workspace else []
    order = list(Role.values)
    invitations = (
        selectors.invitations_for(user=request.user, workspace=workspace)
        if workspace is not None and own
        else []
    )
    context = {
        "members": sorted(found, key=lambda m: (order.index(m.role), str(m.user).lower())),
        "own": own,
        "roles": [(value, label, MAY[Role(value)]) for value, label in Role.choices],
        "form": form,
        "errors": errors if errors is not None else [],
        "invitations": invitations,
        "now": timezone.now(),
        "new": new,
        "mail": settings.EMAIL_SET,
        "days": settings.INVITATION_DAYS,
    }
    return render(request, "pages/members.html", context, status=status)
