"""Commands that train."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ml.training.servable import check_configuration
from ml.verbs.verb import Verb, take_data

WHEN_STOPPED = "Stopped. Run the same command with --resume to continue after the last complete epoch."


def train(parser: ArgumentParser) -> None:
    """Train a network on the official ISIC 2018 Task 3 layout; calibrate, evaluate and export it.

    The bundle lies in the run folder. A configuration may describe a support vector machine or a probe instead, which
    is only measured.
    """
    take_data(parser)
    parser.add_argument("--config", type=Path, help="YAML file; default ml/configs/lite0_cpu.yaml")
    parser.add_argument("--weights", type=Path, help="safetensors state dict to start from; default: from scratch")
    parser.add_argument("--out", type=Path, help="run folder; default runs/ and the configuration's name")
    parser.add_argument("--resume", action="store_true", help="resume after the last complete epoch in the run folder")
    parser.add_argument(
        "--no-export", dest="export", action="store_false", help="stop after the predictions, without a bundle"
    )
    parser.add_argument("--devices", type=int, default=1, help="processes that share every batch (1)")


def check_training(options: Namespace) -> None:
    """Notice for a configuration that never becomes a bundle.

    Raises ``UserError`` for one that should become a bundle and cannot, and for an invalid one.
    """
    notice = check_configuration(options.config, export=options.export)
    if notice is not None:
        print(notice, file=sys.stderr)


def tune(parser: ArgumentParser) -> None:
    """Search hyperparameters of a configuration: trials with pruning, judged on the choosing fold only."""
    take_data(parser)
    parser.add_argument("--config", type=Path, required=True, help="YAML file of the base configuration, trial 0")
    parser.add_argument("--space", type=Path, required=True, help="YAML file of the search space (ml/configs/spaces)")
    parser.add_argument("--weights", type=Path, help="safetensors state dict that every trial starts from")
    parser.add_argument("--trials", type=int, default=20, help="number of trials, including pruned ones (20)")
    parser.add_argument("--out", type=Path, required=True, help="study folder, as runs/tuning/NAME")
    parser.add_argument("--report", type=Path, help="where table and plots go; default: the study folder")
    parser.add_argument("--resume", action="store_true", help="resume the study in the study folder")


def train_decoder(parser: ArgumentParser) -> None:
    """Train the lesion segmentation decoder on a frozen network.

    Reads the masks of folds 0 to 3 (HAM10000_segmentations: Tschandl et al., Nat Med 2020) and the network's weights;
    writes the decoder's weights, about 50 kB, for ``build --decoder``.
    """
    take_data(parser)
    parser.add_argument("--weights", type=Path, required=True, help="safetensors state dict of the network")
    parser.add_argument("--out", type=Path, required=True, help="safetensors file of the decoder to write")
    parser.add_argument("--images", type=int, default=6000, help="images seen (6000)")
    parser.add_argument("--size", type=int, default=320, help="input size in pixels (320)")
    parser.add_argument("--bf16", action="store_true", help="let the network compute in bf16")


def curves(parser: ArgumentParser) -> None:
    """Draw loss and metrics of a training run by epoch."""
    parser.add_argument("run", type=Path, help="run folder, or its metrics.csv")
    parser.add_argument("--out", type=Path, required=True, help="SVG or PNG file")


VERBS = (
    Verb(
        name="train",
        options=train,
        work="ml.pipelines.train.start:main",
        when_stopped=WHEN_STOPPED,
        check=check_training,
    ),
    Verb(name="tune", options=tune, work="ml.pipelines.tuning.run:main", when_stopped=WHEN_STOPPED),
    Verb(name="train-decoder", options=train_decoder, work="ml.training.segmentation:main"),
    Verb(name="curves", options=curves, work="ml.training.curves:main"),
)
