"""Photographs sent by people: one, many, good, bad; as a plain form and row by row."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from classifier.models import Lesion, LesionImage, Modality, ModelVersion, Outcome, Patient, Prediction, Status
from classifier.services import intake
from classifier.web.views import capture
from ml.serve.decode_process import DecoderBusyError
from ml.serve.image_io import LIMITS
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from tests import factories
from tests.classifier.conftest import draw_lesion
from tests.ml import hostile
from tests.trail import given_out

ROW = {"HX-Request": "true"}
NEW = {"modality": "dermoscopic", "new_patient": "on"}


def upload(content: bytes, name: str = "mole.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="image/jpeg")


def test_one_photograph_by_a_plain_form_leads_to_its_reading(
    site: Client, active_model: ModelVersion, photograph: bytes
) -> None:
    said = {
        "image": upload(photograph),
        "modality": "dermoscopic",
        "new_patient": "on",
        "patient_code": "P-7",
        "body_site": "face",
    }
    response = site.post(reverse("upload"), said)
    prediction = Prediction.objects.get()
    assert response.status_code == 302
    assert response["Location"] == reverse("reading", args=[prediction.public_id]) + "?new-patient=1"
    assert prediction.status == Status.DONE
    lesion = prediction.image.lesion
    assert (lesion.patient.code, lesion.body_site, prediction.image.original_name) == ("P-7", "face", "mole.jpg")


def test_a_bad_file_of_a_batch_is_named_with_its_remedy_and_the_rest_goes_on(
    site: Client, active_model: ModelVersion
) -> None:
    first, last = draw_lesion(seed=1), draw_lesion(seed=2)
    files = [upload(first, "first.jpg"), upload(b"words", "notes.jpg"), upload(last, "last.jpg")]
    response = site.post(reverse("upload"), NEW | {"image": files, "patient_code": "P-7"})
    page = response.content.decode()
    assert response.status_code == 422
    assert sorted(LesionImage.objects.values_list("original_name", flat=True)) == ["first.jpg", "last.jpg"]
    assert "notes.jpg" in page
    assert "save the photograph as JPEG" in page
    assert "It was not stored" in page
    assert page.count("Open the reading") == 2


def test_what_was_typed_stays_when_a_file_is_refused(site: Client, active_model: ModelVersion) -> None:
    said = {"image": upload(b""), "modality": "clinical", "patient_code": "P-kept", "body_site": "scalp"}
    page = site.post(reverse("upload"), said).content.decode()
    assert "The image file is empty" in page
    assert 'value="P-kept"' in page
    assert '<option value="scalp" selected>' in page
    assert 'value="clinical" id="id_modality_1" required checked' in page


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no image at all", "not a JPEG, PNG, WebP, TIFF or HEIC"),
        (draw_lesion()[:2000], "cut off or damaged"),
        (draw_lesion(size=(300, 200)), "the least is 224"),
        (b"\xff\xd8\xff" + bytes(LIMITS.max_bytes), "the limit is 25 MB"),
    ],
    ids=["no image", "truncated", "too small", "too large"],
)
def test_a_row_says_what_is_wrong_the_limit_and_the_remedy(
    content: bytes, words: str, site: Client, active_model: ModelVersion
) -> None:
    response = site.post(reverse("upload"), NEW | {"image": upload(content)}, headers=ROW)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert "<html" not in response.content.decode()
    assert not LesionImage.objects.exists()


def test_a_row_is_answered_with_its_reading(site: Client, active_model: ModelVersion, photograph: bytes) -> None:
    response = site.post(reverse("upload"), NEW | {"image": upload(photograph)}, headers=ROW)
    prediction = Prediction.objects.get()
    page = response.content.decode()
    assert response.status_code == 200
    assert f'data-reading-url="{reverse("reading", args=[prediction.public_id])}?new-patient=1"' in page
    assert str(prediction.get_outcome_display()) in page
    assert "hx-get" not in page


def test_a_clinical_photograph_is_kept_and_not_read(
    site: Client, active_model: ModelVersion, photograph: bytes
) -> None:
    site.post(reverse("upload"), {"image": upload(photograph), "modality": "clinical", "new_patient": "on"})
    prediction = Prediction.objects.get()
    assert (prediction.image.modality, prediction.outcome) == (Modality.CLINICAL, Outcome.NOT_ASSESSABLE)
    assert prediction.model_version is None


def test_without_a_model_a_row_waits_says_why_and_asks_again(site: Client, store: object, photograph: bytes) -> None:
    response = site.post(reverse("upload"), NEW | {"image": upload(photograph)}, headers=ROW)
    prediction = Prediction.objects.get()
    page = response.content.decode()
    assert prediction.status == Status.QUEUED
    assert "Readings are unavailable" in page
    assert f'hx-get="{reverse("reading-status", args=[prediction.public_id])}?part=row"' in page


def test_the_same_bytes_on_another_lesion_are_told_and_kept_if_wanted(
    site: Client, read_photograph: Prediction, photograph: bytes
) -> None:
    said = NEW | {"patient_code": "P-2"}
    response = site.post(reverse("upload"), said | {"image": upload(photograph)}, headers=ROW)
    page = response.content.decode()
    assert response.status_code == 422
    assert reverse("lesion", args=[read_photograph.image.lesion.public_id]) in page
    assert 'name="attach_anyway" value="true"' in page
    again = said | {"image": upload(photograph), "attach_anyway": "true"}
    assert site.post(reverse("upload"), again, headers=ROW).status_code == 200
    assert LesionImage.objects.filter(examination__lesion__patient__code="P-2").count() == 1


def test_a_photograph_that_is_there_already_gives_its_reading(
    site: Client, read_photograph: Prediction, photograph: bytes
) -> None:
    said = {"image": upload(photograph), "modality": "dermoscopic", "patient_code": "P-1"}
    page = site.post(reverse("upload"), said, headers=ROW).content.decode()
    assert "has been added before" in page
    assert str(read_photograph.public_id) in page
    assert LesionImage.objects.count() == 1


def test_a_photograph_goes_to_the_lesion_chosen(site: Client, owner: Membership, active_model: ModelVersion) -> None:
    lesion = factories.LesionFactory.create(patient__clinic=owner.clinic)
    said = {"modality": "dermoscopic", "patient_code": lesion.patient.code, "lesion": str(lesion.public_id)}
    site.post(reverse("upload"), said | {"image": upload(draw_lesion(seed=3))})
    assert LesionImage.objects.get().lesion == lesion


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"modality": "x-ray"}, "Kind of photograph"),
        ({"modality": "dermoscopic", "body_site": "antenna"}, "Body site"),
        ({"modality": "dermoscopic", "patient_code": "P" * 41}, "Patient code"),
        ({"modality": "dermoscopic", "lesion": "not-an-id"}, "Lesion"),
        ({"modality": "dermoscopic", "lesion": "3fa85f64-5717-4562-b3fc-2c963f66afa6"}, "no such lesion"),
    ],
)
def test_a_field_that_is_wrong_is_named(
    said: dict[str, str], words: str, site: Client, active_model: ModelVersion, photograph: bytes
) -> None:
    response = site.post(reverse("upload"), said | {"image": upload(photograph)}, headers=ROW)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not LesionImage.objects.exists()


def test_a_form_without_a_photograph_asks_for_one(site: Client) -> None:
    response = site.post(reverse("upload"), {"modality": "dermoscopic", "patient_code": "P-9"})
    assert response.status_code == 422
    assert "Choose a photograph first" in response.content.decode()
    assert 'value="P-9"' in response.content.decode()


def test_the_page_starts_with_the_lesion_that_it_was_opened_from(site: Client, owner: Membership) -> None:
    lesion = factories.LesionFactory.create(patient__clinic=owner.clinic, label="third from left")
    page = site.get(reverse("upload"), {"lesion": str(lesion.public_id)}).content.decode()
    assert f'value="{lesion.patient.code}"' in page
    assert f'<option value="{lesion.public_id}" selected>Back, third from left</option>' in page
    assert given_out(AuditEvent.objects.get(action="lesion.listed"), Lesion) == [str(lesion.public_id)]


@pytest.mark.parametrize("nonsense", ["", "x", "%00", "' OR 1=1 --"])
def test_a_lesion_that_is_nonsense_leaves_the_form_empty(nonsense: str, site: Client) -> None:
    assert site.get(reverse("upload"), {"lesion": nonsense}).status_code == 200


def test_patients_and_lesions_are_found_as_one_types(site: Client, owner: Membership) -> None:
    lesion = factories.LesionFactory.create(patient__clinic=owner.clinic, patient__code="Berg-17")
    found = site.get(reverse("patient-search"), {"patient_code": "berg"}).content.decode()
    assert 'value="Berg-17"' in found
    found = site.get(reverse("lesion-search"), {"patient_code": "BERG-17"}).content.decode()
    assert str(lesion.public_id) in found
    assert found.index("New lesion") < found.index(str(lesion.public_id))
    assert site.get(reverse("patient-search"), {"patient_code": ""}).content.strip() == b""


def test_codes_are_found_in_any_case_of_any_alphabet_and_without_signs_that_nobody_sees(
    site: Client, owner: Membership
) -> None:
    lesion = factories.LesionFactory.create(patient__clinic=owner.clinic, patient__code="Ключ-17")
    for typed in ("ключ-17", "\x00КЛЮЧ-17"):
        assert 'value="Ключ-17"' in site.get(reverse("patient-search"), {"patient_code": typed}).content.decode()
        found = site.get(reverse("lesion-search"), {"patient_code": typed}).content.decode()
        assert str(lesion.public_id) in found
    page = site.post(reverse("upload"), {"patient_code": "ключ\x00-17", "modality": "dermoscopic"})
    assert page.status_code == 422
    assert str(lesion.public_id) in page.content.decode()


def test_what_is_declared_comes_with_the_photograph_and_shows_in_the_reading(
    site: Client, active_model: ModelVersion, photograph: bytes
) -> None:
    said = {**NEW, "image": upload(photograph), "declared": ["nail", "ulcer"]}
    page = site.post(reverse("upload"), said, follow=True).content.decode()
    assert LesionImage.objects.get().declared_codes == ["nail", "ulcer"]
    assert "The network has learnt no lesions of nails" in page
    assert "On a nail, Ulcerated" in page


def test_what_was_declared_stays_ticked_when_a_file_is_refused(site: Client, active_model: ModelVersion) -> None:
    said = {"image": upload(b""), "modality": "dermoscopic", "declared": ["mucosa"]}
    page = site.post(reverse("upload"), said).content.decode()
    assert 'value="mucosa" id="id_declared_1" checked' in page
    assert page.count(" checked>") == 3  # with the modality, in the form and in the row yet to be


def test_an_unknown_declaration_is_named_with_the_known_ones(
    site: Client, active_model: ModelVersion, photograph: bytes
) -> None:
    said = {"image": upload(photograph), "modality": "dermoscopic", "declared": "beard"}
    response = site.post(reverse("upload"), said, headers=ROW)
    assert response.status_code == 422
    assert "Special site or state: “beard” is not known; use one of: nail, mucosa" in response.content.decode()


@pytest.mark.parametrize("code", ["2024-0000", "2024-000О1", ""], ids=["half typed", "typo", "none"])
@pytest.mark.parametrize("headers", [ROW, {}], ids=["row", "plain form"])
@pytest.mark.usefixtures("active_model")
def test_no_patient_is_made_unless_somebody_says_that_it_is_a_new_one(
    code: str, headers: dict[str, str], site: Client, owner: Membership, photograph: bytes
) -> None:
    factories.PatientFactory.create(clinic=owner.clinic, code="2024-00001")
    said = {"modality": "dermoscopic", "patient_code": code}
    response = site.post(reverse("upload"), said | {"image": upload(photograph)}, headers=headers)
    page = response.content.decode()
    assert response.status_code == 422
    assert Patient.objects.count() == 1
    assert not LesionImage.objects.exists()
    assert 'name="new_patient"' in page
    again = said | {"image": upload(photograph), "new_patient": "true"}
    assert site.post(reverse("upload"), again, headers=headers).status_code < 400
    assert Patient.objects.count() == 2


def test_a_known_code_files_there_and_is_no_new_patient(
    site: Client, owner: Membership, active_model: ModelVersion, photograph: bytes
) -> None:
    known = factories.PatientFactory.create(clinic=owner.clinic, code="Ключ-й")
    said = {"modality": "dermoscopic", "patient_code": "КЛЮЧ-и\u0306"}
    refused = site.post(reverse("upload"), said | {"image": upload(photograph), "new_patient": "on"}, headers=ROW)
    assert "There is a patient “Ключ-й” already" in refused.content.decode()
    site.post(reverse("upload"), said | {"image": upload(photograph)}, headers=ROW)
    assert LesionImage.objects.get().lesion.patient == known


def test_a_code_that_looks_like_anothers_is_told_before_and_after(
    site: Client, owner: Membership, active_model: ModelVersion, photograph: bytes
) -> None:
    factories.PatientFactory.create(clinic=owner.clinic, code="P-1024")
    said = {"modality": "dermoscopic", "patient_code": "Р-1024"}
    asked = site.post(reverse("upload"), said | {"image": upload(photograph)}, headers=ROW).content.decode()
    assert "A code that looks alike: “P-1024”" in asked
    assert "New patient “Р-1024”" in asked
    again = said | {"image": upload(photograph), "new_patient": "true"}
    page = site.post(reverse("upload"), again, follow=True).content.decode()
    assert "New patient created: Р-1024" in page
    assert "has a code that looks alike: “P-1024”" in page


def test_a_new_patient_of_several_photographs_is_made_once(site: Client, active_model: ModelVersion) -> None:
    files = [upload(b"words", "notes.jpg"), upload(draw_lesion(seed=1)), upload(draw_lesion(seed=2))]
    site.post(reverse("upload"), NEW | {"image": files})
    assert LesionImage.objects.count() == 2
    assert Patient.objects.count() == 1


def test_a_form_of_many_photographs_ends_whole_and_names_those_that_it_had_no_time_for(
    site: Client, active_model: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "FORM_SECONDS", 0.0)
    files = [SimpleUploadedFile(f"{number}.jpg", draw_lesion(seed=number)) for number in range(3)]
    page = site.post(reverse("upload"), {"image": files, "modality": "dermoscopic", "new_patient": "on"})
    said = page.content.decode()
    assert page.status_code == 422
    assert said.count("the photographs before it took too long") == 3
    assert all(f"{number}.jpg" in said for number in range(3))
    assert LesionImage.objects.count() == 0


def test_a_form_of_costly_photographs_refuses_each_by_name_and_keeps_the_others(
    site: Client, active_model: ModelVersion
) -> None:
    costly = hostile.scans(2_000)
    files = [SimpleUploadedFile(f"costly-{number}.jpg", costly + bytes([number])) for number in range(17)]
    files.insert(5, SimpleUploadedFile("ordinary.jpg", draw_lesion()))
    page = site.post(reverse("upload"), {"image": files, "modality": "dermoscopic", "new_patient": "on"})
    said = page.content.decode()
    assert page.status_code == 422
    assert said.count("2000 passes, the limit is 100") == 17
    assert LesionImage.objects.get().original_name == "ordinary.jpg"


def test_who_finds_no_turn_to_be_decoded_is_told_so(
    site: Client, active_model: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_data: bytes, **_options: object) -> None:
        raise DecoderBusyError

    monkeypatch.setattr(intake, "normalise_guarded", busy)
    site.raise_request_exception = False
    for address, fields in ((reverse("upload"), NEW), ("/api/v1/predictions/", {})):
        answer = site.post(address, {"image": upload(draw_lesion())} | fields)
        assert "Send it again in a minute" in answer.content.decode()
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, "busy")
    assert LesionImage.objects.count() == 0
