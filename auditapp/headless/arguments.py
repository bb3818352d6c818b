"""The options of the audit command, as architecture section 6 lists them."""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
from pathlib import Path
from typing import Any

import mitigations
from auditapp.folktables.tasks import MODES
from auditapp.headless.findings import FAIL_ON
from auditapp.plan import OUTCOMES, SEARCHES, Split
from auditapp.plan.checks import WEIGHT_METHODS
from auditapp.regulatory import REGISTRY
from auditapp.reports.language import ENGLISH, LANGUAGES


def declare(parser: argparse.ArgumentParser) -> None:
    """Add every option."""
    # Lists of numbers such as -1,1 are values too, not options.
    parser._negative_number_matcher = re.compile(r"-[\d.]")
    parser.add_argument(
        "data",
        type=Path,
        nargs="+",
        help="CSV (also gz, zip) or Parquet; several Census files or a folder of them are one",
    )
    _task_arguments(parser)
    _join_arguments(parser)
    _source_arguments(parser)
    _outcome_arguments(parser)
    _group_arguments(parser)
    _weight_arguments(parser)
    _policy_arguments(parser)
    _remedy_arguments(parser)
    _template_arguments(parser)
    parser.add_argument("--title", default="", help="title on the cover")
    parser.add_argument("--out", type=Path, required=True, help="result document (JSON)")
    parser.add_argument("--pdf", type=Path, help="report")
    parser.add_argument("--sign", type=Path, metavar="FILE", help="private key to sign it with")


def names(text: str) -> list[str]:
    """Split at commas; a name with a comma stands in double quotes, as in a CSV file."""
    fields = next(csv.reader([text], skipinitialspace=True), [])
    return [name.strip() for name in fields if name.strip()]


def numbers(text: str) -> list[float]:
    """Numbers with commas between them."""
    try:
        return [float(item) for item in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"“{text}” is not a list of numbers") from error


def _range(text: str) -> tuple[float, float]:
    ends = numbers(text)
    if len(ends) != 2 or not ends[0] < ends[1]:
        raise argparse.ArgumentTypeError(f"“{text}” is not LOW,HIGH")
    return ends[0], ends[1]


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise argparse.ArgumentTypeError(f"“{text}” is not COLUMN=VALUE")
    return name, value


def _source(text: str) -> tuple[str, list[str]]:
    name, values = _pair(text)
    return name, names(values)


def _device(text: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"“{text}” is none of auto, cpu and cuda:0")
    return text


def split(text: str) -> Split:
    parts = text.split("/")
    if len(parts) == 1:
        return Split(kind="column", column=text)
    shares = [int(part) for part in parts if part.isdigit()]
    if len(shares) != 3 or sum(shares) != 100:
        raise argparse.ArgumentTypeError(f"“{text}” is neither a column nor shares like 50/20/30")
    return Split(shares=(shares[0], shares[1], shares[2]))


def _columns(text: str) -> tuple[str, str]:
    name, equals, other = text.partition("=")
    if not name or (equals and not other):
        raise argparse.ArgumentTypeError(f"“{text}” is neither COL nor COL=OTHER")
    return name, other if equals else name


def _task_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--task",
        metavar="NAME|FILE.json",
        help="prediction task on a Census file: ACSIncome and seven more, or one of your own",
    )
    parser.add_argument(
        "--task-mode",
        choices=MODES,
        default="corrected",
        help="blanks stay blank, or become what the folktables package makes of them",
    )
    parser.add_argument(
        "--adjinc", action="store_true", help="multiply dollars of a task by ADJINC"
    )
    parser.add_argument(
        "--drop-sensitive",
        action="store_true",
        help="take race, sex, age and the group out of the features of a task",
    )


def _join_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--join",
        type=Path,
        metavar="FILE",
        help="second file whose columns are added by --on: groups, predictions, labels",
    )
    parser.add_argument(
        "--on",
        type=_columns,
        metavar="COL[=OTHER]",
        help="id column of both files, or of each where the names differ",
    )
    parser.add_argument(
        "--references",
        type=Path,
        metavar="FILE",
        help="file of reference decisions on the same people, joined by --on",
    )
    parser.add_argument(
        "--previous",
        type=Path,
        metavar="FILE",
        help="earlier result document that this audit is compared with",
    )


