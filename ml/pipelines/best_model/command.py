"""All stages to the shipped model; run the same command again to resume."""

import argparse
from pathlib import Path

from ml.errors import UserError
from ml.pipelines.best_model.listing import describe_stages
from ml.pipelines.best_model.plan import DEFAULT_PLAN, PROOF_PLAN, list_stages, read_plan, select_stages
from ml.pipelines.best_model.run import check_weights, make_stages
from ml.pipelines.best_model.workspace import BestModelWorkspace
from ml.pipelines.stages import StageRunner


def main(options: argparse.Namespace) -> int:
    """List the stages, or run the selected ones."""
    source = options.plan or (PROOF_PLAN if options.proof else DEFAULT_PLAN)
    plan = read_plan(source)
    stages = select_stages(list_stages(plan), tuple(options.stage))
    if options.list:
        print(describe_stages(stages, BestModelWorkspace(plan, source.parent, Path(), Path(), options.out)))
        return 0
    place = BestModelWorkspace(
        plan,
        source.parent,
        _given(options, "data"),
        _given(options, "weights"),
        options.out,
        None if options.clinical is None else (options.clinical, _given(options, "everyday")),
    )
    check_weights(stages, place)
    StageRunner(make_stages(stages, place), minutes=options.minutes).run("Best model")
    return 0


def _given(options: argparse.Namespace, name: str) -> Path:
    value: Path | None = getattr(options, name)
    if value is None:
        raise UserError(f"--{name}: is needed here; see --help")
    return value
