"""`manage.py create_demo`: a clinic to try the site with."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from tqdm import tqdm

from classifier.management.base import UserErrorCommand
from classifier.services.demonstration import Sample, create_demonstration
from skinsite.accounts.demonstration import DemoAccount
from skinsite.commands import BAD_INPUT, silenced


class Command(UserErrorCommand):
    """Make the demonstration clinic and print how to sign in."""

    help = "Make a demonstration clinic: three accounts and 24 sample patients. Again: only what is missing."

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse where demonstration accounts are refused."""
        if not settings.DEMO_ALLOWED:
            message = "These settings refuse demonstration accounts; use `create_clinic NAME --admin EMAIL`."
            raise CommandError(message, returncode=BAD_INPUT)
        for line in describe_accounts(create_demonstration(progress=show_progress)):
            self.stdout.write(line)


def show_progress(samples: list[Sample]) -> Iterator[Sample]:
    """Show how far the sample photographs are, in a bar that no line of the log breaks."""
    with silenced(["classifier.services.intake"]):
        yield from tqdm(samples, desc="Reading sample photographs", unit="photograph")


def describe_accounts(accounts: list[DemoAccount]) -> list[str]:
    """One line an account: role, e-mail address, password."""
    return [f"{account.membership.role:<14} {account.email:<28} {account.password}" for account in accounts]
