"""Manipulations that no training set contains: no colour, other colours, prints, screens, filters.

Every kind has three strengths, the weakest first. All map an RGB image of Pillow to another and use fixed seeds only,
so that they are deterministic. ``draw_manipulation`` draws kind and strength, for fitting.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from ml.evaluation.shifts import Change, Picture

FloatArray = npt.NDArray[np.float32]

SEPIA = np.array(((0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131)), np.float32)
BAYER = np.array(((0, 8, 2, 10), (12, 4, 14, 6), (3, 11, 1, 9), (15, 7, 13, 5)), np.float32)
SHARPENED_OVER = 0.005
"""Radius of the sharpening, as a share of the longer side."""


def keep_colour(share: float, picture: Picture) -> Picture:
    """Keep this share of the colour and replace the rest by grey."""
    return ImageEnhance.Color(picture).enhance(share)


def grey_with_noise(deviation: float, picture: Picture) -> Picture:
    """Grey with normal noise of that deviation (of 255) on both chroma channels, as a camera or JPEG stores it."""
    grey = np.asarray(picture.convert("L"))
    noise = np.random.default_rng(0).normal(128, deviation, (*grey.shape, 2))
    channels = np.dstack((grey, np.clip(np.rint(noise), 0, 255).astype(np.uint8)))
    return Image.fromarray(channels, "YCbCr").convert("RGB")


def tint(share: float, picture: Picture) -> Picture:
    """Blend with sepia by ``share``."""
    grey = np.asarray(picture.convert("L").convert("RGB"), np.float32)
    return _to_picture((1 - share) * grey + share * grey @ SEPIA.T)


def multiply(gains: tuple[float, float, float], picture: Picture) -> Picture:
    """Multiply each channel by its gain, as a coloured glass or a wrong white balance does."""
    return _to_picture(np.asarray(picture, np.float32) * np.array(gains, np.float32))


def solarise(threshold: int, picture: Picture) -> Picture:
    """Invert values from the threshold on; 0 gives the negative."""
    return ImageOps.solarize(picture, threshold)


def posterise(bits: int, picture: Picture) -> Picture:
    """Reduce each channel to 2^``bits`` levels from black to white."""
    step = 256 >> bits
    return _to_picture(np.asarray(picture) // step * np.float32(255 / (2**bits - 1)))


def turn_hue(degrees: float, picture: Picture) -> Picture:
    """Rotate the hue; saturation and value are kept."""
    hue, saturation, value = picture.convert("HSV").split()
    turned = (np.asarray(hue, np.int16) + round(degrees * 256 / 360)) % 256
    return Image.merge("HSV", (Image.fromarray(turned.astype(np.uint8)), saturation, value)).convert("RGB")


def swap_channels(order: str, picture: Picture) -> Picture:
    """Reorder the channels, such as BGR read as RGB."""
    bands = dict(zip("RGB", picture.split(), strict=True))
    return Image.merge("RGB", [bands[name] for name in order])


def halftone(dot: int, picture: Picture) -> Picture:
    """Ordered dither of each channel to full or no ink, in dots of ``dot`` pixels at the image's own size."""
    pixels = np.asarray(picture, np.float32)
    tiles = math.ceil(pixels.shape[0] / (4 * dot)), math.ceil(pixels.shape[1] / (4 * dot))
    limits = np.tile(np.kron((BAYER + 0.5) / 16 * 255, np.ones((dot, dot), np.float32)), tiles)
    return _to_picture(255.0 * (pixels > limits[: pixels.shape[0], : pixels.shape[1], np.newaxis]))


def film_screen(depth: float, picture: Picture) -> Picture:
    """A photograph of a screen: moiré bands of that depth, different in each channel, and a bluish white."""
    pixels = np.asarray(picture, np.float32)
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]] / max(pixels.shape[:2])
    bands = [
        np.sin(2 * math.pi * (70 * columns + 11 * rows + shift)) * np.sin(2 * math.pi * (64 * rows + 7 * columns))
        for shift in (0, 1 / 3, 2 / 3)
    ]
    light = 1 + depth * np.stack(bands, axis=-1).astype(np.float32)
    return _to_picture(pixels * light * np.array((1 - depth / 4, 1, 1 + depth / 4), np.float32))


def vignette(depth: float, picture: Picture) -> Picture:
    """Darken by ``depth`` towards the corners, from half the distance on."""
    pixels = np.asarray(picture, np.float32)
    rows, columns = np.mgrid[-1 : 1 : pixels.shape[0] * 1j, -1 : 1 : pixels.shape[1] * 1j]
    outwards = np.clip(np.hypot(rows, columns) / math.sqrt(2) * 2 - 0.6, 0, 1).astype(np.float32)
    return _to_picture(pixels * (1 - depth * outwards[..., np.newaxis]))


