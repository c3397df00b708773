"""Augmentation by albumentations, image by image in the loader's workers; imported only if configured.

albumentations keeps its own random state, so its draws do not repeat when a run is resumed.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.errors import UserError
from ml.training.config import Augmentation

Pixels = npt.NDArray[np.uint8]
Alter = Callable[[Pixels, int], Pixels]

HAIRS = 12
HAIR_PROBABILITY = 0.3
RANDOM_OPERATIONS = 2
"""Number of operations that ``randaugment`` draws for each image."""


def make_alter(config: Augmentation) -> Alter:
    """A function from an image's content (H, W, 3) uint8 and an output size S to the augmented image (S, S, 3) uint8.

    Raises ``UserError`` if albumentations is not installed.
    """
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    try:
        import albumentations
    except ImportError as error:
        raise UserError("augmentation.kind: albumentations is not installed; install it or set `tensor`") from error
    composed: dict[int, albumentations.Compose] = {}

    def alter(image: Pixels, size: int) -> Pixels:
        if size not in composed:
            composed[size] = albumentations.Compose(list_transforms(config, size))
        altered: Pixels = composed[size](image=image)["image"]
        return altered

    return alter


def list_transforms(config: Augmentation, size: int) -> list[Any]:
    """The transforms of the configured level, in order; see ``Augmentation``."""
    import albumentations
    import cv2

    if config.level == "none":
        return [albumentations.Resize(size, size, interpolation=cv2.INTER_AREA)]
    geometry = [
        albumentations.Rotate(limit=config.rotation_jitter, border_mode=cv2.BORDER_REFLECT_101, p=1),
        albumentations.RandomResizedCrop(
            size=(size, size),
            scale=(config.min_crop_area, 1),
            ratio=(1, config.max_crop_aspect),
            interpolation=cv2.INTER_AREA,
            p=1,
        ),
        albumentations.D4(p=1),
    ]
    match config.level:
        case "basic":
            return geometry
        case "randaugment":
            return [*geometry, *_randaugment()]
        case "strong":
            return [*geometry, *_colour(config), *_strong(size)]
    return [*geometry, *_colour(config)]


def _colour(config: Augmentation) -> list[Any]:
    import albumentations

    gain = (-255 * config.channel_gain, 255 * config.channel_gain)
    return [
        albumentations.ColorJitter(
            brightness=(1 - config.brightness, 1 + config.brightness),
            contrast=(1 - config.contrast, 1 + config.contrast),
            saturation=(1 - config.saturation, 1 + config.saturation),
            hue=(0, 0),
            p=1,
        ),
        albumentations.RGBShift(r_shift_limit=gain, g_shift_limit=gain, b_shift_limit=gain, p=1),
    ]


def _strong(size: int) -> list[Any]:
    import albumentations

    hole = (max(1, size // 10), max(2, size // 4))
    return [
        albumentations.OneOf([albumentations.GaussianBlur((3, 5)), albumentations.MotionBlur((3, 5))], p=0.3),
        albumentations.ElasticTransform(alpha=size / 4, sigma=size / 16, p=0.3),
        albumentations.Lambda(image=draw_hairs, p=HAIR_PROBABILITY),
        albumentations.CoarseDropout((1, 3), hole, hole, fill="random_uniform", p=0.3),
    ]


def _randaugment() -> list[Any]:
    """RandAugment without solarise, posterise, invert and equalise, since colour is diagnostic in dermoscopy."""
    import albumentations
    import cv2

    reflected = cv2.BORDER_REFLECT_101

    return [
        albumentations.SomeOf(
            [
                albumentations.RandomBrightnessContrast((-0.3, 0.3), 0, p=1),
                albumentations.RandomBrightnessContrast(0, (-0.3, 0.3), p=1),
                albumentations.HueSaturationValue((-5, 5), (-40, 40), 0, p=1),
                albumentations.Sharpen(p=1),
                albumentations.Affine(shear=(-15, 15), border_mode=reflected, p=1),
                albumentations.Affine(translate_percent=(-0.15, 0.15), border_mode=reflected, p=1),
                albumentations.GaussianBlur((3, 5), p=1),
            ],
            n=RANDOM_OPERATIONS,
            replace=False,
            p=1,
        )
    ]


def draw_hairs(image: Pixels, **_: Any) -> Pixels:
    """Draw up to ``HAIRS`` dark curved hairs, thin as in dermoscopy, on an image (H, W, 3)."""
    import cv2

    height, width = image.shape[:2]
    drawn = image.copy()
    for _hair in range(np.random.randint(1, HAIRS + 1)):  # noqa: NPY002 albumentations seeds workers by it
        start, bend, end = np.random.uniform(-0.2, 1.2, (3, 2)) * (width, height)  # noqa: NPY002
        along = np.linspace(0, 1, 24)[:, None]
        curve = (1 - along) ** 2 * start + 2 * along * (1 - along) * bend + along**2 * end
        shade = np.random.randint(10, 70)  # noqa: NPY002
        thickness = max(1, round(width / 200))
        cv2.polylines(drawn, [curve.round().astype(np.int32)], isClosed=False, color=(shade,) * 3, thickness=thickness)
    return drawn
