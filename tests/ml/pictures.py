"""Photographs of every kind that an upload can be, built from one drawn lesion."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageDraw

Pixels = npt.NDArray[np.uint8]

ORIENTATION = 0x0112
NEUTRAL_P3_RED = (234, 51, 35)
"""sRGB's pure red as Display P3 writes it (WebKit, "Wide Gamut Color in CSS with Display-P3")."""


def draw_lesion(width: int = 320, height: int = 240) -> Image.Image:
    """A brown patch on skin, off the centre so that no turn or mirror image looks like another."""
    picture = Image.new("RGB", (width, height), (224, 182, 160))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width * 0.25, height * 0.2, width * 0.65, height * 0.7), fill=(120, 70, 55))
    draw.ellipse((width * 0.4, height * 0.25, width * 0.6, height * 0.45), fill=(60, 35, 40))
    draw.line((width * 0.1, height * 0.9, width * 0.9, height * 0.75), fill=(70, 50, 40), width=3)
    return picture


def save(picture: Image.Image, file_format: str, **options: object) -> bytes:
    """Encode with Pillow."""
    out = io.BytesIO()
    picture.save(out, file_format, **options)
    return out.getvalue()


def jpeg(picture: Image.Image | None = None, **options: object) -> bytes:
    """A good ordinary JPEG."""
    return save(picture or draw_lesion(), "JPEG", **{"quality": 95, "subsampling": 0, **options})


def rotated_jpeg(orientation: int, picture: Image.Image | None = None) -> bytes:
    """A JPEG stored turned, whose EXIF orientation says how to turn it back: upright it is ``picture``."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    picture = picture or draw_lesion()
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return jpeg(picture.transpose(undo[orientation]) if orientation in undo else picture, exif=exif)


def adobe_cmyk_jpeg(picture: Image.Image | None = None) -> bytes:
    """CMYK as Photoshop writes it: inverted, with Adobe's marker."""
    return save((picture or draw_lesion()).convert("CMYK"), "JPEG", quality=95)


def plain_cmyk_jpeg(picture: Image.Image | None = None) -> bytes:
    """CMYK without Adobe's marker, not inverted."""
    inverted = (picture or draw_lesion()).convert("CMYK").point(lambda ink: 255 - ink)
    data = save(inverted, "JPEG", quality=95)
    start = data.index(b"\xff\xee")
    (length,) = struct.unpack(">H", data[start + 2 : start + 4])
    return data[:start] + data[start + 2 + length :]


