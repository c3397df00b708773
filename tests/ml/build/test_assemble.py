"""What a bundle is fitted on."""

import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from PIL import Image, ImageFilter

from ml.build.assemble import measure_target_prior
from ml.build.fit_limits import fit_decisions, fit_refused
from ml.build.fit_quality import fit_flags, fit_picture_quality
from ml.bundle.folder import Bundle
from ml.data.isic import Dataset, Record
from ml.errors import UserError
from ml.evaluation.altered_images import without_appearance
from ml.evaluation.observe import Observer, from_file
from ml.serve.interpretation import Observation, Outcome, interpret
from ml.serve.predictor import Predictor
from tests.ml import pictures


def test_the_target_prior_leaves_the_test_fold_out() -> None:
    records = [Record(f"I{number}", Path(), label) for number, label in enumerate([0, 1, 1, 2, 3, 4, 5, 6, 1, 1])]
    split = {record.image_id: "0" for record in records} | {"I1": "test", "I2": "test"}
    prior = measure_target_prior(Dataset(tuple(records), Path()), split)
    assert prior.frequencies == pytest.approx((1 / 8, 2 / 8, 1 / 8, 1 / 8, 1 / 8, 1 / 8, 1 / 8))
    assert "37.5 % malignant" in prior.description


@pytest.fixture
def records(tmp_path: Path) -> list[Record]:
    """Forty pictures, half of them malignant by name: the same lesion at many brightnesses and tints."""
    made = []
    generator = np.random.default_rng(2)
    for number in range(40):
        tint = generator.integers(-40, 40, 3)
        pixels = np.clip(np.asarray(pictures.draw_lesion()).astype(int) + tint, 0, 255).astype(np.uint8)
        picture = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(number / 20))
        path = tmp_path / f"I{number}.jpg"
        path.write_bytes(pictures.jpeg(picture))
        made.append(Record(path.stem, path, number % 2))
    return made


def test_decisions_hold_on_the_images_that_they_were_fitted_on(
    bundle: Bundle, predictor: Predictor, records: list[Record]
) -> None:
    observer = Observer(predictor, progress=False)
    observations = observer.observe([from_file(record.path) for record in records], "all")
    manifest = without_appearance(fit_decisions(bundle.manifest, records, observations, "here"))  # they are drawn
    readings = [interpret(each, manifest, None) for each in observations]
    melanomas = readings[::2]
    assert sum(reading.outcome is Outcome.SUSPICIOUS for reading in melanomas) >= 0.95 * len(melanomas)
    assert all(reading.prediction_set for reading in readings)
    assert [point.score for point in manifest.operating_points] == ["malignant", "melanoma"]
    assert "here (20 melanomas of 40 images)" in manifest.thresholds.melanoma.how
    assert manifest.limits["fitting"]["images"] == 40


def test_quality_limits_lie_at_the_ends_of_what_was_measured(predictor: Predictor, records: list[Record]) -> None:
    quality = fit_picture_quality(records, Observer(predictor, progress=False))
    limits = {rule.name: rule for rule in quality.flags}
    dark, overexposed, blurred = (limits[name] for name in ("dark", "overexposed", "blurred"))
    assert dark.below is not None
    assert overexposed.above is not None
    assert dark.below < overexposed.above
    assert quality.blank_below > 0
    assert blurred.share == 0, "none of those that set the limit lies beyond it"
    assert "on 40 photographs" in quality.how, "none is counted twice"


def test_the_second_limit_is_the_least_that_calls_few_of_what_is_to_be_refused(
    bundle: Bundle, predictor: Predictor, records: list[Record]
) -> None:
    assert predictor.detector is not None
    refused = Observer(predictor, progress=False).observe([from_file(record.path) for record in records[:4]], "drawn")
    sums = {0.55: 49, 0.85: 1}  # one of fifty photographs is not more than one in fifty

    def as_if(malignant: float) -> Observation:
        logits = np.full((2, 7), -30.0, np.float32)
        prior = np.array(bundle.manifest.training_prior.frequencies)
        logits[:, :2] = np.log(prior[:2]) + np.array([0.0, 0.0])
        logits[:, 0] += np.log(malignant / (1 - malignant))
        return replace(refused[0], logits=logits)

    plain = replace(bundle.manifest.calibration, temperature=1.0, offsets=(0.0,) * 7)
    manifest = replace(
        bundle.manifest, calibration=plain, target_prior=replace(bundle.manifest.target_prior, frequencies=(1 / 7,) * 7)
    )
    observed = {"clinical": [as_if(value) for value, count in sums.items() for _ in range(count)]}
    limit, tried = fit_refused(manifest, predictor.detector, observed)
    assert limit.refer_from == 0.6
    assert [each["clinical"] for each in tried[:5]] == [[50, 50], [1, 50], [1, 50], [1, 50], [0, 50]]


def test_a_flags_share_is_counted() -> None:
    found = [{"hair": float(number)} for number in range(100)]
    (rule,) = fit_flags((("hair", "hair", "above", 2.0),), found)
    assert rule.above == pytest.approx(97.02)
    assert (rule.below, rule.share) == (None, 0.02)


def test_what_was_observed_is_kept_and_gone_on_from(
    predictor: Predictor, records: list[Record], tmp_path: Path
) -> None:
    makers = [from_file(record.path) for record in records[:3]]
    first = Observer(predictor, kept=tmp_path, progress=False).observe(makers, "Some: pictures")
    unreadable = [lambda: b"not an image"] * 3
    again = Observer(predictor, kept=tmp_path, progress=False).observe(unreadable, "Some: pictures")
    assert [each.measures for each in again] == [each.measures for each in first]
    assert all(np.array_equal(one.logits, other.logits) for one, other in zip(first, again, strict=True))
    assert all(
        np.array_equal(one.late_statistics, other.late_statistics) for one, other in zip(first, again, strict=True)
    )


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_what_was_kept_and_cut_off_is_observed_again(
    predictor: Predictor, records: list[Record], tmp_path: Path, share: float
) -> None:
    makers = [from_file(record.path) for record in records[:2]]
    observer = Observer(predictor, kept=tmp_path / "kept", progress=False)
    seen, measured = observer.observe(makers, "seen"), observer.measure(makers, "measured")
    whole = {path: path.read_bytes() for path in (tmp_path / "kept").rglob("*.*")}
    assert sorted(path.name for path in whole) == ["measured.json", "seen.npz"]
    for path, data in whole.items():
        path.write_bytes(data[: int(share * len(data))])
    assert observer.observe(makers, "seen")[1].measures == seen[1].measures
    assert observer.measure(makers, "measured") == measured
    assert json.loads(next((tmp_path / "kept").rglob("measured.json")).read_bytes()) == measured


def test_a_full_disk_leaves_nothing_kept_that_is_half(
    predictor: Predictor, records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(file: IO[bytes], **_: object) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", fill)
    observer = Observer(predictor, kept=tmp_path / "kept", progress=False)
    with pytest.raises(UserError, match=r"seen\.npz: cannot be written \(No space left on device\)"):
        observer.observe([from_file(records[0].path)], "seen")
    assert list((tmp_path / "kept").rglob("*.*")) == []
