"""Whether a configuration or a run can become a bundle, decided from files alone, without torch or data."""

from pathlib import Path

from ml.errors import UserError
from ml.support.strict import read_yaml
from ml.training.config import read_config
from ml.training.folder import RunFolder

CLASSICAL_KINDS = {"svm": "a support vector machine", "probe": "a probe on frozen features"}
METADATA = "metadata: a network that reads metadata cannot be served; leave it out, or --no-export"


def read_kind(config_path: Path) -> str:
    """Kind of a configuration: ``network``, the default, or another."""
    content = read_yaml(config_path)
    return str(content.get("kind", "network")) if isinstance(content, dict) else "network"


def check_configuration(config_path: Path | None, *, export: bool) -> str | None:
    """The notice for a configuration whose kind never becomes a bundle; None for a network.

    Raises ``UserError`` for a network that is to be exported and cannot be, and for an invalid configuration.
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
    """The run folder of a checkpoint.

    Raises ``UserError`` for one that is missing, in no run folder, or of a kind that cannot be served.
    """
    folder = find_run(checkpoint)
    if folder is None or not checkpoint.is_file():
        reason = "is in no run folder" if checkpoint.is_file() else "is no file"
        raise UserError(f"{checkpoint}: {reason}; give runs/NAME/checkpoints/best.ckpt of a run by train_model")
    _check_run(folder)
    return folder


def check_is_no_run(path: Path) -> None:
    """Raise ``UserError``, with a remedy, for a run folder or one of its files given in place of a bundle."""
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
    """The run folder that contains a file, directly or among its checkpoints."""
    parents = path.resolve().parents[:2]
    return next((RunFolder(folder) for folder in parents if RunFolder(folder).config.is_file()), None)


def _check_run(folder: RunFolder) -> None:
    kind = read_kind(folder.config)
    if kind in CLASSICAL_KINDS:
        raise UserError(f"{folder.path}: {CLASSICAL_KINDS[kind]} cannot be served; train a network for a bundle")
    if read_config(folder.config).metadata:
        raise UserError(f"{folder.path}: {METADATA}")
