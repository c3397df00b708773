"""The only image decoder and encoder, for training, evaluation and serving: bytes to an upright sRGB image and back.

Uploads are hostile: the format is decided by content, limits are checked from the header before a pixel is decoded,
and the stored image is rebuilt from the pixels, so that no metadata, comment, trailer or embedded thumbnail survives.
"""

import hashlib
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageCms, UnidentifiedImageError

from ml.serve.image_header import MIRRORED, Upload, has_known_signature, inspect
from ml.serve.image_limits import (
    LIMITS,
    MAX_PROFILE_BYTES,
    MEGABYTE,
    MESSAGES,
    ImageRejected,
    Limits,
    check_memory,
    check_size,
)

try:
    import pillow_heif
except ImportError:  # training machines read JPEG only; requirements/base.txt installs it for serving
    HEIF_FORMATS: tuple[str, ...] = ()
else:
    pillow_heif.register_heif_opener()
    HEIF_FORMATS = ("HEIF",)

# Broken metadata is harmless. Set once and globally: warnings.catch_warnings is not thread-safe.
warnings.filterwarnings("ignore", category=UserWarning, module=r"(PIL|pillow_heif)\b")

__all__ = [
    "LIMITS",
    "MESSAGES",
    "ImageRejected",
    "Limits",
    "Pixels",
    "StoredImage",
    "decode_stored",
    "estimate_memory",
    "normalise_upload",
    "thumbnail",
]

Pixels = npt.NDArray[np.uint8]

