"""Two runtimes, one answer."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.backends import cudnn

from ml.bundle.folder import Bundle
from ml.errors import UserError
from ml.serve.image_io import decode_stored, normalise_upload
from ml.serve.preprocess import views
from ml.serve.runtime import open_runtime
from ml.serve.runtime.base import name_outputs
from ml.serve.runtime.torchscript import compute_in_full_precision

PARITY = 1e-4


def test_the_runtimes_agree_on_real_photographs(bundle: Bundle, data_dir: Path) -> None:
    folder = data_dir / "isic2018_task3" / "ISIC2018_Task3_Training_Input"
    one, other = open_runtime(bundle, "onnx"), open_runtime(bundle, "torchscript")
    for path in sorted(folder.iterdir())[::700]:
        batch = views(decode_stored(normalise_upload(path.read_bytes()).data), bundle.manifest.input)
        left, right = one.run(batch), other.run(batch)
        assert np.abs(left.logits - right.logits).max() <= PARITY
        assert np.abs(left.embedding - right.embedding).max() <= PARITY
        assert np.abs(left.activation_map - right.activation_map).max() <= PARITY
        assert np.abs(left.late_statistics - right.late_statistics).max() <= PARITY


@pytest.mark.parametrize("name", ["onnx", "torchscript"])
def test_a_view_has_the_same_answer_alone_and_among_others(bundle: Bundle, name: str) -> None:
    runtime = open_runtime(bundle, name)
    batch = np.random.default_rng(1).integers(0, 256, (3, 320, 320, 3), np.uint8)
    together = runtime.run(batch)
    assert together.logits.shape == (3, 7)
    assert together.embedding.shape == (3, 1280)
    assert together.activation_map.shape == (3, 7, 10, 10)
    for place in range(3):
        alone = runtime.run(batch[place : place + 1])
        assert np.abs(alone.logits[0] - together.logits[place]).max() <= PARITY


def test_logits_are_the_mean_of_the_activation_map_and_a_constant(bundle: Bundle) -> None:
    batch = np.random.default_rng(2).integers(0, 256, (4, 320, 320, 3), np.uint8)
    outputs = open_runtime(bundle, "onnx").run(batch)
    constant = outputs.logits - outputs.activation_map.mean(axis=(2, 3))
    assert np.abs(constant - constant[0]).max() <= PARITY


@pytest.fixture
def _with_tf32() -> Iterator[None]:
    """TF32 allowed, as it is at first, and every switch where it was afterwards."""
    precision = torch.get_float32_matmul_precision()
    with cudnn.flags(enabled=True, deterministic=False, allow_tf32=True):
        torch.set_float32_matmul_precision("high")
        yield
    torch.set_float32_matmul_precision(precision)


@pytest.mark.usefixtures("_with_tf32")
def test_tf32_is_switched_off_for_every_thread() -> None:
    compute_in_full_precision()
    with ThreadPoolExecutor(1) as another:
        seen = another.submit(
            lambda: (torch.get_float32_matmul_precision(), cudnn.allow_tf32, cudnn.deterministic)
        ).result()
    assert seen == ("highest", False, True)


def test_a_graph_without_a_decoder_has_an_empty_mask() -> None:
    arrays = [np.zeros((2, size), np.float32) for size in (7, 5, 3, 8)]
    assert name_outputs(arrays).mask.shape == (2, 0, 0)
    assert name_outputs([*arrays, np.ones((2, 4, 4), np.float32)]).mask.shape == (2, 4, 4)


def test_an_unknown_runtime_is_named(bundle: Bundle) -> None:
    with pytest.raises(UserError, match="tensorrt"):
        open_runtime(bundle, "tensorrt")


def test_serving_imports_no_torch() -> None:
    program = (
        "import sys; from ml.bundle.folder import *; "
        "from ml.serve.predictor import Predictor; import ml.evaluation.evaluate;"
        "Predictor(load_bundle(DEFAULT_BUNDLE)); print(sorted({'torch', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
