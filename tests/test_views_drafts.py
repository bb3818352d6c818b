"""Step 1 of a new audit: files come in, are checked, refused, read again, replaced."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from auditapp.models import Audit, Dataset, ModelFile
from tests.factories import Team, make_dataset, make_draft, make_model, make_team
from tests.profiles import people

pytestmark = pytest.mark.django_db
ERROR = {
    "code": "ragged-rows",
    "message": "Row 3 of people.csv has 2 fields.",
    "hint": "Export the table again.",
    "where": "row 3",
    "found": "3 fields expected",
    "code_block": "",
    "permanent": True,
}


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def client(team: Team) -> Client:
    client = Client()
    client.force_login(team.alice)
    return client


def csv(text: str = "a,b\n1,2\n", name: str = "people.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode())


def test_a_table_becomes_a_draft_that_waits_for_its_check(client: Client) -> None:
    response = client.post(reverse("audit-new"), {"table": csv()}, follow=True)
    audit = Audit.objects.get()
    assert response.redirect_chain[-1][0] == reverse("audit-data", args=[audit.id])
    text = response.content.decode()
    assert "Waiting for a worker" in text
    assert "data-poll" in text
    assert '<noscript><meta http-equiv="refresh"' in text
    assert audit.dataset is not None and audit.dataset.original_name == "people.csv"


def test_a_table_and_a_model_come_together(client: Client) -> None:
    model = SimpleUploadedFile("m.onnx", b"model")
    client.post(reverse("audit-new"), {"table": csv(), "model_file": model})
    assert Audit.objects.get().model == ModelFile.objects.get()


def test_an_upload_by_script_is_answered_with_the_next_address(client: Client) -> None:
    response = client.post(
        reverse("audit-new"), {"table": csv()}, headers={"X-Requested-With": "upload"}
    )
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.content.decode() == reverse("audit-data", args=[Audit.objects.get().id])


def test_nothing_chosen_is_an_error_at_the_field_and_the_top(client: Client) -> None:
    response = client.post(reverse("audit-new"), {})
    text = response.content.decode()
    assert response.status_code == 422
    assert text.count("Choose a file, or a table that is here already") == 2
    assert 'href="#id_table"' in text
    assert not Audit.objects.exists()


def test_an_empty_file_is_refused_with_its_name(client: Client) -> None:
    text = client.post(reverse("audit-new"), {"table": csv("")}).content.decode()
    assert "“people.csv” is empty." in text
    assert not Dataset.objects.exists()


def test_with_a_bad_model_the_table_is_not_kept_either(client: Client) -> None:
    model = SimpleUploadedFile("m.onnx", b"")
    client.post(reverse("audit-new"), {"table": csv(), "model_file": model})
    assert not Dataset.objects.exists()
    assert not Audit.objects.exists()


def test_a_table_that_is_here_can_be_chosen(client: Client, team: Team) -> None:
    dataset = make_dataset(team, profile=people())
    page = client.get(reverse("audit-new") + f"?dataset={dataset.id}").content.decode()
    assert f'value="{dataset.id}" checked' in page
    client.post(reverse("audit-new"), {"dataset": str(dataset.id)})
    assert Audit.objects.get().dataset == dataset


def test_a_model_sent_with_a_table_that_is_here_is_the_one_audited(
    client: Client, team: Team
) -> None:
    dataset = make_dataset(team, profile=people(), rows=1000)
    onnx = SimpleUploadedFile("m.onnx", b"onnx")
    client.post(reverse("audit-new"), {"dataset": str(dataset.id), "model_file": onnx})
    audit = Audit.objects.get()
    assert audit.model is not None
    assert audit.draft["roles"]
    assert audit.draft["model"] == {"kind": "upload"}


def test_a_model_that_comes_later_takes_the_place_of_the_columns(
    client: Client, team: Team
) -> None:
    draft = {"roles": {"sex": "sensitive"}, "model": {"kind": "columns"}}
    audit = make_draft(team, dataset=make_dataset(team, profile=people()), draft=draft)
    onnx = SimpleUploadedFile("m.onnx", b"onnx")
    client.post(reverse("audit-data", args=[audit.id]), {"model_file": onnx})
    audit.refresh_from_db()
    assert audit.draft["model"] == {"kind": "upload"}
    assert audit.draft["roles"] == {"sex": "sensitive"}


def test_a_table_of_another_workspace_cannot_be_chosen(client: Client, team: Team) -> None:
    other = make_dataset(make_other(team))
    assert client.post(reverse("audit-new"), {"dataset": str(other.id)}).status_code == 422


def make_other(team: Team) -> Team:
    """The same people, and a workspace Alice is not in."""
    elsewhere = team.charlie.workspaces.get()
    return Team(elsewhere, team.charlie, team.bob, team.vera, team.charlie)


def test_a_refused_table_says_what_where_and_what_to_do(client: Client, team: Team) -> None:
    refused = make_dataset(team, state="refused", error=ERROR, profile=None, rows=None)
    audit = make_draft(team, dataset=refused)
    text = client.get(reverse("audit-data", args=[audit.id])).content.decode()
    assert "<title>Error: Data" in text
    assert "One file was refused." in text
    assert 'href="#refused-table"' in text and 'id="refused-table"' in text
    for words in ("Row 3 of people.csv has 2 fields.", "3 fields expected", "Export the table"):
        assert words in text
    assert "Read the table again" in text


def test_a_refused_model_shows_a_way_out_to_copy(client: Client, team: Team) -> None:
    error = {**ERROR, "message": "Pickle files can run code.", "code_block": "import skops.io"}
    model = make_model(team, state="refused", error=error, profile=None)
    audit = make_draft(team, model=model)
    text = client.get(reverse("audit-data", args=[audit.id])).content.decode()
    assert "import skops.io" in text
    assert "data-copy=" in text


def test_a_file_name_is_text_and_never_markup(client: Client, team: Team) -> None:
    error = {**ERROR, "message": "<script>alert(1)</script> is odd."}
    refused = make_dataset(
        team, state="refused", error=error, original_name="<b>x</b>.csv", profile=None, rows=None
    )
    text = client.get(
        reverse("audit-data", args=[make_draft(team, dataset=refused).id])
    ).content.decode()
    assert "<script>alert" not in text
    assert "<b>x</b>" not in text


def test_a_settled_check_sends_the_browser_on(client: Client, team: Team) -> None:
    waiting = make_dataset(team, state="checking", profile=None, rows=None)
    audit = make_draft(team, dataset=waiting)
    address = reverse("audit-data-state", args=[audit.id])
    assert "HX-Redirect" not in client.get(address).headers
    Dataset.objects.update(state="ready", profile=people(), rows=1000)
    assert client.get(address).headers["HX-Redirect"] == reverse("audit-data", args=[audit.id])


def test_the_table_is_read_again_as_the_user_says(client: Client, team: Team) -> None:
    dataset = make_dataset(team, profile=people(), rows=1000)
    audit = make_draft(team, dataset=dataset)
    data = {"delimiter": ";", "encoding": "", "header": "no", "quote": "no",
            "missing": "(blank), -9"}  # fmt: skip
    response = client.post(reverse("audit-data-reading", args=[audit.id]), data)
    assert response.status_code == 302
    dataset.refresh_from_db()
    audit.refresh_from_db()
    assert dataset.state == "received"
    assert dataset.read_options == {
        "delimiter": ";",
        "encoding": None,
        "header": False,
        "quote": "",
        "missing": ["", "-9"],
    }
    assert not audit.draft["roles"]


def test_reading_again_while_it_is_checked_says_wait(client: Client, team: Team) -> None:
    dataset = make_dataset(team, state="checking")
    audit = make_draft(team, dataset=dataset)
    response = client.post(reverse("audit-data-reading", args=[audit.id]), {"missing": ""})
    assert response.status_code == 422
    assert "still being checked" in response.content.decode()


def test_another_table_takes_the_answers_about_columns_with_it(client: Client, team: Team) -> None:
    audit = make_draft(team)
    other = make_dataset(team, name="Other", profile=people())
    client.post(reverse("audit-data", args=[audit.id]), {"dataset": str(other.id)})
    audit.refresh_from_db()
    assert audit.dataset == other
    assert not audit.draft["roles"] and not audit.draft["attributes"]


def test_the_same_table_with_another_model_keeps_them(client: Client, team: Team) -> None:
    audit = make_draft(team)
    model = make_model(team)
    client.post(reverse("audit-data", args=[audit.id]), {"model": str(model.id)})
    audit.refresh_from_db()
    assert audit.model == model
    assert audit.draft["roles"]


@pytest.mark.parametrize("name", ["audit-data", "audit-roles", "audit-policy"])
def test_an_audit_that_started_has_no_steps_any_more(
    name: str, client: Client, team: Team
) -> None:
    audit = make_draft(team)
    Audit.objects.filter(id=audit.id).update(state="running", plan={})
    response: Any = client.get(reverse(name, args=[audit.id]))
    assert response["Location"] == reverse("audit", args=[audit.id])


def test_later_steps_wait_for_the_earlier_ones(client: Client, team: Team) -> None:
    waiting = make_draft(team, dataset=make_dataset(team, state="checking"), draft={})
    response: Any = client.get(reverse("audit-roles", args=[waiting.id]))
    assert response["Location"] == reverse("audit-data", args=[waiting.id])
    ready = make_draft(team, dataset=make_dataset(team, profile=people()), draft={})
    response = client.get(reverse("audit-policy", args=[ready.id]))
    assert response["Location"] == reverse("audit-roles", args=[ready.id])
