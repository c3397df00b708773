"""The detector refuses what is no dermoscopic photograph and what is unlike all training images, and names it."""

from pathlib import Path

import numpy as np
import pytest

from ml.bundle.manifest import DETECTOR_FILE, DetectorSpec
from ml.serve.detector import IMAGE_DOMAINS, MEASURES, Detector, DetectorArrays, save_detector

CHANNELS = 4


def arrays() -> DetectorArrays:
    """The first statistic says dermoscopy, the second clinical, the third neither; the distance is Euclid's."""
    kinds = np.zeros((len(IMAGE_DOMAINS), 1 + CHANNELS))
    kinds[[0, 1, 2], [1, 2, 3]] = 1
    measures = np.zeros((len(MEASURES), 1 + CHANNELS))
    measures[:, 0] = 0.5
    return DetectorArrays(kinds, measures, centre=np.zeros(CHANNELS), whitening=np.eye(CHANNELS))


def judge(*statistics: float) -> str | None:
    detector = Detector(arrays(), DetectorSpec(dermoscopy_from=0.0, distance_to=10.0, how=""))
    return detector.judge(np.array([statistics])).reason


@pytest.mark.parametrize(
    ("statistics", "reason"),
    [
        ((5.0, 0.0, 0.0, 0.0), None),
        ((0.0, 5.0, 1.0, 0.0), "clinical_photograph"),
        ((0.0, 1.0, 5.0, 0.0), "not_skin_lesion"),
        ((5.0, 0.0, 0.0, 9.0), "unlike_training"),
        ((0.0, 5.0, 0.0, 99.0), "clinical_photograph"),
    ],
)
def test_a_picture_is_refused_for_what_it_looks_like(statistics: tuple[float, ...], reason: str | None) -> None:
    assert judge(*statistics) == reason


def test_the_limits_themselves_are_accepted() -> None:
    # log(e^x / (e^0 + e^0)) = 0 where x = ln 2; the fourth statistic completes a distance of 10.
    edge = np.log(2)
    detector = Detector(arrays(), DetectorSpec(dermoscopy_from=0.0, distance_to=10.0, how=""))
    verdict = detector.judge(np.array([[edge, 0, 0, np.sqrt(100 - edge**2)]]))
    assert verdict.dermoscopy == pytest.approx(0)
    assert verdict.distance == pytest.approx(10)
    assert judge(edge + 1e-9, 0, 0, 9.9) is None
    assert judge(edge - 1e-6, 0, 0, 0) is not None


def test_views_are_averaged_and_measures_squared() -> None:
    detector = Detector(arrays(), DetectorSpec(0.0, 10.0, ""))
    verdict = detector.judge(np.array([[4.0, 0, 0, 0], [6.0, 0, 0, 0]]))
    assert verdict.distance == pytest.approx(5)
    assert verdict.measures == dict.fromkeys(MEASURES, 0.25)


def test_a_signature_is_the_direction_of_the_whitened_statistics_in_eight_bits() -> None:
    detector = Detector(arrays(), DetectorSpec(0.0, 10.0, ""))
    assert detector.judge(np.array([[4.0, 0, -1, 2], [4.0, 0, -1, 2]])).signature == (127, 0, -32, 64)
    assert detector.judge(np.array([[8.0, 0, -2, 4]])).signature == (127, 0, -32, 64), "the length does not matter"


def test_the_same_numbers_make_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        save_detector(tmp_path / name, arrays())
    assert (tmp_path / "one" / DETECTOR_FILE).read_bytes() == (tmp_path / "other" / DETECTOR_FILE).read_bytes()
    with np.load(tmp_path / "one" / DETECTOR_FILE, allow_pickle=False) as stored:
        assert {name: stored[name].dtype for name in stored} == dict.fromkeys(DetectorArrays.__slots__, np.float32)
