"""Start a real clinic."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.urls import reverse

from skinsite.accounts.services.clinics import open_clinic
from skinsite.commands import BAD_INPUT, OneLineCommand
from skinsite.platform.address import noted_address


class Command(OneLineCommand):
    """Opens a clinic and prints the link by which its administrator sets a password."""

    help = "Open a clinic. The link for its administrator is printed alone on the last line; it works once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name, first administrator, address of the site."""
        parser.add_argument("name", help="the clinic's name")
        parser.add_argument("--admin", required=True, metavar="EMAIL", help="its first administrator's e-mail address")
        parser.add_argument(
            "--site", default=_address_of_site(), metavar="URL", help="address of the site (%(default)s)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Open it."""
        try:
            invitation, secret = open_clinic(name=options["name"], administrator_email=options["admin"])
        except ValidationError as error:
            faults = "; ".join(f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items())
            raise CommandError(faults.replace("email:", "--admin:"), returncode=BAD_INPUT) from None
        self.stdout.write(
            f"{invitation.clinic.name} ({invitation.clinic.slug}) is open. {invitation.email} joins as administrator, "
            f"once, until {invitation.expires_at:%Y-%m-%d %H:%M} UTC, at:"
        )
        self.stdout.write(f"{options['site'].rstrip('/')}{reverse('invitation', args=[secret])}")


def _address_of_site() -> str:
    """Where people find the site, as far as the settings or its last start tell."""
    named = [host for host in settings.ALLOWED_HOSTS if "*" not in host and not host.startswith(".")]
    if named and settings.SECURE_SSL_REDIRECT:
        return f"https://{named[0]}"
    return noted_address() or "http://127.0.0.1:8000"
