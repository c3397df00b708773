"""Files made to cost more than a photograph, or to look like one; each is small and well formed enough to be tried."""

import io
import itertools
import struct
import zlib
from collections.abc import Iterable

import pillow_heif
from PIL import Image

from tests.ml import pictures

Entry = tuple[int, int, int, bytes]
"""Tag, type, number of values, and the values' bytes."""


def scans(number: int, picture: Image.Image | None = None, **options: object) -> bytes:
    """A progressive JPEG whose last scan comes again until there are so many."""
    plain = pictures.jpeg(picture, progressive=True, **options)
    have = plain.count(b"\xff\xda")
    return plain[:-2] + plain[plain.rindex(b"\xff\xda") : -2] * (number - have) + b"\xff\xd9"


def with_segments(segment: bytes, number: int) -> bytes:
    """A JPEG that begins with a segment, many times."""
    plain = pictures.jpeg()
    return plain[:2] + segment * number + plain[2:]


def with_chunks(*chunks: bytes) -> bytes:
    """A PNG with chunks between its header and its pixels."""
    plain = pictures.save(pictures.draw_lesion(), "PNG")
    end_of_header = 8 + 25
    return plain[:end_of_header] + b"".join(chunks) + plain[end_of_header:]


def flooded_exif(entries: int, block: int) -> bytes:
    """EXIF whose tags all tell the same large block; the last tells that the picture stands on its head."""
    orientation = struct.pack("<HHIHH", 0x0112, 3, 1, 3, 0)
    first = 10 + 12 * entries + 4
    same = b"".join(struct.pack("<HHII", 0x9000 + n % 0x6000, 7, block, first) for n in range(entries - 1))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", entries) + orientation + same + b"\0\0\0\0" + b"x" * block


def jpeg_with_exif(exif: bytes) -> bytes:
    """A JPEG with EXIF as it is, however odd."""
    body = b"Exif\0\0" + exif
    return with_segments(b"\xff\xe1" + struct.pack(">H", 2 + len(body)) + body, 1)


def arithmetic_jpeg() -> bytes:
    """A JPEG whose frame says that it is coded arithmetically."""
    return pictures.jpeg().replace(b"\xff\xc0", b"\xff\xc9", 1)


def tiff_pages(*pages: Iterable[Entry], order: str = "<", big: bool = False) -> bytes:
    """A TIFF of directories, each with the whole lesion's pixels in one strip unless its entries say otherwise."""
    width, height = 320, 240
    pixels = pictures.draw_lesion(width, height).tobytes()
    word, size, head = ("Q", 20, 16) if big else ("I", 12, 8)
    out = bytearray(head) + pixels
    links = []
    for page in pages:
        entries: dict[int, Entry] = {
            256: number(256, width, order),
            257: number(257, height, order),
            258: (258, 3, 3, struct.pack(f"{order}3H", 8, 8, 8)),
            259: number(259, 1, order),
            262: number(262, 2, order),
            273: number(273, head, order),
            277: number(277, 3, order),
            278: number(278, height, order),
            279: number(279, len(pixels), order),
        }
        entries |= {entry[0]: entry for entry in page}
        rows = b""
        for tag, entry_kind, count, values in sorted(entries.values()):
            if len(values) > struct.calcsize(f"{order}{word}"):
                place = struct.pack(f"{order}{word}", len(out))
                out += values
            else:
                place = values.ljust(struct.calcsize(f"{order}{word}"), b"\0")
            rows += struct.pack(f"{order}HH{word}", tag, entry_kind, count) + place
        links.append((len(out), len(out) + struct.calcsize(f"{order}{'Q' if big else 'H'}") + size * len(entries)))
        out += struct.pack(f"{order}{'Q' if big else 'H'}", len(entries)) + rows + bytes(struct.calcsize(word))
    for (_start, slot), (following, _slot) in itertools.pairwise(links):
        struct.pack_into(f"{order}{word}", out, slot, following)
    byte_order = b"II" if order == "<" else b"MM"
    lead = struct.pack(f"{order}HHHQ", 43, 8, 0, links[0][0]) if big else struct.pack(f"{order}HI", 42, links[0][0])
    out[:head] = byte_order + lead
    return bytes(out)


def number(tag: int, value: int, order: str = "<") -> Entry:
    """An entry of one whole number of four bytes."""
    return (tag, 4, 1, struct.pack(f"{order}I", value))


def with_child(page: list[Entry], child: list[Entry], *, order: str = "<") -> bytes:
    """A TIFF of one page, whose SubIFDs lead to a second directory that no chain leads to."""
    data = bytearray(tiff_pages([*page, number(330, 0, order)], child, order=order))
    (first,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, first)
    (second,) = struct.unpack_from(f"{order}I", data, first + 2 + 12 * count)
    struct.pack_into(f"{order}I", data, first + 2 + 12 * count, 0)
    for at in range(first + 2, first + 2 + 12 * count, 12):
        if struct.unpack_from(f"{order}H", data, at) == (330,):
            struct.pack_into(f"{order}I", data, at + 8, second)
    return bytes(data)


def oversized_heic(side: int) -> bytes:
    """A HEIC whose properties tell 256×256 pixels of a picture that is far larger."""
    heif = pillow_heif.from_pillow(Image.new("L", (side, side), 120))
    out = io.BytesIO()
    heif.save(out, quality=1)
    return out.getvalue().replace(
        struct.pack(">4sIII", b"ispe", 0, side, side), struct.pack(">4sIII", b"ispe", 0, 256, 256)
    )


def packed_text(size: int) -> bytes:
    """A PNG's compressed text that unpacks to so many bytes."""
    return pictures.chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(size), 9))
