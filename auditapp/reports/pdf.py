"""The report as a PDF that proves itself: archivable, accessible, result attached."""

from __future__ import annotations

import json
import shutil
import struct
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditapp.reports import brand, coverage, language
from auditapp.reports.language import gettext_noop

TEMPLATE = Path(__file__).resolve().parent / "typst" / "report.typ"
STANDARDS: Any = ["a-3a", "ua-1"]
# Keys whose texts are names or hashes: no break is put inside them.
NAMES = frozenset(
    {
        "anchor", "print_charts", "kind", "slug", "verdict", "shape", "tone", "align",
        "hash", "short_hash", "id", "moment",
    }
)  # fmt: skip
#: What the template says of itself; it looks each up in the language of the report.
WORDS = (
    gettext_noop("Difference found"),
    gettext_noop("No difference found"),
    gettext_noop("Not enough data"),
    gettext_noop("Not applicable"),
    gettext_noop("Fairness audit"),
    gettext_noop("result hash"),
    gettext_noop("The same chart, continued."),
    gettext_noop("Recommended next step"),
    gettext_noop("See page"),
    gettext_noop("On the report page, not printed here:"),
    gettext_noop("Not printed here, on the report page and in tables.csv:"),
    gettext_noop("Not legal advice"),
    gettext_noop("Page"),
    gettext_noop("of"),
    gettext_noop("Contents"),
    gettext_noop("This chapter is in English."),
    gettext_noop("Logo"),
    gettext_noop(" (simulated data)"),
    gettext_noop("The result document: every number of this report, unrounded"),
    gettext_noop("All estimates and comparisons as one table"),
    gettext_noop("What the installation that wrote this report signed"),
)
#: The largest a logo is drawn on the cover, in points.
LOGO = (180.0, 32.0)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class PdfError(RuntimeError):
    """The compiler refused the report; its message is for the log, not for the page."""


def render(
    report: dict[str, Any],
    *,
    charts: Path,
    result: bytes,
    tables: bytes,
    signature: bytes | None = None,
    when: datetime | None = None,
) -> tuple[bytes, int]:
    """Compile a report.

    Parameters
    ----------
    report
        What `build` writes to report.json; every figure names its print drawings.
    charts
        Folder of the drawings.
    result, tables
        Contents of the attached result.json and tables.csv.
    signature
        Contents of the attached signature.json; None attaches none.
    when
        The run date, which becomes the document's date. The clock is never read.

    Returns
    -------
    bytes, int
        The file, the same for the same input, and its number of pages.
    """
    import typst

    with tempfile.TemporaryDirectory(prefix="evenhand-pdf-") as name:
        root = Path(name)
        shutil.copyfile(TEMPLATE, root / "report.typ")
        shutil.copytree(charts, root / "charts", ignore=shutil.ignore_patterns("*.wide.*"))
        signed = {"signed": signature is not None}
        (root / "data.json").write_text(_data({**report, **signed}), encoding="utf-8")
        (root / "result.json").write_bytes(result)
        logo = brand.logo_bytes(report.get("brand") or {})
        if logo is not None:
            (root / "logo.png").write_bytes(logo)
        (root / "tables.csv").write_bytes(tables)
        if signature is not None:
            (root / "signature.json").write_bytes(signature)
        stamp = int((when or EPOCH).timestamp())
        try:
            compiled, _ = typst.compile_with_warnings(
                str(root / "report.typ"),
                root=str(root),
                font_paths=[str(coverage.FONTS)],
                ignore_system_fonts=True,
                pdf_standards=STANDARDS,
                timestamp=stamp,
                format="pdf",
            )
        except typst.TypstError as error:
            raise PdfError(getattr(error, "diagnostic", None) or str(error)) from error
    return bytes(compiled), pages(bytes(compiled))


def _data(report: dict[str, Any]) -> str:
    """The report with every text in characters the fonts have, long words breakable."""
    plain = {key: value for key, value in report.items() if key != "brand"}
    shown = _shown(plain)
    if language.current() != language.ENGLISH:
        shown["words"] = {text: language.gettext(text) for text in WORDS}
    look = report.get("brand")
    if look:
        name = coverage.printable(look["organisation"])
        shown["brand"] = {**look, "organisation": name, "logo": _drawn(look)}
    return json.dumps(shown, ensure_ascii=False)


def _drawn(look: dict[str, Any]) -> list[float] | None:
    """Width and height of the logo in points; None where there is none."""
    data = brand.logo_bytes(look)
    if data is None:
        return None
    wide, high = struct.unpack(">II", data[16:24])
    scale = min(LOGO[0] / max(wide, 1), LOGO[1] / max(high, 1))
    return [round(wide * scale, 2), round(high * scale, 2)]


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        if "soft" in value:
            return {**value, **{k: _narrow(value[k]) for k in ("text", "note")}}
        change = _kept if value.get("m") else _shown
        return {k: item if k in NAMES else change(item) for k, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return coverage.breakable(coverage.printable(value)) if isinstance(value, str) else value


def _narrow(value: str) -> str:
    """The text of a table cell, which may stand in a column of 20 mm."""
    return coverage.breakable(coverage.printable(value), longest=18, length=9)


def _kept(value: Any) -> Any:
    """Hashes and commands are to be copied: no break inside."""
    return coverage.printable(value) if isinstance(value, str) else value


def pages(pdf: bytes) -> int:
    """Number of pages, from the root of the page tree."""
    import re

    counts = [int(n) for n in re.findall(rb"/Type\s*/Pages[^>]*?/Count\s+(\d+)", pdf)]
    return max(counts, default=0)
