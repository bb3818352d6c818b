"""The API: its routers, its problems, and the OpenAPI document of both."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils.cache import patch_cache_control
from ninja import NinjaAPI

from auditapp import __version__
from auditapp.api import (
    audits,
    datasets,
    model_files,
    problems,
    reports,
    runs,
    schedules,
    templates,
    token,
)
from auditapp.api.auth import Bearer

ABOUT = (
    "Upload data, start audits, follow them and fetch their reports. Every request carries a"
    " token, which is for one workspace. Errors are application/problem+json with code, message"
    " and hint."
)


class Api(NinjaAPI):
    """Says in its OpenAPI document that errors are problems, and which scope each needs."""

    def get_openapi_operation_id(self, operation: Any) -> str:
        """The name of the function, which clients that are generated are named by."""
        return str(operation.view_func.__name__)

    def get_openapi_schema(self, **kwargs: Any) -> Any:
        """The document."""
        document = super().get_openapi_schema(**kwargs)
        scopes = {
            operation.view_func.__name__: [
                item.scope for item in operation.auth_callbacks if isinstance(item, Bearer)
            ]
            for bound in self._get_bound_routers()
            for view in bound.path_operations.values()
            for operation in view.operations
        }
        for path in document["paths"].values():
            for operation in path.values():
                # A bearer scheme has no scopes of its own; OpenAPI 3.1 has them stand here.
                operation["security"] = [{"Bearer": scopes[operation["operationId"]]}]
                _mend(operation["responses"])
        return document


def _mend(responses: dict[Any, Any]) -> None:
    for status, answer in responses.items():
        content = answer.get("content")
        if int(status) >= 400 and content is not None:
            answer["content"] = {problems.CONTENT_TYPE: content["application/json"]}


api = Api(
    title="Evenhand",
    version=__version__,
    description=ABOUT,
    docs_url=None,
    openapi_url=None,
    urls_namespace="api",
)
problems.install(api)
for part in (token, datasets, model_files, audits, runs, reports, schedules, templates):
    api.add_router("", part.router)


def openapi(request: HttpRequest) -> JsonResponse:
    """The document, for programs that make clients; it names nothing of anybody's."""
    response = JsonResponse(api.get_openapi_schema())
    patch_cache_control(response, public=True, max_age=300)
    return response


def unknown(request: HttpRequest, **_: Any) -> Any:
    """404 in the words of the API for addresses that are none."""
    return problems.not_found().response()
