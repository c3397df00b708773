"""The same augmentation by albumentations, image by image in the loader's workers. Imported only when configured.

Its draws are its own: they do not repeat when a run is resumed."""

import os
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ml.errors import UserError
from ml.training.config import Augmentation

Alter = Callable[[npt.NDArray[np.uint8], int], npt.NDArray[np.uint8]]


def make_alter(config: Augmentation) -> Alter:
    """A function of an image's content (H, W, 3) uint8 and an output size S, giving (S, S, 3) uint8.

    Raises ``UserError`` where albumentations is not installed.
    """
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    try:
        import albumentations  # noqa: PLC0415  # a run that augments by tensor operations does without
    except ImportError as error:
        raise UserError("augmentation.kind: albumentations is not installed; install it or set `tensor`") from error
    composed: dict[int, albumentations.Compose] = {}

    def alter(image: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
        if size not in composed:
            composed[size] = albumentations.Compose(_list_transforms(config, size))
        altered: npt.NDArray[np.uint8] = composed[size](image=image)["image"]
        return altered

    return alter


def _list_transforms(config: Augmentation, size: int) -> list[object]:
    import albumentations  # noqa: PLC0415
    import cv2  # noqa: PLC0415  # comes with albumentations

    gain = (-255 * config.channel_gain, 255 * config.channel_gain)
    return [
        albumentations.Rotate(limit=config.rotation_jitter, border_mode=cv2.BORDER_REFLECT_101, p=1),
        albumentations.RandomResizedCrop(
            size=(size, size),
            scale=(config.min_crop_area, 1),
            ratio=(1, config.max_crop_aspect),
            interpolation=cv2.INTER_AREA,
            p=1,
        ),
        albumentations.D4(p=1),
        albumentations.ColorJitter(
            brightness=(1 - config.brightness, 1 + config.brightness),
            contrast=(1 - config.contrast, 1 + config.contrast),
            saturation=(1 - config.saturation, 1 + config.saturation),
            hue=(0, 0),
            p=1,
        ),
        albumentations.RGBShift(r_shift_limit=gain, g_shift_limit=gain, b_shift_limit=gain, p=1),
    ]