def _source_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, help="ONNX or skops file, or a network")
    parser.add_argument("--model-output", metavar="NAME", help="output that holds the score")
    parser.add_argument("--positive-class", metavar="CLASS", help="class the score speaks of")
    parser.add_argument("--prediction", metavar="COL", help="column of given decisions")
    parser.add_argument("--score", metavar="COL", help="column of given scores")
    parser.add_argument(
        "--train", choices=("logistic", "boosting", "linear"), help="reference model"
    )
    parser.add_argument("--features", type=names, metavar="COL,...", help="model inputs")
    parser.add_argument(
        "--exclude",
        type=names,
        default=[],
        metavar="COL,...",
        help="columns a model must not see",
    )
    parser.add_argument(
        "--split",
        type=split,
        default=Split(),
        metavar="COL|50/20/30",
        help="shares in percent to train, validate and audit, or a column that says it",
    )
    parser.add_argument("--unit", metavar="COL", help="rows of one unit are never split")
    parser.add_argument(
        "--images",
        type=Path,
        metavar="ZIP",
        help="pictures of the rows; a zip that holds manifest.csv is given as DATA instead",
    )
    parser.add_argument(
        "--image-size",
        type=int,
        metavar="PIXELS",
        help="side that pictures are reduced to, 32 to 224; 64 or the network's if not given",
    )
    parser.add_argument("--no-header", action="store_true", help="the first row is data")
    parser.add_argument("--delimiter", help="field separator; detected if not given")
    parser.add_argument("--encoding", help="text encoding; detected if not given")
    parser.add_argument("--no-quotes", action="store_true", help="quotes are plain characters")
    parser.add_argument(
        "--missing",
        type=lambda text: text.split(","),
        metavar="MARK,...",
        help="cells that stand for a blank",
    )


def _outcome_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--outcome",
        choices=tuple(OUTCOMES),
        default="binary",
        help="what is decided: yes or no, one of several classes, a number, places in a list",
    )
    parser.add_argument(
        "--classes", type=names, default=[], metavar="CLASS,...", help="classes compared"
    )
    parser.add_argument("--query", metavar="COL", help="column that says which list a row is in")
    parser.add_argument("--k", type=int, help="places of a list that count; 10 if not given")
    parser.add_argument("--gold", metavar="COL", help="column of second, careful labels")
    parser.add_argument("--label", metavar="COL", help="column with the true outcome")
    parser.add_argument(
        "--favourable",
        type=names,
        metavar="VALUE,...",
        help="label values that are good for the person",
    )
    parser.add_argument(
        "--favourable-decision",
        type=names,
        metavar="VALUE,...",
        help="decision values that are good for the person",
    )
    parser.add_argument(
        "--score-is",
        choices=("favourable", "unfavourable"),
        default="favourable",
        help="what a high score means for the person",
    )
    parser.add_argument(
        "--score-range",
        type=_range,
        metavar="LOW,HIGH",
        help="smallest and largest score; 0,1 if not given",
    )


def _group_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sensitive",
        type=names,
        action="append",
        default=[],
        metavar="COL[,COL]...",
        help="columns whose groups are compared; a task's group if not given",
    )
    parser.add_argument(
        "--bins",
        type=_pair,
        action="append",
        default=[],
        metavar="COL=CUT,CUT",
        help="cut a column of numbers into groups",
    )
    parser.add_argument(
        "--intersections",
        type=int,
        default=2,
        help="compare combinations of up to this many columns",
    )
    parser.add_argument(
        "--compare-to",
        type=_pair,
        action="append",
        default=[],
        metavar="COL=VALUE",
        help="reference group of a column; the largest if not given",
    )
    parser.add_argument("--floor", type=int, default=30, help="smallest group that is compared")
    parser.add_argument("--site", metavar="COL", help="column of sites: states, hospitals, years")
    parser.add_argument(
        "--target", metavar="SITE", help="site that rows of the others may be added to"
    )
    parser.add_argument(
        "--control", metavar="COL", help="legitimate factor that groups are compared within"
    )


