"""`POST /api/v1/predictions/`: what is answered, with which status, and what is kept."""

import hashlib
from pathlib import Path

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from classifier.models import BodySite, Lesion, LesionImage, Modality, ModelVersion, Patient
from ml.serve.predictor import Predictor
from ml.taxonomy import CLASSES, MALIGNANT
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from tests import factories
from tests.classifier.api.conftest import PREDICTIONS, ClientFor, kept, send
from tests.classifier.conftest import draw_lesion


def test_a_finished_reading_says_all_that_an_integrator_needs(
    api: APIClient, active_model: ModelVersion, photograph: bytes
) -> None:
    response = send(api, photograph)
    answer = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == answer["links"]["self"]
    assert (answer["status"], answer["modality"], answer["waiting_for"]) == ("done", "dermoscopic", None)
    assert answer["outcome"] in ("low_risk", "suspicious", "refer_uncertain")
    assert set(answer["reason"]) == {"code", "text"}
    assert list(answer["probabilities"]) == list(CLASSES)
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    malignant = sum(answer["probabilities"][code] for code in MALIGNANT)
    assert answer["malignant_probability"] == pytest.approx(malignant, abs=1e-4)
    assert set(answer["prediction_set"]) <= set(CLASSES)
    assert answer["model"] == {
        "name": active_model.name,
        "version": active_model.version,
        "id": str(active_model.public_id),
        "bundle_sha256": active_model.bundle_sha256,
    }
    assert all(set(flag) == {"code", "text"} for flag in answer["flags"])
    assert "not a diagnosis" in answer["notice"]
    assert answer["created_at"] <= answer["started_at"] <= answer["finished_at"]
    assert set(answer["links"]) == {
        "self",
        "image",
        "lesion",
        "patient",
        "examination",
        "reviews",
        "page",
        "heat_map",
    }
    assert answer.pop("warnings") == []
    assert api.get(answer["links"]["self"]).json() == answer


def test_what_was_sent_is_kept_with_its_hash_and_its_place(
    api: APIClient, owner: Membership, active_model: ModelVersion, photograph: bytes
) -> None:
    answer = send(api, photograph, patient_code="Ward 7", body_site="scalp", name="../IMG 1.jpg").json()
    image = api.get(answer["links"]["image"]).json()
    assert image["upload_sha256"] == hashlib.sha256(photograph).hexdigest()
    assert (image["width"], image["height"]) == (600, 450)
    assert "/" not in image["original_name"]
    assert api.get(answer["links"]["lesion"]).json()["body_site"] == BodySite.SCALP
    assert api.get(answer["links"]["patient"]).json()["code"] == "Ward 7"
    assert Patient.objects.get().clinic == owner.clinic


def test_a_known_patient_gets_a_new_lesion_and_a_known_lesion_another_photograph(
    api: APIClient, owner: Membership, active_model: ModelVersion
) -> None:
    patient = factories.PatientFactory.create(clinic=owner.clinic, code="Ward 7")
    first = send(api, draw_lesion(seed=1), patient_code="ward 7").json()
    lesion = Lesion.objects.get(patient=patient)
    second = send(api, draw_lesion(seed=2), lesion=lesion.public_id, patient_code="Ward 7").json()
    assert first["links"]["lesion"] == second["links"]["lesion"]
    assert kept() == (1, 1, 2, 2)


def test_a_clinical_photograph_is_kept_and_not_read(
    api: APIClient, active_model: ModelVersion, photograph: bytes
) -> None:
    response = send(api, photograph, modality="clinical")
    answer = response.json()
    assert response.status_code == 201
    assert (answer["outcome"], answer["reason"]["code"]) == ("not_assessable", "clinical_photograph")
    assert answer["probabilities"] is answer["malignant_probability"] is answer["model"] is None
    assert "heat_map" not in answer["links"]
    assert LesionImage.objects.get().modality == Modality.CLINICAL


