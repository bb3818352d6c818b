"""Lanes of runs, invitations to idle workers, and the device that networks train on."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from auditapp import queue, sandbox, status, storage
from auditapp.errors import AuditError
from auditapp.models import Run
from auditapp.pipeline import environment
from auditapp.pipeline.remedies import computing
from auditapp.services import audits, helpers, lanes, runs
from mitigations import catalogue, device
from mitigations.contract import MethodError
from tests.factories import DRAFT, Team, make_dataset, make_draft, make_run, make_team

Json = dict[str, Any]
PLAN: Json = {"methods": [{"slug": "thresholds", "settings": {}}, {"slug": "searched"}]}


@pytest.fixture
def team(db: None) -> Team:
    shutil.rmtree(storage.absolute("shared"), ignore_errors=True)
    return make_team()


@pytest.fixture
def invited(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(queue, "send", lambda *_: True)
    monkeypatch.setattr(queue, "invite", lambda key, lane: sent.append((key, lane)) or True)
    up = {"ok": True, "waiting": {"cpu": 0, "gpu": 0}}
    monkeypatch.setattr(queue, "status", lambda: up)
    return sent


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A remedy that wants a GPU and lets others help."""
    found = catalogue.entry("thresholds")
    assert found is not None
    wanting = replace(found, slug="searched", card=replace(found.card, lane="gpu", helped=True))
    known = {"thresholds": found, "searched": wanting}
    monkeypatch.setattr(lanes, "entry", known.get)


def _running(team: Team, *, lane: str = "gpu", plan: Json = PLAN) -> Run:
    run = make_run(team)
    run.audit.plan = {**run.audit.plan, **plan}
    run.audit.save()
    Run.objects.filter(id=run.id).update(lane=lane)
    claimed = runs.run_claim(run_id=run.id)
    assert claimed is not None
    return claimed


def test_a_plan_goes_to_the_lane_of_its_remedies(searched: None) -> None:
    assert lanes.lane_of(PLAN) == "gpu"
    assert lanes.is_helped(PLAN)
    plain = {"methods": PLAN["methods"][:1]}
    assert (lanes.lane_of(plain), lanes.is_helped(plain)) == ("cpu", False)
    assert lanes.lane_of({}) == "cpu"


