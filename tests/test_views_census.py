"""Census tables in the browser: what they hold, their tasks, several files, and loading them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from auditapp.errors import AuditError
from auditapp.folktables import download
from auditapp.models import Audit, Dataset, User
from auditapp.plan import plan_from_draft
from auditapp.services import census, uploads
from auditapp.services.audits import guessed
from tests.factories import Team, make_dataset, make_draft, make_team
from tests.pums_fixtures import persons, text

pytestmark = pytest.mark.django_db


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


@pytest.fixture(scope="session")
def raw() -> bytes:
    return text(persons(300)).encode()


@pytest.fixture(scope="session")
def profiles(raw: bytes, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A version of a data set of simulated persons of California in 2018."""
    from auditapp.datasets.inspect import inspect

    folder = tmp_path_factory.mktemp("census")
    (folder / "psam_p06.csv").write_bytes(raw)
    return folder / "out", inspect(folder / "psam_p06.csv", "psam_p06.csv", folder / "out")


@pytest.fixture
def first(team: Team, profiles: tuple[Path, dict[str, Any]]) -> Dataset:
    folder, profile = profiles
    row = make_dataset(team, profile=profile, rows=300, name="California 2018",
                       original_name="psam_p06.csv")  # fmt: skip
    for name in ("table.parquet", "profile.json"):
        (row.folder / name).write_bytes((folder / name).read_bytes())
    return row


def named(name: str, *rows: Any, audit: Audit | None = None) -> str:
    url = reverse(name, args=[row.id for row in rows])
    return url if audit is None else f"{url}?audit={audit.id}"


def words_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


OWN = {
    "choice": "own",
    "name": "Long hours",
    "target": "WKHP > 40",
    "filter": "18 <= AGEP < 65\nESR == 1",
    "features": "AGEP, SCHL MAR SEX",
    "group": "SEX",
    "mode": "corrected",
}


def test_a_census_table_says_what_it_holds_and_what_it_allows(
    client: Client, team: Team, first: Dataset
) -> None:
    audit = make_draft(team, dataset=first, draft={})
    page = words_of(client.get(named("audit-data", audit)))
    homes = next(c for c in first.profile["columns"] if c["name"] == "SERIALNO")["distinct"]
    assert "Census microdata" in page and "8 of 8 tasks can be computed" in page
    for part in ("<dd>300</dd>", f"<dd>{homes}</dd>", "California", "2018", "80 replicate"):
        assert part in page, part
    assert named("dataset-task", first, audit=audit) in page
    assert "Census microdata" in words_of(client.get(named("dataset-detail", first)))


def test_a_task_that_lacks_columns_says_which(client: Client, team: Team, first: Dataset) -> None:
    gone = {"POBP", "PUBCOV"}
    profile = {**first.profile, "survey": {**first.profile["survey"]}}
    profile["columns"] = [c for c in profile["columns"] if c["name"] not in gone]
    profile["survey"]["tasks"] = [
        {**t, "computable": False, "reduced": t["name"] == "ACSIncome",
         "missing": ["POBP" if t["name"] == "ACSIncome" else "PUBCOV"]}
        if t["name"] in {"ACSIncome", "ACSPublicCoverage"} else t
        for t in profile["survey"]["tasks"]
    ]  # fmt: skip
    Dataset.objects.filter(id=first.id).update(profile=profile)
    page = words_of(client.get(named("dataset-task", first)))
    assert "Computed without <code>POBP</code>" in page
    assert "Cannot be computed: the table has no <code>PUBCOV</code>" in page
    assert 'value="ACSPublicCoverage" disabled' in page
    sent = client.post(named("dataset-task", first), {"choice": "ACSPublicCoverage"})
    assert sent.status_code == 422
    client.post(named("dataset-task", first), {"choice": "ACSIncome", "mode": "corrected"})
    made = Dataset.objects.get(made__kind="task").made
    assert "POBP" not in made["task"]["features"] and made["left_out"] == ["POBP"]


def test_choosing_a_task_fills_label_features_groups_weights_and_households(
    client: Client, team: Team, first: Dataset
) -> None:
    audit = make_draft(team, dataset=first, draft={})
    sent = client.post(named("dataset-task", first, audit=audit), {"choice": "ACSIncome"})
    assert sent["Location"] == named("audit-data", audit)
    audit.refresh_from_db()
    row = audit.dataset
    assert row.made["task"]["name"] == "ACSIncome" and row.state == "received"
    uploads.dataset_inspect(dataset_id=row.id)
    row.refresh_from_db()
    assert row.state == "ready" and row.rows < 300, row.error
    page = words_of(client.get(named("audit-roles", audit)))
    for i, column in enumerate(row.profile["columns"][:2]):
        role = {"PINCP": "label", "AGEP": "feature"}[column["name"]]
        assert f'id="id_role-{i}" class="role role-{role}"' in page
    draft = guessed(row)
    assert draft["roles"]["SERIALNO"] == "unit" and draft["sensitive_features"] is True
    plan = plan_from_draft({**draft, "about": {}}, row.profile)
    assert plan.label is not None and plan.label.favourable == ("1",)
    assert set(plan.features or ()) == set(row.profile["task"]["model_features"])
    assert plan.weights is not None and len(plan.weights.replicates) == 80
    shown = words_of(client.get(named("audit-data", audit)))
    assert "Census microdata, ACSIncome" in shown and "Change the task" in shown


