"""Reading photographs from files as uploads are read, without keeping anything."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ml.bundle.folder import load_bundle
from ml.errors import UserError
from ml.evaluation.evaluate import SUFFIXES, read_photograph
from ml.serve.image_io import LIMITS
from ml.serve.interpretation import Reading
from ml.serve.predictor import Predictor
from ml.taxonomy import CLASSES

SOME_FAILED = 1


def main(options: argparse.Namespace) -> int:
    """Read all that can be read, folders with all that is below them; what cannot is named at the end."""
    paths, others = find_photographs(options.paths)
    if others:
        files = "file is" if others == 1 else "files are"
        print(f"{others} {files} no image by name ({', '.join(SUFFIXES)}) and left out.", file=sys.stderr)
    if not paths:
        raise UserError("No image there; give image files or a folder of them.")
    predictor = Predictor(load_bundle(options.bundle))
    readings: dict[Path, Reading] = {}
    problems: list[str] = []
    for path in tqdm(paths, unit="image", disable=len(paths) == 1):
        try:
            readings[path] = read_photograph(predictor, path, limits=LIMITS)
        except UserError as error:
            problems.append(str(error))
    if options.json:
        print(json.dumps([_describe(path, reading) for path, reading in readings.items()], indent=2))
    else:
        for path, reading in readings.items():
            print(_format(path, reading))
    for problem in problems:
        print(problem, file=sys.stderr)
    return SOME_FAILED if problems else 0


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
