"""What a report file carries, read without trusting it: runs in a child process with limits.

A PDF or JSON that somebody hands in may be made to harm its reader. Nothing of it is opened in
the process that asks: this module is the target of `sandbox.run_child`, and what comes back are
hashes, a few short texts, and the signed statement as it stands, unchecked.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
from pathlib import Path
from typing import Any

from auditapp import sandbox, signing
from auditapp.errors import AuditError
from auditapp.result import SCHEMA, canonical, result_hash

Json = dict[str, Any]
TARGET = "auditapp.attachments:examine"
#: Documents that a report can be drawn from, and the names under which a PDF carries them.
SCHEMAS = (SCHEMA, "evenhand/comparison/1")
DOCUMENTS = ("result.json", "comparison.json")
TABLES = "tables.csv"
SIGNATURE = "signature.json"
MIB = 1 << 20
LONGEST_FILE = 64 * MIB
LONGEST_JSON = 64 * MIB
LONGEST_TEXT = 200
SAID = ("id", "date", "status", "status_date", "superseded_by", "signed_with")
PDF_MARK = b"%PDF-"
LIMITS = sandbox.Limits(
    what="Reading the file",
    wall=30.0,
    cpu=25.0,
    memory=1536 * MIB,
    file_bytes=MIB,
    files=64,
    threads=1,
    strict=False,
)
#: Drawing needs more: fonts, the engine of the charts, the compiler of the PDF.
REDRAW = LIMITS.but(
    what="Drawing the pages", wall=120.0, cpu=200.0, memory=None, file_bytes=64 * MIB, files=256
)


def examine_file(path: Path, *, workdir: Path) -> Json:
    """Read a file in a child process; see `examine`."""
    return sandbox.run_child(
        TARGET,
        {"path": str(path.resolve()), "read": [str(path.resolve())]},
        workdir=workdir,
        limits=LIMITS,
        isolated=True,
    )


def redraw_file(path: Path, *, workdir: Path) -> bool:
    """Whether a PDF is, byte for byte, what this version draws of the result it carries.

    This needs no key and no record: pages that somebody changed cannot come out of it. The
    engine of the charts cannot work inside the sandbox, so strangers are not offered this.
    """
    found = sandbox.run_child(
        "auditapp.attachments:redraw",
        {"path": str(path.resolve()), "out": str(workdir.resolve() / "out")},
        workdir=workdir,
        limits=REDRAW,
        isolated=False,
    )
    return bool(found["same"])


def redraw(job: Json, _tick: Any = None) -> Json:
    """Draw the attached result anew, with the attached signature, and compare."""
    from auditapp.comparison.build import write
    from auditapp.reports.build import build

    data = Path(job["path"]).read_bytes()
    carried = held(data)
    document = parsed(carried["result.json"])
    out = Path(job["out"])
    out.mkdir()
    draw = build if document["schema"] == SCHEMA else write
    draw(document, out, signature=carried.get(SIGNATURE))
    return {"same": (out / "report.pdf").read_bytes() == data}


def examine(job: Json, _tick: Any = None) -> Json:
    """Read a PDF, a result document or a signed statement.

    Returns
    -------
    dict
        ``kind`` (``pdf``, ``json`` or ``signature``), ``hash`` of the result document (null
        where there is none), ``says`` (what its `run` claims, short texts), ``files`` (SHA-256
        by name) and ``signature`` (the statement as it stands, or null).

    Raises
    ------
    AuditError
        ``unreadable``, ``not-a-report``, ``too-large``, ``encrypted`` or ``ambiguous``.
    """
    data = Path(job["path"]).read_bytes()
    if PDF_MARK in data[:1024]:
        return _of_pdf(data)
    return _of_json(data)


def _of_pdf(data: bytes) -> Json:
    carried = held(data)
    names = [name for name in DOCUMENTS if name in carried]
    if not names:
        raise AuditError(
            "not-a-report",
            "This PDF carries no result document, so it is no report of Evenhand, or a program"
            " that saved it anew left its attachments out.",
            "Hand in the file as it was downloaded.",
        )
    document = parsed(carried[names[0]])
    signature = carried.get(SIGNATURE)
    return {
        "kind": "pdf",
        **_facts(document),
        "files": {name: hashlib.sha256(body).hexdigest() for name, body in carried.items()},
        "signature": None if signature is None else _signature(signature),
    }


def _of_json(data: bytes) -> Json:
    found = loaded(data)
    if isinstance(found, dict) and found.get("schema") == signing.SCHEMA:
        if len(data) > signing.LONGEST:
            raise AuditError("too-large", "This signed statement is longer than any of ours.")
        return {"kind": "signature", "hash": None, "says": {}, "files": {}, "signature": found}
    document = _checked(found)
    return {
        "kind": "json",
        **_facts(document),
        "files": {"result.json": hashlib.sha256(data).hexdigest()},
        "signature": None,
    }


def parsed(data: bytes) -> Json:
    """A result document from its bytes; see `loaded`."""
    return _checked(loaded(data))


def loaded(data: bytes) -> Any:
    """JSON that every reader understands alike.

    A key that stands twice in an object is refused: one reader would show the first value,
    another one hash the last.

    Raises
    ------
    AuditError
        ``unreadable`` or ``too-large``.
    """
    if len(data) > LONGEST_JSON:
        raise AuditError("too-large", f"The document has more than {LONGEST_JSON // MIB} MB.", "")
    try:
        return json.loads(data, parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError as error:
        raise AuditError("unreadable", "The file is nested too deeply.") from error
    except ValueError as error:
        message = str(error)[:LONGEST_TEXT]
        raise AuditError(
            "unreadable",
            "The file is neither a PDF nor JSON that can be read.",
            "Hand in the PDF of a report, its JSON, or its signature.",
            found=message,
        ) from error


def _checked(found: Any) -> Json:
    if not isinstance(found, dict) or found.get("schema") not in SCHEMAS:
        raise AuditError(
            "not-a-report",
            f"The file is no result document of the schema {SCHEMA}.",
            "Hand in the PDF of a report, its JSON, or its signature.",
        )
    return found


def _facts(document: Json) -> Json:
    try:
        canonical(document)
        found = result_hash(document)
    except (ValueError, RecursionError) as error:
        raise AuditError(
            "unreadable", "The document holds a number that JSON does not have."
        ) from error
    run = document.get("run")
    said = run if isinstance(run, dict) else {}
    return {
        "hash": found,
        "says": {
            name: said[name][:LONGEST_TEXT] for name in SAID if isinstance(said.get(name), str)
        },
    }


def held(data: bytes) -> dict[str, bytes]:
    """The attachments that matter, each of which may be there once."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    wanted = {*DOCUMENTS, TABLES, SIGNATURE}
    found: dict[str, bytes] = {}
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted:
            raise AuditError(
                "encrypted",
                "This PDF is encrypted, and a report of Evenhand never is.",
                "Hand in the file as it was downloaded.",
            )
        for name in _on_pages(reader) & wanted:
            raise _second(name)
        for item in reader.attachment_list:
            names = {str(item.name), *_names(item.pdf_object)}
            if not names & wanted:
                continue
            name = item.name
            if name in found or names != {name}:
                raise _second(min(names & wanted))
            body = _content(item)
            if len(body) > LONGEST_FILE:
                raise AuditError(
                    "too-large", f"Its {name} has more than {LONGEST_FILE // MIB} MB."
                )
            found[name] = body
    except (AuditError, MemoryError):
        raise
    except (PyPdfError, Exception) as error:  # a reader of broken files fails in any way
        raise AuditError(
            "unreadable",
            "This PDF cannot be read: it is broken, or was cut off on its way.",
            "Download the report again, or hand in its JSON.",
            found=type(error).__name__,
        ) from error
    return found


