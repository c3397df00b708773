"""The official layout as people's copies are: spoilt in ways that change nothing, and in ways that must be told."""

import shutil
from collections.abc import Callable
from pathlib import Path

from ml.data.isic import read_isic
from tests.ml.tiny_isic import write_rows

STEM = "ISIC2018_Task3_Training"
TRUTH, GROUPINGS, METADATA = f"{STEM}_GroundTruth.csv", f"{STEM}_LesionGroupings.csv", "HAM10000_metadata.csv"
TABLES = (TRUTH, GROUPINGS, METADATA)
APPLE_DOUBLE = b"\0\5\26\7\0\2\0\0Mac OS X        "

Spoil = Callable[[Path], None]


def add_metadata(directory: Path, *, age: str = "45.0", sex: str = "female", site: str = "back") -> Path:
    """Write HAM10000's table for every image of the directory."""
    header = ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization")
    codes = ("mel", "nv", "bcc", "akiec", "bkl", "df", "vasc")
    rows = [
        (each.lesion_id, each.image_id, codes[each.label], "histo", age, sex, site)
        for each in read_isic(directory).records
    ]
    write_rows(directory / METADATA, header, rows)
    return directory


def first_image(directory: Path) -> Path:
    return min((directory / f"{STEM}_Input").glob("ISIC_*"))


def change_tables(change: Callable[[str], str]) -> Spoil:
    def spoil(directory: Path) -> None:
        for name in TABLES:
            path = directory / name
            path.write_bytes(change(path.read_bytes().decode()).encode())

    return spoil


def change_truth(change: Callable[[str], str]) -> Spoil:
    def spoil(directory: Path) -> None:
        path = directory / TRUTH
        path.write_bytes(change(path.read_bytes().decode()).encode())

    return spoil


def _leave_apple_doubles(directory: Path) -> None:
    for path in (*(directory / name for name in TABLES), first_image(directory)):
        path.with_name(f"._{path.name}").write_bytes(APPLE_DOUBLE)
    (directory / f"{STEM}_Input" / ".DS_Store").write_bytes(APPLE_DOUBLE)


def _name_files_in_the_truth(directory: Path) -> None:
    lines = (directory / TRUTH).read_text().splitlines()
    lines = [lines[0], *(line.replace(",", ".jpg,", 1) for line in lines[1:])]
    (directory / TRUTH).write_text("\n".join(lines))


def _unpack_archives_into_folders(directory: Path) -> None:
    for name in (TRUTH, GROUPINGS):
        inner = directory / name.removesuffix(".csv")
        inner.mkdir()
        (directory / name).rename(inner / name)
    images = directory / f"{STEM}_Input"
    images.rename(directory / "inner")
    images.mkdir()
    (directory / "inner").rename(images / images.name)


def _lay_the_other_sets_beside(directory: Path) -> None:
    for name in ("Test", "Validation"):
        (directory / f"ISIC2018_Task3_{name}_Input").mkdir()
        (directory / f"ISIC2018_Task3_{name}_GroundTruth.csv").write_text("image,MEL,NV,BCC,AKIEC,BKL,DF,VASC\n")


def _keep_a_second_copy(directory: Path) -> None:
    shutil.copy(directory / METADATA, directory / "HAM10000_metadata (1).csv")


HARMLESS: dict[str, Spoil] = {
    "what macOS leaves": _leave_apple_doubles,
    "byte order mark and CRLF": change_tables(lambda text: "\ufeff" + text.replace("\r\n", "\n").replace("\n", "\r\n")),
    "semicolons": change_tables(lambda text: text.replace(",", ";")),
    "semicolons and decimal commas": change_truth(lambda text: text.replace(",", ";").replace(".0", ",0")),
    "tabs": change_tables(lambda text: text.replace(",", "\t")),
    "blanks after commas": change_tables(lambda text: text.replace(",", ", ")),
    "names of files": _name_files_in_the_truth,
    "archives unpacked into folders": _unpack_archives_into_folders,
    "three sets side by side": _lay_the_other_sets_beside,
    "a second copy": _keep_a_second_copy,
}
"""Ways that change nothing of what is read, by name."""


def _unplug(directory: Path) -> None:
    path = first_image(directory)
    path.unlink()
    path.symlink_to(f"/mnt/unplugged/{path.name}")


def _make_a_folder_of_an_image(directory: Path) -> None:
    path = first_image(directory)
    path.unlink()
    path.mkdir()


def _remove_an_image(directory: Path) -> None:
    first_image(directory).unlink()


def _age(text: str) -> Spoil:
    def spoil(directory: Path) -> None:
        path = directory / METADATA
        path.write_text(path.read_text().replace(",45.0,", f",{text},", 1))

    return spoil


def _write_a_workbook(directory: Path) -> None:
    (directory / TRUTH).write_bytes(b"\xff\xfeP\0K\0")


UNREADABLE: dict[str, tuple[Spoil, str]] = {
    "a link to a disk that is not there": (_unplug, r"\.jpg: leads to a file that is not there"),
    "a folder under an image's name": (_make_a_folder_of_an_image, r"\.jpg: is a folder under an image's name"),
    "a missing image": (_remove_an_image, r"no image file"),
    "a negative age": (_age("-45"), r"age '-45' .* is not a number from 0 to 120"),
    "an age of no person": (_age("1e5"), r"age '1e5' .* is not a number from 0 to 120"),
    "an infinite age": (_age("inf"), r"age 'inf' .* is not a number from 0 to 120"),
    "an age in words": (_age("forty"), r"age 'forty' .* is not a number from 0 to 120"),
    "a column twice": (change_truth(lambda text: text.replace("NV", "MEL", 1)), r"column .* is (missing|there twice)"),
    "fields beyond the header": (change_truth(lambda text: text.replace("0.0,", "0.0,1,", 1)), r"more fields"),
    "columns by blanks": (change_truth(lambda text: text.replace(",", " ")), r"column .* is missing"),
    "a table of another sort": (_write_a_workbook, r"read as CSV"),
}
"""Ways that reading must refuse, with what it says."""


def spoil(clean: Path, out: Path, how: Spoil) -> Path:
    """A copy of the directory, spoilt."""
    shutil.copytree(clean, out)
    how(out)
    return out
