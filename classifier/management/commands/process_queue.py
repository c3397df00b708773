"""`manage.py process_queue`."""

import sys
from typing import Any

from tqdm import tqdm

from classifier.health import check_bundle
from classifier.management.base import UserErrorCommand
from classifier.services.readings.queue import process_queue
from skinsite.audit.seals import seal_events
from skinsite.health import run_check
from skinsite.health.checks import check_broker


class Command(UserErrorCommand):
    """Read what waits, or hand it to the workers."""

    help = (
        "Read the photographs that wait, or in Celery mode hand them to the workers. Safe to run at any time. "
        "Exit code 1: readings wait, and nothing can be read."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Drain the queue and say what became of it; what was recorded meanwhile is sealed as well."""
        seal_events()
        report = process_queue(progress=lambda keys: tqdm(keys, unit="reading", disable=not keys))
        self.stdout.write(f"{report.done} done, {report.failed} failed, {report.waiting} waiting")
        checked = (run_check("bundle", check_bundle), run_check("broker", check_broker))
        fault = next((found for found in checked if not found.ok), None)
        if fault is None:
            return
        self.stderr.write(f"Nothing can be read: {fault.detail.rstrip('.')}. {fault.remedy}")
        if report.waiting:
            sys.exit(1)
