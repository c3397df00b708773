"""Let an account read a clinic's records for some hours, where no administrator of the clinic can be found."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from skinsite.accounts.models import Clinic
from skinsite.accounts.services.emergencies import MOST_HOURS, grant_emergency_access
from skinsite.commands import BAD_INPUT, OneLineCommand


class Command(OneLineCommand):
    """Grants access in an emergency; the clinic's administrators are told, and the audit trail is."""

    help = "Let an account read a clinic's records for some hours. It ends by itself; its administrators are told."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which clinic, whom, for how long and why."""
        parser.add_argument("--clinic", required=True, metavar="SLUG", help="the clinic's short name")
        parser.add_argument("--email", required=True, metavar="E", help="the e-mail address of an existing account")
        parser.add_argument("--hours", required=True, type=int, metavar="N", help=f"for how long: 1 to {MOST_HOURS}")
        parser.add_argument("--reason", required=True, metavar="TEXT", help="why; the clinic's administrators read it")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Grant it."""
        clinic = Clinic.objects.filter(slug=options["clinic"]).first()
        if clinic is None:
            raise CommandError(f"There is no clinic {options['clinic']}.", returncode=BAD_INPUT)
        said = {name: options[name] for name in ("email", "hours", "reason")}
        try:
            access = grant_emergency_access(actor=None, clinic=clinic, **said)
        except ValidationError as error:
            faults = "; ".join(f"--{field}: {' '.join(texts)}" for field, texts in error.message_dict.items())
            raise CommandError(faults, returncode=BAD_INPUT) from None
        self.stdout.write(
            f"{access.user.email} may read the records of {clinic.name} until {access.ends_at:%Y-%m-%d %H:%M} UTC."
        )
