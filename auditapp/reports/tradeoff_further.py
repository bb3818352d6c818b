"""Charts C12 and C8 of a report: sending people to a person, and what a repair would move."""

from __future__ import annotations

from typing import Any

from auditapp.reports import phrases
from auditapp.reports.blocks import Cell, Column, Figure, Legend, Table
from auditapp.reports.captions import clip
from auditapp.reports.charts.abstention import MOST
from auditapp.reports.numbers import percent, percent_span, plural, points, upper_first
from auditapp.reports.tables import share
from auditapp.reports.tradeoff_facts import Setting, Tradeoff, harm, of_group
from auditapp.reports.tradeoff_words import short_share

Row = dict[str, Any]

PROFILE = frozenset({"column", "level", "now", "target"})
MOVES = 12
PRINTED_MOVES = 6
TOLD = 5
#: A move that is not worth a title.
LITTLE = 0.005
TABLE_ROWS = 60


def abstaining(t: Tradeoff) -> list[tuple[str, list[Setting]]]:
    """Methods that send people to a person, the one to look at first."""
    first = None if t.human is None else t.human.key[0]
    slugs = dict.fromkeys(s.key[0] for s in t.abstaining)
    order = sorted(slugs, key=lambda slug: slug != first)
    return [
        (slug, sorted((s for s in t.abstaining if s.key[0] == slug), key=lambda s: s.to_person))
        for slug in order
    ]


def _kept(setting: Setting) -> bool:
    """Whether no group is shown to lose, and the wish was met."""
    rows = harm(setting.point)
    return setting.point["status"] == "ok" and bool(rows) and all(r["shown"] for r in rows)


def _edge(t: Tradeoff, settings: list[Setting]) -> float | None:
    """Shares at which the limit cannot be kept.

    What the method proved where it did, else the shares of settings whose wishes could not be
    met, below every setting that met them.
    """
    region = (settings[0].method.get("tables") or {}).get("region") or {}
    if list(region.get("columns") or [])[:2] == ["gap", "share"]:
        proved = [row[1] for row in region["rows"] if row[0] <= t.tolerance + 1e-12]
        if proved and proved[-1] is not None:
            return float(proved[-1]) or None
    met = min((s.to_person for s in settings if s.point["status"] == "ok"), default=2.0)
    missed = [s.to_person for s in settings if s.point["status"] == "relaxed"]
    missed = [share for share in missed if share < met]
    return max(missed, default=None)


def _reference_first(t: Tradeoff) -> list[str]:
    reference = t.doc.get("reference")
    return sorted(t.groups, key=lambda g: g != reference)


def _series(t: Tradeoff, settings: list[Setting]) -> list[Row]:
    out = []
    for group in _reference_first(t):
        now = of_group(t.baseline.get("rates"), group, "accuracy")
        points_of = []
        for setting in settings:
            found = of_group(setting.point.get("rates"), group, "accuracy")
            if found is None or found["value"] is None:
                continue
            unsure = any(r["group"] == group and not r["shown"] for r in harm(setting.point))
            points_of.append(
                {
                    "x": setting.to_person, "value": found["value"], "low": found["low"],
                    "high": found["high"], "hollow": unsure,
                }
            )  # fmt: skip
        if points_of:
            out.append(
                {
                    "label": phrases.short(group), "reference": group == t.doc.get("reference"),
                    "now": None if now is None else now["value"], "points": points_of,
                }
            )  # fmt: skip
    return out


def abstention(t: Tradeoff, slug: str, settings: list[Setting], *, half: bool) -> Figure | None:
    """C12: accuracy of those still decided, by the share sent to a person."""
    series = _series(t, settings)
    if not series:
        return None
    kept = next((s for s in settings if _kept(s)), None)
    title = "No share tried is shown to keep every group's accuracy"
    alt = "No setting is shown to keep the accuracy of every group."
    if kept is not None:
        low = short_share(kept.to_person)
        title = f"With {low} sent to a person, every group keeps its accuracy"
        alt = f"The smallest share that keeps every group's accuracy is {low}."
    best = t.human if t.human is not None and t.human.key[0] == slug else None
    edge = _edge(t, settings)
    if edge is not None:
        alt += f" Up to {short_share(edge)} the limits cannot all be met."
    ends = [
        f"{s['label']} {percent(s['points'][0]['value'])} to {percent(s['points'][-1]['value'])}"
        for s in series[:MOST]
    ]
    capped = ""
    if len(series) > MOST:
        capped = f" {MOST} of {len(series)} groups are drawn; the table has all."
    return Figure(
        anchor=f"abstention-{phrases.slug(slug)}",
        title=title,
        subtitle=f"{settings[0].title}. Accuracy of those still decided, with 95% intervals, each "
        "on its own. Dashes: accuracy of the group now, below which it would be harmed. Hollow: "
        f"harm is not ruled out.{capped}",
        print_subtitle=f"{settings[0].title}: accuracy of those still decided, 95% each. Dashes: "
        "now. Hollow: harm not ruled out.",
        alt=clip(f"{alt} {'; '.join(ends)}."),
        table=_abstention_table(t, settings),
        chart={
            "kind": "abstention",
            "series": series,
            "infeasible": edge,
            "infeasible_label": "Limits cannot all be met",
            "recommended": None if best is None else best.to_person,
        },
        legend=(
            Legend("line-level", "No-harm level: the group's accuracy now"),
            *((Legend("zone", "Limits cannot all be met"),) if edge is not None else ()),
        ),
        print_half=half,
    )


