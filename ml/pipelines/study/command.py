"""Train and measure the models of the plan; run the same command again to resume.

Without ``--report-test`` only the choosing fold is measured. With it nothing is trained: every selected model must be
finished, and each reads the test fold once, which is logged.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from tqdm import tqdm

from ml.baselines import run as baseline
from ml.errors import UserError
from ml.metrics.estimate import Estimate
from ml.pipelines.stages import StageRunner
from ml.pipelines.study.folder import Truth, is_finished, open_study_folder, read_truth
from ml.pipelines.study.job import NETWORK, Job, StudyWorkspace, find_weights, make_stage, prepare_job
from ml.pipelines.study.measure import Predict
from ml.pipelines.study.plan import Entry, StudyPlan, read_plan
from ml.pipelines.study.results import (
    DEFAULT_RESULTS,
    check_same_data,
    record_choosing,
    record_comparisons,
    record_test,
    write_json,
)
from ml.support.disk import owning, read_json
from ml.training.predict import predict_test_fold


def main(options: argparse.Namespace) -> int:
    """Run the command as the options say; returns 1 if a model failed."""
    if options.publish:
        options.results = DEFAULT_RESULTS
    options.results = options.results or options.out / "report"
    plan = read_plan(options.plan)
    entries = plan.select(only=tuple(options.only), tier=options.tier)
    if options.report_test is not None:
        report_test(plan, entries, options)
        return 0
    return train(plan, entries, options)


def train(plan: StudyPlan, entries: Sequence[Entry], options: argparse.Namespace) -> int:
    """Train unfinished models and record the metrics of each on the choosing fold."""
    workspace = StudyWorkspace(options.data, options.weights_dir, options.out, options.gpu)
    truth = read_truth(workspace.data)
    _check_data(options, truth)
    jobs, problems = _prepare(plan, entries, workspace, keep_going=options.keep_going)

    def measure(job: Job) -> None:
        result = record_choosing(open_study_folder(job.folder), plan, job.entry, truth, options.results)
        tqdm.write(describe_result(result))  # above the progress bar

    stages = [
        make_stage(job, workspace, measure, at_once=options.jobs, minutes=options.minutes_per_job) for job in jobs
    ]
    runner = StageRunner(stages, at_once=options.jobs, after_failure="go on" if options.keep_going else "start nothing")
    with owning(workspace.out, "study"):
        failures = problems | runner.run("Study")
    record_comparisons(plan, options.out, options.results)
    if failures:
        print(f"{len(failures)} of {len(entries)} models failed: {', '.join(failures)}", file=sys.stderr)
    return 1 if failures else 0


def report_test(plan: StudyPlan, entries: Sequence[Entry], options: argparse.Namespace) -> None:
    """Measure the models on the test fold, each once."""
    unfinished = [entry.name for entry in entries if not is_finished(options.out / entry.name)]
    if unfinished:
        raise UserError(
            f"{options.out}: {', '.join(unfinished)} not finished; the test fold is read when all of a tier are, or"
            " name those to report with --only"
        )
    truth = read_truth(options.data)
    _check_data(options, truth)
    workspace = StudyWorkspace(options.data, options.weights_dir, options.out, options.gpu)
    for entry in entries:
        folder = open_study_folder(options.out / entry.name)
        record_choosing(folder, plan, entry, truth, options.results)
        is_new = record_test(
            folder,
            data=options.data,
            why=options.report_test,
            results=options.results,
            predict=make_predict(entry, folder.summary["kind"], workspace),
            log=options.log,
        )
        print(f"{entry.name}: {'measured on the test fold' if is_new else 'was measured on the test fold before'}")
    record_comparisons(plan, options.out, options.results)


def _check_data(options: argparse.Namespace, truth: Truth) -> None:
    """Raise ``UserError`` if results or trained models are of other data."""
    check_same_data(options.results, truth.data_sha256)
    recorded = options.out / "data.json"
    if not recorded.is_file():
        write_json(recorded, {"data_sha256": truth.data_sha256})
    elif read_json(recorded)["data_sha256"] != truth.data_sha256:
        raise UserError(f"{options.out}: its models were trained on other data; give another --out")


def describe_result(result: dict[str, object]) -> str:
    """One line about a finished model."""
    figures = result["choosing"]
    assert isinstance(figures, dict)
    accuracy, auc = (Estimate.from_json(figures["metrics"][name]) for name in ("balanced_accuracy", "malignancy_auc"))
    return (
        f"{result['name']}: balanced accuracy {accuracy}, malignancy AUC {auc.value:.3f}"
        f" on {figures['images']} choosing images"
    )


def make_predict(entry: Entry, kind: str, workspace: StudyWorkspace) -> Predict:
    """A function that gives a finished model's predictions on unseen images."""
    if kind == NETWORK:
        return predict_test_fold
    return partial(baseline.predict_test_fold, data=workspace.data, weights=find_weights(entry, workspace))


def _prepare(
    plan: StudyPlan, entries: Sequence[Entry], workspace: StudyWorkspace, *, keep_going: bool
) -> tuple[list[Job], dict[str, str]]:
    """Jobs, and the faults of entries that cannot become one; without ``keep_going`` the first one raises."""
    jobs, problems = [], {}
    for entry in entries:
        try:
            jobs.append(prepare_job(plan, entry, workspace))
        except UserError as error:
            if not keep_going:
                raise
            problems[entry.name] = str(error)
            print(f"{entry.name}: failed: {error}", file=sys.stderr)
    return jobs, problems
