"""`manage.py doctor`: what is wrong, and what to do about it."""

import sys
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from classifier.management.base import UserErrorCommand
from classifier.services.photographs import check_photographs
from skinsite.health import run_checks


class Command(UserErrorCommand):
    """Run every health check and name the remedy of each that fails."""

    help = "Check what the service stands on, and name the remedy of what is wrong; exit code 1 if anything is."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whether to read the photographs too."""
        parser.add_argument(
            "--photographs", action="store_true", help="also compare every stored photograph with its hash"
        )

    def handle(self, *args: Any, photographs: bool, **options: Any) -> None:
        """Print a line a check."""
        results = run_checks()
        width = max(len(name) for name in results)
        for name, result in results.items():
            mark = self.style.SUCCESS("ok   ") if result.ok else self.style.ERROR("wrong")
            self.stdout.write(f"{mark} {name:<{width}}  {result.detail}".rstrip())
            if not result.ok:
                self.stdout.write(f"      {'':<{width}}  {result.remedy}")
        is_well = not photographs or self._check_photographs()
        if not (is_well and all(result.ok for result in results.values())):
            sys.exit(1)

    def _check_photographs(self) -> bool:
        report = check_photographs(
            progress=lambda images, total: tqdm(images, total=total, unit="photograph", file=sys.stderr, leave=False)
        )
        self.stdout.write(f"{report.checked} photographs compared with their hashes")
        for words, found in (("altered", report.altered), ("gone", report.gone)):
            for public_id in found:
                self.stdout.write(self.style.ERROR(f"{words}: {public_id}"))
        if not report.is_well:
            self.stdout.write("Restore these from a backup; until then they are not shown.")
        return report.is_well
