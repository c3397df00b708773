"""``manage.py tune_model``: a tuning study over keys of a training configuration."""

from typing import Any

from django.core.management.base import CommandParser

from classifier.management.base import UserErrorCommand
from ml.pipelines.train.__main__ import INTERRUPTED_MESSAGE
from ml.pipelines.tuning.__main__ import add_arguments
from ml.support.command_line import needs_training_libraries


class Command(UserErrorCommand):
    """Thin over ``python -m ml.pipelines.tuning``."""

    help = "Look for better values of a configuration's keys: trials with pruning, judged on the choosing fold alone."
    when_stopped = INTERRUPTED_MESSAGE
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of ``python -m ml.pipelines.tuning``."""
        add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the study and print its folder."""
        with needs_training_libraries():
            from ml.pipelines.tuning.run import tune  # noqa: PLC0415 --help works without torch
        folder = tune(
            data=options["data"],
            config_path=options["config"],
            space_path=options["space"],
            weights=options["weights"],
            trials=options["trials"],
            out=options["out"],
            report=options["report"],
            resume=options["resume"],
        )
        self.stdout.write(str(folder))
