"""The look of every chart: colours, sizes, widths. Values follow the visual language.

Colours are the light ones. On the page ``static/css/charts.css`` maps each of them to its
custom property, so that one drawing serves both themes: use no colour that is not listed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FONT = "Inter"
FONT_DIR = Path(__file__).resolve().parents[3] / "static" / "fonts" / "ttf"

INK = "#16202E"
INK2 = "#465060"
INK3 = "#5F6874"
SURFACE = "#FFFFFF"
SUNKEN = "#F1EEE7"
LINE2 = "#8A857B"
GRID = "#E9E6DF"

REFERENCE = "#000000"
GROUP = "#0072B2"
UNKNOWN = "#767676"

# Text inside cells of the diverging scale: these two stay as they are in the dark theme.
CELL_DARK = "#111111"
CELL_LIGHT = "#FEFEFE"

# The ends are one step off the tokens: cells keep their colour, and their text, in the dark.
DIVERGING = ((213, 94, 1), (247, 247, 247), (0, 114, 179))

# Placeholder fills; engine.py turns them into references to patterns and gradients.
HATCH_MARK = "#FE01FE"
HATCH_AREA = "#FE02FE"
SCALE_FILL = "#FE03FE"
DOTTED = "#FE04FE"
STRIPED = "#FE05FE"
# Areas only, and only under a pattern: too light for lines.
SKY_AREA = "#56B4E9"
ORANGE_AREA = "#E69F00"

DASH_SHAPE = "M-1,-0.22L1,-0.22L1,0.22L-1,0.22Z"
ARROW_LEFT = "M1,0L-1,0M-0.2,-0.8L-1,0L-0.2,0.8"
ARROW_RIGHT = "M-1,0L1,0M0.2,-0.8L1,0L0.2,0.8"


@dataclass(frozen=True)
class Look:
    """How one kind of point is drawn."""

    shape: str
    fill: str
    line: str
    edge: str = "transparent"
    size: float = 1.0


VERDICTS = {
    "difference": Look("triangle-up", "#D55E00", "#D55E00", size=1.1),
    "no-difference": Look("circle", "#0072B2", "#0072B2"),
    "not-enough-data": Look("square", HATCH_MARK, UNKNOWN, edge=UNKNOWN, size=0.86),
    "not-applicable": Look(DASH_SHAPE, UNKNOWN, UNKNOWN, size=0.5),
}

STATUSES = {
    "reference": Look("diamond", REFERENCE, REFERENCE),
    "group": Look("circle", GROUP, GROUP),
    "below-floor": Look("square", HATCH_MARK, UNKNOWN, edge=UNKNOWN, size=0.86),
}


@dataclass(frozen=True)
class Series:
    """Colour of a line, colour of its label, dash."""

    line: str
    text: str
    dash: tuple[int, ...]


REFERENCE_SERIES = Series(REFERENCE, INK, (1, 0))
# Blue is one step off the verdict's, so that the dark theme can keep it apart from sky.
SERIES = (
    Series("#0071B2", "#00537F", (7, 3)),
    Series("#B87800", "#8A5F00", (2, 2)),
    Series("#009E73", "#00734F", (8, 3, 2, 3)),
    Series("#2E8CC9", "#1E6FA3", (12, 3, 2, 3, 2, 3)),
    Series("#CC79A7", "#8F3F6B", (5, 2)),
    Series("#D55E00", "#A84A00", (3, 3)),
)


@dataclass(frozen=True)
class Variant:
    """One of the three drawings of each chart. Sizes are pixels."""

    name: str
    width: int
    label: float
    value: float
    small: float
    axis: float
    title: float
    label_room: int
    long_room: int
    page_height: int | None = None

    @property
    def wide(self) -> bool:
        """Whether columns of numbers fit beside the plot."""
        return self.name not in ("narrow", "half")


VARIANTS = {
    "wide": Variant("wide", 920, 13, 13, 12.5, 12, 12.5, 220, 290),
    "narrow": Variant("narrow", 330, 12.5, 13, 11.5, 11.5, 12.5, 116, 116),
    # 166 mm are 470.6 pt: 615 px shrink by 0.765, so 12 px become 9.2 pt.
    "print": Variant("print", 615, 12.5, 12.5, 12, 12, 12.5, 165, 190, page_height=850),
}

# 80 mm are 226.8 pt: two such drawings side by side, their text as large as in print.
HALF = Variant("half", 296, 12.5, 12.5, 12, 12, 12.5, 118, 118, page_height=850)

SPEC = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
    "autosize": {"type": "none"},
    "padding": 0,
    "background": None,
    "config": {"font": FONT, "aria": False, "view": {"stroke": None, "fill": None}},
}
