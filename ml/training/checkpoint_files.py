"""Checkpoints on disk: written whole or not at all, and one that was cut off is told in one line."""

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
    """What Lightning wrote. Raises ``UserError`` for a file that is none, or was cut off."""
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        state["state_dict"]  # what every checkpoint has
    except (*UNREADABLE, TypeError) as error:
        reason = " ".join(str(error).split())[:100]
        raise UserError(f"{path}: cannot be read as a checkpoint ({reason}); give one of ml.training") from error
    return state


def find_whole(folder: RunFolder) -> Path | None:
    """The latest checkpoint of a run that can be read, None where there is none yet. Raises ``UserError`` where there
    are some and none can be read."""
    there = [path for path in (folder.last_checkpoint, folder.best_checkpoint) if path.is_file()]
    problems = []
    for path in there:
        try:
            epoch = read_checkpoint(path)["epoch"] + 1
        except UserError as error:
            problems.append(error)
            continue
        if problems:
            print(f"{problems[0]}. Going on with {path.name}, after epoch {epoch}.", file=sys.stderr)
        return path
    if problems:
        raise UserError(f"{str(problems[0]).partition(';')[0]}; start the run anew in another --out")
    return None


class WholeCheckpoints(TorchCheckpointIO):
    """Lightning's way to files: through a part beside the file, which takes its place when it is whole."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, *_: Any, **__: Any) -> None:
        """Write. Raises ``UserError`` where the disk refuses; the file that was there stays."""
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
                f"{target}: cannot be written ({reason}); make room, then go on after the last whole epoch with "
                "--resume"
            ) from error

    def load_checkpoint(self, path: Any, *_: Any, **__: Any) -> dict[str, Any]:
        """Read. Raises ``UserError`` for what is no whole checkpoint."""
        return read_checkpoint(Path(path))
