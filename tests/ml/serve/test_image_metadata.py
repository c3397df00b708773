"""What is kept of a file's metadata before the rest is dropped: when, with which camera, and whether mirrored."""

import struct
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ml.serve.decode_process import normalise_guarded
from ml.serve.image_io import StoredImage, normalise_upload
from tests.ml import pictures

TAKEN = datetime(2025, 5, 12, 9, 41, 7)  # noqa: DTZ001 as cameras write it


def exif_of(
    *, taken: str = "2025:05:12 09:41:07", changed: str = "2026:01:02 03:04:05", orientation: int = 1
) -> Image.Exif:
    """EXIF as a camera writes it."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0132], exif[0x0112] = "NIKON CORPORATION", "D7500 ", changed, orientation
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
    return exif


def taken_of(stored: StoredImage) -> tuple[datetime | None, str, bool]:
    """What was kept."""
    return stored.taken_at, stored.camera, stored.mirrored


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"])
def test_time_and_camera_are_kept_of_every_format(kind: str) -> None:
    # The last two are decoded in a process of their own.
    exif = exif_of() if kind != "TIFF" else exif_of(changed="2025:05:12 09:41:07")  # of a TIFF no more is written here
    data = pictures.save(pictures.draw_lesion(), kind, exif=exif)
    assert taken_of(normalise_guarded(data)) == (TAKEN, "NIKON CORPORATION D7500", False)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_mirrored_is_what_the_file_says_is_a_mirror_image(orientation: int) -> None:
    for kind in ("JPEG", "TIFF"):
        data = pictures.save(pictures.draw_lesion(), kind, exif=exif_of(orientation=orientation))
        assert normalise_upload(data).mirrored == (orientation in {2, 4, 5, 7})


def test_the_time_of_the_last_change_stands_in_for_the_one_of_taking_and_a_senseless_one_for_none() -> None:
    changed = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 as above
    for taken, expected in (("", changed), ("0000:00:00 00:00:00", changed), ("2025:02:30 00:00:00", changed)):
        data = pictures.jpeg(pictures.draw_lesion(), exif=exif_of(taken=taken))
        assert normalise_upload(data).taken_at == expected
    data = pictures.jpeg(pictures.draw_lesion(), exif=exif_of(taken="", changed="yesterday"))
    assert normalise_upload(data).taken_at is None


def test_the_maker_is_not_said_twice_and_nothing_unprintable_is_kept() -> None:
    exif = exif_of()
    exif[0x010F], exif[0x0110] = "Canon", "Canon EOS\n<b>R5</b>\x1b[2J" + "x" * 50
    assert normalise_upload(pictures.jpeg(pictures.draw_lesion(), exif=exif)).camera == (
        "Canon EOS <b>R5</b> [2J" + "x" * 50
    )
    exif[0x0110] = "x" * 5000
    assert normalise_upload(pictures.jpeg(pictures.draw_lesion(), exif=exif)).camera == "Canon"


def test_hostile_metadata_never_stops_a_photograph() -> None:
    clean = bytearray(pictures.jpeg(pictures.draw_lesion(), exif=exif_of()))
    begin = clean.index(b"Exif\0\0") + 6
    length = int.from_bytes(clean[begin - 8 : begin - 6]) - 8
    random: Any = np.random.default_rng(7)
    width = normalise_upload(bytes(clean)).width
    for _try in range(60):
        data = bytearray(clean)
        for _byte in range(int(random.integers(1, 12))):
            data[begin + int(random.integers(0, length))] = int(random.integers(0, 256))
        assert normalise_upload(bytes(data)).width == width
    # The directory points to itself as its EXIF directory.
    data = bytearray(clean)
    at = data.index(struct.pack("<HHI", 0x8769, 4, 1)) if data[begin : begin + 2] == b"II" else 0
    order = "<" if data[begin : begin + 2] == b"II" else ">"
    at = at or data.index(struct.pack(">HHI", 0x8769, 4, 1))
    struct.pack_into(f"{order}I", data, at + 8, 8)
    assert normalise_upload(bytes(data)).width == width
