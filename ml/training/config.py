"""The configuration of a training run, read strictly from YAML."""

from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from ml.data.split import FOLDS
from ml.errors import UserError


@dataclass(frozen=True, slots=True)
class Stage:
    """Some epochs at one input size (px). With ``minutes`` the learning rate falls as if the stage ended then, and it
    does, so that a run on a busy machine ends its schedule in time."""

    size: int
    epochs: int
    minutes: float | None = None


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Ranges from which every image's alterations are drawn uniformly."""

    kind: Literal["tensor", "albumentations"] = "tensor"
    min_crop_area: float = 0.35
    max_crop_aspect: float = 4 / 3
    rotation_jitter: float = 15.0
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    channel_gain: float = 0.08
    mix_probability: float = 0.5
    mixup_alpha: float = 0.2
    cutmix_alpha: float = 1.0
    workers: int = 2


@dataclass(frozen=True, slots=True)
class ReadingPlan:
    """A way to read an image: input size (px) and the central fractions whose softmax outputs are averaged."""

    size: int
    fractions: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """A run. ``cache_side``: short side (px) at which decoded images are kept; ``readings``: what to choose from on
    ``choose_fold``, which also chooses the checkpoint and calibrates."""

    architecture: str
    train_folds: tuple[str, ...]
    choose_fold: str
    stages: tuple[Stage, ...]
    readings: tuple[ReadingPlan, ...]
    cache_side: int = 288
    batch_size: int = 64
    learning_rate: float = 1e-3
    final_learning_rate: float = 0.005
    weight_decay: float = 0.02
    warmup_epochs: float = 1.0
    clip: float = 5.0
    ema_decay: float = 0.999
    dropout: float = 0.2
    drop_path: float = 0.1
    sampling_power: float = 0.5
    validation_fraction: float = 0.8
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    seed: int = 2018
    augmentation: Augmentation = field(default_factory=Augmentation)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as YAML and a checkpoint hold them."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def read_config(path: Path) -> TrainingConfig:
    """Read and check a YAML file. Raises ``UserError`` naming the first key that is wrong."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: cannot be read as YAML ({reason}); see ml/configs for examples") from error
    try:
        config: TrainingConfig = _build(TrainingConfig, content, "")
        _check(config)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return config


def _check(config: TrainingConfig) -> None:
    for name in (*config.train_folds, config.choose_fold):
        if name not in FOLDS or name == "test":
            raise UserError(f"fold {name!r} cannot be trained or chosen on; use 0, 1, 2, 3 or 4")
    rules = {
        "train_folds: must name at least one fold": bool(config.train_folds),
        "choose_fold: must not be among train_folds": config.choose_fold not in config.train_folds,
        "stages: need a size of at least 32 px and at least one epoch each": bool(config.stages)
        and all(stage.size >= 32 and stage.epochs >= 1 for stage in config.stages),
        "stages: minutes must be more than 0": all(
            stage.minutes is None or stage.minutes > 0 for stage in config.stages
        ),
        "readings: need a size of at least 32 px and fractions from 0.1 to 1": bool(config.readings)
        and all(
            plan.size >= 32 and plan.fractions and all(0.1 <= part <= 1 for part in plan.fractions)
            for plan in config.readings
        ),
        "batch_size: must be an even number of 2 or more": config.batch_size >= 2 and config.batch_size % 2 == 0,
        "cache_side: must be at least the largest stage's size": config.cache_side
        >= max(s.size for s in config.stages),
        "learning_rate: must be more than 0": config.learning_rate > 0,
        "validation_fraction: must be from 0.1 to 1": 0.1 <= config.validation_fraction <= 1,
        "augmentation.min_crop_area: must be from 0.05 to 1": 0.05 <= config.augmentation.min_crop_area <= 1,
        "augmentation.max_crop_aspect: must be at least 1": config.augmentation.max_crop_aspect >= 1,
    }
    for rule, holds in rules.items():
        if not holds:
            raise UserError(rule)


def _build(kind: Any, value: object, where: str) -> Any:
    """A value of type ``kind`` from parsed YAML; what is unknown, missing or mistyped is an error naming ``where``."""
    if isinstance(kind, type) and is_dataclass(kind):
        if not isinstance(value, dict):
            raise UserError(f"{where or 'the file'}: must hold keys and values")
        prefix = f"{where}." if where else ""
        known = {item.name: item for item in fields(kind)}
        for key in value:
            if key not in known:
                raise UserError(f"unknown key {prefix}{key}; known are {', '.join(known)}")
        hints = get_type_hints(kind)
        for name, item in known.items():
            if name not in value and item.default is MISSING and item.default_factory is MISSING:
                raise UserError(f"key {prefix}{name} is missing; add it")
        return kind(**{key: _build(hints[key], item, f"{prefix}{key}") for key, item in value.items()})
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise UserError(f"{where}: must be a list")
        return tuple(_build(get_args(kind)[0], item, f"{where}[{place}]") for place, item in enumerate(value))
    return _build_scalar(kind, value, where)


def _build_scalar(kind: Any, value: object, where: str) -> Any:
    options = get_args(kind)
    if get_origin(kind) is Literal:
        if value not in options:
            raise UserError(f"{where}: is {value!r}; use {' or '.join(map(str, options))}")
        return value
    if get_origin(kind) in (Union, UnionType):
        return None if value is None else _build_scalar(options[0], value, where)
    if kind is float and type(value) is int:
        return float(value)
    if kind is str and type(value) is int:  # fold: 3 without quotes
        return str(value)
    if type(value) is not kind:
        raise UserError(f"{where}: is {value!r}; must be of type {kind.__name__}")
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
