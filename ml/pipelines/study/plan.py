"""The plan of the study's models, loaded strictly from one YAML file (``ml/configs/study.yaml``)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ml.errors import UserError
from ml.support.strict import load_yaml

DEFAULT_PLAN = Path(__file__).parents[2] / "configs" / "study.yaml"


@dataclass(frozen=True, slots=True)
class Entry:
    """One model.

    A configuration beside the plan, changes to it (dotted keys) by ``set`` and, on a GPU, by ``gpu``, and the file of
    its initial weights in the weights directory.
    """

    name: str
    label: str
    config: str
    set: dict[str, Any] = field(default_factory=dict)
    weights: str | None = None
    gpu: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """Entries that answer one question.

    ``baseline``: the entry, of this question or of an earlier one, that each other is paired with. ``along``: the
    number that varies, for a curve. ``gpu``: changes by ``--gpu`` to the configurations of all entries.
    """

    key: str
    tier: int
    title: str
    ask: str
    entries: tuple[Entry, ...]
    baseline: str | None = None
    along: Literal["none", "resolution", "training_images"] = "none"
    gpu: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two entries to compare, besides those paired with baselines."""

    one: str
    other: str


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """The whole study; ``directory`` has the configurations."""

    questions: tuple[Question, ...]
    pairs: tuple[Pair, ...]
    directory: Path

    @property
    def entries(self) -> dict[str, Entry]:
        """Entries by name, in the order of the plan."""
        return {entry.name: entry for question in self.questions for entry in question.entries}

    def question_of(self, name: str) -> Question:
        """The question that an entry belongs to."""
        return next(each for each in self.questions if name in [entry.name for entry in each.entries])

    def select(self, *, only: tuple[str, ...] = (), tier: int | None = None) -> list[Entry]:
        """Select entries by name or tier; raises ``UserError`` for a name that is not in the plan."""
        unknown = [name for name in only if name not in self.entries]
        if unknown:
            raise UserError(f"--only {unknown[0]}: is not in the plan; known are {', '.join(self.entries)}")
        return [
            entry
            for question in self.questions
            for entry in question.entries
            if (not only or entry.name in only) and tier in (None, question.tier)
        ]

    def list_pairs(self) -> list[tuple[str, str]]:
        """Every variant with its question's baseline, then the named pairs."""
        from_baselines = [
            (entry.name, question.baseline)
            for question in self.questions
            for entry in question.entries
            if question.baseline not in (None, entry.name)
        ]
        named = [(pair.one, pair.other) for pair in self.pairs]
        return list(dict.fromkeys([(one, str(other)) for one, other in from_baselines] + named))


@dataclass(frozen=True, slots=True)
class _File:
    questions: tuple[Question, ...]
    pairs: tuple[Pair, ...] = ()


def read_plan(path: Path = DEFAULT_PLAN) -> StudyPlan:
    """Read and check a plan; raises ``UserError`` naming the first invalid key or name."""
    file: _File = load_yaml(_File, path, lambda file: _check(StudyPlan(file.questions, file.pairs, path.parent)))
    return StudyPlan(file.questions, file.pairs, path.parent)


def merge_config(plan: StudyPlan, entry: Entry, *, gpu: bool = False) -> dict[str, Any]:
    """The entry's complete configuration, with its own changes and those for a GPU."""
    path = plan.directory / entry.config
    content: dict[str, Any] = load_yaml(dict[str, Any], path)
    changes = [entry.set, plan.question_of(entry.name).gpu, entry.gpu] if gpu else [entry.set]
    for key, value in (item for change in changes for item in change.items()):
        content = _set(content, key.split("."), value)
    return content


def _set(content: Any, keys: list[str], value: Any) -> dict[str, Any]:
    """A copy of nested mappings with one value set."""
    first, *rest = keys
    if not isinstance(content, Mapping):
        raise UserError(f"set: {first} lies in a value that has no keys")
    return {**content, first: _set(content.get(first, {}), rest, value) if rest else value}


def _check(plan: StudyPlan) -> None:
    names = [entry.name for question in plan.questions for entry in question.entries]
    for twice in (name for name in names if names.count(name) > 1):
        raise UserError(f"{twice}: names two entries; rename one")
    for name in names:
        if not name.replace("_", "").isalnum():
            raise UserError(f"{name!r}: an entry's name is letters, digits and _")
    for name in _list_references(plan):
        if name not in names:
            raise UserError(f"{name}: is no entry; known are {', '.join(names)}")
    for entry in plan.entries.values():
        if not (plan.directory / entry.config).is_file():
            raise UserError(f"{entry.name}: there is no configuration {plan.directory / entry.config}; add it")


def _list_references(plan: StudyPlan) -> Iterator[str]:
    yield from (question.baseline for question in plan.questions if question.baseline is not None)
    for pair in plan.pairs:
        yield from (pair.one, pair.other)
