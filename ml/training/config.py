"""The configuration of a training run, read strictly from YAML."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from ml.data.split import OPEN_FOLDS
from ml.support.strict import Word, build, check_rules, load_yaml, to_plain
from ml.taxonomy import CLASSES

TENSOR_LEVELS = ("none", "basic", "standard")


def _check_fold(name: str) -> str:
    if name not in OPEN_FOLDS:
        raise ValueError(f"fold {name!r} cannot be trained or chosen on; use 0, 1, 2, 3 or 4")
    return name


TrainingFold = Annotated[Word, AfterValidator(_check_fold)]
Side = Annotated[int, Field(ge=32)]
"""Pixels."""
Fraction = Annotated[float, Field(ge=0.1, le=1)]
"""Of the sides of a central view, or of steps."""
Share = Annotated[float, Field(ge=0, le=1)]
ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class Stage:
    """Some epochs at one input size (px). With ``minutes`` the learning rate falls as if the stage ended then, and it
    does, so that a run on a busy machine ends its schedule in time."""

    size: Side
    epochs: Count
    minutes: Positive | None = None


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How much every image is altered, and the ranges from which its alterations are drawn uniformly.

    ``level``: ``none`` squashes the whole image; ``basic`` crops, turns and mirrors; ``standard`` changes colour too;
    ``strong`` adds blur, elastic distortion, holes and drawn hair to it; ``randaugment`` adds two random operations to
    ``basic`` (Cubuk et al., 2020). ``kind: tensor``, whole batches on any device, knows the first three.
    ``degrade_probability``: how often an image is resampled and compressed as a JPEG before (``kind: tensor`` alone).
    """

    kind: Literal["tensor", "albumentations"] = "tensor"
    level: Literal["none", "basic", "standard", "strong", "randaugment"] = "standard"
    min_crop_area: Annotated[float, Field(ge=0.05, le=1)] = 0.35
    max_crop_aspect: Annotated[float, Field(ge=1)] = 4 / 3
    rotation_jitter: float = 15.0
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    channel_gain: float = 0.08
    degrade_probability: Share = 0.0
    mix_probability: float = 0.5
    mixup_alpha: float = 0.2
    cutmix_alpha: float = 1.0
    workers: int = 2


@dataclass(frozen=True, slots=True)
class Loss:
    """What is minimised.

    ``kind``: cross-entropy; focal (Lin et al., ICCV 2017) with ``focal_gamma``; or logit-adjusted (Menon et al., ICLR
    2021), which makes the network itself balanced. ``class_weights``: ``inverse`` of the frequency that the sampling
    presents, or of the ``effective`` number of images with ``effective_beta`` (Cui et al., CVPR 2019).
    """

    kind: Literal["cross_entropy", "focal", "logit_adjusted"] = "cross_entropy"
    class_weights: Literal["none", "inverse", "effective"] = "none"
    label_smoothing: ShareBelowOne = 0.0
    focal_gamma: float = 2.0
    effective_beta: ShareBelowOne = 0.999


@dataclass(frozen=True, slots=True)
class Teacher:
    """A trained network to learn from: a safetensors file as a run leaves it (``weights.safetensors``). For a file from
    elsewhere ``architecture`` and ``prior``, the class frequencies that its training presented, must be given, and to
    learn out of fold ``seen``, the folds that it or what it descends from was trained on."""

    weights: str
    architecture: str = ""
    prior: tuple[Positive, ...] = ()
    seen: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Distillation:
    """Learning from the mean of the teachers' probabilities for the same altered image, each moved from its own prior
    to the student's (Hinton et al., 2015); ``share`` of the loss, the rest is the labels'.

    ``views``: central fractions of the unaltered image; with them teachers look at these instead and the mean of what
    they say is learnt, so that the student says of an altered image what they say of the image. ``out_of_fold``: every
    batch is of one fold and only teachers that have not seen that fold teach it, so that no teacher knows an image by
    heart, nor either part of a mixed one.
    """

    teachers: tuple[Teacher, ...] = ()
    share: Share = 1.0
    views: tuple[Fraction, ...] = ()
    out_of_fold: bool = False


