"""A draft can be deleted from each of its steps."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from auditapp.models import Audit
from tests.factories import make_dataset, make_draft, make_team
from tests.profiles import people

DRAFT = {
    "roles": {"hired": "decision", "sex": "sensitive"},
    "attributes": [{"column": "sex", "title": "Sex"}],
    "decision": {"column": "hired", "favourable": ["1"]},
    "model": {"kind": "columns"},
    "steps": ["data", "roles"],
}


@pytest.mark.django_db
@pytest.mark.parametrize("step", ["audit-data", "audit-roles", "audit-policy"])
def test_a_draft_can_be_deleted_from_every_step(step: str) -> None:
    team = make_team()
    dataset = make_dataset(team, profile=people(), rows=1000)
    audit = make_draft(team, dataset=dataset, draft=DRAFT)
    client = Client()
    client.force_login(team.alice)
    delete = reverse("audit-delete", args=[audit.id])
    assert f'href="{delete}"' in client.get(reverse(step, args=[audit.id])).content.decode()
    client.post(delete)
    assert not Audit.objects.filter(id=audit.id).exists()
