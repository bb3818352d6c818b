"""Statements about a report, signed with the Ed25519 key of an installation.

A statement names the report, its status and the SHA-256 of its files. It says who wrote them and
that nothing was changed since; it says nothing about whether the numbers are right. Everything in
it comes from the stored document, never from the clock, so the same report has one signature.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from auditapp.result import SCHEMA as RESULT
from auditapp.result import Document, canonical, result_hash

SCHEMA = "evenhand/signature/1"
#: What is signed begins with this, so that no other signed text can be taken for a statement.
DOMAIN = b"evenhand/signature/1\n"
LONGEST = 16_384
KEY_BYTES = 32
Json = dict[str, Any]


class KeyFault(ValueError):
    """Text that is no Ed25519 key; the message can be shown."""


@dataclass(frozen=True)
class Signed:
    """A statement that was read from a file, before anybody checked it."""

    statement: Json
    public_key: bytes
    signature: bytes

    @property
    def key_id(self) -> str:
        """Name of the key that came with the statement."""
        return key_id(self.public_key)

    @property
    def result_hash(self) -> str:
        """The result hash it speaks of."""
        return str(self.statement.get("result_hash", ""))

    def file(self, name: str) -> str:
        """The SHA-256 it gives for a file; empty where it names none."""
        files = self.statement.get("files")
        return str(files.get(name, "")) if isinstance(files, dict) else ""

    def holds(self) -> bool:
        """Whether the signature fits the statement and the key that came with it."""
        if self.statement.get("key") != self.key_id:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(
                self.signature, DOMAIN + canonical(self.statement)
            )
        except (InvalidSignature, ValueError):
            return False
        return True


def new_key() -> str:
    """A new private key as PEM."""
    return _as_pem(Ed25519PrivateKey.generate())


def private_key(text: str) -> Ed25519PrivateKey:
    """Read a private key: PEM, or 32 bytes as base64.

    Raises
    ------
    KeyFault
        The text is neither.
    """
    # An environment variable of one line spells the line ends of a PEM file.
    text = text.strip().replace("\\n", "\n")
    if not text.startswith("-----"):
        return Ed25519PrivateKey.from_private_bytes(_decoded(text, "the signing key", KEY_BYTES))
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise KeyFault("the signing key is no unencrypted PEM private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFault("the signing key is no Ed25519 key")
    return key


def public_key(text: str) -> bytes:
    """Read a public key in PEM, as the page Verify hands it out.

    Raises
    ------
    KeyFault
        It is none, or not Ed25519.
    """
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, TypeError) as error:
        raise KeyFault("the file holds no PEM public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFault("the key is no Ed25519 key")
    return key.public_bytes_raw()


def public_pem(raw: bytes) -> str:
    """A public key as PEM."""
    key = Ed25519PublicKey.from_public_bytes(raw)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def key_id(raw: bytes) -> str:
    """The name of a key: half of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(raw).hexdigest()[:32]


def id_of(key: str) -> str:
    """The name of the key pair of a private key."""
    return key_id(private_key(key).public_key().public_bytes_raw())


def statement(document: Document, files: dict[str, bytes], key: str) -> Json:
    """What is said of a report: id, status and date as its document has them, and its files."""
    run = document.get("run") or {}
    unsaid = "draft" if document["schema"] == RESULT else "comparison"
    return {
        "schema": SCHEMA,
        "report": str(run.get("id") or ""),
        "status": str(run.get("status") or unsaid),
        "date": str(run.get("status_date") or run.get("date") or ""),
        "result_schema": str(document["schema"]),
        "result_hash": result_hash(document),
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        "key": key,
    }


def sign(document: Document, files: dict[str, bytes], key: str) -> Json:
    """The signed statement about a document and its files, as JSON.

    Parameters
    ----------
    document
        The result document.
    files
        Contents by file name.
    key
        The private key, as `private_key` reads it.
    """
    private = private_key(key)
    raw = private.public_key().public_bytes_raw()
    said = statement(document, files, key_id(raw))
    return {
        "schema": SCHEMA,
        "statement": said,
        "public_key": base64.b64encode(raw).decode(),
        "signature": base64.b64encode(private.sign(DOMAIN + canonical(said))).decode(),
    }


def written(signed: Json) -> bytes:
    """A signed statement as the bytes of a file."""
    return (json.dumps(signed, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def read(data: bytes | Json) -> Signed:
    """Read a signed statement; nothing of it is checked but its shape.

    Raises
    ------
    KeyFault
        It is no signed statement.
    """
    found: Any = data
    if isinstance(data, bytes):
        if len(data) > LONGEST:
            raise KeyFault("the signed statement is longer than any of ours")
        try:
            found = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise KeyFault("the signed statement is no JSON") from error
    if (
        not isinstance(found, dict)
        or found.get("schema") != SCHEMA
        or not isinstance(found.get("statement"), dict)
        or found["statement"].get("schema") != SCHEMA
    ):
        raise KeyFault(f"there is no signed statement of the schema {SCHEMA}")
    try:
        canonical(found["statement"])
    except (ValueError, RecursionError) as error:  # half a character, or no number
        raise KeyFault("the signed statement holds what JSON does not have") from error
    return Signed(
        statement=found["statement"],
        public_key=_decoded(found.get("public_key"), "the public key", KEY_BYTES),
        signature=_decoded(found.get("signature"), "the signature", 64),
    )


def kept_key(path: Path) -> str:
    """The private key kept in `path`; made on first use, readable by its owner only."""
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(new_key())
        # A link fails where another process was first: its key is then the one.
        with contextlib.suppress(FileExistsError):
            os.link(partial, path)
    finally:
        partial.unlink()
    return path.read_text(encoding="ascii")


def _as_pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _decoded(text: Any, what: str, length: int) -> bytes:
    try:
        data = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise KeyFault(f"{what} is no base64") from error
    if len(data) != length:
        raise KeyFault(f"{what} has {len(data)} bytes, not {length}")
    return data
