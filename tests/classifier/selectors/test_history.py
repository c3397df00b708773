"""The list of readings: what it finds, what it hides, and what it costs."""

from datetime import UTC, date, datetime

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from classifier.models import Prediction
from classifier.selectors.history import history
from classifier.selectors.home import HomeCounts, home_counts, latest_readings
from classifier.selectors.reading import examinations_beside, other_readings, reading_detail
from skinsite.accounts.models import Membership
from tests.factories import (
    DonePredictionFactory,
    LesionImageFactory,
    LesionReadingFactory,
    ModelVersionFactory,
    PredictionFactory,
    ReviewFactory,
)


def reading_in(actor: Membership, **fields: object) -> Prediction:
    """A finished reading in the actor's clinic."""
    reading: Prediction = DonePredictionFactory.create(image__lesion__patient__clinic=actor.clinic, **fields)
    return reading


def test_colleagues_see_the_clinics_readings_newest_first_and_strangers_none(
    owner: Membership, colleague: Membership, stranger: Membership
) -> None:
    first, second = reading_in(owner), reading_in(owner)
    theirs = reading_in(stranger)

    assert list(history(owner)) == list(history(colleague)) == [second, first]
    assert list(history(stranger)) == [theirs]


@pytest.mark.parametrize(
    "search", ["A-17", "a-1", "ключица", "КЛЮЧ", "mole", "MOLE.JPG", "левая a-17", "ключица mole", "(no)"]
)
def test_search_finds_by_code_label_and_file_name_in_any_case(owner: Membership, search: str) -> None:
    found = reading_in(
        owner,
        image__lesion__patient__code="A-17",
        image__lesion__label="Левая ключица (no)",
        image__original_name="mole.jpg",
    )
    reading_in(owner, image__original_name="other.png")

    assert list(history(owner, search=search)) == [found]


@pytest.mark.parametrize("search", ["a.17", "A-17 nothing", "%", "A_17", ".*"])
def test_search_takes_signs_for_what_they_are(owner: Membership, search: str) -> None:
    reading_in(owner, image__lesion__patient__code="A-17", image__original_name="x")

    assert not history(owner, search=search).exists()


def test_filters_choose(owner: Membership) -> None:
    model = ModelVersionFactory.create()
    low = reading_in(owner, outcome="low_risk", model_version=model)
    suspicious = reading_in(owner)
    queued = PredictionFactory.create(image__lesion__patient__clinic=owner.clinic)
    ReviewFactory.create(prediction=suspicious)

    assert list(history(owner, outcome="low_risk")) == [low]
    assert list(history(owner, status="queued")) == [queued]
    assert list(history(owner, modality="clinical")) == []
    assert list(history(owner, reviewed=True)) == [suspicious]
    assert list(history(owner, reviewed=False)) == [queued, low]
    assert list(history(owner, model=str(model.public_id))) == [low]
    assert list(history(owner, model="not an id")) == []


def test_dates_are_days_of_the_readers_time_zone_both_counted_in(owner: Membership) -> None:
    reading = reading_in(owner, created_at=datetime(2026, 3, 1, 22, 30, tzinfo=UTC))

    with timezone.override("Europe/Moscow"):  # three hours ahead: there it is the second of March
        assert list(history(owner, since=date(2026, 3, 2), until=date(2026, 3, 2))) == [reading]
        assert list(history(owner, until=date(2026, 3, 1))) == []
    assert list(history(owner, since=date(2026, 3, 1), until=date(2026, 3, 1))) == [reading]


def test_what_was_entered_in_error_shows_only_when_asked_for(owner: Membership) -> None:
    wrong = reading_in(owner, image__entered_in_error_at=timezone.now())

    assert list(history(owner)) == []
    assert list(history(owner, standing="entered_in_error")) == [wrong]


def test_a_row_says_whether_it_was_reviewed_and_read_again(owner: Membership) -> None:
    image = LesionImageFactory.create(lesion__patient__clinic=owner.clinic)
    old, new = DonePredictionFactory.create(image=image), DonePredictionFactory.create(image=image)
    ReviewFactory.create(prediction=old)

    rows = history(owner, standing="all").values_list("pk", "is_reviewed", "superseded_by")  # type: ignore[misc] # annotated

    assert list(rows) == [(new.pk, False, None), (old.pk, True, new.public_id)]


def test_only_what_counts_is_listed_and_what_does_not_when_it_is_asked_for(owner: Membership) -> None:
    image = LesionImageFactory.create(lesion__patient__clinic=owner.clinic)
    old, new = DonePredictionFactory.create(image=image), DonePredictionFactory.create(image=image)
    wrong = reading_in(owner, image__entered_in_error_at=timezone.now())
    wrong_new = DonePredictionFactory.create(image=wrong.image)

    assert set(history(owner)) == {new}
    assert set(history(owner, standing="superseded")) == {old}
    assert set(history(owner, standing="entered_in_error")) == {wrong, wrong_new}
    assert history(owner, standing="all").count() == 4


