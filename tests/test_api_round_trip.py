"""From a table to a report over HTTP: a real server, a real worker, and the examples of the docs.

The first test knows nothing but the OpenAPI document; the others run what docs/api.md shows.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.installation import Installation

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]
#: Seconds until a state is given up; a quiet machine needs a quarter of a minute for it all.
PATIENCE = 240.0
DOCS = Path(__file__).resolve().parent.parent / "docs" / "api.md"
EXAMPLE = re.compile(r"^```(?:python|sh)\n# (\w+\.\w+).*?\n(.*?)^```", re.M | re.S)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """What `make run` starts, without the demo."""
    with Installation(tmp_path_factory.mktemp("api") / "var") as installation:
        installation.start()
        installation.wait()
        installation.signin_link("robin@example.org", "--create")
        yield installation


@pytest.fixture(scope="module")
def token(stack: Installation) -> str:
    return stack.manage("api_token", "robin@example.org", "--access", "write").strip()


class Reader:
    """A program written by somebody who has read the OpenAPI document and nothing else."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token
        with urllib.request.urlopen(f"{url}/api/v1/openapi.json") as answer:
            document = json.load(answer)
        assert document["openapi"].startswith("3.1")
        assert document["components"]["securitySchemes"]["Bearer"]["scheme"] == "bearer"
        self.operations = {
            operation["operationId"]: (method.upper(), path)
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        }

    def ask(self, name: str, body: Any = None, query: str = "", **ids: str) -> bytes:
        method, path = self.operations[name]
        headers = {"Authorization": f"Bearer {self.token}"}
        data = body
        if isinstance(body, dict):
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        elif isinstance(body, bytes):
            headers["Content-Type"] = "application/octet-stream"
        request = urllib.request.Request(
            self.url + path.format(**ids) + query, data=data, method=method, headers=headers
        )
        with urllib.request.urlopen(request) as answer:
            found: bytes = answer.read()
        return found

    def read(self, name: str, body: Any = None, query: str = "", **ids: str) -> Any:
        return json.loads(self.ask(name, body, query, **ids))

    def until(self, name: str, key: str, wanted: set[Any], **ids: str) -> Any:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = self.read(name, **ids)
            if found[key] in wanted:
                return found
            time.sleep(0.3)
        raise AssertionError(f"{name} did not become {wanted}")


def test_the_document_is_all_one_needs(stack: Installation, token: str, shared_data: Path) -> None:
    table = (shared_data / "hmda-boston-1990" / "HMDA.csv").read_bytes()
    reader = Reader(stack.url, token)
    dataset = reader.read("dataset_upload", table, "?filename=HMDA.csv")["id"]
    ready = reader.until("dataset_get", "state", {"ready", "refused"}, dataset_id=dataset)
    assert (ready["state"], ready["rows"]) == ("ready", 2380)
    assert ready["sha256"] == hashlib.sha256(table).hexdigest()
    body = {
        "dataset": dataset,
        "prediction": "deny",
        "favourable_decision": ["no"],
        "sensitive": ["afam"],
    }
    audit = reader.read("audit_start", body)["id"]
    ended = reader.until("audit_progress", "finished", {True}, audit_id=audit)
    assert ended["state"] == "done", ended
    result = reader.read("report_json", audit_id=audit)
    pdf = reader.ask("report_pdf", audit_id=audit)

    assert pdf.startswith(b"%PDF-1.")
    rows = list(csv.DictReader(table.decode().splitlines()))
    words = {"yes": "African American", "no": "Not African American"}
    rates = {
        words[group]: sum(row["deny"] == "no" for row in rows if row["afam"] == group)
        / sum(row["afam"] == group for row in rows)
        for group in ("yes", "no")
    }
    found = {
        item["group"]["afam"]: item["value"]
        for item in result["estimates"]
        if item["metric"] == "selection-rate" and list(item["group"]) == ["afam"]
    }
    assert found == pytest.approx(rates)
    assert [gap["verdict"] for gap in result["gaps"]].count("difference") >= 1
    assert reader.read("report_get", audit_id=audit)["result_hash"]


def write_table(path: Path, gap: float, seed: int) -> None:
    """Simulated applications with the columns of the example and a planted gap."""
    chance = random.Random(seed)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["deny", "afam", "income"])
        for i in range(3000):
            afam = i % 4 == 0
            denied = chance.random() < 0.1 + (gap if afam else 0.0)
            writer.writerow(
                ["yes" if denied else "no", "yes" if afam else "no", chance.randint(20, 200)]
            )


def examples() -> dict[str, str]:
    return {match[1]: match[2] for match in EXAMPLE.finditer(DOCS.read_text())}


def run(
    command: list[str], folder: Path, stack: Installation, token: str, **env: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "EVENHAND_URL": stack.url, "EVENHAND_TOKEN": token, **env},
    )  # fmt: skip


def test_the_examples_of_the_docs_run_as_they_stand(
    stack: Installation, token: str, tmp_path: Path
) -> None:
    shown = examples()
    assert set(shown) == {"audit.py", "audit.sh", "gate.py"}
    for name, text in shown.items():
        (tmp_path / name).write_text(text)
    write_table(tmp_path / "HMDA.csv", gap=0.2, seed=1)

    done = run([sys.executable, "audit.py"], tmp_path, stack, token)
    assert done.returncode == 0, done.stdout + done.stderr
    audit, _, headline = done.stdout.partition(" ")
    assert headline.strip()
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["rows"]["used"] == 3000
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-1.")

    for name in ("result.json", "report.pdf"):
        (tmp_path / name).unlink()
    done = run(["sh", "audit.sh"], tmp_path, stack, token)
    assert done.returncode == 0, done.stdout + done.stderr
    again = json.loads((tmp_path / "result.json").read_text())
    assert again["gaps"] == result["gaps"]
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-1.")

    gate = [sys.executable, "gate.py", audit, "HMDA.csv", "above"]
    done = run(gate, tmp_path, stack, token, CI_COMMIT="1")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "selection-rate" in done.stdout
    before = stack.count("auditapp_audit")
    assert run(gate, tmp_path, stack, token, CI_COMMIT="1").returncode == 3
    assert stack.count("auditapp_audit") == before

    write_table(tmp_path / "HMDA.csv", gap=0.0, seed=2)
    done = run(gate, tmp_path, stack, token, CI_COMMIT="2")
    assert done.returncode == 0, done.stdout + done.stderr
    done = run(gate, tmp_path, stack, "evh_0_nothing", CI_COMMIT="3")
    assert done.returncode == 2
    assert "unknown-token" in done.stderr


def test_of_several_requests_with_one_key_at_once_one_is_done(
    stack: Installation, token: str
) -> None:
    before = stack.count("auditapp_dataset")
    answers: list[Any] = []

    def send() -> None:
        request = urllib.request.Request(
            f"{stack.url}/api/v1/datasets?filename=people.csv",
            data=b"a,b\n1,2\n3,4\n",
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/octet-stream",
                "Idempotency-Key": "same-moment",
            },
        )
        with urllib.request.urlopen(request) as answer:
            answers.append(json.load(answer)["id"])

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(answers), len(set(answers))) == (6, 1)
    assert stack.count("auditapp_dataset") == before + 1


def test_no_token_is_in_the_log_of_the_processes(stack: Installation, token: str) -> None:
    reader = Reader(stack.url, token)
    with pytest.raises(urllib.error.HTTPError):
        reader.read("dataset_get", dataset_id=token)
    text = stack.log.read_text()
    assert token not in text
    assert token[-20:] not in text
