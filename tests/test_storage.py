"""Files under DATA_DIR."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from auditapp import storage


@pytest.mark.parametrize("path", ["", "../etc", "datasets/../../etc", "/etc"])
def test_it_never_leaves_the_data_folder(path: str) -> None:
    with pytest.raises(ValueError, match="no folder inside DATA_DIR"):
        storage.absolute(path)


def test_sweep_deletes_old_leftovers_only(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    long_ago = time.time() - 1000
    for name in ("reports/kept", "reports/orphan", "reports/young", "tmp/run-1", "other/file"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "result.json").write_text("{}")
        if name != "reports/young":
            os.utime(folder / "result.json", (long_ago, long_ago))
            os.utime(folder, (long_ago, long_ago))
    gone = storage.sweep(kept={"reports/kept"}, older_than=500)
    assert gone == ["tmp/run-1", "reports/orphan"]
    assert (tmp_path / "reports/kept/result.json").exists()
    assert (tmp_path / "reports/young").exists()
    assert (tmp_path / "other/file").exists()
