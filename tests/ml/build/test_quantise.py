"""An int8 bundle is a bundle, near the one that it was made from; its document says whether the rule would keep it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.__main__ import main
from ml.build.quantise import cut_views, quantise_bundle
from ml.bundle.draft import build_beside
from ml.bundle.folder import Bundle, load_bundle
from ml.bundle.manifest import ONNX_FILE, BundleError
from ml.data.isic import read_isic
from ml.metrics.estimate import OVER_LESIONS, Estimate
from ml.reports import int8
from ml.reports.bundles import NAMES
from ml.reports.int8 import Speed
from ml.serve.runtime import open_runtime
from tests.ml.tiny_isic import write_tiny_isic


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_isic(tmp_path_factory.mktemp("int8") / "data", per_class={"0": 1, "4": 3})


def test_the_quantised_bundle_loads_is_smaller_and_says_nearly_the_same(
    bundle: Bundle, data: Path, tmp_path: Path
) -> None:
    records = read_isic(data).records[:8]
    with build_beside(tmp_path / "int8") as draft:
        quantised = replace(quantise_bundle(bundle, draft, records, progress=False), path=tmp_path / "int8")
    assert load_bundle(tmp_path / "int8") == quantised
    assert load_bundle(bundle.path) == bundle
    sizes = [(each.path / ONNX_FILE).stat().st_size for each in (bundle, quantised)]
    assert sizes[1] < 0.7 * sizes[0]
    plain, small = open_runtime(bundle, "onnx"), open_runtime(quantised, "onnx")
    distances = [
        np.abs(plain.run(views).logits - small.run(views).logits).mean()
        for views in cut_views(records, bundle.manifest.input, progress=False)
    ]
    assert np.mean(distances) < 0.5


def test_a_bundle_of_the_earlier_schema_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    former = replace(bundle, manifest=replace(bundle.manifest, schema_version=2))
    with pytest.raises(BundleError, match="of schema 2, new ones of schema 3; build"):
        quantise_bundle(former, tmp_path, [], progress=False)
    assert not any(tmp_path.iterdir())


def compared(difference: list[float]) -> dict[str, Any]:
    intervals = {"one": [0.8, 0.7, 0.9], "other": [0.8, 0.7, 0.9], "difference": difference}
    figure = {key: Estimate.of(value, ends, n=798, how=OVER_LESIONS) for key, (value, *ends) in intervals.items()}
    named = {name: figure for name in NAMES if name != "accuracy"}
    return {"images": 798, "lesions": 596, "figures": named, "logits": 0.1, "same_outcome": 0.95}


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [
        (
            [-0.004, -0.02, 0.01],
            r"by -0.004 \[-0.020, \+0.010\], so the rule \*\*would keep it\*\*; the interval cannot tell",
        ),
        (
            [-0.006, -0.02, 0.01],
            r"by -0.006 \[-0.020, \+0.010\], so the rule \*\*does not keep it\*\*; the interval cannot tell",
        ),
        (
            [0.001, -0.004, 0.006],
            r"by \+0.001 \[-0.004, \+0.006\], so the rule \*\*would keep it\*\*; the interval tells",
        ),
    ],
)
def test_the_rule_goes_by_the_loss_and_the_interval_says_what_is_known(
    bundle: Bundle, difference: list[float], verdict: str
) -> None:
    speeds = (Speed(50, 40, 6_800_000), Speed(30, 20, 3_800_000))
    text = int8.render_int8(bundle, bundle, compared(difference), speeds)
    assert re.search(verdict, text)
    assert "| one reading, ms | 50.0 | 30.0 | 0.60 |" in text


def test_the_command_measures_and_writes(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(int8, "REPEATS", 1)
    out = tmp_path / "int8.md"
    assert main(["int8", "--data", str(data), "--out", str(out), "--keep", str(tmp_path / "kept")]) == 0
    assert "21 images of 21 lesions" in out.read_text(encoding="utf-8")
    assert load_bundle(tmp_path / "kept" / "int8").manifest.name.endswith("-int8")
    assert main(["int8", "--data", str(tmp_path / "none")]) == 2
    assert "no such directory" in capsys.readouterr().err