def _abstention_table(t: Tradeoff, settings: list[Setting]) -> Table:
    groups = _reference_first(t)
    columns = [Column("Setting", "start", 2.2), Column("To a person", share=0.9)]
    columns += [Column(f"{phrases.short(g)}, accuracy", share=1.3) for g in groups]
    now = [_share(of_group(t.baseline.get("rates"), g, "accuracy")) for g in groups]
    rows = [(Cell("Now"), Cell("0"), *now)]
    for setting in settings:
        cells = [_share(of_group(setting.point.get("rates"), g, "accuracy")) for g in groups]
        name = str(setting.point["label"])
        rows.append((Cell(name), Cell(short_share(setting.to_person)), *cells))
    return Table(columns=share(columns), rows=tuple(rows), stacked=True, dense=True)


def _share(found: Row | None) -> Cell:
    if found is None or found["value"] is None:
        return Cell("not computed", soft=True)
    return Cell(percent(found["value"], 1), percent_span(found["low"], found["high"]))


def profiles(t: Tradeoff) -> list[Figure]:
    """C8: one picture for each profile that a method stored."""
    out: list[Figure] = []
    for method in t.methods:
        for name, table in (method.get("tables") or {}).items():
            if not name.startswith("profile") or not set(table["columns"]) >= PROFILE:
                continue
            for group, rows in _by_group(t, table).items():
                if rows:
                    out.append(_profile(method, group, rows, table, nth=len(out)))
    return out


def _by_group(t: Tradeoff, table: Row) -> dict[str, list[Row]]:
    out: dict[str, list[Row]] = {}
    for values in table["rows"]:
        row = dict(zip(table["columns"], values, strict=True))
        if row["now"] is None or row["target"] is None:
            continue
        group = str(row.get("group", ""))
        title = t.facts.titles.get(str(row["column"]), str(row["column"]))
        row["label"] = f"{phrases.short(title)}: {phrases.short(str(row['level']))}"
        out.setdefault(group, []).append(row)
    for rows in out.values():
        rows.sort(key=lambda r: (-abs(r["target"] - r["now"]), r["label"]))
    return out


def _profile(method: Row, group: str, rows: list[Row], table: Row, *, nth: int) -> Figure:
    top = rows[0]
    way = "more" if top["target"] > top["now"] else "fewer"
    whose = f" of {phrases.short(group)}" if group else ""
    told = "; ".join(f"{r['label']} {points(r['target'] - r['now'])}" for r in rows[:TOLD])
    known = any(r.get("reference") is not None for r in rows)
    title = (
        f"The repair{whose} moves most in {top['label']}: {way} people by "
        f"{points(abs(top['target'] - top['now'])).lstrip('+')} points"
    )
    if abs(top["target"] - top["now"]) < LITTLE:
        title = f"The repair{whose} hardly moves anything"
    return Figure(
        anchor=f"profile-{phrases.slug(str(method['slug']))}-{nth + 1}",
        title=title,
        subtitle=_profile_subtitle(table, len(rows), MOVES, known=known),
        print_subtitle=_profile_subtitle(table, len(rows), PRINTED_MOVES, known=known),
        alt=clip(f"Largest moves, in points: {told}."),
        table=_profile_table(rows),
        chart={"kind": "move-profile", "rows": _drawn(rows[:MOVES])},
        print_chart={"rows": _drawn(rows[:PRINTED_MOVES])},
        legend=(
            Legend("now-dot", "Now"),
            Legend("dot", "As the repair wants it"),
            *((Legend("diamond", "Reference group"),) if known else ()),
        ),
        printed=nth == 0,
    )  # fmt: skip


def _profile_subtitle(table: Row, n: int, most: int, *, known: bool) -> str:
    said = upper_first(str(table.get("caption") or "").strip())
    bits = [said] if said else []
    bits.append(
        "Share of people with each value: now, and as the repair wants it, without intervals."
    )
    if known:
        bits.append("Diamond: the reference group.")
    if n > most:
        bits.append(f"The {most} largest of {plural(n, 'move')}; the table has more.")
    return " ".join(bits)


def _drawn(rows: list[Row]) -> list[Row]:
    return [{k: r.get(k) for k in ("label", "now", "target", "reference")} for r in rows]


def _profile_table(rows: list[Row]) -> Table:
    columns = [Column("Column and value", "start", 3.0), Column("Now"), Column("Wanted")]
    columns += [Column("Move, points"), Column("Reference group")]
    body = [
        (
            Cell(r["label"]),
            Cell(percent(r["now"], 1)),
            Cell(percent(r["target"], 1)),
            Cell(points(r["target"] - r["now"])),
            Cell("" if r.get("reference") is None else percent(r["reference"], 1)),
        )
        for r in rows[:TABLE_ROWS]
    ]
    return Table(columns=share(columns), rows=tuple(body), dense=True)
