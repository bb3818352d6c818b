"""What a report is made of: a short list of block kinds, rendered once as HTML, once as PDF.

Text is a tuple of `Run`s, never markup. A block that a reader cannot see on one of the two
sides (tabs on paper, a table behind a link) says so in its own fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any


@dataclass(frozen=True)
class Run:
    """A stretch of text; `b` is bold, `m` is set in the fixed-width face."""

    t: str
    b: bool = False
    m: bool = False


Rich = tuple[Run, ...]


def rich(*parts: str | Run) -> Rich:
    """Join strings and runs into one text."""
    return tuple(Run(part) if isinstance(part, str) else part for part in parts if part)


def bold(text: str) -> Run:
    return Run(text, b=True)


def mono(text: str) -> Run:
    return Run(text, m=True)


def plain(text: Rich) -> str:
    """The words of a text without its weights."""
    return "".join(run.t for run in text)


@dataclass(frozen=True)
class Block:
    kind = ""


@dataclass(frozen=True)
class Prose(Block):
    """A paragraph: `lede`, `prose` or `note`."""

    kind = "prose"
    text: Rich
    tone: str = "prose"
    printed: bool = True


@dataclass(frozen=True)
class Notice(Block):
    """A paragraph behind a coloured edge: `check` or `read` (how to read a chart).

    `printed` is false where the PDF says the same in its running header.
    """

    kind = "notice"
    text: Rich
    tone: str = "read"
    printed: bool = True


@dataclass(frozen=True)
class Headline(Block):
    """The verdict of the report: chip, one sentence, one or two sentences on how sure it is."""

    kind = "headline"
    verdict: str
    text: Rich
    more: Rich = ()


@dataclass(frozen=True)
class Stat:
    label: str
    value: str
    unit: str = ""
    note: str = ""
    short: str = ""


@dataclass(frozen=True)
class Stats(Block):
    """A strip of cells; `short` stands for a cell's note where there is little room."""

    kind = "stats"
    cells: tuple[Stat, ...]


@dataclass(frozen=True)
class Tab:
    text: str
    anchor: str


@dataclass(frozen=True)
class Cell:
    """A table cell: the value, what stands in brackets or under it, and a verdict shape.

    `mark` is a shape of a chart's legend; in the first cell of a row it stands before the name,
    and a note after it. `links` are sections of the report, listed in place of the text.
    """

    text: str
    note: str = ""
    verdict: str = ""
    strong: bool = False
    mono: bool = False
    soft: bool = False
    mark: str = ""
    links: tuple[Tab, ...] = ()


@dataclass(frozen=True)
class Column:
    """`align` is `start` or `end`; `share` is the column's part of the page width in print."""

    text: str
    align: str = "end"
    share: float = 1.0


@dataclass(frozen=True)
class Table(Block):
    """Rows under a header; the first column names the row.

    `stacked` puts a cell's note under its value. `print_rows` caps the rows in the PDF and
    `print_more` then says where the others are; a table that is not `printed` is named in the
    PDF. `verdicts` lists the shapes the cells use, `tinted` the places of rows that are set off.
    `roomy` keeps the print size of a narrow table where many columns are short.
    """

    kind = "table"
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    anchor: str = ""
    foot: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    stacked: bool = False
    dense: bool = False
    print_rows: int | None = None
    print_more: str = ""
    printed: bool = True
    tinted: tuple[int, ...] = ()
    roomy: bool = False


@dataclass(frozen=True)
class Legend:
    """A shape of a chart with its words."""

    shape: str
    text: str


