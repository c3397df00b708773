"""Which images are trained on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ml.data.isic import Record
from ml.data.split import read_split
from ml.errors import UserError
from ml.training import selection
from ml.training.config import InferencePlan, TrainingConfig, TrainingStage
from ml.training.dataset import WeightedBatches
from ml.training.selection import draw_lesions, select_records, split_positions, weigh_classes

CONFIG = TrainingConfig("test_efficientnet", ("0", "1"), "3", (TrainingStage(32, 1),), (InferencePlan(32, (0.8,)),))


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """One record for every image of the split, two to a lesion."""
    return [
        Record(name, Path(f"{name}.jpg"), place % 7, lesion_id=f"HAM_{place // 2:07d}")
        for place, name in enumerate(sorted(read_split().fold_of))
    ]


def test_images_found_bad_are_left_out_of_training_alone(
    records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    folds = read_split().fold_of
    trained, chosen = (next(each.image_id for each in records if folds[each.image_id] == fold) for fold in "03")
    excluding = replace(read_split(), excluded={trained: "a copy", chosen: "a copy"})
    monkeypatch.setattr(selection, "read_split", lambda: excluding)
    names = {record.image_id for record in select_records(records, CONFIG)}
    assert trained not in names
    assert chosen in names


def test_a_split_by_image_has_the_sizes_of_the_one_by_lesion_but_other_images(records: list[Record]) -> None:
    selected = select_records(records, CONFIG)
    by_lesion, by_image = (split_positions(selected, replace(CONFIG, split_by=kind)) for kind in ("lesion", "image"))
    assert [len(part) for part in by_lesion] == [len(part) for part in by_image]
    assert set(by_image[0]) & set(by_image[1]) == set()
    assert {read_split().fold_of[selected[place].image_id] for place in by_image[1]} == {"0", "1", "3"}


def test_fewer_images_are_whole_lesions_and_lie_within_more(records: list[Record]) -> None:
    positions = np.arange(400)
    some, more = draw_lesions(records, positions, 60), draw_lesions(records, positions, 200)
    assert (len(some), len(more)) == (60, 200)
    assert set(some) < set(more)
    assert len({records[place].lesion_id for place in some}) == 30


def test_more_images_than_there_are_is_an_error(records: list[Record]) -> None:
    with pytest.raises(UserError, match="training_images: is 9, but the training folds have 8; ask for fewer"):
        draw_lesions(records, np.arange(8), 9)


def test_sampling_by_the_root_of_frequency_presents_roots() -> None:
    # Classes of 100, 25, 4, 4, 4, 1 and 1 images: roots 10, 5, 2, 2, 2, 1 and 1, of 23.
    labels = np.repeat(np.arange(7), [100, 25, 4, 4, 4, 1, 1])
    weights, prior = weigh_classes(labels, power=0.5)
    torch.testing.assert_close(prior, torch.tensor([10, 5, 2, 2, 2, 1, 1]) / 23)
    assert weights[0].item() == pytest.approx(0.1)
    batches = WeightedBatches(np.arange(139), weights, batch_size=100, seed=0)
    drawn = []
    for epoch in range(200):
        batches.set_epoch(epoch)
        drawn += [labels[batch] for batch in batches]
    found = np.concatenate(drawn)
    np.testing.assert_allclose(np.bincount(found) / len(found), prior.numpy(), atol=0.01)


def test_a_class_without_images_is_named() -> None:
    with pytest.raises(UserError, match="no training image of VASC"):
        weigh_classes(np.arange(6), power=0.5)
