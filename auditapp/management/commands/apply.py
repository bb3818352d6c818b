"""`manage.py apply`: decide about the rows of a table by a rule of an audit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditapp.errors import AuditError
from auditapp.headless.applied import Request, apply
from auditapp.management.commands.audit import BAD_INPUT, CRASHES, INTERNAL, readable


class Command(BaseCommand):
    """Apply a rule."""

    help = "Decide about every row of a table by a rule that an audit handed out."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("rule", type=Path, help="rule (JSON) from --rules or from a report")
        parser.add_argument("data", type=Path, help="CSV (also gz, zip), Parquet, image set")
        parser.add_argument("--out", type=Path, required=True, help="decisions (CSV)")
        parser.add_argument(
            "--score", metavar="COL", help="column of the model's scores, as the audit took them"
        )
        parser.add_argument(
            "--model",
            type=Path,
            help="reference-model.json of the audit; the one beside the rule if not given",
        )

        parser.add_argument("--images", type=Path, metavar="ZIP", help="pictures of the rows")

    def handle(self, *_: Any, **given: Any) -> None:
        """Apply, and say how many rows were decided how."""
        names = ("rule", "data", "out", "score", "model", "images")
        request = Request(**{name: given[name] for name in names})
        try:
            found = apply(request)
        except AuditError as error:
            code = INTERNAL if error.code in CRASHES else BAD_INPUT
            raise CommandError(readable(error), returncode=code) from error
        self.stdout.write(
            f"Favourable: {found['favourable']:,}. Unfavourable: {found['unfavourable']:,}. "
            f"To a person: {found['person']:,}."
        )
