"""The documentation of the API, drawn from its OpenAPI document: no script, no other server."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

Json = dict[str, Any]
LONGEST_LIST = 8


@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    """Every operation: what it takes, what it answers, and what it looks like with curl."""
    from auditapp.api import limits

    base = f"{request.scheme}://{request.get_host()}"
    context = {**_document(base), "base": base, "reads": limits.reads(), "writes": limits.writes()}
    return render(request, "pages/api_docs.html", context)


@lru_cache(maxsize=8)
def _document(base: str) -> Json:
    from auditapp.api.app import api

    document = json.loads(json.dumps(api.get_openapi_schema(), default=str))
    shapes = document["components"]["schemas"]
    groups: dict[str, list[Json]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            found = _operation(path, method, operation, shapes, base)
            groups.setdefault(operation["tags"][0], []).append(found)
    return {
        "info": document["info"],
        "openapi": document["openapi"],
        "groups": [
            {"title": title, "slug": title.lower().replace(" ", "-"), "operations": found}
            for title, found in groups.items()
        ],
        "problem": _answered(shapes["ProblemOut"], shapes),
    }


def _operation(path: str, method: str, operation: Json, shapes: Json, base: str) -> Json:
    body = operation.get("requestBody") or {}
    content = body.get("content") or {}
    json_body = (content.get("application/json") or {}).get("schema")
    fields = _fields(_resolved(json_body, shapes), shapes) if json_body is not None else []
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "title": operation["summary"],
        "words": operation.get("description", "").replace("`", "").split("\n\n"),
        "scope": operation["security"][0]["Bearer"][0],
        "parameters": [_parameter(item, shapes) for item in operation["parameters"]],
        "fields": sorted(fields, key=lambda field: not field["required"]),
        "body": body.get("description", "").replace("`", ""),
        "answers": [
            _answer(status, answer, shapes)
            for status, answer in operation["responses"].items()
            if int(status) < 400
        ],
        "refusals": [
            {"status": status, "words": answer["description"]}
            for status, answer in operation["responses"].items()
            if int(status) >= 400
        ],
        "curl": _curl(base + path, method, operation, content, shapes),
    }


def _parameter(item: Json, shapes: Json) -> Json:
    return {
        "name": item["name"],
        "place": {"path": "address", "query": "query", "header": "header"}[item["in"]],
        "required": item["required"],
        "type": _type(item["schema"], shapes),
        "words": item.get("description", ""),
    }


def _answer(status: str, answer: Json, shapes: Json) -> Json:
    fields: list[Json] = []
    media = ""
    for name, content in (answer.get("content") or {}).items():
        media = name
        fields = _answered(_resolved(content["schema"], shapes), shapes)
    return {"status": status, "words": answer["description"], "media": media, "fields": fields}


def _fields(schema: Json, shapes: Json) -> list[Json]:
    required = schema.get("required") or []
    return [
        {
            "name": name,
            "required": name in required,
            "type": _type(field, shapes),
            "default": _default(field),
            "words": _words(field, shapes),
            "inside": _inside(field, shapes),
        }
        for name, field in (schema.get("properties") or {}).items()
    ]


def _answered(schema: Json, shapes: Json) -> list[Json]:
    """Fields of an answer: they are always there."""
    return [{**field, "required": False, "default": ""} for field in _fields(schema, shapes)]


def _inside(schema: Json, shapes: Json) -> list[Json]:
    """Fields of an object, or of the items of a list, one level down."""
    for part in (schema, *schema.get("anyOf", ()), *schema.get("allOf", ())):
        inner = part.get("items", part) if part.get("type") == "array" else part
        found = _resolved(inner, shapes)
        if found.get("properties"):
            return [
                {"name": name, "type": _type(field, shapes), "words": field.get("description", "")}
                for name, field in found["properties"].items()
            ]
    return []


def _resolved(schema: Json, shapes: Json) -> Json:
    if "$ref" not in schema:
        return schema
    found: Json = shapes[schema["$ref"].rpartition("/")[2]]
    return found


def _words(schema: Json, shapes: Json) -> str:
    words = schema.get("description") or _resolved(schema, shapes).get("description", "")
    return str(words)


def _default(schema: Json) -> str:
    value = schema.get("default")
    return "" if value in (None, "", [], {}) or isinstance(value, dict) else json.dumps(value)


def _type(schema: Json, shapes: Json) -> str:
    """A type in a few words: text, whole number, list of text, one of a, b."""
    parts = schema.get("anyOf") or schema.get("allOf")
    if parts is not None:
        kinds = [_type(part, shapes) for part in parts if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "$ref" in schema:
        return _type(_resolved(schema, shapes), shapes)
    if "enum" in schema or "const" in schema:
        values = schema.get("enum") or [schema["const"]]
        shown = ", ".join(str(value) for value in values[:LONGEST_LIST])
        more = len(values) - LONGEST_LIST
        return f"one of {shown}" + (f" and {more} more" if more > 0 else "")
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_type(schema.get('items') or {}, shapes)}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'], shapes)}"
    if kind == "string":
        return {"uuid": "id", "date-time": "time", "binary": "file"}.get(
            schema.get("format", ""), "text"
        )
    names = {"integer": "whole number", "number": "number", "boolean": "true or false"}
    return names.get(str(kind), "object" if kind == "object" else "anything")


def _curl(address: str, method: str, operation: Json, content: Json, shapes: Json) -> str:
    """The shortest command that could work."""
    parameters = operation["parameters"]
    for item in parameters:
        if item["in"] == "path":
            address = address.replace(f"{{{item['name']}}}", item["name"].upper())
    schema = (content.get("application/json") or {}).get("schema")
    form = "multipart/form-data" in content
    implied = method == "get" or (method == "post" and (form or schema is not None))
    verb = "" if implied else f" -X {method.upper()}"
    lines = [f'curl{verb} -H "Authorization: Bearer $EVENHAND_TOKEN"']
    if any(item["name"] == "Idempotency-Key" for item in parameters):
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    if form:
        lines.append("-F file=@FILE")
    if schema is not None:
        lines.append('-H "Content-Type: application/json"')
        examples = _resolved(schema, shapes).get("examples") or [{}]
        lines.append(f"-d '{json.dumps(examples[0])}'")
    if address.endswith((".pdf", ".csv", ".json")):
        lines.append("-OJ")
    return " \\\n  ".join([*lines, address])
