"""Colour and texture features, about thirty numbers, which separate altered photographs from real ones.

All are computed at the scale of ``ml.serve.quality``; colours on means of small blocks, which average noise out.
Opponent colours are red minus green and yellow minus blue, and the log-ratios of red and blue to green, which do not
depend on exposure.
"""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

BLOCK = 8
LUMA = np.array((0.299, 0.587, 0.114), np.float32)
DARK = 24
"""Luminance below which a block is ignored for colour: mostly the rim of a dermatoscope."""
FEWEST = 50
OFFSET = 8
FLAT = 1
DEGREE = 3
BRIGHTEST = 66
TOP_LEVELS = 8

COLOUR = "colour_beyond_light"
"""Standard deviation of red-green and yellow-blue that luminance does not explain; 0 for a grey or toned photograph."""


def measure_appearance(small: npt.NDArray[np.uint8]) -> dict[str, float]:
    """Compute the features, by name, of an image (H, W, 3) whose sides are multiples of 16."""
    pixels = small.astype(np.float32)
    return _describe_colours(pixels) | _describe_texture(pixels)


def _describe_colours(pixels: FloatArray) -> dict[str, float]:
    blocks = _average_blocks(pixels, BLOCK)
    colours = _choose_light(blocks)
    light = colours @ LUMA
    red, green, blue = colours.T
    opponents: dict[str, FloatArray] = {
        "red_green": red - green,
        "yellow_blue": (red + green) / 2 - blue,
        "red_ratio": np.asarray(np.log((red + OFFSET) / (green + OFFSET))),
        "blue_ratio": np.asarray(np.log((blue + OFFSET) / (green + OFFSET))),
    }
    bright = light >= np.percentile(light, BRIGHTEST)
    saturation = 1 - colours.min(axis=1) / np.maximum(colours.max(axis=1), 1)
    spread = np.linalg.eigvalsh(np.cov(opponents["red_ratio"], opponents["blue_ratio"]))
    measured = {f"saturation_{share}": np.percentile(saturation, share) for share in (5, 50, 95)}
    measured |= {"hue_spread": np.sqrt(max(spread[1], 0)), "hue_spread_across": np.sqrt(max(spread[0], 0))}
    measured["red_not_most"] = np.mean(red < np.maximum(green, blue))
    for name, values in opponents.items():
        measured[name] = np.median(values)
        measured[f"{name}_bright"] = np.median(values[bright])
        measured[f"{name}_spread"] = values.std()
        measured[f"{name}_beyond_light"] = _spread_beyond(light, values)
        measured[f"{name}_with_light"] = _correlate(light, values)
    coarse = _choose_light(_average_blocks(blocks, 2))
    red_green = _spread_beyond(coarse @ LUMA, coarse[:, 0] - coarse[:, 1])
    yellow_blue = _spread_beyond(coarse @ LUMA, np.asarray((coarse[:, 0] + coarse[:, 1]) / 2 - coarse[:, 2]))
    measured[COLOUR] = np.hypot(red_green, yellow_blue)
    return {name: float(value) for name, value in measured.items()}


def _describe_texture(pixels: FloatArray) -> dict[str, float]:
    light = pixels @ LUMA
    planes = {
        "light": light,
        "red_green": pixels[..., 0] - pixels[..., 1],
        "yellow_blue": (pixels[..., 0] + pixels[..., 1]) / 2 - pixels[..., 2],
    }
    edges = {name: _laplacian(plane) for name, plane in planes.items()}
    grain = {name: float(values.std()) for name, values in edges.items()}
    levels = np.bincount(np.clip(np.rint(light), 0, 255).astype(np.intp).ravel(), minlength=256) / light.size
    height, width = light.shape
    rows, columns = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    outwards = np.hypot(rows, columns) / np.sqrt(2)
    middle = max(float(light[(outwards > 0.35) & (outwards < 0.6)].mean()), 1.0)
    return {
        **{f"{name}_grain": value for name, value in grain.items()},
        "red_green_grain_share": grain["red_green"] / max(grain["light"], 0.5),
        "yellow_blue_grain_share": grain["yellow_blue"] / max(grain["light"], 0.5),
        "flat": float(np.mean(np.abs(edges["light"]) <= FLAT)),
        "in_few_levels": float(np.sort(levels)[-TOP_LEVELS:].sum()),
        "at_ends": float(np.mean((pixels <= 2) | (pixels >= 253))),
        "corners": float(light[outwards > 0.9].mean()) / middle,
        "rim": float(light[(outwards > 0.7) & (outwards < 0.9)].mean()) / middle,
    }


def _average_blocks(pixels: FloatArray, side: int) -> FloatArray:
    """Mean colours (H / side, W / side, 3) of square blocks."""
    height, width = (length // side for length in pixels.shape[:2])
    rows = pixels.reshape(height, side, -1).sum(axis=1)
    return np.asarray(rows.reshape(height, width, side, 3).sum(axis=2) / side**2)


def _choose_light(blocks: FloatArray) -> FloatArray:
    """Colours (N, 3) of blocks (H, W, 3) without the dark ones, or all of them if fewer than ``FEWEST`` are light."""
    means = blocks.reshape(-1, 3)
    is_light = means @ LUMA > DARK
    return np.asarray(means[is_light] if is_light.sum() >= FEWEST else means)


def _spread_beyond(light: FloatArray, values: FloatArray) -> float:
    """Residual standard deviation of ``values`` (N,) after a cubic fit on luminance (N,)."""
    powers = (light[:, np.newaxis] / 255) ** np.arange(DEGREE + 1, dtype=np.float32)
    inner = powers.T @ powers + 1e-4 * np.eye(DEGREE + 1)  # regularised: under uniform light every cubic fits
    return float((values - powers @ np.linalg.solve(inner, powers.T @ values)).std())


def _correlate(light: FloatArray, values: FloatArray) -> float:
    spread = float(light.std() * values.std())
    return 0.0 if spread < 1e-3 else float(((light - light.mean()) * (values - values.mean())).mean() / spread)


def _laplacian(plane: FloatArray) -> FloatArray:
    centre = plane[1:-1, 1:-1]
    return np.asarray(plane[:-2, 1:-1] + plane[2:, 1:-1] + plane[1:-1, :-2] + plane[1:-1, 2:] - 4 * centre)


NAMES: tuple[str, ...] = tuple(measure_appearance(np.zeros((2 * BLOCK * 2, 2 * BLOCK * 2, 3), np.uint8)))
"""Names of all features, in their order."""
