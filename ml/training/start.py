"""One way to train whatever a configuration describes: a network, or a model on fixed features."""

from pathlib import Path

from ml.errors import UserError
from ml.training import run as network
from ml.training.servable import CLASSICAL_KINDS, read_kind


def train(
    *,
    data: Path,
    config_path: Path | None = None,
    weights: Path | None = None,
    out: Path | None = None,
    resume: bool = False,
    export: bool = True,
    devices: int = 1,
) -> Path:
    """Train by the configuration and return the run folder; its ``kind`` says what, a network where there is none.

    See ``ml.training.run.run`` and ``ml.models.classical.run``.
    """
    kind = read_kind(config_path or network.DEFAULT_CONFIG)
    if config_path is None or kind == "network":
        return network.run(
            data=data,
            config_path=config_path,
            weights=weights,
            out=out,
            resume=resume,
            export=export,
            devices=devices,
        )
    if kind not in CLASSICAL_KINDS:
        raise UserError(f"{config_path}: kind is {kind!r}; use {' or '.join(CLASSICAL_KINDS)}, or none for a network")
    if resume or devices != 1:
        raise UserError(f"{config_path}: a {kind} is fitted in one go; leave out --resume and --devices")
    from ml.models import classical  # noqa: PLC0415  # a network is trained without scikit-image and OpenCV

    return classical.run(
        data=data, config_path=config_path, weights=weights, out=out or Path("runs") / config_path.stem
    )
