"""The curves of a run."""

from pathlib import Path

import pytest

from ml.__main__ import main
from ml.training.callbacks import COLUMNS
from ml.training.curves import draw_curves

ROWS = ((1, 128, 0.001, 1.4, 0.7, 0.55, 0.87, 2.0), (2, 192, 0.0005, 1.0, 0.6, 0.65, 0.9, 4.0))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    lines = [",".join(COLUMNS), *(",".join(map(str, row)) for row in ROWS)]
    (tmp_path / "metrics.csv").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_curves_name_what_they_show_and_mark_each_size(run: Path, tmp_path: Path) -> None:
    assert main(["curves", str(run), "--out", str(tmp_path / "curves.svg")]) == 0
    picture = (tmp_path / "curves.svg").read_text(encoding="utf-8")
    for text in ("balanced accuracy", "malignancy AUC", "negative log-likelihood", "128 px", "192 px", "epoch"):
        assert text in picture


def test_the_same_rows_give_the_same_bytes(run: Path, tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        draw_curves(run / "metrics.csv", tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_a_folder_without_a_run_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["curves", str(tmp_path), "--out", str(tmp_path / "curves.svg")]) == 2
    assert "metrics.csv: cannot be read" in capsys.readouterr().err
