"""The list of readings, one reading with what produced it, and the opinion that a reviewer adds."""

from datetime import timedelta

import pytest
from django.utils import timezone

from classifier.models import (
    Certainty,
    Diagnosis,
    LesionImage,
    Modality,
    Outcome,
    Prediction,
    Review,
    ReviewKind,
    Status,
)
from classifier.services.corrections.entered_in_error import mark_entered_in_error
from classifier.services.corrections.move import move_image
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent, EventKind
from tests import factories
from tests.classifier.admin.conftest import LIST, ClientFor, page_of, reading_in
from tests.classifier.web.queries import count_queries
from tests.trail import given_out

OPINION = {"diagnosis": "BCC", "certainty": "medium", "comment": "Arborising vessels."}


def test_a_row_tells_patient_outcome_sum_status_model_and_whether_it_was_reviewed(
    prediction: Prediction, reviewer: Membership, client_for: ClientFor
) -> None:
    text = client_for(reviewer).get(LIST).content.decode()
    for told in ("P-SECRET", "Suspicious", "34", "Done", str(prediction.model_version), "Not reviewed"):
        assert told in text
    assert "outcome-suspicious" in text
    assert "icons.svg#suspicious" in text
    assert f"/images/{prediction.image.public_id}/thumbnail" in text
    assert page_of(prediction) in text


def test_the_list_takes_the_same_queries_for_3_and_for_30_readings(
    owner: Membership, reviewer: Membership, client_for: ClientFor
) -> None:
    client = client_for(reviewer)
    version = factories.ModelVersionFactory.create()

    def add(count: int) -> None:
        for reading in factories.DonePredictionFactory.create_batch(
            count, image__lesion__patient__clinic=owner.clinic, model_version=version
        ):
            factories.ReviewFactory.create(prediction=reading)

    add(3)
    with_three = count_queries(client, LIST)
    add(27)
    assert client.get(LIST).context["cl"].result_count == 30
    assert count_queries(client, LIST) == with_three


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("outcome__exact=suspicious", {"P-1", "P-2"}),
        ("outcome__exact=low_risk", set()),
        ("status__exact=queued", {"P-3"}),
        ("modality__exact=clinical", {"P-4"}),
        ("reviewed=yes", {"P-1"}),
        ("reviewed=no", {"P-2", "P-3", "P-4"}),
        ("q=p-2", {"P-2"}),
        ("created_at__gte=2001-01-01+00%3A00%3A00%2B00%3A00", {"P-1", "P-2", "P-3", "P-4"}),
    ],
)
def test_filters_and_search_narrow_the_list(
    query: str, found: set[str], owner: Membership, reviewer: Membership, client_for: ClientFor
) -> None:
    first = reading_in(owner, "P-1")
    factories.ReviewFactory.create(prediction=first)
    reading_in(owner, "P-2")
    lesions = {"image__lesion__patient__clinic": owner.clinic}
    factories.PredictionFactory.create(image__lesion__patient__code="P-3", **lesions)
    factories.PredictionFactory.create(
        image__lesion__patient__code="P-4",
        modality=Modality.CLINICAL,
        status=Status.DONE,
        outcome=Outcome.NOT_ASSESSABLE,
        reason="clinical_photograph",
        finished_at=timezone.now(),
        **lesions,
    )
    rows = client_for(reviewer).get(f"{LIST}?{query}").context["cl"].result_list
    assert {row.image.lesion.patient.code for row in rows} == found


def test_readings_of_one_model_are_found_by_it(
    prediction: Prediction, owner: Membership, reviewer: Membership, client_for: ClientFor
) -> None:
    reading_in(owner, "P-OTHER")
    version = prediction.model_version
    assert version is not None
    rows = client_for(reviewer).get(f"{LIST}?model={version.public_id}").context["cl"].result_list
    assert [row.pk for row in rows] == [prediction.pk]


def test_readings_are_searched_as_in_the_history(
    owner: Membership, reviewer: Membership, client_for: ClientFor
) -> None:
    found = reading_in(owner, "Ключ-17")
    reading_in(owner, "P-OTHER")
    rows = client_for(reviewer).get(LIST, {"q": "КЛЮЧ"}).context["cl"].result_list
    assert [row.pk for row in rows] == [found.pk]
    event = AuditEvent.objects.get(action="prediction.listed")
    assert (event.actor, event.details) == (reviewer.user, {"rows": 1, "filters": ["q"], "by": "admin"})
    assert given_out(event, Prediction) == [str(found.public_id)]
    assert given_out(event, LesionImage) == [str(found.image.public_id)]


