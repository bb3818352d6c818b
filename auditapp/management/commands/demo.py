"""The demo workspace and its first audit."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from auditapp.errors import AuditError
from auditapp.services.demo import demo_ensure


class Command(BaseCommand):
    """``manage.py demo``."""

    help = "Make the demo workspace on simulated data and start its first audit, once."

    def handle(self, *_: Any, **options: Any) -> None:
        """Make what is missing."""
        try:
            audit = demo_ensure()
        except AuditError as error:
            raise CommandError(str(error)) from error
        if audit is not None and options["verbosity"] > 1:
            self.stdout.write(f"Started {audit.report_id}.")
