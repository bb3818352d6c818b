"""What every answer of the application has in common."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

Answer = Callable[[HttpRequest], HttpResponse]


def private_pages(get_response: Answer) -> Answer:
    """No cache between here and the browser keeps a page, unless its view says otherwise."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_cache=True)
        return response

    return answer


def api_problems(get_response: Answer) -> Answer:
    """Whatever goes wrong under /api/v1/ is a problem that programs can read, not a page."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code < 400 or not request.path.startswith("/api/v1/"):
            return response
        from auditapp.api import problems

        if response.headers.get("Content-Type") == problems.CONTENT_TYPE:
            return response
        found = problems.of_status(response.status_code).response()
        if response.has_header("Allow"):
            found["Allow"] = response["Allow"]
        return found

    return answer
