"""`POST /api/v1/predictions/`: what is refused, with which problem, and that nothing of it is kept."""

import io
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from classifier.models import BodySite
from skinsite.accounts.models import Membership
from tests import factories
from tests.classifier.api.conftest import PREDICTIONS, kept, send, stored_files
from tests.classifier.conftest import draw_lesion


def jpeg_of_zeros(size: int) -> bytes:
    return draw_lesion() + bytes(size)


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "empty"),
        (b"%PDF-1.7 a letter", 415, "unsupported_type"),
        (draw_lesion()[:2000], 422, "truncated"),
        (draw_lesion(size=(223, 300)), 422, "too_small"),
        (jpeg_of_zeros(25_000_001), 413, "too_large"),
    ],
    ids=["empty", "not an image", "truncated", "too small", "too large"],
)
@pytest.mark.usefixtures("active_model")
def test_a_rejected_image_is_a_problem_of_its_field_and_nothing_is_stored(
    data: bytes, status: int, code: str, api: APIClient, store: Path
) -> None:
    response = send(api, data, patient_code="Ward 7")
    problem = response.json()
    assert response.status_code == problem["status"] == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [("image", code)]
    assert kept() == (0, 0, 0, 0)
    assert stored_files(store) == []


def test_a_request_that_declares_itself_too_long_is_refused_before_it_is_read(api: APIClient) -> None:
    class Unreadable(io.BytesIO):
        def read(self, *_arguments: Any) -> bytes:
            raise AssertionError("The body was read.")

    response = api.generic(
        "POST",
        PREDICTIONS,
        "",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH="26000000",
        **{"wsgi.input": Unreadable()},  # type: ignore[arg-type] # WSGI's own keys are no names of arguments
    )
    assert response.status_code == 413
    assert response.json()["errors"][0]["field"] == "image"
    assert response.json()["errors"][0]["code"] == "too_large"


@pytest.mark.parametrize("length", ["abc", "-1", "\u00b2", "1e3"])
def test_a_length_that_is_no_number_is_a_malformed_request(api: APIClient, length: str) -> None:
    response = api.generic(
        "POST", PREDICTIONS, "", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH=length
    )
    assert response.status_code == 400
    assert response.json()["status"] == 400


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"modality": "x-ray"}, "modality", "invalid_choice"),
        ({"body_site": "tail"}, "body_site", "invalid_choice"),
        ({"lesion": "the left one"}, "lesion", "invalid"),
        ({"patient_code": "x" * 41}, "patient_code", "max_length"),
        ({"patient_code": "a\x00b"}, "patient_code", "null_characters_not_allowed"),
        ({"attach_anyway": "perhaps"}, "attach_anyway", "invalid"),
    ],
)
def test_an_invalid_field_is_named_and_nothing_is_stored(
    fields: dict[str, str], field: str, code: str, api: APIClient, store: Path
) -> None:
    response = send(api, draw_lesion(), **fields)
    assert response.status_code == 400
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [(field, code)]
    assert kept() == (0, 0, 0, 0)
    assert stored_files(store) == []


@pytest.mark.parametrize("field", ["patientcode", "Modality"])
def test_a_field_that_there_is_not_is_refused_with_the_known_ones(
    field: str, api: APIClient, store: Path, photograph: bytes
) -> None:
    response = send(api, photograph, **{field: "clinical"})
    [error] = response.json()["errors"]
    assert response.status_code == 400
    assert (error["field"], error["code"]) == (field, "unknown_field")
    assert error["detail"].endswith(
        ": image, modality, declared, lesion, patient_code, create_patient, body_site, "
        "side, visit, examination, taken_on, device, external_id, attach_anyway."
    )
    assert kept() == (0, 0, 0, 0)


def test_two_images_in_one_request_are_refused(api: APIClient, store: Path) -> None:
    files = [io.BytesIO(draw_lesion(seed=seed)) for seed in (1, 2)]
    response = api.post(PREDICTIONS, {"image": files}, format="multipart")
    assert response.status_code == 400
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [("image", "repeated_field")]
    assert kept() == (0, 0, 0, 0)


def test_a_bad_choice_is_answered_with_the_choices_in_the_language_of_the_request(api: APIClient, store: Path) -> None:
    [error] = send(api, draw_lesion(), modality="xray").json()["errors"]
    assert error["detail"] == "“xray” is not known; use one of: dermoscopic, clinical."
    form = {"image": io.BytesIO(draw_lesion()), "modality": "xray", "attach_anyway": "maybe"}
    errors = api.post(PREDICTIONS, form, format="multipart", HTTP_ACCEPT_LANGUAGE="ru").json()["errors"]
    assert [error["detail"] for error in errors] == [
        "Значение «xray» неизвестно; возможны: dermoscopic, clinical.",
        "Укажите true или false.",
    ]


def test_what_contradicts_its_lesion_is_refused_by_field(api: APIClient, owner: Membership, photograph: bytes) -> None:
    lesion = factories.LesionFactory.create(patient__clinic=owner.clinic, body_site=BodySite.BACK)
    response = send(api, photograph, lesion=lesion.public_id, patient_code="another", body_site="face")
    assert response.status_code == 400
    fields = {error["field"] for error in response.json()["errors"]}
    assert fields
    assert fields <= {"patient_code", "body_site"}


def test_a_missing_image_is_named(api: APIClient) -> None:
    response = api.post(PREDICTIONS, {"modality": "dermoscopic"}, format="multipart")
    assert response.status_code == 400
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [("image", "required")]


def test_an_unknown_declaration_names_the_field_and_the_known_ones(api: APIClient, photograph: bytes) -> None:
    response = send(api, photograph, declared=["nail", "beard"])
    assert response.status_code == 400
    assert response.json()["errors"] == [
        {
            "field": "declared",
            "code": "invalid_choice",
            "detail": "“beard” is not known; use one of: nail, mucosa, eyelid, ulcer, tattoo.",
        }
    ]
    assert kept() == (0, 0, 0, 0)
