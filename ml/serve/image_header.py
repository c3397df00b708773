"""What a file is and what it would cost, told by its bytes alone; nothing is decoded here.

A JPEG and a PNG are handed on without what is no picture (EXIF, XMP, texts, previews, films behind the end): decoders
read all of that first, and it can be made to cost more than the picture.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from ml.serve import tiff
from ml.serve.image_limits import MAX_PARTS, MAX_PROFILE_BYTES, MAX_SCANS, ImageRejected, check_parts, check_scans

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
RAW_SIGNATURES = {
    0: (b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILM", b"FOVb", b"\0MRM", b"ARRI", b"NOKIARAW"),
    4: (b"ftypcrx ",),
    6: (b"HEAPCCDR",),
    25: (b"ARECOYK",),
}
"""What the RAW formats that are no TIFF begin with, and where: Olympus, Panasonic, Fujifilm, Sigma, Minolta, Canon."""


@dataclass(slots=True)
class Upload:
    """A file that may be decoded: its bytes without what is no picture, and what was read of the rest.

    ``orientation`` (1 to 8) is what EXIF or XMP tell; 1 where the decoder turns the picture itself. ``scan_bytes`` are
    bytes a pixel that the decoder keeps between the scans of a progressive JPEG, ``strip_bytes`` those of one strip or
    tile of a TIFF.
    """

    data: bytes
    orientation: int = 1
    notes: list[str] = field(default_factory=list)
    scan_bytes: float = 0.0
    strip_bytes: int = 0

    def read_orientation(self, exif: bytes, xmp: bytes = b"") -> None:
        """Take the orientation from EXIF, or else from XMP; damaged metadata costs nothing but a note."""
        try:
            self.orientation = tiff.find_orientation(exif)
        except (tiff.TiffError, ImageRejected):
            self.notes.append("orientation_unreadable")
        told = re.search(rb'tiff:Orientation(?:="|>)([1-8])', xmp) if self.orientation == 1 else None
        if told:
            self.orientation = int(told[1])


def inspect(data: bytes) -> Upload:
    """Say what a file is; raises ``ImageRejected`` for camera RAW, for pages, and for work that no photograph needs."""
    if any(data.startswith(start, place) for place, starts in RAW_SIGNATURES.items() for start in starts):
        raise ImageRejected("camera_raw")
    if data.startswith(b"\xff\xd8\xff"):
        return _inspect_jpeg(data)
    if data.startswith(PNG_SIGNATURE):
        return _inspect_png(data)
    if data.startswith(TIFF_SIGNATURES):
        return _inspect_tiff(data)
    return Upload(data)


def has_known_signature(data: bytes) -> bool:
    """Whether a file begins like one of the kinds that are read."""
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
    """Marker, beginning and end of each segment from ``start``, to the picture's end; pixels belong to their scan."""
    place, parts = start, 0
    while found := _NEXT_MARKER.search(data, place, end):
        marker, begin = data[found.start() + 1], found.start()
        parts += 1
        check_parts(parts)
        if marker in _STANDALONE:
            place = begin + 2
            continue
        if marker == _EOI:
            yield marker, begin, begin + 2
            return
        length = int.from_bytes(data[begin + 2 : begin + 4])
        place = begin + 2 + max(length, 2)
        if marker == _SOS:
            following = _NEXT_MARKER.search(data, place, end)
            place = following.start() if following else end
        yield marker, begin, place


def _inspect_jpeg(data: bytes) -> Upload:
    """Keep what makes the first picture, and read the orientation and the cost from the rest."""
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
            upload.notes = ["first_frame"]  # the others are previews, depth and gain maps
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
    upload.read_orientation(exif, xmp)
    return upload


def _read_frame(marker: int, frame: bytes) -> float:
    """Bytes a pixel that are kept between scans: none unless progressive. Refuses codings that cameras do not use."""
    if marker not in _DECODED_FRAMES:
        raise ImageRejected("unusual_coding", coding=f"JPEG SOF{marker - 0xC0}")
    if marker != _PROGRESSIVE or len(frame) < 6:  # precision, height, width, number of components
        return 0.0
    factors = [frame[at] for at in range(7, min(len(frame), 6 + 3 * frame[5]), 3)]
    shares = [(factor >> 4) * (factor & 15) for factor in factors]
    return 2.0 * sum(shares) / max([1, *shares])  # a coefficient has two bytes


# PNG (ISO/IEC 15948)

