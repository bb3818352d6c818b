"""From a stored result document to page, PDF and table: drawn once, then only served."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from auditapp import signing
from auditapp.reports import blocks, brand, charts, coverage, export, language, pdf, stamps
from auditapp.reports.answers import summary
from auditapp.reports.facts import Facts
from auditapp.reports.sections import cover, glossary, sections
from auditapp.result import canonical

Tick = Callable[..., None]

SCHEMA = "evenhand/report/1"
PRINT_PANELS = 3
PRINT_ROWS = 5
LONGEST_ALT = 250
ANCHOR = re.compile(r"[a-z0-9-]{1,120}")


def build(
    result: dict[str, Any],
    out: Path,
    tick: Tick | None = None,
    *,
    key: str | None = None,
    signature: bytes | None = None,
) -> dict[str, Any]:
    """Write report.json, charts, report.pdf and tables.csv of one result document.

    Parameters
    ----------
    result
        A result document; nothing in it is recomputed. It is taken in the order in which it is
        stored, so that the stored document gives the same files again.
    out
        Folder to write to; it is made when it does not exist.
    tick
        ``tick(done, total, text)``, called before each drawing.
    key
        Private key of the installation, which signs the files; None leaves them unsigned.
    signature
        A signed statement made earlier, attached as it is instead of a new one.

    Returns
    -------
    dict
        ``{"hash", "pages", "summary", "files", "pdf_hash", "signature"}``; the last is a signed
        statement that also names the PDF, null without a key.
    """
    with language.speaking((result.get("run") or {}).get("language")):
        return _build(json.loads(canonical(result)), out, tick, key, signature)


def _build(
    result: dict[str, Any],
    out: Path,
    tick: Tick | None,
    key: str | None,
    signature: bytes | None,
) -> dict[str, Any]:
    facts = Facts(result)
    made = sections(facts)
    printed = drawn(made, out / "charts", tick)
    report = document(facts, made, printed)
    text = json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    (out / "report.json").write_text(text, encoding="utf-8")
    with language.speaking(language.ENGLISH):
        csv = export.write_csv(facts)
    (out / "tables.csv").write_bytes(csv)
    if tick is not None:
        tick(len(printed), len(printed) + 1, "setting the PDF")
    attached = {"result.json": canonical(result) + b"\n", "tables.csv": csv}
    if key is not None:
        signature = signing.written(signing.sign(result, attached, key))
    file, pages = pdf.render(
        report,
        charts=out / "charts",
        result=attached["result.json"],
        tables=csv,
        signature=signature,
        when=stamps.moment(facts),
    )
    (out / "report.pdf").write_bytes(file)
    if tick is not None:
        tick(len(printed) + 1, len(printed) + 1, "report written")
    return {
        "hash": facts.hash,
        "pages": pages,
        "summary": summary(facts),
        "files": ["report.json", "report.pdf", "tables.csv"],
        "pdf_hash": hashlib.sha256(file).hexdigest(),
        "signature": None
        if key is None
        else signing.sign(result, {**attached, "report.pdf": file}, key),
    }


def drawn(
    made: tuple[blocks.Section, ...], drawings: Path, tick: Tick | None
) -> dict[str, list[str]]:
    """Draw every figure of these sections; the print files of each by its anchor."""
    figures = [
        (b, s.language)
        for s in made
        for b in blocks.walk(s.blocks)
        if isinstance(b, blocks.Figure)
    ]
    drawings.mkdir(parents=True, exist_ok=True)
    for old in drawings.glob("*.svg"):
        old.unlink()
    printed: dict[str, list[str]] = {}
    for done, (figure, spoken) in enumerate(figures):
        if tick is not None:
            tick(done, len(figures) + 1, f"drawing chart {done + 1} of {len(figures)}")
        with language.speaking(spoken if spoken else language.current()):
            printed[figure.anchor] = _draw(figure, drawings)
    return printed


def document(
    facts: Facts, made: tuple[blocks.Section, ...], printed: dict[str, list[str]]
) -> dict[str, Any]:
    """The report as JSON: what the page and the PDF are both rendered from."""
    when = stamps.moment(facts)
    report = {
        "schema": SCHEMA,
        "id": str(facts.run.get("id") or ""),
        "title": facts.title,
        "hash": facts.hash,
        "short_hash": f"{facts.hash[:4]} {facts.hash[4:8]} {facts.hash[8:12]}",
        "status": cover.status(facts),
        "date": stamps.run_date(facts),
        "moment": None if when is None else when.isoformat(),
        "verdict": facts.verdict,
        "simulated": bool(facts.about.get("simulated")),
        "prepared_by": str(facts.about.get("prepared_by") or ""),
        "language": language.current(),
        "version": str((facts.doc.get("environment") or {}).get("evenhand") or ""),
        "sections": [section_json(s, printed) for s in made],
    }
    shown: dict[str, Any] = coverage.through(report, coverage.safe)
    look = brand.of_run(facts.run)
    return shown if look is None else {**shown, "brand": coverage.through(look, coverage.safe)}


def section_json(section: blocks.Section, printed: dict[str, list[str]]) -> dict[str, Any]:
    """A section as the page and the PDF read it."""
    data: dict[str, Any] = blocks.to_json(section)
    with language.speaking(section.language if section.language else language.current()):
        _complete_figures(data["blocks"], printed)
    return data


def _complete_figures(items: list[dict[str, Any]], printed: dict[str, list[str]]) -> None:
    """Name the drawings of each figure, and say how to read it as the glossary does."""
    for item in items:
        if item["kind"] == "figure":
            item["print_charts"] = printed.get(item["anchor"], [])
            known = item["chart"] in glossary.CHARTS
            item["how"] = glossary.CHARTS[item["chart"]][1] if known else ""
        _complete_figures([*item.get("blocks", []), *item.get("parts", [])], printed)


def _draw(figure: blocks.Figure, folder: Path) -> list[str]:
    """Draw a figure for wide and narrow pages and for print; return the print files."""
    name = figure.anchor
    if not ANCHOR.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a file")
    if not 0 < len(figure.alt.strip()) <= LONGEST_ALT:
        raise ValueError(f"{name}: a figure needs 1 to {LONGEST_ALT} characters of alt text")
    for variant in ("wide", "narrow"):
        chart = coverage.through(figure.chart, coverage.safe)
        drawn = charts.draw(chart, variant)
        (folder / f"{name}.{variant}.svg").write_text(drawn, encoding="utf-8")
    if not figure.printed:
        return []
    chart = coverage.through({**figure.chart, **figure.print_chart}, coverage.printable)
    variant = "half" if figure.print_half else "print"
    files = []
    parts = [
        {**page, **({"across": part["across"]} if "across" in part else {})}
        for part in _halves(chart)
        for page in charts.pages(part, variant)
    ]
    for i, part in enumerate(parts):
        file = f"{name}.print.svg" if i == 0 else f"{name}.print-{i + 1}.svg"
        (folder / file).write_text(charts.draw(part, variant), encoding="utf-8")
        files.append(file)
    return files


def _halves(chart: dict[str, Any]) -> list[dict[str, Any]]:
    """Cut tall small multiples into rows of panels, so that print can break between them."""
    if "across" in chart:
        return [chart]
    if chart["kind"] == "calibration":
        return [{**chart, "series": part} for part in _threes(chart["series"])]
    panels = chart.get("panels", [])
    if len(panels) <= PRINT_PANELS or len(panels[0]["rows"]) <= PRINT_ROWS:
        return [chart]
    first = panels[0]["rows"]
    order = sorted(first, key=lambda r: (r["value"] is None, -(r["value"] or 0.0)))
    same = {**chart, "order": [r["label"] for r in order], "across": PRINT_PANELS}
    return [{**same, "panels": part} for part in _threes(panels)]


def _threes(items: list[Any]) -> list[list[Any]]:
    return [items[i : i + PRINT_PANELS] for i in range(0, len(items), PRINT_PANELS)]
