"""Work and memory are counted before they are spent, and what cannot be counted is decoded apart, within limits."""

import io
import json
import resource
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.serve import decode_process
from ml.serve.decode_process import DecoderBusyError, normalise_guarded
from ml.serve.image_io import LIMITS, ImageRejected, Limits, StoredImage, decode_stored, normalise_upload
from tests.ml import hostile, pictures

PROJECT = Path(__file__).parents[3]
QUICK = 3.0  # seconds of the processor, on a slow one
PEAK_LIMIT = 500_000_000
LARGEST = (8320, 6240)  # 51.9 megapixels


@contextmanager
def quickly() -> Iterator[None]:
    started = time.process_time()
    yield
    assert time.process_time() - started < QUICK


def reject(data: bytes, **limits: int) -> ImageRejected:
    with pytest.raises(ImageRejected) as caught, quickly():
        normalise_upload(data, limits=Limits(**limits))
    return caught.value


def assert_reads_as_usual(data: bytes) -> None:
    with quickly():
        stored = normalise_upload(data)
    assert np.abs(decode_stored(stored.data).astype(float) - np.asarray(pictures.draw_lesion())).mean() < 3


@pytest.mark.parametrize("number", [101, 26_000])
def test_a_jpeg_of_many_scans_is_refused_before_it_is_decoded(number: int) -> None:
    problem = reject(hostile.scans(number, Image.new("RGB", (320, 240))))
    assert (problem.code, problem.params) == ("too_many_scans", {"scans": number, "limit": 100})


@pytest.mark.parametrize("options", [{}, {"subsampling": 2}, {"quality": 30}, {"restart_marker_rows": 1}])
def test_what_encoders_write_as_progressive_is_read(options: dict[str, int]) -> None:
    data = pictures.jpeg(None, progressive=True, **options)
    assert 6 <= data.count(b"\xff\xda") <= 10
    assert_reads_as_usual(data)


def test_a_hundred_scans_of_a_large_picture_are_soon_read() -> None:
    data = hostile.scans(100, pictures.draw_lesion(4000, 3000))
    started = time.process_time()
    normalise_upload(data)
    assert time.process_time() - started < 20


def test_a_scan_of_restarts_alone_is_soon_over() -> None:
    plain = pictures.jpeg(pictures.draw_lesion(4000, 3000), restart_marker_blocks=1)
    begin = plain.rindex(b"\xff\xda") + 14
    flood = plain[:begin] + b"".join(b"\xff" + bytes([0xD0 + n % 8]) for n in range(8)) * 1_500_000 + b"\xff\xd9"
    with quickly(), suppress(ImageRejected):
        normalise_upload(flood)


def test_a_jpeg_coded_arithmetically_is_refused_in_words() -> None:
    assert reject(hostile.arithmetic_jpeg()).code == "unusual_coding"


FLOODS: dict[str, Callable[[], bytes]] = {
    "empty segments": lambda: hostile.with_segments(b"\xff\xe0\0\x02", 6_000_000),
    "comments": lambda: hostile.with_segments(b"\xff\xfe\0\x04ab", 4_000_000),
    "tables": lambda: hostile.with_segments(b"\xff\xdb\0\x02", 6_000_000),
    "chunks": lambda: hostile.with_chunks(*[pictures.chunk(b"IDAT", b"")] * 2_000_000),
    "tags": lambda: hostile.tiff_pages([(9000 + n, 1, 1, b"\0") for n in range(51_000)]),
    "tags of the same bytes": lambda: flooded_tiff(20_000, 100_000),
}


def flooded_tiff(entries: int, block: int) -> bytes:
    """A TIFF whose EXIF tells a block of bytes as often as it has tags."""
    plain = hostile.tiff_pages([hostile.number(34665, 0)])
    exif = hostile.flooded_exif(entries, block)
    at = plain.index(struct.pack("<HHII", 34665, 4, 1, 0))
    moved = bytearray(exif[8:])
    for entry in range(2 + 12, 2 + 12 * entries, 12):
        (place,) = struct.unpack_from("<I", moved, entry + 8)
        struct.pack_into("<I", moved, entry + 8, place + len(plain) - 8)
    return plain[: at + 8] + struct.pack("<I", len(plain)) + plain[at + 12 :] + bytes(moved)


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_of_parts_is_refused(kind: str) -> None:
    data = FLOODS[kind]()
    assert len(data) < LIMITS.max_bytes
    assert reject(data).code == "too_many_parts"


