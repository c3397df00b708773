"""Bytes to an upright sRGB picture and back: the only decoder and encoder, for training, evaluation and serving.

An uploaded file is hostile: its format is decided by its content, its limits are read from its header before a pixel
is decoded, and what is stored is built anew from the pixels, so that no metadata, comment, trailer or embedded
thumbnail survives.
"""

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageCms, ImageOps, UnidentifiedImageError

from ml.errors import UserError

try:
    import pillow_heif
except ImportError:  # a machine that only trains reads JPEGs; requirements/base.txt installs it for serving
    HEIF_FORMATS: tuple[str, ...] = ()
else:
    pillow_heif.register_heif_opener()
    HEIF_FORMATS = ("HEIF",)

Pixels = npt.NDArray[np.uint8]

UPLOAD_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", *HEIF_FORMATS)  # Pillow opens MPO as a kind of JPEG
STORED_FORMATS = ("JPEG", "PNG")
JPEG_QUALITY = 95
PNG_COMPRESSION = 1  # three times as fast as Pillow's 6 on a photograph, a twentieth larger
NEUTRAL_GREY = (128, 128, 128)
INVISIBLE_ALPHA = 8
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"MM\x00*")
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


@dataclass(frozen=True, slots=True)
class Limits:
    """What an upload may be: bytes, pixels (width times height), and the least length of a side in pixels."""

    max_bytes: int = 25_000_000
    max_pixels: int = 52_000_000
    min_side: int = 224


LIMITS = Limits()

MESSAGES = {
    "empty": "The image file is empty; choose the photograph again.",
    "too_large": "The image file has {megabytes} MB, the limit is {limit} MB; save it smaller.",
    "unsupported_type": "The file is not a JPEG, PNG, WebP, TIFF or HEIC image; save the photograph as JPEG.",
    "truncated": "The image file is cut off or damaged; copy it from the camera again.",
    "too_many_pixels": "The image has {megapixels} megapixels, the limit is {limit}; save it smaller.",
    "too_small": "The image has {width}×{height} pixels, the least is {limit} a side; send the original photograph.",
    "animated": "The image holds several frames or pages; send one still photograph.",
    "transparent": "The image is wholly transparent; send the original photograph.",
}


class ImageRejected(UserError):  # noqa: N818  names what happened to the image, as the pages do
    """An upload that cannot be read: ``code`` says why, ``params`` fill the message's places."""

    def __init__(self, code: str, **params: object) -> None:
        self.code = code
        self.params = params
        super().__init__(MESSAGES[code].format(**params))


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A picture as it is kept: ``data`` of ``format``, its size in pixels, the SHA-256 of ``data``, and what was done.

    ``notes`` are codes: first_frame, scaled_16_bit, alpha_composited, cmyk_converted, profile_converted,
    profile_ignored, rotated, orientation_unreadable.
    """

    data: bytes
    format: Literal["jpeg", "png"]
    width: int
    height: int
    sha256: str
    notes: tuple[str, ...]


def normalise_upload(data: bytes, *, limits: Limits = LIMITS) -> StoredImage:
    """Decode an uploaded file, make it upright sRGB, and encode it anew from the pixels.

    JPEG at quality 95 without chroma subsampling; PNG where the source was lossless. Raises ``ImageRejected``.
    """
    if not data:
        raise ImageRejected("empty")
    if len(data) > limits.max_bytes:
        megabytes = f"{len(data) / 1e6:.1f}"
        raise ImageRejected("too_large", megabytes=megabytes, limit=limits.max_bytes // 1_000_000)
    notes: list[str] = []
    with _decoding(data, limits):
        image = Image.open(io.BytesIO(data), formats=UPLOAD_FORMATS)
        _check_header(image, limits, notes)
        image.load()
        lossless = _is_lossless(image, data)
        clean = _rebuild(_convert_to_srgb(_turn_upright(image, notes), notes))
        image.close()
    stored = _encode(clean, "png" if lossless else "jpeg")
    return StoredImage(
        data=stored,
        format="png" if lossless else "jpeg",
        width=clean.width,
        height=clean.height,
        sha256=hashlib.sha256(stored).hexdigest(),
        notes=tuple(notes),
    )


def decode_stored(data: bytes, *, at_least: int | None = None) -> Pixels:
    """Decode stored bytes to (H, W, 3) uint8, upright sRGB.

    With ``at_least``, a large JPEG is decoded at a half, a quarter or an eighth of its size, as long as its shorter
    side keeps that many pixels: four times as fast for a 12-megapixel photograph.
    """
    try:
        with Image.open(io.BytesIO(data), formats=STORED_FORMATS) as image:
            if at_least is not None:
                image.draft("RGB", (at_least, at_least))
            return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageRejected("truncated") from error


def thumbnail(data: bytes, *, side: int) -> bytes:
    """Shrink stored bytes to a JPEG whose longer side has at most ``side`` pixels."""
    picture = Image.fromarray(decode_stored(data, at_least=side))
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85, optimize=True)
    return out.getvalue()


@contextmanager
def _decoding(data: bytes, limits: Limits) -> Iterator[None]:
    """Turn what Pillow raises on a bad file into ``ImageRejected``; what it only warns of (metadata) is no matter."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    except ImageRejected:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        limit = limits.max_pixels // 1_000_000
        raise ImageRejected("too_many_pixels", megapixels=f"over {limit}", limit=limit) from error
    except UnidentifiedImageError as error:
        raise ImageRejected("truncated" if _has_known_signature(data) else "unsupported_type") from error
    except Exception as error:  # decoders raise anything on hostile bytes: struct.error, IndexError, KeyError, ...
        raise ImageRejected("truncated") from error