_PNG_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"sRGB", b"gAMA", b"cHRM"}
_LARGEST_PNG_PROFILE = 2**20  # Pillow refuses the whole picture for a larger one


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, beginning and end of each chunk, up to the end of the picture or of what is there."""
    place, parts = len(PNG_SIGNATURE), 0
    while place + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        parts += 1
        check_parts(parts)
        yield name, place, min(len(data), place + 12 + length)
        if name == b"IEND":
            return
        place += 12 + length


def _inspect_png(data: bytes) -> Upload:
    """Keep what makes the picture, and read the orientation from the rest."""
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
    upload.read_orientation(exif, xmp)
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
    """EXIF as ImageMagick used to write it: a text of hexadecimal digits after a few lines."""
    text = body.partition(b"\0")[2]
    try:
        text = zlib.decompressobj().decompress(text[1:], _LARGEST_PNG_PROFILE) if packed else text
        return bytes.fromhex(b"".join(text.split(b"\n")[3:]).decode("ascii"))
    except (zlib.error, ValueError):
        return b""


# TIFF 6.0 and its kin

_RAW_COMPRESSIONS = {262, 32767, 32769, 32770, 32772, 34713, 34892, 52546, 65000, 65535}
_RAW_PHOTOMETRIC = {32803, 34892}
_RAW_TAGS = {33421, 50706, 50707, 50708}  # the repeat of the colour filters, DNG's version, the camera's name in a DNG
_RAW_AFTER_HEADER = (b"CR", b"IIII", b"MMMM")  # Canon, Phase One
_JPEG_COMPRESSIONS = {6, 7}
_DECODED_COMPRESSIONS = {1, 5, 8, 32773, 32946, 50000} | _JPEG_COMPRESSIONS
_LEAST_TILE_LIMIT = 1024 * 1024


def _inspect_tiff(data: bytes) -> Upload:
    """Refuse RAW, pages and bombs; copies of reduced resolution and masks beside the page are no pages."""
    try:
        file = tiff.Tiff(data)
        pages = list(file.pages())
        inner = [child for page in pages for child in file.sub_directories(page)]
        for page in pages:  # the decoder reads these too
            for exif in file.children(page, tiff.EXIF, tiff.GPS):
                list(file.children(exif, tiff.INTEROPERABILITY))
    except tiff.TiffError as error:
        raise ImageRejected("camera_raw" if data[8:].startswith(_RAW_AFTER_HEADER) else "truncated") from error
    if not pages:
        raise ImageRejected("truncated")
    full = [page for page in pages if not page.is_reduced]
    hidden = any(child.pixels > full[0].pixels for child in inner if full and not child.is_reduced)
    # A preview alone: its photograph lies somewhere that only the camera's maker knows.
    if data[8:].startswith(_RAW_AFTER_HEADER) or hidden or not full or any(map(_is_raw, pages + inner)):
        raise ImageRejected("camera_raw")
    # What calls itself a copy and is larger than the page is no copy.
    if len(full) > 1 or any(page.pixels > full[0].pixels for page in pages if not page.is_mask):
        raise ImageRejected("animated")
    check_parts(MAX_PARTS if len(pages) < tiff.MAX_DIRECTORIES else MAX_PARTS + 1)
    check_parts(MAX_PARTS if file.told <= 4 * len(data) + 1_000_000 else MAX_PARTS + 1)
    return Upload(_put_first(file, pages, full[0]), strip_bytes=_check_page(full[0]))


def _put_first(file: tiff.Tiff, pages: list[tiff.Directory], full: tiff.Directory) -> bytes:
    """The file as the decoder is to see it, which reads the first page: some programs write the small copy there."""
    place = pages.index(full)
    return file.beginning_at(pages[place - 1].following) if place else file.data


def _is_raw(page: tiff.Directory) -> bool:
    return (
        not _RAW_TAGS.isdisjoint(page.places)
        or page.number(tiff.PHOTOMETRIC) in _RAW_PHOTOMETRIC
        or page.number(tiff.COMPRESSION) in _RAW_COMPRESSIONS
    )


def _check_page(page: tiff.Directory) -> int:
    """Refuse what no photograph needs; the bytes of one strip or tile, which are decoded at once."""
    compression = page.number(tiff.COMPRESSION, 1)
    if compression not in _DECODED_COMPRESSIONS:
        raise ImageRejected("unusual_coding", coding=f"TIFF {compression}")
    tiled = tiff.TILE_WIDTH in page.places
    offsets, counts = (tiff.TILE_OFFSETS, tiff.TILE_BYTES) if tiled else (tiff.STRIP_OFFSETS, tiff.STRIP_BYTES)
    parts = page.places.get(offsets, (0, 0, 0))[1]
    check_parts(parts)
    width, height = page.number(tiff.WIDTH), page.number(tiff.HEIGHT)
    columns = page.number(tiff.TILE_WIDTH) if tiled else width
    rows = page.number(tiff.TILE_HEIGHT) if tiled else min(height, page.number(tiff.ROWS_PER_STRIP, height))
    if tiled and columns * rows > max(_LEAST_TILE_LIMIT, 2 * width * height):
        raise ImageRejected("unusual_coding", coding=f"TIFF {columns}×{rows}")
    if compression in _JPEG_COMPRESSIONS:
        places = zip(page.numbers(offsets), page.numbers(counts), strict=False)
        scans = sum(_count_scans(page.data, place, place + size) for place, size in places)
        check_scans(scans, limit=MAX_SCANS + 4 * parts)
    bits = page.numbers(tiff.BITS) or (1,)
    together = 1 if page.number(tiff.PLANAR, 1) != 1 else max(page.number(tiff.SAMPLES, 1), len(bits))
    return columns * rows * max(bits) * together // 8


def _count_scans(data: bytes, start: int, end: int) -> int:
    return sum(marker == _SOS for marker, _begin, _end in jpeg_segments(data, start, min(end, len(data))))
