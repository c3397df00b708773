"""Hand a person's account over to another account of the directory that has their address now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from skinsite.accounts.models import User
from skinsite.commands import BAD_INPUT, OneLineCommand
from skinsite.directory.services.links import unlink_person


class Command(OneLineCommand):
    """For those who run the site, once they have made sure whose the address is."""

    help = (
        "Forget by which account of a directory somebody signs in: the next one with their verified address is theirs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose."""
        parser.add_argument("email", help="the person's e-mail address here")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Forget it."""
        user = User.objects.find_by_address(options["email"])
        if user is None:
            raise CommandError(f"There is no account of {options['email']}.", returncode=BAD_INPUT)
        self.stdout.write(f"{user.email}: accounts of directories forgotten: {unlink_person(user=user)}")
