"""``python -m ml.reports.eda``: explore a data set without Django."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ml.errors import UserError
from ml.support.command_line import command, needs_training_libraries

PUBLISHED = Path(__file__).parents[3] / "docs" / "eda"
INTERRUPTED_MESSAGE = "Stopped. Go on where it stopped with the same command."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, shared with the management command."""
    parser.add_argument("--data", type=Path, required=True, help="directory in the official ISIC 2018 Task 3 layout")
    parser.add_argument("--out", type=Path, default=Path("runs/eda"), help="folder of the page; default runs/eda")
    parser.add_argument("--publish", action="store_true", help="into docs/eda; refused where the data differ")
    parser.add_argument("--workers", type=int, default=2, help="threads that measure pictures; default 2")


def run(data: Path, out: Path, workers: int, *, publish: bool = False) -> Path:
    """Write the report and return the page's path. Raises ``UserError``."""
    if workers < 1:
        raise UserError(f"--workers {workers}: must be 1 at least")
    with needs_training_libraries():
        from ml.reports.eda.report import write_report  # noqa: PLC0415 --help needs none of it
    return write_report(data, PUBLISHED if publish else out, workers=workers, publish=publish)


@command(when_stopped=INTERRUPTED_MESSAGE)
def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 2 for bad input, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m ml.reports.eda", description="Explore a data set as one page.")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    page = run(options.data, options.out, options.workers, publish=options.publish)
    print(page)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
