"""The stages of the pipeline, derived from one short plan (``ml/configs/best/plan.yaml``).

Teachers are trained on all folds but one; a student learns about a fold from the teachers that have not seen it. A
copy of the student that is to be judged on a fold must not learn of it indirectly either, so its teachers lack two.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from ml.data.split import OPEN_FOLDS
from ml.errors import UserError
from ml.support.strict import Word, check_rules, load_yaml

CONFIGS = Path(__file__).parents[2] / "configs" / "best"
DEFAULT_PLAN = CONFIGS / "plan.yaml"
PROOF_PLAN = CONFIGS / "proof.yaml"


@dataclass(frozen=True, slots=True)
class Step:
    """One training: a configuration beside the plan, changes to it (``set``), and its initial weights.

    These are ``weights``, a file of the weights directory, or ``start``, an earlier step of the student.
    """

    name: str
    config: str
    weights: str | None = None
    start: str | None = None
    set: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BestModelPlan:
    """The plan.

    ``folds``: training folds of the shipped network. For calibration, either ``copies``, those of them that a copy of
    the student does not see, or ``judged_on``, a fold that is not among them. ``average``: steps of the student whose
    weights are averaged in the end. ``out_of_fold``: no teacher teaches images it has seen. ``images``: number of
    images used, all if not given. ``set``: changes to every configuration.
    """

    teachers: Annotated[tuple[Step, ...], Field(min_length=1)]
    student: tuple[Step, ...]
    average: tuple[str, ...]
    copies: tuple[Word, ...] = ()
    judged_on: Word | None = None
    out_of_fold: bool = True
    folds: tuple[Word, ...] = OPEN_FOLDS
    images: int | None = None
    set: dict[str, Any] = field(default_factory=dict)

    @property
    def judging_folds(self) -> tuple[str, ...]:
        """Folds whose out-of-fold scores calibrate the shipped network."""
        return self.copies if self.judged_on is None else (self.judged_on,)

    @property
    def all_folds(self) -> tuple[str, ...]:
        """Folds whose images are needed."""
        return tuple(sorted({*self.folds, *self.judging_folds}))


@dataclass(frozen=True, slots=True)
class BestModelStage:
    """One stage, in the folder of its name.

    ``held_out``: folds that its network does not see; ``needs``: stages whose files it reads, first the one of its
    step's ``start``, then its teachers.
    """

    name: str
    kind: Literal["data", "train", "average", "finish"]
    needs: tuple[str, ...] = ()
    step: Step | None = None
    held_out: tuple[str, ...] = ()
    teachers: tuple[str, ...] = ()


DATA, FINISH, AVERAGE = "data", "finish", "average"


def read_plan(path: Path = DEFAULT_PLAN) -> BestModelPlan:
    """Read and check a plan; raises ``UserError`` naming the first invalid key or name."""
    plan: BestModelPlan = load_yaml(BestModelPlan, path, lambda plan: _check(plan, path.parent))
    return plan


def list_stages(plan: BestModelPlan) -> list[BestModelStage]:
    """All stages, ordered by dependency."""
    finals = [name_stage(AVERAGE, held_out) for held_out in list_students(plan)]
    return [
        BestModelStage(DATA, "data"),
        *_list_teachers(plan),
        *(stage for held_out in list_students(plan) for stage in _list_student(plan, held_out)),
        BestModelStage(FINISH, "finish", needs=tuple(finals)),
    ]


def list_students(plan: BestModelPlan) -> list[tuple[str, ...]]:
    """Held-out folds of each copy of the student and, last, of the student, which sees all."""
    return [*((fold,) for fold in plan.copies), ()]


def name_stage(step: str, held_out: tuple[str, ...]) -> str:
    """Name of a stage, such as ``distil_288-without-4`` or ``distil_288-all``."""
    return f"{step}-without-{'-'.join(held_out)}" if held_out else f"{step}-all"


def select_stages(stages: list[BestModelStage], names: tuple[str, ...]) -> list[BestModelStage]:
    """Stages whose name matches one of ``names``, which may contain ``*``; all without names."""
    for name in names:
        if not any(fnmatchcase(stage.name, name) for stage in stages):
            raise UserError(f"--stage {name}: there is none of that name; --list shows them")
    return [stage for stage in stages if not names or any(fnmatchcase(stage.name, name) for name in names)]


def _list_teachers(plan: BestModelPlan) -> Iterator[BestModelStage]:
    """Yield each family of teachers once for every set of folds that some student needs unseen."""
    needed = {lacked for held_out in list_students(plan) for lacked in _list_lacked(plan, held_out)}
    for step in plan.teachers:
        for held_out in sorted(needed, key=lambda folds: (len(folds), folds)):
            yield BestModelStage(name_stage(step.name, held_out), "train", needs=(DATA,), step=step, held_out=held_out)


def _list_lacked(plan: BestModelPlan, held_out: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Held-out folds of each teacher in a family: those of its student and, out of fold, one more."""
    if not plan.out_of_fold:
        return [held_out]
    return [tuple(sorted({fold, *held_out})) for fold in plan.folds if fold not in held_out]


def _list_student(plan: BestModelPlan, held_out: tuple[str, ...]) -> Iterator[BestModelStage]:
    teachers = tuple(
        name_stage(family.name, lacked) for family in plan.teachers for lacked in _list_lacked(plan, held_out)
    )
    for step in plan.student:
        start = () if step.start is None else (name_stage(step.start, held_out),)
        needs = (DATA, *start, *teachers)
        yield BestModelStage(name_stage(step.name, held_out), "train", needs, step, held_out, teachers)
    averaged = tuple(name_stage(name, held_out) for name in plan.average)
    yield BestModelStage(name_stage(AVERAGE, held_out), "average", needs=averaged, held_out=held_out)


def _check(plan: BestModelPlan, directory: Path) -> None:
    names = [step.name for step in (*plan.teachers, *plan.student)]
    earlier: set[str] = set()
    for step in (*plan.teachers, *plan.student):
        if names.count(step.name) > 1 or step.name in (DATA, FINISH, AVERAGE):
            raise UserError(f"{step.name}: names two steps; rename one")
        if not (directory / step.config).is_file():
            raise UserError(f"{step.name}: there is no configuration {directory / step.config}; add it")
        if step.start is not None and (step in plan.teachers or step.start not in earlier):
            raise UserError(f"{step.name}: starts from {step.start}, which is no earlier step of the student")
        if step.start is not None and step.weights is not None:
            raise UserError(f"{step.name}: has both weights and start; leave one out")
        if step in plan.student:
            earlier.add(step.name)
    folds = plan.folds
    check_rules(
        (
            ("average: must name steps of the student", bool(plan.average) and set(plan.average) <= earlier),
            (
                "folds: use 0 to 4, at least three, each once",
                set(folds) <= set(OPEN_FOLDS) and len(set(folds)) == len(folds) >= 3,
            ),
            (
                "copies: must name at least one of the folds, each once",
                plan.judged_on is not None
                or (set(plan.copies) <= set(folds) and len(set(plan.copies)) == len(plan.copies) > 0),
            ),
            (
                "judged_on: must be one of 0 to 4, not among folds, and without copies",
                plan.judged_on is None
                or (plan.judged_on in OPEN_FOLDS and plan.judged_on not in folds and not plan.copies),
            ),
            ("images: must be at least 7 for each fold", plan.images is None or plan.images >= 7 * len(folds)),
        )
    )
