"""Whether a file, or a hash, belongs to a report that this installation wrote.

Three things are told apart, and never taken for one another: the result document (its hash leaves
the `run` part out), the files as bytes, and the pages of a PDF, which somebody could have drawn
around a genuine attachment.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q

from auditapp import attachments, signing, storage
from auditapp.errors import AuditError
from auditapp.models import Comparison, Edition, Report, ReportStatus, SharedCopy
from auditapp.result import printed_hash
from auditapp.services.keys import public_key

Json = dict[str, Any]
#: Children that read uploaded files at the same time, in one process of the web server.
AT_ONCE = 2
_places = threading.BoundedSemaphore(AT_ONCE)
SHORTEST_HASH = 12
MOST = 5
#: Rows that a copy is shown with.
WITH = ("report__audit", "report__superseded_by__audit")


@dataclass(frozen=True)
class Kept:
    """A report as far as somebody who holds a file or its hash may know it."""

    id: str
    status: str
    date: datetime | None
    hash: str
    superseded_by: str = ""
    superseded_at: datetime | None = None
    smallest: int = 0
    exact: bool = False


@dataclass(frozen=True)
class Answer:
    """What is answered.

    `outcome`: ``match`` (bytes), ``numbers`` (the result document only), ``pages`` (a genuine
    result inside other pages), ``gone`` (signed here, not kept), ``elsewhere`` (signed with
    another key), ``changed`` (contradicts its own signature), ``none``.
    """

    outcome: str
    kind: str
    hash: str = ""
    kept: tuple[Kept, ...] = ()
    edition: str = ""
    claims: tuple[tuple[str, str, str], ...] = ()
    statement: Json = field(default_factory=dict)
    key: str = ""

    @property
    def first(self) -> Kept | None:
        """The report that was found."""
        return self.kept[0] if self.kept else None

    @property
    def superseded(self) -> bool:
        """Whether a later report took its place."""
        return self.first is not None and self.first.status == ReportStatus.SUPERSEDED.value

    @property
    def tone(self) -> str:
        """Whether it is well, worth a look, or not what it says it is: icon and edge."""
        if self.outcome in {"changed", "none", "elsewhere"}:
            return "stop"
        plain = self.outcome == "match" or (self.outcome == "numbers" and self.kind == "hash")
        return "ok" if plain and not self.superseded and not self.earlier else "look"

    @property
    def earlier(self) -> bool:
        """Whether the report has another status by now than the file says."""
        return bool(self.edition) and self.first is not None and self.first.status != self.edition


def verify_file(*, path: Path) -> Answer:
    """Hold an uploaded file against the reports of this installation; it is only read.

    Raises
    ------
    AuditError
        The file cannot be read, or ``busy``: too many are read at this moment.
    """
    digest = storage.sha256_of(path)
    edition = _edition(Q(pdf_hash=digest) | Q(json_hash=digest))
    if edition is not None:
        kind = "pdf" if edition.pdf_hash == digest else "json"
        return Answer(
            "match", kind, edition.report.result_hash, (_kept(edition.report),), edition.status
        )
    copy = SharedCopy.objects.filter(written__has_key=digest).select_related(*WITH).first()
    if copy is not None:
        kind = "pdf" if _is_pdf(path) else "json"
        status = str(copy.written[digest])
        return Answer("match", kind, copy.result_hash, (_kept_copy(copy, exact=True),), status)
    return _judged(_examined(path), digest)


def verify_hash(*, text: str) -> Answer:
    """Look a hash up: of a result document, whole, begun, or as a cover prints it; or of a file.

    Raises
    ------
    AuditError
        ``bad-hash``: it is none, or too short to mean one report.
    """
    head, tail = hash_parts(text)
    found = _of_hash(head, tail)
    if not found and len(head) == 64:
        edition = _edition(Q(pdf_hash=head) | Q(json_hash=head))
        if edition is not None:
            return Answer(
                "match", "hash", edition.report.result_hash, (_kept(edition.report),),
                edition.status,
            )  # fmt: skip
    return Answer(
        "numbers" if found else "none", "hash", head + ("…" + tail if tail else ""), found
    )


def hash_parts(text: str) -> tuple[str, str]:
    """Beginning and end of a hash as people copy it.

    Raises
    ------
    AuditError
        ``bad-hash``.
    """
    parts = printed_hash(text)
    if parts is None:
        raise AuditError(
            "bad-hash",
            "This is no SHA-256 hash: one has up to 64 of the characters 0 to 9 and a to f.",
            "Copy it from the head of a page of the report.",
        )
    head, tail = parts
    if len(head) < SHORTEST_HASH:
        raise AuditError(
            "bad-hash",
            f"The hash begins with {len(head)} characters, and fewer than {SHORTEST_HASH} may"
            " mean more than one report.",
            "Copy at least the twelve that the head of every page of the PDF shows.",
        )
    return head, tail


def _examined(path: Path) -> Json:
    if not _places.acquire(timeout=10):
        raise AuditError(
            "busy",
            "Other files are being read at this moment.",
            "Try again in half a minute.",
            permanent=False,
        )
    work = storage.work_folder(f"verify-{uuid.uuid4()}")
    try:
        return attachments.examine_file(path, workdir=work)
    finally:
        _places.release()
        storage.remove(str(work.relative_to(settings.DATA_DIR)))


def _judged(found: Json, digest: str) -> Answer:
    """What is to be said of a file whose bytes are those of no edition."""
    kind = str(found["kind"])
    signed = _signed(found["signature"])
    if found["signature"] is not None and (signed is None or not signed.holds()):
        return Answer("changed", kind, found["hash"] or "", statement=_statement(signed))
    if kind == "signature":
        return _of_statement(signed)
    if signed is not None and not _fits(signed, found):
        return Answer(
            "changed", kind, found["hash"], statement=signed.statement, key=signed.key_id
        )
    kept = _of_hash(found["hash"], "", says=found["says"], digest=digest)
    if kept:
        outcome = "match" if kept[0].exact else ("pages" if kind == "pdf" else "numbers")
        claims = tuple(_claims(kept[0], found["says"]))
        key = "" if signed is None else signed.key_id
        return Answer(outcome, kind, found["hash"], kept, "", claims, key=key)
    if signed is None:
        return Answer("none", kind, found["hash"])
    outcome = "gone" if signed.public_key == public_key() else "elsewhere"
    return Answer(outcome, kind, found["hash"], statement=signed.statement, key=signed.key_id)


def _of_statement(signed: signing.Signed | None) -> Answer:
    """A signed statement handed in without the files it speaks of."""
    if signed is None:
        return Answer("changed", "signature")
    kept = _of_hash(signed.result_hash, "", says={"id": str(signed.statement.get("report", ""))})
    ours = signed.public_key == public_key()
    if kept and (ours or _former(signed)):
        status = str(signed.statement.get("status", ""))
        return Answer(
            "match", "signature", signed.result_hash, kept, status,
            statement=signed.statement, key=signed.key_id,
        )  # fmt: skip
    return Answer(
        "gone" if ours else "elsewhere", "signature", signed.result_hash,
        statement=signed.statement, key=signed.key_id,
    )  # fmt: skip


def _former(signed: signing.Signed) -> bool:
    """Whether the record says that the key was ours when these files were written."""
    rows = Edition.objects.filter(json_hash=signed.file("result.json")).exclude(json_hash="")
    made = rows.exclude(signature=None).values_list("signature", flat=True)
    return any(signing.read(row).public_key == signed.public_key for row in made[:MOST])


def _signed(found: Any) -> signing.Signed | None:
    if found is None:
        return None
    try:
        return signing.read(found)
    except signing.KeyFault:
        return None


def _statement(signed: signing.Signed | None) -> Json:
    return {} if signed is None else signed.statement


def _fits(signed: signing.Signed, found: Json) -> bool:
    """Whether the attachments are those that were signed."""
    files = {name: digest for name, digest in found["files"].items() if name != "signature.json"}
    return signed.result_hash == found["hash"] and all(
        signed.file(name) == digest for name, digest in files.items()
    )


def _edition(where: Q) -> Edition | None:
    found: Edition | None = (
        Edition.objects.filter(where)
        .select_related("report__audit", "report__superseded_by__audit")
        .order_by("-created_at")
        .first()
    )
    return found


def _of_hash(
    head: str, tail: str, *, says: Json | None = None, digest: str = ""
) -> tuple[Kept, ...]:
    """What is kept under a result hash; what the file names first, then the newest.

    Two audits with the same plan of the same data have one hash: only `run` tells them apart.
    """
    if not head:
        return ()
    where = Q(result_hash__startswith=head)
    if tail:
        where &= Q(result_hash__endswith=tail)
    found = [*_reports(where, digest), *_copies(where, digest), *_comparisons(where, digest)]
    named = str((says or {}).get("id", ""))
    found.sort(key=lambda item: (not item.exact, item.id != named))
    return tuple(found)


def _reports(where: Q, digest: str) -> Iterable[Kept]:
    rows = Report.objects.filter(where).select_related("audit", "superseded_by__audit")
    for row in rows.order_by("-created_at")[:MOST]:
        # Reports of before editions were kept are known by their files.
        yield _kept(row, exact=_same(row.folder, digest))


def _copies(where: Q, digest: str) -> Iterable[Kept]:
    rows = SharedCopy.objects.filter(where).exclude(path="").exclude(result_hash="")
    for row in rows.select_related(*WITH)[:MOST]:
        # Copies of before files were noted are known by their files.
        yield _kept_copy(row, exact=not row.written and _same(row.folder, digest))


def _comparisons(where: Q, digest: str) -> Iterable[Kept]:
    for row in Comparison.objects.filter(where).exclude(result_hash="")[:MOST]:
        exact = bool(row.path) and _same(row.folder, digest)
        yield Kept(row.report_id, "comparison", row.finished_at, row.result_hash, exact=exact)


def _kept(report: Report, *, hash: str = "", smallest: int = 0, exact: bool = False) -> Kept:
    later = report.superseded_by
    return Kept(
        id=report.audit.report_id,
        status=report.status,
        date=report.final_at if report.final_at is not None else report.audit.finished_at,
        hash=hash if hash else report.result_hash,
        superseded_by="" if later is None else later.audit.report_id,
        superseded_at=None if later is None else later.final_at,
        smallest=smallest,
        exact=exact,
    )


def _kept_copy(copy: SharedCopy, *, exact: bool) -> Kept:
    return _kept(copy.report, hash=copy.result_hash, smallest=copy.smallest, exact=exact)


def _is_pdf(path: Path) -> bool:
    with path.open("rb") as file:
        return attachments.PDF_MARK in file.read(1024)


def _same(folder: Path, digest: str) -> bool:
    if not digest:
        return False
    try:
        files = [path for path in folder.iterdir() if path.suffix in {".pdf", ".json"}]
    except OSError:
        return False
    return any(path.name != "report.json" and storage.sha256_of(path) == digest for path in files)


def _claims(kept: Kept, says: Json) -> Iterable[tuple[str, str, str]]:
    """Where the part that the hash leaves out says something else than the record."""
    if says.get("id", kept.id) != kept.id:
        yield "Report", says["id"], kept.id
    status = says.get("status", kept.status)
    if status != kept.status and kept.status != "comparison":
        yield "Status", status, kept.status
