"""Signing in and out, one's own account, workspace and theme."""

from __future__ import annotations

from allauth.account.internal.flows.login import (
    perform_login,
    perform_password_login,
    record_authentication,
)
from allauth.account.models import Login
from allauth.account.views import password_reset as password_reset_by_mail
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from auditapp import selectors
from auditapp.forms.account import AccountForm, SignInForm
from auditapp.forms.errors import error_list, mark_invalid
from auditapp.languages import COOKIE, YEAR
from auditapp.models import User
from auditapp.reports.language import LANGUAGES
from auditapp.services import accounts
from auditapp.views.access import KEY


def _next(request: HttpRequest) -> str:
    """Where to go on to; only inside this site."""
    wanted: str = request.POST.get("next", request.GET.get("next", ""))
    inside = url_has_allowed_host_and_scheme(
        wanted, {request.get_host()}, require_https=request.is_secure()
    )
    return wanted if inside and wanted.startswith("/") else reverse("home")


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def signin(request: HttpRequest) -> HttpResponse:
    """Email and password."""
    if request.user.is_authenticated:
        return redirect(_next(request))
    form = SignInForm(request.POST if request.method == "POST" else None, request=request)
    if request.method == "POST" and form.is_valid() and form.user is not None:
        entering = Login(user=form.user, redirect_url=_next(request), email=form.user.email)
        return perform_password_login(request, {"email": form.user.email}, entering)
    if form.is_bound:
        mark_invalid(form)
    context = {"form": form, "errors": error_list(form) if form.is_bound else []}
    context["next"] = request.POST.get("next", request.GET.get("next", ""))
    return render(request, "pages/signin.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def signin_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button and consumes nothing, since mail programs open links; POST signs in."""
    if request.method == "POST":
        user = accounts.signin_link_use(token=token)
        if user is not None:
            return enter_as(request, user, method="link")
    elif (user := accounts.signin_link_user(token=token)) is not None:
        return render(request, "pages/signin_link.html", {"valid": True, "whose": user})
    context = {"valid": False, "minutes": settings.SIGNIN_LINK_MINUTES}
    return render(request, "pages/signin_link.html", context, status=410)


def enter_as(request: HttpRequest, user: User, *, method: str) -> HttpResponse:
    """Sign in whoever has proved who they are; a second step is asked all the same."""
    if request.user.is_authenticated and request.user.pk != user.pk:
        logout(request)
    record_authentication(request, user, method)
    entering = Login(user=user, redirect_url=reverse("home"), email=user.email)
    response: HttpResponse = perform_login(request, entering)
    return response


@require_POST
def signout(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("signin")


@sensitive_post_parameters("old_password", "new_password")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Name and password."""
    user = request.user
    form = AccountForm(
        request.POST if request.method == "POST" else None,
        user=user,
        request=request,
        initial={"name": user.name},
    )
    if request.method == "POST" and form.is_valid():
        accounts.account_change(
            user=user,
            name=form.cleaned_data["name"],
            password=form.cleaned_data["new_password"] or None,
        )
        update_session_auth_hash(request, user)
        messages.success(request, _("Your account is saved."))
        return redirect("account")
    if form.is_bound:
        mark_invalid(form)
    errors = error_list(form) if form.is_bound else []
    context = {"form": form, "errors": errors, "second_step": is_mfa_enabled(user)}
    return render(request, "pages/account.html", context)


@login_required
@require_POST
def sessions_end(request: HttpRequest) -> HttpResponse:
    """Sign out on every other machine."""
    user = accounts.sessions_end(user=request.user)
    update_session_auth_hash(request, user)
    messages.success(request, _("Every other session is ended."))
    return redirect("account")


@require_http_methods(["GET", "HEAD", "POST"])
def password_reset(request: HttpRequest) -> HttpResponse:
    """A link for a new password by mail, where this installation sends mail."""
    if not settings.EMAIL_SET:
        return render(request, "account/password_reset.html", {"no_mail": True})
    response: HttpResponse = password_reset_by_mail(request)
    return response


@login_required
@require_POST
def workspace_switch(request: HttpRequest) -> HttpResponse:
    """Choose the workspace that lists show."""
    wanted = request.POST.get("workspace", "")
    if any(str(w.id) == wanted for w in selectors.workspaces_for(user=request.user)):
        request.session[KEY] = wanted
    return redirect("home")


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Light, dark, or as the system."""
    response = redirect(_next(request))
    wanted = request.POST.get("theme", "")
    if wanted in {"light", "dark"}:
        response.set_cookie("theme", wanted, max_age=365 * 86400, samesite="Lax")
    else:
        response.delete_cookie("theme")
    return response


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Choose the language of pages; an empty one leaves it to the browser."""
    response = redirect(_next(request))
    wanted = request.POST.get("language", "")
    if wanted not in LANGUAGES:
        wanted = ""
    if request.user.is_authenticated:
        accounts.language_change(user=request.user, language=wanted)
    if wanted:
        response.set_cookie(COOKIE, wanted, max_age=YEAR, samesite="Lax")
    else:
        response.delete_cookie(COOKIE)
    return response
