"""What local fairness shows beside its points: settings, columns, and where the weight went."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mitigations.contract import Context, Problem, Table
from mitigations.road import attended, select

if TYPE_CHECKING:
    from mitigations.road.finish import Setting
    from mitigations.road.method import Road
    from mitigations.road.prepare import Prepared

PUBLISHED = (
    "ROAD and BROAD as published fit their adversary without the weights, so that it cannot see "
    "gaps that cancel in the whole; they are here to reproduce the paper."
)


def training(context: Context, method: Road, trainings: int) -> Table:
    """Where, and how many networks."""
    columns = ("device", "precision", "trainings")
    row = (context.device, method.precision, trainings)
    return Table(columns, (row,), "Networks of all settings and seeds.", "train")


def settings(
    found: Sequence[Setting],
    offered: Sequence[Setting],
    front: Sequence[bool],
    place: int | None,
    plain: Setting,
) -> Table:
    """Every setting on the validation rows, means over seeds."""
    columns = (
        "point", "form", "lambda", "tau", "seeds", "accuracy", "accuracy_sd", "auc", "score_sd",
        "gap", "rank_gap", "rank_gap_sd", "collapsed", "failed", "offered", "front", "new_gap",
        "selected",
    )  # fmt: skip
    rows: list[tuple[object, ...]] = []
    for setting in found:
        summary, one = setting.summary, setting.asked
        at = next((i for i, other in enumerate(offered) if other is setting), None)
        facts: tuple[object, ...] = (None,) * 7
        if summary.networks:
            facts = (
                summary.mean("accuracy"), summary.spread("accuracy"), summary.mean("auc"),
                summary.mean("sd"), summary.mean("gap"), _known(summary.mean("rank")),
                _known(summary.spread("rank")),
            )  # fmt: skip
        rows.append(
            (
                one.id, one.form, one.lam, one.tau, len(summary.networks), *facts,
                summary.collapsed, summary.failed, at is not None,
                at is not None and front[at],
                bool(summary.networks) and select.new_gap(summary, plain.summary),
                at is not None and at == place,
            )
        )  # fmt: skip
    caption = (
        "Means over seeds on the validation rows, at the same share of favourable decisions. "
        "Rank gap: widest difference between two groups in mean rank inside a part, which needs "
        "no cut. Front: no other setting is better in accuracy, gap in the whole and rank gap."
    )
    return Table(columns, tuple(rows), caption, "valid")


def _known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def descriptors(data: Prepared) -> Table:
    """Columns, how well each tells the group, and why it is not used."""
    caption = (
        f"Together the columns that are used tell the group with an AUC of "
        f"{data.described.auc:.2f}."
    )
    return Table(("column", "auc", "used", "why"), data.described.table, caption, "train")


def weight_went(
    data: Prepared, problem: Problem, plain: Setting, watched: Sequence[Setting]
) -> Table | None:
    """Parts that the watched explicit setting presses on hardest, before and after."""
    best = next((s for s in watched if s.asked.form == "explicit"), None)
    if best is None or best.asked.tau is None:
        return None
    encoded = data.encoder.transform(data.part.x)
    before, weight = attended.estimated(data.rows, plain.rules[0].encoded(encoded), best.asked.tau)
    after, _ = attended.estimated(data.rows, best.rules[0].encoded(encoded), best.asked.tau)
    if not before:
        return None
    columns = [data.regions.column(problem, data.part, name) for name in data.described.used]
    names = data.group_names(problem)
    rows: list[tuple[object, ...]] = []
    for part in attended.parts(columns, weight):
        own = weight[part.rows] / max(float(weight[part.rows].sum()), 1e-12)
        inside = {code: float(own @ gaps[part.rows]) for code, gaps in before.items()}
        code = min(inside, key=lambda c: inside[c])
        group = names[code] if len(names) > 2 or inside[code] <= 0.0 else names[1 - code]
        then = float(own @ after[code][part.rows]) * (1.0 if inside[code] >= 0.0 else -1.0)
        rows.append((part.region, part.share, part.weight, abs(inside[code]), group, then))
    caption = (
        f"Weight that “{best.asked.label}” gives the gaps of the network without a penalty, and "
        "the estimated gap of decisions between this group and the others before and after, "
        "on average by weight, first network of each."
    )
    columns_of = ("region", "share", "weight", "gap", "group", "gap_after")
    return Table(columns_of, tuple(rows), caption, "train")


def notes(
    found: Sequence[Setting],
    offered: Sequence[Setting],
    place: int | None,
    plain: Setting,
    data: Prepared,
) -> list[str]:
    """Remarks on what is not offered, what was selected, and what costs something new."""
    out = []
    dropped = [s for s in found if s.summary.collapsed]
    if dropped:
        many = sum(s.summary.collapsed for s in dropped)
        out.append(
            f"{many} {'network' if many == 1 else 'networks'} gave everybody nearly the same "
            "score or could hardly tell outcomes apart, and "
            f"{_are(len(dropped), 'setting')} not offered: {_listed(dropped)}."
        )
    failed = [s for s in found if s.summary.failed]
    if failed:
        out.append(
            f"Training ended in numbers that are not finite, and "
            f"{_are(len(failed), 'setting')} not offered: {_listed(failed)}."
        )
    fresh = [s for s in offered if select.new_gap(s.summary, plain.summary)]
    if fresh:
        out.append(
            f"The gap in the whole grew by more than {100 * select.NEW_GAP:g} points on the "
            f"validation rows under {_listed(fresh)}."
        )
    out.append(_selected(offered, place, plain))
    if any(s.asked.form in ("road", "broad") for s in found):
        out.append(PUBLISHED)
    return out


def _selected(offered: Sequence[Setting], place: int | None, plain: Setting) -> str:
    cost = f"{100 * select.COST:g} point of accuracy"
    if place is None:
        return (
            f"By the validation rows no setting lowers the widest rank gap inside a part by more "
            f"than its seeds differ, at a cost of at most {cost}."
        )
    best = offered[place]
    before, after = plain.summary.mean("rank"), best.summary.mean("rank")
    return (
        f"By the validation rows the least rank gap at a cost of at most {cost} is that of "
        f"“{best.asked.label}”: {after:.3f} against {before:.3f} without a penalty."
    )


def _are(many: int, what: str) -> str:
    return f"{many} {what} {'is' if many == 1 else 's are'}".replace(f"{what} s", f"{what}s")


def _listed(found: Sequence[Setting], most: int = 4) -> str:
    names = [s.asked.label for s in found[:most]]
    if len(found) > most:
        names.append(f"{len(found) - most} more")
    return "; ".join(names)