@pytest.mark.parametrize(
    "make",
    [
        lambda: hostile.with_segments(b"\xff", 20_000_000),
        lambda: hostile.with_segments(b"\xff\xd0", 10_000_000),
        lambda: hostile.with_segments(b"\xff\xe1\xff\xff" + b"Exif\0\0" + bytes(65_527), 300),
        lambda: hostile.with_segments(b"\xff\xfe\xff\xff" + bytes(65_533), 300),
        lambda: hostile.with_segments(b"\xff\xe2\xff\xff" + b"ICC_PROFILE\0\1\xff" + bytes(65_519), 255),
        lambda: hostile.with_chunks(*[hostile.packed_text(60_000_000)] * 20),
        lambda: hostile.with_chunks(pictures.chunk(b"iCCP", b"a\0\0" + hostile.packed_text(60_000_000)[17:-4])),
        lambda: hostile.with_chunks(pictures.chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"x" * 20_000_000)),
    ],
    ids=[
        "fill bytes",
        "restarts",
        "EXIF again and again",
        "comments",
        "16 MB of profile",
        "texts",
        "profile that unpacks",
        "XMP",
    ],
)
def test_what_is_no_picture_costs_nothing(make: Callable[[], bytes]) -> None:
    assert_reads_as_usual(make())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_that_tells_the_same_bytes_thousands_of_times_is_not_copied(kind: str) -> None:
    exif = hostile.flooded_exif(5_000, 5_000 if kind == "JPEG" else 5_000_000)
    upright = pictures.draw_lesion()
    turned = upright.transpose(Image.Transpose.ROTATE_180)
    match kind:
        case "JPEG":
            plain = pictures.jpeg(turned)
            data = plain[:2] + hostile.jpeg_with_exif(exif)[2 : 2 + 4 + 6 + len(exif)] + plain[2:]
        case "PNG":
            plain = pictures.save(turned, "PNG")
            data = plain[:33] + pictures.chunk(b"eXIf", exif) + plain[33:]
        case _:
            data = pictures.save(turned, "WEBP", quality=95, exif=exif)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert_reads_as_usual(data)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def test_tiles_larger_than_the_picture_are_refused() -> None:
    tiles = [hostile.number(322, 60_000), hostile.number(323, 60_000), hostile.number(324, 8), hostile.number(325, 8)]
    assert reject(hostile.tiff_pages(tiles)).code == "unusual_coding"


@pytest.mark.parametrize("compression", [2, 4, 32809, 34676, 34925, 50001])
def test_compressions_that_no_photograph_has_are_refused(compression: int) -> None:
    problem = reject(hostile.tiff_pages([hostile.number(259, compression)]))
    assert (problem.code, problem.params) == ("unusual_coding", {"coding": f"TIFF {compression}"})


def test_scans_are_counted_inside_of_a_tiff_too() -> None:
    jpeg = hostile.scans(500, Image.new("RGB", (320, 240)))
    tags = [hostile.number(259, 7), hostile.number(279, len(jpeg))]
    data = hostile.tiff_pages(tags)
    begin = data.index(pictures.draw_lesion().tobytes()[:300])
    problem = reject(data[:begin] + jpeg + data[begin + len(jpeg) :])
    assert (problem.code, problem.params["scans"]) == ("too_many_scans", 500)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "raw"])
def test_usual_compressions_are_read(compression: str) -> None:
    quality = {"quality": 95} if compression == "jpeg" else {}
    assert_reads_as_usual(pictures.save(pictures.draw_lesion(), "TIFF", compression=compression, **quality))


@pytest.mark.parametrize(
    "make",
    [
        lambda: pictures.save(Image.new("RGB", (6000, 5000)), "WEBP", quality=1),
        lambda: pictures.jpeg(Image.new("RGB", LARGEST), progressive=True),
    ],
    ids=["WebP", "progressive"],
)
def test_memory_is_estimated_and_refused_before_it_is_taken(make: Callable[[], bytes]) -> None:
    problem = reject(make())
    assert (problem.code, problem.params) == ("too_much_memory", {"limit": 416})


def checkerboard(mode: str) -> Image.Image:
    """A picture of the largest size that packs into few bytes."""
    tile = Image.effect_noise((64, 64), 10).convert(mode)
    if mode in ("RGBA", "LA"):
        tile.putalpha(200)
    strip = Image.new(mode, (LARGEST[0], 64))
    for left in range(0, LARGEST[0], 128):
        strip.paste(tile, (left, 0))
    whole = Image.new(mode, LARGEST)
    for top in range(0, LARGEST[1], 64):
        whole.paste(strip, (0, top))
    return whole


def turned(number: int) -> Image.Exif:
    exif = Image.Exif()
    exif[pictures.ORIENTATION] = number
    return exif


