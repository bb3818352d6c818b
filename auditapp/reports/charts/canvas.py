"""A chart under construction: layers of marks that become one Vega-Lite specification.

Values become pixels here, so that one view can hold several panels and labels can be moved
apart. Fields are called f0, f1, ...: no name or text from a user's table is ever part of a
specification's structure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from auditapp.reports.charts.config import INK, SPEC, SURFACE, Look
from auditapp.reports.charts.layout import Scale

Spec = dict[str, Any]

# Half the height of capitals in the chart face, in em.
_CENTRE = 0.36


def _place(field: str) -> Spec:
    return {"field": field, "type": "quantitative", "scale": None, "axis": None}


def _drawn(item: Any, scale: Scale | None) -> Any:
    """Values become pixels; pixels lose the digits nobody sees."""
    if scale is not None:
        item = scale.at(item)
    return round(item, 2) if isinstance(item, float) else item


def _raw(field: str) -> Spec:
    return {"field": field, "type": "nominal", "scale": None}


class Canvas:
    """Collects layers; positions are values of the given scales, or pixels without them."""

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height
        self._layers: list[Spec] = []

    def _add(
        self,
        mark: Spec,
        rows: Iterable[Sequence[Any]],
        fields: Sequence[str],
        sx: Scale | None = None,
        sy: Scale | None = None,
    ) -> None:
        places = {"x": sx, "x2": sx, "y": sy, "y2": sy}
        scales = [places.get(name) for name in fields]
        drawn = (map(_drawn, row, scales) for row in rows)
        values = [{f"f{i}": item for i, item in enumerate(row)} for row in drawn]
        if not values:
            return
        encoding: Spec = {}
        for i, name in enumerate(fields):
            if name in ("x", "y"):
                encoding[name] = _place(f"f{i}")
            elif name in ("x2", "y2"):
                encoding[name] = {"field": f"f{i}"}
            elif name == "order":
                encoding[name] = {"field": f"f{i}", "type": "quantitative"}
            elif name == "size":
                encoding[name] = {"field": f"f{i}", "type": "quantitative", "scale": None}
            else:
                encoding[name] = _raw(f"f{i}")
        self._layers.append({"data": {"values": values}, "mark": mark, "encoding": encoding})

    def rects(
        self,
        rows: Iterable[tuple[float, float, float, float, str]],
        *,
        sx: Scale | None = None,
        sy: Scale | None = None,
        **style: Any,
    ) -> None:
        """Rectangles from (x, y) to (x2, y2) with a fill."""
        mark = {"type": "rect", "stroke": None, **style}
        self._add(mark, rows, ("x", "y", "x2", "y2", "fill"), sx, sy)

    def rules(
        self,
        rows: Iterable[tuple[float, float, float, float, str]],
        *,
        width: float,
        sx: Scale | None = None,
        sy: Scale | None = None,
        **style: Any,
    ) -> None:
        """Lines from (x, y) to (x2, y2) with a colour."""
        mark = {"type": "rule", "strokeWidth": width, "strokeCap": "butt", **style}
        self._add(mark, rows, ("x", "y", "x2", "y2", "stroke"), sx, sy)

    def texts(
        self,
        rows: Iterable[tuple[float, float, str] | tuple[float, float, str, str]],
        *,
        size: float,
        weight: int = 400,
        align: str = "left",
        color: str = INK,
        halo: bool = False,
    ) -> None:
        """Text at (x, y), its capitals vertically centred there."""
        full = [
            (row[0], row[1] + _CENTRE * size, row[2], row[3] if len(row) == 4 else color)
            for row in rows
        ]
        mark = {"type": "text", "fontSize": size, "fontWeight": weight, "align": align}
        mark |= {"baseline": "alphabetic"}
        if halo:
            mark |= {"stroke": SURFACE, "strokeWidth": 3.5, "strokeJoin": "round"}
        self._add(mark, full, ("x", "y", "text", "fill"))

    def points(
        self,
        rows: Iterable[tuple[float, float, Look]],
        *,
        size: float,
        sx: Scale | None = None,
        sy: Scale | None = None,
        halo: float = 1.5,
    ) -> None:
        """Shapes with a rim in the colour of the surface, so that crossing lines stay apart."""
        looks = list(rows)
        fields = ("x", "y", "shape", "size", "fill", "stroke")
        behind = [(x, y, k.shape, size * k.size, SURFACE, SURFACE) for x, y, k in looks]
        front = [(x, y, k.shape, size * k.size, k.fill, k.edge) for x, y, k in looks]
        mark = {"type": "point", "opacity": 1, "strokeJoin": "miter"}
        edged = any(k.edge != "transparent" for _, _, k in looks)
        self._add(mark | {"strokeWidth": 2 * halo}, behind, fields, sx, sy)
        if edged:
            self._add(mark | {"strokeWidth": 1.4}, front, fields, sx, sy)
        else:
            self._add(
                mark | {"stroke": "transparent"}, [row[:5] for row in front], fields[:5], sx, sy
            )

    def line(
        self,
        rows: Iterable[tuple[float, float]],
        *,
        color: str,
        width: float,
        sx: Scale,
        sy: Scale,
        dash: Sequence[int] = (1, 0),
    ) -> None:
        """One line through the points in their order."""
        mark: Spec = {"type": "line", "color": color, "strokeWidth": width, "strokeCap": "butt"}
        mark |= {"strokeJoin": "round"}
        if tuple(dash) != (1, 0):
            mark["strokeDash"] = list(dash)
        ordered = [(x, y, i) for i, (x, y) in enumerate(rows)]
        self._add(mark, ordered, ("x", "y", "order"), sx, sy)

    def ribbon(
        self,
        rows: Iterable[tuple[float, float, float]],
        *,
        color: str,
        sx: Scale,
        sy: Scale,
        opacity: float = 0.18,
    ) -> None:
        """The area between low and high."""
        mark = {"type": "area", "color": color, "opacity": opacity, "line": False}
        self._add(mark, rows, ("x", "y", "y2"), sx, sy)

    def spec(self) -> Spec:
        """The finished specification."""
        return {**SPEC, "width": self.width, "height": self.height, "layer": self._layers}
