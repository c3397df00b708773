"""`manage.py register_model PATH [--activate]`."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from classifier.management.base import UserErrorCommand
from classifier.services.predictions import process_queue
from classifier.services.registry import register_model


class Command(UserErrorCommand):
    """Copy a bundle into the model store."""

    help = "Verify a bundle, copy it into the model store and list it; with --activate it reads from now on."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the bundle's directory."""
        parser.add_argument("path", type=Path, metavar="PATH", help="directory of the bundle (with manifest.json)")
        parser.add_argument("--activate", action="store_true", help="let it read from now on, and read what waits")

    def handle(self, *_args: Any, path: Path, activate: bool, **_options: Any) -> None:
        """Register, and read what waited for a model."""
        model_version = register_model(path=path, activate=activate)
        self.stdout.write(f"{model_version} ({model_version.bundle_sha256}): {model_version.get_status_display()}")
        if activate:
            report = process_queue(progress=lambda keys: tqdm(keys, unit="reading", disable=not keys))
            if report.waiting:
                self.stdout.write(f"{report.waiting} waiting")
