"""``manage.py predict``: read photographs without keeping anything."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from classifier.management.base import UserErrorCommand
from ml.bundle.folder import DEFAULT_BUNDLE, load_bundle
from ml.errors import UserError
from ml.evaluation.evaluate import SUFFIXES, read_photograph
from ml.serve.image_io import LIMITS
from ml.serve.predictor import Predictor, Reading
from ml.taxonomy import CLASSES
from skinsite.platform.commands import BAD_INPUT

SOME_FAILED = 1


class Command(UserErrorCommand):
    """Thin over ``ml.serve.predictor``."""

    help = (
        "Read photographs as uploads are read: outcome, malignant sum, seven probabilities. Nothing is stored. "
        "Exit code 1 where some could not be read, 2 where there was none to read."
    )
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of the command."""
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="image files, and folders of them")
        parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, metavar="PATH", help="default: the shipped")
        parser.add_argument("--json", action="store_true", help="print a JSON list, with logits and balanced scores")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Read all that can be read, folders with all that is below them; what cannot is named at the end."""
        paths, others = find_photographs(options["paths"])
        if others:
            files = "file is" if others == 1 else "files are"
            self.stderr.write(f"{others} {files} no image by name ({', '.join(SUFFIXES)}) and left out.")
        if not paths:
            raise CommandError("No image there; give image files or a folder of them.", returncode=BAD_INPUT)
        predictor = Predictor(load_bundle(options["bundle"]))
        readings: dict[Path, Reading] = {}
        problems: list[str] = []
        for path in tqdm(paths, unit="image", disable=len(paths) == 1):
            try:
                readings[path] = read_photograph(predictor, path, limits=LIMITS)
            except UserError as error:
                problems.append(str(error))
        if options["json"]:
            self.stdout.write(json.dumps([_describe(path, reading) for path, reading in readings.items()], indent=2))
        else:
            for path, reading in readings.items():
                self.stdout.write(_format(path, reading))
        if problems:
            raise CommandError("\n".join(problems), returncode=SOME_FAILED)


def find_photographs(paths: Iterable[Path]) -> tuple[list[Path], int]:
    """The files named, and those below the folders named that an image's name ends; and how many others lie there.

    In the order given, a folder's by name; each once. Hidden files and folders count as no image.
    """
    found: dict[Path, None] = {}
    others = 0
    for path in paths:
        if not path.is_dir():
            found[path] = None
            continue
        for each in _list_files(path):
            if each.suffix.lower() in SUFFIXES and not each.name.startswith("."):
                found[each] = None
            else:
                others += 1
    return list(found), others


def _list_files(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror}); check its permissions.") from error
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink() and not entry.name.startswith("."):
            yield from _list_files(entry)
        elif entry.is_file():
            yield entry


def _describe(path: Path, reading: Reading) -> dict[str, Any]:
    """A reading as JSON; what was not read shows no probabilities, as on the page."""
    assessable = reading.is_read
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
    if not reading.is_read:
        return f"{path}  {reading.outcome.value} ({reading.reason}){flags}"
    bars = "  ".join(f"{code} {value:.3f}" for code, value in zip(CLASSES, reading.probabilities, strict=True))
    return f"{path}  {reading.outcome.value}  malignant {reading.malignant_probability:.3f}  {bars}{flags}"