@dataclass(frozen=True)
class Figure(Block):
    """A chart with its message, its words for those who do not see it, and its data.

    `chart` is the input of `charts.draw` and stays out of the JSON: the table holds the numbers.
    `explorer` holds printed numbers a reader may leaf through on the page. In the PDF,
    `print_chart` replaces keys of `chart`, `print_subtitle` the subtitle, and two neighbours with
    `print_half` stand side by side; a figure that is not `printed` is named there.
    """

    kind = "figure"
    anchor: str
    title: str
    subtitle: str
    alt: str
    table: Table
    chart: dict[str, Any] = field(default_factory=dict)
    legend: tuple[Legend, ...] = ()
    note: str = ""
    print_table: bool = False
    explorer: dict[str, Any] | None = None
    printed: bool = True
    print_half: bool = False
    print_subtitle: str = ""
    print_note: str = ""
    print_chart: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Explorer(Block):
    """What a reader may try out on the page, from stored counts; it changes no number.

    Without scripts the page is silent about it, and paper has none.
    """

    kind = "explorer"
    anchor: str
    title: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """One finding; without a verdict it has no chip."""

    text: Rich
    detail: str
    verdict: str


@dataclass(frozen=True)
class Findings(Block):
    """Up to three findings; `titles[k]` heads the first k + 1 of them.

    `language` is that of the items where it is not the language of the report.
    """

    kind = "findings"
    titles: tuple[str, ...]
    items: tuple[Finding, ...]
    note: str = ""
    language: str = ""


@dataclass(frozen=True)
class NextStep(Block):
    """The one recommendation of a report, with a link to a section."""

    kind = "next_step"
    text: Rich
    link: str = ""
    anchor: str = ""


@dataclass(frozen=True)
class Fact:
    label: str
    value: Rich


@dataclass(frozen=True)
class FactList(Block):
    """Pairs of label and value; short ones may stand in two columns, in print or everywhere.

    A `boxed` list stands on a tint in print, as what heads a form.
    """

    kind = "facts"
    rows: tuple[Fact, ...]
    title: str = ""
    columns: int = 1
    print_columns: int = 1
    boxed: bool = False


@dataclass(frozen=True)
class Bullets(Block):
    kind = "bullets"
    items: tuple[Rich, ...]
    title: str = ""
    columns: int = 1


@dataclass(frozen=True)
class Part(Block):
    """A sub-section with its own address; one that is not printed is named in the PDF."""

    kind = "part"
    anchor: str
    title: str
    blocks: tuple[Block, ...]
    lede: Rich = ()
    printed: bool = True


@dataclass(frozen=True)
class Tabs(Block):
    """Links to parts, pills on the page; the parts follow each other in print."""

    kind = "tabs"
    label: str
    items: tuple[Tab, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Cover(Block):
    kind = "cover"
    subtitle: tuple[str, ...]
    rows: tuple[Fact, ...]
    note: str
    status: str


@dataclass(frozen=True)
class Section:
    """A numbered chapter; the cover has no number.

    `language` is that of its texts where it is not the language of the report.
    """

    slug: str
    title: str
    blocks: tuple[Block, ...]
    lede: Rich = ()
    number: int | None = None
    compact: bool = False
    language: str = ""


#: Fields that the JSON leaves out where they say nothing.
UNSAID = frozenset({"links", "boxed", "roomy"})


def to_json(value: Any) -> Any:
    """Blocks as JSON types, each with its `kind`."""
    if is_dataclass(value) and not isinstance(value, type):
        out: dict[str, Any] = {}
        if isinstance(value, Block):
            out["kind"] = value.kind
        for item in fields(value):
            if item.name == "print_chart":
                continue
            if item.name == "language" and not getattr(value, "language"):  # noqa: B009
                continue
            if item.name in UNSAID and not getattr(value, item.name):
                continue
            if item.name == "chart":
                out["chart"] = getattr(value, "chart").get("kind", "")  # noqa: B009
            else:
                out[item.name] = to_json(getattr(value, item.name))
        if isinstance(value, Run):
            return {key: item for key, item in out.items() if key == "t" or item}
        return out
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


def walk(blocks: Iterable[Block]) -> Iterable[Block]:
    """Every block in reading order, parts opened."""
    for block in blocks:
        yield block
        if isinstance(block, Part):
            yield from walk(block.blocks)
        elif isinstance(block, Tabs):
            yield from walk(block.parts)
