"""``docs/int8.md``: accuracy and speed of the network in 8-bit integers.

Quantises the bundle's ONNX graph on 300 photographs of folds 0 to 3, fits its calibration and thresholds again on fold
4, as those of the bundle were, and compares the two there. The bundle is unchanged; ``--keep`` keeps the new one.
Milliseconds are this machine's.
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ml.build.fit_limits import fit_decisions
from ml.build.measure import round_figures
from ml.build.quantise import OPERATORS, quantise_bundle
from ml.bundle.draft import build_beside
from ml.bundle.folder import Bundle, load_bundle, write_manifest
from ml.bundle.manifest import ONNX_FILE
from ml.data.isic import Dataset, Record, read_isic
from ml.data.split import CALIBRATION_FOLD, TRAINING_FOLDS, select_folds
from ml.errors import UserError
from ml.evaluation.evaluate import Evaluation, evaluate_observations
from ml.evaluation.observe import Observer, from_file
from ml.evaluation.paired import compare_evaluations
from ml.evaluation.timing import COMMON_SIZE, draw_photograph, store, take_turns
from ml.metrics.estimate import Estimate, table
from ml.reports.bundles import describe_images, tabulate
from ml.serve import preprocess
from ml.serve.image_io import decode_stored
from ml.serve.interpretation import Observation
from ml.serve.predictor import Predictor
from ml.serve.runtime import open_runtime
from ml.support.disk import check_can_be_written

CALIBRATED_ON = 300
MOST_LOST = 0.005
"""Balanced accuracy that an int8 graph may lose and still be considered."""

REPEATS = 100
DOCUMENT = Path(__file__).parents[2] / "docs" / "int8.md"


@dataclass(frozen=True, slots=True)
class Speed:
    """Median CPU milliseconds of a whole reading and of its network, and the graph's size in bytes."""

    reading: float
    network: float
    size: int


def measure_int8(
    bundle: Bundle, dataset: Dataset, out: Path, *, kept: Path | None = None, progress: bool = True
) -> tuple[Bundle, dict[str, Any]]:
    """Build the int8 bundle in the draft directory ``out``, and compare it (one) with the bundle (other).

    The comparison also has ``logits``, their mean distance, and ``same_outcome``, the share of images.
    """
    training = select_folds(dataset.records, TRAINING_FOLDS)
    places = np.unique(np.linspace(0, len(training) - 1, CALIBRATED_ON).astype(int))
    quantised = quantise_bundle(bundle, out, [training[place] for place in places], progress=progress)
    records = select_folds(dataset.records, CALIBRATION_FOLD)
    before, after = (_observe(each, records, kept, progress=progress) for each in (bundle, quantised))
    fitted = fit_decisions(quantised.manifest, records, after, f"fold {CALIBRATION_FOLD}")
    quantised = write_manifest(out, replace(fitted, metrics={}))
    one, other = (
        evaluate_observations(each, dataset.ground_truth, CALIBRATION_FOLD, records, observations)
        for each, observations in ((quantised, after), (bundle, before))
    )
    measured = replace(fitted, metrics={f"fold_{CALIBRATION_FOLD}": round_figures(one.report.to_dict())})
    return write_manifest(out, measured), {
        **compare_evaluations(one, other),
        "logits": float(np.mean([np.abs(a.logits - b.logits).mean() for a, b in zip(after, before, strict=True)])),
        "same_outcome": _share_of_same_outcome(one, other),
    }


def _observe(bundle: Bundle, records: Sequence[Record], kept: Path | None, *, progress: bool) -> list[Observation]:
    observer = Observer(Predictor(bundle, "onnx"), kept=kept, progress=progress)
    return observer.observe([from_file(record.path) for record in records], f"fold {CALIBRATION_FOLD}")


def _share_of_same_outcome(one: Evaluation, other: Evaluation) -> float:
    pairs = zip(one.readings, other.readings, strict=True)
    return float(np.mean([mine.outcome is theirs.outcome for mine, theirs in pairs]))


