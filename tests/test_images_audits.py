"""Audits of image sets: from the command line to rules, and as an upload on the web."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse

from auditapp import queue
from auditapp.datasets import suggest
from auditapp.datasets.inspect import inspect
from auditapp.datasets.join import join
from auditapp.datasets.table import Table
from auditapp.headless.image_sets import in_size, with_roles
from auditapp.headless.options import Options
from auditapp.pipeline.remedies import keys
from auditapp.plan.draft import plan_from_draft
from auditapp.result import read
from auditapp.services import uploads
from mitigations.fairtune import checkpoint, images, networks
from tests import image_sets
from tests.factories import Team, make_dataset, make_team

SKIP = "subgroups,pid,bounds,shift,levels,numerics"
SPOILED = "images/0002.png"


def rows(n: int = 300) -> list[dict[str, str]]:
    """Labels that the pictures show, and the score of some system."""
    rng = np.random.default_rng(4)
    return [
        {**row, "subject_id": f"p{i}", "weight": "1", "score": f"{rng.random():.3f}"}
        for i, row in enumerate(image_sets.rows(n))
    ]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image set with one damaged picture, and a small network."""
    folder = tmp_path_factory.mktemp("pictures")
    found = rows()
    files = {
        row["path"]: image_sets.picture(i if row["label"] == "1" else 90 - i % 20, (32, 32))
        for i, row in enumerate(found)
    }
    image_sets.write(folder / "set.zip", found, {**files, SPOILED: files[SPOILED][:60]})
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = images.config("convnet", 32, dim=4, depth=1, patch=2)
        state = networks.build(config).state_dict()
    arrays = {name: array.numpy() for name, array in state.items()}
    checkpoint.write(folder / "net.safetensors", config, arrays)
    return folder


@pytest.fixture(scope="module")
def tuned(place: Path) -> dict[str, Any]:
    """The network audited on the set, and fine-tuned."""
    method = "fairtune:trials=6,baseline_trials=1,top=1,again=0,final=1,epochs=1,scratch=no"
    call_command(
        "audit", str(place / "set.zip"), "--model", str(place / "net.safetensors"),
        "--sensitive", "group", "--skip", SKIP, "--draws", "100", "--method", method,
        "--rules", str(place / "rules"), "--out", str(place / "tuned.json"), verbosity=0,
    )  # fmt: skip
    return read(place / "tuned.json")


def test_the_list_says_label_parts_people_and_weights(tuned: dict[str, Any]) -> None:
    plan = tuned["plan"]
    assert plan["label"]["column"] == "label" and plan["unit"] == "subject_id"
    assert plan["split"]["column"] == "split" and plan["weights"]["column"] == "weight"
    assert tuned["rows"] == {
        "uploaded": 300,
        "used": 199,
        "left_out": [
            {"code": "picture", "reason": "the picture cannot be decoded", "n": 1},
            {"code": "fit", "reason": "used to fit the audited model", "n": 100},
        ],
        "label_blank": 0,
    }  # fmt: skip
    notices = {n["code"]: n for n in tuned["inputs"]["data"]["notices"]}
    assert SPOILED in notices["pictures-left-out"]["detail"]
    facts = tuned["inputs"]["data"]["images"]
    assert (facts["count"], facts["size"], facts["damaged"]) == (299, 32, 1)


def test_remedies_learn_by_the_parts_of_the_list(tuned: dict[str, Any]) -> None:
    assert tuned["tradeoff"]["rows"] == {"train": 100, "valid": 100, "audit": 99, "unused": 0}
    (method,) = tuned["methods"]
    assert method["status"] == "ok", method["error"]
    assert len(method["points"]) >= 4


