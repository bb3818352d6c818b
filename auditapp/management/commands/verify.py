"""Check that a report is what was written: result hash, signature, attached files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditapp import attachments, signing, storage
from auditapp.errors import AuditError
from auditapp.result import printed_hash

Json = dict[str, Any]
UNREADABLE = 2
DIFFERENT = 3
SHORTEST = 8
STATUS = {
    "draft": "a draft", "final": "final", "superseded": "superseded", "comparison": "a comparison"
}  # fmt: skip


class Command(BaseCommand):
    """``manage.py verify FILE``: exit 0 all holds, 3 something does not, 2 unreadable."""

    help = "Recompute the result hash of a report's PDF or JSON and check its signature."
    requires_system_checks: list[str] = []  # needs no database, broker or web settings

    def add_arguments(self, parser: CommandParser) -> None:
        """Options."""
        parser.add_argument("file", type=Path, help="PDF or JSON of a report")
        parser.add_argument("--hash", default="", help="what the report prints, whole or begun")
        parser.add_argument(
            "--key", type=Path, help="public key of the installation that should have signed"
        )
        parser.add_argument(
            "--pages",
            action="store_true",
            help="draw the pages of a PDF anew from what it carries, and compare every byte",
        )
        parser.add_argument("--signature", type=Path, help="signature beside the file (.sig.json)")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print what was found; the first thing that does not hold ends it."""
        found = _examined(options["file"])
        if found["hash"] is not None:
            self.stdout.write(f"sha256 {found['hash']}")
        for line in _lines(found, options):
            self.stdout.write(line)
        if options["pages"]:
            self.stdout.write(_redrawn(found, options["file"]))
        elif found["kind"] == "pdf" and options["signature"] is None:
            self.stdout.write("What the pages show was not looked at; --pages does.")


def _lines(found: Json, options: Json) -> Iterator[str]:
    if options["hash"]:
        yield _hashed(found["hash"], options["hash"])
    signed = _attached(found)
    if signed is not None:
        yield from _signed_lines(signed, found["files"], "The attached files are")
    beside = options["signature"]
    if beside is not None:
        other = _beside(beside)
        name = {"pdf": "report.pdf", "json": "result.json"}.get(found["kind"])
        if name is None:
            raise _unreadable("--signature goes with a PDF or JSON, not with another signature.")
        whole = {name: storage.sha256_of(options["file"])}
        yield from _signed_lines(other, whole, "The whole file is")
        if other.result_hash != found["hash"]:
            raise _different("The signature speaks of another result.")
        signed = other
    if options["key"] is not None:
        yield _keyed(signed, options["key"])
    elif signed is not None:
        yield (
            f"Signed with the key {signed.key_id}. Whose it is, --key says: compare with the"
            " public key of the installation."
        )
    elif found["kind"] == "pdf":
        yield _unsigned(found)


def _unsigned(found: Json) -> str:
    key = found["says"].get("signed_with")
    if key:
        raise _different(
            "The signature is missing: the document says that it was signed with the key"
            f" {_plain(key)}."
        )
    return (
        "Nothing is signed: the audit command writes such a PDF where it is given no key. If an"
        " installation wrote it, its signature was taken out."
    )


def _examined(path: Path) -> Json:
    if not path.is_file():
        raise _unreadable(f"There is no file “{path}”.")
    if path.stat().st_size > attachments.LONGEST_FILE:
        raise _unreadable(f"“{path}” is larger than any report.")
    try:
        with tempfile.TemporaryDirectory(prefix="evenhand-verify-") as work:
            return attachments.examine_file(path, workdir=Path(work))
    except AuditError as error:
        raise _unreadable(f"“{path}” cannot be read. {error} {error.found}".rstrip()) from error


def _redrawn(found: Json, path: Path) -> str:
    if found["kind"] != "pdf":
        raise _unreadable("--pages goes with a PDF.")
    try:
        with tempfile.TemporaryDirectory(prefix="evenhand-verify-") as work:
            same = attachments.redraw_file(path, workdir=Path(work))
    except AuditError as error:
        raise _unreadable(f"The pages could not be drawn anew. {error}") from error
    if not same:
        raise _different(
            "The pages are not what this version of Evenhand draws of the attached result: they"
            " were changed, another program saved the file, or another version wrote it."
        )
    return "The pages are what this version of Evenhand draws of the attached result."


def _hashed(found: str | None, given: str) -> str:
    parts = printed_hash(given)
    if parts is None or len(parts[0]) < SHORTEST:
        raise _unreadable(
            f"--hash is no SHA-256: give at least the first {SHORTEST} of its characters."
        )
    if found is None or not found.startswith(parts[0]) or not found.endswith(parts[1]):
        raise _different(
            f"The document does not have the hash {'…'.join(filter(None, parts))}: it was changed,"
            " or belongs to another report."
        )
    return "The document has this hash."


def _attached(found: Json) -> signing.Signed | None:
    """The statement that came inside the file, if it has one and it speaks of this result."""
    if found["signature"] is None:
        return None
    try:
        signed = signing.read(found["signature"])
    except signing.KeyFault as error:
        raise _different(f"The attached signature is none: {error}.") from error
    if found["hash"] is not None and signed.result_hash != found["hash"]:
        raise _different("The result document was changed after it was signed.")
    return signed


def _beside(path: Path) -> signing.Signed:
    try:
        return signing.read(path.read_bytes()[: signing.LONGEST + 1])
    except OSError as error:
        raise _unreadable(f"“{path}” cannot be read: {error.strerror}.") from error
    except signing.KeyFault as error:
        raise _unreadable(f"“{path}” is no signature: {error}.") from error


def _signed_lines(signed: signing.Signed, files: dict[str, str], what: str) -> Iterator[str]:
    if not signed.holds():
        raise _different("The signature does not fit what it speaks of.")
    report, status, date = (_plain(signed.statement.get(k)) for k in ("report", "status", "date"))
    name = report if report else "without a number"
    yield f"Signed as report {name}, {STATUS.get(status, status)}, {date}."
    for name, digest in sorted(files.items()):
        if name != attachments.SIGNATURE and signed.file(name) != digest:
            raise _different(f"{name} is not the file that was signed.")
    if files:
        yield f"{what} as signed."


def _keyed(signed: signing.Signed | None, path: Path) -> str:
    try:
        wanted = signing.public_key(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError, signing.KeyFault) as error:
        raise _unreadable(f"“{path}” cannot be read as a public key: {error}.") from error
    if signed is None:
        raise _different("Nothing is signed, so no key can have signed it.")
    if signed.public_key != wanted:
        raise _different(
            f"It is signed with the key {signed.key_id}, and “{path}” is the key"
            f" {signing.key_id(wanted)}."
        )
    return f"Signed with the key of “{path}”, {signed.key_id}."


def _plain(value: Any) -> str:
    """A text of somebody else as one short line that tells a terminal nothing."""
    return "".join(c if c.isprintable() else "?" for c in str(value)[:80])


def _different(words: str) -> CommandError:
    return CommandError(words, returncode=DIFFERENT)


def _unreadable(words: str) -> CommandError:
    return CommandError(words, returncode=UNREADABLE)
