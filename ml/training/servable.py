"""Whether what a configuration describes, or a run has left, can become a bundle: told from its files alone, before
torch is loaded and the data are opened."""

from pathlib import Path

from ml.errors import UserError
from ml.support.strict import read_yaml
from ml.training.config import read_config
from ml.training.folder import RunFolder

CLASSICAL_KINDS = {"svm": "a support vector machine", "probe": "a probe on frozen features"}
METADATA = "metadata: a network that reads metadata cannot be served; leave it out, or --no-export"


def read_kind(config_path: Path) -> str:
    """What a configuration describes: ``network``, where it does not say, or another kind."""
    content = read_yaml(config_path)
    return str(content.get("kind", "network")) if isinstance(content, dict) else "network"


def check_configuration(config_path: Path | None, *, export: bool) -> str | None:
    """What to tell before a configuration is trained whose kind never becomes a bundle; None for a network.

    Raises ``UserError`` for a network that is to be exported and cannot be, and for a configuration that is wrong.
    """
    if config_path is None:
        return None
    kind = read_kind(config_path)
    if kind in CLASSICAL_KINDS:
        return (
            f"{config_path}: {CLASSICAL_KINDS[kind]} cannot be served; it is trained for its figures, without a bundle"
        )
    if kind == "network" and read_config(config_path).metadata and export:
        raise UserError(f"{config_path}: {METADATA}")
    return None


def check_checkpoint(checkpoint: Path) -> RunFolder:
    """The run folder that a checkpoint lies in. Raises ``UserError`` for one that is not there, in no run folder, or
    of what cannot be served."""
    folder = find_run(checkpoint)
    if folder is None or not checkpoint.is_file():
        reason = "is in no run folder" if checkpoint.is_file() else "is no file"
        raise UserError(f"{checkpoint}: {reason}; give runs/NAME/checkpoints/best.ckpt of a run by train_model")
    _check_run(folder)
    return folder


def check_is_no_run(path: Path) -> None:
    """Raise ``UserError`` saying what to do with a run folder, or a file of one, that is given for a bundle."""
    if (path / "manifest.json").exists():
        return
    folder = RunFolder(path) if RunFolder(path).config.is_file() else find_run(path)
    if folder is None:
        return
    _check_run(folder)
    if (folder.bundle / "manifest.json").is_file():
        raise UserError(f"{path}: is of a run; give its bundle, {folder.bundle}")
    raise UserError(
        f"{path}: is of a run without a bundle; make one by export_model {folder.best_checkpoint} --out PATH"
    )


def find_run(path: Path) -> RunFolder | None:
    """The run folder that a file lies in, directly or among its checkpoints."""
    places = path.resolve().parents[:2]
    return next((RunFolder(each) for each in places if RunFolder(each).config.is_file()), None)


def _check_run(folder: RunFolder) -> None:
    kind = read_kind(folder.config)
    if kind in CLASSICAL_KINDS:
        raise UserError(f"{folder.path}: {CLASSICAL_KINDS[kind]} cannot be served; train a network for a bundle")
    if read_config(folder.config).metadata:
        raise UserError(f"{folder.path}: {METADATA}")
