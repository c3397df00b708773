import io

import numpy as np
from PIL import Image

from classifier.presentation import heat_map


def test_a_picture_is_whole_unless_a_part_of_it_is_missing_or_wrong() -> None:
    png = heat_map.paint(np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30))
    assert heat_map.is_whole(png)
    for end in (0, 8, 40, len(png) // 2, len(png) - 12, len(png) - 1):
        assert not heat_map.is_whole(png[:end]), end
    for place in (20, len(png) // 2, len(png) - 20):
        assert not heat_map.is_whole(png[:place] + bytes([png[place] ^ 1]) + png[place + 1 :]), place


def test_the_picture_is_one_colour_and_the_more_opaque_the_stronger() -> None:
    activation = np.array([[0.0, 0.5, 1.0], [-0.2, 1.7, 0.004]], np.float32)
    with Image.open(io.BytesIO(heat_map.paint(activation))) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (3, 2))
        pixels = np.asarray(picture)
    assert (pixels[..., :3] == (255, 208, 40)).all()
    assert pixels[..., 3].tolist() == [[0, 118, 235], [0, 235, 1]]