def test_newest_readings_come_first(owner: Membership, reviewer: Membership, client_for: ClientFor) -> None:
    now = timezone.now()
    for code, age in (("P-OLD", 3), ("P-NEW", 1), ("P-MIDDLE", 2)):
        factories.DonePredictionFactory.create(
            image__lesion__patient__clinic=owner.clinic,
            image__lesion__patient__code=code,
            created_at=now - timedelta(days=age),
        )
    rows = client_for(reviewer).get(LIST).context["cl"].result_list
    assert [row.image.lesion.patient.code for row in rows] == ["P-NEW", "P-MIDDLE", "P-OLD"]


def test_a_reading_shows_everything_that_produced_it(
    prediction: Prediction, reviewer: Membership, client_for: ClientFor
) -> None:
    text = client_for(reviewer).get(page_of(prediction)).content.decode()
    shown = [
        f"/images/{prediction.image.public_id}/file",
        "above the model's referral threshold".replace("'", "&#x27;"),
        "Melanocytic nevus",
        "low risk below 0.0800, suspicious from 0.3000",
        prediction.bundle_sha256,
        prediction.stored_sha256,
        prediction.image.upload_sha256,
        "onnx",
        "Logit, view 2",
        "0.3000",
        str(prediction.public_id),
    ]
    assert [part for part in shown if part not in text] == []


def test_a_reading_that_is_not_assessable_gives_its_reason_and_no_probabilities(
    owner: Membership, reviewer: Membership, client_for: ClientFor
) -> None:
    prediction = factories.DonePredictionFactory.create(
        image__lesion__patient__clinic=owner.clinic,
        outcome=Outcome.NOT_ASSESSABLE,
        reason="blank_frame",
        malignant_probability=0.4321,
    )
    client = client_for(reviewer)
    text = client.get(page_of(prediction)).content.decode()
    assert "nearly one colour" in text
    assert "Logit, view 1" in text
    assert "Balanced score" not in text
    assert "43" not in client.get(LIST).content.decode().split("field-malignant_sum")[1].split("</td>")[0]


def test_a_queued_reading_opens_and_takes_no_opinion(
    owner: Membership, reviewer: Membership, client_for: ClientFor
) -> None:
    prediction = factories.PredictionFactory.create(image__lesion__patient__clinic=owner.clinic)
    client = client_for(reviewer)
    assert "Save my opinion" not in client.get(page_of(prediction)).content.decode()
    assert client.post(page_of(prediction), OPINION).status_code == 200
    assert not Review.objects.exists()


def test_a_photograph_entered_in_error_takes_no_opinion(
    prediction: Prediction, reviewer: Membership, client_for: ClientFor
) -> None:
    mark(prediction)
    client = client_for(reviewer)
    text = client.get(page_of(prediction)).content.decode()
    assert "Save my opinion" not in text
    assert "no opinion can be given" in text
    assert client.post(page_of(prediction), OPINION).status_code == 200
    assert not Review.objects.exists()


def mark(prediction: Prediction) -> None:
    """Mark its photograph as entered in error."""
    prediction.image.entered_in_error_at = timezone.now()
    prediction.image.save()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"P-IN-USE"}),
        ("?standing=entered_in_error", {"P-SECRET"}),
        ("?standing=superseded", {"P-OLD"}),
        ("?standing=all", {"P-IN-USE", "P-OLD", "P-SECRET"}),
    ],
)
def test_readings_that_do_not_count_are_listed_only_when_asked_for_and_grey(
    query: str, found: set[str], owner: Membership, reviewer: Membership, client_for: ClientFor
) -> None:
    mark(reading_in(owner))
    reading_in(owner, "P-IN-USE")
    old = reading_in(owner, "P-OLD")
    later = factories.DonePredictionFactory.create(image=old.image)
    response = client_for(reviewer).get(LIST + query)
    shown = {row.image.lesion.patient.code for row in response.context["cl"].result_list if row != later}
    assert shown == found
    assert (later in response.context["cl"].result_list) == ("standing" not in query or "all" in query)
    text = response.content.decode()
    void = len(found - {"P-IN-USE"}) if query else 0
    assert text.count('class="outcome outcome-void"') == void
    assert text.count('class="outcome outcome-suspicious"') == len(response.context["cl"].result_list) - void


