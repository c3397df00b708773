"""Search space of a tuning study: ranges and choices for keys of a configuration, loaded strictly from YAML."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import optuna
from pydantic import Field

from ml.errors import UserError
from ml.support.strict import load_yaml
from ml.training.config import TrainingConfig, build_config

Value = bool | int | float | str
Metric = Literal["balanced_accuracy", "malignancy_auc", "nll"]


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from ``low`` to ``high``, both included; with ``log``, uniform in the logarithm."""

    kind: Literal["float", "int"]
    low: float
    high: float
    log: bool = False

    def draw(self, trial: optuna.Trial, key: str) -> Value:
        if self.kind == "int":
            return trial.suggest_int(key, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(key, self.low, self.high, log=self.log)

    @property
    def is_sound(self) -> bool:
        return self.low < self.high and (self.low > 0 or not self.log)

    def holds(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high

    @property
    def extremes(self) -> tuple[Value, ...]:
        return (int(self.low), int(self.high)) if self.kind == "int" else (self.low, self.high)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several numbers, words or truth values."""

    kind: Literal["categorical"]
    choices: Annotated[tuple[Value, ...], Field(min_length=1)]

    def draw(self, trial: optuna.Trial, key: str) -> Value:
        drawn: Value = trial.suggest_categorical(key, self.choices)  # type: ignore[assignment] # of ours, none is None
        return drawn

    def holds(self, value: object) -> bool:
        return value in self.choices

    @property
    def extremes(self) -> tuple[Value, ...]:
        return self.choices


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """Search space.

    ``metric``: the metric on the choosing fold, after every epoch, that decides. ``keys``: the range or choice of each
    key of the configuration, nested ones with a dot (``augmentation.mix_probability``).
    """

    keys: Annotated[dict[str, Annotated[Range | Choice, Field(discriminator="kind")]], Field(min_length=1)]
    metric: Metric = "balanced_accuracy"

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        return "minimize" if self.metric == "nll" else "maximize"

    def draw(self, trial: optuna.Trial) -> dict[str, Value]:
        """Draw a value for every key."""
        return {key: dimension.draw(trial, key) for key, dimension in self.keys.items()}


def read_space(path: Path, base: TrainingConfig) -> SearchSpace:
    """Load a YAML file, and check every key's extremes in the base configuration, so that no trial fails on them.

    Raises ``UserError`` naming the first invalid key.
    """
    space: SearchSpace = load_yaml(SearchSpace, path, lambda space: _check(space, base))
    return space


def replace_keys(config: TrainingConfig, values: dict[str, Value]) -> dict[str, Any]:
    """The configuration as plain values, with some of them replaced."""
    plain = config.to_dict()
    for key, value in values.items():
        _find(plain, key)[key.rpartition(".")[2]] = value
    return plain


def read_keys(config: TrainingConfig, space: SearchSpace) -> dict[str, Value]:
    """The configuration's own values of the keys in the space."""
    plain = config.to_dict()
    return {key: _find(plain, key)[key.rpartition(".")[2]] for key in space.keys}


def _find(plain: dict[str, Any], key: str) -> dict[str, Any]:
    """The mapping that contains the last part of a dotted key."""
    *parents, last = key.split(".")
    mapping: Any = plain
    for parent in parents:
        mapping = mapping.get(parent) if isinstance(mapping, dict) else None
    if not isinstance(mapping, dict) or last not in mapping:
        raise UserError(f"keys: the configuration has no key {key}; known are {', '.join(plain)}")
    return mapping


def _check(space: SearchSpace, base: TrainingConfig) -> None:
    own = read_keys(base, space)
    for key, dimension in space.keys.items():
        if isinstance(dimension, Range) and not dimension.is_sound:
            raise UserError(f"keys.{key}: low must be less than high, and with log more than 0")
        if not dimension.holds(own[key]):
            raise UserError(f"keys.{key}: does not hold {own[key]!r}, the configuration's own value; widen it")
        for value in dimension.extremes:
            _try(replace_keys(base, {key: value}), f"keys.{key}: {value!r} is not possible")


def _try(plain: dict[str, Any], complaint: str) -> None:
    try:
        build_config(plain)
    except UserError as error:
        raise UserError(f"{complaint} ({error})") from None
