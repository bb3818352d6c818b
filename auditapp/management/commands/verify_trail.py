"""Whether the trail of every workspace is as it was written."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditapp.models import Event, Workspace
from auditapp.services.trail import trail_check


class Command(BaseCommand):
    """``manage.py verify_trail``."""

    help = (
        "Check the chain of hashes over the trail of each workspace. Exit 0: every row is as it "
        "was written; 3: a row was changed, removed or moved; 2: no such workspace."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Options."""
        parser.add_argument("--workspace", default="", help="short name of one workspace")
        parser.add_argument(
            "--noted",
            default="",
            metavar="HASH",
            help="a newest hash that was written down earlier; needs --workspace",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Check, print a line for each workspace, and fail where one does not hold."""
        slug, noted = options["workspace"], options["noted"].strip().lower()
        if noted and not slug:
            raise CommandError("--noted needs --workspace.", returncode=2)
        found = Workspace.objects.order_by("slug")
        if slug:
            found = found.filter(slug=slug)
            if not found:
                raise CommandError(f"There is no workspace “{slug}”.", returncode=2)
        broken = 0
        for workspace in found:
            fault = trail_check(workspace=workspace, noted=noted)
            if fault is not None:
                broken += 1
                self.stdout.write(f"{workspace.slug}: BROKEN, {fault.words}.")
                continue
            rows = Event.objects.filter(workspace=workspace).count()
            head = workspace.trail_head or "none"
            self.stdout.write(f"{workspace.slug}: {rows} rows hold, newest hash {head}")
        if broken:
            many = "trails do" if broken > 1 else "trail does"
            raise CommandError(f"{broken} {many} not hold.", returncode=3)