def test_corrections_are_told_in_words_and_lead_to_the_lesions(
    prediction: Prediction, owner: Membership, reviewer: Membership, client_for: ClientFor
) -> None:
    image = prediction.image
    old, new = image.lesion, factories.LesionFactory.create(patient__clinic=owner.clinic, patient__code="P-NEXT")
    move_image(actor=owner, image=image, lesion=new, reason="Wrong row.")
    mark_entered_in_error(actor=owner, image=image, reason="Not skin.")
    text = " ".join(client_for(reviewer).get(page_of(prediction)).content.decode().split())
    assert "In use → Entered in error (Not skin.)" in text
    for lesion in (old, new):
        assert f'<a href="/lesions/{lesion.public_id}/">{lesion.patient.code}, ' in text
    assert "in_use" not in text.split("Corrections of the photograph")[1]


def test_opening_a_reading_is_recorded_as_access(
    prediction: Prediction, reviewer: Membership, client_for: ClientFor
) -> None:
    client_for(reviewer).get(page_of(prediction))
    event = AuditEvent.objects.get(action="prediction.viewed")
    assert (event.kind, event.actor, event.clinic) == (EventKind.ACCESS, reviewer.user, reviewer.clinic)
    assert event.object_id == str(prediction.public_id)


def test_an_opinion_is_stored_as_informed_and_shown(
    prediction: Prediction, reviewer: Membership, client_for: ClientFor
) -> None:
    client = client_for(reviewer)
    response = client.post(page_of(prediction), OPINION, follow=True)
    review = Review.objects.get()
    assert (review.prediction, review.reviewer, review.kind) == (prediction, reviewer.user, ReviewKind.INFORMED)
    assert (review.diagnosis, review.certainty, review.comment) == ("BCC", "medium", "Arborising vessels.")
    text = response.content.decode()
    assert "Your opinion is saved." in text
    assert "Arborising vessels." in text
    assert "Reviewed" in client.get(LIST).content.decode()
    assert AuditEvent.objects.filter(action="review.added", actor=reviewer.user).count() == 1


@pytest.mark.parametrize("diagnosis", Diagnosis.values)
def test_every_diagnosis_other_and_cannot_tell_can_be_given(
    diagnosis: str, prediction: Prediction, administrator: Membership, client_for: ClientFor
) -> None:
    opinion = {"diagnosis": diagnosis, "certainty": Certainty.LOW}
    if diagnosis == Diagnosis.OTHER:
        opinion["other"] = "Merkel cell carcinoma"
    client_for(administrator).post(page_of(prediction), opinion)
    assert Review.objects.get().diagnosis == diagnosis


def test_an_incomplete_opinion_is_not_stored_and_nothing_typed_is_lost(
    prediction: Prediction, reviewer: Membership, client_for: ClientFor
) -> None:
    response = client_for(reviewer).post(page_of(prediction), {"certainty": "high", "comment": "Typed already"})
    text = response.content.decode()
    assert "What do you think it is?" in text
    assert "This field is required" in text
    assert "Typed already" in text
    assert not Review.objects.exists()


def test_a_post_changes_nothing_of_the_reading(
    prediction: Prediction, reviewer: Membership, client_for: ClientFor
) -> None:
    before = Prediction.objects.filter(pk=prediction.pk).values().get()
    client_for(reviewer).post(
        page_of(prediction), {**OPINION, "outcome": "low_risk", "status": "failed", "kind": "blinded"}
    )
    assert Prediction.objects.filter(pk=prediction.pk).values().get() == before
    assert Review.objects.get().kind == ReviewKind.INFORMED


def test_other_asks_which_and_keeps_it_with_the_opinion(
    prediction: Prediction, reviewer: Membership, client_for: ClientFor
) -> None:
    client = client_for(reviewer)
    unsaid = client.post(page_of(prediction), {**OPINION, "diagnosis": "other"})
    assert "Say which other diagnosis" in unsaid.content.decode()
    assert not Review.objects.exists()
    client.post(page_of(prediction), {**OPINION, "diagnosis": "other", "other": "Merkel cell carcinoma"})
    assert Review.objects.get().comment == "Merkel cell carcinoma\nArborising vessels."


def test_a_reviewer_sees_sex_and_age_zooms_and_goes_to_the_next(
    prediction: Prediction, owner: Membership, reviewer: Membership, client_for: ClientFor
) -> None:
    patient = prediction.image.lesion.patient
    patient.sex, patient.birth_year = "female", 1978
    patient.save()
    client = client_for(reviewer)
    page = client.get(page_of(prediction)).content.decode()
    assert "Female, born 1978" in page
    assert "data-zoom" in page
    assert "Next without an opinion" not in page
    newer = reading_in(owner, "P-NEWER")
    newest = reading_in(owner, "P-NEWEST")
    factories.ReviewFactory.create(prediction=newer)
    assert f'href="{page_of(prediction)}"' in client.get(page_of(newest)).content.decode()
