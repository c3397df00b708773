"""``python -m ml.pipelines.train``: train a network without Django."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.pipelines.train.ending import describe_end
from ml.support.command_line import command, needs_training_libraries
from ml.training.folder import RunFolder
from ml.training.servable import check_configuration

INTERRUPTED_MESSAGE = "Stopped. Go on after the last whole epoch with the same command and --resume."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a run, shared with the management command."""
    parser.add_argument("--data", type=Path, required=True, help="directory in the official ISIC 2018 Task 3 layout")
    parser.add_argument("--config", type=Path, help="YAML file; default ml/configs/lite0_cpu.yaml")
    parser.add_argument("--weights", type=Path, help="safetensors state dict to start from; default: from scratch")
    parser.add_argument("--out", type=Path, help="run folder; default runs/ and the configuration's name")
    parser.add_argument("--resume", action="store_true", help="go on after the last whole epoch in the run folder")
    parser.add_argument("--no-export", dest="export", action="store_false", help="end with the predictions: no bundle")
    parser.add_argument("--devices", type=int, default=1, help="processes that share every batch (1)")


@command(when_stopped=INTERRUPTED_MESSAGE)
def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 2 for bad input, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.pipelines.train", description="Train, choose, calibrate and export."
    )
    add_arguments(parser)
    options = parser.parse_args(arguments)
    told = check_configuration(options.config, export=options.export)
    if told is not None:
        print(told, file=sys.stderr)
    with needs_training_libraries():
        from ml.pipelines.train.start import train  # noqa: PLC0415 --help needs none of it
    folder = train(
        data=options.data,
        config_path=options.config,
        weights=options.weights,
        out=options.out,
        resume=options.resume,
        export=options.export,
        devices=options.devices,
    )
    print(describe_end(RunFolder(folder)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
