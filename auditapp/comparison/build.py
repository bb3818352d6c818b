"""From two results to the document of a comparison, its page, PDF and table: drawn once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from auditapp import result, signing
from auditapp.comparison import export
from auditapp.comparison.document import compare
from auditapp.comparison.facts import Facts
from auditapp.comparison.sections import sections
from auditapp.errors import AuditError
from auditapp.pipeline import environment, kept
from auditapp.pipeline.kept import Kept
from auditapp.reports import brand, coverage, language, pdf
from auditapp.reports import build as reports

Tick = Callable[..., None]
Row = dict[str, Any]

SCHEMA = "evenhand/report/1"
MOST_BYTES = 256 * 1024**2


def make(job: Row, tick: Tick | None = None) -> Row:
    """Compare two audits and write the files of the comparison.

    Parameters
    ----------
    job
        ``{"first", "second", "out", "mode", "run"}``: for either audit ``result``, the path of
        its document, and ``rows``, the folder of its kept rows or null; the folder to write to;
        and what the cover says of this comparison (id, date, people, title, first, second).
        ``report`` false leaves page, PDF and table out; ``signing_key`` signs the PDF.
    tick
        ``tick(done, total, text)``.

    Returns
    -------
    dict
        ``{"hash", "pages", "verdict", "pdf_hash"}``.

    Raises
    ------
    AuditError
        The two audits cannot be compared.
    """
    out = Path(job["out"])
    out.mkdir(parents=True, exist_ok=True)
    if tick is not None:
        tick(0, 10, "reading both audits")
    (first, rows_a), (second, rows_b) = (_read(job[side]) for side in ("first", "second"))
    if tick is not None:
        tick(2, 10, "comparing")
    document = compare(first, second, rows_a, rows_b, mode=str(job.get("mode") or "auto"))
    given = dict(job.get("run") or {})
    sides = {
        name: _stamp(side) | (given.pop(name, None) or {})
        for name, side in (("first", first), ("second", second))
    }
    document["run"] = {"id": "", "people": "", "title": "", **given, **sides}
    key = job.get("signing_key")
    if key is not None:
        document["run"]["signed_with"] = signing.id_of(key)
    document["environment"] = environment.describe()
    document = result.plain(document)
    result.write(document, out / "result.json")
    made = write(document, out, tick, key=key) if job.get("report", True) else {}
    return {"hash": result.result_hash(document), "pages": made.get("pages"),
            "verdict": Facts(document).verdict, "pdf_hash": made.get("pdf_hash")}  # fmt: skip


def _read(side: Row) -> tuple[result.Document, Kept | None]:
    path = Path(side["result"])
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("too large for a result document")
        document = result.read(path)
    except (OSError, ValueError, RecursionError) as error:
        raise AuditError(
            "unreadable-result",
            f"The result document “{path.name}” cannot be read.",
            "Choose the JSON that the audit wrote.",
            found=str(error)[:200],
        ) from error
    return document, None if side.get("rows") is None else kept.read(Path(side["rows"]))


def _stamp(document: result.Document) -> Row:
    stamp = document.get("run") if isinstance(document, dict) else None
    stamp = stamp if isinstance(stamp, dict) else {}
    return {"id": str(stamp.get("id") or ""), "date": str(stamp.get("date") or "")}


def write(
    document: result.Document,
    out: Path,
    tick: Tick | None = None,
    *,
    key: str | None = None,
    signature: bytes | None = None,
) -> Row:
    """Write report.json, charts, report.pdf and tables.csv of a comparison document.

    It is drawn in the order in which it is stored, and signed as `auditapp.reports.build` does.
    """
    document = json.loads(result.canonical(document))
    with language.speaking(language.ENGLISH):
        facts = Facts(document)
        made = sections(facts)
        printed = reports.drawn(made, out / "charts", tick)
        report = _report(facts, [reports.section_json(section, printed) for section in made])
        text = json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
        (out / "report.json").write_text(text, encoding="utf-8")
        table = export.write_csv(facts)
        (out / "tables.csv").write_bytes(table)
        attached = {"result.json": result.canonical(document) + b"\n", "tables.csv": table}
        if key is not None:
            signature = signing.written(signing.sign(document, attached, key))
        file, pages = pdf.render(
            report,
            charts=out / "charts",
            result=attached["result.json"],
            tables=table,
            signature=signature,
            when=facts.moment,
        )
        (out / "report.pdf").write_bytes(file)
    return {"pages": pages, "pdf_hash": hashlib.sha256(file).hexdigest()}


def _report(facts: Facts, made: list[Row]) -> Row:
    digest = facts.hash
    when = facts.moment
    report = {
        "schema": SCHEMA,
        "words": {"Fairness audit": "Comparison of two audits"},
        "id": str(facts.run.get("id") or ""),
        "title": facts.title,
        "hash": digest,
        "short_hash": f"{digest[:4]} {digest[4:8]} {digest[8:12]}",
        "status": "Comparison",
        "date": facts.date,
        "moment": None if when is None else when.isoformat(),
        "verdict": facts.verdict,
        "simulated": facts.simulated,
        "prepared_by": str(facts.run.get("people") or ""),
        "language": language.ENGLISH,
        "version": str((facts.doc.get("environment") or {}).get("evenhand") or ""),
        "sections": made,
    }
    shown: Row = coverage.through(report, coverage.safe)
    look = brand.of_run(facts.run)
    return shown if look is None else {**shown, "brand": coverage.through(look, coverage.safe)}