def test_a_tuned_network_applied_to_the_set_decides_as_it_was_measured(
    tuned: dict[str, Any], place: Path
) -> None:
    point = tuned["methods"][0]["points"][0]
    rule = place / "rules" / Path(point["rule"]["file"]).name
    assert json.loads(rule.read_text())["inputs"]["image_size"] == 32
    call_command("apply", str(rule), str(place / "set.zip"), "--out", str(place / "d.csv"),
                 verbosity=0)  # fmt: skip
    with (place / "d.csv").open() as file:
        made = [row["decision"] for row in csv.DictReader(file)]
    parts = [row["split"] for row in rows() if row["path"] != SPOILED]
    chosen = sum(d == "favourable" for d, p in zip(made, parts, strict=True) if p == "test")
    (rate,) = [r for r in point["rates"] if r["group"] is None and r["metric"] == "selection-rate"]
    assert len(made) == 299 and chosen == rate["numerator"]


def test_a_damaged_set_is_refused_on_the_command_line(tmp_path: Path) -> None:
    found = image_sets.rows(30)
    image_sets.write(tmp_path / "set.zip", found, more={"../evil.png": image_sets.picture()})
    before = sorted(tmp_path.iterdir())
    with pytest.raises(CommandError) as caught:
        call_command(
            "audit", str(tmp_path / "set.zip"), "--sensitive", "group", "--score", "label",
            "--out", str(tmp_path / "r.json"), verbosity=0,
        )  # fmt: skip
    assert caught.value.returncode == 2 and ".." in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_what_the_command_line_says_wins_over_the_list(place: Path, tmp_path: Path) -> None:
    profile = inspect(place / "set.zip", "set.zip", tmp_path / "out")
    options = Options(data=place / "set.zip", out=tmp_path / "r.json", label="other", unit="path")
    found = with_roles(options, profile)
    assert (found.label, found.unit, found.weight) == ("other", "path", "weight")
    assert in_size(options, None, {"network": {"size": 96}}).read == {"image_size": 96}
    assert in_size(options, {"network": {"size": 8}}).read == {"image_size": 32}
    assert in_size(options, {"network": None}, None).read == {}


def test_equal_pictures_have_equal_keys_and_others_do_not(place: Path, tmp_path: Path) -> None:
    inspect(place / "set.zip", "set.zip", tmp_path / "out")
    table = Table.open(tmp_path / "out")
    assert table.images is not None
    found = keys.of(table, ["group"])
    flat = table.images.reshape(table.n_rows, -1)
    same = (flat[:, None] == flat[None]).all(axis=2) if len(flat) < 50 else None
    levels, codes = table.codes("group")
    pairs = {(codes[i], flat[i].tobytes()) for i in range(len(flat))}
    assert same is None and len(set(found.tolist())) == len(pairs) and len(levels) == 2


@pytest.mark.parametrize("keep", ["all", "matched"])
def test_pictures_stay_with_their_rows_in_a_join(place: Path, tmp_path: Path, keep: str) -> None:
    inspect(place / "set.zip", "set.zip", tmp_path / "first")
    more = tmp_path / "more.csv"
    found = [row for row in rows() if row["path"] != SPOILED]
    lines = [f"{row['path']},{i % 2}" for i, row in enumerate(found) if i % 3]
    more.write_text("\n".join(["path,reviewer", *lines]))
    inspect(more, more.name, tmp_path / "second")
    profile = join(tmp_path / "first", tmp_path / "second", tmp_path / "out", on="path",
                   keep=keep)  # type: ignore[arg-type] # fmt: skip
    before, after = Table.open(tmp_path / "first"), Table.open(tmp_path / "out")
    assert before.images is not None and after.images is not None
    kept = [i for i in range(len(found)) if keep == "all" or i % 3]
    assert np.array_equal(after.images, before.images[kept])
    assert after.left_out == before.left_out and profile["images"]["size"] == 64


def test_a_draft_of_an_image_set_uses_its_parts(place: Path, tmp_path: Path) -> None:
    profile = inspect(place / "set.zip", "set.zip", tmp_path / "out")
    draft = suggest.plan_defaults(profile)
    assert [a["column"] for a in draft["attributes"]] == ["group"]
    assert draft["unit"] is None and draft["label"]["column"] == "label"
    draft["label"]["favourable"] = ["1"]
    plan = plan_from_draft(draft, profile)
    assert plan.split.kind == "column" and plan.split.column == "split"
    bare = suggest.plan_defaults({**profile, "columns": [
        c for c in profile["columns"] if c["name"] != "score"
    ]})  # fmt: skip
    assert bare["model"]["kind"] == "upload"


