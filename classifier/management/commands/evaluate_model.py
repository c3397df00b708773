"""``manage.py evaluate_model``: measure a bundle on labelled images."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from classifier.management.base import UserErrorCommand
from ml.bundle.folder import DEFAULT_BUNDLE, load_bundle
from ml.data.split import FOLDS
from ml.errors import UserError
from ml.evaluation.evaluate import evaluate_bundle, list_files_read
from ml.support.disk import check_can_be_written


class Command(UserErrorCommand):
    """Thin over ``ml.evaluation.evaluate``."""

    help = "Score every image of a truth file as an upload is scored, and print the metrics with 95 % intervals."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of the command."""
        parser.add_argument("--images", type=Path, required=True, metavar="DIR", help="directory of the images")
        parser.add_argument("--truth", type=Path, required=True, metavar="CSV", help="labels in the official columns")
        parser.add_argument("--lesions", type=Path, metavar="CSV", help="columns image,lesion_id; else found beside")
        parser.add_argument("--fold", choices=FOLDS, help="only this fold of the frozen split")
        parser.add_argument("--why", help="noted in the log; must be given where images of the test fold are read")
        parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, metavar="PATH", help="default: the shipped")
        parser.add_argument("--predictions", type=Path, metavar="CSV", help="write scores in the submission layout")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the whole report as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Evaluate and print."""
        bundle = load_bundle(options["bundle"])
        if options["json"] is not None:
            read = list_files_read(bundle, options["images"], options["truth"], options["lesions"])
            check_can_be_written(options["json"], not_over=(*read, options["predictions"]))
            if options["predictions"] is not None and options["json"].resolve() == options["predictions"].resolve():
                raise UserError(f"{options['json']}: cannot take both --json and --predictions; name two files")
        found = evaluate_bundle(
            bundle,
            options["images"],
            options["truth"],
            fold=options["fold"],
            why=options["why"],
            lesions_csv=options["lesions"],
            predictions_csv=options["predictions"],
        )
        if options["json"] is not None:
            told = found.report.to_dict() | {"seen": asdict(found.seen)}
            options["json"].write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        self.stdout.write(found.report.to_text())
        for line in found.seen.to_lines():
            self.stderr.write(f"note: {line}")
