"""Zips from elsewhere are not trusted."""

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from ml.data.prepare.archives import list_files, open_archive
from ml.errors import UserError


def write(path: Path, *members: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members:
            archive.writestr(member, data)
    return path


@pytest.mark.parametrize("name", ["../evil.jpg", "a/../../evil.jpg", "/etc/evil.jpg", "C:\\evil.jpg", "..\\evil.jpg"])
def test_a_member_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "a.zip", (zipfile.ZipInfo(name), b"x"))
    with pytest.raises(UserError, match=r"a\.zip: .*evil\.jpg' leads out of the folder"), open_archive(path):
        pass


def test_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = write(tmp_path / "a.zip", (link, b"/etc/passwd"))
    with pytest.raises(UserError, match=r"'link\.jpg' is a link"), open_archive(path):
        pass


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", ("bomb.jpg", bytes(10_000_000)))
    with pytest.raises(UserError, match=r"'bomb\.jpg' unpacks to over 200 times its packed size"), open_archive(path):
        pass


def test_a_bomb_is_refused_by_its_size(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", ("bomb.jpg", b"x"))
    patch_central_directory(path, offset=24, value=3_000_000_000)
    with pytest.raises(UserError, match=r"'bomb\.jpg' unpacks to 3000 MB, over 100"), open_archive(path):
        pass


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", ("one.jpg", b"x" * 50))
    patch_central_directory(path, offset=20, value=1_000_000)
    with pytest.raises(UserError, match="its members overlap"), open_archive(path):
        pass


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", ("secret.jpg", b"x"))
    patch_central_directory(path, offset=6, value=20 | 1 << 16)
    with pytest.raises(UserError, match=r"'secret\.jpg' is encrypted"), open_archive(path):
        pass


def test_a_member_larger_than_it_says_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", ("more.jpg", b"x" * 100))
    patch_central_directory(path, offset=24, value=50)
    with pytest.raises(UserError, match="is not a whole zip"), open_archive(path) as archive:
        archive.read("more.jpg")


@pytest.mark.parametrize("data", [b"", b"no zip at all", b"PK\x03\x04 cut off"])
def test_what_is_no_whole_zip_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"a\.zip: is not a whole zip .*download it again"), open_archive(path):
        pass


def test_damage_is_told_while_reading(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", ("a.jpg", bytes(range(256)) * 40))
    data = bytearray(path.read_bytes())
    data[60:64] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(data))
    with pytest.raises(UserError, match="is not a whole zip"), open_archive(path) as archive:
        archive.read("a.jpg")


def test_only_wanted_files_are_listed_by_name(tmp_path: Path) -> None:
    names = ("b/two.JPG", "a/one.jpg", "a/", "LICENSE.txt", "__MACOSX/a/._one.jpg", ".hidden.jpg")
    path = write(tmp_path / "a.zip", *((name, b"x") for name in names))
    with open_archive(path) as archive:
        assert [member.filename for member in list_files(archive, (".jpg",))] == ["a/one.jpg", "b/two.JPG"]


def patch_central_directory(path: Path, *, offset: int, value: int) -> None:
    """Change 32 bits of the first entry: 6 version and flags, 20 packed size, 24 size (APPNOTE 4.3.12)."""
    data = bytearray(path.read_bytes())
    start = data.index(b"PK\x01\x02") + offset
    data[start : start + 4] = struct.pack("<I", value)
    path.write_bytes(bytes(data))