@pytest.mark.django_db
class TestOnTheWeb:
    @pytest.fixture
    def team(self) -> Team:
        return make_team()

    @pytest.fixture
    def client(self, team: Team) -> Client:
        client = Client()
        client.force_login(team.alice)
        return client

    def test_an_upload_becomes_an_image_set_without_a_picture_on_its_page(
        self, place: Path, team: Team, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(queue, "send", lambda *_: None)
        file = SimpleUploadedFile("set.zip", (place / "set.zip").read_bytes())
        dataset = uploads.dataset_receive(workspace=team.workspace, user=team.bob, file=file)
        uploads.dataset_inspect(dataset_id=dataset.id)
        dataset.refresh_from_db()
        assert dataset.state == "ready", dataset.error
        assert sorted(p.name for p in dataset.folder.iterdir()) == [
            "images.npy", "profile.json", "source", "table.parquet",
        ]  # fmt: skip

        text = client.get(reverse("dataset-detail", args=[dataset.id])).content.decode()
        assert "Image set" in text and "299; 1 more cannot be decoded" in re.sub(r"\s+", " ", text)
        assert "64 x 64 pixels" in text and SPOILED in text and "Pixels a side" in text
        assert "<img" not in text and "base64" not in text

        uploads.dataset_reread(dataset=dataset, options={"image_size": 32}, user=team.bob)
        uploads.dataset_inspect(dataset_id=dataset.id)
        again = Table.open(dataset.folder).images
        assert again is not None and again.shape == (299, 3, 32, 32)

    def test_a_malicious_upload_is_refused_with_a_reason(
        self, tmp_path: Path, team: Team, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(queue, "send", lambda *_: None)
        found = image_sets.rows(30)
        path = image_sets.write(tmp_path / "set.zip", found)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("../../evil.png", image_sets.picture())
        file = SimpleUploadedFile("set.zip", path.read_bytes())
        dataset = uploads.dataset_receive(workspace=team.workspace, user=team.bob, file=file)
        uploads.dataset_inspect(dataset_id=dataset.id)
        dataset.refresh_from_db()
        assert dataset.state == "refused" and dataset.error is not None
        assert dataset.error["code"] == "unsafe-path"
        text = client.get(reverse("dataset-detail", args=[dataset.id])).content.decode()
        assert "a path that leaves the set" in text

    def test_the_page_says_how_many_pictures_are_read(self, team: Team, client: Client) -> None:
        progress = {"text": "1,204 of 2,500 pictures read", "percent": 48}
        dataset = make_dataset(team, state="checking", profile=None, rows=None, progress=progress)
        text = client.get(reverse("dataset-detail", args=[dataset.id])).content.decode()
        assert "1,204 of 2,500 pictures read" in text and 'value="48"' in text

    @pytest.mark.parametrize("size", ["20", "500", "x"])
    def test_sizes_outside_the_range_are_not_read(
        self, team: Team, client: Client, size: str
    ) -> None:
        dataset = make_dataset(team)
        where = reverse("dataset-reading", args=[dataset.id])
        answer = client.post(where, {"missing": "?", "image_size": size})
        assert answer.status_code == 422


def test_the_report_says_how_pictures_were_read_and_prints_none(
    tuned: dict[str, Any], tmp_path: Path
) -> None:
    from auditapp.reports.build import build

    build(tuned, tmp_path)
    page = "".join(p.read_text() for p in tmp_path.rglob("*") if p.suffix in {".html", ".json"})
    said = "Pictures: 299 PNG; all 32 x 32 pixels. They were read as 32 x 32 pixels."
    assert said in page
    assert "picture cannot be decoded" in page
