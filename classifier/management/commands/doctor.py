"""`manage.py doctor`: what is wrong, and what to do about it."""

import sys
from typing import Any

from classifier.management.base import UserErrorCommand
from skinsite.health import run_checks


class Command(UserErrorCommand):
    """Run every health check and name the remedy of each that fails."""

    help = "Check what the service stands on, and name the remedy of what is wrong; exit code 1 if anything is."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line a check."""
        results = run_checks()
        width = max(len(name) for name in results)
        for name, result in results.items():
            mark = self.style.SUCCESS("ok   ") if result.ok else self.style.ERROR("wrong")
            self.stdout.write(f"{mark} {name:<{width}}  {result.detail}".rstrip())
            if not result.ok:
                self.stdout.write(f"      {'':<{width}}  {result.remedy}")
        if not all(result.ok for result in results.values()):
            sys.exit(1)
