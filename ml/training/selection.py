"""Selection of the images for training and for choosing."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ml.data.isic import Record
from ml.data.split import read_split
from ml.errors import UserError
from ml.taxonomy import CLASSES
from ml.training.config import TrainingConfig

SUBSET_SEED = 2018
"""Seed of the training subset and of the split by image; not the run's, so that runs differ in nothing else."""

Positions = npt.NDArray[np.int64]


def select_records(records: Sequence[Record], config: TrainingConfig) -> list[Record]:
    """Records of the training and choosing folds; no run opens an image of the test fold.

    Images excluded after the split was made are left out of training, not of the choosing fold.
    """
    split = read_split()
    folds = split.fold_of
    strange = [record.image_id for record in records if record.image_id not in folds]
    if strange:
        raise UserError(f"{strange[0]}: is not in the frozen split; train on the images of ISIC 2018 Task 3")
    choosing = {config.choose_fold} - set(config.train_folds)
    selected = [
        record
        for record in records
        if folds[record.image_id] in choosing or split.is_trained_on(record.image_id, config.train_folds)
    ]
    if not any(folds[record.image_id] == config.choose_fold for record in selected):
        raise UserError(f"no image of fold {config.choose_fold} in the data; it is needed to choose and calibrate")
    return selected


def split_positions(records: Sequence[Record], config: TrainingConfig) -> tuple[Positions, Positions]:
    """Positions of the training and of the choosing records; they overlap if the choosing fold is trained on too."""
    folds = read_split().fold_of
    choosing = np.array([folds[record.image_id] == config.choose_fold for record in records])
    if config.split_by == "image":
        choosing = np.random.default_rng(SUBSET_SEED).permutation(choosing)
    is_watched_only = config.choose_fold in config.train_folds
    training = np.arange(len(records)) if is_watched_only else np.flatnonzero(~choosing)
    if config.training_images is not None:
        training = draw_lesions(records, training, config.training_images)
    return training, np.flatnonzero(choosing)


def draw_lesions(records: Sequence[Record], positions: Positions, count: int) -> Positions:
    """The first ``count`` of the positions, lesion by lesion in one fixed random order, so that subsets are nested.

    Raises ``UserError`` if there are fewer.
    """
    if count > len(positions):
        raise UserError(f"training_images: is {count}, but the training folds have {len(positions)}; ask for fewer")
    lesions = [records[position].group for position in positions]
    names, lesion_of = np.unique(lesions, return_inverse=True)
    rank = np.random.default_rng(SUBSET_SEED).permutation(len(names))[lesion_of]
    return np.sort(positions[np.argsort(rank, kind="stable")[:count]])


def count_classes(labels: npt.NDArray[np.int64]) -> Tensor:
    """Images of each class (7,). Raises ``UserError`` naming a class without images."""
    counts = np.bincount(labels, minlength=len(CLASSES))
    if not counts.all():
        raise UserError(f"no training image of {CLASSES[int(counts.argmin())]}; give data with all seven classes")
    return torch.from_numpy(counts)


def weigh_classes(labels: npt.NDArray[np.int64], *, power: float) -> tuple[Tensor, Tensor]:
    """Sampling weights of images (N,) and the class prior (7,) under that sampling.

    An image of a class of n images weighs n^−``power``.
    """
    counts = count_classes(labels).double()
    weights = counts**-power
    prior = counts * weights
    return weights[torch.from_numpy(labels)], (prior / prior.sum()).float()
