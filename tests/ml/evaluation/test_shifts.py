"""Changes and drawings do what their names say, and nothing else."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from ml.evaluation import shifts
from tests.ml.pictures import draw_lesion


@pytest.mark.parametrize("size", [(300, 300), (640, 480), (321, 481)])
def test_the_common_format_is_one(size: tuple[int, int]) -> None:
    with Image.open(io.BytesIO(shifts.to_common_format(draw_lesion(*size)))) as picture:
        assert (picture.size, picture.format) == ((400, 300), "JPEG")


@pytest.mark.parametrize("name", sorted(shifts.SMALL_CHANGES))
def test_a_small_change_keeps_most_of_the_picture(name: str) -> None:
    before, after = draw_lesion(), shifts.SMALL_CHANGES[name](draw_lesion())
    assert sorted(after.size) == sorted(before.size)
    assert np.abs(np.asarray(after).mean((0, 1)) - np.asarray(before).mean((0, 1))).max() < 25


def test_turning_and_zooming_mirror_the_border_and_leave_no_black() -> None:
    for change in (shifts.rotate(15), shifts.zoom(1.1)):
        assert (np.asarray(change(draw_lesion())).max(axis=2) < 30).mean() < 0.001


def test_another_dermatoscope_is_drawn_by_its_number() -> None:
    def shift(seed: int) -> bytes:
        return shifts.shift_dermatoscope(np.random.default_rng(seed))(draw_lesion()).tobytes()

    assert shift(1) == shift(1)
    assert len({shift(seed) for seed in range(5)}) == 5


@pytest.mark.parametrize("draw", shifts.DRAWN.values(), ids=list(shifts.DRAWN))
def test_each_kind_is_drawn_in_many_forms(draw: Callable[[np.random.Generator], Image.Image]) -> None:
    pictures = [draw(np.random.default_rng(seed)) for seed in (1, 2)]
    assert all(picture.mode == "RGB" and min(picture.size) >= 300 for picture in pictures)
    assert pictures[0].tobytes() != pictures[1].tobytes()


def test_faults_spoil() -> None:
    plain = np.asarray(draw_lesion()).astype(int)
    for name, change in shifts.FAULTS.items():
        assert np.abs(np.asarray(change(draw_lesion())).astype(int) - plain).mean() > 2, name
