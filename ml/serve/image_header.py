"""Format and decoding cost of an upload, read from its bytes without decoding pixels.

JPEG and PNG files are stripped of everything but the image (EXIF, XMP, texts, previews, appended videos) before they
reach the decoder, which would read all of it first, possibly at a higher cost than the image.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from ml.serve import tiff
from ml.serve.image_limits import MAX_PARTS, MAX_PROFILE_BYTES, MAX_SCANS, ImageRejected, check_parts, check_scans

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MIRRORED = (2, 4, 5, 7)
"""Orientations of EXIF by which the pixels are a mirror image: of some programs, and of some front cameras."""
RAW_SIGNATURES = {
    0: (b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILM", b"FOVb", b"\0MRM", b"ARRI", b"NOKIARAW"),
    4: (b"ftypcrx ",),
    6: (b"HEAPCCDR",),
    25: (b"ARECOYK",),
}
"""Signatures, by offset, of RAW formats other than TIFF: Olympus, Panasonic, Fujifilm, Sigma, Minolta, Canon."""


@dataclass(slots=True)
class Upload:
    """A file that may be decoded: its bytes without metadata, and what the metadata said.

    ``orientation`` (1 to 8) comes from EXIF or XMP; it is 1 where the decoder rotates the image itself. ``scan_bytes``
    is the memory per pixel that the decoder keeps between the scans of a progressive JPEG, ``strip_bytes`` that of one
    strip or tile of a TIFF. ``taken_at`` is by the camera's clock.
    """

    data: bytes
    orientation: int = 1
    notes: list[str] = field(default_factory=list)
    scan_bytes: float = 0.0
    strip_bytes: int = 0
    taken_at: datetime | None = None
    camera: str = ""
    mirrored: bool = False

    def read_metadata(self, exif: bytes, xmp: bytes = b"") -> None:
        """Read orientation, time and camera from EXIF, the orientation else from XMP; damaged metadata is only
        noted."""
        try:
            said = tiff.read_exif(exif)
        except (tiff.TiffError, ImageRejected):
            self.notes.append("orientation_unreadable")
            said = tiff.Exif()
        in_xmp = re.search(rb'tiff:Orientation(?:="|>)([1-8])', xmp) if said.orientation == 1 else None
        self.note_camera(replace(said, orientation=int(in_xmp[1])) if in_xmp else said)
        self.orientation = int(in_xmp[1]) if in_xmp else said.orientation

    def read_camera(self, exif: bytes) -> None:
        """Read time and camera from EXIF that is perhaps damaged, for a decoder that rotates the image itself."""
        with suppress(tiff.TiffError, ImageRejected):
            self.note_camera(tiff.read_exif(exif))

    def note_camera(self, said: tiff.Exif) -> None:
        """Keep what EXIF says, but for the orientation, which the decoder may see to."""
        self.taken_at, self.camera, self.mirrored = said.taken_at, said.camera, said.orientation in MIRRORED


def inspect(data: bytes) -> Upload:
    """Inspect a file; raises ``ImageRejected`` for camera RAW, several pages and excessive decoding cost."""
    if any(data.startswith(start, offset) for offset, starts in RAW_SIGNATURES.items() for start in starts):
        raise ImageRejected("camera_raw")
    if data.startswith(b"\xff\xd8\xff"):
        return _inspect_jpeg(data)
    if data.startswith(PNG_SIGNATURE):
        return _inspect_png(data)
    if data.startswith(TIFF_SIGNATURES):
        return _inspect_tiff(data)
    return Upload(data)


def has_known_signature(data: bytes) -> bool:
    """Whether a file begins with the signature of an accepted format."""
    webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    heif = data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS
    return data.startswith((b"\xff\xd8\xff", PNG_SIGNATURE, *TIFF_SIGNATURES)) or webp or heif


# JPEG (ITU-T T.81)

_SOI, _EOI, _SOS, _APP0, _EXIF, _APP2, _ADOBE, _COMMENT = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
_STANDALONE = {0x01, _SOI, *range(0xD0, 0xD8)}
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = 0xC2
_DECODED_FRAMES = {0xC0: "", 0xC1: "", _PROGRESSIVE: ""}
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"


def jpeg_segments(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of each segment up to the end of the image; pixel data belong to their scan."""
    offset, parts = start, 0
    while match := _NEXT_MARKER.search(data, offset, end):
        marker, begin = data[match.start() + 1], match.start()
        parts += 1
        check_parts(parts)
        if marker in _STANDALONE:
            offset = begin + 2
            continue
        if marker == _EOI:
            yield marker, begin, begin + 2
            return
        length = int.from_bytes(data[begin + 2 : begin + 4])
        offset = begin + 2 + max(length, 2)
        if marker == _SOS:
            following = _NEXT_MARKER.search(data, offset, end)
            offset = following.start() if following else end
        yield marker, begin, offset


