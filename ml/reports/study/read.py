"""The study's plan and results, and the comparison of its models as text."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.errors import UserError
from ml.metrics.comparison import PARTS, Models, Result, tabulate_costs, tabulate_differences, tabulate_metrics
from ml.pipelines.study.folder import calibrate_on_choosing, measure_folder, open_study_folder, read_truth
from ml.pipelines.study.plan import Question, StudyPlan, read_plan
from ml.pipelines.study.results import pair, read_comparisons, read_results
from ml.support.disk import read_json

BEST_NOTE = "* the best by balanced accuracy on the choosing fold"


@dataclass(frozen=True, slots=True)
class Study:
    """Plan and results; ``beside`` is the directory that a document's links are relative to."""

    plan: StudyPlan
    results: Path
    beside: Path
    found: Mapping[str, Result]
    comparisons: Sequence[Result]
    tuning: Mapping[str, Any]
    errors: Mapping[str, Any]

    @property
    def labels(self) -> dict[str, str]:
        """Names of the entries in tables."""
        return {entry.name: entry.label for entry in self.plan.entries.values()}

    def link(self, path: Path) -> str:
        """Path of a file relative to the document."""
        return os.path.relpath(path, self.beside).replace(os.sep, "/")


def read_study(results: Path, plan_path: Path, beside: Path) -> Study:
    """Read the committed results."""
    plan = read_plan(plan_path)
    return Study(
        plan,
        results,
        beside,
        read_results(results, plan.entries),
        read_comparisons(results),
        tuning=_read_json(next(iter(sorted((results / "tuning").rglob("tuning.json"))), None)),
        errors=_read_json(results / "errors" / "errors.json"),
    )


def list_models(study: Study, question: Question) -> Models:
    """A question's entries, preceded by its baseline if that belongs to another question."""
    names = [entry.name for entry in question.entries]
    if question.baseline is not None and question.baseline not in names:
        names = [question.baseline, *names]
    return [(study.labels[name], study.found.get(name, {})) for name in names]


def compare_models(study: Study, part: str, keys: Sequence[str] = ()) -> str:
    """Tables of the named questions, or of all, on the choosing or the test fold, as text.

    Raises ``UserError`` for an unknown question.
    """
    known = [question.key for question in study.plan.questions]
    for key in keys:
        if key not in known:
            raise UserError(f"{key}: is no question of the plan; known are {', '.join(known)}")
    chosen = [question for question in study.plan.questions if not keys or question.key in keys]
    return "\n\n".join([*(_compare_one(study, question, part) for question in chosen), BEST_NOTE])


def compare_runs(paths: Sequence[Path], data: Path) -> str:
    """Tables of finished runs, each calibrated and measured on its choosing fold, as text.

    Each is paired with the first if both were chosen on the same images. Raises ``UserError``.
    """
    truth = read_truth(data)
    opened = [open_study_folder(path) for path in paths]
    labels = {str(folder.path): folder.name for folder in opened}
    measured = [measure_folder(each, truth, calibrate_on_choosing(each, truth), test=False) for each in opened]
    models = [
        (folder.name, {"name": folder.name, "summary": folder.summary, "choosing": each.figures})
        for folder, each in zip(opened, measured, strict=True)
    ]
    differences = [
        {"one": str(folder.path), "other": str(paths[0]), "part": "choosing", "differences": pair(each, measured[0])}
        for folder, each in list(zip(opened, measured, strict=True))[1:]
        if each.images == measured[0].images
    ]
    tables = [tabulate_metrics(models, "choosing"), tabulate_costs(models)]
    tables += [tabulate_differences(differences, labels, "choosing")] if differences else []
    return "\n\n".join([f"On {PARTS['choosing']}", *(table.to_text() for table in tables), BEST_NOTE])


def list_differences(study: Study, question: Question) -> list[Result]:
    """The pairs listed under a question: those whose first model is an entry of it."""
    own = [entry.name for entry in question.entries]
    return [each for each in study.comparisons if each["one"] in own]


def _compare_one(study: Study, question: Question, part: str) -> str:
    models = list_models(study, question)
    tables = [tabulate_metrics(models, part), tabulate_costs(models)]
    differences = tabulate_differences(list_differences(study, question), study.labels, part)
    tables += [differences] if differences.rows else []
    title = f"{question.title} (tier {question.tier}), on {PARTS[part]}"
    return "\n\n".join([title, *(table.to_text() for table in tables)])


def _read_json(path: Path | None) -> dict[str, Any]:
    return dict(read_json(path)) if path is not None and path.is_file() else {}


def main(options: argparse.Namespace) -> int:
    """Compare and print."""
    if options.runs:
        if options.data is None or options.questions or options.on != "choosing":
            raise UserError("--runs: needs --data, and compares on the choosing fold only, without questions")
        print(compare_runs(options.runs, options.data))
        return 0
    study = read_study(options.results, options.plan, options.results)
    print(compare_models(study, options.on, options.questions))
    return 0
