"""Signing the PDF of an audit from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from auditapp import signing
from tests.test_headless import text

GIVEN = ("--score", "score", "--label", "label", "--sensitive", "sex", "--draws", "100")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text(text(), encoding="utf-8")
    (tmp_path / "key.pem").write_text(signing.new_key())
    return tmp_path


def audit(place: Path, *given: str) -> None:
    out = str(place / "out.json")
    call_command("audit", str(place / "t.csv"), *GIVEN, "--out", out, *given, verbosity=0)


@pytest.mark.slow
def test_a_pdf_is_signed_with_the_key_that_is_named(place: Path, capsys: Any) -> None:
    pdf, key = str(place / "r.pdf"), str(place / "key.pem")
    audit(place, "--pdf", pdf, "--sign", key)
    raw = signing.private_key((place / "key.pem").read_text()).public_key().public_bytes_raw()
    (place / "pub.pem").write_text(signing.public_pem(raw))
    call_command("verify", pdf, "--key", str(place / "pub.pem"))
    said = capsys.readouterr().out
    assert "The attached files are as signed." in said
    assert "Signed with the key of" in said
    assert "PRIVATE" not in (place / "out.json").read_text()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--sign", "key.pem"), "no PDF to sign"),
        (("--pdf", "r.pdf", "--sign", "t.csv"), "cannot be read as a signing key"),
        (("--pdf", "r.pdf", "--sign", "nothing.pem"), "nothing.pem"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_first(
    place: Path, given: tuple[str, ...], words: str
) -> None:
    paths = tuple(g if g.startswith("--") else str(place / g) for g in given)
    with pytest.raises(CommandError, match=words) as caught:
        audit(place, *paths)
    assert caught.value.returncode == 2
    assert not (place / "out.json").exists()