def _second(name: str) -> AuditError:
    return AuditError(
        "ambiguous",
        f"This PDF carries a second file called {name}; no report of Evenhand does.",
        "Hand in the file as it was downloaded.",
    )


def _names(spec: Any) -> set[str]:
    """Every name under which some reader may show an attachment."""
    return {str(spec[key].get_object()) for key in ("/UF", "/F") if key in spec}


def _on_pages(reader: Any) -> set[str]:
    """Names of the files pinned to pages, which many readers list among the attachments."""
    marks = [mark.get_object() for page in reader.pages for mark in page.annotations or ()]
    specs = [mark["/FS"].get_object() for mark in marks if "/FS" in mark]
    return {name for spec in specs if isinstance(spec, dict) for name in _names(spec)}


def _content(item: Any) -> bytes:
    """The one content of an attachment; readers differ in which of two they take."""
    spec = item.pdf_object["/EF"].get_object()
    streams = [spec[key].get_object() for key in ("/UF", "/F") if key in spec]
    bodies = [stream.get_data() for stream in {id(stream): stream for stream in streams}.values()]
    if not bodies or any(body != bodies[0] for body in bodies):
        raise AuditError(
            "ambiguous",
            "An attachment of this PDF has two contents; none of a report of Evenhand does.",
            "Hand in the file as it was downloaded.",
        )
    body: bytes = bodies[0]
    return body


def _signature(data: bytes) -> Json | None:
    """The statement as it stands; null where it has not even the shape of one."""
    try:
        signing.read(data)
        found: Json = loaded(data)
    except (signing.KeyFault, AuditError):
        return {}
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"it contains {name}")


def _unique(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a key twice")
    return found
