"""The OpenAPI document, and every operation held to it with made-up requests."""

from __future__ import annotations

import itertools
import json
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from django.core.cache import cache
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from auditapp.api.app import api
from auditapp.wsgi import application
from tests.api import PROFILE, make_token
from tests.factories import make_dataset, make_team
from tests.test_api_permissions import make_world


def _closing(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """The application, whose files are closed when their answer is read."""
    answer = application(environ, start_response)
    try:
        return [b"".join(answer)]
    finally:
        answer.close()


schema = schemathesis.openapi.from_dict(
    json.loads(json.dumps(api.get_openapi_schema(), default=str))
)
schema.app = _closing
schema.config.update(base_url="http://localhost")


COUNTER = itertools.count()


@pytest.fixture
def world(db: None, settings: Any) -> Any:
    """One of each thing, and somebody who may do everything with it."""
    cache.clear()
    settings.API_REQUESTS_PER_MINUTE = settings.API_CHANGES_PER_MINUTE = 10**6
    settings.WORKSPACE_QUEUE_LIMIT = 10**6
    team = make_team()
    made = make_world(team)
    _, program = make_token(team.workspace, team.bob)
    return team, made, program.headers


def _is_id(value: Any) -> bool:
    try:
        return bool(UUID(str(value)))
    except ValueError:
        return False


@pytest.mark.slow
@schema.parametrize()
@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_the_document_says(case: Any, world: Any) -> None:
    # Fifty fields make nine hundred requests to start an audit; every third is sent.
    if case.operation.label == "POST /api/v1/audits" and next(COUNTER) % 3:
        return
    team, made, headers = world
    # Ids that were made up find nothing: those of things that are there go deeper.
    for name, value in (case.path_parameters or {}).items():
        if _is_id(value):
            case.path_parameters[name] = made.ids()[name]
    if isinstance(case.body, dict) and _is_id(case.body.get("dataset")):
        case.body["dataset"] = str(make_dataset(team, profile=PROFILE).id)
    # What a table holds is not in the document: a column it lacks is refused with 422.
    case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])
