"""Commands that run several trainings."""

from argparse import ArgumentParser
from pathlib import Path

from ml.evaluation.fold_log import TEST_FOLD_LOG
from ml.pipelines.study.plan import DEFAULT_PLAN
from ml.pipelines.study.results import DEFAULT_RESULTS
from ml.verbs.verb import Needs, Verb, take_data

BEST_MODEL = Path("runs/best")


def study(parser: ArgumentParser) -> None:
    """Train and measure the models of the plan; run the same command again to resume.

    Without ``--report-test`` only the choosing fold is measured. With it nothing is trained: every selected model must
    be finished, and each is evaluated on the test fold once, which is logged.
    """
    take_data(parser)
    parser.add_argument("--weights-dir", type=Path, help="weights that entries start from; default: the hub")
    parser.add_argument("--out", type=Path, default=Path("runs/study"), help="study folders; default runs/study")
    parser.add_argument("--plan", type=Path, default=DEFAULT_PLAN, help="default ml/configs/study.yaml")
    parser.add_argument("--results", type=Path, help="figures as JSON; default: report in the study folder")
    parser.add_argument("--publish", action="store_true", help="into docs/study; refused where its data are others")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="only these entries")
    parser.add_argument("--tier", type=int, help="only entries of this tier")
    parser.add_argument("--gpu", action="store_true", help="the plan's values for a GPU: longer, larger")
    parser.add_argument("--jobs", type=int, choices=range(1, 65), default=1, metavar="N", help="processes at once")
    parser.add_argument("--minutes-per-job", type=float, metavar="N", help="stop a model after so long; resumable")
    parser.add_argument("--keep-going", action="store_true", help="continue after a failure; count them at the end")
    parser.add_argument("--report-test", metavar="WHY", help="train nothing; measure on the test fold, logged, once")
    parser.add_argument("--log", type=Path, default=TEST_FOLD_LOG, help="log of the test fold's readings")


def experiments(parser: ArgumentParser) -> None:
    """Write ``docs/experiments.md`` and its figures from the study's results."""
    parser.add_argument("--results", type=Path, default=DEFAULT_RESULTS, help="default docs/study")
    parser.add_argument("--plan", type=Path, default=DEFAULT_PLAN, help="default ml/configs/study.yaml")
    parser.add_argument("--out", type=Path, help="default: docs/experiments.md, or experiments.md beside other results")


def best_model(parser: ArgumentParser) -> None:
    """Run all stages to the shipped model; run the same command again to resume."""
    parser.add_argument("--data", type=Path, help="directory in the official ISIC 2018 Task 3 layout")
    parser.add_argument("--weights", type=Path, help="directory of the ImageNet weights that the plan names")
    parser.add_argument("--out", type=Path, default=BEST_MODEL, help="where all is written; default runs/best")
    parser.add_argument("--stage", nargs="+", default=[], metavar="NAME", help="only these; NAME may contain *")
    parser.add_argument("--list", action="store_true", help="list the stages with input, output and time")
    parser.add_argument("--minutes", type=float, metavar="N", help="start no stage that might not end in that time")
    parser.add_argument("--proof", action="store_true", help="a small trial with 200 images, for a CPU")
    parser.add_argument("--plan", type=Path, help="another plan; default ml/configs/best/plan.yaml")
    parser.add_argument("--clinical", type=Path, help="PAD-UFES-20's layout, for the detector of the last stage")
    parser.add_argument("--everyday", type=Path, help="photographs of everything but skin, for the same")


def pack(parser: ArgumentParser) -> None:
    """Pack the training images of ``best-model`` into tars, for a machine without network."""
    take_data(parser)
    parser.add_argument("--out", type=Path, required=True, help="directory of the tars")
    parser.add_argument("--megabytes", type=int, default=30, help="of one tar at most (30)")


def unpack(parser: ArgumentParser) -> None:
    """Unpack the tars of ``pack`` to the official layout."""
    parser.add_argument("--data", type=Path, required=True, help="directory of the tars")
    parser.add_argument("--out", type=Path, required=True, help="the official layout is written here")


VERBS = (
    Verb(
        name="study",
        options=study,
        work="ml.pipelines.study.command:main",
        when_stopped="Stopped. Run the same command again to resume.",
    ),
    Verb(name="experiments", options=experiments, work="ml.reports.study.experiments:main"),
    Verb(
        name="best-model",
        options=best_model,
        work="ml.pipelines.best_model.command:main",
        when_stopped="Stopped. Run the same command again to resume after the last complete epoch.",
    ),
    Verb(name="pack", options=pack, work="ml.pipelines.best_model.data:pack_training_data", needs=Needs.BASE),
    Verb(name="unpack", options=unpack, work="ml.pipelines.best_model.data:unpack_training_data", needs=Needs.BASE),
)
