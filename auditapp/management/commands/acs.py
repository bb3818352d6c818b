"""`manage.py acs STATE YEAR`: load Census public-use files, where the host can be reached."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditapp.errors import AuditError
from auditapp.folktables import census, download
from auditapp.management.commands.audit import BAD_INPUT, readable


class Command(BaseCommand):
    """Load the public-use file of one or more states."""

    help = (
        "Load public-use files of the American Community Survey into the file layout of the "
        "folktables package, and print their paths."
    )
    requires_system_checks: list[str] = []  # needs no database, broker or web settings

    def add_arguments(self, parser: CommandParser) -> None:
        """Options."""
        parser.add_argument("states", metavar="STATE[,STATE]", help="CA, California or 06")
        parser.add_argument("year", type=int, help=f"{census.FIRST_YEAR} or later")
        parser.add_argument("--horizon", choices=census.HORIZONS, default="1-Year")
        parser.add_argument(
            "--housing", action="store_true", help="housing units instead of persons"
        )
        parser.add_argument(
            "--folder", type=Path, help="where the files are kept; DATA_DIR/acs if not given"
        )

    def handle(self, *_: Any, **given: Any) -> None:
        """Load every file, and say what each is."""
        folder = given["folder"]
        root = Path(settings.DATA_DIR) / "acs" if folder is None else folder
        record: Any = "housing" if given["housing"] else "person"
        try:
            asked = [
                census.wanted(state, given["year"], given["horizon"], record)
                for state in given["states"].split(",")
            ]
            for what in asked:
                loaded = download.load(
                    what, root, base=settings.CENSUS_URL, tick=_bar(self.stderr)
                )
                self.stdout.write(_line(loaded))
        except AuditError as error:
            raise CommandError(readable(error), returncode=BAD_INPUT) from error
        except OSError as error:
            raise CommandError(
                f"“{error.filename or root}” cannot be written: {error.strerror}.",
                returncode=BAD_INPUT,
            ) from error
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped. Run it again to go on where it stopped.", returncode=BAD_INPUT
            ) from None


def _line(loaded: download.Loaded) -> str:
    digest = loaded.record.get("table", {}).get("sha256")
    told = f"sha256 {digest}" if digest else "no record of where it came from"
    return f"{loaded.path}  {'loaded' if loaded.fresh else 'already here'}, {told}"


def _bar(stream: Any) -> Any:
    """A line that is written over where somebody watches; silence elsewhere."""
    shown = -1

    def tick(done: int, total: int, text: str) -> None:
        nonlocal shown
        share = 100 * done // total if total else done >> 20
        if share != shown and sys.stderr.isatty():
            shown = share
            end = "\n" if total and done >= total else ""
            percent = f"{share:3d} %  " if total else ""
            stream.write(f"\r{percent}{text}", ending=end)

    return tick
