"""Uploads are hostile: what is accepted, what is refused, what is kept."""

import io
import time
import warnings
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from ml.serve import image_header
from ml.serve.image_io import LIMITS, UPLOAD_FORMATS, ImageRejected, decode_stored, normalise_upload, thumbnail
from ml.serve.image_limits import UPLOAD_SUFFIXES
from tests.ml import pictures

NEEDLE = b"Patient Ivanova 1970"


def decode(data: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return decode_stored(normalise_upload(data).data)


def reject(data: bytes) -> ImageRejected:
    with pytest.raises(ImageRejected) as caught:
        normalise_upload(data)
    assert "\n" not in str(caught.value)
    return caught.value


def assert_looks_like_the_lesion(pixels: np.ndarray[Any, np.dtype[np.uint8]], tolerance: float) -> None:
    expected = np.asarray(pictures.draw_lesion()).astype(float)
    assert pixels.shape == expected.shape
    assert np.abs(pixels - expected).mean() < tolerance


@pytest.mark.parametrize("kind", ["ordinary", "mpo", "heic", "webp", "cmyk", "cmyk without marker"])
def test_lossy_sources_keep_their_colours_and_are_stored_as_jpeg_without_subsampling(kind: str) -> None:
    stored = normalise_upload(pictures.ACCEPTED[kind]())
    assert stored.format == "jpeg"
    assert_looks_like_the_lesion(decode_stored(stored.data), tolerance=3)
    with Image.open(io.BytesIO(stored.data)) as image:
        assert image.format == "JPEG"
        assert [component[1:3] for component in image.layer] == [(1, 1)] * 3  # type: ignore[attr-defined] # JPEG's


@pytest.mark.parametrize("kind", ["16-bit colour png", "lossless webp", "tiff"])
def test_lossless_sources_are_stored_as_png_pixel_for_pixel(kind: str) -> None:
    stored = normalise_upload(pictures.ACCEPTED[kind]())
    assert stored.format == "png"
    assert np.array_equal(decode_stored(stored.data), np.asarray(pictures.draw_lesion()))


@pytest.mark.parametrize("encode", [pictures.png16, pictures.tiff16])
def test_sixteen_bits_are_scaled_and_not_saturated(encode: Any) -> None:
    values = np.full((256, 256), 0x8000, np.uint16)
    values[:128] = 0x1000
    pixels = decode(encode(values))
    assert np.unique(pixels[:128]).tolist() == [16]
    assert np.unique(pixels[128:]).tolist() == [128]


def test_hidden_colours_under_transparency_become_neutral_grey() -> None:
    pixels = decode(pictures.transparent_png())
    quarter = pixels.shape[1] // 4
    assert np.unique(pixels[:, :quarter]).tolist() == [128]
    assert np.array_equal(pixels[:, quarter:], np.asarray(pictures.draw_lesion())[:, quarter:])


def test_half_transparency_is_mixed_with_grey() -> None:
    grey = Image.new("RGBA", (256, 256), (228, 28, 128, 128))
    assert np.abs(decode(pictures.save(grey, "PNG"))[0, 0].astype(int) - (178, 78, 128)).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_turned_upright(orientation: int) -> None:
    stored = normalise_upload(pictures.rotated_jpeg(orientation))
    assert (stored.width, stored.height) == (320, 240)
    assert_looks_like_the_lesion(decode_stored(stored.data), tolerance=2)
    with Image.open(io.BytesIO(stored.data)) as image:
        assert pictures.ORIENTATION not in image.getexif()


def test_wide_gamut_is_converted_to_srgb() -> None:
    stored = normalise_upload(pictures.wide_gamut_jpeg(pictures.NEUTRAL_P3_RED))
    assert "profile_converted" in stored.notes
    assert np.abs(decode_stored(stored.data)[100, 100].astype(int) - (255, 0, 0)).max() <= 4


def test_srgb_and_broken_profiles_leave_the_colours() -> None:
    plain = decode(pictures.jpeg())
    assert np.array_equal(decode(pictures.jpeg(icc_profile=pictures.srgb_profile())), plain)
    broken = normalise_upload(pictures.jpeg(icc_profile=b"not a profile" * 20))
    assert "profile_ignored" in broken.notes
    assert np.array_equal(decode_stored(broken.data), plain)


def test_only_the_first_frame_of_an_mpo_is_read() -> None:
    assert "first_frame" in normalise_upload(pictures.mpo()).notes


def test_grey_becomes_three_equal_channels() -> None:
    pixels = decode(pictures.jpeg(pictures.draw_lesion().convert("L")))
    assert pixels.shape == (240, 320, 3)
    assert np.array_equal(pixels[..., 0], pixels[..., 2])


@pytest.mark.parametrize("share", [0.3, 0.9])
@pytest.mark.parametrize("kind", ["ordinary", "16-bit colour png", "tiff", "heic", "webp"])
def test_a_truncated_file_is_refused(kind: str, share: float) -> None:
    data = pictures.ACCEPTED[kind]()
    assert reject(data[: int(len(data) * share)]).code == "truncated"


@pytest.mark.parametrize(
    "data",
    [
        b"<html><script>alert(1)</script></html>",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"%PDF-1.7\n",
        b"GIF89a" + b"\0" * 100,
        b"\0" * 128 + b"DICM",
        b"PK\x03\x04" + b"\0" * 64,
        b"x",
    ],
)
def test_what_is_no_photograph_is_an_unsupported_type(data: bytes) -> None:
    assert reject(data).code == "unsupported_type"


@pytest.mark.parametrize("file_format", ["GIF", "BMP", "JPEG2000", "AVIF"])
def test_formats_off_the_list_are_unsupported(file_format: str) -> None:
    assert reject(pictures.save(pictures.draw_lesion(), file_format)).code == "unsupported_type"


def test_measurements_of_32_bits_are_unsupported() -> None:
    picture = Image.fromarray(np.linspace(0, 1, 256 * 256, dtype=np.float32).reshape(256, 256))
    assert reject(pictures.save(picture, "TIFF")).code == "unsupported_type"


def test_an_empty_file_is_refused() -> None:
    assert reject(b"").code == "empty"


def test_bytes_over_the_limit_are_refused_unread() -> None:
    problem = reject(pictures.jpeg() + b"\0" * LIMITS.max_bytes)
    assert problem.code == "too_large"
    assert problem.params["limit"] == 25


@pytest.mark.parametrize("size", [(9400, 9400), (30_000, 30_000), (52_001, 1_000)])
def test_a_bomb_by_pixels_is_refused_by_its_header(size: tuple[int, int]) -> None:
    started = time.process_time()
    assert reject(pictures.header_only_png(*size)).code == "too_many_pixels"
    assert time.process_time() - started < 0.5


def test_the_largest_phone_passes_the_header_check() -> None:
    assert reject(pictures.header_only_png(8192, 6144)).code == "truncated"


def test_a_bomb_by_frames_is_refused_without_counting_them() -> None:
    data = pictures.tiff_of_frames(50_000)
    assert len(data) < LIMITS.max_bytes
    started = time.process_time()
    assert reject(data).code == "animated"
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("file_format", ["WEBP", "PNG", "TIFF"])
def test_an_animated_picture_is_refused(file_format: str) -> None:
    assert reject(pictures.animated(file_format)).code == "animated"


@pytest.mark.parametrize("size", [(1, 1), (223, 400), (400, 223)])
def test_a_side_under_the_limit_is_refused(size: tuple[int, int]) -> None:
    problem = reject(pictures.save(Image.new("RGB", size), "PNG"))
    assert problem.code == "too_small"
    assert problem.params == {"width": size[0], "height": size[1], "limit": 224}


def test_a_side_at_the_limit_is_accepted() -> None:
    stored = normalise_upload(pictures.jpeg(pictures.draw_lesion(224, 224)))
    assert (stored.width, stored.height) == (224, 224)


def test_a_wholly_transparent_picture_is_refused() -> None:
    assert reject(pictures.transparent_png(0)).code == "transparent"


def with_needles() -> dict[str, bytes]:
    """A file of each format with the needle in every slot that the format has."""
    text = NEEDLE.decode()
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = exif[0x8298] = text
    exif.get_ifd(0x8825)[29] = text
    exif.get_ifd(0x8769)[0x9286] = NEEDLE
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + NEEDLE + b"</x:xmpmeta>"
    icc = pictures.display_p3(NEEDLE)
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Author", text)
    chunks.add_text("Title", text, zip=True)
    chunks.add_itxt("Comment", text)
    chunks.add(b"ruBB", NEEDLE)
    picture = pictures.draw_lesion()
    iptc = b"\xff\xed" + (2 + 14 + len(NEEDLE)).to_bytes(2, "big") + b"Photoshop 3.0\0" + NEEDLE
    jpeg = pictures.jpeg(picture, exif=exif, xmp=xmp, icc_profile=icc, comment=NEEDLE)
    return {
        "jpeg": jpeg[:2] + iptc + jpeg[2:] + b"PK\x03\x04" + NEEDLE,
        "png": pictures.save(picture, "PNG", exif=exif, icc_profile=icc, pnginfo=chunks) + b"<html>" + NEEDLE,
        "webp": pictures.save(picture, "WEBP", exif=exif, xmp=xmp, icc_profile=icc),
        "tiff": pictures.save(picture, "TIFF", exif=exif, icc_profile=icc, description=text, software=text),
        "heic": pictures.save(picture, "HEIF", exif=exif, xmp=xmp, icc_profile=icc),
        "mpo": pictures.save(picture, "MPO", save_all=True, append_images=[picture], comment=NEEDLE, exif=exif),
        "cmyk": pictures.save(picture.convert("CMYK"), "JPEG", exif=exif, comment=NEEDLE),
    }


@pytest.mark.parametrize("kind", list(with_needles()))
def test_no_metadata_comment_thumbnail_or_trailer_survives(kind: str) -> None:
    data = with_needles()[kind]
    assert NEEDLE in data
    kept = normalise_upload(data, thumbnail_side=100)
    stored = kept.data
    assert NEEDLE not in stored
    assert NEEDLE not in kept.thumbnail
    assert NEEDLE not in thumbnail(stored, side=100)
    with Image.open(io.BytesIO(stored)) as image:
        image.load()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_damaged_metadata_does_not_cost_the_photograph() -> None:
    stored = normalise_upload(pictures.jpeg(exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x63\0\0\0"))
    assert_looks_like_the_lesion(decode_stored(stored.data), tolerance=2)


def test_the_same_upload_is_stored_as_the_same_bytes() -> None:
    first, second = (normalise_upload(pictures.jpeg()) for _ in range(2))
    assert first == second


def test_a_large_jpeg_is_decoded_smaller_but_never_under_the_side_asked_for() -> None:
    stored = normalise_upload(pictures.twelve_megapixels()).data
    assert decode_stored(stored).shape == (3024, 4032, 3)
    assert decode_stored(stored, at_least=640).shape == (756, 1008, 3)
    assert decode_stored(stored, at_least=757).shape == (1512, 2016, 3)


def test_damaged_stored_bytes_are_told_of() -> None:
    with pytest.raises(ImageRejected):
        decode_stored(normalise_upload(pictures.jpeg()).data[:500])


def test_a_thumbnail_fits_its_side_and_keeps_its_shape() -> None:
    with Image.open(io.BytesIO(thumbnail(normalise_upload(pictures.jpeg()).data, side=160))) as image:
        assert (image.format, image.size) == ("JPEG", (160, 120))


def test_the_thumbnail_of_an_upload_shows_what_is_stored() -> None:
    for name in ("ordinary", "cmyk", "transparent", "exif 6"):
        stored = normalise_upload(pictures.ACCEPTED[name](), thumbnail_side=160)
        of_pixels, of_stored = (
            np.asarray(Image.open(io.BytesIO(data)), np.int16)
            for data in (stored.thumbnail, thumbnail(stored.data, side=160))
        )
        assert of_pixels.shape in ((120, 160, 3), (160, 120, 3))
        assert np.abs(of_pixels - of_stored).mean() < 2, name
    assert normalise_upload(pictures.jpeg()).thumbnail == b""


def test_files_are_offered_by_the_suffixes_of_what_is_read() -> None:
    of = Image.registered_extensions()
    formats = {of[suffix] for suffixes in UPLOAD_SUFFIXES.values() for suffix in suffixes}
    assert formats == {"JPEG", "MPO", "PNG", "WEBP", "TIFF", "HEIF"}
    assert formats == {*UPLOAD_FORMATS, "MPO"}, "Pillow's name of a JPEG that holds several pictures"


def test_decoding_changes_nothing_of_what_other_threads_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    before, during = list(warnings.filters), []

    def inspect(data: bytes) -> Any:
        during.append(list(warnings.filters))
        return original(data)

    original = image_header.inspect
    monkeypatch.setattr("ml.serve.image_io.inspect", inspect)
    normalise_upload(pictures.ACCEPTED["tiff"]())
    assert during == [before]
