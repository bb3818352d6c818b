"""What a program reads when a request cannot be done: RFC 9457 with a code and a hint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError
from pydantic import Field

from auditapp.errors import AuditError
from auditapp.services.failures import unexpected

CONTENT_TYPE = "application/problem+json"

#: AuditErrors whose status says more than “this request does not fit”.
STATUS: Mapping[str, int] = {
    "file-too-large": 413,
    "no-space": 507,
    "still-checking": 409,
    "not-a-draft": 409,
    "not-acceptable": 409,
    "not-a-draft-report": 409,
    "not-ready-for-final": 409,
}


class FieldProblem(Schema):
    """One field that is wrong."""

    where: str = Field(description="Place in the request, such as body.sensitive.0")
    message: str


class ProblemOut(Schema):
    """Why a request was not done. `code` is stable; the words are for people."""

    type: str = Field("about:blank", description="Always about:blank; see code")
    title: str = Field(description="The status in words")
    status: int = Field(description="The same as that of the answer")
    detail: str = Field(description="Message and hint in one text")
    code: str = Field(description="What programs can test for, such as unknown-column")
    message: str = Field(description="What was found, in one sentence")
    hint: str = Field(description="What to do about it; may be empty")
    where: str = Field("", description="Column, field or file that is meant")
    found: str = Field("", description="The evidence, with its counts")
    errors: list[FieldProblem] = Field([], description="Fields of the request that are wrong")


class Problem(Exception):
    """A refusal of the API itself."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        hint: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        where: str = "",
        found: str = "",
        errors: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers) if headers is not None else {}
        self.body = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": f"{message} {hint}".strip(),
            "code": code,
            "message": message,
            "hint": hint,
            "where": where,
            "found": found,
            "errors": errors if errors is not None else [],
        }

    def response(self) -> HttpResponse:
        """The answer."""
        return JsonResponse(
            self.body, status=self.status, content_type=CONTENT_TYPE, headers=self.headers
        )


def of_audit_error(error: AuditError) -> Problem:
    """An AuditError with the status that fits it, in words of the API."""
    status = STATUS.get(error.code, 422 if error.permanent else 409)
    message, hint = in_api_words(error.message), in_api_words(error.hint)
    found, where = error.found, in_api_words(error.where)
    return Problem(status, error.code, message, hint, where=where, found=found)


def in_api_words(text: str) -> str:
    """Options of the command line become fields: --favourable-decision, “favourable_decision”."""
    return re.sub(
        r"(?<![\w-])--([a-z][a-z-]*[a-z])", lambda m: f"“{m[1].replace('-', '_')}”", text
    )


def not_found() -> Problem:
    """404, the same for what is not there and for what belongs to others."""
    return Problem(
        404,
        "not-found",
        "There is nothing at this address.",
        "It may have been deleted, or it belongs to a workspace this token is not for.",
    )


def of_status(status: int) -> Problem:
    """A problem for an answer that was made outside the API."""
    if status == 404:
        return not_found()
    if status == 405:
        return Problem(
            405,
            "method-not-allowed",
            "This address does not take that method.",
            "The header Allow names those it takes.",
        )
    code = HTTPStatus(status).phrase.lower().replace(" ", "-")
    return Problem(status, code, "The request was refused.", "Compare it with /api/docs/.")


def install(api: NinjaAPI) -> None:
    """Turn every exception into a problem."""

    def handle(kind: type[Exception], make: Any) -> None:
        api.add_exception_handler(kind, lambda request, error: make(request, error).response())

    handle(Problem, lambda _, error: error)
    handle(AuditError, lambda _, error: of_audit_error(error))
    handle(Http404, lambda *_: not_found())
    handle(PermissionDenied, lambda _, error: _forbidden(error))
    handle(ValidationError, lambda _, error: _invalid(error))
    handle(HttpError, lambda _, error: _unread(error))
    handle(RequestDataTooBig, lambda *_: _too_big())
    handle(MultiPartParserError, lambda *_: _bad_form())
    handle(UnreadablePostError, lambda *_: cut_off())
    handle(Exception, _unexpected)


def cut_off() -> Problem:
    """The connection ended before the file did."""
    return Problem(
        400, "cut-off", "The request ended before its body was complete.", "Send it again."
    )


def _forbidden(error: Exception) -> Problem:
    words = str(error) if str(error) else "This token's user may not do that here."
    return Problem(403, "forbidden", words, "Ask an owner of the workspace to change the role.")


def _invalid(error: ValidationError) -> Problem:
    errors = [
        {"where": ".".join(str(part) for part in _place(item["loc"])), "message": item["msg"]}
        for item in error.errors[:20]
    ]
    first = errors[0]
    return Problem(
        422,
        "invalid-request",
        f"{first['where']}: {first['message']}.",
        "Compare the request with /api/docs/.",
        where=first["where"],
        errors=errors,
    )


def _place(loc: tuple[Any, ...]) -> tuple[Any, ...]:
    """Without the name that the function gives its body."""
    return (loc[0], *loc[2:]) if loc[:1] == ("body",) and len(loc) > 2 else loc


def _unread(error: HttpError) -> Problem:
    if error.status_code == 400:
        return Problem(
            400, "not-json", "The body is not JSON.", "Send UTF-8 JSON, as in /api/docs/."
        )
    return Problem(error.status_code, "refused", str(error))


def _bad_form() -> Problem:
    return Problem(
        400,
        "bad-form",
        "The body is not the form that its Content-Type says.",
        "Let the program that sends it write that header, as curl does with -F.",
    )


def _too_big() -> Problem:
    return Problem(413, "body-too-large", "The body is too large for this request.")


def _unexpected(request: HttpRequest, error: Exception) -> Problem:
    found = unexpected(error, "answering a request", path=request.path, method=request.method)
    return Problem(500, found.code, found.message, found.hint, found=found.found)
