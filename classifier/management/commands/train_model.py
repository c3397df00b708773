"""``manage.py train_model``: train a network, calibrate, evaluate and export it."""

from typing import Any

from django.core.management.base import CommandParser

from classifier.management.base import UserErrorCommand
from ml.pipelines.train.__main__ import INTERRUPTED_MESSAGE, add_arguments
from ml.pipelines.train.ending import describe_end
from ml.support.command_line import needs_training_libraries
from ml.training.folder import RunFolder
from ml.training.servable import check_configuration


class Command(UserErrorCommand):
    """Thin over ``python -m ml.pipelines.train``."""

    help = "Train on the official ISIC 2018 Task 3 layout; calibrate, evaluate and export a bundle in the run folder."
    when_stopped = INTERRUPTED_MESSAGE
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of ``python -m ml.pipelines.train``."""
        add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Train and print the run folder."""
        told = check_configuration(options["config"], export=options["export"])
        if told is not None:
            self.stderr.write(told)
        with needs_training_libraries():
            from ml.pipelines.train.start import train  # noqa: PLC0415 --help works without torch
        folder = train(
            data=options["data"],
            config_path=options["config"],
            weights=options["weights"],
            out=options["out"],
            resume=options["resume"],
            export=options["export"],
            devices=options["devices"],
        )
        self.stdout.write(describe_end(RunFolder(folder)))
