"""``manage.py compare_models``: the models of the study side by side."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from classifier.management.base import UserErrorCommand
from ml.errors import UserError
from ml.metrics.comparison import PARTS
from ml.pipelines.study.plan import DEFAULT_PLAN
from ml.pipelines.study.results import DEFAULT_RESULTS
from ml.reports.study.read import compare_models, compare_runs, read_study


class Command(UserErrorCommand):
    """Thin over ``ml.reports.study.read``."""

    help = "Print tables of the study's models, or of your own runs: figures with intervals, costs, differences."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of the command."""
        parser.add_argument("questions", nargs="*", metavar="QUESTION", help="as scratch or loss; default: all")
        parser.add_argument("--runs", nargs="+", type=Path, metavar="DIR", help="your own run folders instead")
        parser.add_argument("--data", type=Path, metavar="DIR", help="their data, needed with --runs")
        parser.add_argument("--on", choices=tuple(PARTS), default="choosing", help="which fold; default: choosing")
        parser.add_argument("--results", type=Path, default=DEFAULT_RESULTS, metavar="DIR", help="default: docs/study")
        parser.add_argument("--plan", type=Path, default=DEFAULT_PLAN, metavar="FILE", help="default: the study's")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Compare and print."""
        if options["runs"]:
            if options["data"] is None or options["questions"] or options["on"] != "choosing":
                raise UserError("--runs: needs --data, and compares on the choosing fold alone, without questions")
            self.stdout.write(compare_runs(options["runs"], options["data"]))
            return
        study = read_study(options["results"], options["plan"], options["results"])
        self.stdout.write(compare_models(study, options["on"], options["questions"]))
