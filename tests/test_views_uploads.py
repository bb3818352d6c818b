"""Tables and models that are here."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from auditapp.models import Dataset, ModelFile
from tests.factories import Team, make_dataset, make_model, make_run, make_team
from tests.profiles import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def client(team: Team) -> Client:
    client = Client()
    client.force_login(team.alice)
    return client


def test_empty_lists_say_how_they_are_filled(client: Client) -> None:
    text = client.get(reverse("data-list")).content.decode()
    assert "No table is here yet" in text and "No model is here yet" in text


def test_the_list_shows_state_and_size(client: Client, team: Team) -> None:
    make_dataset(team, name="Census", rows=332900)
    make_model(team, name="Scorer", profile=None, state="checking")
    text = client.get(reverse("data-list")).content.decode()
    assert "Census" in text and "332,900" in text
    assert "Scorer" in text and "Checking" in text


def test_a_table_shows_its_columns_without_rows_of_people(client: Client, team: Team) -> None:
    dataset = make_dataset(team, profile=people(), rows=1000)
    text = client.get(reverse("dataset-detail", args=[dataset.id])).content.decode()
    assert "remarks" in text and "1,000 rows" in text
    assert "sex has a third value." in text
    assert "Change how it is read" in text


def test_a_refused_table_says_why(client: Client, team: Team) -> None:
    error = {"code": "x", "message": "people.csv has no rows.", "hint": "Export it again."}
    dataset = make_dataset(team, state="refused", error=error, profile=None, rows=None)
    text = client.get(reverse("dataset-detail", args=[dataset.id])).content.decode()
    assert "people.csv has no rows." in text


def test_reading_again_starts_a_new_check(client: Client, team: Team) -> None:
    dataset = make_dataset(team, profile=people())
    client.post(reverse("dataset-reading", args=[dataset.id]), {"delimiter": ";", "missing": "?"})
    dataset.refresh_from_db()
    assert dataset.state == "received"
    assert dataset.read_options["delimiter"] == ";"


def test_a_model_shows_inputs_and_outputs(client: Client, team: Team) -> None:
    profile = {
        "format": "onnx",
        "inputs": [{"name": "X", "type": "float", "shape": [None, 10]}],
        "outputs": [{"name": "probabilities", "type": "float", "shape": None}],
        "classes": [0, 1],
    }
    model = make_model(team, profile=profile)
    text = client.get(reverse("model-detail", args=[model.id])).content.decode()
    assert "probabilities" in text and "0, 1" in text


def test_deleting_asks_and_then_removes_the_files(
    client: Client, team: Team, django_capture_on_commit_callbacks: object
) -> None:
    dataset = make_dataset(team, name="Census")
    address = reverse("dataset-delete", args=[dataset.id])
    assert "This cannot be undone." in client.get(address).content.decode()
    assert Dataset.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        response = client.post(address, follow=True)
    assert "The data set “Census” is deleted." in response.content.decode()
    assert not dataset.folder.exists()
    model = make_model(team)
    client.post(reverse("model-delete", args=[model.id]))
    assert not ModelFile.objects.exists()


def test_a_table_in_use_stays(client: Client, team: Team) -> None:
    dataset = make_run(team).audit.dataset
    assert dataset is not None
    response = client.post(reverse("dataset-delete", args=[dataset.id]))
    assert response.status_code == 409
    assert "works on it" in response.content.decode()
    assert Dataset.objects.exists()
