"""What of a lesion's examinations is its outcome, and which lesion comes first."""

from datetime import date, timedelta

import pytest

from classifier.models import Examination, Lesion, LesionReading, Patient
from classifier.selectors.examinations import choose_outcome, examinations_over_time, lesions_by_severity
from classifier.selectors.reading import EXAMINATIONS_SHOWN, examinations_beside
from tests import factories

DAY = date(2026, 5, 12)


@pytest.fixture
def patient(db: None) -> Patient:
    made: Patient = factories.PatientFactory.create()
    return made


def examine(lesion: Lesion, *outcomes: str, last: date = DAY, malignant: float = 0.3) -> list[LesionReading]:
    """Examinations with these outcomes, a month apart, the last of them on that day; in the order of their making
    from the newest."""
    made = []
    for months, outcome in enumerate(reversed(outcomes)):
        image = factories.LesionImageFactory.create(lesion=lesion, taken_on=last - timedelta(days=30 * months))
        reading = factories.DonePredictionFactory.create(image=image, outcome=outcome, malignant_probability=malignant)
        made.append(factories.LesionReadingFactory.create(predictions=[reading]))
    return made


@pytest.mark.parametrize(
    ("outcomes", "outcome"),
    [
        (["low_risk"], "low_risk"),
        (["suspicious", "low_risk"], "suspicious"),
        (["suspicious", "not_assessable"], "suspicious"),
        (["low_risk", "suspicious", "refer_uncertain", "low_risk"], "suspicious"),
        (["low_risk", "refer_uncertain", "not_assessable"], "refer_uncertain"),
        (["low_risk", "not_assessable"], "low_risk"),
        (["not_assessable", "not_assessable"], "not_assessable"),
    ],
)
def test_an_examination_that_says_more_is_never_hidden_by_a_later_one(
    patient: Patient, outcomes: list[str], outcome: str
) -> None:
    lesion = factories.LesionFactory.create(patient=patient)
    examine(lesion, *outcomes)
    chosen = choose_outcome(examinations_over_time(lesion))
    assert chosen is not None
    assert chosen.reading is not None
    assert chosen.reading.outcome == outcome
    [row] = lesions_by_severity(patient)
    assert (row.reading, row.count, row.last) == (chosen.reading, len(outcomes), DAY)
    assert row.is_older == (outcomes[-1] != outcome)


def test_of_examinations_that_say_the_same_the_newest_is_the_outcome(patient: Patient) -> None:
    lesion = factories.LesionFactory.create(patient=patient)
    newest, _older = examine(lesion, "suspicious", "suspicious")
    chosen = choose_outcome(examinations_over_time(lesion))
    assert chosen == newest.examination


def test_a_reading_that_is_no_longer_in_force_is_no_outcome(patient: Patient) -> None:
    lesion = factories.LesionFactory.create(patient=patient)
    [reading] = examine(lesion, "suspicious")
    Examination.objects.filter(pk=reading.examination_id).update(reading=None)
    assert choose_outcome(examinations_over_time(lesion)) is None


def test_lesions_come_by_severity_then_by_sum_and_what_nobody_has_assessed_before_low_risk(patient: Patient) -> None:
    wanted = [
        ("suspicious", 0.9),
        ("suspicious", 0.4),
        ("refer_uncertain", 0.1),
        ("not_assessable", 0.0),
        ("low_risk", 0.02),
    ]
    lesions = {each: factories.LesionFactory.create(patient=patient) for each in reversed(wanted)}
    empty = factories.LesionFactory.create(patient=patient)
    for (outcome, malignant), lesion in lesions.items():
        examine(lesion, outcome, malignant=malignant)
    merged = factories.LesionFactory.create(patient=patient, merged_into=empty)
    rows = [row.lesion for row in lesions_by_severity(patient)]
    assert rows == [*(lesions[each] for each in wanted), empty]
    assert merged not in rows


def test_examinations_go_by_the_day_on_which_they_were_photographed(patient: Patient) -> None:
    lesion = factories.LesionFactory.create(patient=patient)
    days = [date(2024, 3, 1), date(2026, 1, 5), date(2025, 7, 9)]
    for day in days:
        factories.LesionImageFactory.create(lesion=lesion, taken_on=day)
    found = list(examinations_over_time(lesion))
    assert [each.taken_on for each in found] == sorted(days, reverse=True)
    assert [each.image_count for each in found] == [1, 1, 1]


def test_the_worst_examination_stands_beside_a_reading_however_long_ago_it_was(patient: Patient) -> None:
    lesion = factories.LesionFactory.create(patient=patient)
    newest = examine(lesion, "suspicious", *["low_risk"] * (EXAMINATIONS_SHOWN + 3))[0]
    own = newest.examination.images.get().predictions.get()
    _own, beside, has_more = examinations_beside(own)
    assert has_more
    assert [each.reading.outcome for each in beside if each.reading] == ["low_risk"] * EXAMINATIONS_SHOWN + [
        "suspicious"
    ]
    assert [each.taken_on for each in beside] == sorted((each.taken_on for each in beside), reverse=True)


def test_a_lesion_whose_newest_photographs_wait_comes_before_low_risk(patient: Patient) -> None:
    settled, waiting = (factories.LesionFactory.create(patient=patient) for _each in range(2))
    examine(settled, "low_risk", malignant=0.06)
    examine(waiting, "low_risk", malignant=0.01)
    factories.PredictionFactory.create(
        image=factories.LesionImageFactory.create(lesion=waiting, taken_on=DAY + timedelta(days=1))
    )
    assert [row.lesion for row in lesions_by_severity(patient)] == [waiting, settled]
