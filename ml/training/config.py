"""Configuration of a training run, loaded strictly from YAML."""

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
"""In pixels."""
Fraction = Annotated[float, Field(ge=0.1, le=1)]
"""Share of the sides of a central view, or of steps."""
Share = Annotated[float, Field(ge=0, le=1)]
ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class TrainingStage:
    """Some epochs at one input size (px).

    With ``minutes`` the schedule, and so the stage, also ends after that time: a run on a busy machine still anneals
    its learning rate.
    """

    size: Side
    epochs: Count
    minutes: Positive | None = None


@dataclass(frozen=True, slots=True)
class Degradation:
    """Shares of images that each kind of degradation changes, independently of the others.

    Applied in this order to the pixels of the cache: ``blur`` of the lens, ``resample`` to a smaller size and back,
    ``noise`` of the sensor, ``sharpen`` of the camera's software, and ``compress`` as a JPEG. Of the JPEGs
    ``same_grid`` have their blocks where those of the file were, if the cache holds its pixels (``cache_side`` equal to
    its height); those of the others are moved, as after a crop.
    """

    blur: Share = 0.0
    resample: Share = 0.0
    noise: Share = 0.0
    sharpen: Share = 0.0
    compress: Share = 0.0
    same_grid: Share = 0.5

    @property
    def is_on(self) -> bool:
        """Whether any image is changed."""
        return any((self.blur, self.resample, self.noise, self.sharpen, self.compress))


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Augmentation: its level, and the ranges from which parameters are drawn uniformly.

    ``level``: ``none`` resizes the whole image; ``basic`` crops, turns and mirrors; ``standard`` also changes colour;
    ``strong`` adds blur, elastic distortion, holes and drawn hair; ``randaugment`` adds two random operations to
    ``basic`` (Cubuk et al., 2020). ``kind: tensor``, whole batches on any device, supports the first three.
    ``degrade_probability``: share of images degraded before by resampling and JPEG compression, both together;
    ``degradation``: by each kind on its own (``kind: tensor`` only).
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
    degradation: Degradation = field(default_factory=Degradation)
    mix_probability: float = 0.5
    mixup_alpha: float = 0.2
    cutmix_alpha: float = 1.0
    workers: int = 2


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss.

    ``kind``: cross-entropy; focal (Lin et al., ICCV 2017) with ``focal_gamma``; or logit-adjusted (Menon et al., ICLR
    2021), which balances the network itself. ``class_weights``: ``inverse`` of the class frequency under the sampling,
    or of the ``effective`` number of images with ``effective_beta`` (Cui et al., CVPR 2019).
    """

    kind: Literal["cross_entropy", "focal", "logit_adjusted"] = "cross_entropy"
    class_weights: Literal["none", "inverse", "effective"] = "none"
    label_smoothing: ShareBelowOne = 0.0
    focal_gamma: float = 2.0
    effective_beta: ShareBelowOne = 0.999


@dataclass(frozen=True, slots=True)
class Teacher:
    """A teacher network: a safetensors file as written by a run (``weights.safetensors``).

    A file from elsewhere needs ``architecture`` and ``prior``, its class frequencies in training, and for distillation
    out of fold ``seen``, the folds that it or its ancestors were trained on.
    """

    weights: str
    architecture: str = ""
    prior: tuple[Positive, ...] = ()
    seen: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Distillation:
    """Knowledge distillation from the mean of the teachers' probabilities (Hinton et al., 2015).

    Each teacher's probabilities for the same augmented image are moved from its own prior to the student's; ``share``
    is the weight of this loss, the rest is that of the labels. With ``views``, central fractions, teachers see these
    views of the original image instead, averaged, so that the student becomes invariant to the augmentation; with
    ``clean_crop`` they see the student's own crop, but neither degraded nor with other colours.
    ``out_of_fold``: every batch comes from one fold and is taught only by teachers that have not seen that fold, so
    that no teacher has memorised an image, mixed ones included.
    """

    teachers: tuple[Teacher, ...] = ()
    share: Share = 1.0
    views: tuple[Fraction, ...] = ()
    clean_crop: bool = False
    out_of_fold: bool = False


@dataclass(frozen=True, slots=True)
class InferencePlan:
    """An inference plan: input size (px) and the central fractions whose softmax outputs are averaged."""

    size: Side
    fractions: Annotated[tuple[Fraction, ...], Field(min_length=1)]

    @property
    def key(self) -> str:
        """The plan's key in ``readings.json``, which the files of earlier runs fix."""
        return f"ReadingPlan(size={self.size}, fractions={self.fractions})"


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """A training run.

    ``cache_side``: short side (px) of cached images. ``readings``: candidate inference plans; the best on
    ``choose_fold``, which also chooses the checkpoint and calibrates, is used. ``architecture_options`` go to timm's
    model, such as the image size of a transformer. ``pretrained``: start from the hub's weights if no file is given.
    ``metadata``: fields fused with the image features, each dropped with ``metadata_dropout``. ``training_images``:
    number to train on, whole lesions of a fixed draw. ``images_per_epoch``: number drawn for an epoch, after which the
    run is saved, instead of as many as there are. ``split_by: image`` splits the images of all named folds again,
    ignoring lesions, to show the results such a split would claim. ``checkpoint``: the one of lowest NLL on
    ``choose_fold``, or the last; in the latter case that fold chooses nothing and may be among ``train_folds``.
    ``trained``: the whole network, or classifier and norms only, to adapt it to another input size (Touvron et al.,
    NeurIPS 2019). ``freeze_norms``: batch normalisation keeps its statistics, scale and shift. ``unfreeze_epochs``:
    epochs of gradual unfreezing from the classifier downwards. ``layer_decay``: factor of the learning rate from each
    layer to the one below. ``patience``: epochs without a lower NLL before early stopping. ``search_kernels``: cuDNN
    benchmarks its kernels for each input size first, about half a minute.
    """

    architecture: str
    train_folds: Annotated[tuple[TrainingFold, ...], Field(min_length=1)]
    choose_fold: TrainingFold
    stages: Annotated[tuple[TrainingStage, ...], Field(min_length=1)]
    readings: Annotated[tuple[InferencePlan, ...], Field(min_length=1)]
    architecture_options: dict[str, Any] = field(default_factory=dict)
    pretrained: bool = False
    metadata: tuple[Literal["age", "sex", "site"], ...] = ()
    metadata_dropout: float = 0.1
    split_by: Literal["lesion", "image"] = "lesion"
    training_images: Annotated[int, Field(ge=7)] | None = None
    images_per_epoch: Count | None = None
    checkpoint: Literal["best", "last"] = "best"
    trained: Literal["all", "classifier_and_norms"] = "all"
    freeze_norms: bool = False
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
        """Plain values, as stored in YAML and in a checkpoint."""
        plain: dict[str, Any] = to_plain(asdict(self))
        return plain