HEAVY: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: pictures.save(checkerboard("RGB"), "JPEG", quality=60),
    "JPEG turned": lambda: pictures.save(checkerboard("RGB"), "JPEG", quality=60, exif=turned(6)),
    "progressive JPEG": lambda: pictures.save(checkerboard("RGB"), "JPEG", quality=60, progressive=True),
    "CMYK JPEG": lambda: pictures.save(checkerboard("CMYK"), "JPEG", quality=60),
    "JPEG with a profile": lambda: pictures.save(
        checkerboard("RGB"), "JPEG", quality=60, icc_profile=pictures.display_p3(), exif=turned(8)
    ),
    "RGBA PNG": lambda: pictures.save(checkerboard("RGBA"), "PNG", exif=turned(6)),
    "16-bit PNG": lambda: pictures.save(Image.new("I;16", LARGEST, 9000), "PNG", exif=turned(5)),
    "RGBA TIFF turned": lambda: pictures.save(checkerboard("RGBA"), "TIFF", compression="tiff_lzw", tiffinfo=turned(6)),
    "Lab TIFF": lambda: pictures.save(Image.new("LAB", LARGEST, (120, 130, 140)), "TIFF", compression="tiff_lzw"),
    "palette PNG": lambda: pictures.save(Image.new("P", LARGEST, 3), "PNG", transparency=0),
}
MEASURE = """
import resource, sys
from ml.serve.image_io import normalise_upload, thumbnail
stored = normalise_upload(open(sys.argv[1], "rb").read())
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(stored.width * stored.height, stored.format, int(peak.split()[1]) * 1024)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak of a process is read from /proc")
@pytest.mark.parametrize("kind", HEAVY)
def test_the_largest_picture_takes_less_than_half_a_gigabyte_at_its_peak(kind: str, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(HEAVY[kind]())
    assert (tmp_path / "large").stat().st_size < LIMITS.max_bytes
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "large")]
    told = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True, timeout=300).stdout
    pixels, _format, peak = told.split()
    assert int(pixels) == LARGEST[0] * LARGEST[1]
    assert int(peak) < PEAK_LIMIT


def test_a_heic_that_hides_its_size_is_refused() -> None:
    assert reject(hostile.oversized_heic(3_000)).code == "truncated"


# What is decoded apart


@pytest.mark.parametrize("kind", ["tiff", "heic"])
def test_apart_and_here_the_same_is_stored(kind: str) -> None:
    data = pictures.ACCEPTED[kind]()
    assert normalise_guarded(data) == normalise_upload(data)


def test_what_is_refused_apart_is_refused_with_the_same_words() -> None:
    data = pictures.save(pictures.draw_lesion(), "TIFF", compression="tiff_lzw")[:-500]
    here, there = (caught_by(read, data) for read in (normalise_upload, normalise_guarded))
    assert (there.code, str(there)) == (here.code, str(here))


def caught_by(read: Callable[[bytes], StoredImage], data: bytes) -> ImageRejected:
    with pytest.raises(ImageRejected) as caught:
        read(data)
    return caught.value


def test_decoding_apart_ends_at_its_time_and_the_next_one_is_read() -> None:
    data = pictures.ACCEPTED["tiff"]()
    with pytest.raises(ImageRejected) as caught:
        normalise_guarded(data, wall_seconds=0.01)
    assert caught.value.code == "too_slow"
    assert normalise_guarded(data).width == 320


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("import resource, signal, os; os.kill(os.getpid(), signal.SIGXCPU)", "too_slow"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "too_much_memory"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "truncated"),
    ],
)
def test_a_decoder_that_dies_is_a_refusal_and_not_the_end_of_the_site(
    program: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode_process, "COMMAND", [sys.executable, "-c", program])
    with pytest.raises(ImageRejected) as caught:
        normalise_guarded(pictures.ACCEPTED["tiff"]())
    assert caught.value.code == code


def test_a_decoder_that_cannot_start_is_our_fault_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_process, "COMMAND", [sys.executable, "-c", "raise SystemExit('no such module')"])
    with pytest.raises(RuntimeError, match="no such module"):
        normalise_guarded(pictures.ACCEPTED["tiff"]())


def test_the_process_apart_limits_its_time_and_its_memory_and_knows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    program = """
import json, os, resource, sys
from ml.serve import decode_process
from ml.serve.image_io import Limits
decode_process._limit_this_process(Limits())
said = {"cpu": resource.getrlimit(resource.RLIMIT_CPU)[0], "secret": os.environ.get("SECRET_KEY")}
try:
    bytearray(900_000_000)
except MemoryError:
    said["memory"] = "limited"
raise SystemExit(json.dumps(said))
"""
    monkeypatch.setenv("SECRET_KEY", "a secret")
    monkeypatch.setattr(decode_process, "COMMAND", [sys.executable, "-c", program])
    with pytest.raises(RuntimeError) as caught:
        normalise_guarded(pictures.ACCEPTED["tiff"]())
    said = json.loads(str(caught.value).partition(": ")[2])
    expected = {"cpu": 20, "secret": None} | ({"memory": "limited"} if sys.platform.startswith("linux") else {})
    assert said == expected


def test_who_finds_no_turn_is_told_that_others_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_process, "PATIENCE_SECONDS", 0.05)
    with decode_process._turn(decode_process._apart), pytest.raises(DecoderBusyError):
        normalise_guarded(pictures.ACCEPTED["tiff"]())


def test_a_small_photograph_is_decoded_here() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    normalise_guarded(pictures.twelve_megapixels())
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime == before


def test_a_large_stored_png_is_shrunk_while_it_is_decoded() -> None:
    stored = normalise_upload(pictures.save(Image.new("RGB", (5120, 4096), (10, 200, 90)), "PNG")).data
    pixels = decode_stored(stored, at_least=640)
    assert pixels.shape == (683, 854, 3)
    assert np.unique(pixels.reshape(-1, 3), axis=0).tolist() == [[10, 200, 90]]
    with Image.open(io.BytesIO(stored)) as image:
        assert image.size == (5120, 4096)
