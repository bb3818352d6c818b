"""Recompute the hash of a result document."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditapp import result


class Command(BaseCommand):
    """``manage.py verify FILE``: exit 0 same, 3 different, 2 unreadable."""

    help = "Recompute the result hash of a downloaded JSON and compare it with --hash."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Options."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--hash", default="", help="what the report prints, whole or begun")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print the hash."""
        found = result.result_hash(_document(options["file"]))
        wanted = re.sub(r"[\s:.…-]", "", options["hash"]).lower()
        self.stdout.write(f"sha256 {found}")
        if not wanted:
            return
        if len(wanted) < 8:
            raise CommandError("Give at least 8 characters of the hash.", returncode=2)
        if not found.startswith(wanted):
            raise CommandError(
                f"The document does not have the hash {wanted}: it was changed, or belongs to"
                " another report.",
                returncode=3,
            )
        self.stdout.write("The document has this hash.")


def _document(path: Path) -> dict[str, Any]:
    if path.suffix.lower() == ".pdf":
        raise CommandError(
            "A PDF carries its result document as an attachment: save result.json from it and"
            " give that file.",
            returncode=2,
        )
    if not path.is_file():
        raise CommandError(f"There is no file “{path}”.", returncode=2)
    try:
        document = json.loads(path.read_bytes(), parse_constant=_no_constant)
    except (OSError, ValueError) as error:
        raise CommandError(f"“{path}” cannot be read as JSON: {error}", returncode=2) from error
    if not isinstance(document, dict) or document.get("schema") != result.SCHEMA:
        raise CommandError(
            f"“{path}” is no result document of the schema {result.SCHEMA}.", returncode=2
        )
    return document


def _no_constant(name: str) -> float:
    raise ValueError(f"it contains {name}")
