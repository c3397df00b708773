"""A lesion's sums over time: where they stand, and where another model begins."""

from datetime import date
from math import sqrt

import pytest

from classifier.models import Examination, Lesion
from classifier.presentation.examination import card_of
from classifier.presentation.sums import BOTTOM, TOP, Sums, sums_of
from classifier.selectors.examinations import examinations_over_time, with_photographs
from tests import factories


@pytest.fixture
def lesion(db: None) -> Lesion:
    made: Lesion = factories.LesionFactory.create()
    return made


def examine(lesion: Lesion, day: date, malignant: float, **fields: object) -> Examination:
    image = factories.LesionImageFactory.create(lesion=lesion, taken_on=day)
    reading = factories.DonePredictionFactory.create(image=image, malignant_probability=malignant, **fields)
    made: Examination = factories.LesionReadingFactory.create(predictions=[reading]).examination
    return made


def sums(lesion: Lesion) -> Sums | None:
    return sums_of([card_of(each) for each in with_photographs(examinations_over_time(lesion))])


def test_sums_stand_by_their_days_and_their_roots_and_the_course_breaks_at_another_model(lesion: Lesion) -> None:
    first, second = factories.ModelVersionFactory.create_batch(2)
    stricter = {"malignant": {"low_risk_below": 0.04, "suspicious_from": 0.2}}
    examine(lesion, date(2026, 1, 1), 0.64, model_version=second, thresholds=stricter)
    examine(lesion, date(2024, 1, 1), 0.04, model_version=first)
    examine(lesion, date(2025, 1, 1), 0.16, model_version=first)
    found = sums(lesion)
    assert found is not None
    heights = [float(point.y) + 7 for point in found.points]
    assert heights == pytest.approx([BOTTOM - sqrt(share) * (BOTTOM - TOP) for share in (0.04, 0.16, 0.64)], abs=0.1)
    xs = [float(point.x) for point in found.points]
    assert (xs[1] - xs[0]) / (xs[2] - xs[0]) == pytest.approx(366 / 731, abs=0.001)
    assert [point.total for point in found.points] == ["4\u00a0%", "16\u00a0%", "64\u00a0%"]
    assert [point.suspicious_from for point in found.points] == ["30\u00a0%", "30\u00a0%", "20\u00a0%"]
    assert [point.is_by_another_model for point in found.points] == [False, False, True]
    assert (found.course.count("M"), len(found.changes), found.suspicious_from.count("V")) == (2, 1, 1)


def test_one_sum_is_no_course_and_what_tells_none_is_no_part_of_it(lesion: Lesion) -> None:
    examine(lesion, date(2026, 1, 1), 0.5)
    unread = factories.LesionImageFactory.create(lesion=lesion, taken_on=date(2026, 2, 1))
    reading = factories.DonePredictionFactory.create(image=unread, outcome="not_assessable", reason="unlike_training")
    factories.LesionReadingFactory.create(predictions=[reading], probabilities=None, malignant_probability=None)
    assert sums(lesion) is None


def test_sums_of_one_day_stand_beside_each_other(lesion: Lesion) -> None:
    for malignant in (0.1, 0.2):
        examine(lesion, date(2026, 1, 1), malignant)
    found = sums(lesion)
    assert found is not None
    assert float(found.points[0].x) < float(found.points[1].x)
