"""One API token, for machines where nobody opens a page."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditapp import selectors
from auditapp.errors import AuditError
from auditapp.forms.tokens import ACCESS
from auditapp.models import User
from auditapp.services.tokens import LONGEST_DAYS, token_create


class Command(BaseCommand):
    """``manage.py api_token EMAIL``."""

    help = "Print an API token of this account; it is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Options."""
        parser.add_argument("email")
        parser.add_argument("--name", default="command line", help="what it is for")
        parser.add_argument("--access", choices=tuple(ACCESS), default="read", help="what it may")
        parser.add_argument("--days", type=int, default=90, help=f"1 to {LONGEST_DAYS}")
        parser.add_argument(
            "--workspace", default="", help="slug; the account's first if not given"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Print the token."""
        user = User.objects.filter(email__iexact=options["email"].strip()).first()
        if user is None:
            raise CommandError(f"There is no account {options['email']}.", returncode=2)
        found = selectors.workspaces_for(user=user)
        slug = options["workspace"]
        workspace = (found.filter(slug=slug) if slug else found).first()
        if workspace is None:
            raise CommandError(f"{options['email']} is in no such workspace.", returncode=2)
        try:
            token, secret = token_create(
                workspace=workspace,
                user=user,
                name=options["name"],
                scopes=ACCESS[options["access"]][1],
                days=options["days"],
            )
        except AuditError as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(secret)
        self.stderr.write(f"Works in “{workspace}” until {token.expires_at:%Y-%m-%d %H:%M} UTC.")
