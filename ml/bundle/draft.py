"""Atomic builds of bundles: built in a temporary directory and moved into place when complete."""

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml.bundle.folder import LARGEST, UNFINISHED_FILE, Bundle, load_bundle
from ml.bundle.manifest import MANIFEST_FILE
from ml.errors import UserError


@contextmanager
def build_beside(out: Path, *, start: Bundle | None = None) -> Iterator[Path]:
    """Yield a directory, empty or a copy of the bundle ``start``, in which to build the bundle ``out``.

    If the block ends without an error, the bundle is verified and moved to ``out``, replacing an existing bundle;
    otherwise nothing changes. Raises ``UserError`` if ``out`` contains other things, cannot be written, or the disk is
    full.
    """
    with one_line_for_the_disk(out):
        check_can_be_replaced(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name[:80]}.unfinished-") as scratch:
            draft = Path(scratch) / out.name
            draft.mkdir()
            mark_unfinished(draft)
            if start is not None:
                copy_files(start, draft)
            yield draft
            (draft / UNFINISHED_FILE).unlink()
            load_bundle(draft)
            _replace(out, draft, Path(scratch) / "replaced")


def _replace(out: Path, draft: Path, replaced: Path) -> None:
    """Move ``out`` to ``replaced``, and the draft to ``out``; undone if the second move fails."""
    try:
        if out.exists():
            out.rename(replaced)
        draft.rename(out)
    except BaseException:
        if replaced.exists() and not out.exists():
            replaced.rename(out)
        raise


def mark_unfinished(directory: Path) -> None:
    """Mark the directory as an incomplete bundle."""
    (directory / UNFINISHED_FILE).write_text("This bundle was not finished; it must not be used.\n", encoding="utf-8")


def copy_files(bundle: Bundle, directory: Path) -> None:
    """Copy the files that the manifest names, and nothing else, into a directory."""
    for name in (MANIFEST_FILE, *bundle.manifest.files):
        shutil.copyfile(bundle.path / name, directory / name, follow_symlinks=False)


def check_can_be_replaced(out: Path) -> None:
    """Raise ``UserError`` if ``out`` is something that a bundle must not replace."""
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir() or out.is_symlink():
        raise UserError(f"{out}: is no directory; give a new one for the bundle")
    others = sorted(entry.name for entry in out.iterdir() if entry.name not in {*LARGEST, UNFINISHED_FILE})
    if others:
        raise UserError(f"{out}: holds {others[0]!r}, which is of no bundle; give a new directory for the bundle")


@contextmanager
def one_line_for_the_disk(out: Path) -> Iterator[None]:
    """Turn a full or read-only disk into a ``UserError`` that names ``out``."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(f"{out}: cannot be written ({error.strerror}); make room and do it again") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EEXIST):
            raise UserError(f"{out}: cannot be written ({error.strerror}); give another place") from error
        raise