def _has_known_signature(data: bytes) -> bool:
    webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    heif = data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS
    return data.startswith(SIGNATURES) or webp or heif


def _check_header(image: Image.Image, limits: Limits, notes: list[str]) -> None:
    """Refuse by what the header says, before a pixel is decoded."""
    width, height = image.size
    if width * height > limits.max_pixels:
        megapixels = f"{width * height / 1e6:.1f}"
        raise ImageRejected("too_many_pixels", megapixels=megapixels, limit=limits.max_pixels // 1_000_000)
    if min(width, height) < limits.min_side:
        raise ImageRejected("too_small", width=width, height=height, limit=limits.min_side)
    if image.format in ("MPO", "HEIF"):  # the others of an MPO or a HEIC are previews, depth and gain maps
        if getattr(image, "n_frames", 1) > 1:
            notes.append("first_frame")
    elif _has_second_frame(image):
        raise ImageRejected("animated")
    if image.mode in ("I", "F"):  # 32-bit measurements: nothing says which value is white
        raise ImageRejected("unsupported_type")


def _has_second_frame(image: Image.Image) -> bool:
    """Look for one more frame only: counting a TIFF's pages walks through all of them."""
    if image.format != "TIFF":
        return bool(getattr(image, "is_animated", False))
    try:
        image.seek(1)
    except EOFError:
        return False
    return True


def _is_lossless(image: Image.Image, data: bytes) -> bool:
    match image.format:
        case "PNG":
            return True
        case "TIFF":
            return "jpeg" not in str(image.info.get("compression"))
        case "WEBP":
            return b"VP8L" in data[12:16] or (data[12:16] == b"VP8X" and b"VP8L" in data[30:] and b"VP8 " not in data)
    return False


def _turn_upright(image: Image.Image, notes: list[str]) -> Image.Image:
    try:
        turned = image.getexif().get(0x0112, 1) in range(2, 9)
        if turned:
            ImageOps.exif_transpose(image, in_place=True)
            notes.append("rotated")
    except Exception:  # noqa: BLE001  Pillow raises anything on damaged metadata, which says nothing of the pixels
        notes.append("orientation_unreadable")
    return image


def _convert_to_srgb(image: Image.Image, notes: list[str]) -> Image.Image:
    """Make any mode RGB in sRGB: 16 bits scaled (a plain ``convert`` saturates), alpha on grey, profile applied."""
    profile = image.info.get("icc_profile")
    # Pillow takes every CMYK JPEG for Adobe's, whose inks are stored inverted; without Adobe's marker they are not.
    is_plain_cmyk = image.format == "JPEG" and "adobe" not in image.info
    if image.mode.startswith("I;16"):
        notes.append("scaled_16_bit")
        scaled = np.asarray(image).astype(np.uint16)
        image = Image.fromarray(((scaled + np.uint32(128)) // 257).astype(np.uint8))
    alpha = None
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        image = image.convert("RGB")
    if image.mode not in ("RGB", "CMYK", "L"):
        image = image.convert("RGB")
    if image.mode == "CMYK":
        notes.append("cmyk_converted")
        if is_plain_cmyk:
            image = ImageChops.invert(image)
    if profile:
        image = _apply_profile(image, profile, notes)
    if image.mode != "RGB":
        image = image.convert("RGB")
    return image if alpha is None else _composite(image, alpha, notes)


def _apply_profile(image: Image.Image, profile: bytes, notes: list[str]) -> Image.Image:
    """Convert from the embedded colour profile to sRGB; a profile that does not fit the pixels is ignored."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode == "RGB" and "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        converted = ImageCms.profileToProfile(
            image,
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append("profile_ignored")
        return image
    notes.append("profile_converted")
    return image if converted is None else converted


def _composite(image: Image.Image, alpha: Image.Image, notes: list[str]) -> Image.Image:
    """Lay the picture on neutral grey, so that colours hidden under full transparency stay hidden."""
    extrema: Any = alpha.getextrema()
    least, most = extrema
    if most < INVISIBLE_ALPHA:
        raise ImageRejected("transparent")
    if least == 255:
        return image
    notes.append("alpha_composited")
    return Image.composite(image, Image.new("RGB", image.size, NEUTRAL_GREY), alpha)


def _rebuild(image: Image.Image) -> Image.Image:
    """Copy the pixels, and only them, to a new picture: Pillow would carry a JPEG comment over otherwise."""
    clean = Image.new("RGB", image.size)
    clean.paste(image)
    return clean


def _encode(picture: Image.Image, file_format: str) -> bytes:
    out = io.BytesIO()
    if file_format == "png":
        picture.save(out, "PNG", compress_level=PNG_COMPRESSION)
    else:
        picture.save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return out.getvalue()
