"""The documentation of the API is drawn from its OpenAPI document, all of it."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client
from django.urls import reverse

from auditapp.api.app import api
from auditapp.api.asked import AuditIn
from auditapp.headless import Options
from tests.factories import make_team

pytestmark = pytest.mark.django_db
DOCUMENT = json.loads(json.dumps(api.get_openapi_schema(), default=str))
OPERATIONS = [
    (method.upper(), path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]


@pytest.fixture
def page(client: Client) -> str:
    response = client.get(reverse("api-docs"))
    assert response.status_code == 200
    return response.content.decode()


def test_every_operation_is_on_the_page(page: str) -> None:
    for method, path, operation in OPERATIONS:
        part = page.split(f'id="{operation["operationId"]}"')[1].split("</article>")[0]
        assert f">{method}<" in part
        assert path in part
        assert operation["security"][0]["Bearer"][0] in part
        for parameter in operation["parameters"]:
            assert f"<code>{parameter['name']}</code>" in part


#: Fields that their name says all of.
PLAIN = {"name", "clock", "period", "column", "values"}


def test_every_field_of_a_body_says_what_it_is() -> None:
    silent = [
        f"{name}.{field}"
        for name, shape in DOCUMENT["components"]["schemas"].items()
        for field, schema in shape.get("properties", {}).items()
        if name.endswith("In") and name not in {"AboutIn", "ReadingIn"}
        if not schema.get("description") and field not in PLAIN
    ]
    assert silent == []


def test_the_page_needs_no_script_and_no_other_server(page: str, client: Client) -> None:
    main = page.split("<main")[1].split("</main>")[0]
    assert "style=" not in main
    assert "<script" not in main
    others = set(re.findall(r'(?:src|href)="(https?://[^"]+)"', page))
    assert others == set()


def test_the_page_is_for_anybody_and_links_what_helps(client: Client) -> None:
    assert reverse("tokens") not in client.get(reverse("api-docs")).content.decode()
    client.force_login(make_team().vera)
    page = client.get(reverse("api-docs")).content.decode()
    assert reverse("tokens") in page
    assert reverse("doc-page", args=["api"]) in page
    assert reverse("api-openapi") in page


def test_examples_fit_their_own_shapes() -> None:
    for name, shape in DOCUMENT["components"]["schemas"].items():
        for example in shape.get("examples") or []:
            assert set(example) <= set(shape["properties"]), name
            assert set(shape.get("required") or ()) <= set(example), name


def test_the_document_is_openapi_3_1(client: Client) -> None:
    found = client.get(reverse("api-openapi")).json()
    assert found["openapi"].startswith("3.1")
    for path, operations in found["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                media = list(answer.get("content") or ())
                if int(status) >= 400:
                    assert media == ["application/problem+json"], path
            assert {"401", "403", "422", "429"} <= set(operation["responses"])


#: Options of the command that name files or places there, or concern the process.
NO_FIELD = {
    "data", "more", "out", "pdf", "images", "join", "on", "task", "task_settings", "read",
    "rules", "device", "policy", "sign", "keep", "language",
}  # fmt: skip


def test_the_fields_of_a_start_are_the_options_of_the_command() -> None:
    options = set(Options.__dataclass_fields__)
    fields = set(AuditIn.model_fields)
    assert options - fields == NO_FIELD
    policy = {
        "intersections", "floor", "goal", "threshold", "tolerance", "tolerance_unit", "k",
        "draws", "seed",
    }  # fmt: skip
    assert fields - options == policy | {"dataset", "about"}
