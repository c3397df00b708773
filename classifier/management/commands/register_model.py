"""`manage.py register_model PATH [--activate | --activate-if-new]`."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from classifier.management.base import UserErrorCommand
from classifier.services.queue import process_queue
from classifier.services.registry import activate_model, register_model, register_shipped_model


class Command(UserErrorCommand):
    """Copy a bundle into the model store."""

    help = "Verify a bundle, copy it into the model store and list it; with --activate it reads from now on."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the bundle's directory."""
        parser.add_argument("path", type=Path, metavar="PATH", help="directory of the bundle (with manifest.json)")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--activate", action="store_true", help="let it read from now on, and read what waits")
        how.add_argument(
            "--activate-if-new",
            action="store_true",
            help="activate it if it is new here and no other network was chosen: for every start of a site",
        )

    def handle(self, *_args: Any, path: Path, activate: bool, activate_if_new: bool, **_options: Any) -> None:
        """Register, and read what waited for a model."""
        model_version = register_shipped_model(path=path) if activate_if_new else register_model(path=path)
        if activate:
            activate_model(model_version=model_version, read_queue=False)  # read below, with its progress
        self.stdout.write(f"{model_version} ({model_version.bundle_sha256}): {model_version.get_status_display()}")
        if activate:
            report = process_queue(progress=lambda keys: tqdm(keys, unit="reading", disable=not keys))
            if report.waiting:
                self.stdout.write(f"{report.waiting} waiting")
