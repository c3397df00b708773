"""A run folder whose files were cut off is told in one line, before its network is opened."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ml.build.checkpoint import count_training_images, export_checkpoint, read_or_choose_plan
from ml.errors import UserError
from ml.training.config import InferencePlan, read_config
from ml.training.folder import RunFolder
from tests.ml.training.test_stopping_early import CONFIG

CUT_OFF = '{"data_directory": "/da'


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.checkpoints.mkdir(parents=True)
    folder.config.write_text(CONFIG, encoding="utf-8")
    folder.best_checkpoint.touch()
    return folder


@pytest.mark.parametrize("place", ["checkpoints/best.ckpt", "best.ckpt"])
def test_a_description_that_was_cut_off_is_told(folder: RunFolder, tmp_path: Path, place: str) -> None:
    checkpoint = folder.path / place
    checkpoint.touch()
    folder.description.write_text(CUT_OFF, encoding="utf-8")
    with pytest.raises(UserError, match=r"run/run\.json: cannot be read as JSON; restore it"):
        export_checkpoint(checkpoint, tmp_path / "bundle", progress=False)
    folder.description.unlink()
    with pytest.raises(UserError, match=r"run/run\.json: cannot be read \(No such file or directory\)"):
        export_checkpoint(checkpoint, tmp_path / "bundle", progress=False)


def test_a_choice_and_a_summary_that_were_cut_off_are_told(folder: RunFolder, tmp_path: Path) -> None:
    config = read_config(folder.config)
    config = replace(config, readings=(*config.readings, InferencePlan(64, (1.0,))))  # or there is nothing to choose
    trained: Any = SimpleNamespace(config=config)
    for path in (folder.readings, folder.summary):
        path.write_text(CUT_OFF, encoding="utf-8")
    with pytest.raises(UserError, match=r"readings\.json: cannot be read as JSON"):
        read_or_choose_plan(folder, trained, tmp_path, progress=False)
    with pytest.raises(UserError, match=r"summary\.json: cannot be read as JSON"):
        count_training_images(folder, config, tmp_path)
