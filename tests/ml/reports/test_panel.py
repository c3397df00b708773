"""The command of the panel: its two files, what they tell, and what they are not written over."""

import json
from pathlib import Path

import pytest

from ml.__main__ import main
from ml.bundle.folder import DEFAULT_BUNDLE
from ml.evaluation.panel_conditions import CONDITIONS
from tests.ml.tiny_isic import write_tiny_isic


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_isic(tmp_path_factory.mktemp("panel") / "data", per_class={"4": 1})


def test_two_bundles_are_measured_under_every_condition(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "panel.json"
    arguments = ["--data", str(data), "--against", str(DEFAULT_BUNDLE), "--keep", str(tmp_path / "kept")]
    assert main(["panel", *arguments, "--out", str(out)]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert list(found["bundle"]["figures"])[: len(CONDITIONS)] == [condition.name for condition in CONDITIONS]
    assert found["sample"]["images"] == 7
    assert len(found["data_sha256"]) == 64
    assert str(data) not in out.read_text(encoding="utf-8"), "no path of this machine"
    assert found["passes_the_rule"] is False, "a bundle is no better than itself"
    zero = found["differences"]["panel"]["log_loss"]
    assert (zero["value"], zero["low"], zero["high"]) == (0, 0, 0)
    text = out.with_suffix(".md").read_text(encoding="utf-8")
    words = " ".join(text.split())
    assert "7 photographs of 7 lesions of fold 4" in words
    assert "**does not pass**" in text
    assert text.count("| noise of 3 |") == 3, "both, and the difference"
    # What was read is kept, and figures of other photographs are not overwritten.
    photograph = next((data / "ISIC2018_Task3_Training_Input").iterdir())
    before = photograph.read_bytes()
    photograph.write_bytes(b"other")
    assert main(["panel", *arguments, "--out", str(out)]) == 2
    photograph.write_bytes(before)


def test_the_test_fold_is_not_to_be_had(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["panel", "--data", str(data), "--fold", "test"])
    assert "invalid choice: 'test'" in capsys.readouterr().err
