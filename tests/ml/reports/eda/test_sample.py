"""The sample for labelling holds half at random and half of high scores."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ml.__main__ import main
from ml.data.artefacts import ARTEFACTS
from ml.data.split import read_split
from ml.reports.eda.sample import AT_RANDOM, ENRICHED, draw_sample
from tests.ml.tiny_isic import write_tiny_isic

NAMES = [f"ISIC_{number}" for number in range(2000)]
GROUPS = {name: str(number // 2) for number, name in enumerate(NAMES)}


def scores() -> pd.DataFrame:
    random = np.random.default_rng(1)
    return pd.DataFrame({"image": NAMES, **{artefact: random.random(len(NAMES)) for artefact in ARTEFACTS}})


def test_each_lesion_is_drawn_once_and_the_counts_are_as_promised() -> None:
    drawn = draw_sample(scores(), GROUPS)
    assert len({GROUPS[image] for image in drawn["image"]}) == len(drawn) == 100
    assert drawn["drawn_by"].value_counts().to_dict() == {
        "random": AT_RANDOM,
        **{artefact: count for artefact, (count, _) in ENRICHED.items()},
    }


def test_the_other_half_has_high_scores() -> None:
    table = scores()
    drawn = draw_sample(table, GROUPS).merge(table, on="image")
    for artefact, (_, share) in ENRICHED.items():
        least = drawn.loc[drawn["drawn_by"] == artefact, artefact].min()
        assert (table[artefact] >= least).mean() <= share + 1e-9


def test_the_same_seed_draws_the_same() -> None:
    assert draw_sample(scores(), GROUPS).equals(draw_sample(scores(), GROUPS))
    assert not draw_sample(scores(), GROUPS, seed=1).equals(draw_sample(scores(), GROUPS))


def test_the_command_writes_sheets_of_pictures_outside_the_test_fold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_tiny_isic(tmp_path / "isic", per_class={"0": 1, "test": 1})
    assert main(["draw-sample", "--data", str(data), "--out", str(tmp_path / "out")]) == 0
    drawn = pd.read_csv(tmp_path / "out" / "sample.csv")
    assert {read_split().fold_of[image] for image in drawn["image"]} == {"0"}
    with Image.open(tmp_path / "out" / "sheet-1.png") as sheet:
        assert sheet.width > 1200
    assert main(["draw-sample", "--data", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2
    assert "no such directory" in capsys.readouterr().err