def test_an_audit_that_wants_a_gpu_waits_in_its_lane(
    team: Team, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[tuple[str, ...]] = []
    monkeypatch.setattr(queue, "send", lambda *job: sent.append(job))
    monkeypatch.setattr(audits, "lane_of", lambda _plan: "gpu")
    draft = make_draft(team, draft=DRAFT, dataset=make_dataset(team))
    with django_capture_on_commit_callbacks(execute=True):
        audits.audit_start(audit=draft, user=team.alice)
    assert [(name, lane) for name, _, lane in sent if name == "execute_run"] == [
        ("execute_run", "gpu")
    ]


def test_only_searches_invite_helpers(
    team: Team, invited: list[Any], searched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "WORKER_PROCESSES", 3)
    plain = _running(team, lane="cpu", plan={"methods": []})
    assert helpers.share(plain) == {"shared": None, "store": None}
    run = _running(team)
    said = helpers.share(run)
    assert Path(said["shared"]).is_dir()
    assert said["store"] == f"{settings.REDIS_URL}#evenhand:study:{run.id}"
    assert invited == [(str(run.id), "gpu")] * 2


def test_a_job_carries_its_device_and_its_search(
    team: Team, invited: list[Any], searched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[Json] = []

    def run_child(_target: str, payload: Json, **_: Any) -> Json:
        orders.append(payload)
        assert Path(payload["shared"]).is_dir()
        raise AuditError("broken", "It broke.")

    monkeypatch.setattr(sandbox, "run_child", run_child)
    run = make_run(team)
    run.audit.plan = {**run.audit.plan, **PLAN}
    run.audit.save()
    runs.run_execute(run_id=run.id)
    assert orders[0]["device"] == settings.DEVICE
    assert orders[0]["checkpoint_path"] is None
    assert orders[0]["store"].endswith(str(run.id))
    assert not Path(orders[0]["shared"]).exists()


def test_nobody_helps_a_run_that_ended_was_cancelled_or_lost_its_files(
    team: Team, invited: list[Any], searched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(sandbox, "run_child", lambda *a, **_: started.append(a) or {"trials": 4})
    run = _running(team)
    assert helpers.study_help(run_id=uuid.uuid4()) == 0
    assert helpers.study_help(run_id=run.id) == 0
    folder = Path(helpers.share(run)["shared"])
    assert helpers.study_help(run_id=run.id) == 4
    Run.objects.filter(id=run.id).update(cancel_requested=True)
    assert helpers.study_help(run_id=run.id) == 0
    Run.objects.filter(id=run.id).update(cancel_requested=False, state="done")
    assert helpers.study_help(run_id=run.id) == 0
    assert len(started) == 1
    assert helpers.tidy() == 1
    assert not folder.exists()


def test_whoever_waits_comes_before_a_search(
    team: Team, invited: list[Any], searched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "run_child", lambda *_a, **_k: pytest.fail("it helped"))
    run = _running(team)
    helpers.share(run)
    other = make_run(team)
    Run.objects.filter(id=other.id).update(lane="gpu")
    assert helpers.study_help(run_id=run.id) == 0


def test_a_helper_leaves_for_a_job_that_comes(
    team: Team, invited: list[Any], searched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _running(team)
    helpers.share(run)
    asked: list[float] = []

    def waits(*_: Any, **__: Any) -> bool:
        asked.append(time.monotonic())
        return len(asked) > 4

    monkeypatch.setattr(helpers, "waits", waits)
    started = time.monotonic()
    assert helpers.study_help(run_id=run.id) == 0
    assert time.monotonic() - started < 14
    assert not list(Path(settings.TEMP_DIR).glob("help-*"))
    assert not (helpers.folder_of(run) / helpers.BROKEN).exists()


def test_helpers_that_break_are_not_invited_for_ever(
    team: Team, invited: list[Any], searched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def run_child(*_: Any, **__: Any) -> Json:
        tries.append("")
        raise AuditError("out-of-memory", "There was no room.")

    monkeypatch.setattr(sandbox, "run_child", run_child)
    run = _running(team)
    helpers.share(run)
    assert [helpers.study_help(run_id=run.id) for _ in range(5)] == [0] * 5
    assert len(tries) == helpers.MOST_BROKEN


def test_beat_invites_where_a_search_is_open_and_nothing_waits(
    team: Team, invited: list[Any], searched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _running(team)
    folder = Path(helpers.share(run)["shared"])
    invited.clear()
    assert helpers.invite_idle() == 0
    (folder / "offers").mkdir()
    assert helpers.invite_idle() == 1
    assert invited == [(str(run.id), "gpu")]
    busy = {"ok": True, "waiting": {"cpu": 1, "gpu": 0}}
    monkeypatch.setattr(queue, "status", lambda: busy)
    assert helpers.invite_idle() == 0


def test_what_open_runs_share_stays(team: Team, invited: list[Any], searched: None) -> None:
    run = _running(team)
    folder = Path(helpers.share(run)["shared"])
    foreign = storage.absolute("shared/notes")
    foreign.mkdir(exist_ok=True)
    gone = storage.absolute(f"shared/{uuid.uuid4()}")
    gone.mkdir()
    assert helpers.tidy() == 1
    assert folder.is_dir()
    assert foreign.is_dir()
    assert not gone.exists()
    foreign.rmdir()


def test_without_a_gpu_auto_means_the_cpu() -> None:
    import torch

    expected = "cuda:0" if torch.cuda.is_available() else "cpu"
    assert (device.resolve("auto"), device.resolve("cpu")) == (expected, "cpu")
    with pytest.raises(MethodError, match="finds") as caught:
        device.resolve("cuda:93")
    assert caught.value.code == "no-device"


def test_the_result_says_device_precision_and_agreement() -> None:
    assert device.describe("cpu") == {"device": "CPU", "precision": "float32", "agreement": 0.02}
    assert device.describe("cuda:0", "bfloat16")["device"] == "GPU"
    assert environment.describe("NVIDIA H100")["device"] == "NVIDIA H100"
    assert environment.describe()["packages"]["torch"] is not None


def test_a_method_that_trains_says_so_in_the_document(tmp_path: Path) -> None:
    from types import SimpleNamespace

    found = catalogue.entry("thresholds")
    assert found is not None
    job = {"out": str(tmp_path / "out"), "device": "cpu", "shared": str(tmp_path), "store": "s"}
    audited: Any = SimpleNamespace(job=job, plan=SimpleNamespace(seed=5))
    plain = computing.context(found.card, audited, lambda *_: None)
    computing.note(audited, "thresholds", found.card, plain)
    assert (plain.device, plain.store, plain.shared) == ("cpu", None, None)
    assert computing.noted(audited, "thresholds") is None
    card = replace(found.card, lane="gpu", helped=True)
    used = computing.context(card, audited, lambda *_: None)
    used.record(precision="bfloat16")
    computing.note(audited, "searched", card, used)
    assert (used.store, used.shared) == ("s", tmp_path)
    assert used.scratch is not None
    assert used.scratch.is_dir()
    assert computing.noted(audited, "searched") == device.describe("cpu", "bfloat16")
    assert job["device_name"] == "CPU"


@pytest.mark.parametrize(
    ("wanted", "gpus", "state", "words"),
    [
        ("auto", [], "off", "no GPU"),
        ("auto", ["NVIDIA H100", "NVIDIA H100"], "ok", "2 × NVIDIA H100, networks train on it"),
        ("cpu", ["GPU"], "off", "1 GPU"),
        ("cuda:0", [], "missing", "cuda:0 is asked for"),
    ],
)
def test_doctor_says_what_networks_train_on(
    wanted: str, gpus: list[str], state: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "DEVICE", wanted)
    monkeypatch.setattr(status, "_gpus", lambda: gpus)
    line = status.device()
    assert (line.state, words in line.detail) == (state, True)


def test_a_device_that_does_not_exist_stops_the_start() -> None:
    code = "import django; django.setup()"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, capture_output=True, text=True,
        env={"DJANGO_SETTINGS_MODULE": "tests.settings", "EVENHAND_DEVICE": "tpu", "PATH": "/bin"},
    )  # fmt: skip
    assert "EVENHAND_DEVICE is 'tpu'; write auto, cpu or cuda:0." in found.stderr
