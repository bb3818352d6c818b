"""Guards on the shape of the code base: light web process, registries, documented settings."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("pandas", "pyarrow", "scipy", "sklearn", "torch", "onnxruntime", "vl_convert", "typst")
WEB = """
import sys
from auditapp.wsgi import application
from django.test import Client
from django.urls import get_resolver
get_resolver().url_patterns
Client().get("/")
Client().get("/accounts/login/")
heavy = sorted({name.split(".")[0] for name in sys.modules} & set(sys.argv[1:]))
print("loaded:", ",".join(heavy))
"""


def test_the_web_process_loads_nothing_heavy(tmp_path: Path) -> None:
    env = {**os.environ, "DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "auditapp.settings"}
    migrated = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert migrated.returncode == 0, migrated.stderr
    child = subprocess.run(
        [sys.executable, "-c", WEB, *HEAVY],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    assert child.stdout.strip().splitlines()[-1] == "loaded:"


@pytest.mark.parametrize(
    "module",
    [
        "mitigations",
        "auditapp.datasets",
        "auditapp.predictors",
        "auditapp.reports.charts",
    ],
)
def test_every_registry_entry_resolves(module: str) -> None:
    for slug, target in importlib.import_module(module).REGISTRY.items():
        if not isinstance(target, str):
            continue
        name, _, attribute = target.partition(":")
        loaded = importlib.import_module(name)
        assert not attribute or hasattr(loaded, attribute), slug


def test_every_setting_is_documented() -> None:
    read = set()
    for source in (ROOT / "auditapp").rglob("*.py"):
        text = source.read_text()
        read |= set(re.findall(r"""env(?:\.\w+)?\(\s*["']([A-Z][A-Z0-9_]+)["']""", text))
        read |= set(re.findall(r"""secret\(env, ["']([A-Z][A-Z0-9_]+)["']""", text))
        read |= set(re.findall(r"""environ(?:\.get)?[\[(]["'](EVENHAND_[A-Z_]+)["']""", text))
    documented = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs/configure.md").read_text()))
    assert read - documented == set()


def test_nothing_opens_a_pickle() -> None:
    forbidden = re.compile(
        r"\b(?:pickle|cloudpickle|dill|joblib)\.(?:load|loads|Unpickler)\b"
        r"|torch\.load\((?![^)]*weights_only=True)|allow_pickle=True|\beval\(|\bexec\("
    )
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for package in ("auditapp", "metrics", "mitigations")
        for path in (ROOT / package).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if forbidden.search(line)
    ]
    assert found == []
