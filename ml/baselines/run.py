"""Run of a support vector machine or a probe, from the data directory to its folder in the study."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import yaml

from ml.baselines.classifiers import Examples, Fitted, FloatArray, fit_classifier, restore
from ml.baselines.config import ClassicalConfig, FeatureSet, SvmConfig, read_classical_config
from ml.baselines.deep_features import DeepFeatures
from ml.baselines.features import Extractor, Features, HandcraftedFeatures, Source, compute_features, read_picture
from ml.bundle.hashing import hash_file
from ml.data.isic import Record, read_isic
from ml.data.masks import DIRECTORY, find_masks
from ml.data.split import SPLIT_SHA256, read_split
from ml.errors import UserError
from ml.support.disk import read_json
from ml.support.environment import describe_environment, find_git_revision
from ml.support.strict import to_plain
from ml.taxonomy import CLASSES
from ml.training.folder import RunFolder

OR_OTSU = "add it, or set features.masks to otsu"
EXCLUDED = "excluded"
"""Stands for the fold of an excluded training image.

Its features are computed nevertheless, so that a longer list of exclusions keeps the cache of all others.
"""
TIMED_IMAGES = 16
LIBRARIES = ("numpy", "scikit-learn", "scikit-image", "opencv-python-headless", "torch", "timm", "pillow")
CLASSIFIER_NAMES = {"logistic": "logistic regression", "knn": "nearest neighbours"}


@dataclass(frozen=True, slots=True)
class Images:
    """Input of a run: sources (N), labels (N,) and folds (N,), or ``EXCLUDED``, of training and choosing folds."""

    sources: list[Source]
    labels: npt.NDArray[np.int64]
    folds: npt.NDArray[np.str_]

    def indices(self, *folds: str) -> npt.NDArray[np.int64]:
        return np.flatnonzero(np.isin(self.folds, folds))


def run_baseline(
    *, data: Path, config_path: Path, weights: Path | None = None, out: Path, progress: bool = True
) -> Path:
    """Fit by the configuration, choose on its choosing fold, predict that fold, and write ``out``, which is returned.

    ``weights`` are those of a deep feature's network. Features are cached in ``cache`` beside ``out``, so that stopped
    runs resume and others share them. Raises ``UserError`` for bad input.
    """
    config = read_classical_config(config_path)
    folder = RunFolder(out)
    if folder.summary.exists():
        raise UserError(f"{out}: holds a finished run; give another --out")
    extractor = make_extractor(config.features, weights)
    images = select_images(data, config)
    features = compute_features(images.sources, extractor, folder.cache, progress=progress)
    training = _take(images, features, images.indices(*config.train_folds))
    choosing = _take(images, features, images.indices(config.choose_fold))
    began = time.perf_counter()
    fitted = fit_classifier(config, training, choosing, progress=progress)
    read_share = (len(training.labels) + len(choosing.labels)) / len(images.sources)
    minutes = (time.perf_counter() - began + features.seconds * read_share) / 60
    out.mkdir(parents=True, exist_ok=True)
    joblib.dump(fitted.estimator, out / "classifier.joblib")
    folder.config.write_text(yaml.safe_dump(to_plain(asdict(config)), sort_keys=False), encoding="utf-8")
    _write_json(out / "choices.json", [asdict(record) for record in fitted.candidates])
    _write_json(folder.description, _describe_run(config, data, weights, images, features))
    _write_predictions(folder.predictions, images, features, fitted, config.choose_fold)
    _write_json(
        folder.summary,
        {
            **_summarise(config, extractor, weights, fitted),
            "name": out.name,
            "milliseconds_per_image": _time_one(images, extractor, fitted),
            "training_minutes": round(minutes, 2),
            "training_images": len(training.labels),
            "images_seen": len(training.labels),
            "sha256": hash_file(out / "classifier.joblib"),
        },
    )
    return out


def make_extractor(features: FeatureSet, weights: Path | None) -> Extractor:
    """Create the configured extractor; weights must be given for deep features, and for no others."""
    if features.kind == "handcrafted":
        if weights is not None:
            raise UserError(f"{weights}: handcrafted features start from no weights; leave --weights out")
        return HandcraftedFeatures()
    if weights is None:
        raise UserError(f"frozen features need what {features.architecture} has learnt; give --weights FILE")
    return DeepFeatures(features.architecture, weights, size=features.size, fractions=features.fractions)


def select_images(data: Path, config: ClassicalConfig) -> Images:
    """Images of the training and choosing folds, with masks if configured.

    Raises ``UserError`` for missing folds or classes.
    """
    split = read_split()
    folds = split.fold_of
    records = read_isic(data).records
    strange = [record.image_id for record in records if record.image_id not in folds]
    if strange:
        raise UserError(f"{strange[0]}: is not in the frozen split; train on the images of ISIC 2018 Task 3")
    wanted = {*config.train_folds, config.choose_fold}
    records = tuple(record for record in records if folds[record.image_id] in wanted)
    masks = find_masks(data, (record.image_id for record in records), remedy=OR_OTSU) if _uses_masks(config) else {}
    names = [record.image_id for record in records]
    left_out = {name for name in names if name in split.excluded and folds[name] in config.train_folds}
    images = Images(
        [Source(record.image_id, record.path, masks.get(record.image_id)) for record in records],
        np.array([record.label for record in records], np.int64),
        np.array([EXCLUDED if name in left_out else folds[name] for name in names], np.str_),
    )
    _check_classes(images, config)
    return images


def predict_test_fold(
    path: Path, records: Sequence[Record], *, data: Path, weights: Path | None, progress: bool = True
) -> FloatArray:
    """Predictions (N, 7) of a finished run's classifier.

    Only for ``ml.pipelines.study.measure``, which logs every access to the test fold. ``data`` holds the masks;
    ``weights`` are those of a deep feature's network. Raises ``UserError``.
    """
    folder, classifier = RunFolder(path), path / "classifier.joblib"
    config = read_classical_config(folder.config)
    summary = read_json(folder.summary)
    if not classifier.is_file() or hash_file(classifier) != summary["sha256"]:
        raise UserError(f"{classifier}: is not the one of summary.json; train the model again in a new folder")
    masks = find_masks(data, (record.image_id for record in records), remedy=OR_OTSU) if _uses_masks(config) else {}
    sources = [Source(record.image_id, record.path, masks.get(record.image_id)) for record in records]
    features = compute_features(sources, make_extractor(config.features, weights), folder.cache, progress=progress)
    prior = np.array(summary["training_prior"])
    return restore(config, joblib.load(classifier), prior).predict(features.values)


def _uses_masks(config: ClassicalConfig) -> bool:
    return config.features.kind == "handcrafted" and config.features.masks == "auto"


def _check_classes(images: Images, config: ClassicalConfig) -> None:
    """Require every class in training and choosing images, for an SVM also with any training fold held out."""
    training = config.train_folds
    parts = {"training": training, f"fold {config.choose_fold}": (config.choose_fold,)}
    if isinstance(config, SvmConfig):
        parts |= {f"training without fold {out}": tuple(fold for fold in training if fold != out) for out in training}
    for name, folds in parts.items():
        counts = np.bincount(images.labels[images.indices(*folds)], minlength=len(CLASSES))
        if not counts.all():
            code = CLASSES[int(counts.argmin())]
            raise UserError(f"no image of {code} in {name}; give data with all seven classes in every fold")
    count = len(images.indices(*training))
    if not isinstance(config, SvmConfig) and max(config.neighbours, default=0) > count:
        raise UserError(f"neighbours: {max(config.neighbours)} is more than the {count} training images; ask for fewer")


def _take(images: Images, features: Features, indices: npt.NDArray[np.int64]) -> Examples:
    return Examples(features.values[indices], images.labels[indices], images.folds[indices])


def _summarise(config: ClassicalConfig, extractor: Extractor, weights: Path | None, fitted: Fitted) -> dict[str, Any]:
    """Summary of a run; ``parameters`` and ``flops`` are those of the frozen network."""
    classifier = "SVM" if isinstance(config, SvmConfig) else CLASSIFIER_NAMES[config.classifier]
    deep = extractor if isinstance(extractor, DeepFeatures) else None
    described = f"frozen {config.features.architecture}" if deep else "handcrafted features"
    return {
        "kind": config.kind,
        "architecture": f"{classifier} on {described}",
        "initialisation": f"imagenet: {weights.name}" if weights else "scratch",
        "resolution": config.features.size if deep else None,
        "training_prior": [round(float(share), 8) for share in fitted.prior],
        "parameters": deep.parameters if deep else None,
        "flops": deep.count_operations() if deep else None,
        "config": to_plain(asdict(config)),
        "chosen": fitted.candidates[0].settings,
    }


def _describe_run(
    config: ClassicalConfig, data: Path, weights: Path | None, images: Images, features: Features
) -> dict[str, Any]:
    masks = DIRECTORY if images.sources[0].mask else "Otsu's threshold"
    return {
        "git_revision": find_git_revision(),
        "data_directory": str(data.resolve()),
        "data_sha256": features.data_sha256,
        "split_sha256": SPLIT_SHA256,
        "weights": None if weights is None else {"name": weights.name, "sha256": hash_file(weights)},
        "masks": masks if config.features.kind == "handcrafted" else None,
        "seed": config.seed,
        "environment": describe_environment(*LIBRARIES),
        "command": sys.argv,
    }


def _write_predictions(path: Path, images: Images, features: Features, fitted: Fitted, choose_fold: str) -> None:
    indices = images.indices(choose_fold)
    rows = [
        f"{images.sources[index].image_id},{images.folds[index]},{','.join(f'{value:.9g}' for value in scores)}"
        for index, scores in zip(indices, fitted.predict(features.values[indices]), strict=True)
    ]
    path.write_text("\n".join([f"image,fold,{','.join(CLASSES)}", *rows]) + "\n", encoding="utf-8")


def _time_one(images: Images, extractor: Extractor, fitted: Fitted) -> float:
    """Median milliseconds from one image's pixels to its probabilities."""
    times = []
    for source in images.sources[:TIMED_IMAGES]:
        picture = read_picture(source)
        began = time.perf_counter()
        fitted.predict(extractor.describe([picture]))
        times.append(1000 * (time.perf_counter() - began))
    return round(float(np.median(times)), 2)


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