def _inspect_jpeg(data: bytes) -> Upload:
    """Keep the segments of the first image; read orientation and decoding cost from the others."""
    upload = Upload(data)
    kept, profile, exif, xmp = [data[:2]], list[bytes](), b"", b""
    scans = 0
    for marker, begin, end in jpeg_segments(data, 2, len(data)):
        body = data[begin + 4 : min(end, begin + 64)]
        if marker == _EXIF:
            exif = exif or (data[begin + 4 : end] if body.startswith(b"Exif\0") else b"")
            xmp = xmp or (data[begin + 4 : end] if body.startswith(_XMP_NAME) else b"")
        elif marker == _APP2 and body.startswith(b"ICC_PROFILE\0"):
            profile.append(data[begin:end])
        elif marker == _APP2 and body.startswith(b"MPF\0"):
            upload.notes = ["first_frame"]  # the other images are previews, depth and gain maps
        elif marker in (_APP0, _ADOBE) or not (_APP0 <= marker <= 0xEF or marker == _COMMENT):
            kept.append(data[begin:end])
            scans += marker == _SOS
            if marker in _FRAMES:
                upload.scan_bytes = _read_frame(marker, body)
    check_scans(scans)
    if sum(map(len, profile)) > MAX_PROFILE_BYTES:
        profile = []
        upload.notes.append("profile_ignored")
    upload.data = b"".join([*kept[:1], *profile, *kept[1:]])
    upload.read_metadata(exif, xmp)
    return upload


def _read_frame(marker: int, frame: bytes) -> float:
    """Bytes per pixel kept between scans, 0 unless progressive. Raises ``ImageRejected`` for codings no camera uses."""
    if marker not in _DECODED_FRAMES:
        raise ImageRejected("unusual_coding", coding=f"JPEG SOF{marker - 0xC0}")
    if marker != _PROGRESSIVE or len(frame) < 6:  # precision, height, width, number of components
        return 0.0
    factors = [frame[at] for at in range(7, min(len(frame), 6 + 3 * frame[5]), 3)]
    shares = [(factor >> 4) * (factor & 15) for factor in factors]
    return 2.0 * sum(shares) / max([1, *shares])  # a coefficient takes two bytes


# PNG (ISO/IEC 15948)

