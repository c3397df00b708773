"""Checkpoint files: written atomically, and reported in one line if truncated."""

import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from ml.errors import UserError
from ml.support.disk import make_directory
from ml.training.folder import RunFolder

UNREADABLE = (OSError, KeyError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError, zipfile.BadZipFile)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of Lightning. Raises ``UserError`` for any other file and for a truncated one."""
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        state["state_dict"]  # every checkpoint has it
    except (*UNREADABLE, TypeError) as error:
        reason = " ".join(str(error).split())[:100]
        raise UserError(f"{path}: cannot be read as a checkpoint ({reason}); give one of ml.training") from error
    return state


def find_readable_checkpoint(folder: RunFolder) -> Path | None:
    """The latest readable checkpoint of a run; None if there is none yet.

    Raises ``UserError`` if there are some and none can be read.
    """
    existing = [path for path in (folder.last_checkpoint, folder.best_checkpoint) if path.is_file()]
    problems = []
    for path in existing:
        try:
            epoch = read_checkpoint(path)["epoch"] + 1
        except UserError as error:
            problems.append(error)
            continue
        if problems:
            print(f"{problems[0]}. Resuming from {path.name}, after epoch {epoch}.", file=sys.stderr)
        return path
    if problems:
        raise UserError(f"{str(problems[0]).partition(';')[0]}; start the run again in another --out")
    return None


class AtomicCheckpointIO(TorchCheckpointIO):
    """Lightning's checkpoint I/O with atomic writes: a temporary file replaces the old one when complete."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, *_: Any, **__: Any) -> None:
        """Write a checkpoint. Raises ``UserError`` if writing fails; the previous file is kept."""
        target = Path(path)
        part = target.with_suffix(".part")
        make_directory(target.parent)
        try:
            with part.open("wb") as file:
                torch.save(checkpoint, file)
            part.replace(target)
        except (OSError, RuntimeError) as error:
            part.unlink(missing_ok=True)
            reason = error.strerror if isinstance(error, OSError) else "the disk takes no more"
            raise UserError(
                f"{target}: cannot be written ({reason}); make room, then resume after the last complete epoch with "
                "--resume"
            ) from error

    def load_checkpoint(self, path: Any, *_: Any, **__: Any) -> dict[str, Any]:
        """Read a checkpoint. Raises ``UserError`` for an incomplete one."""
        return read_checkpoint(Path(path))
