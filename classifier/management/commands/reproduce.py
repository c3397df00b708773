"""`manage.py reproduce PREDICTION_ID`."""

import sys
import uuid
from typing import Any

from django.core.management.base import CommandParser

from classifier.management.base import UserErrorCommand
from classifier.models import Prediction
from classifier.services.reproduction import reproduce
from ml.errors import UserError

NOT_REPRODUCED = 1


class Command(UserErrorCommand):
    """Run a reading again and compare."""

    help = (
        "Run a reading again from the stored photograph and the bundle that made it, and compare the logits. "
        "Exit code 0: reproduced; 1: not reproduced; 2: cannot be tried."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the reading's id."""
        parser.add_argument("prediction_id", metavar="PREDICTION_ID", help="the reading's UUID, as in its address")

    def handle(self, *_args: Any, prediction_id: str, **_options: Any) -> None:
        """Compare, print one line, and exit accordingly."""
        result = reproduce(prediction=_find(prediction_id))
        verdict = "Reproduced" if result.is_same else "NOT reproduced"
        self.stdout.write(
            f"{verdict}: the logits differ by {result.difference:.2g} at most "
            f"(tolerance {result.tolerance:.2g}, runtime {result.runtime})"
        )
        if not result.is_same:
            sys.exit(NOT_REPRODUCED)


def _find(prediction_id: str) -> Prediction:
    readings = Prediction.objects.select_related("image", "model_version")
    try:
        return readings.get(public_id=uuid.UUID(prediction_id))
    except ValueError as error:
        raise UserError(f"PREDICTION_ID {prediction_id!r} is no UUID; copy it from the reading's address.") from error
    except Prediction.DoesNotExist as error:
        raise UserError(f"PREDICTION_ID {prediction_id}: there is no such reading here.") from error
