"""Camera RAW is told from photographs, and pages of a document from small copies of the one page."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, PngImagePlugin, TiffImagePlugin

from ml.serve.image_io import ImageRejected, decode_stored, normalise_upload
from tests.ml import hostile, pictures
from tests.ml.hostile import number

PREVIEW = [number(254, 1), number(256, 256), number(257, 256), number(278, 256)]
MOSAIC = [number(254, 0), number(256, 4032), number(257, 3024), number(262, 32803), number(277, 1)]
CAMERA = (271, 2, 6, b"Maker\0")


def reject(data: bytes) -> str:
    with pytest.raises(ImageRejected) as caught:
        normalise_upload(data)
    assert "\n" not in str(caught.value)
    return caught.value.code


RAW = {
    "DNG with a preview first": hostile.tiff_pages([*PREVIEW, (50706, 1, 4, b"\1\4\0\0")]),
    "DNG of the mosaic": hostile.tiff_pages([number(262, 32803), (50706, 1, 4, b"\1\4\0\0")]),
    "DNG of linear colours": hostile.tiff_pages([number(262, 34892)]),
    "DNG of an old camera, without its version": hostile.tiff_pages([(33421, 3, 2, b"\2\0\2\0")]),
    "DNG of 64 bits": hostile.tiff_pages([(50706, 1, 4, b"\1\6\0\0")], big=True),
    "NEF": hostile.with_child([*PREVIEW, CAMERA], [*MOSAIC, number(259, 34713)]),
    "NEF with the bytes the other way": hostile.with_child(
        [number(254, 1, ">"), CAMERA], [number(262, 32803, ">"), number(256, 4032, ">")], order=">"
    ),
    "ARW": hostile.with_child([*PREVIEW, CAMERA], [*MOSAIC, number(259, 32767)]),
    "PEF": hostile.tiff_pages([number(259, 65535), CAMERA], PREVIEW, PREVIEW),
    "SRW": hostile.with_child(PREVIEW, [number(259, 32770)]),
    "KDC": hostile.tiff_pages([number(259, 65000)]),
    "a preview of what only its maker finds": hostile.tiff_pages([*PREVIEW, CAMERA]),
    "a preview without a word": hostile.with_child([], [number(256, 4032), number(257, 3024)]),
    "mosaic behind the preview": hostile.tiff_pages(PREVIEW, MOSAIC),
    "CR2": b"II*\0\x10\0\0\0CR\2\0" + bytes(400),
    "IIQ": b"II*\0\x10\0\0\0IIIICwaR" + bytes(400),
    "ORF": b"IIRO\x08\0\0\0" + bytes(400),
    "ORF of an older camera": b"IIRS\x08\0\0\0" + bytes(400),
    "RW2": b"IIU\0\x18\0\0\0" + bytes(400),
    "CR3": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(400),
    "CRW": b"II\x1a\0\0\0HEAPCCDR" + bytes(400),
    "RAF": b"FUJIFILMCCD-RAW 0201FF393103X-T1" + bytes(400),
    "X3F": b"FOVb\3\0\2\0" + bytes(400),
    "MRW": b"\0MRM\0\0\1\0" + bytes(400),
}


@pytest.mark.parametrize("kind", RAW)
def test_camera_raw_is_refused_in_words_and_never_read_from_its_preview(kind: str) -> None:
    assert reject(RAW[kind]) == "camera_raw"


def test_the_words_say_what_to_do() -> None:
    with pytest.raises(ImageRejected, match=r"camera RAW.*export the photograph as JPEG"):
        normalise_upload(RAW["NEF"])


def test_a_preview_that_pillow_writes_with_the_version_of_dng_is_refused() -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[254], tags[50706] = 1, b"\x01\x04\x00\x00"
    tags.tagtype[50706] = 1
    assert reject(pictures.save(pictures.draw_lesion(256, 256), "TIFF", tiffinfo=tags)) == "camera_raw"


def saved_with_pages(*kinds: int) -> bytes:
    """The lesion as a TIFF by Pillow, with smaller second pages of these NewSubfileTypes."""
    out = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(out, new=True) as file:
        pictures.draw_lesion().save(file, "TIFF", compression="tiff_lzw")
        file.newFrame()
        for kind in kinds:
            tags = TiffImagePlugin.ImageFileDirectory_v2()
            tags[254] = kind
            pictures.draw_lesion(160, 120).save(file, "TIFF", tiffinfo=tags)
            file.newFrame()
    return out.getvalue()


COPIES = {
    "a thumbnail as the second page": saved_with_pages(1),
    "a pyramid": saved_with_pages(1, 1, 1, 1),
    "a mask": saved_with_pages(4),
    "a reduced mask of a multi-page file's page": saved_with_pages(5, 3),
    "the old way to say so": hostile.tiff_pages([], [(255, 3, 1, b"\2\0")]),
    "a thumbnail in SubIFDs": hostile.with_child([], [*PREVIEW, number(256, 160), number(257, 120)]),
    "64 bits": hostile.tiff_pages([], [number(254, 1)], big=True),
    "the bytes the other way": hostile.tiff_pages([], [number(254, 1, ">")], order=">"),
    "a thumbnail first": hostile.tiff_pages(PREVIEW, []),
    "two thumbnails first, 64 bits": hostile.tiff_pages(PREVIEW, PREVIEW, [], big=True),
    "a thumbnail first, the bytes the other way": hostile.tiff_pages([number(254, 1, ">")], [], order=">"),
    "a mask that is finer than the page": hostile.tiff_pages([], [number(254, 4), number(256, 640)]),
    "the camera named": hostile.tiff_pages([CAMERA], PREVIEW),
}


@pytest.mark.parametrize("kind", COPIES)
def test_small_copies_beside_the_page_are_no_pages(kind: str) -> None:
    stored = normalise_upload(COPIES[kind])
    assert (stored.format, stored.width, stored.height) == ("png", 320, 240)
    assert np.array_equal(decode_stored(stored.data), np.asarray(pictures.draw_lesion()))


PAGES = {
    "two pages": hostile.tiff_pages([], []),
    "two pages that say so": hostile.tiff_pages([number(254, 2)], [number(254, 2)]),
    "a second page after a thumbnail": hostile.tiff_pages([], [number(254, 1)], []),
    "a larger page that calls itself a copy": hostile.tiff_pages([], [number(254, 1), number(256, 4032)]),
    "a thumbnail between two pages": hostile.tiff_pages(PREVIEW, [], []),
    "a smaller page that is no copy": saved_with_pages(0),
}


@pytest.mark.parametrize("kind", PAGES)
def test_pages_stay_refused(kind: str) -> None:
    assert reject(PAGES[kind]) == "animated"


@pytest.mark.parametrize(
    "data",
    [
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\0\0\0\0" + bytes(300),
        b"MM\0*\0\0\0\x08\0\xff",
        b"II+\0\x08\0\0\0" + b"\xff" * 30,
        hostile.tiff_pages([])[:-30],
        hostile.tiff_pages([number(330, 10**8)]),
        hostile.tiff_pages([(330, 4, 2, struct.pack("<2I", 10**8, 10**8))]),
    ],
)
def test_a_tiff_without_directories_is_damaged(data: bytes) -> None:
    assert reject(data) == "truncated"


def test_a_chain_of_pages_that_bites_its_tail_ends() -> None:
    data = bytearray(hostile.tiff_pages([], [number(254, 1)]))
    (first,) = struct.unpack_from("<I", data, 4)
    struct.pack_into("<I", data, len(data) - 4, first)
    assert normalise_upload(bytes(data)).width == 320


def test_many_small_copies_are_refused() -> None:
    assert reject(hostile.tiff_pages([], *[[number(254, 1)]] * 80)) == "too_many_parts"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_every_format_is_turned_upright(kind: str, orientation: int) -> None:
    with Image.open(io.BytesIO(pictures.rotated_jpeg(orientation))) as turned:
        exif = turned.getexif()
        data = pictures.save(turned, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    pixels = decode_stored(normalise_upload(data).data).astype(float)
    assert np.abs(pixels - np.asarray(pictures.draw_lesion()).astype(float)).mean() < 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_orientation_is_also_taken_from_xmp(kind: str) -> None:
    xmp = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="3"/></x:xmpmeta>'
    upside_down = pictures.draw_lesion().transpose(Image.Transpose.ROTATE_180)
    if kind == "PNG":
        chunks = PngImagePlugin.PngInfo()
        chunks.add_itxt("XML:com.adobe.xmp", xmp)
        data = pictures.save(upside_down, kind, pnginfo=chunks)
    else:
        data = pictures.save(upside_down, kind, xmp=xmp.encode(), quality=95)
    stored = normalise_upload(data)
    assert "rotated" in stored.notes
    assert np.abs(decode_stored(stored.data).astype(float) - np.asarray(pictures.draw_lesion())).mean() < 3


def test_a_film_behind_a_photograph_is_left_out() -> None:
    moving = pictures.jpeg() + b"\0\0\0\x18ftypmp42" + bytes(5000)
    assert normalise_upload(moving) == normalise_upload(pictures.jpeg())


def test_a_png_of_one_frame_is_no_animation() -> None:
    control = pictures.chunk(b"acTL", struct.pack(">II", 1, 0))
    assert normalise_upload(hostile.with_chunks(control)).width == 320
