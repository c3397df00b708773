"""``manage.py prepare_data``: check HAM10000 in any layout and write the official one."""

from typing import Any

from django.core.management.base import CommandParser

from classifier.management.base import UserErrorCommand
from ml.data.prepare.__main__ import INTERRUPTED_MESSAGE, add_arguments, run


class Command(UserErrorCommand):
    """Thin over ``python -m ml.data.prepare``."""

    help = "Check every image and label, list duplicates, and write the layout that training and evaluation read."
    when_stopped = INTERRUPTED_MESSAGE
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of ``python -m ml.data.prepare``."""
        add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Prepare and print what was found."""
        summary = run(
            source=options["source"],
            out=options["out"],
            download=options["download"],
            address=options["address"],
            keep_going=options["keep_going"],
            no_embeddings=options["no_embeddings"],
            min_cosine=options["min_cosine"],
            threads=options["threads"],
        )
        self.stdout.write(summary.to_text())
