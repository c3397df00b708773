"""Timing of alternating actions, on a reproducible photograph."""

import io
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from ml.serve.image_io import normalise_upload

COMMON_SIZE = (600, 450)
WARM_UP = 5


def take_turns(
    actions: Sequence[Callable[[], object]], repeats: int, *, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Median milliseconds of each action; the actions alternate in every round.

    With the clock ``time.process_time`` it is CPU time, which other load on the machine hardly affects.
    """
    times: list[list[float]] = [[] for _ in actions]
    for turn in range(WARM_UP + repeats):
        for index, action in enumerate(actions):
            started = clock()
            action()
            if turn >= WARM_UP:
                times[index].append((clock() - started) * 1000)
    return [statistics.median(durations) for durations in times]


def draw_photograph() -> Image.Image:
    """Draw skin-like noise around a dark patch; as JPEG it is as large as a dermoscopic photograph."""
    rows, columns = np.mgrid[-1:1:450j, -1:1:600j]
    patch = 90.0 * (np.hypot(rows, columns) < 0.5)
    noise = np.random.default_rng(0).normal(0, 7, (450, 600, 3))
    pixels = np.array((215.0, 170.0, 150.0)) - patch[..., np.newaxis] + noise
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def store(picture: Image.Image, size: tuple[int, int]) -> bytes:
    """Encode an image as stored, at that size."""
    out = io.BytesIO()
    picture.resize(size, Image.Resampling.BICUBIC).save(out, "JPEG", quality=95, subsampling=0)
    return normalise_upload(out.getvalue()).data
