"""`manage.py housekeep`."""

from typing import Any

from classifier.management.base import UserErrorCommand
from classifier.services.sweeping import housekeep


class Command(UserErrorCommand):
    """Do the work of the night."""

    help = (
        "Clear sessions that have ended, seal the audit trail and tell the log where it ends, "
        "let SQLite take stock of its tables, and delete objects that no photograph knows. A clock "
        "(Celery's beat) does it every night; without one let cron do it."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Do it and say what was found."""
        report = housekeep()
        self.stdout.write(f"{report.found} objects, {report.deleted} deleted")
