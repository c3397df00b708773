"""The error report of one model: ``python -m ml.reports.errors --data DIR --run runs/study/NAME``.

Writes ``index.html`` with small pictures in it, and ``errors.json`` with the numbers.
"""

import argparse
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from ml.data.split import CALIBRATION_FOLD
from ml.reports.errors.sources import PUBLISHED, Sources
from ml.support.command_line import command, needs_training_libraries


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, shared with the management command: a field of ``Sources`` each."""
    defaults = {item.name: item.default for item in fields(Sources)}
    helps = {
        "run": "study folder of the model; default: the bundle",
        "bundle": "bundle, where no --run is given; default: the shipped one",
        "weights": "weights of frozen features, whose doubts of labels are added",
        "probe": "configuration of the frozen features",
        "features": "directory that keeps the features; default runs/study/cache",
        "cache": "directory that keeps measures of pictures; default runs/eda/cache",
        "results": "the study's results; default docs/study",
        "plan": "the study's plan",
        "out": "directory of the report; default runs/errors",
    }
    parser.add_argument("--data", type=Path, required=True, help="directory in the official ISIC 2018 Task 3 layout")
    parser.add_argument("--fold", default=CALIBRATION_FOLD, help="fold that the bundle has not seen (4)")
    parser.add_argument("--publish", action="store_true", help="into docs/study/errors; refused where the data differ")
    for name, text in helps.items():
        parser.add_argument(f"--{name}", type=Path, default=defaults[name], help=text)


def run(sources: Sources, *, progress: bool = True) -> Path:
    """Make the report and return its page."""
    if sources.publish:
        sources = replace(sources, out=PUBLISHED)
    with needs_training_libraries():
        from ml.reports.errors.report import report  # noqa: PLC0415 --help needs none of it
    return report(sources, progress=progress)


@command()
def main(arguments: Sequence[str] | None = None) -> int:
    """Write; 2 with a one-line message for what the user can mend."""
    parser = argparse.ArgumentParser(prog="python -m ml.reports.errors", description="Where one model errs.")
    add_arguments(parser)
    print(run(Sources(**vars(parser.parse_args(arguments)))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
