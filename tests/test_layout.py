"""Guards on the shape of the code base: light web process, registries, documented settings."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
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


def dangerous(call: ast.Call) -> bool:
    """Whether a call unpickles, evaluates text, or lets numpy or torch do the first."""
    name = ast.unparse(call.func)
    options = {k.arg: ast.unparse(k.value) for k in call.keywords}
    if name in {"eval", "exec"} or options.get("allow_pickle") == "True":
        return True
    if name == "torch.load":
        return options.get("weights_only") != "True"
    module, _, function = name.rpartition(".")
    unpicklers = {"load", "loads", "Unpickler"}
    return module in {"pickle", "cloudpickle", "dill", "joblib"} and function in unpicklers


def calls() -> Iterator[tuple[str, ast.Call]]:
    for package in ("auditapp", "metrics", "mitigations"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield f"{path.relative_to(ROOT)}", node


def test_nothing_unpickles_or_evaluates_text() -> None:
    found = [f"{place}:{call.lineno}" for place, call in calls() if dangerous(call)]
    assert found == []


def test_only_checked_markup_is_trusted() -> None:
    """Charts pass an allow-list first; documentation is rendered with HTML switched off."""
    found = {place for place, call in calls() if ast.unparse(call.func).endswith("mark_safe")}
    assert found <= {"auditapp/templatetags/report_tags.py", "auditapp/views/pages.py"}
