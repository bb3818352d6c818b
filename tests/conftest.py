"""Fixtures every test may use."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Tests never touch the installation's own data folder; set before Django reads its settings.
os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="evenhand-test-"))
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
# Threads of scikit-learn that spin while they wait starve the other test process.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _shared() -> Path | None:
    folder = Path(os.environ.get("EVENHAND_SHARED", ROOT.parent / "shared")) / "data"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data sets, or skip where it is absent."""
    folder = _shared()
    if folder is None:
        pytest.skip("the real data sets are not beside this checkout")
    return folder