def png16(values: npt.NDArray[np.uint16]) -> bytes:
    """A 16-bit PNG of (H, W) grey or (H, W, 3) colour: Pillow cannot write the latter."""
    height, width = values.shape[:2]
    colour = 2 if values.ndim == 3 else 0
    rows = values.astype(">u2").reshape(height, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def tiff16(values: npt.NDArray[np.uint16]) -> bytes:
    """A 16-bit grey TIFF."""
    return save(Image.fromarray(values), "TIFF")


def lesion16() -> npt.NDArray[np.uint16]:
    """The lesion in 16 bits a channel."""
    return np.asarray(draw_lesion()).astype(np.uint16) * 257


def transparent_png(alpha: int = 255) -> bytes:
    """A picture whose left quarter is transparent over hidden magenta, and the rest ``alpha``."""
    picture = draw_lesion().convert("RGBA")
    pixels = np.array(picture)
    pixels[..., 3] = alpha
    pixels[:, : picture.width // 4] = (255, 0, 255, 0)
    return save(Image.fromarray(pixels), "PNG")


def wide_gamut_jpeg(colour: tuple[int, int, int] | None = None) -> bytes:
    """A JPEG in Display P3: of one colour, or the lesion."""
    picture = draw_lesion() if colour is None else Image.new("RGB", (256, 256), colour)
    return jpeg(picture, icc_profile=display_p3())


def display_p3(description: bytes = b"Display P3") -> bytes:
    """An ICC profile of Display P3: its primaries adapted to D50, and sRGB's curve."""

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    light = np.linspace(0, 1, 1024)
    linear = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    curve = b"curv\0\0\0\0" + struct.pack(">I", 1024) + np.round(linear * 65535).astype(">u2").tobytes()
    name = description + b"\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + b"\0" * 78
    tags = {
        b"desc": text,
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.51512, 0.2412, -0.00105),
        b"gXYZ": xyz(0.29198, 0.69225, 0.04189),
        b"bXYZ": xyz(0.1571, 0.06657, 0.78407),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, body, offset = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        padded = data + b"\0" * (-len(data) % 4)
        table += tag + struct.pack(">II", offset + len(body), len(data))
        body += padded
    head = struct.pack(">I4sI4s4s4s", offset + len(body), b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    head += struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + body


def srgb_profile() -> bytes:
    """The sRGB profile of Little CMS."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def mpo() -> bytes:
    """Two frames, as phones write a photograph with its depth map; the second is not the lesion."""
    second = Image.new("RGB", (320, 240), (0, 0, 255))
    return save(draw_lesion(), "MPO", save_all=True, append_images=[second], quality=95, subsampling=0)


def animated(file_format: str) -> bytes:
    """Two frames in GIF, WEBP, PNG or TIFF."""
    return save(draw_lesion(), file_format, save_all=True, append_images=[Image.new("RGB", (320, 240))])


def header_only_png(width: int, height: int) -> bytes:
    """A PNG that promises so many pixels and holds none."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    empty = zlib.compress(b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", empty) + chunk(b"IEND", b"")


def tiff_of_frames(count: int) -> bytes:
    """A TIFF whose directory chain has ``count`` pages, all of the same pixels: small, and slow to count."""
    single = save(draw_lesion(), "TIFF")
    (start,) = struct.unpack("<I", single[4:8])
    (entries,) = struct.unpack("<H", single[start : start + 2])
    directory = single[start : start + 2 + 12 * entries]
    end = len(single)
    step = len(directory) + 4
    following = [*(end + (number + 1) * step for number in range(count - 1)), 0]
    chain = b"".join(directory + struct.pack("<I", place) for place in following)
    return single[:4] + struct.pack("<I", end) + single[8:] + chain


def twelve_megapixels() -> bytes:
    """The size of a phone's photograph."""
    return jpeg(draw_lesion(4032, 3024))


ACCEPTED: dict[str, Callable[[], bytes]] = {
    "ordinary": jpeg,
    "cmyk": adobe_cmyk_jpeg,
    "cmyk without marker": plain_cmyk_jpeg,
    "16-bit colour png": lambda: png16(lesion16()),
    "16-bit grey png": lambda: png16(lesion16()[..., 0]),
    "16-bit tiff": lambda: tiff16(lesion16()[..., 0]),
    "transparent": lambda: transparent_png(200),
    **{f"exif {number}": lambda number=number: rotated_jpeg(number) for number in range(1, 9)},  # type: ignore[misc] # a lambda's default has no type
    "wide gamut": wide_gamut_jpeg,
    "12 megapixels": twelve_megapixels,
    "mpo": mpo,
    "heic": lambda: save(draw_lesion(), "HEIF", quality=95),
    "webp": lambda: save(draw_lesion(), "WEBP", quality=95),
    "lossless webp": lambda: save(draw_lesion(), "WEBP", lossless=True),
    "tiff": lambda: save(draw_lesion(), "TIFF"),
    "grey": lambda: jpeg(draw_lesion().convert("L")),
    "palette": lambda: save(draw_lesion().quantize(32), "PNG"),
    "portrait": lambda: jpeg(draw_lesion(240, 320)),
    "wide": lambda: jpeg(draw_lesion(640, 240)),
}
"""Every kind of photograph that is accepted, by name."""