@dataclass(frozen=True, slots=True)
class ReadingPlan:
    """A way to read an image: input size (px) and the central fractions whose softmax outputs are averaged."""

    size: Side
    fractions: Annotated[tuple[Fraction, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """A run. ``cache_side``: short side (px) at which decoded images are kept; ``readings``: what to choose from on
    ``choose_fold``, which also chooses the checkpoint and calibrates.

    ``architecture_options`` go to timm's model (image size of a transformer, for one). ``pretrained``: start from the
    hub's weights where no file is given. ``metadata``: fields fused with the picture's features, each left out of an
    image with ``metadata_dropout``. ``training_images``: train on so many, whole lesions of a fixed draw.
    ``split_by: image`` deals the images of all named folds anew without regard to lesions, to show what such a split
    would claim. ``checkpoint``: of the least negative log-likelihood on ``choose_fold``, or the last: then that fold
    chooses nothing and may be among ``train_folds``, where none is to be left out. ``trained``: the whole network, or
    classifier and norms alone, to fit it to another input size (Touvron et al., NeurIPS 2019). ``unfreeze_epochs``:
    layers join from the classifier downwards over so many. ``layer_decay``: factor of the learning rate from each layer
    to the one below. ``patience``: epochs without a better likelihood before the end. ``search_kernels``: cuDNN tries
    its kernels for each input size first, for half a minute or so.
    """

    architecture: str
    train_folds: Annotated[tuple[TrainingFold, ...], Field(min_length=1)]
    choose_fold: TrainingFold
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    readings: Annotated[tuple[ReadingPlan, ...], Field(min_length=1)]
    architecture_options: dict[str, Any] = field(default_factory=dict)
    pretrained: bool = False
    metadata: tuple[Literal["age", "sex", "site"], ...] = ()
    metadata_dropout: float = 0.1
    split_by: Literal["lesion", "image"] = "lesion"
    training_images: Annotated[int, Field(ge=7)] | None = None
    checkpoint: Literal["best", "last"] = "best"
    trained: Literal["all", "classifier_and_norms"] = "all"
    cache_side: int = 288
    batch_size: Annotated[int, Field(ge=2, multiple_of=2)] = 64
    accumulate: Count = 1
    learning_rate: Positive = 1e-3
    final_learning_rate: float = 0.005
    weight_decay: float = 0.02
    warmup_epochs: float = 1.0
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    unfreeze_epochs: int = 0
    patience: Count | None = None
    clip: float = 5.0
    ema_decay: float = 0.999
    dropout: float = 0.2
    drop_path: float = 0.1
    sampling_power: float = 0.5
    validation_fraction: Fraction = 0.8
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    compile: bool = False
    search_kernels: bool = False
    seed: int = 2018
    loss: Loss = field(default_factory=Loss)
    distillation: Distillation = field(default_factory=Distillation)
    augmentation: Augmentation = field(default_factory=Augmentation)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as YAML and a checkpoint hold them."""
        plain: dict[str, Any] = to_plain(asdict(self))
        return plain


def read_config(path: Path) -> TrainingConfig:
    """Read and check a YAML file. Raises ``UserError`` naming the first key that is wrong."""
    config: TrainingConfig = load_yaml(TrainingConfig, path, _check)
    return config


def build_config(plain: dict[str, Any]) -> TrainingConfig:
    """The configuration of plain values, as ``to_dict`` gives them. Raises ``UserError`` as reading does."""
    config: TrainingConfig = build(TrainingConfig, plain)
    _check(config)
    return config


def _check(config: TrainingConfig) -> None:
    check_rules((*_rules_of_training(config), *_rules_of_images(config)))


def _rules_of_training(config: TrainingConfig) -> tuple[tuple[str, bool], ...]:
    chooses_nothing = config.checkpoint == "last" and len(config.readings) == 1 and config.split_by == "lesion"
    return (
        (
            "choose_fold: must not be among train_folds, unless checkpoint is `last` and there is one reading",
            config.choose_fold not in config.train_folds or chooses_nothing,
        ),
        (
            "trained: classifier_and_norms goes without unfreeze_epochs and metadata",
            config.trained == "all" or not (config.unfreeze_epochs or config.metadata),
        ),
        (
            "distillation.out_of_fold: needs split_by: lesion",
            not config.distillation.out_of_fold or config.split_by == "lesion",
        ),
        (
            "distillation.teachers: a prior has seven frequencies",
            all(len(teacher.prior) in (0, len(CLASSES)) for teacher in config.distillation.teachers),
        ),
        (
            "cache_side: must be at least the largest stage's size",
            config.cache_side >= max(stage.size for stage in config.stages),
        ),
    )


def _rules_of_images(config: TrainingConfig) -> tuple[tuple[str, bool], ...]:
    augmentation = config.augmentation
    is_tensor, is_unmixed = augmentation.kind == "tensor", augmentation.mix_probability == 0
    return (
        (
            "metadata: labels of mixed images have no one patient; set augmentation.mix_probability: 0",
            not config.metadata or is_unmixed,
        ),
        (
            "distillation.views: need augmentation.kind: tensor and mix_probability: 0",
            not config.distillation.views or (is_tensor and is_unmixed),
        ),
        (
            "augmentation.degrade_probability: needs kind: tensor",
            augmentation.degrade_probability == 0 or is_tensor,
        ),
        (
            f"augmentation.level: {augmentation.level} needs augmentation.kind: albumentations",
            not is_tensor or augmentation.level in TENSOR_LEVELS,
        ),
    )
