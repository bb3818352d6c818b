"""C9, the trade-off: every setting by its gap and its accuracy, beside what is attainable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditapp.reports.charts import placing
from auditapp.reports.charts.canvas import Canvas, Spec
from auditapp.reports.charts.config import (
    INK,
    INK2,
    INK3,
    REFERENCE,
    SERIES,
    SURFACE,
    UNKNOWN,
    Look,
    Series,
    Variant,
)
from auditapp.reports.charts.frontier_ground import (
    SIZES,
    Pair,
    Plot,
    Point,
    beyond,
    clipped,
    ground,
    limit_rule,
    plot_of,
    values,
)
from auditapp.reports.charts.layout import Scale
from auditapp.reports.charts.placing import Box, Obstacle, along, around, box_of
from auditapp.reports.charts.text import plain, wrap

_NAME = 12.5
_LETTER = 10.5
#: Settings from which on a picture is crowded.
_MANY = 24

SHAPES = ("circle", "square", "cross", "triangle-down", "triangle-left", "triangle-right")
#: Crossed bars.
OTHER_SHAPE = (
    "M-0.9,-0.55L-0.55,-0.9L0,-0.35L0.55,-0.9L0.9,-0.55L0.35,0L0.9,"
    "0.55L0.55,0.9L0,0.35L-0.55,0.9L-0.9,0.55L-0.35,0Z"
)
#: Methods with a colour and a shape of their own; the others share grey crossed bars.
MOST = len(SHAPES)
OTHERS = Series(UNKNOWN, INK3, (1, 0))


def look(index: int) -> tuple[str, Series]:
    """Shape and colours of the settings of one method."""
    return (SHAPES[index], SERIES[index]) if index < MOST else (OTHER_SHAPE, OTHERS)


def draw(chart: Mapping[str, Any], variant: Variant) -> Spec:
    """The specification of one picture of trade-offs."""
    plot = plot_of(chart, variant)
    canvas = Canvas(*SIZES[variant.name])
    bound = clipped(chart.get("bound") or [], plot)
    taken = beyond(canvas, chart, bound, plot)
    ground(canvas, chart, plot)
    if bound and not plot.far:
        canvas.line(bound, color=INK2, width=1.6, dash=(6, 4), sx=plot.x, sy=plot.y)
    yardstick = clipped(chart.get("yardstick") or [], plot)
    if len(yardstick) > 1:
        canvas.line(yardstick, color=INK3, width=1.2, dash=(2, 3), sx=plot.x, sy=plot.y)
    steps = _steps(chart.get("frontier") or [], plot)
    if steps:
        canvas.line(steps, color=INK2, width=2.0, sx=plot.x, sy=plot.y)
    taken += along([(plot.x.at(a), plot.y.at(b)) for a, b in steps], 2, 1.0)
    taken += limit_rule(canvas, chart, plot)
    _bars(canvas, chart, plot)
    _marks(canvas, chart, plot)
    taken += [o for p in values(chart) if plot.holds(p) for o in _solid(p, plot)]
    _names(canvas, chart, plot, taken)
    return canvas.spec()


def _inside(scale: Scale, value: float) -> float:
    return min(max(value, scale.low), scale.high)


def _cross(point: Point, color: str, plot: Plot) -> list[tuple[float, float, float, float, str]]:
    """The two bars of a setting, as far as they are known."""
    x, y = point["x"], point["value"]
    out = []
    if point.get("x_low") is not None:
        ends = [_inside(plot.x, point[k]) for k in ("x_low", "x_high")]
        out.append((ends[0], y, ends[1], y, color))
    if point.get("low") is not None:
        ends = [_inside(plot.y, point[k]) for k in ("low", "high")]
        out.append((x, ends[0], x, ends[1], color))
    return out


def _steps(frontier: Sequence[Sequence[float]], plot: Plot) -> list[Pair]:
    """A step after each setting: it promises nothing to its left."""
    out: list[Pair] = []
    for x, y in frontier:
        if out:
            out.append((float(x), out[-1][1]))
        out.append((float(x), float(y)))
    return [*out, (plot.x.high, out[-1][1])] if out else []


def _bars(canvas: Canvas, chart: Mapping[str, Any], plot: Plot) -> None:
    crowded = _crowded(chart)
    for leading in (False, True):
        rows = [
            bar
            for i, series in enumerate(chart["series"])
            for point in series["points"]
            if plot.holds(point) and _leads(point, crowded) is leading
            for bar in _cross(point, look(i)[1].line, plot)
        ]
        strength = (0.55 if crowded else 0.65) if leading else 0.16
        canvas.rules(rows, width=1.2 if crowded else 1.6, sx=plot.x, sy=plot.y,
                     opacity=strength)  # fmt: skip
    canvas.rules(_cross(chart["now"], INK, plot), width=1.8, sx=plot.x, sy=plot.y)


def _crowded(chart: Mapping[str, Any]) -> bool:
    return sum(len(s["points"]) for s in chart["series"]) > _MANY


def _leads(point: Point, crowded: bool) -> bool:
    """Whether the bars of a setting are drawn in full: in a crowd only where none beats it."""
    return not crowded or bool(point.get("front", True) or point.get("recommended"))


def _marks(canvas: Canvas, chart: Mapping[str, Any], plot: Plot) -> None:
    usual, best = [], []
    for i, series in enumerate(chart["series"]):
        shape, colours = look(i)
        for point in filter(plot.holds, series["points"]):
            place = (point["x"], point["value"])
            if point.get("recommended"):
                best.append((*place, Look("diamond", colours.line, colours.line)))
            elif point.get("hollow"):
                usual.append((*place, Look(shape, SURFACE, colours.line, edge=colours.line)))
            else:
                usual.append((*place, Look(shape, colours.line, colours.line)))
    crowded = len(usual) > _MANY
    small = (58.0 if plot.variant.wide else 46.0) if crowded else 74.0
    for hollow in (True, False):
        some = [row for row in usual if (row[2].edge != "transparent") is hollow]
        canvas.points(some, size=small, sx=plot.x, sy=plot.y, halo=1.2)
    canvas.points(best, size=185, sx=plot.x, sy=plot.y, halo=1.4)
    now = (chart["now"]["x"], chart["now"]["value"])
    ring = Look("circle", SURFACE, REFERENCE, edge=REFERENCE, size=3.0)
    canvas.points([(*now, ring)], size=70, sx=plot.x, sy=plot.y)
    canvas.points([(*now, Look("circle", REFERENCE, REFERENCE))], size=62, sx=plot.x, sy=plot.y,
                  halo=0.5)  # fmt: skip


def _solid(point: Point, plot: Plot) -> list[Obstacle]:
    at = (plot.x.at(point["x"]), plot.y.at(point["value"]))
    bars = [
        Obstacle(Box(plot.x.at(a) - 1, plot.y.at(d) - 1, plot.x.at(c) + 1, plot.y.at(b) + 1), 0.6)
        for a, b, c, d, _ in _cross(point, INK, plot)
    ]
    return [around(at, 7 if not point.get("recommended") else 9), *bars]


def _names(canvas: Canvas, chart: Mapping[str, Any], plot: Plot, taken: list[Obstacle]) -> None:
    """Names beside their marks; phones have those of the methods in the legend only."""
    printed = plot.variant.name == "print"

    def at(point: Point) -> Pair:
        return plot.x.at(point["x"]), plot.y.at(point["value"])

    wanted = [(plain(chart["now"].get("label") or "Now"), [at(chart["now"])], INK, 17.0)]
    for i, series in enumerate(chart["series"]):
        best = [at(p) for p in series["points"] if p.get("recommended")]
        if best:
            wanted.append(("Recommended", best, look(i)[1].text, 13.0))
    if plot.variant.wide:
        for i, series in enumerate(chart["series"]):
            inside = [p for p in series["points"] if plot.holds(p)]
            marks = sorted(at(p) for p in inside if not p.get("recommended"))
            # A method whose only setting is the recommended one is named beside it.
            marks = marks or [at(p) for p in inside]
            name = wrap(plain(series["label"], printed=printed), 230, _NAME, weight=600)[0]
            wanted.append((name, marks[::-1], look(i)[1].text, 11.0))
    room = Box(plot.x.start + 2, plot.y.end + 2, plot.x.end + 10, plot.y.start - 4)
    rows = []
    for text, marks, colour, reach in wanted:
        found = placing.place(text, marks, taken, room, size=_NAME, reach=reach)
        if found is not None:
            rows.append((found.x, found.y, text, colour))
            taken.append(box_of(found, _NAME))
    _letters(canvas, chart, plot, taken, room)
    canvas.texts(rows, size=_NAME, weight=600, halo=True)


def _letters(
    canvas: Canvas, chart: Mapping[str, Any], plot: Plot, taken: list[Obstacle], room: Box
) -> None:
    """The letter of its form beside every mark that has one, where there is a place for it.

    Every form has its letter once before any has it twice.
    """
    wanted: dict[tuple[str, str], list[tuple[bool, Pair]]] = {}
    for i, series in enumerate(chart["series"]):
        for point in filter(plot.holds, series["points"]):
            if point.get("letter"):
                rank = not (point.get("recommended") or point.get("front"))
                at = (plot.x.at(point["x"]), plot.y.at(point["value"]))
                key = plain(point["letter"]), look(i)[1].text
                wanted.setdefault(key, []).append((rank, at))
    rows = []

    def put(text: str, colour: str, marks: Sequence[Pair], near: bool) -> bool:
        found = placing.place(text, marks, taken, room, size=_LETTER, reach=8.5, near=near)
        if found is None:
            return False
        rows.append((found.x, found.y, text, colour))
        taken.append(box_of(found, _LETTER - 4))
        return True

    once: dict[str, Pair | None] = {}
    for (text, colour), places in wanted.items():
        marks = [at for _, at in sorted(places)]
        once[text] = next((at for at in marks if put(text, colour, [at], True)), None)
        if once[text] is None:
            put(text, colour, marks, False)
    for (text, colour), places in wanted.items():
        for _, at in sorted(places):
            if at != once[text]:
                put(text, colour, [at], True)
    canvas.texts(rows, size=_LETTER, weight=600, halo=True)
