"""The files of a report again, in another status; nothing is measured again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from auditapp import result, signing
from auditapp.errors import AuditError
from auditapp.pipeline.progress import Tick


def reissue(job: dict[str, Any], tick: Tick | None = None) -> dict[str, Any]:
    """Draw page, PDF and tables of a stored result document whose `run` says something new.

    Parameters
    ----------
    job
        ``{"result", "hash", "out", "run", "signing_key"}``: the stored document and the hash it
        is kept under, the folder to write to, and what its `run` says from now on.

    Raises
    ------
    AuditError
        ``stored-result-changed``: the stored document has another hash than the database says.
    """
    from auditapp.reports.build import build

    document = result.read(Path(job["result"]))
    if result.result_hash(document) != job["hash"]:
        raise AuditError(
            "stored-result-changed",
            "The stored result document has another hash than when it was written.",
            "Restore the folder of this report from a backup, or audit again.",
        )
    signed = {"signed_with": signing.id_of(job["signing_key"])}
    document["run"] = {**document["run"], **job["run"], **signed}
    out = Path(job["out"])
    out.mkdir(parents=True, exist_ok=True)
    result.write(document, out / "result.json")
    made = build(document, out, tick, key=job["signing_key"])
    return {key: made[key] for key in ("hash", "pages", "pdf_hash", "signature")}
