"""Whatever stops the building of a bundle, nothing is left that looks like one, and what was there stays."""

import errno
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ml.bundle.draft import build_beside, copy_files
from ml.bundle.folder import Bundle, load_bundle
from ml.bundle.manifest import BundleError
from ml.errors import UserError


def test_a_finished_bundle_takes_its_place_and_nothing_else_stays(bundle: Bundle, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "bundle"
    with build_beside(out) as draft:
        copy_files(bundle, draft)
        assert not out.exists()
        with pytest.raises(BundleError, match="never finished"):
            load_bundle(draft)
    assert load_bundle(out) == Bundle(out, bundle.manifest, bundle.sha256)
    assert [path.name for path in out.parent.iterdir()] == ["bundle"]


def stop_half_way(draft: Path, error: type[BaseException] | BaseException) -> None:
    (draft / "model.onnx").write_bytes(b"half")
    raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, OSError(errno.ENOSPC, "No space left on device")])
def test_what_stops_the_building_leaves_what_was_there(
    bundle: Bundle, tmp_path: Path, error: type[BaseException] | BaseException
) -> None:
    out = Path(shutil.copytree(bundle.path, tmp_path / "bundle"))
    with pytest.raises((UserError, KeyboardInterrupt, ValueError)), build_beside(out, start=bundle) as draft:
        stop_half_way(draft, error)
    assert load_bundle(out).sha256 == bundle.sha256
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_the_bundle_that_was_there_comes_back_where_the_new_one_cannot_take_its_place(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(bundle.path, tmp_path / "bundle"))
    rename = Path.rename

    def refuse_the_new_one(self: Path, target: Path) -> Path:
        if target == out and self.name == out.name:
            raise OSError(errno.EACCES, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_the_new_one)
    with pytest.raises(UserError, match=r"bundle: cannot be written \(Permission denied\)"), build_beside(out) as draft:
        copy_files(bundle, draft)
    assert load_bundle(out).sha256 == bundle.sha256
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_what_is_not_whole_does_not_take_the_place(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is missing"), build_beside(tmp_path / "bundle", start=bundle) as draft:
        (draft / "gate.npz").unlink()
    assert list(tmp_path.iterdir()) == []


def test_a_kill_leaves_nothing_that_loads(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; "
        "from pathlib import Path; from ml.bundle.folder import *; from ml.bundle.draft import build_beside\n"
        "with build_beside(Path(sys.argv[1]), start=load_bundle(DEFAULT_BUNDLE)):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path / "bundle")], check=False)
    assert killed.returncode == -signal.SIGKILL
    left = [path.parent for path in tmp_path.rglob("manifest.json")]
    assert len(left) == 1
    assert not (tmp_path / "bundle").exists()
    with pytest.raises(BundleError, match="was never finished"):
        load_bundle(left[0])


@pytest.mark.parametrize("kind", ["photographs", "file", "link"])
def test_what_is_no_bundle_is_never_replaced(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    if kind == "photographs":
        out.mkdir()
        (out / "lesion.jpg").write_bytes(b"dear")
    elif kind == "file":
        out.write_bytes(b"dear")
    else:
        (tmp_path / "elsewhere").mkdir()
        out.symlink_to(tmp_path / "elsewhere")
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    with pytest.raises(UserError, match="out: "), build_beside(out):
        pytest.fail("nothing is built")
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/bundle: cannot be written"), build_beside(tmp_path / "file" / "bundle"):
        pytest.fail("nothing is built")
    with pytest.raises(UserError, match="cannot be written"), build_beside(tmp_path / ("x" * 300)):
        pytest.fail("nothing is built")


def test_a_full_disk_is_one_line(bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_arguments: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ml.bundle.draft.shutil.copyfile", fill)
    told = r"bundle: cannot be written \(No space left on device\); make room"
    with pytest.raises(UserError, match=told), build_beside(tmp_path / "bundle", start=bundle):
        pytest.fail("nothing is built")
    assert list(tmp_path.iterdir()) == []
