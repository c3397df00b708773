"""Changed and synthetic photographs for measuring limits: other cameras, faults, and other subjects.

Every function maps an RGB image of Pillow to another; randomness comes from the given generator.
"""

import io
import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

Picture = Image.Image
Change = Callable[[Picture], Picture]

COMMON_SIZE = (400, 300)
COMMON_QUALITY = 85
SKIN = (214, 170, 148)


def to_common_format(picture: Picture) -> bytes:
    """The central 4:3 part at 400×300, JPEG quality 85, so that no detector recognises a data set by its format."""
    width, height = picture.size
    kept_width, kept_height = min(width, height * 4 / 3), min(height, width * 3 / 4)
    left, top = (width - kept_width) / 2, (height - kept_height) / 2
    box = (left, top, left + kept_width, top + kept_height)
    return save_jpeg(picture.resize(COMMON_SIZE, Image.Resampling.BICUBIC, box=box), COMMON_QUALITY)


def save_jpeg(picture: Picture, quality: int) -> bytes:
    """Encode as JPEG with Pillow's default chroma subsampling."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def compress(quality: int) -> Change:
    """Compress as JPEG of that quality and decode again."""
    return lambda picture: Image.open(io.BytesIO(save_jpeg(picture, quality))).convert("RGB")


def brighten(factor: float) -> Change:
    """Multiply every value by ``factor``."""
    return lambda picture: ImageEnhance.Brightness(picture).enhance(factor)


def blur(radius: float) -> Change:
    """Gaussian blur by that share of the longer side."""
    return lambda picture: picture.filter(ImageFilter.GaussianBlur(radius * max(picture.size)))


def add_noise(deviation: float, seed: int = 0) -> Change:
    """Add normal noise of that deviation (of 255) to every value."""

    def change(picture: Picture) -> Picture:
        pixels = np.asarray(picture).astype(np.float32)
        noise = np.random.default_rng(seed).normal(0, deviation, pixels.shape)
        return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))

    return change


def zoom(share: float) -> Change:
    """Crop the central share of both sides; above 1, shrink within the mirrored border."""

    def change(picture: Picture) -> Picture:
        width, height = picture.size
        if share <= 1:
            left, top = width * (1 - share) / 2, height * (1 - share) / 2
            return picture.resize(picture.size, Image.Resampling.BICUBIC, box=(left, top, width - left, height - top))
        rows, columns = round(height * (share - 1) / 2), round(width * (share - 1) / 2)
        padded = np.pad(np.asarray(picture), ((rows, rows), (columns, columns), (0, 0)), "reflect")
        return Image.fromarray(padded).resize(picture.size, Image.Resampling.BICUBIC)

    return change


def rotate(degrees: float) -> Change:
    """Rotate around the centre, with the border mirrored into the corners."""

    def change(picture: Picture) -> Picture:
        width, height = picture.size
        rows, columns = height // 2, width // 2
        padded = Image.fromarray(np.pad(np.asarray(picture), ((rows, rows), (columns, columns), (0, 0)), "reflect"))
        turned = padded.rotate(degrees, Image.Resampling.BICUBIC)
        return turned.crop((columns, rows, columns + width, rows + height))

    return change


def mirror(picture: Picture) -> Picture:
    """Mirror left to right."""
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def enlarge(picture: Picture) -> Picture:
    """Double width and height."""
    return picture.resize((picture.width * 2, picture.height * 2), Image.Resampling.BICUBIC)


def shift_dermatoscope(generator: np.random.Generator) -> Change:
    """Simulate another dermatoscope: colour, tone curve, round field with a soft dark rim, crop, sensor noise."""
    gains = generator.uniform(0.88, 1.12, 3)
    gamma = generator.uniform(0.8, 1.25)
    share = generator.uniform(0.75, 1.0)
    radius, softness = generator.uniform(0.9, 1.3), generator.uniform(0.02, 0.15)
    sensor = (int(generator.integers(350, 1400)),) * 2 if generator.random() < 0.3 else None

    def change(picture: Picture) -> Picture:
        picture = zoom(share)(picture)
        width, height = picture.size
        rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        distance = np.hypot(rows * height, columns * width) / max(width, height)
        field = np.clip((radius - distance) / softness, 0.05, 1)[..., np.newaxis]
        light = (np.asarray(picture) / 255.0) ** gamma * gains * field
        changed = Image.fromarray(np.clip(light * 255, 0, 255).astype(np.uint8))
        if sensor is None:
            return changed
        side = min(changed.size)
        left, top = (changed.width - side) // 2, (changed.height - side) // 2
        return changed.crop((left, top, left + side, top + side)).resize(sensor, Image.Resampling.BICUBIC)

    return change


def draw_document(generator: np.random.Generator) -> Picture:
    """Draw lines of dark strokes, like words on paper."""
    paper = tuple(int(value) for value in generator.integers(225, 250, 3))
    picture = Image.new("RGB", (800, 600), paper)
    draw = ImageDraw.Draw(picture)
    margin, pitch = int(generator.integers(40, 90)), int(generator.integers(18, 34))
    for top in range(margin, 600 - margin, pitch):
        left = margin
        end = 800 - margin - int(generator.integers(0, 250))
        while left < end:
            width = int(generator.integers(8, 70))
            for stroke in range(left, left + width, 5):
                tall = int(generator.integers(pitch // 3, 2 * pitch // 3))
                draw.line(
                    (stroke, top, stroke + int(generator.integers(-2, 4)), top + tall), fill=(35, 35, 45), width=2
                )
            left += width + 9
    return picture


def draw_radiograph(generator: np.random.Generator) -> Picture:
    """Draw something like a chest radiograph: grey, two dark lungs, bright spine and ribs, grain."""
    picture = Image.new("L", (640, 512), 110)
    draw = ImageDraw.Draw(picture)
    for left in (90, 360):
        draw.ellipse((left, 60, left + 200, 450), fill=int(generator.integers(25, 55)))
    for top in range(70, 430, int(generator.integers(36, 52))):
        draw.arc((60, top, 320, top + 120), 200, 340, fill=120, width=8)
        draw.arc((330, top, 590, top + 120), 200, 340, fill=120, width=8)
    draw.rectangle((300, 20, 345, 500), fill=int(generator.integers(170, 215)))
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(9))).astype(np.float32)
    grain = generator.normal(0, 6, soft.shape)
    return Image.fromarray(np.clip(soft + grain, 0, 255).astype(np.uint8)).convert("RGB")


def draw_screen(generator: np.random.Generator) -> Picture:
    """Draw a window with panels, buttons and text lines on a display, with its pixel grid."""
    picture = Image.new("RGB", (800, 600), (238, 240, 244))
    draw = ImageDraw.Draw(picture)
    accent = tuple(int(value) for value in generator.integers(40, 200, 3))
    draw.rectangle((0, 0, 800, 46), fill=accent)
    draw.rectangle((0, 46, 170, 600), fill=(222, 226, 233))
    for top in range(80, 560, int(generator.integers(28, 44))):
        draw.rectangle((20, top, 20 + int(generator.integers(60, 130)), top + 9), fill=(110, 118, 130))
        draw.rectangle((200, top, 220 + int(generator.integers(100, 540)), top + 9), fill=(70, 76, 90))
    draw.rectangle((480, 300, 760, 520), fill=(255, 255, 255), outline=accent, width=3)
    pixels = np.array(picture).astype(np.float32)
    pixels[::3] *= 0.9
    return Image.fromarray(pixels.astype(np.uint8))


def draw_healthy_skin(generator: np.random.Generator) -> Picture:
    """Draw skin without a lesion: an even tone with soft light from one side, mottling and pores."""
    tone = np.array(SKIN) * generator.uniform(0.45, 1.1)
    rows, columns = np.mgrid[-1:1:450j, -1:1:600j]
    angle = generator.uniform(0, 2 * math.pi)
    light = 1 + 0.12 * (rows * math.sin(angle) + columns * math.cos(angle))
    pixels = tone * light[..., np.newaxis]
    for scale, strength in ((3, 5), (12, 6), (60, 8)):
        coarse = generator.normal(0, strength, (450 // scale + 2, 600 // scale + 2)).astype(np.float32)
        pixels += np.asarray(Image.fromarray(coarse).resize((600, 450), Image.Resampling.BICUBIC))[..., np.newaxis]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def draw_blank(generator: np.random.Generator) -> Picture:
    """Draw a frame of one colour with slight sensor noise: a covered lens, a white wall."""
    colour = generator.integers(0, 256, 3)
    noise = generator.normal(0, 0.4, (450, 600, 3))
    return Image.fromarray(np.clip(colour + noise, 0, 255).astype(np.uint8))


DRAWN: dict[str, Callable[[np.random.Generator], Picture]] = {
    "document": draw_document,
    "radiograph": draw_radiograph,
    "screen": draw_screen,
    "healthy skin": draw_healthy_skin,
    "blank frame": draw_blank,
}
"""Synthetic domains, by name, that the detector is not fitted on."""

FAULTS: dict[str, Change] = {
    "blur": blur(0.02),
    "dark": brighten(0.35),
    "bright": brighten(1.9),
    "noise": add_noise(40),
    "crushed JPEG": compress(4),
}
"""Faults that make photographs unusable, by name."""

SMALL_CHANGES: dict[str, Change] = {
    "mirror": mirror,
    "rotation by 90°": lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
    "rotation by 15°": rotate(15),
    "crop by 10 %": zoom(0.9),
    "frame 10 % wider": zoom(1.1),
    "10 % brighter": brighten(1.1),
    "10 % darker": brighten(0.9),
    "JPEG at quality 70": compress(70),
}
"""Changes that should not alter a reading, by name."""
