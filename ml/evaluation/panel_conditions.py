"""The conditions of the panel: what may happen to a photograph on its way to a reading.

A condition turns an RGB image of Pillow and a number, the seed of its randomness, into the bytes of an upload. Changed
pixels are stored losslessly, so that nothing but the condition acts; but noise as a camera stores it, as a JPEG of high
quality, since lossless noise of colour is refused as an alteration.
"""

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from PIL import Image, ImageFilter

from ml.data.isic import Record
from ml.evaluation.manipulations import multiply
from ml.evaluation.observe import QUALITY, Maker, from_file, open_picture
from ml.evaluation.shifts import Picture, add_noise, compress, save_jpeg, shift_dermatoscope, zoom

Encode = Callable[[Picture, int], bytes]
HALF_A_BLOCK = 4
"""Pixels by which another grid of JPEG blocks, of eight pixels, is moved."""


class Kind(StrEnum):
    """What a condition tells: ``common`` are kinds that a steadier network is trained on, ``unseen`` no training."""

    COMMON = "common"
    UNSEEN = "unseen"
    STRESS = "stress"
    DERMATOSCOPE = "dermatoscope"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: its name, its kind, and the change, None for the file as it is."""

    name: str
    kind: Kind | None
    encode: Encode | None

    def make(self, record: Record) -> Maker:
        """Maker of the upload of a record under this condition; the image's id seeds it."""
        encode = self.encode
        if encode is None:
            return from_file(record.path)
        return lambda: encode(open_picture(record.path), zlib.crc32(record.image_id.encode()))


def save_png(picture: Picture) -> bytes:
    """Encode without loss."""
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


def resample(share: float, picture: Picture) -> Picture:
    """Shrink to that share of both sides and enlarge again, bicubic."""
    small = (round(picture.width * share), round(picture.height * share))
    return picture.resize(small, Image.Resampling.BICUBIC).resize(picture.size, Image.Resampling.BICUBIC)


def compress_moved(quality: int, picture: Picture) -> Picture:
    """Compress as JPEG with the blocks moved by half a block in both directions."""
    padded = np.pad(np.asarray(picture), ((HALF_A_BLOCK, 0), (HALF_A_BLOCK, 0), (0, 0)), "symmetric")
    box = (HALF_A_BLOCK, HALF_A_BLOCK, HALF_A_BLOCK + picture.width, HALF_A_BLOCK + picture.height)
    return compress(quality)(Image.fromarray(padded)).crop(box)


def bend(gamma: float, picture: Picture) -> Picture:
    """Raise every value, 0 to 1, to the power of ``gamma``."""
    curve = [round(255 * (value / 255) ** gamma) for value in range(256)]
    return picture.point(curve * 3)


def smear(length: int, picture: Picture) -> Picture:
    """Average over ``length`` pixels along a row, as a hand that moves does, with the border repeated."""
    before = length // 2
    pixels = np.pad(np.asarray(picture, np.float32), ((0, 0), (before, length - 1 - before), (0, 0)), mode="edge")
    total = sum(pixels[:, at : at + picture.width] for at in range(length))
    return Image.fromarray(np.rint(total / length).astype(np.uint8))


def save_webp(quality: int, picture: Picture) -> bytes:
    """Encode as lossy WebP."""
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=quality)
    return out.getvalue()


def change_dermatoscope(picture: Picture, number: int) -> bytes:
    """Simulate another dermatoscope, its camera and its software: ``shift_dermatoscope``, further colours, and optics.

    Colour casts of up to a quarter, blur or halos of sharpening, grain, and a JPEG of quality 70 to 90.
    """
    generator = np.random.default_rng(number)
    changed = shift_dermatoscope(generator)(picture)
    changed = multiply(tuple(generator.uniform(1 - CAST, 1 + CAST, 3)), changed)
    if generator.random() < 0.5:
        changed = changed.filter(ImageFilter.GaussianBlur(generator.uniform(0.3, SOFTEST)))
    else:
        changed = changed.filter(ImageFilter.UnsharpMask(1.5, int(generator.integers(50, SHARPEST)), 0))
    changed = add_noise(generator.uniform(1, GRAINIEST), number)(changed)
    return save_jpeg(changed, int(generator.integers(70, 91)))


CAST, SOFTEST, SHARPEST, GRAINIEST = 0.15, 1.2, 200, 5.0
"""Strongest colour cast, blur (pixels), sharpening (%) and noise (of 255) of the simulated dermatoscopes."""

CONDITIONS = (
    Condition("clean", None, None),
    Condition("blur of half a pixel", Kind.COMMON, lambda p, _: save_png(p.filter(ImageFilter.GaussianBlur(0.5)))),
    Condition("to three quarters and back", Kind.COMMON, lambda p, _: save_png(resample(0.75, p))),
    Condition("noise of 3", Kind.COMMON, lambda p, number: save_jpeg(add_noise(3, number)(p), QUALITY)),
    Condition("JPEG 50, another grid", Kind.COMMON, lambda p, _: save_png(compress_moved(50, p))),
    Condition("JPEG 70, another grid", Kind.COMMON, lambda p, _: save_png(compress_moved(70, p))),
    Condition("JPEG 70, same grid", Kind.STRESS, lambda p, _: save_jpeg(p, 70)),
    Condition("gamma of 1.3", Kind.UNSEEN, lambda p, _: save_png(bend(1.3, p))),
    Condition("motion of 3 pixels", Kind.UNSEEN, lambda p, _: save_png(smear(3, p))),
    Condition("white balance, warmer", Kind.UNSEEN, lambda p, _: save_png(multiply((1.12, 1.0, 0.85), p))),
    Condition(
        "sharpening", Kind.UNSEEN, lambda p, _: save_png(p.filter(ImageFilter.UnsharpMask(1, percent=100, threshold=0)))
    ),
    Condition("WebP 60", Kind.UNSEEN, lambda p, _: save_webp(60, p)),
    Condition("frame a quarter wider", Kind.UNSEEN, lambda p, _: save_png(zoom(1.25)(p))),
    Condition("another dermatoscope, simulated", Kind.DERMATOSCOPE, change_dermatoscope),
)
"""Every condition of the panel; the first is the photograph as it is."""