UPLOAD_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", *HEIF_FORMATS)
STORED_FORMATS = ("JPEG", "PNG")
JPEG_QUALITY = 95
PNG_COMPRESSION = 1  # three times as fast as Pillow's 6 on a photograph, 5 % larger
NEUTRAL_GREY = (128, 128, 128)
INVISIBLE_ALPHA = 8
STRIP_PIXELS = 1_000_000
REDUCED_FROM_PIXELS = 16_000_000

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image as stored: ``data`` in ``format``, size in pixels, SHA-256 of ``data``, notes on the conversion.

    ``notes`` are codes: first_frame, orientation_unreadable, scaled_16_bit, alpha_composited, cmyk_converted,
    profile_converted, profile_ignored, rotated. ``thumbnail`` is a JPEG of the same pixels; empty unless asked for.
    Of what the metadata said, these are left: ``taken_at`` by the camera's clock, without a zone; ``camera``, maker and
    model; ``mirrored``, whether the file said that its pixels were a mirror image.
    """

    data: bytes
    format: Literal["jpeg", "png"]
    width: int
    height: int
    sha256: str
    notes: tuple[str, ...]
    thumbnail: bytes = b""
    taken_at: datetime | None = None
    camera: str = ""
    mirrored: bool = False


def normalise_upload(data: bytes, *, limits: Limits = LIMITS, thumbnail_side: int | None = None) -> StoredImage:
    """Decode an uploaded file, convert it to upright sRGB, and encode it again from the pixels.

    The result is JPEG at quality 95 without chroma subsampling, or PNG for a lossless source; with ``thumbnail_side``,
    a thumbnail of at most that many pixels is made from the same pixels. The cost is estimated before it is spent.
    Raises ``ImageRejected``.
    """
    _check_bytes(data, limits)
    with _decoding(data, limits):
        upload = inspect(data)
        with _open(upload, limits) as image:
            check_memory(_count_memory(image, upload), limits)
            image.load()
            lossless = _is_lossless(image, data)
            clean = _make_upright_srgb(image, upload)
    stored = _encode(clean, "png" if lossless else "jpeg")
    return StoredImage(
        data=stored,
        format="png" if lossless else "jpeg",
        width=clean.width,
        height=clean.height,
        sha256=hashlib.sha256(stored).hexdigest(),
        notes=tuple(upload.notes),
        thumbnail=b"" if thumbnail_side is None else _shrink(clean, thumbnail_side),
        taken_at=upload.taken_at,
        camera=upload.camera,
        mirrored=upload.mirrored,
    )


def estimate_memory(data: bytes, *, limits: Limits = LIMITS) -> tuple[str, int]:
    """The format of an uploaded file and the peak memory, in bytes, that ``normalise_upload`` needs for it.

    Reads headers only. Raises ``ImageRejected`` for anything that the header already rules out.
    """
    _check_bytes(data, limits)
    with _decoding(data, limits):
        upload = inspect(data)
        with _open(upload, limits) as image:
            needed = _count_memory(image, upload)
            check_memory(needed, limits)
            return image.format or "", needed


def decode_stored(data: bytes, *, at_least: int | None = None) -> Pixels:
    """Decode stored bytes to (H, W, 3) uint8, upright sRGB. Raises ``ImageRejected``.

    With ``at_least``, a large JPEG is decoded at 1/2, 1/4 or 1/8 of its size as long as its shorter side keeps that
    many pixels: four times as fast for a 12-megapixel photograph. A very large PNG is reduced by averaging instead, so
    that its pixels are not held twice.
    """
    try:
        with Image.open(io.BytesIO(data), formats=STORED_FORMATS) as image:
            if at_least is not None:
                image.draft("RGB", (at_least, at_least))
            picture = _reduce(image, at_least) if at_least else image
            return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageRejected("truncated") from error


def thumbnail(data: bytes, *, side: int) -> bytes:
    """Shrink stored bytes to a JPEG whose longer side has at most ``side`` pixels."""
    return _shrink(Image.fromarray(decode_stored(data, at_least=side)), side)


def _shrink(picture: Image.Image, side: int) -> bytes:
    """A JPEG of a picture whose longer side has at most ``side`` pixels; the picture stays as it is."""
    scale = min(1.0, side / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    out = io.BytesIO()
    # First averaged by a whole number to twice the size: ten times as fast for a photograph of 12 megapixels.
    picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0).save(out, "JPEG", quality=85, optimize=True)
    return out.getvalue()


def _reduce(image: Image.Image, at_least: int) -> Image.Image:
    factor = min(image.size) // at_least
    return image.reduce(factor) if factor > 1 and image.width * image.height > REDUCED_FROM_PIXELS else image


def _check_bytes(data: bytes, limits: Limits) -> None:
    if not data:
        raise ImageRejected("empty")
    check_size(len(data), limits)


@contextmanager
def _decoding(data: bytes, limits: Limits) -> Iterator[None]:
    """Turn Pillow's exceptions on a bad file into ``ImageRejected``."""
    try:
        yield
    except ImageRejected:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        limit = limits.max_pixels // MEGABYTE
        raise ImageRejected("too_many_pixels", megapixels=f"over {limit}", limit=limit) from error
    except UnidentifiedImageError as error:
        raise ImageRejected("truncated" if has_known_signature(data) else "unsupported_type") from error
    except MemoryError as error:
        raise ImageRejected("too_much_memory", limit=limits.max_memory // MEGABYTE) from error
    except Exception as error:  # decoders raise anything on hostile bytes: struct.error, IndexError, KeyError, ...
        raise ImageRejected("truncated") from error


def _open(upload: Upload, limits: Limits) -> Image.Image:
    """Open an inspected upload; raises ``ImageRejected`` by its header, before a pixel is decoded."""
    image = Image.open(io.BytesIO(upload.data), formats=UPLOAD_FORMATS)
    width, height = image.size
    if width * height > limits.max_pixels:
        megapixels = f"{width * height / MEGABYTE:.1f}"
        raise ImageRejected("too_many_pixels", megapixels=megapixels, limit=limits.max_pixels // MEGABYTE)
    if min(width, height) < limits.min_side:
        raise ImageRejected("too_small", width=width, height=height, limit=limits.min_side)
    match image.format:
        case "HEIF":  # rotated by its decoder; the other images of a HEIC are previews, depth and gain maps
            if getattr(image, "n_frames", 1) > 1:
                upload.notes.append("first_frame")
            upload.read_camera(image.info.get("exif") or b"")
            upload.mirrored |= image.info.get("original_orientation") in MIRRORED
        case "WEBP":
            if getattr(image, "is_animated", False):
                raise ImageRejected("animated")
            upload.read_metadata(image.info.get("exif", b""), image.info.get("xmp", b""))
    if image.mode in ("I", "F"):  # 32-bit data: the value of white is unknown
        raise ImageRejected("unsupported_type")
    return image


def _count_memory(image: Image.Image, upload: Upload) -> int:
    """Peak memory in bytes of decoding and converting, by format and mode; Pillow holds four bytes per pixel."""
    pixels = image.width * image.height
    own = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}.get(image.mode, 4)
    match image.format:
        case "JPEG":
            decoding = own + upload.scan_bytes
        case "WEBP":  # canvas, previous canvas, frame and image
            decoding = 16.0
        case "HEIF":  # the decoder's own image besides ours
            decoding = own + len(image.getbands())
        case "TIFF":  # rotated by its decoder
            decoding = max(own + upload.strip_bytes / pixels, 2 * own)
        case _:
            decoding = own
    converting = own if _is_ready(image, upload) else max(own + 3, 3 + 4)
    return int(pixels * max(decoding, converting))


def _is_ready(image: Image.Image, upload: Upload) -> bool:
    """Whether the pixels are upright sRGB already."""
    plain = image.mode == "RGB" and not image.has_transparency_data and not image.info.get("icc_profile")
    return plain and upload.orientation == 1


def _is_lossless(image: Image.Image, data: bytes) -> bool:
    match image.format:
        case "PNG":
            return True
        case "TIFF":
            return "jpeg" not in str(image.info.get("compression"))
        case "WEBP":
            return b"VP8L" in data[12:16] or (data[12:16] == b"VP8X" and b"VP8L" in data[30:] and b"VP8 " not in data)
    return False


def _make_upright_srgb(image: Image.Image, upload: Upload) -> Image.Image:
    """Convert to upright sRGB without metadata; closes ``image``.

    The conversion runs strip by strip into three planes, so that two whole images are never held at the same time.
    """
    if _is_ready(image, upload):
        image.info = {}  # Pillow would write a comment or a profile with the pixels
        return image
    convert = _StripConverter(image, upload.notes)
    planes = [Image.new("L", image.size) for _ in "RGB"]
    rows = max(1, STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        strip = convert(image.crop((0, top, image.width, min(image.height, top + rows))))
        for plane, part in zip(planes, strip.split(), strict=True):
            plane.paste(part, (0, top))
    convert.check_visible()
    image.close()
    if upload.orientation != 1:
        upload.notes.append("rotated")
        for number, plane in enumerate(planes):
            planes[number] = plane.transpose(_TURNS[upload.orientation])
    return Image.merge("RGB", planes)


class _StripConverter:
    """Converts strips of any mode to sRGB: scales 16 bits, blends alpha with grey, applies the profile.

    Each step is noted once.
    """

    def __init__(self, image: Image.Image, notes: list[str]) -> None:
        self._notes = notes
        self._profile = image.info.get("icc_profile")
        self._transform: Callable[[Image.Image], Image.Image] | None = None
        self._most_visible: int | None = None
        # Pillow takes every CMYK JPEG for Adobe's inverted inks; without Adobe's marker they are not inverted.
        self._is_plain_cmyk = image.format == "JPEG" and "adobe" not in image.info

    def __call__(self, strip: Image.Image) -> Image.Image:
        if strip.mode.startswith("I;16"):  # a plain `convert` would clip
            self._note("scaled_16_bit")
            scaled = np.asarray(strip).astype(np.uint16)
            strip = Image.fromarray(((scaled + np.uint32(128)) // 257).astype(np.uint8))
        alpha = None
        if strip.has_transparency_data:
            strip = strip.convert("RGBA")
            alpha = strip.getchannel("A")
            strip = strip.convert("RGB")
        if strip.mode not in ("RGB", "CMYK", "L"):
            strip = strip.convert("RGB")
        if strip.mode == "CMYK":
            self._note("cmyk_converted")
            strip = ImageChops.invert(strip) if self._is_plain_cmyk else strip
        if self._profile:
            strip = self._apply_profile(strip)
        if strip.mode != "RGB":
            strip = strip.convert("RGB")
        return strip if alpha is None else self._composite(strip, alpha)

    def check_visible(self) -> None:
        """Raise ``ImageRejected`` if the whole image is transparent."""
        if self._most_visible is not None and self._most_visible < INVISIBLE_ALPHA:
            raise ImageRejected("transparent")

    def _note(self, code: str) -> None:
        if code not in self._notes:
            self._notes.append(code)

    def _apply_profile(self, strip: Image.Image) -> Image.Image:
        """Convert from the embedded colour profile to sRGB; a profile that does not fit the pixels is ignored."""
        try:
            self._transform = self._transform or _build_transform(self._profile or b"", strip.mode)
            converted = self._transform(strip)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            self._profile = None
            self._note("profile_ignored")
            return strip
        if converted is not strip:
            self._note("profile_converted")
        return converted

    def _composite(self, strip: Image.Image, alpha: Image.Image) -> Image.Image:
        """Blend the strip with neutral grey, so that colours under full transparency stay hidden."""
        extrema: Any = alpha.getextrema()
        least, most = extrema
        self._most_visible = max(most, self._most_visible or 0)
        if least == 255:
            return strip
        self._note("alpha_composited")
        return Image.composite(strip, Image.new("RGB", strip.size, NEUTRAL_GREY), alpha)


def _build_transform(profile: bytes, mode: str) -> Callable[[Image.Image], Image.Image]:
    """A function from images of ``mode`` in the profile to sRGB; it returns images that are sRGB already unchanged."""
    if len(profile) > MAX_PROFILE_BYTES:
        raise ValueError("The profile is larger than any real one.")
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if mode == "RGB" and "srgb" in ImageCms.getProfileDescription(source).lower():
        return lambda picture: picture
    transform = ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return lambda picture: ImageCms.applyTransform(picture, transform) or picture


def _encode(picture: Image.Image, file_format: str) -> bytes:
    out = io.BytesIO()
    if file_format == "png":
        picture.save(out, "PNG", compress_level=PNG_COMPRESSION)
    else:
        picture.save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return out.getvalue()
