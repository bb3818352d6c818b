"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

ROOT = Path(__file__).resolve().parent.parent

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
# Threads of scikit-learn that spin while they wait starve the other test process.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their length: compressed ones carry the time, and differ by process."""
    return f"{argname}-{len(val)}" if isinstance(val, bytes) else None


@pytest.fixture(scope="session", autouse=True)
def _closed_responses_leave_the_test_its_connection() -> None:
    """Closing a response closes the connection, in the middle of a test's transaction.

    SQLite in memory never notices; on PostgreSQL every later query of the test would fail.
    """
    close = BaseDatabaseWrapper.close_if_unusable_or_obsolete

    def unless_in_transaction(self: BaseDatabaseWrapper) -> None:
        if not self.in_atomic_block:
            close(self)

    BaseDatabaseWrapper.close_if_unusable_or_obsolete = unless_in_transaction


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
