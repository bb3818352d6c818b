"""One sign-in link."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from auditapp.models import User
from auditapp.services.accounts import (
    account_ensure,
    second_step_forget,
    signin_link_make,
    signin_link_url,
)


class Command(BaseCommand):
    """``manage.py signin_link EMAIL``."""

    help = "Print a link that signs this account in: once, and for a few minutes only."

    def add_arguments(self, parser: CommandParser) -> None:
        """Options."""
        parser.add_argument("email")
        parser.add_argument("--create", action="store_true", help="make the account if need be")
        parser.add_argument("--name", default="", help="name of a new account")
        parser.add_argument("--workspace", default="", help="workspace of a new account")
        parser.add_argument(
            "--forget-second-step",
            action="store_true",
            help="take the second step off, where phone and recovery codes are lost",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Print the link."""
        email = options["email"].strip()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"“{email}” is no email address.", returncode=2) from error
        if options["create"]:
            user = account_ensure(
                email=email, name=options["name"], workspace_name=options["workspace"]
            )
        else:
            user = self._existing(email)
        if not user.is_active:
            raise CommandError(f"The account {email} is closed.", returncode=2)
        if options["forget_second_step"] and second_step_forget(user=user):
            self.stderr.write("The second step is off.")
        self.stdout.write(signin_link_url(token=signin_link_make(user=user)))
        self.stderr.write(f"Works once, within {settings.SIGNIN_LINK_MINUTES} minutes.")

    def _existing(self, email: str) -> User:
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            raise CommandError(
                f"There is no account {email}. Add --create to make it.", returncode=2
            )
        return user
