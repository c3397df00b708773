"""``python -m ml.pipelines.best_model``: all stages to the model that ships; the same command goes on where it stopped.

``pack`` writes the training images to tars for a machine without network, ``unpack`` lays them out there.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ml.data.split import OPEN_FOLDS
from ml.errors import UserError
from ml.pipelines.best_model.data import pack, select_training_data, unpack
from ml.pipelines.best_model.plan import DEFAULT_PLAN, PROOF_PLAN, list_stages, read_plan, select_stages
from ml.support.command_line import command, needs_training_libraries


@command(when_stopped="Stopped. The same command goes on after the last whole epoch.")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 2 for bad input, 130 after Ctrl-C."""
    options = _make_parser().parse_args(arguments)
    match options.action:
        case "pack":
            found = select_training_data(_given(options, "data"), OPEN_FOLDS)
            for path in pack(found, options.out, megabytes=options.megabytes):
                print(path)
        case "unpack":
            unpack(_given(options, "data"), options.out)
        case _:
            run_stages(options)
    return 0


def run_stages(options: argparse.Namespace) -> None:
    """List the stages, or run those that are chosen."""
    with needs_training_libraries():
        from ml.pipelines.best_model.listing import describe_stages  # noqa: PLC0415 --help and pack need no torch
        from ml.pipelines.best_model.place import Workplace  # noqa: PLC0415
        from ml.pipelines.best_model.run import check_weights, work  # noqa: PLC0415

    source = options.plan or (PROOF_PLAN if options.proof else DEFAULT_PLAN)
    plan = read_plan(source)
    stages = select_stages(list_stages(plan), tuple(options.stage))
    if options.list:
        print(describe_stages(stages, Workplace(plan, source.parent, Path(), Path(), options.out)))
        return
    place = Workplace(
        plan,
        source.parent,
        _given(options, "data"),
        _given(options, "weights"),
        options.out,
        None if options.clinical is None else (options.clinical, _given(options, "everyday")),
    )
    check_weights(stages, place)
    work(stages, place, minutes=options.minutes)


def _given(options: argparse.Namespace, name: str) -> Path:
    value: Path | None = getattr(options, name)
    if value is None:
        raise UserError(f"--{name}: is needed here; see --help")
    return value


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.pipelines.best_model", description=__doc__)
    parser.add_argument("action", nargs="?", choices=("run", "pack", "unpack"), default="run", help="default run")
    parser.add_argument("--data", type=Path, help="official ISIC 2018 Task 3 layout; of unpack: directory of the tars")
    parser.add_argument("--weights", type=Path, help="directory of the ImageNet weights that the plan names")
    parser.add_argument("--out", type=Path, default=Path("runs/best"), help="where all is written; default runs/best")
    parser.add_argument("--stage", nargs="+", default=[], metavar="NAME", help="these alone; NAME may hold *")
    parser.add_argument("--list", action="store_true", help="name the stages, what each needs, leaves and takes")
    parser.add_argument("--minutes", type=float, metavar="N", help="begin no stage that may not end within so long")
    parser.add_argument("--proof", action="store_true", help="the same in small, with 200 images, for a CPU")
    parser.add_argument("--plan", type=Path, help="another plan; default ml/configs/best/plan.yaml")
    parser.add_argument("--clinical", type=Path, help="PAD-UFES-20's layout, for the gate of the last stage")
    parser.add_argument("--everyday", type=Path, help="photographs of everything but skin, for the same")
    parser.add_argument("--megabytes", type=int, default=30, help="of one tar at most (30)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