_PNG_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"sRGB", b"gAMA", b"cHRM"}
_LARGEST_PNG_PROFILE = 2**20  # for a larger one Pillow refuses the whole image


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of each chunk, up to the end of the image or of the data."""
    offset, parts = len(PNG_SIGNATURE), 0
    while offset + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, offset)
        parts += 1
        check_parts(parts)
        yield name, offset, min(len(data), offset + 12 + length)
        if name == b"IEND":
            return
        offset += 12 + length


def _inspect_png(data: bytes) -> Upload:
    """Keep the chunks of the image; read the orientation from the others."""
    upload = Upload(data)
    kept, exif, xmp = [PNG_SIGNATURE], b"", b""
    for name, begin, end in png_chunks(data):
        body = data[begin + 8 : max(begin + 8, end - 4)] if name not in _PNG_KEPT else b""
        if name in _PNG_KEPT or (name == b"iCCP" and _is_usable_profile(body, upload)):
            kept.append(data[begin:end])
        elif name == b"acTL" and int.from_bytes(body[:4]) > 1:
            raise ImageRejected("animated")
        elif name == b"eXIf":
            exif = exif or body
        elif name in (b"tEXt", b"zTXt") and body.startswith(b"Raw profile type exif\0"):
            exif = exif or _read_raw_profile(body, packed=name == b"zTXt")
        elif name == b"iTXt" and body.startswith(b"XML:com.adobe.xmp\0"):
            xmp = xmp or body
    upload.data = b"".join(kept)
    upload.read_metadata(exif, xmp)
    return upload


def _is_usable_profile(body: bytes, upload: Upload) -> bool:
    packed = body.partition(b"\0")[2][1:]
    try:
        size = len(zlib.decompressobj().decompress(packed, _LARGEST_PNG_PROFILE + 1))
    except zlib.error:
        size = _LARGEST_PNG_PROFILE + 1
    if size > _LARGEST_PNG_PROFILE:
        upload.notes.append("profile_ignored")
    return size <= _LARGEST_PNG_PROFILE


def _read_raw_profile(body: bytes, *, packed: bool) -> bytes:
    """Decode EXIF as old versions of ImageMagick wrote it: hexadecimal text after three header lines."""
    text = body.partition(b"\0")[2]
    try:
        text = zlib.decompressobj().decompress(text[1:], _LARGEST_PNG_PROFILE) if packed else text
        return bytes.fromhex(b"".join(text.split(b"\n")[3:]).decode("ascii"))
    except (zlib.error, ValueError):
        return b""


# TIFF 6.0 and related formats

_RAW_COMPRESSIONS = {262, 32767, 32769, 32770, 32772, 34713, 34892, 52546, 65000, 65535}
_RAW_PHOTOMETRIC = {32803, 34892}
_RAW_TAGS = {33421, 50706, 50707, 50708}  # CFARepeatPatternDim, DNGVersion, DNGBackwardVersion, UniqueCameraModel
_RAW_AFTER_HEADER = (b"CR", b"IIII", b"MMMM")  # Canon, Phase One
_JPEG_COMPRESSIONS = {6, 7}
_DECODED_COMPRESSIONS = {1, 5, 8, 32773, 32946, 50000} | _JPEG_COMPRESSIONS
_LEAST_TILE_LIMIT = 1024 * 1024


def _inspect_tiff(data: bytes) -> Upload:
    """Inspect a TIFF; raises ``ImageRejected`` for RAW, several pages and bombs.

    Reduced copies and masks are not pages.
    """
    try:
        file = tiff.Tiff(data)
        pages = list(file.pages())
        inner = [child for page in pages for child in file.sub_directories(page)]
        for page in pages:  # the decoder reads these as well
            for exif in file.children(page, tiff.EXIF, tiff.GPS):
                list(file.children(exif, tiff.INTEROPERABILITY))
    except tiff.TiffError as error:
        raise ImageRejected("camera_raw" if data[8:].startswith(_RAW_AFTER_HEADER) else "truncated") from error
    if not pages:
        raise ImageRejected("truncated")
    full = [page for page in pages if not page.is_reduced]
    hidden = any(child.pixels > full[0].pixels for child in inner if full and not child.is_reduced)
    # A preview without a page: the photograph itself is stored in a vendor's own format.
    if data[8:].startswith(_RAW_AFTER_HEADER) or hidden or not full or any(map(_is_raw, pages + inner)):
        raise ImageRejected("camera_raw")
    # A "copy" that is larger than the page is a page.
    if len(full) > 1 or any(page.pixels > full[0].pixels for page in pages if not page.is_mask):
        raise ImageRejected("animated")
    check_parts(MAX_PARTS if len(pages) < tiff.MAX_DIRECTORIES else MAX_PARTS + 1)
    check_parts(MAX_PARTS if file.value_bytes <= 4 * len(data) + 1_000_000 else MAX_PARTS + 1)
    upload = Upload(_put_first(file, pages, full[0]), strip_bytes=_check_page(full[0]))
    upload.note_camera(tiff.describe(file, full[0]))
    return upload


def _put_first(file: tiff.Tiff, pages: list[tiff.Directory], full: tiff.Directory) -> bytes:
    """The file with its full page first, which is the one that decoders read; some programs put a small copy there."""
    index = pages.index(full)
    return file.beginning_at(pages[index - 1].following) if index else file.data


def _is_raw(page: tiff.Directory) -> bool:
    return (
        not _RAW_TAGS.isdisjoint(page.tags)
        or page.number(tiff.PHOTOMETRIC) in _RAW_PHOTOMETRIC
        or page.number(tiff.COMPRESSION) in _RAW_COMPRESSIONS
    )


def _check_page(page: tiff.Directory) -> int:
    """Bytes of one strip or tile, the unit of decoding; raises ``ImageRejected`` for unusual or expensive coding."""
    compression = page.number(tiff.COMPRESSION, 1)
    if compression not in _DECODED_COMPRESSIONS:
        raise ImageRejected("unusual_coding", coding=f"TIFF {compression}")
    tiled = tiff.TILE_WIDTH in page.tags
    offsets, counts = (tiff.TILE_OFFSETS, tiff.TILE_BYTES) if tiled else (tiff.STRIP_OFFSETS, tiff.STRIP_BYTES)
    parts = page.tags.get(offsets, (0, 0, 0))[1]
    check_parts(parts)
    width, height = page.number(tiff.WIDTH), page.number(tiff.HEIGHT)
    columns = page.number(tiff.TILE_WIDTH) if tiled else width
    rows = page.number(tiff.TILE_HEIGHT) if tiled else min(height, page.number(tiff.ROWS_PER_STRIP, height))
    if tiled and columns * rows > max(_LEAST_TILE_LIMIT, 2 * width * height):
        raise ImageRejected("unusual_coding", coding=f"TIFF {columns}×{rows}")
    if compression in _JPEG_COMPRESSIONS:
        ranges = zip(page.numbers(offsets), page.numbers(counts), strict=False)
        scans = sum(_count_scans(page.data, offset, offset + size) for offset, size in ranges)
        check_scans(scans, limit=MAX_SCANS + 4 * parts)
    bits = page.numbers(tiff.BITS) or (1,)
    together = 1 if page.number(tiff.PLANAR, 1) != 1 else max(page.number(tiff.SAMPLES, 1), len(bits))
    return columns * rows * max(bits) * together // 8


def _count_scans(data: bytes, start: int, end: int) -> int:
    return sum(marker == _SOS for marker, _begin, _end in jpeg_segments(data, start, min(end, len(data))))
