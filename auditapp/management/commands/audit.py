"""`manage.py audit`: the same audit as on the web, without broker or database."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditapp import headless, result
from auditapp.datasets.staged import counted
from auditapp.errors import AuditError
from auditapp.headless import arguments, census

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
        arguments.declare(parser)

    def handle(self, *_: Any, **given: Any) -> None:
        """Run, print one line on the verdicts, and exit as --fail-on says."""
        try:
            options = _options(given)
            with _stoppable():
                document = headless.run(options, _progress(self.stderr, given["verbosity"]))
        except AuditError as error:
            code = INTERNAL if error.code in CRASHES else BAD_INPUT
            raise CommandError(readable(error), returncode=code) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing was written.", returncode=BAD_INPUT) from None
        self.stdout.write(_summary(document))
        for line in _untried(document):
            self.stderr.write(line)
        level = given["fail_on"]
        if level is not None and headless.findings_at(document, level) > 0:
            sys.exit(FINDING)


def _untried(document: dict[str, Any]) -> Iterator[str]:
    """Remedies that could not be tried, and why; the rest of the document stands."""
    for method in document.get("methods") or ():
        error = method.get("error")
        if error:
            yield f"{method['title']} was not tried: {error['message']} {error['hint']}".rstrip()


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


def _options(given: dict[str, Any]) -> headless.Options:
    read = {
        "header": False if given["no_header"] else None,
        "delimiter": given["delimiter"],
        "encoding": given["encoding"],
        "quote": "" if given["no_quotes"] else None,
        "missing": given["missing"],
        "image_size": given["image_size"],
    }
    try:
        bins = {column: arguments.numbers(cuts) for column, cuts in given["bins"]}
    except argparse.ArgumentTypeError as error:
        raise AuditError("bins", f"--bins: {error}.", "Write --bins AGE=25,45,65.") from error
    first, *more = census.files(given["data"])
    if not given["sensitive"] and given["task"] is None:
        raise AuditError(
            "no-sensitive",
            "Nothing says whose groups are to be compared.",
            "Name one or more columns: --sensitive COL[,COL].",
        )
    same = (
        "out", "pdf", "sign", "images", "join", "on", "references", "previous", "keep", "outcome",
        "classes", "query", "gold", "site", "target", "control", "skip", "method", "protect",
        "immutable", "cost", "source", "checkpoint", "device", "weight", "replicate_weights",
        "replicate_method", "rules", "model", "template",
        "model_output", "positive_class",
        "prediction", "score", "train", "label", "favourable",
        "favourable_decision", "score_is", "score_range", "features", "exclude", "split", "unit",
        "title", "task", "language",
    )  # fmt: skip
    policy = (
        "intersections", "floor", "goal", "threshold", "tolerance", "tolerance_unit", "k",
        "draws", "seed",
    )  # fmt: skip
    return headless.Options(
        data=first,
        more=more,
        task_settings={
            "mode": given["task_mode"],
            "adjinc": given["adjinc"],
            "drop_sensitive": given["drop_sensitive"],
        },
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


def readable(error: AuditError) -> str:
    """What a command line shows of an error."""
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
        f"{rows['used']:,} of {counted(rows['uploaded'], 'row')} measured. "
        f"Difference found: {counts['difference']:,}. "
        f"No difference found: {counts['no-difference']:,}. "
        f"Not enough data: {counts['not-enough-data']:,}.\n"
        f"Result hash {result.result_hash(document)}"
    )
