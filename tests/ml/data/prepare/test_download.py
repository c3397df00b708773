"""Downloads from a server that drops, ignores ranges, changes its files or lacks them."""

import io
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ml.data.prepare.download import FILES, LOCK_NAME, TRIES, download, download_official, verify
from ml.errors import UserError
from tests.ml.data.prepare.file_server import FileServer, serve_files

TABLE, TRUTH, IMAGES = FILES


def zip_of(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def noise(size: int) -> bytes:
    return np.random.default_rng(5).bytes(size)


@pytest.fixture
def server() -> Iterator[FileServer]:
    files = {TABLE: b"image,lesion_id\n", TRUTH: zip_of(truth=b"image\n"), IMAGES: zip_of(picture=noise(3_000_000))}
    with serve_files(files) as running:
        yield running


def fetch(server: FileServer, directory: Path) -> None:
    download_official(directory, address=server.address, pause_seconds=0, progress=False)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.name != LOCK_NAME}


def test_every_training_file_is_fetched_and_its_hash_noted(server: FileServer, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    assert contents(tmp_path) == server.files
    noted = (tmp_path / LOCK_NAME).read_text(encoding="utf-8").splitlines()
    assert [line.split()[1] for line in noted] == sorted(FILES)


def test_nothing_of_validation_or_test_is_asked_for(server: FileServer, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    assert {name for name, _ in server.asked} == set(FILES)
    assert all(name.startswith("ISIC2018_Task3_Training_") for name in FILES)


def test_what_is_there_is_not_fetched_again(server: FileServer, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    server.asked.clear()
    fetch(server, tmp_path)
    assert server.asked == []


def test_a_dropped_connection_goes_on_where_it_broke(server: FileServer, tmp_path: Path) -> None:
    size, server.drops = len(server.files[IMAGES]), 2
    download(server.address + IMAGES, tmp_path / IMAGES, pause_seconds=0, progress=False)
    assert contents(tmp_path) == {IMAGES: server.files[IMAGES]}
    quarters = [None, f"bytes={size // 2}-", f"bytes={size // 2 + (size - size // 2) // 2}-"]
    assert [asked for _, asked in server.asked] == quarters


def test_a_run_that_was_stopped_goes_on_in_the_next(server: FileServer, tmp_path: Path) -> None:
    server.drops = TRIES
    with pytest.raises(UserError, match=r"cannot be downloaded \(the connection ended early\); run again to resume"):
        download(server.address + IMAGES, tmp_path / IMAGES, pause_seconds=0, progress=False)
    kept = (tmp_path / f"{IMAGES}.part").stat().st_size
    assert 0 < kept < len(server.files[IMAGES])
    assert not (tmp_path / IMAGES).exists()
    server.asked.clear()
    download(server.address + IMAGES, tmp_path / IMAGES, pause_seconds=0, progress=False)
    assert server.asked == [(IMAGES, f"bytes={kept}-")]
    assert contents(tmp_path) == {IMAGES: server.files[IMAGES]}


def test_a_server_that_ignores_ranges_sends_all_again(server: FileServer, tmp_path: Path) -> None:
    server.drops, server.ignores_ranges = 1, True
    download(server.address + IMAGES, tmp_path / IMAGES, pause_seconds=0, progress=False)
    assert contents(tmp_path) == {IMAGES: server.files[IMAGES]}


def test_a_file_that_changed_between_is_not_pieced_together(server: FileServer, tmp_path: Path) -> None:
    server.drops = TRIES
    with pytest.raises(UserError):
        download(server.address + IMAGES, tmp_path / IMAGES, pause_seconds=0, progress=False)
    server.files[IMAGES] = zip_of(picture=noise(3_000_000)[::-1])
    download(server.address + IMAGES, tmp_path / IMAGES, pause_seconds=0, progress=False)
    assert contents(tmp_path) == {IMAGES: server.files[IMAGES]}


@pytest.mark.parametrize("surplus", [b"", b"more"], ids=["whole", "too long"])
def test_a_part_with_nothing_left_to_ask_for(server: FileServer, tmp_path: Path, surplus: bytes) -> None:
    (tmp_path / f"{IMAGES}.part").write_bytes(server.files[IMAGES] + surplus)
    download(server.address + IMAGES, tmp_path / IMAGES, pause_seconds=0, progress=False)
    assert contents(tmp_path) == {IMAGES: server.files[IMAGES]}
    assert len(server.asked) == 1 + bool(surplus)


def test_a_file_unlike_the_one_first_fetched_is_named(server: FileServer, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    (tmp_path / TABLE).write_bytes(b"image,lesion\n")
    with pytest.raises(UserError, match=rf"{TABLE}: SHA-256 is \w+, not \w+; remove it and run again"):
        fetch(server, tmp_path)


def test_a_published_hash_counts_before_a_noted_one(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1.
    verify(path, known={"a.csv": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"})
    with pytest.raises(UserError, match="SHA-256 is ba7816bf"):
        verify(path, known={"a.csv": "0" * 64})


def test_a_damaged_zip_is_named_and_not_noted(server: FileServer, tmp_path: Path) -> None:
    damaged = bytearray(server.files[IMAGES])
    damaged[1_000_000] ^= 0xFF
    server.files[IMAGES] = bytes(damaged)
    with pytest.raises(UserError, match=f"{IMAGES}: picture has a wrong CRC; remove the file"):
        fetch(server, tmp_path)
    assert IMAGES not in (tmp_path / LOCK_NAME).read_text(encoding="utf-8")


def test_a_file_that_the_server_lacks_is_named_at_once(server: FileServer, tmp_path: Path) -> None:
    del server.files[TRUTH]
    with pytest.raises(UserError, match=f"{TRUTH}: cannot be downloaded \\(HTTP 404 Not Found\\)"):
        fetch(server, tmp_path)
    assert [name for name, _ in server.asked] == [TABLE, TRUTH]


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with serve_files({}) as gone:
        address = gone.address
    with pytest.raises(UserError, match=r"cannot be downloaded \(.*refused\)"):
        download_official(tmp_path, address=address, pause_seconds=0, progress=False)


def test_an_address_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="file:///etc/: is not an address of the web"):
        download_official(tmp_path, address="file:///etc/", progress=False)


def test_a_disk_without_room_is_told_before_anything_is_written(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(UserError, match=r"0\.05 GB are needed and 0\.00 GB are free; make room or choose"):
        fetch(server, tmp_path)
    assert contents(tmp_path) == {}


def test_a_lock_that_is_no_list_of_hashes_is_named(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text("nonsense\n", encoding="utf-8")
    with pytest.raises(UserError, match=f"{LOCK_NAME}: is not a list of hashes"):
        fetch(server, tmp_path)
