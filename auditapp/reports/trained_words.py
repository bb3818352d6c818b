"""What the chapter on trade-offs says of remedies that train networks, and of plain thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from auditapp.reports import (
    phrases,
    trained_facts,
    trained_figures,
    trained_local,
    trained_search,
    trained_settings,
)
from auditapp.reports.blocks import Block, Cell, Column, Part, Prose, Rich, Table, bold, rich
from auditapp.reports.facts import Facts
from auditapp.reports.numbers import count, listing, percent, plural, points, size, span
from auditapp.reports.tables import share
from auditapp.reports.tradeoff_facts import Setting, Tradeoff, beats, chosen_by, value
from auditapp.reports.tradeoff_words import accuracy_change

Row = dict[str, Any]

THRESHOLDS = "thresholds"
PRINTED_SEEDS = 4
MOST_SEEDS = 16
MOST_NAMED = 5
DEVICES = {"cpu": "the CPU", "gpu": "a GPU"}
PRECISIONS = {
    "float32": "32-bit floats",
    "bfloat16": "16-bit brain floats",
    "float64": "64-bit floats",
}


def parts(t: Tradeoff) -> list[Block]:
    """One part for every method that trained networks."""
    out: list[Block] = []
    for method in t.methods:
        if method["status"] != "ok" or not trained_facts.is_trained(method):
            continue
        inner = [
            *trained_search.blocks(method),
            *_local(t, method),
            *trained_local.blocks(t, method),
            *trained_settings.blocks(t, method),
            *_seeds(t, method),
        ]
        line = training_line(method)
        if line:
            inner.append(Prose(rich(line), "note"))
        if inner:
            name = phrases.short(str(method["title"]))
            out.append(Part(f"trained-{phrases.slug(str(method['slug']))}", name, tuple(inner)))
    return out


def _local(t: Tradeoff, method: Row) -> list[Block]:
    """The picture of local gaps and what it says."""
    drawn, text = trained_figures.local(t, method), trained_figures.reading(t, method)
    out: list[Block] = [] if drawn is None else [drawn]
    return [*out, Prose(text)] if text else out


def training_line(method: Row) -> str:
    """Device, precision, and how many networks were trained."""
    found = trained_facts.training(method)
    if found is None:
        return ""
    device = DEVICES.get(found.device.lower(), found.device)
    precision = PRECISIONS.get(found.precision, found.precision)
    many = "" if found.trainings is None else f"{plural(found.trainings, 'training')} "
    text = f"{many}on {device} with {precision}"
    text = text[:1].upper() + text[1:]
    if found.seconds is not None:
        text += f", {_time(found.seconds)} in all"
    if found.device.lower() == "cpu":
        text += ". The same seed gives the same networks, bit by bit"
    if found.agree is not None:
        text += ". Between CPU and GPU a score may differ by "
        text += f"{found.agree:g} after the same training"
    return f"{text}."


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _seeds(t: Tradeoff, method: Row) -> list[Block]:
    """Mean, SD and worst of the trainings of every setting, the best settings first."""
    settings = trained_facts.with_seeds(t, method)
    if not settings:
        return []
    first = {s.key for s in t.shortlist()}
    settings = sorted(settings, key=lambda s: (s.key not in first, not s.point["pareto"]))
    columns = [
        Column("Setting", "start", 3.0),
        Column("Seeds", share=0.6),
        Column("Accuracy, mean", share=1.2),
        Column("Worst seed"),
        Column("Largest gap, mean", share=1.2),
        Column("Worst seed"),
    ]
    rows = [_seed_row(s) for s in settings[:MOST_SEEDS]]
    more = len(rows) - PRINTED_SEEDS
    cut: Row = {}
    if more > 0:
        said = f"{plural(more, 'further setting')} on the page."
        cut = {"print_rows": PRINTED_SEEDS, "print_more": said}
    picked = any(trained_facts.selected_checkpoint(s.point) for s in settings)
    foot = "What other seeds bring, on held-out rows: mean and standard deviation over "
    foot += "trainings, and the worst of them. Gaps in points."
    if len(settings) > MOST_SEEDS:
        foot += f" {MOST_SEEDS} of {plural(len(settings), 'setting')}; all are in result.json."
    if picked:
        foot += " Selected checkpoint: one training picked on validation rows; its own numbers "
        foot += "are in the table of settings, the mean is what to expect."
    made = Table(
        title="The same settings with other seeds",
        anchor=f"{phrases.slug(str(method['slug']))}-seeds",
        columns=share(columns),
        rows=tuple(rows),
        foot=(foot,),
        dense=True,
        stacked=True,
        **cut,
    )
    return [made]


def _seed_row(setting: Setting) -> tuple[Cell, ...]:
    seeds = setting.point["seeds"]
    right, gap = seeds.get("accuracy") or {}, seeds.get("disparity") or {}
    name = str(setting.point["label"])
    note = "selected checkpoint" if trained_facts.selected_checkpoint(setting.point) else ""

    def spread(found: Row, of: Any) -> Cell:
        if found.get("mean") is None:
            return Cell("not computed", soft=True)
        sd = found.get("sd")
        return Cell(of(found["mean"]), "" if sd is None else f"SD {size(sd, 1)}", strong=True)

    def worst(found: Row, of: Any) -> Cell:
        return Cell("") if found.get("worst") is None else Cell(of(found["worst"]))

    def share_of(x: float) -> str:
        return percent(x, 1)

    def points_of(x: float) -> str:
        return size(x, 1)

    return (
        Cell(phrases.short(name), note),
        Cell(count(seeds["n"])),
        spread(right, share_of),
        worst(right, share_of),
        spread(gap, points_of),
        worst(gap, points_of),
    )


def terms(facts: Facts) -> list[tuple[str, str]]:
    """Words of the glossary that only remedies that train networks use."""
    found = [m for m in facts.doc.get("methods") or () if m["status"] == "ok"]
    tables = {name for m in found for name in m.get("tables") or ()}
    out = []
    if any(trained_facts.is_trained(m) for m in found):
        out.append(
            ("Seed, worst seed", "Networks begin at random. The same setting with another seed "
             "is another network; the worst is what bad luck brings."),
        )  # fmt: skip
    if tables & {"local-null", "local-gaps"}:
        out += [
            ("Local gap", "A difference between groups inside one part of the people. Local gaps "
             "can cancel, so that the whole shows none."),
            ("Worst gap by chance", "The widest local gap when groups are dealt anew inside every "
             "part. A worst gap below its 95% point says nothing."),
        ]  # fmt: skip
    if "weight-went" in tables:
        out.append(
            ("Share of weight", "How much of its attention a remedy spends on a part, beside the "
             "share of people in it."),
        )  # fmt: skip
    if "arms" in tables:
        out += [
            ("Fine-tuning", "Training on of a network that was trained before; parts that are "
             "not tuned stay as they were."),
            ("Selected checkpoint", "One network kept out of several trainings. It may be lucky: "
             "the mean over fresh seeds is what to expect."),
            ("Levelling down", "A gap that shrinks because every group is decided worse."),
        ]  # fmt: skip
    return out


@dataclass(frozen=True)
class Duel:
    """A setting of another remedy beside the thresholds with at most its gap."""

    other: Setting
    thresholds: Setting

    @property
    def ahead(self) -> float:
        """Accuracy of the thresholds less that of the other, as measured."""
        return (value(self.thresholds.point, "accuracy") or 0.0) - (
            value(self.other.point, "accuracy") or 0.0
        )

    @property
    def apart(self) -> int:
        """1 where thresholds are more accurate and the intervals do not meet, -1 the other way.

        Intervals of the change against now: it is paired, so what all settings share drops out.
        """
        ours, theirs = accuracy_change(self.thresholds), accuracy_change(self.other)
        if ours is None or theirs is None or ours["low"] is None or theirs["low"] is None:
            return 0
        return 1 if ours["low"] > theirs["high"] else -1 if theirs["low"] > ours["high"] else 0


def duels(t: Tradeoff) -> dict[str, list[Duel]]:
    """The best settings of every other remedy, each beside thresholds picked for its gap.

    Both sides are picked by validation numbers, so that neither is lucky on the rows they are
    compared on.
    """
    usable = [
        s for s in t.settings
        if s.decides_all and s.drawn and s.point["status"] != "collapsed"
        and chosen_by(s.point, "disparity") is not None
        and chosen_by(s.point, "accuracy") is not None
    ]  # fmt: skip
    ours = [s for s in usable if s.key[0] == THRESHOLDS]
    out: dict[str, list[Duel]] = {}
    for slug in dict.fromkeys(s.key[0] for s in usable if s.key[0] != THRESHOLDS):
        own = [s for s in usable if s.key[0] == slug]
        for setting in own:
            if any(beats(other, setting) for other in own):
                continue
            most = chosen_by(setting.point, "disparity") or 0.0
            able = [s for s in ours if (chosen_by(s.point, "disparity") or 0.0) <= most + 1e-12]
            if able:
                best = max(able, key=lambda s: chosen_by(s.point, "accuracy") or 0.0)
                out.setdefault(slug, []).append(Duel(setting, best))
    return out


def against_thresholds(t: Tradeoff) -> Rich:
    """Where plain thresholds win, where they do not, and where neither is shown."""
    found = duels(t)
    if not found:
        return ()
    titles = {s.key[0]: s.title for s in t.settings}
    lists: dict[str, list[str]] = {"all": [], "some": [], "none": [], "lose": []}
    for slug, rows in found.items():
        ahead = sum(d.apart > 0 for d in rows)
        behind = sum(d.apart < 0 for d in rows)
        name = phrases.lower_first(phrases.short(titles[slug]))
        kind = "lose" if behind else "all" if ahead == len(rows) else "some" if ahead else "none"
        lists[kind].append(name)
    text = []
    if lists["all"]:
        text.append(f"win against {listing(lists['all'], MOST_NAMED)} at every gap reached")
    if lists["some"]:
        text.append(f"win against {listing(lists['some'], MOST_NAMED)} at some gaps")
    if lists["none"]:
        names = listing(lists["none"], MOST_NAMED)
        text.append(f"are as accurate as {names} within the intervals")
    if lists["lose"]:
        names = listing(lists["lose"], MOST_NAMED)
        text.append(f"are less accurate than {names} at some gap")
    lead = (
        bold("Thresholds alone ")
        if not (lists["all"] or lists["some"])
        else bold("Where thresholds win. ")
    )
    start = "Thresholds alone " if lists["all"] or lists["some"] else ""
    sentence = rich(lead, start + "; ".join(text) + ".")
    return (*sentence, *rich(_example(found)), *rich(_but(t)))


def _example(found: dict[str, list[Duel]]) -> str:
    """The clearest comparison in numbers, where one is clear."""
    shown = [d for rows in found.values() for d in rows if d.apart]
    if not shown:
        return ""
    first = max(shown, key=lambda d: abs(d.ahead))

    def said(s: Setting) -> str:
        move = accuracy_change(s) or {}
        gap = size(value(s.point, "disparity") or 0.0, 1)
        between = span(move["low"], move["high"])
        return f"{points(move['diff'])} ({between}) at a gap of {gap} points"

    name = phrases.lower_first(first.other.name)
    return (
        f" For example, thresholds change accuracy by {said(first.thresholds)}, {name} by "
        f"{said(first.other)} (95%, against now)."
    )


def _but(t: Tradeoff) -> str:
    """What thresholds need, and what they leave alone."""
    uses = any(s.point.get("uses_group") for s in t.settings if s.key[0] == THRESHOLDS)
    text = " Each is picked on validation rows for the gap it has there, and measured here."
    if uses:
        text += f" Thresholds use the {t.protect} of a person when deciding, which the law may "
        text += "forbid."
    return text
