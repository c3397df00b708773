"""The configuration of a support vector machine or a probe, read strictly from YAML."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ml.data.split import OPEN_FOLDS
from ml.errors import UserError
from ml.support.strict_yaml import build, read_yaml


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """What describes an image.

    ``handcrafted``: with the masks of the data where it has them (``auto``), or found by Otsu's threshold; ``deep``:
    the embedding of ``architecture`` at ``size`` px, averaged over central ``fractions``.
    """

    kind: Literal["handcrafted", "deep"]
    masks: Literal["auto", "otsu"] = "auto"
    architecture: str = ""
    size: int = 224
    fractions: tuple[float, ...] = (0.9,)


@dataclass(frozen=True, slots=True)
class Kernel:
    """A part of the grid: a kernel with its costs and, for ``rbf``, its widths as multiples of scikit-learn's
    ``scale`` (one over the number of features times their variance)."""

    kernel: Literal["linear", "rbf"]
    costs: tuple[float, ...]
    gammas: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class SvmConfig:
    """A support vector machine. ``explained_variance``: share that the principal components keep; none: no PCA."""

    kind: Literal["svm"]
    features: FeatureSet
    grid: tuple[Kernel, ...]
    train_folds: tuple[str, ...] = ("0", "1", "2")
    choose_fold: str = "3"
    explained_variance: float | None = 0.95
    seed: int = 2018


@dataclass(frozen=True, slots=True)
class ProbeConfig:
    """A probe of features: multinomial logistic regression over ``costs``, or nearest neighbours over
    ``neighbours``."""

    kind: Literal["probe"]
    features: FeatureSet
    classifier: Literal["logistic", "knn"]
    train_folds: tuple[str, ...] = ("0", "1", "2")
    choose_fold: str = "3"
    costs: tuple[float, ...] = ()
    neighbours: tuple[int, ...] = ()
    seed: int = 2018


ClassicalConfig = SvmConfig | ProbeConfig
KINDS: dict[str, type[SvmConfig] | type[ProbeConfig]] = {"svm": SvmConfig, "probe": ProbeConfig}


def read_classical_config(path: Path) -> ClassicalConfig:
    """Read and check a YAML file. Raises ``UserError`` naming the first key that is wrong."""
    content = read_yaml(path)
    try:
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind not in KINDS:
            raise UserError(f"kind: is {kind!r}; use {' or '.join(KINDS)}")
        config: ClassicalConfig = build(KINDS[kind], content)
        _check(config)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return config


def _check(config: ClassicalConfig) -> None:
    for name in (*config.train_folds, config.choose_fold):
        if name not in OPEN_FOLDS:
            raise UserError(f"fold {name!r} cannot be trained or chosen on; use 0, 1, 2, 3 or 4")
    features, folds = config.features, config.train_folds
    rules = {
        "choose_fold: must not be among train_folds": config.choose_fold not in folds,
        "train_folds: must name at least one fold, and each once": 1 <= len(set(folds)) == len(folds),
        "features.architecture: deep features need it, handcrafted have none": bool(features.architecture)
        == (features.kind == "deep"),
        "features.size: must be at least 32 px": features.size >= 32,
        "features.fractions: must be from 0.1 to 1": bool(features.fractions)
        and all(0.1 <= part <= 1 for part in features.fractions),
    }
    rules |= _svm_rules(config) if isinstance(config, SvmConfig) else _probe_rules(config)
    for rule, holds in rules.items():
        if not holds:
            raise UserError(rule)


def _svm_rules(config: SvmConfig) -> dict[str, bool]:
    variance = config.explained_variance
    return {
        "train_folds: an SVM needs two or more, each held out once to make probabilities": len(config.train_folds) >= 2,
        "explained_variance: must be over 0 and under 1, or null": variance is None or 0 < variance < 1,
        "grid: needs at least one kernel, each with costs": bool(config.grid)
        and all(_are_positive(part.costs) for part in config.grid),
        "grid: rbf needs gammas, linear has none": all(
            _are_positive(part.gammas) if part.kernel == "rbf" else not part.gammas for part in config.grid
        ),
    }


def _probe_rules(config: ProbeConfig) -> dict[str, bool]:
    knn = config.classifier == "knn"
    needed, other = (config.neighbours, config.costs) if knn else (config.costs, config.neighbours)
    return {
        "costs, neighbours: logistic needs costs, knn needs neighbours, and neither has the other's": not other
        and _are_positive(needed)
    }


def _are_positive(values: tuple[float, ...]) -> bool:
    return bool(values) and min(values) > 0
