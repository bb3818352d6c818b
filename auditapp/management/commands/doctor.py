"""What works on this machine, and what to do about the rest."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from auditapp import status

MARKS = {"ok": "ok", "missing": "missing", "off": "off"}


class Command(BaseCommand):
    """``manage.py doctor``: exit 1 when something is missing."""

    help = "Say what works on this machine and what to do about the rest."
    requires_system_checks: list[str] = []

    def handle(self, *_: Any, **__: Any) -> None:
        """Print a line for each part."""
        missing = 0
        for line in status.everything():
            missing += line.state == "missing"
            self.stdout.write(f"{MARKS[line.state]:8} {line.title:14} {line.detail}".rstrip())
            if line.hint and line.state != "ok":
                self.stdout.write(f"{'':8} {'':14} {line.hint}")
        if missing:
            sys.exit(1)
