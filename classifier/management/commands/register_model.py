"""`manage.py register_model PATH [--activate | --activate-if-new]`."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from classifier.management.base import UserErrorCommand
from classifier.models import ModelStatus, ModelVersion
from classifier.services.readings.queue import process_queue
from classifier.services.registry import activate_model, register_model, register_shipped_model
from ml.bundle.activation_doubts import FIGURES, choose_report
from ml.errors import UserError
from ml.metrics.estimate import Estimate
from ml.training.servable import check_is_no_run


class Command(UserErrorCommand):
    """Copy a bundle into the model store."""

    help = "Verify a bundle, copy it into the model store and list it; with --activate it reads from now on."
    when_stopped = "Stopped. Nothing half-done is left; register it again."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the bundle's directory."""
        parser.add_argument("path", type=Path, metavar="PATH", help="directory of the bundle (with manifest.json)")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--activate", action="store_true", help="let it read from now on, and read what waits")
        how.add_argument(
            "--activate-if-new",
            action="store_true",
            help="activate it if it is new here and no other network was chosen: for every start of a site",
        )
        parser.add_argument(
            "--force-because",
            default="",
            metavar="REASON",
            help="activate one that lacks a detector or did badly when it was measured; the audit trail keeps why",
        )

    def handle(
        self, *_args: Any, path: Path, activate: bool, activate_if_new: bool, force_because: str, **_options: Any
    ) -> None:
        """Register, tell its figures beside the active one's, and read what waited for a model."""
        if force_because and not activate:
            raise UserError("--force-because says why to activate; give it with --activate")
        check_is_no_run(path)
        model_version = register_shipped_model(path=path) if activate_if_new else register_model(path=path)
        if activate:
            self._tell_figures(model_version)
            # What waits is read below, with its progress.
            activate_model(model_version=model_version, because=force_because, read_queue=False)
        self.stdout.write(f"{model_version} ({model_version.bundle_sha256}): {model_version.get_status_display()}")
        if activate:
            report = process_queue(progress=lambda keys: tqdm(keys, unit="reading", disable=not keys))
            if report.waiting:
                self.stdout.write(f"{report.waiting} waiting")

    def _tell_figures(self, candidate: ModelVersion) -> None:
        active = ModelVersion.objects.filter(status=ModelStatus.ACTIVE).exclude(pk=candidate.pk).first()
        for version, role in ((candidate, "candidate"), (active, "active")):
            if version is not None:
                self.stdout.write(f"{role}: {version}, {_describe(version.manifest)}")


def _describe(manifest: dict[str, Any]) -> str:
    """The figures of a version with their 95 % intervals, and what they were measured on."""
    if not manifest.get("metrics"):
        return "never measured"
    name, report = choose_report(manifest["metrics"])
    found = {key: Estimate.from_json(figure) for key, figure in report["metrics"].items()}
    told = [f"{words} {found.get(key, 'not measured')}" for key, words in FIGURES.items()]
    return f"{name} ({report['images']} images): {'; '.join(told)}"
