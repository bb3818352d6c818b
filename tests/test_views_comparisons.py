"""Comparisons on the web: choosing two audits, waiting, reading, deleting."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from auditapp.models import Audit, Comparison, Event, Report, State
from auditapp.services import comparisons, leases
from auditapp.services.accounts import workspace_create
from auditapp.services.audits import audit_delete
from auditapp.services.uploads import dataset_delete
from tests.comparison_audits import audit, people
from tests.comparison_rows import make_comparison, make_finished
from tests.factories import Team, make_dataset, make_team

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("audits")
    table = people(3000, 5, planted=0.15)
    return {
        "a": audit(table, base / "a"),
        "b": audit(table, base / "b", score="score_b"),
        "other goal": audit(table, base / "c", goal="accuracy"),
    }


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def pair(team: Team, folders: dict[str, Path]) -> tuple[Audit, Audit]:
    dataset = make_dataset(team)
    first, second = (
        make_finished(team, folders[name], title=f"Income {name}", dataset=dataset)
        for name in ("a", "b")
    )
    return first, second


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def start(client: Client, first: Audit, second: Audit, **more: str) -> Any:
    return client.post(
        reverse("comparison-new"), {"first": str(first.id), "second": str(second.id), **more}
    )


def test_two_audits_are_compared_from_the_page_to_the_pdf(
    team: Team, pair: tuple[Audit, Audit]
) -> None:
    client = client_of(team.bob)
    response = start(client, *pair, title="New against old")
    made = Comparison.objects.get()
    assert response["Location"] == reverse("comparison", args=[made.id])
    assert made.report_id.endswith("-0001")
    page = client.get(response["Location"]).content.decode()
    assert "begins as soon as a worker is free" in page
    assert "HX-Redirect" not in client.get(reverse("comparison-now", args=[made.id]))

    comparisons.comparison_make(comparison_id=made.id)
    made.refresh_from_db()
    assert (made.state, made.error, made.verdict) == (State.DONE, None, "difference")
    moving = client.get(reverse("comparison-now", args=[made.id]))
    assert moving["HX-Redirect"] == reverse("comparison", args=[made.id])
    page = client.get(reverse("comparison", args=[made.id])).content.decode()
    assert "Black people and White people" in page
    assert "New against old" in page
    assert "The same people decided twice" not in page  # on the cover of the PDF only
    assert "Who is decided otherwise" in page

    document = json.loads(b"".join(client.get(reverse("comparison-json", args=[made.id]))))
    assert document["schema"] == "evenhand/comparison/1"
    assert document["rows"]["both"] == 3000
    table = b"".join(client.get(reverse("comparison-csv", args=[made.id]))).decode("utf-8-sig")
    assert table.startswith("table,metric,primary")
    pdf = b"".join(client.get(reverse("comparison-pdf", args=[made.id])))
    assert pdf.startswith(b"%PDF")
    verbs = Event.objects.filter(subject="comparison").order_by("sequence")
    assert [event.verb for event in verbs] == ["asked for", "finished", *["downloaded"] * 3]


def test_the_page_suggests_the_audit_of_the_same_data(
    team: Team, pair: tuple[Audit, Audit]
) -> None:
    page = client_of(team.alice).get(
        reverse("comparison-new"), {"second": str(pair[1].id)}
    ).content.decode()  # fmt: skip
    first, _, rest = page.partition('id="id_second"')
    assert f'value="{pair[0].id}" selected' in first
    assert f'value="{pair[1].id}" selected' in rest


def test_what_cannot_be_compared_is_said_at_once(
    team: Team, pair: tuple[Audit, Audit], folders: dict[str, Path]
) -> None:
    client = client_of(team.alice)
    dataset = pair[0].dataset
    assert dataset is not None
    other = make_finished(team, folders["other goal"], title="Accuracy", dataset=dataset)
    response = start(client, pair[0], other)
    assert response.status_code == 409
    page = response.content.decode()
    assert "different goals" in page
    assert "selection-rate and accuracy" in page
    assert "same audit" in start(client, pair[0], pair[0]).content.decode()
    response = client.post(reverse("comparison-new"), {"first": str(pair[0].id)})
    assert "Choose audit B." in response.content.decode()
    assert not Comparison.objects.exists()


def test_an_audit_of_another_workspace_cannot_be_chosen(
    team: Team, pair: tuple[Audit, Audit]
) -> None:
    response = start(client_of(team.charlie), *pair)
    assert response.status_code == 409
    assert "Choose audit A." in response.content.decode()


def test_a_viewer_reads_comparisons_and_starts_none(team: Team, pair: tuple[Audit, Audit]) -> None:
    made = make_comparison(*pair)
    client = client_of(team.vera)
    page = client.get(reverse("comparisons")).content.decode()
    assert made.title in page
    assert reverse("comparison-new") not in page
    page = client.get(reverse("comparison", args=[made.id])).content.decode()
    assert "Delete comparison" not in page
    assert start(client, *pair).status_code == 403


def test_a_comparison_that_failed_says_why_and_may_be_tried_again(
    team: Team, pair: tuple[Audit, Audit]
) -> None:
    client = client_of(team.alice)
    start(client, *pair)
    made = Comparison.objects.get()
    report = Report.objects.get(audit=pair[1])
    (report.folder / "rows.npz").unlink()
    comparisons.comparison_make(comparison_id=made.id)
    made.refresh_from_db()
    assert made.state == State.FAILED
    page = client.get(reverse("comparison", args=[made.id])).content.decode()
    assert "have to be paired" in page
    assert "<title>Error:" in page.replace("\n", "")
    client.post(reverse("comparison-again", args=[made.id]))
    made.refresh_from_db()
    assert (made.state, made.error) == (State.QUEUED, None)


def test_a_comparison_whose_worker_vanished_is_made_again(
    team: Team, pair: tuple[Audit, Audit]
) -> None:
    from auditapp.services.runs import free_all

    start(client_of(team.alice), *pair)
    made = Comparison.objects.get()
    assert leases.claim(Comparison, made.id) is not None
    assert leases.claim(Comparison, made.id) is None
    free_all()
    made.refresh_from_db()
    assert (made.state, made.losses) == (State.QUEUED, 1)


def test_deleting_a_comparison_takes_its_files_and_leaves_the_audits(
    team: Team, pair: tuple[Audit, Audit]
) -> None:
    made = make_comparison(*pair)
    client = client_of(team.alice)
    address = reverse("comparison-delete", args=[made.id])
    assert "cannot be undone" in client.get(address).content.decode()
    client.post(address)
    assert not Comparison.objects.exists()
    assert not made.folder.exists()
    assert Report.objects.count() == 2


def test_a_comparison_goes_with_either_audit(team: Team, pair: tuple[Audit, Audit]) -> None:
    made = make_comparison(*pair)
    audit_delete(audit=pair[1], user=team.alice)
    assert not Comparison.objects.exists()
    assert not made.folder.exists()


def test_kept_rows_go_with_their_data_set(team: Team, pair: tuple[Audit, Audit]) -> None:
    folder = Report.objects.get(audit=pair[0]).folder
    assert (folder / "rows.npz").exists()
    assert pair[0].dataset is not None
    dataset_delete(dataset=pair[0].dataset, user=team.alice)
    assert not (folder / "rows.npz").exists()
    assert not (folder / "rows.json").exists()
    assert (folder / "result.json").exists()


def test_the_key_of_ids_is_another_one_in_each_workspace(team: Team) -> None:
    other = workspace_create(user=team.alice, name="Second")
    assert comparisons.row_key(team.workspace) != comparisons.row_key(other)
    assert comparisons.row_key(team.workspace) == comparisons.row_key(team.workspace)
