"""Configuration of a support vector machine or a probe, loaded strictly from YAML."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ml.support.strict import check_rules, load_yaml
from ml.training.config import Count, Fraction, Positive, Side, TrainingFold


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """The features of an image.

    ``handcrafted``: with the data's masks if there are any (``auto``), or with Otsu's threshold; ``deep``: the
    embedding of ``architecture`` at ``size`` px, averaged over central ``fractions``.
    """

    kind: Literal["handcrafted", "deep"]
    masks: Literal["auto", "otsu"] = "auto"
    architecture: str = ""
    size: Side = 224
    fractions: Annotated[tuple[Fraction, ...], Field(min_length=1)] = (0.9,)


@dataclass(frozen=True, slots=True)
class Kernel:
    """A part of the grid: a kernel with its costs and, for ``rbf``, its widths.

    Widths are multiples of scikit-learn's ``scale`` (one over the number of features times their variance).
    """

    kernel: Literal["linear", "rbf"]
    costs: Annotated[tuple[Positive, ...], Field(min_length=1)]
    gammas: tuple[Positive, ...] = ()


@dataclass(frozen=True, slots=True)
class SvmConfig:
    """A support vector machine.

    ``explained_variance``: share of the variance that PCA keeps; none: no PCA.
    """

    kind: Literal["svm"]
    features: FeatureSet
    grid: Annotated[tuple[Kernel, ...], Field(min_length=1)]
    train_folds: Annotated[tuple[TrainingFold, ...], Field(min_length=1)] = ("0", "1", "2")
    choose_fold: TrainingFold = "3"
    explained_variance: Annotated[float, Field(gt=0, lt=1)] | None = 0.95
    seed: int = 2018


@dataclass(frozen=True, slots=True)
class ProbeConfig:
    """A probe: multinomial logistic regression over ``costs``, or nearest neighbours over ``neighbours``."""

    kind: Literal["probe"]
    features: FeatureSet
    classifier: Literal["logistic", "knn"]
    train_folds: Annotated[tuple[TrainingFold, ...], Field(min_length=1)] = ("0", "1", "2")
    choose_fold: TrainingFold = "3"
    costs: tuple[Positive, ...] = ()
    neighbours: tuple[Count, ...] = ()
    seed: int = 2018


ClassicalConfig = SvmConfig | ProbeConfig


def read_classical_config(path: Path) -> ClassicalConfig:
    """Load a YAML file. Raises ``UserError`` naming the first invalid key."""
    config: ClassicalConfig = load_yaml(Annotated[ClassicalConfig, Field(discriminator="kind")], path, _check)
    return config


def _check(config: ClassicalConfig) -> None:
    features, folds = config.features, config.train_folds
    check_rules(
        (
            ("choose_fold: must not be among train_folds", config.choose_fold not in folds),
            ("train_folds: must name each fold once", len(set(folds)) == len(folds)),
            (
                "features.architecture: deep features need it, handcrafted have none",
                bool(features.architecture) == (features.kind == "deep"),
            ),
            *(_svm_rules(config) if isinstance(config, SvmConfig) else _probe_rules(config)),
        )
    )


def _svm_rules(config: SvmConfig) -> tuple[tuple[str, bool], ...]:
    return (
        (
            "train_folds: an SVM needs two or more, each held out once to make probabilities",
            len(config.train_folds) >= 2,
        ),
        (
            "grid: rbf needs gammas, linear has none",
            all(bool(part.gammas) == (part.kernel == "rbf") for part in config.grid),
        ),
    )


def _probe_rules(config: ProbeConfig) -> tuple[tuple[str, bool], ...]:
    knn = config.classifier == "knn"
    needed, other = (config.neighbours, config.costs) if knn else (config.costs, config.neighbours)
    rule = "costs, neighbours: logistic needs costs, knn needs neighbours, and neither has the other's"
    return ((rule, bool(needed) and not other),)
