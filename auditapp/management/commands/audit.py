"""`manage.py audit`: the same audit as on the web, without broker or database."""

from __future__ import annotations

import argparse
import csv
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditapp import headless, result
from auditapp.errors import AuditError
from auditapp.plan import GOALS, Split

INTERNAL = 1
BAD_INPUT = 2
FINDING = 3
#: Codes of a child process that ended without an answer: our fault, not the input's.
CRASHES = frozenset({"child-crashed", "child-killed"})


class Command(BaseCommand):
    """Audit a table of decisions, or a table and a model."""

    help = "Audit a table and write the result document, and the report as PDF."
    requires_system_checks: list[str] = []  # needs no database, broker or web settings

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options of architecture section 6 that exist so far."""
        # Lists of numbers such as -1,1 are values too, not options.
        parser._negative_number_matcher = re.compile(r"-[\d.]")
        parser.add_argument("data", type=Path, help="CSV (also gz, zip) or Parquet")
        _source_arguments(parser)
        _outcome_arguments(parser)
        _group_arguments(parser)
        _policy_arguments(parser)
        parser.add_argument("--title", default="", help="title on the cover")
        parser.add_argument("--out", type=Path, required=True, help="result document (JSON)")
        parser.add_argument("--pdf", type=Path, help="report")

    def handle(self, *_: Any, **given: Any) -> None:
        """Run, print one line on the verdicts, and exit as --fail-on says."""
        try:
            options = _options(given)
            with _stoppable():
                document = headless.run(options, _progress(self.stderr, given["verbosity"]))
        except AuditError as error:
            code = INTERNAL if error.code in CRASHES else BAD_INPUT
            raise CommandError(_readable(error), returncode=code) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing was written.", returncode=BAD_INPUT) from None
        self.stdout.write(_summary(document))
        level = given["fail_on"]
        if level is not None and headless.findings_at(document, level) > 0:
            sys.exit(FINDING)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let a stop from outside end the way Ctrl-C does, so that temporary files go."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kinds = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(kind, stop) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


def _names(text: str) -> list[str]:
    """Split at commas; a name with a comma stands in double quotes, as in a CSV file."""
    fields = next(csv.reader([text], skipinitialspace=True), [])
    return [name.strip() for name in fields if name.strip()]


def _numbers(text: str) -> list[float]:
    try:
        return [float(item) for item in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"“{text}” is not a list of numbers") from error


def _range(text: str) -> tuple[float, float]:
    numbers = _numbers(text)
    if len(numbers) != 2 or not numbers[0] < numbers[1]:
        raise argparse.ArgumentTypeError(f"“{text}” is not LOW,HIGH")
    return numbers[0], numbers[1]


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise argparse.ArgumentTypeError(f"“{text}” is not COLUMN=VALUE")
    return name, value


def _split(text: str) -> Split:
    parts = text.split("/")
    if len(parts) == 1:
        return Split(kind="column", column=text)
    shares = [int(part) for part in parts if part.isdigit()]
    if len(shares) != 3 or sum(shares) != 100:
        raise argparse.ArgumentTypeError(f"“{text}” is neither a column nor shares like 50/20/30")
    return Split(shares=(shares[0], shares[1], shares[2]))


def _source_arguments(parser: CommandParser) -> None:
    parser.add_argument("--model", type=Path, help="ONNX or skops file")
    parser.add_argument("--model-output", metavar="NAME", help="output that holds the score")
    parser.add_argument("--positive-class", metavar="CLASS", help="class the score speaks of")
    parser.add_argument("--prediction", metavar="COL", help="column of given decisions")
    parser.add_argument("--score", metavar="COL", help="column of given scores")
    parser.add_argument("--train", choices=("logistic", "boosting"), help="reference model")
    parser.add_argument("--features", type=_names, metavar="COL,...", help="model inputs")
    parser.add_argument(
        "--exclude",
        type=_names,
        default=[],
        metavar="COL,...",
        help="columns a model must not see",
    )
    parser.add_argument(
        "--split",
        type=_split,
        default=Split(),
        metavar="COL|50/20/30",
        help="shares in percent to train, validate and audit, or a column that says it",
    )
    parser.add_argument("--unit", metavar="COL", help="rows of one unit are never split")
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


def _outcome_arguments(parser: CommandParser) -> None:
    parser.add_argument("--label", metavar="COL", help="column with the true outcome")
    parser.add_argument(
        "--favourable",
        type=_names,
        metavar="VALUE,...",
        help="label values that are good for the person",
    )
    parser.add_argument(
        "--favourable-decision",
        type=_names,
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


def _group_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "--sensitive",
        type=_names,
        action="append",
        required=True,
        metavar="COL[,COL]...",
        help="columns whose groups are compared",
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


def _policy_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "--goal",
        choices=tuple(GOALS),
        default="selection-rate",
        help="what should be equal between groups",
    )
    parser.add_argument(
        "--threshold", type=float, default=0.5, help="score from which the model says yes"
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=0.05,
        help="gap that matters, as a fraction: 0.05 is five points",
    )
    parser.add_argument(
        "--fail-on",
        choices=tuple(headless.FAIL_ON),
        help="exit 3 when a difference of this size or more is found",
    )
    parser.add_argument("--draws", type=int, default=1000, help="bootstrap draws")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the fit and the draws")
    parser.add_argument(
        "--device",
        choices=("auto", "cpu"),
        default="auto",
        help="no part of this version uses another device",
    )


def _options(given: dict[str, Any]) -> headless.Options:
    read = {
        "header": False if given["no_header"] else None,
        "delimiter": given["delimiter"],
        "encoding": given["encoding"],
        "quote": "" if given["no_quotes"] else None,
        "missing": given["missing"],
    }
    try:
        bins = {column: _numbers(cuts) for column, cuts in given["bins"]}
    except argparse.ArgumentTypeError as error:
        raise AuditError("bins", f"--bins: {error}.", "Write --bins AGE=25,45,65.") from error
    same = (
        "data", "out", "pdf", "model", "model_output", "positive_class",
        "prediction", "score", "train", "label", "favourable",
        "favourable_decision", "score_is", "score_range", "features", "exclude", "split", "unit",
        "title",
    )  # fmt: skip
    policy = ("intersections", "floor", "goal", "threshold", "tolerance", "draws", "seed")
    return headless.Options(
        **{name: given[name] for name in same},
        sensitive=list(dict.fromkeys(name for names in given["sensitive"] for name in names)),
        bins=bins,
        compare_to=dict(given["compare_to"]),
        policy={name: given[name] for name in policy},
        read={name: value for name, value in read.items() if value is not None},
    )


def _progress(stream: Any, verbosity: int) -> headless.Say | None:
    if verbosity < 1 or not sys.stderr.isatty():
        return None
    last = ""

    def say(progress: dict[str, Any]) -> None:
        nonlocal last
        text = str(progress.get("text", ""))
        if text != last:
            last = text
            stream.write(text)

    return say


def _readable(error: AuditError) -> str:
    lines = [error.message]
    lines += [f"  Where: {error.where}"] if error.where else []
    lines += [f"  Found: {error.found}"] if error.found else []
    lines += [f"  What to do: {error.hint}"] if error.hint else []
    lines += [f"\n{error.code_block}"] if error.code_block else []
    return "\n".join(lines)


def _summary(document: result.Document) -> str:
    counts = dict.fromkeys(("difference", "no-difference", "not-enough-data"), 0)
    for gap in document["gaps"]:
        if gap["verdict"] in counts:
            counts[gap["verdict"]] += 1
    rows = document["rows"]
    return (
        f"{rows['used']:,} of {rows['uploaded']:,} rows measured. "
        f"Difference found: {counts['difference']:,}. "
        f"No difference found: {counts['no-difference']:,}. "
        f"Not enough data: {counts['not-enough-data']:,}.\n"
        f"Result hash {result.result_hash(document)}"
    )
