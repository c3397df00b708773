"""``manage.py eda_report``: explore a data set as one page with its figures."""

from typing import Any

from django.core.management.base import CommandParser

from classifier.management.base import UserErrorCommand
from ml.reports.eda.__main__ import INTERRUPTED_MESSAGE, add_arguments, run


class Command(UserErrorCommand):
    """Thin over ``python -m ml.reports.eda``."""

    help = "Explore the official ISIC 2018 Task 3 layout: one HTML page with figures, and its numbers as JSON."
    when_stopped = INTERRUPTED_MESSAGE
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of ``python -m ml.reports.eda``."""
        add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Explore and print the page's path."""
        page = run(options["data"], options["out"], options["workers"], publish=options["publish"])
        self.stdout.write(str(page))
