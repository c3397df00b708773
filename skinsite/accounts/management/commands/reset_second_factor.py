"""Take away the second factor of somebody who lost it and whom no administrator can help: who runs the site."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from skinsite.accounts.models import User
from skinsite.accounts.services.second_factors import take_second_factor_away
from skinsite.commands import BAD_INPUT, OneLineCommand


class Command(OneLineCommand):
    """Deletes all second factors of an account and ends its sessions, on the audit trail."""

    help = "Delete the second factors and recovery codes of an account, and end its sessions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """E-mail address."""
        parser.add_argument("email", help="the account's e-mail address")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Take it away."""
        user = User.objects.find_by_address(options["email"])
        if user is None:
            raise CommandError(f"There is no account {options['email']}.", returncode=BAD_INPUT)
        try:
            take_second_factor_away(user=user, actor=None, clinic=None)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages), returncode=BAD_INPUT) from error
        self.stdout.write(f"{user.email} has no second factor any more.")
