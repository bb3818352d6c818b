"""Signed statements: what they cover, and what breaks them."""

from __future__ import annotations

import copy
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditapp import signing
from auditapp.result import SCHEMA, result_hash

DOCUMENT: dict[str, Any] = {
    "schema": SCHEMA,
    "rows": {"used": 3},
    "run": {"id": "EH-2026-0001", "date": "2026-11-23T10:00:00+00:00", "status": "draft"},
}
FILES = {"result.json": b"{}", "tables.csv": b"a,b\n"}
KEY = signing.new_key()


def test_a_statement_names_the_report_its_files_and_its_key() -> None:
    said = signing.sign(DOCUMENT, FILES, KEY)["statement"]
    raw = signing.private_key(KEY).public_key().public_bytes_raw()
    assert said["report"] == "EH-2026-0001"
    assert said["result_hash"] == result_hash(DOCUMENT)
    assert said["status"] == "draft"
    assert said["date"] == "2026-11-23T10:00:00+00:00"
    assert set(said["files"]) == set(FILES)
    assert said["key"] == signing.key_id(raw)


def test_the_same_document_has_one_signature() -> None:
    assert signing.sign(DOCUMENT, FILES, KEY) == signing.sign(DOCUMENT, FILES, KEY)


def test_a_signature_holds_after_it_was_written_and_read() -> None:
    signed = signing.read(signing.written(signing.sign(DOCUMENT, FILES, KEY)))
    assert signed.holds()
    assert (
        signed.file("tables.csv")
        == signing.sign(DOCUMENT, FILES, KEY)["statement"]["files"]["tables.csv"]
    )
    assert signed.file("other") == ""


@pytest.mark.parametrize("name", ["report", "status", "date", "result_hash", "files", "key"])
def test_a_statement_that_was_changed_does_not_hold(name: str) -> None:
    signed = copy.deepcopy(signing.sign(DOCUMENT, FILES, KEY))
    signed["statement"][name] = "other"
    assert not signing.read(signed).holds()


def test_a_statement_with_something_added_or_taken_away_does_not_hold() -> None:
    added = copy.deepcopy(signing.sign(DOCUMENT, FILES, KEY))
    added["statement"]["more"] = 1
    assert not signing.read(added).holds()
    less = copy.deepcopy(signing.sign(DOCUMENT, FILES, KEY))
    del less["statement"]["status"]
    assert not signing.read(less).holds()


def test_another_key_put_beside_a_statement_does_not_hold() -> None:
    one, two = signing.sign(DOCUMENT, FILES, KEY), signing.sign(DOCUMENT, FILES, signing.new_key())
    assert not signing.read({**one, "public_key": two["public_key"]}).holds()
    assert not signing.read({**one, "signature": two["signature"]}).holds()


@given(st.binary(max_size=300))
def test_bytes_that_are_no_statement_are_refused(data: bytes) -> None:
    with pytest.raises(signing.KeyFault):
        signing.read(data)


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"schema": signing.SCHEMA},
        {"schema": signing.SCHEMA, "statement": []},
        {"schema": signing.SCHEMA, "statement": {"schema": signing.SCHEMA}},
        {"schema": signing.SCHEMA, "statement": {"schema": signing.SCHEMA}, "public_key": "AAAA"},
        [],
    ],
)
def test_what_has_not_the_shape_of_a_statement_is_refused(found: Any) -> None:
    with pytest.raises(signing.KeyFault):
        signing.read(json.dumps(found).encode())


def test_a_long_or_deep_statement_is_refused_unread() -> None:
    for data in (b" " * signing.LONGEST + b"{}", b"[" * 16_000):
        with pytest.raises(signing.KeyFault):
            signing.read(data)


def test_a_key_may_be_pem_in_one_line_or_base64(tmp_path: Path) -> None:
    raw = signing.private_key(KEY).private_bytes_raw()
    import base64

    for text in (KEY, KEY.replace("\n", "\\n"), base64.b64encode(raw).decode(), f"  {KEY}\n"):
        assert signing.private_key(text).private_bytes_raw() == raw


@pytest.mark.parametrize("text", ["", "x", "AAAA", "-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_text_that_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(signing.KeyFault):
        signing.private_key(text)


def test_a_key_of_another_kind_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    other = generate_private_key(SECP256R1())
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(signing.KeyFault, match="Ed25519"):
        signing.private_key(pem)
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(signing.KeyFault, match="Ed25519"):
        signing.public_key(public.decode())
    with pytest.raises(signing.KeyFault):
        signing.public_key("nothing")


def test_a_public_key_survives_its_pem() -> None:
    raw = signing.private_key(KEY).public_key().public_bytes_raw()
    assert signing.public_key(signing.public_pem(raw)) == raw


def test_the_key_of_an_installation_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "signing.key"
    first = signing.kept_key(path)
    assert signing.kept_key(path) == first
    assert signing.private_key(first)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["signing.key"]
