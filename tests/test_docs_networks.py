"""The lines of docs/networks.md write a file that Evenhand reads, and mean the same by it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
DOC = Path(__file__).parents[1] / "docs" / "networks.md"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the first block where a file may be written; its names come back."""
    code = re.findall(r"```python\n(.*?)```", DOC.read_text(encoding="utf-8"), re.S)[0]
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        exec(compile(code, str(DOC), "exec"), names)
    return names


def test_the_file_is_read_and_computes_the_same(written: dict[str, Any], tmp_path: Path) -> None:
    from mitigations.fairtune import checkpoint, networks

    found = checkpoint.read(tmp_path / "network.safetensors")
    assert found.config == written["config"]
    module = networks.load(found).eval()
    given = written["inputs"](written["rows"], written["columns"])
    with torch.no_grad():
        assert torch.equal(module(*given), written["network"].eval()(*given))


def test_a_file_that_lacks_weights_is_refused(written: dict[str, Any], tmp_path: Path) -> None:
    from mitigations.contract import MethodError
    from mitigations.fairtune import checkpoint, networks

    found = checkpoint.read(tmp_path / "network.safetensors")
    del found.arrays["blocks.1.lin1.weight"]
    with pytest.raises(MethodError, match=r"blocks\.1\.lin1"):
        networks.load(found)


def test_the_page_names_every_architecture() -> None:
    from mitigations.fairtune.checkpoint import ARCHITECTURES

    text = DOC.read_text(encoding="utf-8")
    assert all(f"`{arch}`" in text for arch in ARCHITECTURES)
