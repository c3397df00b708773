"""The benchmark measures what it says."""

import time

import numpy as np
import pytest
import torch

from ml.__main__ import main
from ml.bench import reading
from ml.bench.network import rebuild_network
from ml.bundle.folder import Bundle, synthetic_view
from ml.evaluation.timing import take_turns


def test_the_median_of_each_action_is_its_own() -> None:
    quick, slow = take_turns((lambda: None, lambda: time.sleep(0.01)), 5)
    assert quick < 5 < slow


def test_every_part_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(reading, "SIZES", {"small": (300, 225)})
    monkeypatch.setattr(reading, "LARGE", {"small": (640, 480)})
    assert main(["bench", "--repeats", "1"]) == 0
    printed = capsys.readouterr().out
    for part in (
        "(a) small",
        "× the two",
        "one bare fp32 pass of the network at 224 px",
        "(b) torch eager",
        "(b) ONNX Runtime",
        "(h) 600×450, 3 photographs",
        "(d) small",
    ):
        assert part in printed


def test_the_rebuilt_network_is_the_shipped_one(bundle: Bundle) -> None:
    with torch.inference_mode():
        logits = rebuild_network(bundle)(torch.from_numpy(synthetic_view(320)))[0]
    assert np.abs(logits.numpy()[0] - bundle.manifest.self_test.logits).max() <= 1e-4


def test_an_unreadable_photograph_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "/nowhere.jpg"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
