"""`manage.py compare`: two audits against each other, without broker or database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditapp import result
from auditapp.comparison.document import MODES
from auditapp.errors import AuditError
from auditapp.headless.compared import Request, run
from auditapp.management.commands.audit import BAD_INPUT, CRASHES, FINDING, INTERNAL, readable
from auditapp.reports.numbers import plural


class Command(BaseCommand):
    """Compare two audits."""

    help = "Hold an audit (B) against another one (A), and write what differs."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        text = "folder written by audit --keep, or a result document (JSON)"
        parser.add_argument("first", type=Path, metavar="A", help=text)
        parser.add_argument("second", type=Path, metavar="B", help=text)
        parser.add_argument("--out", type=Path, required=True, help="the comparison (JSON)")
        parser.add_argument("--pdf", type=Path, help="its report")
        parser.add_argument("--csv", type=Path, help="its numbers as one table")
        parser.add_argument(
            "--mode",
            choices=MODES,
            default="auto",
            help="paired and independent insist; auto pairs wherever the people are the same",
        )
        parser.add_argument("--title", default="", help="what the report is called")
        parser.add_argument(
            "--fail-on-change",
            action="store_true",
            help="exit with 3 where a gap that the goal names differs between A and B",
        )

    def handle(self, *_: Any, **given: Any) -> None:
        """Compare, and print one line."""
        names = ("first", "second", "out", "pdf", "csv", "mode", "title")
        try:
            document = run(Request(**{name: given[name] for name in names}))
        except AuditError as error:
            code = INTERNAL if error.code in CRASHES else BAD_INPUT
            raise CommandError(readable(error), returncode=code) from error
        found = [row for row in document["changes"] if row["verdict"] == "difference"]
        gaps = [row for row in found if row["kind"] == "gap" and row["primary"]]
        people = document["rows"]["both"]
        how = f"{plural(people, 'person', 'people')} paired" if people else "two samples"
        self.stdout.write(
            f"{how.capitalize()}. Primary gaps that differ: {len(gaps):,}. "
            f"All differences: {len(found):,} of {plural(document['family']['k'], 'test')}.\n"
            f"Result hash {result.result_hash(document)}"
        )
        if given["fail_on_change"] and gaps:
            sys.exit(FINDING)