@pytest.mark.parametrize("status", ["failed", "queued"])
def test_a_later_try_that_gives_no_reading_takes_the_place_of_none(owner: Membership, status: str) -> None:
    suspicious = reading_in(owner)
    ended = {"failure": "timed_out", "finished_at": timezone.now()} if status == "failed" else {}
    PredictionFactory.create(image=suspicious.image, status=status, **ended)

    assert suspicious in history(owner)
    assert (suspicious.is_valid, suspicious.successor) == (True, None)
    assert home_counts(owner).suspicious_to_review == 1


@pytest.mark.parametrize("rows", [3, 300])
def test_the_list_takes_one_query_however_long_it_is(
    owner: Membership, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    lesion = LesionImageFactory.create(lesion__patient__clinic=owner.clinic).lesion
    model = ModelVersionFactory.create()
    for _number in range(rows):
        DonePredictionFactory.create(image=LesionImageFactory.create(lesion=lesion), model_version=model)

    with django_assert_num_queries(1):
        shown = [
            (reading.image.lesion.patient.code, str(reading.model_version), reading.image.thumbnail_name)
            for reading in history(owner)
        ]

    assert len(shown) == rows


def test_home_counts_what_waits(owner: Membership, stranger: Membership) -> None:
    clinic = {"image__lesion__patient__clinic": owner.clinic}
    PredictionFactory.create(**clinic)
    failed = PredictionFactory.create(**clinic, status="failed", failure="timed_out", finished_at=timezone.now())
    PredictionFactory.create(image=failed.image)  # it is tried again: the failure wants no attention
    reading_in(owner)
    reading_in(owner, outcome="low_risk")
    ReviewFactory.create(prediction=reading_in(owner))
    reading_in(owner, outcome="not_assessable", reason="unlike_training")
    reading_in(owner, outcome="not_assessable", reason="clinical_photograph", modality="clinical")
    reading_in(stranger)
    reading_in(stranger, outcome="not_assessable", reason="unlike_training")

    superseded = reading_in(owner)
    ReviewFactory.create(prediction=DonePredictionFactory.create(image=superseded.image, outcome="low_risk"))
    reading_in(owner, image__entered_in_error_at=timezone.now())

    assert home_counts(owner) == HomeCounts(
        waiting=2, failed=0, to_review=4, suspicious_to_review=1, not_assessed_to_review=1
    )
    assert len(latest_readings(owner, count=4)) == 4


@pytest.mark.parametrize("others", [1, 30])
def test_a_reading_comes_with_all_that_its_page_shows_in_a_bounded_number_of_queries(
    owner: Membership, others: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    reading = reading_in(owner)
    later = DonePredictionFactory.create(image=reading.image)
    for _number in range(others):
        seen = DonePredictionFactory.create(image=LesionImageFactory.create(lesion=reading.image.lesion))
        LesionReadingFactory.create(predictions=[seen])
        DonePredictionFactory.create(image=LesionImageFactory.create(examination=reading.image.examination))
        ReviewFactory.create(prediction=reading)

    with django_assert_num_queries(8):
        detail = reading_detail(owner, reading.public_id)
        reviewers = [review.reviewer.email for review in detail.reviews.all()]
        corrections = list(detail.image.corrections.all())
        again = [str(other.model_version) for other in other_readings(detail)]
        examination, elsewhere, has_more = examinations_beside(detail)
        photographs = [list(image.predictions.all()) for image in examination.images.all()]
        newest = detail.successor

    assert (len(reviewers), corrections, again) == (others, [], [str(later.model_version)])
    assert (len(photographs), len(elsewhere), has_more) == (others + 1, min(others, 25), others > 25)
    assert newest == later


def test_a_strangers_reading_does_not_exist(owner: Membership, stranger: Membership) -> None:
    reading = reading_in(owner)

    with pytest.raises(Prediction.DoesNotExist):
        reading_detail(stranger, reading.public_id)


@pytest.mark.parametrize(
    ("kept", "search"),
    [
        ("Й-1", "и\u0306-1"),
        ("и\u0306-1", "Й-1"),
        ("P\u20111024", "p-1024"),
        ("Ｐ１０", "p10"),
        ("шов – слева", "ШОВ - слева"),
        ("Voß", "VOẞ"),
    ],
)
def test_search_finds_code_label_and_file_name_in_every_encoding(owner: Membership, kept: str, search: str) -> None:
    found = [
        reading_in(owner, image__lesion__patient__code=kept),
        reading_in(owner, image__lesion__label=kept),
        reading_in(owner, image__original_name=kept),
    ]
    reading_in(owner, image__lesion__patient__code="Voss")
    assert set(history(owner, search=search)) == set(found)
