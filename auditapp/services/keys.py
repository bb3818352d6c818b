"""The key that this installation signs reports with."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from auditapp import signing

FILE = "signing.key"


def signing_key() -> str:
    """The private key: EVENHAND_SIGNING_KEY, else the one kept in DATA_DIR.

    Raises
    ------
    signing.KeyFault
        What is set or kept is no key.
    """
    text = settings.SIGNING_KEY or signing.kept_key(Path(settings.DATA_DIR) / FILE)
    signing.private_key(text)
    return str(text)


def public_key() -> bytes:
    """Its public half."""
    return signing.private_key(signing_key()).public_key().public_bytes_raw()


def key_name() -> str:
    """What the key is called in statements."""
    return signing.key_id(public_key())
