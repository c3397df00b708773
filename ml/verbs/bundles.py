"""Commands that make a bundle and describe it."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ml.bundle.folder import DEFAULT_BUNDLE
from ml.data.split import CALIBRATION_FOLD
from ml.training.servable import check_checkpoint
from ml.verbs.verb import Needs, Verb, take_data


def export(parser: ArgumentParser) -> None:
    """Calibrate a checkpoint on its run's choosing fold, export it as a bundle and measure that fold."""
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="runs/NAME/checkpoints/best.ckpt")
    parser.add_argument("--out", type=Path, required=True, metavar="PATH", help="directory of the bundle")
    parser.add_argument("--data", type=Path, metavar="DIR", help="default: the directory that it was trained on")


def check_export(options: Namespace) -> None:
    """Raise ``UserError`` for a checkpoint that cannot become a bundle."""
    check_checkpoint(options.checkpoint)


def build(parser: ArgumentParser) -> None:
    """Rebuild the shipped bundle from its weights and the data.

    Exports; fits calibration, outcome rule and prediction sets on fold 4, and with ``--clinical`` and ``--everyday``
    the out-of-distribution detector; measures fold 4 and the limits. ``--report-test`` then evaluates on the test
    fold, once, and writes the metrics into the manifest.
    """
    parser.add_argument("--weights", type=Path, required=True, help="safetensors state dict of the network")
    parser.add_argument("--decoder", type=Path, help="mask decoder of train-decoder for these weights")
    parser.add_argument("--out", type=Path, default=DEFAULT_BUNDLE, help="directory of the bundle")
    _take_what_is_measured(parser)


def remeasure(parser: ArgumentParser) -> None:
    """Measure a bundle again and update its manifest.

    Evaluates on the calibration fold, then measures the limits (other photographs, faults, small changes). ``--refit``
    first fits the limits again; ``--pooling`` only fits the rule by which photographs of a lesion are pooled, and
    measures nothing. ``--report-test`` finally evaluates on the test fold, once, and logs the reason. Needs no torch.
    """
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="directory of the bundle")
    parser.add_argument("--refit", action="store_true", help="fit calibration, rules and detector again first")
    parser.add_argument("--keep-detector", action="store_true", help="keep the detector and only set its limits again")
    parser.add_argument("--pooling", action="store_true", help="fit only how photographs of a lesion are pooled")
    parser.add_argument("--name-version", metavar="VERSION", help="version that the manifest is to name")
    _take_what_is_measured(parser)


def _take_what_is_measured(parser: ArgumentParser) -> None:
    take_data(parser)
    parser.add_argument("--clinical", type=Path, help="directory in PAD-UFES-20's layout: images/ and metadata.csv")
    parser.add_argument("--everyday", type=Path, help="directory of photographs of everything but skin")
    parser.add_argument("--fold", default=CALIBRATION_FOLD, help="calibration fold (4)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="cache of observations, to resume from")
    parser.add_argument("--report-test", metavar="WHY", help="also measure the test fold, and log why")


def card(parser: ArgumentParser) -> None:
    """Write the model card of the shipped bundle."""
    parser.add_argument("--data", type=Path, help="official ISIC 2018 Task 3 layout: renews the thumbnails too")


def heat_map(parser: ArgumentParser) -> None:
    """Run sanity checks of the heat-map.

    Two checks on photographs of fold 4, on the served graph. Randomised weights: the layers are shuffled from the
    classifier downwards, and the map should change (Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018).
    Localisation: the overlap of the hottest pixels, as many as the lesion's mask has, with that mask, against a
    centred disc of the same area, since photographers centre lesions.
    """
    take_data(parser)
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="directory of the bundle")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")


def manifest_schema(parser: ArgumentParser) -> None:
    """Write the JSON schema of a bundle's manifest."""
    parser.add_argument("out", type=Path, help="the file to write")


VERBS = (
    Verb(
        name="export",
        options=export,
        work="ml.build.checkpoint:main",
        when_stopped="Stopped. No bundle was made; give the same command again.",
        check=check_export,
    ),
    Verb(name="build", options=build, work="ml.build.ship:main"),
    Verb(name="remeasure", options=remeasure, work="ml.build.remeasure:main"),
    Verb(name="card", options=card, work="ml.reports.model_card.card:main"),
    Verb(name="manifest-schema", options=manifest_schema, work="ml.bundle.json_schema:main", needs=Needs.BASE),
    Verb(name="heat-map", options=heat_map, work="ml.evaluation.heat_map:main"),
)
