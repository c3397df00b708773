"""Training by any kind of configuration: a network to a bundle, a baseline to its metrics."""

import argparse
from pathlib import Path

from ml.errors import UserError
from ml.pipelines.train.ending import describe_end
from ml.support.disk import owning
from ml.training import run as network
from ml.training.config import read_config
from ml.training.devices import is_first_process
from ml.training.folder import RunFolder
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
    progress: bool = True,
) -> Path:
    """Train by the configuration, whose ``kind`` defaults to a network, and return the run folder.

    A network is then calibrated, exported and measured, unless ``export`` is off. See
    ``ml.training.run.run_training`` and ``ml.baselines.run.run_baseline``. Raises ``UserError`` for bad input.
    """
    config_path = config_path or network.DEFAULT_CONFIG
    kind = read_kind(config_path)
    if kind in CLASSICAL_KINDS:
        if resume or devices != 1:
            raise UserError(f"{config_path}: a {kind} is fitted in one go; leave out --resume and --devices")
        from ml.baselines import run as baseline

        return baseline.run_baseline(
            data=data, config_path=config_path, weights=weights, out=out or Path("runs") / config_path.stem
        )
    if kind != "network":
        raise UserError(f"{config_path}: kind is {kind!r}; use {' or '.join(CLASSICAL_KINDS)}, or none for a network")
    exports = export and is_first_process()
    if exports:
        from ml.build.servable import check_servable

        check_servable(read_config(config_path))
    folder = RunFolder(
        network.run_training(
            data=data,
            config_path=config_path,
            weights=weights,
            out=out,
            resume=resume,
            devices=devices,
            progress=progress,
        )
    )
    if exports:
        from ml.build.checkpoint import export_checkpoint

        best = folder.checkpoint(read_config(folder.config).checkpoint)
        with owning(folder.path, "run"):
            export_checkpoint(best, folder.bundle, data=data, progress=progress)
    return folder.path


def main(options: argparse.Namespace) -> int:
    """Train, and print the result and the run folder; only the first process of several prints."""
    folder = train(
        data=options.data,
        config_path=options.config,
        weights=options.weights,
        out=options.out,
        resume=options.resume,
        export=options.export,
        devices=options.devices,
    )
    if is_first_process():  # which alone has written the summary
        print(describe_end(RunFolder(folder)))
    return 0
