"""``manage.py error_report``: where a model errs."""

from dataclasses import fields
from typing import Any

from django.core.management.base import CommandParser

from classifier.management.base import UserErrorCommand
from ml.reports.errors.__main__ import add_arguments, run
from ml.reports.errors.sources import Sources


class Command(UserErrorCommand):
    """Thin over ``python -m ml.reports.errors``."""

    help = "Write a page of a model's errors: confusion, surest mistakes, parts of the data, labels that look wrong."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of ``python -m ml.reports.errors``."""
        add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Report and print where the page is."""
        self.stdout.write(str(run(Sources(**{item.name: options[item.name] for item in fields(Sources)}))))
