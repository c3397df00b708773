"""``manage.py export_model``: a bundle from a checkpoint of ``train_model``."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from classifier.management.base import UserErrorCommand
from ml.support.command_line import needs_training_libraries
from ml.training.servable import check_checkpoint


class Command(UserErrorCommand):
    """Thin over ``ml.build.checkpoint``."""

    help = "Calibrate a checkpoint on its run's choosing fold, export it as a bundle and measure that fold."
    when_stopped = "Stopped. No bundle was made; give the same command again."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of the command."""
        parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="runs/NAME/checkpoints/best.ckpt")
        parser.add_argument("--out", type=Path, required=True, metavar="PATH", help="directory of the bundle")
        parser.add_argument("--data", type=Path, metavar="DIR", help="default: the directory that it was trained on")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Export and print the bundle's directory and hash."""
        check_checkpoint(options["checkpoint"])
        with needs_training_libraries():
            from ml.build.checkpoint import export_checkpoint  # noqa: PLC0415 --help works without torch
        bundle = export_checkpoint(options["checkpoint"], options["out"], data=options["data"])
        self.stdout.write(f"{bundle.path}: {bundle.manifest.name} {bundle.manifest.version}, {bundle.sha256}")
