"""`manage.py sweep_storage`."""

from typing import Any

from tqdm import tqdm

from classifier.management.base import UserErrorCommand
from classifier.services.sweeping import sweep_storage


class Command(UserErrorCommand):
    """Delete what interrupted uploads left."""

    help = "Delete stored photographs, thumbnails and heat-maps that have had no row for an hour."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Sweep and say what was found."""
        report = sweep_storage(progress=lambda names: tqdm(names, unit="object", disable=not names))
        self.stdout.write(f"{report.found} objects, {report.deleted} deleted")
