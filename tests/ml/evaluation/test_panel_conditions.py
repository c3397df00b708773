"""What a condition does to a photograph, worked by hand, and that nothing else happens to it."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from ml.data.isic import Record, read_isic
from ml.evaluation.panel_conditions import (
    CONDITIONS,
    Kind,
    bend,
    compress_moved,
    resample,
    save_png,
    smear,
)
from ml.training.config import read_config
from tests.ml.tiny_isic import write_tiny_isic

STEADY = Path(__file__).parents[3] / "ml" / "configs" / "best" / "steady_288.yaml"


def grey(values: list[list[int]]) -> Image.Image:
    return Image.fromarray(np.array(values, np.uint8)).convert("RGB")


def first_channel(picture: Image.Image) -> npt.NDArray[np.uint8]:
    return np.asarray(picture)[..., 0]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    data = write_tiny_isic(tmp_path_factory.mktemp("panel") / "data", per_class={"4": 1})
    return read_isic(data).records[0]


def test_gamma_bends_the_curve_and_keeps_its_ends() -> None:
    assert first_channel(bend(2.0, grey([[0, 51, 102, 255]]))).tolist() == [[0, 10, 41, 255]]  # 255 · 0.2², · 0.4²


def test_motion_averages_along_the_row_alone() -> None:
    moved = first_channel(smear(3, grey([[0, 0, 90, 0, 0], [30, 30, 30, 30, 60]])))
    assert moved.tolist() == [[0, 30, 30, 30, 0], [30, 30, 30, 40, 50]]


def test_what_is_finer_than_the_smaller_picture_is_lost() -> None:
    stripes = grey([[0, 255] * 16] * 32)
    assert first_channel(resample(0.5, stripes)).std() < 20
    assert first_channel(resample(1.0, stripes)).tolist() == first_channel(stripes).tolist()


def test_another_grid_has_its_borders_in_the_middle_of_the_blocks() -> None:
    """A step inside a block of the picture's grid is at a border of the moved one, where it costs nothing."""
    step = grey([[128] * 4 + [255] * 28] * 32)
    moved = np.abs(first_channel(compress_moved(50, step)).astype(int) - first_channel(step))[:, :12].max()
    file = io.BytesIO()
    step.save(file, "JPEG", quality=50)
    on_the_same = np.abs(first_channel(Image.open(file).convert("RGB")).astype(int) - first_channel(step))[:, :12].max()
    assert moved <= 2
    assert on_the_same > 5


def test_lossless_is_lossless() -> None:
    picture = grey([[1, 2, 3], [200, 100, 0]])
    assert first_channel(Image.open(io.BytesIO(save_png(picture)))).tolist() == first_channel(picture).tolist()


def test_every_condition_gives_the_same_bytes_again_and_changes_the_photograph(record: Record) -> None:
    clean = CONDITIONS[0].make(record)()
    assert clean == record.path.read_bytes()
    made = [condition.make(record)() for condition in CONDITIONS[1:]]
    assert made == [condition.make(record)() for condition in CONDITIONS[1:]]
    assert len({clean, *made}) == len(CONDITIONS)
    formats = [Image.open(io.BytesIO(data)).format for data in made]
    assert formats.count("WEBP") == 1
    assert formats.count("JPEG") == 3, "noise, the same grid, and the dermatoscope's camera"


def test_the_panel_has_the_conditions_that_it_promises() -> None:
    kinds = [condition.kind for condition in CONDITIONS]
    assert kinds[0] is None
    assert {kind: kinds.count(kind) for kind in Kind} == {
        Kind.COMMON: 5,
        Kind.UNSEEN: 6,
        Kind.STRESS: 1,
        Kind.DERMATOSCOPE: 1,
    }
    assert len({condition.name for condition in CONDITIONS}) == 14


def test_no_training_sees_what_is_called_unseen() -> None:
    """Gamma, motion and WebP have no word in a configuration; the others lie beyond what this one draws."""
    augmentation = read_config(STEADY).augmentation
    assert augmentation.degradation.sharpen == 0
    assert 1 + augmentation.channel_gain < 1.12
    assert 1 - augmentation.channel_gain > 0.85
    assert augmentation.level == "standard", "which crops and never shrinks"
