"""What the detector is fitted on."""

from pathlib import Path

from ml.build.detector import draw_fitting_pictures
from ml.data.isic import Record


def test_the_pictures_of_the_fit_are_drawn_alike_every_time() -> None:
    records = [Record(f"I{number}", Path(), 0) for number in range(4000)]
    drawn = draw_fitting_pictures(records)
    assert drawn == draw_fitting_pictures(records)
    assert (len(drawn), drawn) == (1500, sorted(drawn, key=lambda record: int(record.image_id[1:])))
