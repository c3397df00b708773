"""Commands that read photographs with finished models, measure them and compare them."""

from argparse import ArgumentParser
from dataclasses import fields
from pathlib import Path

from ml.bundle.folder import DEFAULT_BUNDLE
from ml.data.split import CALIBRATION_FOLD, FOLDS
from ml.metrics.comparison import PARTS
from ml.pipelines.study.plan import DEFAULT_PLAN
from ml.pipelines.study.results import DEFAULT_RESULTS
from ml.reports.errors.sources import Sources
from ml.verbs.verb import Needs, Verb, take_data


def predict(parser: ArgumentParser) -> None:
    """Read photographs as uploads are read: outcome, malignant sum, seven probabilities.

    Nothing is stored. Exit code 1 where some could not be read, 2 where there was none to read.
    """
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="image files, and folders of them")
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, metavar="PATH", help="default: the shipped")
    parser.add_argument("--json", action="store_true", help="print a JSON list, with logits and balanced scores")


def evaluate(parser: ArgumentParser) -> None:
    """Score every image of a ground-truth file as an upload, and print the metrics with 95 % intervals."""
    parser.add_argument("--images", type=Path, required=True, metavar="DIR", help="directory of the images")
    parser.add_argument("--truth", type=Path, required=True, metavar="CSV", help="labels in the official columns")
    parser.add_argument("--lesions", type=Path, metavar="CSV", help="columns image,lesion_id; else found beside")
    parser.add_argument("--fold", choices=FOLDS, help="only this fold of the frozen split")
    parser.add_argument("--why", help="reason for the log; required for images of the test fold")
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, metavar="PATH", help="default: the shipped")
    parser.add_argument("--predictions", type=Path, metavar="CSV", help="write scores in the submission layout")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the whole report as JSON")


def compare(parser: ArgumentParser) -> None:
    """Print tables of the study's models, or of your own runs: metrics with intervals, costs, differences."""
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help="such as scratch or loss; default: all")
    parser.add_argument("--runs", nargs="+", type=Path, metavar="DIR", help="your own run folders instead")
    parser.add_argument("--data", type=Path, metavar="DIR", help="their data, needed with --runs")
    parser.add_argument("--on", choices=tuple(PARTS), default="choosing", help="which fold; default: choosing")
    parser.add_argument("--results", type=Path, default=DEFAULT_RESULTS, metavar="DIR", help="default: docs/study")
    parser.add_argument("--plan", type=Path, default=DEFAULT_PLAN, metavar="FILE", help="default: the study's")


def compare_bundles(parser: ArgumentParser) -> None:
    """Compare two bundles on one fold, paired.

    Prints a Markdown table: metrics of both with 95 % intervals by bootstrap over lesions, and the new minus the old
    on the same resamples. Each bundle reads as it is served, with its own views, calibration and thresholds. Only a
    fold that neither has seen is a fair comparison; the test fold needs ``--why``, which is logged once for each
    bundle.
    """
    parser.add_argument("old", type=Path, help="directory of a bundle")
    parser.add_argument("new", type=Path, help="directory of the bundle that may take its place")
    take_data(parser)
    parser.add_argument("--fold", choices=FOLDS, default=CALIBRATION_FOLD, help="fold of the frozen split (4)")
    parser.add_argument("--why", metavar="TEXT", help="reason for the log, required for the test fold")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="cache of observations of other folds")


def errors(parser: ArgumentParser) -> None:
    """Write an error report of a model: confusions, confident mistakes, subgroups, suspected label errors.

    ``index.html`` has thumbnails, ``errors.json`` the numbers.
    """
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
    take_data(parser)
    parser.add_argument("--fold", default=CALIBRATION_FOLD, help="fold that the bundle has not seen (4)")
    parser.add_argument("--publish", action="store_true", help="into docs/study/errors; refused where the data differ")
    for name, text in helps.items():
        parser.add_argument(f"--{name}", type=Path, default=defaults[name], help=text)


VERBS = (
    Verb(name="predict", options=predict, work="ml.evaluation.predict:main", needs=Needs.BASE),
    Verb(name="evaluate", options=evaluate, work="ml.evaluation.evaluate:main", needs=Needs.BASE),
    Verb(name="compare", options=compare, work="ml.reports.study.read:main", needs=Needs.BASE),
    Verb(name="compare-bundles", options=compare_bundles, work="ml.reports.bundles:main"),
    Verb(name="errors", options=errors, work="ml.reports.errors.report:main"),
)
