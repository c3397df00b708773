"""`manage.py process_queue`."""

from typing import Any

from tqdm import tqdm

from classifier import inference
from classifier.management.base import UserErrorCommand
from classifier.services.predictions import process_queue
from classifier.wording import waiting_text


class Command(UserErrorCommand):
    """Read what waits, or hand it to the workers."""

    help = "Read the photographs that wait, or in Celery mode hand them to the workers. Safe to run at any time."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Drain the queue and say what became of it."""
        report = process_queue(progress=lambda keys: tqdm(keys, unit="reading", disable=not keys))
        self.stdout.write(f"{report.done} done, {report.failed} failed, {report.waiting} waiting")
        missing = inference.availability()
        if report.waiting and missing:
            self.stderr.write(waiting_text(missing))
