"""What a link shows to whoever holds it: one report, and nothing of the workspace."""

from __future__ import annotations

from typing import Any

from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from auditapp.forms.errors import error_list, mark_invalid
from auditapp.forms.shares import PasswordForm
from auditapp.models import ShareLink
from auditapp.services import shares
from auditapp.views.reports import document_of, file_of

KEY = "shared"
#: Links whose password one session gave; the oldest is forgotten first.
MOST_OPENED = 20
#: The trail notes the download of a file once in so many seconds.
NOTED_SECONDS = 3600


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """The report of a link, or the question for its password."""
    link = shares.share_find(token=token)
    if link is None:
        return _guarded(render(request, "pages/shared_gone.html", status=410))
    if not _opened(request, link):
        return _ask(request, link, token)
    if request.method == "POST":
        return _guarded(redirect("shared", token))
    context: dict[str, Any] = {"link": link, "audit": link.report.audit, "token": token}
    if link.copy is not None and not link.copy.ready:
        return _waiting(request, context)
    folder = link.report.folder if link.copy is None else link.copy.folder
    context |= {"document": document_of(folder), "folder": folder}
    if request.method == "GET":
        shares.share_viewed(link=link)
    return _guarded(render(request, "pages/shared.html", context))


@require_safe
def shared_file(request: HttpRequest, token: str, kind: str) -> Any:
    """One of the files of the report of a link."""
    link = shares.share_find(token=token)
    if link is None:
        return _guarded(render(request, "pages/shared_gone.html", status=410))
    if not _opened(request, link) or (link.copy is not None and not link.copy.ready):
        return _guarded(redirect("shared", token))
    folder, name = link.report.folder, link.report.audit.report_id
    if link.copy is not None:
        folder, name = link.copy.folder, f"{name}-below-{link.copy.smallest}"
    response = file_of(folder, kind, name=name)
    noted = f"shared-file:{link.id}:{kind}"
    if request.method == "GET" and cache.add(noted, 1, timeout=NOTED_SECONDS):
        shares.share_downloaded(link=link, file=kind)
    return _guarded(response)


def _ask(request: HttpRequest, link: ShareLink, token: str) -> HttpResponse:
    form = PasswordForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        tried = ratelimit.consume(
            request, app="allauth.account", action="shared_password", key=str(link.id)
        )
        if tried is None:
            form.add_error("password", _("There were too many tries. Wait five minutes"))
        elif shares.password_fits(link=link, password=form.cleaned_data["password"]):
            tried.rollback()  # a room of people with the password are no guesses
            _remember(request, link)
            return _guarded(redirect("shared", token))
        else:
            form.add_error("password", _("This is not the password of the link"))
    context = {"form": form, "errors": []}
    if form.is_bound:
        mark_invalid(form)
        context["errors"] = error_list(form)
    status = 422 if context["errors"] else 200
    # A form is answered only where the browser says which site it stood on.
    page = render(request, "pages/shared_password.html", context, status=status)
    return _guarded(page, referrer="strict-origin")


def _waiting(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    copy = context["link"].copy
    page = render(request, "pages/shared_waiting.html", {**context, "failed": not copy.is_open})
    page.status_code = 503
    page["Retry-After"] = "10"
    return _guarded(page)


def _opened(request: HttpRequest, link: ShareLink) -> bool:
    """Whether the link has no password, or this session gave it."""
    if not link.password:
        return True
    given = request.session.get(KEY) or {}
    return bool(given.get(str(link.id)) == _mark(link))


def _remember(request: HttpRequest, link: ShareLink) -> None:
    request.session.cycle_key()
    given = {**(request.session.get(KEY) or {}), str(link.id): _mark(link)}
    request.session[KEY] = dict(list(given.items())[-MOST_OPENED:])


def _mark(link: ShareLink) -> str:
    """What a session keeps of a given password: nothing to guess it from faster."""
    return shares.hashed(f"{link.id}:{link.password}")[:32]


def _guarded(response: HttpResponse, *, referrer: str = "no-referrer") -> HttpResponse:
    """No cache keeps the page, no search engine lists it, no other site learns its address."""
    response["Cache-Control"] = "private, no-store"
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response["Referrer-Policy"] = referrer
    return response
