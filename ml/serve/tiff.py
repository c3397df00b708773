"""Reader of directories (IFDs) of TIFF, EXIF and the RAW formats built on TIFF.

It reads where values lie, and the values of requested tags only: a directory of a few kilobytes can point ten thousand
times at the same megabytes.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from ml.serve.image_limits import MAX_PARTS, ImageRejected, check_parts

NEW_SUBFILE_TYPE, SUBFILE_TYPE = 254, 255
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
MAKE, MODEL, CHANGED_AT = 271, 272, 306
STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES = 273, 274, 277, 278, 279
PLANAR, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES, SUB_DIRECTORIES = 284, 322, 323, 324, 325, 330
EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965
TAKEN_AT = 36867

MAX_DIRECTORIES = 64
MAX_TEXT = 200
_TEXT = 2
_CLASSIC, _BIG = 42, 43
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_REDUCED, _MASK = 1, 4
_OLD_REDUCED = 2


class TiffError(ValueError):
    """The bytes are no TIFF, or its directories lie outside of it."""


@dataclass(frozen=True, slots=True)
class Directory:
    """One directory: type, count and offset of the values of each tag, and the offset of the next directory."""

    data: bytes
    order: str
    tags: dict[int, tuple[int, int, int]]
    following: int

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The integers of a tag; empty if it is missing or of another type."""
        kind, count, offset = self.tags.get(tag, (0, 0, 0))
        if kind not in _WHOLE_NUMBERS or count > MAX_PARTS or offset + count * _SIZES[kind] > len(self.data):
            return ()
        return struct.unpack_from(f"{self.order}{count}{_WHOLE_NUMBERS[kind]}", self.data, offset)

    def text(self, tag: int) -> str:
        """The text of a tag as one line of printable characters; empty if it is missing, long, or of another type."""
        kind, count, offset = self.tags.get(tag, (0, 0, 0))
        if kind != _TEXT or count > MAX_TEXT or offset + count > len(self.data):
            return ""
        text = self.data[offset : offset + count].partition(b"\0")[0].decode("utf-8", "ignore")
        return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())

    def number(self, tag: int, default: int = 0) -> int:
        """The first integer of a tag, or ``default``."""
        return next(iter(self.numbers(tag)), default)

    @property
    def pixels(self) -> int:
        """Number of pixels: width times height."""
        return self.number(WIDTH) * self.number(HEIGHT)

    @property
    def is_mask(self) -> bool:
        """Whether this is a mask of another page; it may have a higher resolution than the page."""
        return bool(self.number(NEW_SUBFILE_TYPE) & _MASK)

    @property
    def is_reduced(self) -> bool:
        """Whether this is a smaller copy or a mask of another page."""
        return bool(self.number(NEW_SUBFILE_TYPE) & (_REDUCED | _MASK)) or self.number(SUBFILE_TYPE) == _OLD_REDUCED


class Tiff:
    """The directories of a file; raises ``TiffError`` if they lead outside of it, ``ImageRejected`` if too many."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
        if not self.order:
            raise TiffError("no byte order")
        (self._kind,) = self._unpack("H", 2)
        if self._kind not in (_CLASSIC, _BIG):
            raise TiffError("no TIFF")
        self.value_bytes = 0  # total size of all values seen so far
        (self._start,) = self._unpack("I", 4) if self._kind == _CLASSIC else self._unpack("Q", 8)

    def pages(self) -> Iterator[Directory]:
        """Yield the directories of the main chain in order, at most ``MAX_DIRECTORIES``."""
        offset, seen = self._start, set[int]()
        while offset and offset not in seen and len(seen) < MAX_DIRECTORIES:
            seen.add(offset)
            page = self.read(offset)
            yield page
            offset = page.following

    def children(self, parent: Directory, *tags: int) -> Iterator[Directory]:
        """Yield the directories that the given tags point to; unreadable ones are skipped."""
        for tag in tags:
            for offset in parent.numbers(tag)[:MAX_DIRECTORIES]:
                try:
                    yield self.read(offset)
                except TiffError:
                    continue

    def sub_directories(self, page: Directory) -> list[Directory]:
        """The directories of a page's other images.

        Raises ``TiffError`` if they lie outside of the file, since one of them may have been the photograph.
        """
        offsets = page.numbers(SUB_DIRECTORIES)
        if not offsets and page.tags.get(SUB_DIRECTORIES, (0, 0, 0))[1]:
            raise TiffError("a list of directories lies outside of the file")
        return [self.read(offset) for offset in offsets[:MAX_DIRECTORIES]]

    def beginning_at(self, offset: int) -> bytes:
        """The file with the directory at ``offset`` as its first page."""
        word, pointer = ("I", 4) if self._kind == _CLASSIC else ("Q", 8)
        start = struct.pack(self.order + word, offset)
        return self.data[:pointer] + start + self.data[pointer + len(start) :]

    def read(self, offset: int) -> Directory:
        """Read the directory at ``offset``."""
        head, entry, word = ("H", 12, "I") if self._kind == _CLASSIC else ("Q", 20, "Q")
        (count,) = self._unpack(head, offset)
        check_parts(count)
        first = offset + struct.calcsize(f"<{head}")
        tags = {}
        for start in range(first, first + count * entry, entry):
            tag, kind, number = self._unpack(f"HH{word}", start)
            size = number * _SIZES.get(kind, 1)
            inside = start + entry - struct.calcsize(f"<{word}")
            value_offset = inside if size <= struct.calcsize(f"<{word}") else self._unpack(word, inside)[0]
            tags[tag] = (kind, number, value_offset)
            self.value_bytes += min(size, max(0, len(self.data) - value_offset))
        end = first + count * entry
        return Directory(self.data, self.order, tags, self._unpack(word, end, default=0)[0])

    def _unpack(self, form: str, offset: int, *, default: int | None = None) -> tuple[int, ...]:
        try:
            return struct.unpack_from(self.order + form, self.data, offset)
        except struct.error as error:
            if default is not None:
                return (default,)
            raise TiffError("a directory lies outside of the file") from error


@dataclass(frozen=True, slots=True)
class Exif:
    """What EXIF says of a photograph: orientation, 1 to 8, when it was taken by the camera's clock, and the camera."""

    orientation: int = 1
    taken_at: datetime | None = None
    camera: str = ""


def read_exif(exif: bytes) -> Exif:
    """Read EXIF, with or without its header; what is missing or senseless is as in an empty one. Raises as ``Tiff``
    does."""
    blob = exif
    while blob.startswith(b"Exif\0\0"):
        blob = blob[6:]
    file = Tiff(blob) if blob else None
    first = next(file.pages(), None) if file else None
    return describe(file, first) if file and first else Exif()


def describe(file: Tiff, page: Directory) -> Exif:
    """What a directory and the EXIF directory that it points to say."""
    orientation = page.number(ORIENTATION, 1)
    taken_at = None
    with suppress(ImageRejected):  # of a directory that is too long, the rest still counts
        taken_at = next((_parse_time(inner.text(TAKEN_AT)) for inner in file.children(page, EXIF)), None)
    maker, model = page.text(MAKE), page.text(MODEL)
    named = model if model.casefold().startswith(maker.casefold()) else f"{maker} {model}".strip()
    return Exif(
        orientation=orientation if orientation in range(1, 9) else 1,
        taken_at=taken_at or _parse_time(page.text(CHANGED_AT)),
        camera=named,
    )


def _parse_time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 a camera's clock has no zone
    except ValueError:
        return None