def oversharpen(percent: int, picture: Picture) -> Picture:
    """Apply unsharp masking of that strength."""
    radius = SHARPENED_OVER * max(picture.size)
    return picture.filter(ImageFilter.UnsharpMask(radius=radius, percent=percent, threshold=0))


def draw_manipulation(generator: np.random.Generator) -> Change:
    """Draw a kind and a strength, from the weakest to beyond the strongest of ``MANIPULATIONS``."""
    return DRAWS[int(generator.integers(len(DRAWS)))](generator)


def _draw_filter(generator: np.random.Generator) -> Change:
    gains = generator.uniform(0.2, 1.0, 3)
    return partial(multiply, tuple(gains / gains.max()))


def _draw_white_balance(generator: np.random.Generator) -> Change:
    shift = generator.uniform(0.2, 0.6) * generator.choice((-1, 1))
    return partial(multiply, (1 + shift, 1 + generator.uniform(-0.1, 0.1), 1 - shift))


def _draw_negative(generator: np.random.Generator) -> Change:
    return partial(solarise, int(generator.choice((0, 0, *range(64, 200)))))


def _to_picture(pixels: npt.NDArray[np.floating]) -> Picture:
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


MANIPULATIONS: dict[str, dict[str, Change]] = {
    "less colour": {f"{share:.0%} left": partial(keep_colour, share) for share in (0.5, 0.25, 0.1)},
    "grey": {
        "colour noise of 10": partial(grey_with_noise, 10),
        "colour noise of 4": partial(grey_with_noise, 4),
        "pure": partial(grey_with_noise, 0),
    },
    "sepia": {f"{share:.0%}": partial(tint, share) for share in (0.25, 0.6, 1.0)},
    "colour filter": {
        name: partial(multiply, gains)
        for name, gains in (
            ("orange", (1.0, 0.75, 0.5)),
            ("green", (0.5, 1.0, 0.6)),
            ("deep blue", (0.3, 0.5, 1.0)),
        )
    },
    "white balance": {
        name: partial(multiply, gains)
        for name, gains in (
            ("cold by 20 %", (0.8, 1.0, 1.2)),
            ("cold by 40 %", (0.6, 1.0, 1.4)),
            ("warm by 40 %", (1.4, 1.0, 0.6)),
        )
    },
    "hue turn": {f"{degrees}°": partial(turn_hue, degrees) for degrees in (20, 60, 180)},
    "channel swap": {f"{order} for RGB": partial(swap_channels, order) for order in ("RBG", "GRB", "BGR")},
    "negative": {
        "values from 192 on": partial(solarise, 192),
        "values from 128 on": partial(solarise, 128),
        "all": partial(solarise, 0),
    },
    "posterised": {f"{2**bits} levels": partial(posterise, bits) for bits in (3, 2, 1)},
    "halftone": {f"dots of {dot}": partial(halftone, dot) for dot in (1, 2, 4)},
    "off a screen": {f"moiré of {depth:.0%}": partial(film_screen, depth) for depth in (0.1, 0.25, 0.5)},
    "vignette": {f"corners {depth:.0%} darker": partial(vignette, depth) for depth in (0.5, 0.8, 1.0)},
    "over-sharpened": {f"by {percent} %": partial(oversharpen, percent) for percent in (200, 500, 1000)},
}
"""Manipulation by kind and strength."""


DRAWS: tuple[Callable[[np.random.Generator], Change], ...] = (
    lambda generator: partial(keep_colour, generator.uniform(0, 0.5)),
    lambda generator: partial(grey_with_noise, generator.uniform(0, 12)),
    lambda generator: partial(tint, generator.uniform(0, 1.2)),
    _draw_filter,
    _draw_white_balance,
    lambda generator: partial(turn_hue, generator.uniform(20, 340)),
    lambda generator: partial(swap_channels, str(generator.choice(("RBG", "GRB", "GBR", "BRG", "BGR")))),
    _draw_negative,
    lambda generator: partial(posterise, int(generator.integers(1, 4))),
    lambda generator: partial(halftone, int(generator.integers(1, 6))),
    lambda generator: partial(film_screen, generator.uniform(0.08, 0.6)),
    lambda generator: partial(vignette, generator.uniform(0.4, 1)),
    lambda generator: partial(oversharpen, int(generator.integers(150, 1200))),
)
"""Random manipulations, in the order of ``MANIPULATIONS``."""
