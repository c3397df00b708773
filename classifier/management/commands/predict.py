"""``manage.py predict``: read photographs without keeping anything."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from classifier.management.base import UserErrorCommand
from ml.bundle import DEFAULT_BUNDLE, load_bundle
from ml.errors import UserError
from ml.evaluation.evaluate import read_file
from ml.image_io import LIMITS
from ml.predictor import Outcome, Predictor, Reading
from ml.taxonomy import CLASSES
from skinsite.commands import BAD_INPUT


class Command(UserErrorCommand):
    """Thin over ``ml.predictor``."""

    help = "Read photographs as uploads are read: outcome, malignant sum, seven probabilities. Nothing is stored."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of the command."""
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="image files")
        parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, metavar="PATH", help="default: the shipped")
        parser.add_argument("--json", action="store_true", help="print a JSON list, with logits and balanced scores")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Read all that can be read; a file that cannot is told of at the end, and the exit code is 2."""
        predictor = Predictor(load_bundle(options["bundle"]))
        readings: dict[Path, Reading] = {}
        problems: list[str] = []
        for path in tqdm(options["paths"], unit="image", disable=len(options["paths"]) == 1):
            try:
                readings[path] = read_file(predictor, path, limits=LIMITS)
            except UserError as error:
                problems.append(str(error))
        if options["json"]:
            self.stdout.write(json.dumps([_describe(path, reading) for path, reading in readings.items()], indent=2))
        else:
            for path, reading in readings.items():
                self.stdout.write(_format(path, reading))
        if problems:
            raise CommandError("\n".join(problems), returncode=BAD_INPUT)


def _describe(path: Path, reading: Reading) -> dict[str, Any]:
    """A reading as JSON; what is not assessable shows no probabilities, as on the page."""
    assessable = reading.outcome is not Outcome.NOT_ASSESSABLE
    return {
        "path": str(path),
        "outcome": reading.outcome.value,
        "reason": reading.reason,
        "malignant_probability": reading.malignant_probability if assessable else None,
        "probabilities": dict(zip(CLASSES, reading.probabilities.tolist(), strict=True)) if assessable else None,
        "balanced_scores": dict(zip(CLASSES, reading.balanced_scores.tolist(), strict=True)) if assessable else None,
        "logits": reading.logits.tolist(),
        "prediction_set": list(reading.prediction_set) if assessable else None,
        "flags": list(reading.flags),
        "runtime": reading.runtime,
        "milliseconds": reading.milliseconds,
    }


def _format(path: Path, reading: Reading) -> str:
    flags = f"  [{', '.join(reading.flags)}]" if reading.flags else ""
    if reading.outcome is Outcome.NOT_ASSESSABLE:
        return f"{path}  {reading.outcome.value} ({reading.reason}){flags}"
    bars = "  ".join(f"{code} {value:.3f}" for code, value in zip(CLASSES, reading.probabilities, strict=True))
    return f"{path}  {reading.outcome.value}  malignant {reading.malignant_probability:.3f}  {bars}{flags}"
