"""What remedies say of themselves, as the web process reads it."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path

import pytest

import mitigations
from mitigations import catalogue
from mitigations.contract import MethodError
from mitigations.parameters import MOST_NUMBERS, Parameter

ROOT = Path(__file__).resolve().parent.parent
HEAVY = (
    "pandas", "pyarrow", "scipy", "sklearn", "torch", "ot", "fairlearn", "onnx", "onnxruntime",
    "metrics", "auditapp", "django",
)  # fmt: skip
LOAD = """
import sys
from mitigations import REGISTRY
from mitigations.catalogue import catalogue
print(*({*REGISTRY} - {entry.slug for entry in catalogue()}))
print(",".join(sorted({name.split(".")[0] for name in sys.modules} & set(sys.argv[1:]))))
"""


def test_every_method_is_listed_without_loading_anything_heavy() -> None:
    child = subprocess.run(
        [sys.executable, "-c", LOAD, *HEAVY], cwd=ROOT, capture_output=True, text=True, check=True
    )
    missing, heavy = child.stdout.split("\n")[:2]
    assert missing == "", child.stderr
    assert heavy == ""


@pytest.mark.parametrize(
    "target", ["mitigations.no_such_module:X", "mitigations.contract:Card", "odd:X"]
)
def test_a_broken_method_is_left_out_and_the_others_stay(
    target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [item.slug for item in catalogue.catalogue()]
    odd = types.ModuleType("odd")
    monkeypatch.setitem(sys.modules, "odd", odd)
    monkeypatch.setitem(mitigations.REGISTRY, "broken", target)
    assert [item.slug for item in catalogue.catalogue()] == before
    assert catalogue.entry("broken") is None


def test_a_slug_that_is_no_method_has_no_entry() -> None:
    assert catalogue.entry("../contract") is None
    assert catalogue.entry("thresholds") is not None


def parameter(default: object, low: float | None = None, high: float | None = None) -> Parameter:
    return Parameter("size", "Size", "How much.", "", default, low, high)


@pytest.mark.parametrize(
    ("item", "given", "words"),
    [
        (parameter(3, 1, 5), "many", "Size is “many”. Enter a whole number from 1 to 5; 3"),
        (parameter(3, 1), "", "Size is empty. Enter a whole number from 1 up; 3 if in doubt."),
        (parameter(3, 1, 5), "1e999", "Enter a whole number from 1 to 5"),
        (parameter(3, 1, 5), "2.5", "Enter a whole number"),
        (parameter(0.5, None, 1), "nan", "Enter a number up to 1; 0.5 if in doubt."),
        (parameter(True), "maybe", "Enter yes or no; yes if in doubt."),
        (parameter((0.0, 0.1), 0, 1), "0, x", "numbers from 0 to 1, separated by commas; 0, 0.1"),
        (parameter((0.0, 0.1), 0, 1), "", "Size is empty."),
        (parameter((0.0, 0.1), 0, 1), "0 " * (MOST_NUMBERS + 1), "up to 50 numbers"),
        (parameter((0.0, 0.1), 0, 1), [0.5, 7], "Size is “0.5, 7”."),
        (parameter((0.0, 0.1), 0, 1), 0.5, "separated by commas"),
    ],
)
def test_a_setting_that_cannot_be_read_says_what_to_enter(
    item: Parameter, given: object, words: str
) -> None:
    with pytest.raises(MethodError) as caught:
        item.read(given)
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_what_is_shown_is_read_back() -> None:
    for item in catalogue.catalogue():
        for one in item.parameters:
            assert one.read(one.shown(one.default)) == one.default
