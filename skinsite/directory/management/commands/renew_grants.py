"""Ask the directories again; for cron, where no clock of Celery's runs."""

from typing import Any

from skinsite.commands import OneLineCommand
from skinsite.directory.services.grants import renew_due_grants


class Command(OneLineCommand):
    """Does what the clock does every minute."""

    help = "Ask the directories whether they still vouch for whoever signed in by them; for cron, every few minutes."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Ask."""
        self.stdout.write(f"vouched for: {renew_due_grants()}")
