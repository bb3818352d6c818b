"""What works on this machine, and what to do about the rest."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from auditapp import pace, status
from mitigations.contract import MethodError
from mitigations.device import resolve

MARKS = {"ok": "ok", "missing": "missing", "off": "off"}


class Command(BaseCommand):
    """``manage.py doctor``: exit 1 when something is missing."""

    help = "Say what works on this machine and what to do about the rest."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """``--time``."""
        parser.add_argument(
            "--time",
            action="store_true",
            help="time the training of networks first; the page then estimates for this machine",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Print a line for each part."""
        if options.get("time"):
            self._time()
        missing = 0
        for line in status.everything():
            missing += line.state == "missing"
            self.stdout.write(f"{MARKS[line.state]:8} {line.title:14} {line.detail}".rstrip())
            if line.hint and line.state != "ok":
                self.stdout.write(f"{'':8} {'':14} {line.hint}")
        if missing:
            sys.exit(1)

    def _time(self) -> None:
        """Time steps on the device that jobs use, and keep what was found."""
        try:
            found = pace.measure(resolve(settings.DEVICE))
        except MethodError as error:
            self.stdout.write(f"{'missing':8} {'Pace':14} {error.message}")
            return
        pace.write(found)
        each = 1000 * found.step
        networks = f"{pace.NETWORKS} networks on {pace.BATCH:,} rows"
        self.stdout.write(
            f"{'ok':8} {'Pace':14} {each:.1f} ms for a step of {networks}, {found.device}"
        )
