"""Give the database account that serves its rights."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from skinsite.audit.service_role import grant_service_role
from skinsite.commands import BAD_INPUT, OneLineCommand


class Command(OneLineCommand):
    """Run by the owner of the tables, after every migrate."""

    help = (
        "Give a PostgreSQL account exactly what the service needs: it owns nothing, and can neither lift a trigger nor "
        "change or delete what is kept. Run it as the owner of the tables, after every migrate."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The account, and its password where it is to be created."""
        parser.add_argument("role", help="name of the account")
        parser.add_argument(
            "--password-file", type=Path, metavar="FILE", help="create it with the password in this file"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Grant, and say so."""
        file = options["password_file"]
        try:
            password = None if file is None else file.read_text(encoding="utf-8").strip()
            grant_service_role(options["role"], password=password)
        except (ImproperlyConfigured, OSError) as error:
            raise CommandError(str(error), returncode=BAD_INPUT) from None
        self.stdout.write(f"{options['role']} may serve")
