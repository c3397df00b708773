"""Visits, examinations and lesion readings over the API: what an upload makes of them, and what they tell."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from classifier.models import Examination, LesionImage, LesionReading, ModelVersion, ReadingShown, Visit
from classifier.services.readings.lesion import conclude
from skinsite.accounts.models import ApiToken, Membership, Scope, ServiceAccount
from skinsite.audit.models import AuditSubject
from tests import factories
from tests.classifier.api.conftest import PREDICTIONS, send
from tests.classifier.conftest import draw_lesion


def sender(owner: Membership) -> APIClient:
    """A program of the clinic that may send and not read."""
    service = ServiceAccount.objects.create(clinic=owner.clinic, name="Camera", scope=Scope.UPLOAD)
    _token, key = ApiToken.objects.create(None, service=service, scope=Scope.UPLOAD)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {key}")
    return client


def test_one_photograph_makes_visit_and_examination_whose_reading_is_the_photographs(
    api: APIClient, active_model: ModelVersion, photograph: bytes
) -> None:
    answer = send(api, photograph, taken_on="2024-03-05", side="left", device="Model 7", external_id="IMG-1").json()
    of_lesion = answer["lesion_reading"]
    for name in ("outcome", "malignant_probability", "probabilities", "prediction_set", "reason"):
        assert of_lesion[name] == answer[name], name
    assert of_lesion["photographs"] == [
        {"image": answer["image"], "prediction": answer["id"], "weight": 1.0, "left_out": None}
    ]
    assert (of_lesion["in_force"], of_lesion["kept_from"], of_lesion["named"]) == (True, None, [])
    assert of_lesion["model"] == answer["model"]
    examination = api.get(answer["links"]["examination"]).json()
    assert (examination["id"], examination["lesion_reading"]) == (answer["examination"], of_lesion)
    assert (examination["superseded"], examination["is_waiting"], examination["is_new"]) == ([], False, None)
    assert api.get(of_lesion["links"]["self"]).json() == of_lesion
    visit = api.get(examination["links"]["visit"]).json()
    assert (visit["day"], visit["purpose"]) == ("2024-03-05", "care")
    [image] = examination["images"]
    assert (image["id"], image["taken_on"], image["taken_source"]) == (answer["image"], "2024-03-05", "typed")
    assert (image["device"], image["external_id"]) == ("Model 7", "IMG-1")
    lesion = api.get(answer["links"]["lesion"]).json()
    assert (lesion["number"], lesion["side"], lesion["state"], lesion["aliases"]) == (1, "left", "present", [])


def test_a_second_photograph_of_an_examination_is_read_together_with_the_first(
    api: APIClient, active_model: ModelVersion
) -> None:
    first = send(api, draw_lesion(seed=1)).json()
    second = send(api, draw_lesion(seed=2), examination=first["examination"]).json()
    assert second["examination"] == first["examination"]
    taken = second["lesion_reading"]["photographs"]
    assert {each["image"] for each in taken} == {first["image"], second["image"]}
    examination = api.get(second["links"]["examination"]).json()
    assert [each["id"] for each in examination["superseded"]] == [first["lesion_reading"]["id"]]
    assert [each["in_force"] for each in examination["superseded"]] == [False]
    assert "does not count" in examination["superseded"][0]["notice"]
    assert api.get(first["links"]["self"]).json()["lesion_reading"] == second["lesion_reading"]


def test_while_a_photograph_is_queued_nothing_is_said_of_the_lesion(
    api: APIClient, store: object, photograph: bytes
) -> None:
    answer = send(api, photograph).json()
    assert (answer["status"], answer["lesion_reading"]) == ("queued", None)
    assert api.get(answer["links"]["examination"]).json()["is_waiting"] is True
    done = factories.DonePredictionFactory.create(
        image__examination=Examination.objects.get(), image__lesion=Examination.objects.get().lesion
    )
    factories.LesionReadingFactory.create(predictions=[done])
    assert api.get(f"{PREDICTIONS}{done.public_id}/").json()["lesion_reading"] is None


@pytest.mark.parametrize("field", ["visit", "lesion", "patient_code"])
def test_an_examination_that_contradicts_what_is_sent_with_it_is_refused(
    field: str, api: APIClient, owner: Membership, store: object, photograph: bytes
) -> None:
    examination = factories.ExaminationFactory.create(lesion__patient__clinic=owner.clinic)
    other = factories.ExaminationFactory.create(lesion__patient__clinic=owner.clinic)
    values: dict[str, Any] = {
        "visit": other.visit.public_id,
        "lesion": other.lesion.public_id,
        "patient_code": other.lesion.patient.code,
    }
    refused = send(api, photograph, examination=examination.public_id, **{field: values[field]})
    assert refused.status_code == 400
    assert "contradiction" in {error["code"] for error in refused.json()["errors"]}
    assert not LesionImage.objects.exists()


def test_a_visit_alone_says_whose_the_photograph_is(
    api: APIClient, owner: Membership, store: object, photograph: bytes
) -> None:
    visit = factories.VisitFactory.create(patient__clinic=owner.clinic)
    answer = send(api, photograph, visit=visit.public_id).json()
    assert answer["patient"] == str(visit.patient.public_id)
    assert Examination.objects.get().visit == visit
    assert answer["warnings"] == []


def test_a_visit_or_examination_of_another_clinic_does_not_exist(
    api: APIClient, store: object, photograph: bytes
) -> None:
    elsewhere = factories.ExaminationFactory.create()
    named: list[tuple[str, Any]] = [("visit", elsewhere.visit.public_id), ("examination", elsewhere.public_id)]
    for field, identifier in named:
        refused = send(api, photograph, **{field: identifier})
        assert refused.status_code == 400
        assert [(each["field"], each["code"]) for each in refused.json()["errors"]] == [(field, "does_not_exist")]


def test_a_day_to_come_is_refused(api: APIClient, store: object, photograph: bytes) -> None:
    refused = send(api, photograph, taken_on=(timezone.now() + timedelta(days=2)).date())
    assert [(each["field"], each["code"]) for each in refused.json()["errors"]] == [("taken_on", "in_the_future")]


def test_what_may_only_send_is_told_of_a_lesion_as_far_as_its_own_photographs_go(
    api: APIClient, owner: Membership, active_model: ModelVersion
) -> None:
    camera = sender(owner)
    own = send(camera, draw_lesion(seed=1)).json()
    assert own["lesion_reading"]["photographs"][0]["image"] == own["image"]
    assert camera.get(f"{PREDICTIONS}{own['id']}/").json()["lesion_reading"] == own["lesion_reading"]
    others = send(api, draw_lesion(seed=2)).json()
    added = send(camera, draw_lesion(seed=3), lesion=others["lesion"], examination=others["examination"])
    assert added.json()["lesion_reading"] is None
    assert others["image"] not in added.content.decode()


def test_what_tells_of_a_lesion_is_kept_as_shown_and_names_its_photographs_on_the_trail(
    api: APIClient, owner: Membership
) -> None:
    done = factories.DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic)
    reading = factories.LesionReadingFactory.create(predictions=[done])
    image = LesionImage.objects.get()
    for address in (f"examinations/{reading.examination.public_id}/", "lesion-readings/"):
        assert api.get(f"/api/v1/{address}").status_code == 200
    assert ReadingShown.objects.filter(person=owner.user, examination=reading.examination).count() == 1
    named = AuditSubject.objects.filter(record_id=str(image.public_id)).values_list("event__action", flat=True)
    assert set(named) == {"examination.viewed", "lesion_reading.listed"}


def test_an_identifier_of_ones_own_is_taken_once_in_a_clinic_and_found_by(
    api: APIClient, stranger: Membership, store: object
) -> None:
    factories.LesionImageFactory.create(lesion__patient__clinic=stranger.clinic, external_id="IMG-1")
    first = send(api, draw_lesion(seed=1), external_id="IMG-1").json()
    again = send(api, draw_lesion(seed=2), external_id="IMG-1")
    assert again.status_code == 400
    assert [(each["field"], each["code"]) for each in again.json()["errors"]] == [("external_id", "unique")]
    assert send(api, draw_lesion(seed=1), external_id="IMG-1").status_code == 200
    rows = api.get("/api/v1/images/", {"external_id": "IMG-1"}).json()["results"]
    assert [row["id"] for row in rows] == [first["image"]]
    LesionImage.objects.filter(public_id=first["image"]).update(entered_in_error_at=timezone.now())
    assert send(api, draw_lesion(seed=2), external_id="IMG-1").status_code == 202


def test_examinations_and_readings_are_found_by_what_they_are_of(api: APIClient, owner: Membership) -> None:
    place = {"image__lesion__patient__clinic": owner.clinic}
    first = factories.DonePredictionFactory.create(**place)
    old = factories.LesionReadingFactory.create(predictions=[first])
    second = factories.DonePredictionFactory.create(
        image__examination=old.examination, image__lesion=old.examination.lesion
    )
    new = factories.LesionReadingFactory.create(predictions=[second])
    third = factories.DonePredictionFactory.create(**place, outcome="low_risk")
    other = factories.LesionReadingFactory.create(predictions=[third])
    Visit.objects.filter(pk=other.examination.visit_id).update(day=date(2020, 2, 3), external_id="V-1")

    def ids(address: str) -> list[str]:
        return [row["id"] for row in api.get(f"/api/v1/{address}").json()["results"]]

    of_lesion = f"lesion={old.examination.lesion.public_id}"
    assert ids(f"lesion-readings/?{of_lesion}&in_force=true") == [str(new.public_id)]
    assert ids(f"lesion-readings/?{of_lesion}&in_force=false") == [str(old.public_id)]
    assert ids("examinations/?outcome=low_risk") == [str(other.examination.public_id)]
    assert ids("examinations/?day_before=2020-02-04") == [str(other.examination.public_id)]
    assert ids("visits/?day_from=2020-02-03&day_before=2020-02-04") == [str(other.examination.visit.public_id)]
    assert ids("visits/?external_id=V-1") == [str(other.examination.visit.public_id)]


def test_an_examination_whose_photographs_are_all_withdrawn_is_void_and_keeps_its_history(
    api: APIClient, owner: Membership, active_model: ModelVersion, photograph: bytes
) -> None:
    answer = send(api, photograph).json()
    LesionImage.objects.update(entered_in_error_at=timezone.now())
    conclude(Examination.objects.get())
    examination = api.get(answer["links"]["examination"]).json()
    assert examination["lesion_reading"] is None
    assert [each["in_force"] for each in examination["superseded"]] == [False]
    assert LesionReading.objects.count() == 1
