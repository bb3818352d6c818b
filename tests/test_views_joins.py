"""Joining a second table: choosing it, the columns, the counts, and using what came of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from auditapp.models import Audit, Dataset, Member, User
from auditapp.models.team import Role
from auditapp.services import uploads
from tests.factories import Team, make_dataset, make_draft, make_team
from tests.profiles import people

pytestmark = pytest.mark.django_db

PEOPLE = "person,sex,hired\n1,F,1\n2,M,0\n3,F,0\n4,M,1\n,F,0\n"
GOLD = "id,gold,hired\n1,1,x\n2,1,y\n9,0,z\n"


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def client(team: Team) -> Client:
    return client_of(team.alice)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def received(team: Team, name: str, text: str) -> Dataset:
    """A table that was sent and looked at."""
    file = SimpleUploadedFile(name, text.encode())
    row = uploads.dataset_receive(workspace=team.workspace, user=team.alice, file=file)
    uploads.dataset_inspect(dataset_id=row.id)
    row.refresh_from_db()
    return row


def address(name: str, *rows: Any, audit: Audit | None = None) -> str:
    url = reverse(name, args=[row.id for row in rows])
    return url if audit is None else f"{url}?audit={audit.id}"


def answers(**changes: Any) -> dict[str, Any]:
    data = {"on": "person", "second_on": "id", "columns": ["id", "gold", "hired"],
            "keep": "all", "duplicates": "refuse"}  # fmt: skip
    return {**data, **changes}


def text_of(response: Any) -> str:
    return str(response.content.decode())


def test_two_tables_become_a_third_and_its_counts_are_shown(client: Client, team: Team) -> None:
    first, second = received(team, "people.csv", PEOPLE), received(team, "gold.csv", GOLD)
    audit = make_draft(team, dataset=first)
    page = text_of(client.get(address("dataset-join", first, audit=audit)))
    assert "gold" in page and f'value="{second.id}"' in page
    chosen = client.post(address("dataset-join", first, audit=audit), {"dataset": str(second.id)})
    assert chosen["Location"] == address("dataset-join-columns", first, second, audit=audit)
    made = client.post(chosen["Location"], answers())
    row = Dataset.objects.get(joined__isnull=False)
    assert made["Location"] == address("dataset-detail", row, audit=audit)
    uploads.dataset_inspect(dataset_id=row.id)
    row.refresh_from_db()
    assert (row.state, row.rows, row.sha256) == ("ready", 5, first.sha256)
    assert [column["name"] for column in row.profile["columns"]] == [
        "person", "sex", "hired", "gold", "hired (2)",
    ]  # fmt: skip
    text = text_of(client.get(made["Location"]))
    assert "2 of 5 rows of people.csv found their row in gold.csv." in text
    assert "3 rows are kept, blank in the added columns." in text
    assert "<code>hired (2)</code> (<code>hired</code> there)" in text
    assert "Use it in the audit" in text
    client.post(address("audit-data", audit), {"dataset": str(row.id)})
    audit.refresh_from_db()
    assert audit.dataset == row
    assert "2 of 5 rows of people.csv" in text_of(client.get(address("audit-data", audit)))


@pytest.mark.parametrize(
    ("text", "changes", "words"),
    [
        ("id,gold\n1,1\n1,0\n", {}, "1 id of column “id” is on more than one of the 2 rows"),
        ("id,gold\n007,1\n", {}, "No id of column “person” is in column “id” of gold.csv"),
    ],
)
def test_a_refused_join_says_why_and_leads_to_another_try(
    client: Client, team: Team, text: str, changes: dict[str, Any], words: str
) -> None:
    first, second = received(team, "people.csv", PEOPLE), received(team, "gold.csv", text)
    url = address("dataset-join-columns", first, second)
    client.post(url, answers(columns=["gold"], **changes))
    row = Dataset.objects.get(joined__isnull=False)
    uploads.dataset_inspect(dataset_id=row.id)
    page = text_of(client.get(address("dataset-detail", row)))
    assert words in page and f'href="{url}"' in page
    assert 'value="gold" checked' in text_of(client.get(url))
    client.post(url, answers(columns=["gold"], duplicates="first"))
    assert Dataset.objects.filter(joined__isnull=False).count() == 1


def test_an_upload_is_kept_and_waited_for(client: Client, team: Team) -> None:
    first = make_dataset(team, profile=people(), rows=1000)
    file = SimpleUploadedFile("gold.csv", GOLD.encode())
    response = client.post(
        address("dataset-join", first), {"table": file}, headers={"X-Requested-With": "upload"}
    )
    second = Dataset.objects.exclude(id=first.id).get()
    url = address("dataset-join-columns", first, second)
    assert response.content.decode() == url
    text = text_of(client.get(url))
    assert "Waiting for a worker" in text and "data-poll" in text
    fragment = client.get(url, headers={"HX-Request": "true"})
    assert "HX-Redirect" not in fragment.headers
    Dataset.objects.filter(id=second.id).update(state="ready", profile=people(), rows=1000)
    assert client.get(url, headers={"HX-Request": "true"})["HX-Redirect"] == url


def test_a_refused_second_table_says_what_is_wrong(client: Client, team: Team) -> None:
    first = make_dataset(team, profile=people(), rows=1000)
    error = {"code": "ragged", "message": "Row 3 has 2 fields.", "hint": "Export it again.",
             "where": "", "found": "", "code_block": "", "permanent": True}  # fmt: skip
    second = make_dataset(team, state="refused", error=error, profile=None, rows=None)
    text = text_of(client.get(address("dataset-join-columns", first, second)))
    assert "<title>Error: Join" in text
    assert "Row 3 has 2 fields." in text and "Choose another file" in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"on": ""}, "Choose the column of people.csv that holds the ids"),
        ({"second_on": ""}, "Choose the column of gold.csv that holds the ids"),
        ({"columns": []}, "Tick at least one column besides the id"),
        ({"columns": ["hired"], "second_on": "hired"}, "Tick at least one column besides the id"),
    ],
)
def test_what_is_missing_is_said_at_the_top(
    client: Client, team: Team, changes: dict[str, Any], words: str
) -> None:
    first = make_dataset(team, profile=people(), rows=1000)
    second = make_dataset(team, profile=people(), rows=1000, original_name="gold.csv")
    data = {**answers(on="hired", second_on="hired", columns=["sex"]), **changes}
    response = client.post(address("dataset-join-columns", first, second), data)
    assert response.status_code == 422
    assert words in text_of(response).split('id="error-summary"')[1].split("</ul>")[0]
    assert not Dataset.objects.filter(joined__isnull=False).exists()


def test_nothing_chosen_is_an_error(client: Client, team: Team) -> None:
    first = make_dataset(team, profile=people(), rows=1000)
    response = client.post(address("dataset-join", first), {})
    assert response.status_code == 422
    assert "Choose a file, or a table that is here already" in text_of(response)


def test_only_those_who_may_change_something_join(team: Team) -> None:
    first, second = (make_dataset(team, profile=people(), rows=1000) for _ in range(2))
    pages = [address("dataset-join", first), address("dataset-join-columns", first, second)]
    expected = {team.alice: 200, team.bob: 200, team.vera: 403, team.charlie: 404}
    for user, status in expected.items():
        for page in pages:
            assert client_of(user).get(page).status_code == status
            assert client_of(user).post(page, {}).status_code == (422 if status == 200 else status)
    assert Client().get(pages[0])["Location"].startswith(reverse("signin"))


def test_tables_of_two_workspaces_are_never_joined(client: Client, team: Team) -> None:
    elsewhere = team.charlie.workspaces.get()
    Member.objects.create(workspace=elsewhere, user=team.alice, role=Role.OWNER)
    other = make_dataset(Team(elsewhere, team.charlie, team.bob, team.vera, team.charlie),
                         profile=people(), rows=1000)  # fmt: skip
    first = make_dataset(team, profile=people(), rows=1000)
    assert str(other.id) not in text_of(client.get(address("dataset-join", first)))
    assert client.get(address("dataset-join-columns", first, other)).status_code == 404
    sent = client.post(address("dataset-join", first), {"dataset": str(other.id)})
    assert sent.status_code == 422


def test_a_draft_of_a_stranger_is_not_found(client: Client, team: Team) -> None:
    elsewhere = Team(team.charlie.workspaces.get(), team.charlie, team.bob, team.vera, team.alice)
    theirs = make_draft(elsewhere)
    first = make_dataset(team, profile=people(), rows=1000)
    for audit in (str(theirs.id), "nothing"):
        url = address("dataset-join", first) + f"?audit={audit}"
        assert client.get(url).status_code == 404


def test_roles_that_were_given_stay_when_columns_are_joined(client: Client, team: Team) -> None:
    audit = make_draft(team)
    Audit.objects.filter(id=audit.id).update(draft={**audit.draft, "steps": ["data", "roles"]})
    joined = {"first": str(audit.dataset_id), "second": "x", "names": ["a", "b"]}
    more = make_dataset(team, profile=people(), rows=1000, joined=joined)
    client.post(address("audit-data", audit), {"dataset": str(more.id)})
    audit.refresh_from_db()
    assert audit.dataset == more and audit.title == "Hiring"
    assert audit.draft["roles"] == {"sex": "sensitive", "hired": "decision"}


def test_names_of_columns_and_files_are_text(client: Client, team: Team) -> None:
    profile = people()
    profile["columns"][0]["name"] = "<script>alert(1)</script>"
    first = make_dataset(team, profile=profile, rows=1000, original_name="<b>x</b>.csv")
    second = make_dataset(team, profile=profile, rows=1000)
    text = text_of(client.get(address("dataset-join-columns", first, second)))
    assert "<script>alert" not in text and "<b>x</b>" not in text
