"""Visits and examinations are written over the API: by whom, what, and what is refused."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from classifier.models import ClinicPractice, Examination, Visit
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from tests import factories
from tests.classifier.api.conftest import PREDICTIONS, ClientFor

VISITS, EXAMINATIONS = "/api/v1/visits/", "/api/v1/examinations/"


def problems(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 400
    return [(error["field"], error["code"]) for error in answer.json()["errors"]]


def test_a_visit_is_created_and_changed(api: APIClient, owner: Membership) -> None:
    patient = factories.PatientFactory.create(clinic=owner.clinic)
    said = {"patient": str(patient.public_id), "day": "2024-03-05", "purpose": "archive", "external_id": "V-1"}
    made = api.post(VISITS, said, format="json")
    assert made.status_code == 201
    visit = made.json()
    assert made.headers["Location"] == visit["links"]["self"]
    assert {name: visit[name] for name in said} == said
    changed = api.patch(visit["links"]["self"], {"indication": "worried"}, format="json")
    assert changed.status_code == 200
    assert changed.json() == visit | {"indication": "worried"}
    assert api.get(visit["links"]["self"]).json() == changed.json()
    updated = AuditEvent.objects.get(action="visit.updated")
    assert (updated.actor, updated.details) == (owner.user, {"changed": ["indication"]})


def test_what_cannot_be_of_a_visit_is_named_and_nothing_is_written(api: APIClient, owner: Membership) -> None:
    patient = factories.PatientFactory.create(clinic=owner.clinic, birth_year=1980)
    elsewhere = factories.PatientFactory.create()
    factories.VisitFactory.create(patient__clinic=owner.clinic, external_id="V-1")
    mine = {"patient": str(patient.public_id)}
    wrong: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({"patient": str(elsewhere.public_id)}, ("patient", "does_not_exist")),
        (mine | {"day": "2999-01-01"}, ("day", "in_the_future")),
        (mine | {"day": "1979-01-01"}, ("day", "before_birth")),
        (mine | {"purpose": "fun"}, ("purpose", "invalid_choice")),
        (mine | {"external_id": "V-1"}, ("external_id", "unique")),
        (mine | {"dey": "2024-03-05"}, ("dey", "unknown_field")),
        ({}, ("patient", "required")),
    ]
    for said, problem in wrong:
        assert problems(api.post(VISITS, said, format="json")) == [problem], said
    assert Visit.objects.filter(patient=patient).count() == 0


def test_an_examination_is_created_once_and_says_what_was_found(api: APIClient, owner: Membership) -> None:
    lesion = factories.LesionFactory.create(patient__clinic=owner.clinic)
    visit = factories.VisitFactory.create(patient=lesion.patient)
    said = {"visit": str(visit.public_id), "lesion": str(lesion.public_id), "is_new": True, "diameter_mm": 6.5}
    made = api.post(EXAMINATIONS, said, format="json")
    assert made.status_code == 201
    examination = made.json()
    assert {name: examination[name] for name in said} == said
    assert (examination["images"], examination["lesion_reading"], examination["bleeds"]) == ([], None, None)
    assert problems(api.post(EXAMINATIONS, said, format="json")) == [("lesion", "unique")]
    changed = api.patch(examination["links"]["self"], {"bleeds": False, "is_new": None}, format="json").json()
    assert (changed["bleeds"], changed["is_new"], changed["diameter_mm"]) == (False, None, 6.5)
    for wrong in ({"diameter_mm": 0}, {"diameter_mm": 6.55}, {"bleeds": "perhaps"}, {"lesion": said["lesion"]}):
        assert api.patch(examination["links"]["self"], wrong, format="json").status_code == 400, wrong


def test_an_examination_of_another_patients_lesion_is_refused(api: APIClient, owner: Membership) -> None:
    visit = factories.VisitFactory.create(patient__clinic=owner.clinic)
    lesion = factories.LesionFactory.create(patient__clinic=owner.clinic)
    said = {"visit": str(visit.public_id), "lesion": str(lesion.public_id)}
    assert problems(api.post(EXAMINATIONS, said, format="json")) == [("visit", "contradiction")]
    assert not Examination.objects.exists()


def test_colleagues_change_what_strangers_do_not_find(
    owner: Membership, colleague: Membership, stranger: Membership, client_for: ClientFor
) -> None:
    examination = factories.ExaminationFactory.create(lesion__patient__clinic=owner.clinic)
    for kind, record, said in (
        ("visits", examination.visit, {"seen": "in_person"}),
        ("examinations", examination, {"itches": True}),
    ):
        address = f"/api/v1/{kind}/{record.public_id}/"
        assert client_for(stranger).patch(address, said, format="json").status_code == 404
        assert client_for(colleague).patch(address, said, format="json").status_code == 200
    assert AuditEvent.objects.filter(action__in=["visit.updated", "examination.updated"]).count() == 2


@pytest.mark.parametrize(("percent", "malignant"), [(None, 0.06165), ("10.0", 0.19096)])
def test_probabilities_are_given_at_the_clinics_own_prevalence_too(
    percent: str | None, malignant: float, api: APIClient, owner: Membership
) -> None:
    if percent is not None:
        ClinicPractice.objects.create(clinic=owner.clinic, malignant_percent=percent)
    reading = factories.DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic)
    answer = api.get(f"{PREDICTIONS}{reading.public_id}/").json()
    found = answer["probabilities_at_prevalence"]
    assert found["malignant_share"] == float(percent or "3.0") / 100
    assert answer["malignant_probability"] == 0.34
    assert found["malignant_probability"] == pytest.approx(malignant, abs=1e-4)
    assert sum(found["probabilities"].values()) == pytest.approx(1)
    assert found["low_risk_below"] < found["suspicious_from"] < found["malignant_probability"]  # as 0.08 < 0.3 < 0.34
