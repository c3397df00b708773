"""``python -m ml.pipelines.tuning``: look for better values of a configuration's keys without Django."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ml.pipelines.train.__main__ import INTERRUPTED_MESSAGE
from ml.support.command_line import command, needs_training_libraries


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a study, shared with the management command."""
    parser.add_argument("--data", type=Path, required=True, help="directory in the official ISIC 2018 Task 3 layout")
    parser.add_argument("--config", type=Path, required=True, help="YAML file of the base configuration, trial 0")
    parser.add_argument("--space", type=Path, required=True, help="YAML file: what to draw (ml/configs/spaces)")
    parser.add_argument("--weights", type=Path, help="safetensors state dict that every trial starts from")
    parser.add_argument("--trials", type=int, default=20, help="how many trials in all, pruned ones counted (20)")
    parser.add_argument("--out", type=Path, required=True, help="study folder, as runs/tuning/NAME")
    parser.add_argument("--report", type=Path, help="where table and plots go; default: the study folder")
    parser.add_argument("--resume", action="store_true", help="go on with the study in the study folder")


@command(when_stopped=INTERRUPTED_MESSAGE)
def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 2 for bad input, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m ml.pipelines.tuning", description=__doc__)
    add_arguments(parser)
    options = parser.parse_args(arguments)
    with needs_training_libraries():
        from ml.pipelines.tuning.run import tune  # noqa: PLC0415 --help needs none of it
    folder = tune(
        data=options.data,
        config_path=options.config,
        space_path=options.space,
        weights=options.weights,
        trials=options.trials,
        out=options.out,
        report=options.report,
        resume=options.resume,
    )
    print(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
