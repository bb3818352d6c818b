"""Which language a page is in: the person's choice, else this browser's, else English."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from auditapp.reports.language import ENGLISH, LANGUAGES

COOKIE = "language"
YEAR = 365 * 86400
#: Answers to programs: always English, whatever a client sends along.
PROGRAMS = ("/api/v1/", "/healthz")

Answer = Callable[[HttpRequest], HttpResponse]


def language_of(request: HttpRequest) -> str:
    """The language to answer this request in."""
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated and user.language in LANGUAGES:
        return str(user.language)
    chosen = request.COOKIES.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    for item, _ in _accepted(request.headers.get("Accept-Language", "")):
        primary = item.split("-")[0]
        if primary in LANGUAGES:
            return primary
    return ENGLISH


def _accepted(header: str) -> tuple[tuple[str, float], ...]:
    from django.utils.translation.trans_real import parse_accept_lang_header

    return tuple(parse_accept_lang_header(header.lower()))


def in_language(get_response: Answer) -> Answer:
    """Middleware: every page in the language of who reads it."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.path.startswith(PROGRAMS):
            return get_response(request)
        language = language_of(request)
        with translation.override(language):
            response = get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response

    return answer