def test_a_photograph_of_nothing_gives_its_reason_and_no_probabilities(
    api: APIClient, active_model: ModelVersion
) -> None:
    reading = factories.DonePredictionFactory.create(
        image__lesion__patient__clinic=Membership.objects.get().clinic,
        outcome="not_assessable",
        reason="blank_frame",
        model_version=active_model,
    )
    answer = api.get(f"{PREDICTIONS}{reading.public_id}/").json()
    assert answer["probabilities"] is answer["malignant_probability"] is answer["prediction_set"] is None
    assert answer["reason"]["code"] == "blank_frame"
    assert answer["model"]["id"] == str(active_model.public_id)


def test_without_a_usable_bundle_it_is_queued_with_the_reason(api: APIClient, store: Path, photograph: bytes) -> None:
    response = send(api, photograph)
    answer = response.json()
    assert response.status_code == 202
    assert response.headers["Location"] == answer["links"]["self"]
    assert (answer["status"], answer["outcome"], answer["reason"]) == ("queued", None, None)
    assert answer["waiting_for"]["code"] == "no_model"
    assert "unavailable" in answer["waiting_for"]["text"]
    assert answer["probabilities"] is answer["model"] is None
    assert send(api, photograph).status_code == 200


def test_a_reading_that_failed_is_no_finished_one(
    api: APIClient, active_model: ModelVersion, photograph: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise RuntimeError("no memory for tensors")

    monkeypatch.setattr(Predictor, "read", fail)
    response = send(api, photograph)
    assert (response.status_code, response.json()["status"]) == (202, "failed")
    assert response.headers["Location"] == response.json()["links"]["self"]


@pytest.mark.usefixtures("active_model")
def test_with_a_worker_it_is_queued(
    api: APIClient,
    settings: Settings,
    photograph: bytes,
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from celery import current_app  # noqa: PLC0415 the application that the settings made

    monkeypatch.setattr(current_app.conf, "broker_url", valkey_url)
    settings.PREDICTION_MODE = "celery"
    response = send(api, photograph)
    assert response.status_code == 202
    assert response.headers["Location"] == response.json()["links"]["self"]
    assert response.json()["status"] == "queued"


def test_the_same_bytes_again_give_the_reading_that_there_is(
    api: APIClient, active_model: ModelVersion, photograph: bytes
) -> None:
    first = send(api, photograph, patient_code="Ward 7")
    for fields in ({}, {"patient_code": "Ward 7"}, {"lesion": Lesion.objects.get().public_id}):
        again = send(api, photograph, **fields)
        assert again.status_code == 200
        assert again.json() == first.json() | {"warnings": []}
    assert kept() == (1, 1, 1, 1)
    viewed = AuditEvent.objects.filter(action="prediction.viewed", object_id=first.json()["id"])
    assert [event.details for event in viewed] == [{"by": "upload"}] * 3


def test_the_same_bytes_for_another_lesion_conflict_and_the_problem_names_the_lesion(
    api: APIClient, owner: Membership, active_model: ModelVersion, photograph: bytes
) -> None:
    send(api, photograph)
    image = LesionImage.objects.get()
    other = factories.LesionFactory.create(patient__clinic=owner.clinic)
    response = send(api, photograph, lesion=other.public_id)
    problem = response.json()
    assert response.status_code == 409
    assert problem["lesion"] == str(image.lesion.public_id)
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [("image", "duplicate_image")]
    assert api.get(problem["links"]["lesion"]).json()["id"] == problem["lesion"]
    assert api.get(problem["links"]["image"]).json()["id"] == str(image.public_id)
    assert LesionImage.objects.of_lesion(other).count() == 0
    attached = send(api, photograph, lesion=other.public_id, attach_anyway="true")
    assert attached.status_code == 201
    assert LesionImage.objects.of_lesion(other).count() == 1


def test_another_clinics_copy_is_never_revealed(
    owner: Membership, stranger: Membership, client_for: ClientFor, active_model: ModelVersion, photograph: bytes
) -> None:
    first = send(client_for(stranger), photograph)
    second = send(client_for(owner), photograph)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]
    lesion = Lesion.objects.get(patient__clinic=stranger.clinic)
    refused = send(client_for(owner), draw_lesion(seed=9), lesion=lesion.public_id)
    unknown = send(client_for(owner), draw_lesion(seed=9), lesion="7b0d6bd1-1a4e-4d38-9e2c-8a8c9e4b6f10")
    assert refused.status_code == unknown.status_code == 400
    for response in (refused, unknown):
        assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [
            ("lesion", "does_not_exist")
        ]


@pytest.mark.parametrize("fields", [{"patient_code": "2024-0000"}, {}], ids=["unknown", "none"])
def test_no_patient_is_created_where_that_is_forbidden(
    api: APIClient, owner: Membership, active_model: ModelVersion, photograph: bytes, fields: dict[str, str]
) -> None:
    factories.PatientFactory.create(clinic=owner.clinic, code="2024-00001")
    response = send(api, photograph, create_patient="false", **fields)
    (error,) = response.json()["errors"]
    assert response.status_code == 400
    assert (error["field"], error["code"]) == ("patient_code", "unknown_patient" if fields else "new_patient")
    assert kept() == (1, 0, 0, 0)


def test_a_forbidden_patient_names_the_one_that_looks_alike_and_a_known_one_is_taken(
    api: APIClient, owner: Membership, active_model: ModelVersion, photograph: bytes
) -> None:
    known = factories.PatientFactory.create(clinic=owner.clinic, code="P-1024")
    refused = send(api, photograph, create_patient="false", patient_code="Р-1024")
    assert refused.json()["errors"][0]["detail"].endswith("A code that looks alike: “P-1024”.")
    taken = send(api, photograph, create_patient="false", patient_code="ｐ‑１０２４")
    assert (taken.status_code, taken.json()["patient"]) == (201, str(known.public_id))
    assert taken.json()["warnings"] == []
    again = send(api, photograph, create_patient="false")
    assert (again.status_code, again.json()["id"]) == (200, taken.json()["id"])


def test_a_patient_created_by_a_code_is_told_with_what_is_odd_about_it(
    api: APIClient, owner: Membership, active_model: ModelVersion
) -> None:
    factories.PatientFactory.create(clinic=owner.clinic, code="P-1024")
    answer = send(api, draw_lesion(seed=1), patient_code="Р-1024").json()
    assert [warning["code"] for warning in answer["warnings"]] == ["new_patient", "look_alike"]
    assert "“P-1024”" in answer["warnings"][1]["text"]
    answer = send(api, draw_lesion(seed=2), patient_code="Иванова Мария 12.03.1980").json()
    assert [warning["code"] for warning in answer["warnings"]] == ["new_patient", "personal_data"]
    assert send(api, draw_lesion(seed=3), patient_code="p-1024").json()["warnings"] == []


def test_every_member_may_send_and_a_role_is_told_apart_nowhere(
    reviewer: Membership, administrator: Membership, client_for: ClientFor, active_model: ModelVersion
) -> None:
    for seed, member in enumerate((reviewer, administrator)):
        assert send(client_for(member), draw_lesion(seed=seed)).status_code == 201


def test_what_is_declared_is_answered_and_listed_in_one_order(
    api: APIClient, active_model: ModelVersion, photograph: bytes
) -> None:
    answer = send(api, photograph, declared=["ulcer", "mucosa"]).json()
    assert (answer["outcome"], answer["reason"]["code"]) == ("not_assessable", "mucosa")
    assert answer["reason"]["text"] == (
        "The network has learnt no lesions of mucosa. The network did not read it. Judge it clinically; "
        "this says nothing about risk."
    )
    assert answer["declared"] == ["mucosa", "ulcer"]
    assert api.get(answer["links"]["image"]).json()["declared"] == ["mucosa", "ulcer"]


def test_nothing_is_declared_unless_it_is_sent(api: APIClient, active_model: ModelVersion, photograph: bytes) -> None:
    assert send(api, photograph).json()["declared"] == []