def _weight_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--weight", metavar="COL", help="how many people a row stands for")
    parser.add_argument(
        "--replicate-weights",
        metavar="PREFIX",
        help="what names of replicate weights begin with, such as PWGTP",
    )
    parser.add_argument(
        "--replicate-method",
        choices=WEIGHT_METHODS,
        default="sdr",
        help="how they make a variance; sdr: successive differences, as in the ACS",
    )


def _policy_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--goal",
        choices=tuple(dict.fromkeys(goal for goals in OUTCOMES.values() for goal in goals)),
        help="what should be equal between groups; the first that the outcome can have",
    )
    parser.add_argument(
        "--threshold", type=float, default=0.5, help="score from which the model says yes"
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        help="gap that matters, as a fraction: 0.05 is five points; 0.1 for predicted numbers",
    )
    parser.add_argument(
        "--tolerance-unit",
        choices=("sd", "units"),
        help="whether the gap of predicted numbers counts in standard deviations or as it is",
    )
    parser.add_argument(
        "--skip",
        type=names,
        default=[],
        metavar="SEARCH,...",
        help=f"searches to leave out: {', '.join(SEARCHES)}",
    )
    parser.add_argument(
        "--fail-on",
        choices=tuple(FAIL_ON),
        help="exit 3 when a difference of this size or more is found",
    )
    parser.add_argument("--draws", type=int, default=1000, help="bootstrap draws")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the fit and the draws")
    parser.add_argument(
        "--language",
        choices=tuple(LANGUAGES),
        default=ENGLISH,
        help="of the report; numbers and hash stay the same",
    )
    parser.add_argument(
        "--device",
        type=_device,
        default=os.environ.get("EVENHAND_DEVICE", "auto"),
        metavar="auto|cpu|cuda:0",
        help="where remedies train networks; auto takes a GPU that is there",
    )


def method(text: str) -> tuple[str, dict[str, str]]:
    """SLUG, or SLUG:key=value,... where a value may hold several numbers parted by blanks."""
    slug, _, rest = text.partition(":")
    settings: dict[str, str] = {}
    for item in names(rest):
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise argparse.ArgumentTypeError(f"“{item}” is not key=value")
        settings[key.replace("-", "_")] = value
    return slug, settings


def template(text: str) -> tuple[str, dict[str, Any]]:
    """SLUG, SLUG:key=value,... or SLUG:@FILE with the answers as a JSON object."""
    slug, at, name = text.partition(":@")
    if not at:
        slug, answers = method(text)
        return slug, dict(answers)
    try:
        found = json.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"“{name}” cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f"“{name}” holds no JSON object")
    return slug, {str(key).replace("-", "_"): value for key, value in found.items()}


def _template_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--template",
        type=template,
        action="append",
        default=[],
        metavar="SLUG[:key=value,...] or SLUG:@FILE",
        help=f"regulatory annex, with its answers here or in a JSON file: {', '.join(REGISTRY)}",
    )


def _remedy_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--method",
        type=method,
        action="append",
        default=[],
        metavar="SLUG[:key=value,...]",
        help=f"remedy to try: {', '.join(mitigations.REGISTRY)}",
    )
    parser.add_argument(
        "--protect", metavar="COL", help="sensitive column that remedies work between"
    )
    parser.add_argument(
        "--immutable",
        type=names,
        default=[],
        metavar="COL,...",
        help="columns that a remedy may not move",
    )
    parser.add_argument(
        "--cost",
        type=numbers,
        metavar="FP,FN",
        help="cost of a favourable decision for an unfavourable label, and the other way round",
    )
    parser.add_argument(
        "--source",
        type=_source,
        metavar="COL=VALUE,...",
        help="rows of another population: remedies may learn from them, none is measured",
    )
    parser.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="network that remedies start from, where it is not the audited model itself",
    )
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="where to keep result and decisions row by row, for the command compare",
    )
    parser.add_argument(
        "--rules", type=Path, metavar="FOLDER", help="where to put the rules that remedies found"
    )