def read_config(path: Path) -> TrainingConfig:
    """Load a YAML file. Raises ``UserError`` naming the first invalid key."""
    config: TrainingConfig = load_yaml(TrainingConfig, path, _check)
    return config


def build_config(plain: dict[str, Any]) -> TrainingConfig:
    """A configuration from plain values, as from ``to_dict``. Raises ``UserError`` as ``read_config`` does."""
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
            "freeze_norms: goes without trained: classifier_and_norms and unfreeze_epochs",
            not config.freeze_norms or (config.trained == "all" and not config.unfreeze_epochs),
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
    augmentation, distillation = config.augmentation, config.distillation
    is_tensor, is_unmixed = augmentation.kind == "tensor", augmentation.mix_probability == 0
    return (
        (
            "metadata: labels of mixed images have no one patient; set augmentation.mix_probability: 0",
            not config.metadata or is_unmixed,
        ),
        (
            "distillation.views: need augmentation.kind: tensor and mix_probability: 0",
            not distillation.views or (is_tensor and is_unmixed),
        ),
        (
            "distillation.clean_crop: needs augmentation.kind: tensor, mix_probability: 0 and no views",
            not distillation.clean_crop or (is_tensor and is_unmixed and not distillation.views),
        ),
        (
            "augmentation.degrade_probability: needs kind: tensor",
            augmentation.degrade_probability == 0 or is_tensor,
        ),
        (
            "augmentation.degradation: needs kind: tensor and degrade_probability: 0",
            not augmentation.degradation.is_on or (is_tensor and augmentation.degrade_probability == 0),
        ),
        (
            f"augmentation.level: {augmentation.level} needs augmentation.kind: albumentations",
            not is_tensor or augmentation.level in TENSOR_LEVELS,
        ),
    )
