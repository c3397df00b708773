"""Limits of an upload's size and cost, and the messages of a rejection."""

from dataclasses import dataclass

from ml.errors import UserError, gettext_noop

MEGABYTE = 1_000_000
"""Bytes per MB and pixels per megapixel, wherever a size is stated."""

BYTES_PER_PIXEL = 8
"""Peak memory per pixel while decoding and converting: two images of four bytes per pixel."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of an upload: bytes, pixels (width times height), and the shortest side in pixels.

    ``max_memory``, in bytes, follows from them: everything that decoding and converting hold at the same time.
    """

    max_bytes: int = 25_000_000
    max_pixels: int = 52_000_000
    min_side: int = 224

    @property
    def max_memory(self) -> int:
        """Peak memory, in bytes, of decoding and converting."""
        return BYTES_PER_PIXEL * self.max_pixels


LIMITS = Limits()

UPLOAD_SUFFIXES = {
    "image/jpeg": (".jpg", ".jpeg", ".mpo"),
    "image/png": (".png",),
    "image/webp": (".webp",),
    "image/tiff": (".tif", ".tiff"),
    "image/heic": (".heic",),
    "image/heif": (".heif",),
}
"""Accepted media types and their file suffixes; the content decides in the end."""

MAX_SCANS = 100
"""Scans of a progressive JPEG; encoders write about ten, a few dozen at most."""

MAX_PARTS = 50_000
"""Segments, chunks, strips, tiles or tags of one file; a 25 MB PNG in the smallest usual chunks has about 3,000."""

MAX_PROFILE_BYTES = 4_000_000
"""A larger colour profile is ignored; the largest printing profiles have about 3 MB."""

MESSAGES = {
    "empty": gettext_noop("The image file is empty; choose the photograph again."),
    "too_large": gettext_noop("The image file has %(megabytes)s MB, the limit is %(limit)s MB; save it smaller."),
    "unsupported_type": gettext_noop(
        "The file is not a JPEG, PNG, WebP, TIFF or HEIC image; save the photograph as JPEG."
    ),
    "camera_raw": gettext_noop(
        "The file is camera RAW, which is not read; export the photograph as JPEG and send that."
    ),
    "unusual_coding": gettext_noop(
        "The image is coded in a way that is not read (%(coding)s); save it as an ordinary JPEG."
    ),
    "truncated": gettext_noop("The image file is cut off or damaged; copy it from the camera again."),
    "too_many_pixels": gettext_noop(
        "The image has %(megapixels)s megapixels, the limit is %(limit)s; save it smaller."
    ),
    "too_small": gettext_noop(
        "The image has %(width)s×%(height)s pixels, the least is %(limit)s a side; send the original photograph."
    ),
    "too_many_scans": gettext_noop(
        "The JPEG is stored in %(scans)s passes, the limit is %(limit)s; save it again as an ordinary JPEG."
    ),
    "too_many_parts": gettext_noop("The image file has more than %(limit)s parts; save it again as an ordinary JPEG."),
    "too_much_memory": gettext_noop(
        "The image needs more than %(limit)s MB of memory to be read; save it smaller, or as an ordinary JPEG."
    ),
    "too_slow": gettext_noop(
        "Reading the image took longer than %(limit)s s; save it smaller, or as an ordinary JPEG."
    ),
    "animated": gettext_noop("The image holds several frames or pages; send one still photograph."),
    "transparent": gettext_noop("The image is wholly transparent; send the original photograph."),
}
"""Message by code, with placeholders; the site translates them."""


class ImageRejected(UserError):  # noqa: N818 names what happened to the image, as the pages do
    """An upload that cannot be read; ``code`` gives the reason, ``params`` fill the message's placeholders."""

    def __init__(self, code: str, **params: object) -> None:
        self.code = code
        self.params = params
        super().__init__(MESSAGES[code] % params)


def check_size(size: int, limits: Limits = LIMITS) -> None:
    """Refuse a file of too many bytes."""
    if size > limits.max_bytes:
        raise ImageRejected("too_large", megabytes=f"{size / MEGABYTE:.1f}", limit=limits.max_bytes // MEGABYTE)


def check_parts(parts: int) -> None:
    """Raise ``ImageRejected`` for a file of too many segments, chunks, strips, tiles or tags."""
    if parts > MAX_PARTS:
        raise ImageRejected("too_many_parts", limit=MAX_PARTS)


def check_scans(scans: int, *, limit: int = MAX_SCANS) -> None:
    """Raise ``ImageRejected`` for a JPEG of too many scans, since each is a pass over all pixels."""
    if scans > limit:
        raise ImageRejected("too_many_scans", scans=scans, limit=limit)


def check_memory(needed: int, limits: Limits) -> None:
    """Raise ``ImageRejected`` for more bytes of memory than allowed."""
    if needed > limits.max_memory:
        raise ImageRejected("too_much_memory", limit=limits.max_memory // MEGABYTE)