def test_the_same_task_is_made_once(client: Client, first: Dataset) -> None:
    for mode in ("corrected", "corrected", "compatible"):
        client.post(named("dataset-task", first), {"choice": "ACSMobility", "mode": mode})
    assert Dataset.objects.filter(made__kind="task").count() == 2


def test_a_task_without_race_as_a_feature_gives_the_model_what_it_names(first: Dataset) -> None:
    profile = {**first.profile, "task": {"group": "RAC1P", "model_features": ["SEX", "AGEP"]}}
    draft = guessed(Dataset(profile=profile))
    assert draft["roles"]["SEX"] == "feature" and draft["sensitive_features"] is False
    assert [spec["column"] for spec in draft["attributes"]] == ["RAC1P"]


def test_a_task_of_ones_own_becomes_a_table(client: Client, first: Dataset) -> None:
    sent = client.post(named("dataset-task", first), {**OWN, "drop_sensitive": "on"})
    row = Dataset.objects.get(made__kind="task")
    assert sent["Location"] == named("dataset-detail", row)
    assert row.made["settings"]["drop_sensitive"] is True
    uploads.dataset_inspect(dataset_id=row.id)
    row.refresh_from_db()
    assert row.state == "ready", row.error
    assert row.profile["task"]["model_features"] == ["SCHL", "MAR"]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"target": "WKHP > > 40"}, "target", "at character 8"),
        ({"target": "HOURS > 40"}, "target", "There is no column “HOURS”"),
        ({"target": ""}, "target", "Write when a row is positive"),
        ({"filter": "AGEP > 16\nESR = 1"}, "filter", "Line 2: “ESR = 1” cannot be read"),
        ({"filter": "AGE > 16"}, "filter", "Line 1: There is no column “AGE”"),
        ({"features": "WKHP AGEP"}, "features", "“WKHP” is a feature, and the target"),
        ({"features": "AGEP BOGUS"}, "features", "There is no column “BOGUS”"),
        ({"features": ""}, "features", "The task has no features"),
        ({"group": "RACE"}, "group", "There is no column “RACE”"),
        ({"name": ""}, "name", "Give the task a name"),
        ({"features": "SEX AGEP", "drop_sensitive": "on"}, "drop_sensitive", "is sensitive"),
        ({"choice": ""}, "choice", "Choose a task"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_task_is_said_under_its_field(
    client: Client, first: Dataset, change: dict[str, str], field: str, words: str
) -> None:
    sent = client.post(named("dataset-task", first), {**OWN, **change})
    page = words_of(sent)
    assert sent.status_code == 422 and f'id="id_{field}_error"' in page
    assert words in page and f'href="#id_{field}' in page
    assert not Dataset.objects.filter(made__isnull=False).exists()


def test_hostile_conditions_are_text(client: Client, first: Dataset) -> None:
    page = words_of(client.post(named("dataset-task", first),
                                {**OWN, "target": "<script>alert(1)</script>"}))  # fmt: skip
    assert "<script>alert(1)" not in page and "&lt;script&gt;" in page


def test_a_task_that_keeps_no_row_is_refused_with_a_way_back(
    client: Client, team: Team, first: Dataset
) -> None:
    audit = make_draft(team, dataset=first, draft={})
    client.post(named("dataset-task", first, audit=audit), {**OWN, "filter": "AGEP > 200"})
    audit.refresh_from_db()
    uploads.dataset_inspect(dataset_id=audit.dataset_id)
    page = words_of(client.get(named("audit-data", audit)))
    assert "No row of 300 meets the filter of Long hours" in page and "Change the task" in page
    again = words_of(client.get(named("dataset-task", first, audit=audit)))
    assert "AGEP &gt; 200" in again and 'id="id_choice_own" value="own" checked' in again


def test_viewers_and_strangers_choose_no_task(team: Team, first: Dataset) -> None:
    for user in (team.vera, team.charlie):
        assert client_of(user).get(named("dataset-task", first)).status_code in {403, 404}
        sent = client_of(user).post(named("dataset-task", first), OWN)
        assert sent.status_code in {403, 404}
    assert "Choose a task" not in words_of(
        client_of(team.vera).get(named("dataset-detail", first))
    )


def test_a_table_is_kept_while_a_task_is_made_of_it(client: Client, first: Dataset) -> None:
    client.post(named("dataset-task", first), {"choice": "ACSIncome"})
    with pytest.raises(AuditError, match="while “ACSIncome"):
        uploads.dataset_delete(dataset=first)


def test_several_files_make_one_data_set(client: Client, raw: bytes) -> None:
    other = text(persons(120, year=2019, state="56")).encode()
    files = [SimpleUploadedFile("psam_p06.csv", raw), SimpleUploadedFile("psam_p56.csv", other)]
    sent = client.post(reverse("audit-new"), {"table": files})
    assert sent.status_code == 302
    row = Dataset.objects.get()
    assert row.original_name == "psam_p06.csv and 1 more file" and row.bytes == len(raw + other)
    uploads.dataset_inspect(dataset_id=row.id)
    row.refresh_from_db()
    assert (row.state, row.rows) == ("ready", 420), row.error
    page = words_of(client.get(sent["Location"]))
    assert "2018, 2019" in page and "California, Wyoming" in page and "psam_p56.csv, 120" in page
    assert len(row.sha256) == 64


def test_several_files_that_are_no_census_files_are_refused(client: Client, team: Team) -> None:
    files = [SimpleUploadedFile(f"{n}.csv", b"a,b\n1,2\n3,4\n") for n in "xy"]
    sent = client.post(reverse("audit-new"), {"table": files})
    uploads.dataset_inspect(dataset_id=Dataset.objects.get().id)
    page = words_of(client.get(sent["Location"]))
    assert "x.csv is no Census public-use file" in page
    empty = [SimpleUploadedFile("x.csv", b""), SimpleUploadedFile("y.csv", b"a\n")]
    refused = client.post(reverse("audit-new"), {"table": empty})
    assert refused.status_code == 422 and "“x.csv” is empty" in words_of(refused)


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.delete(census.HOST_KEY)
    monkeypatch.setattr(download, "reachable", lambda *_: "")


def test_loading_is_off_where_the_host_does_not_answer(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.delete(census.HOST_KEY)
    why = "The Census host www2.census.gov cannot be reached from here."
    monkeypatch.setattr(download, "reachable", lambda *_: why)
    page = words_of(client.get(reverse("census-load")))
    assert "Looking whether the Census host answers" in page and "id_states" not in page
    now = words_of(client.get(reverse("census-host")))
    assert why in now and "Upload files" in now and "id_states" not in now
    sent = client.post(reverse("census-load"), {"states": "CA", "year": "2018"})
    assert sent.status_code == 422 and not Dataset.objects.exists()
    cache.delete(census.HOST_KEY)
    monkeypatch.undo()
    settings.CENSUS_URL = ""
    assert "switched off here" in words_of(client.get(reverse("census-load")))


@pytest.mark.usefixtures("reachable")
def test_states_and_years_that_do_not_exist_are_said_under_their_field(client: Client) -> None:
    assert 'id="id_states"' in words_of(client.get(reverse("census-host")))
    given = {"states": "CA", "year": "2018", "horizon": "1-Year", "record": "person"}
    for change, field, words in (
        ({"states": "CA, Atlantis"}, "states", "There is no state “Atlantis”"),
        ({"states": " , "}, "states", "Name at least one state"),
        ({"year": "2020"}, "year", "no ordinary 1-Year file of 2020"),
    ):
        sent = client.post(reverse("census-load"), {**given, **change})
        page = words_of(sent)
        assert sent.status_code == 422 and words in page and f"id_{field}_error" in page


@pytest.mark.usefixtures("reachable")
def test_loaded_files_become_a_data_set_and_a_draft(
    client: Client, raw: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def load(what: Any, root: Path, **how: Any) -> download.Loaded:
        how["tick"](1, 2, f"{what.archive}: 1 MB loaded")
        path = what.folder(tmp_path) / what.table
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
        return download.Loaded(path, {}, fresh=True)

    monkeypatch.setattr(download, "load", load)
    given = {"states": "ca", "year": "2018", "horizon": "1-Year", "record": "person"}
    sent = client.post(reverse("census-load"), given)
    row = Dataset.objects.get()
    assert row.name == "ACS 2018, CA, persons" and sent["Location"].endswith("/data/")
    uploads.dataset_inspect(dataset_id=row.id)
    row.refresh_from_db()
    assert (row.state, row.rows, row.bytes) == ("ready", 300, len(raw)), row.error
    assert "Choose a task" in words_of(client.get(sent["Location"]))


@pytest.mark.usefixtures("reachable")
def test_a_load_that_failed_says_so_and_can_be_tried_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: Any, **__: Any) -> None:
        raise AuditError("no-census-host", "The Census host cannot be reached from here.",
                         permanent=False)  # fmt: skip

    monkeypatch.setattr(download, "load", load)
    given = {"states": "CA", "year": "2018", "horizon": "1-Year", "record": "person"}
    sent = client.post(reverse("census-load"), given)
    audit, row = Audit.objects.get(), Dataset.objects.get()
    uploads.dataset_inspect(dataset_id=row.id)
    row.refresh_from_db()
    assert row.state == "refused" and row.losses == 0
    page = words_of(client.get(sent["Location"]))
    assert "cannot be reached from here" in page and "Try again" in page
    again = client.post(named("dataset-again", row, audit=audit))
    row.refresh_from_db()
    assert again["Location"] == named("audit-data", audit) and row.state == "received"