def time_bundles(bundles: Sequence[Bundle], repeats: int) -> list[Speed]:
    """Time the bundles alternately on a drawn photograph of 600×450 on one thread."""
    stored = store(draw_photograph(), COMMON_SIZE)
    views = [preprocess.views(decode_stored(stored), each.manifest.input) for each in bundles]
    actions = [partial(Predictor(each, "onnx").read, stored) for each in bundles]
    passes = [partial(open_runtime(each, "onnx").run, batch) for each, batch in zip(bundles, views, strict=True)]
    taken = take_turns([*actions, *passes], repeats, clock=time.process_time)
    return [
        Speed(reading, network, (each.path / ONNX_FILE).stat().st_size)
        for each, reading, network in zip(bundles, taken, taken[len(bundles) :], strict=False)
    ]


def render_int8(bundle: Bundle, quantised: Bundle, compared: dict[str, Any], speeds: Sequence[Speed]) -> str:
    """The document as Markdown."""
    before, after = speeds
    change: Estimate = compared["figures"]["balanced_accuracy"]["difference"]
    if change.value is None or change.low is None or change.high is None:
        raise UserError("balanced accuracy is not defined on these images; give data with all seven classes")
    verdict = "would keep it" if change.value >= -MOST_LOST else "does not keep it"
    proof = "tells" if change.low > -MOST_LOST or change.high < -MOST_LOST else "cannot tell"
    costs = table(
        ("", "as it ships", "int8", "ratio"),
        (
            (name, f"{old:.1f}", f"{new:.1f}", f"{new / old:.2f}")
            for name, old, new in (
                ("one reading, ms", before.reading, after.reading),
                ("of that the network, ms", before.network, after.network),
                ("ONNX graph, MB", before.size / 1e6, after.size / 1e6),
            )
        ),
    )
    return f"""\
# The network in 8-bit integers: a try

Generated by `python -m ml int8`; do not edit. Nothing of it ships.

{bundle.manifest.name} {bundle.manifest.version} (`{bundle.sha256[:8]}`), its ONNX graph quantised by ONNX Runtime
({", ".join(OPERATORS)}; static, QDQ, weights per channel in int8, activations in uint8 with the ranges that
{CALIBRATED_ON} photographs of folds 0 to 3 span in the bundle's views). Calibration, thresholds and prediction sets
are fitted anew on fold 4, as the bundle's own were; the detector is the bundle's.

## The rule

An int8 graph is kept only where balanced accuracy on fold 4 stays within {MOST_LOST}, with the calibration fitted anew.
It changes by {change.text(signed=True)}, so the rule **{verdict}**; the interval {proof} whether any
loss is within it.

## Speed and size

Time of the processor ({platform.machine()}) for a drawn photograph of 600×450, medians of {REPEATS}, in turns.

{costs.to_markdown()}

Processors without instructions for int8 products (VNNI) win less, and may round otherwise.

## Fold 4

{describe_images(compared)}; 95 % intervals by {change.how}, differences
paired. The logits differ by {compared["logits"]:.3f} on average; {100 * compared["same_outcome"]:.1f} % of the images
get the same outcome. Both were fitted on this fold, which flatters both alike.

{tabulate(compared, bundle, quantised).to_markdown()}
"""


def main(options: argparse.Namespace) -> int:
    """Quantise, measure, and write the document."""
    out = options.out or DOCUMENT
    check_can_be_written(out)
    bundle, dataset = load_bundle(options.bundle), read_isic(options.data)
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory) if options.keep is None else options.keep
        with build_beside(place / "int8") as draft:
            quantised, compared = measure_int8(bundle, dataset, draft, kept=options.keep)
        quantised = replace(quantised, path=place / "int8")
        text = render_int8(bundle, quantised, compared, time_bundles((bundle, quantised), REPEATS))
    out.write_text(text, encoding="utf-8")
    print(out)
    return 0
