"""Patients and lesions: made, changed, listed; what was typed stays."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from classifier.models import Lesion, Patient
from skinsite.accounts.models import Membership
from tests import factories
from tests.classifier.web.queries import count_queries


@pytest.fixture
def patient(owner: Membership) -> Patient:
    return factories.PatientFactory.create(clinic=owner.clinic, code="Berg-17")


def test_a_patient_is_made(site: Client, owner: Membership) -> None:
    response = site.post(reverse("patient-create"), {"code": "Berg-17", "sex": "female", "birth_year": "1960"})
    made = Patient.objects.get()
    assert response["Location"] == reverse("patient", args=[made.public_id])
    assert (made.code, made.sex, made.birth_year, made.clinic) == ("Berg-17", "female", 1960, owner.clinic)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"code": "Berg-17", "sex": "female"}, "Another patient of this clinic has this code"),
        ({"code": "New-1", "sex": "female", "birth_year": "1492"}, "Give a year from 1900"),
        ({"code": "New-1", "sex": "female", "birth_year": "soon"}, "Enter a whole number"),
        ({"code": "N" * 41, "sex": "female"}, "at most 40 characters"),
        ({"code": "New-1", "sex": "neither"}, "not one of the available choices"),
    ],
)
def test_a_wrong_field_is_named_at_the_field_and_at_the_top_and_what_was_typed_stays(
    said: dict[str, str], words: str, site: Client, patient: Patient
) -> None:
    response = site.post(reverse("patient-create"), said)
    page = response.content.decode()
    assert response.status_code == 422
    assert page.count(words) == 2
    assert f'value="{said["code"]}"' in page
    assert 'aria-invalid="true"' in page
    assert "Nothing has been saved" in page
    assert Patient.objects.count() == 1


def test_a_patient_is_changed(site: Client, patient: Patient) -> None:
    said = {"code": "Berg-18", "sex": "male", "birth_year": "1961"}
    response = site.post(reverse("patient-edit", args=[patient.public_id]), said, follow=True)
    patient.refresh_from_db()
    assert (patient.code, patient.sex, patient.birth_year) == ("Berg-18", "male", 1961)
    assert "The patient has been changed" in response.content.decode()


def test_a_patient_cannot_lose_the_code(site: Client, patient: Patient) -> None:
    response = site.post(reverse("patient-edit", args=[patient.public_id]), {"code": "", "sex": "male"})
    assert response.status_code == 422
    patient.refresh_from_db()
    assert patient.code == "Berg-17"


def test_a_lesion_is_made_and_changed(site: Client, patient: Patient) -> None:
    response = site.post(
        reverse("lesion-create", args=[patient.public_id]),
        {"place_site": "scalp_top", "place_side": "midline", "label": "by the ear"},
    )
    lesion = Lesion.objects.get()
    assert response["Location"] == reverse("lesion", args=[lesion.public_id])
    site.post(
        reverse("lesion-edit", args=[lesion.public_id]),
        {"place_site": "behind_ear", "place_side": "left", "label": "behind it"},
    )
    lesion.refresh_from_db()
    assert (lesion.patient, lesion.body_site, lesion.label) == (patient, "ear", "behind it")
    assert (lesion.region, lesion.side) == ("behind_ear", "left")


def test_a_lesion_of_an_unknown_site_is_refused_and_the_label_stays(site: Client, patient: Patient) -> None:
    response = site.post(
        reverse("lesion-create", args=[patient.public_id]),
        {"place_site": "antenna", "place_side": "left", "label": "by the ear"},
    )
    assert response.status_code == 422
    assert 'value="by the ear"' in response.content.decode()


def test_patients_are_searched_by_code(site: Client, owner: Membership, patient: Patient) -> None:
    factories.PatientFactory.create(clinic=owner.clinic, code="Other-1")
    page = site.get(reverse("patients"), {"q": "berg"}).content.decode()
    assert "Berg-17" in page
    assert "Other-1" not in page
    assert "Nothing matches" in site.get(reverse("patients"), {"q": "nowhere"}).content.decode()
    assert "Berg-17" in site.get(reverse("patients"), {"q": "be\x00rg"}).content.decode()


def test_the_patient_photographed_last_comes_first(site: Client, owner: Membership, patient: Patient) -> None:
    factories.LesionImageFactory.create(lesion__patient=patient)
    factories.PatientFactory.create(clinic=owner.clinic, code="Never-1")
    page = site.get(reverse("patients")).content.decode()
    assert page.index("Berg-17") < page.index("Never-1")


def test_a_patient_s_page_lists_each_lesion_with_its_outcome(site: Client, patient: Patient) -> None:
    lesion = factories.LesionFactory.create(patient=patient, label="by the ear")
    factories.LesionReadingFactory.create(predictions=[factories.DonePredictionFactory.create(image__lesion=lesion)])
    later = factories.DonePredictionFactory.create(image__lesion=lesion, outcome="low_risk", malignant_probability=0.02)
    factories.LesionReadingFactory.create(predictions=[later])
    page = site.get(reverse("patient", args=[patient.public_id])).content.decode()
    assert f"L{lesion.number} · Back, by the ear" in page
    assert "Suspicious" in page
    assert "Low risk" not in page


@pytest.mark.parametrize("name", ["patients", "patient", "lesion"])
def test_lists_take_as_many_queries_for_few_as_for_many(
    name: str, site: Client, owner: Membership, patient: Patient
) -> None:
    lesion = factories.LesionFactory.create(patient=patient)
    factories.LesionReadingFactory.create(predictions=[factories.DonePredictionFactory.create(image__lesion=lesion)])
    subjects = {"patients": [], "patient": [patient.public_id], "lesion": [lesion.public_id]}
    path = reverse(name, args=subjects[name])
    few = count_queries(site, path)
    for _number in range(12):
        for fields in ({"image__lesion": lesion}, {"image__lesion__patient": patient}):
            factories.LesionReadingFactory.create(predictions=[factories.DonePredictionFactory.create(**fields)])
        factories.DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic)
    assert count_queries(site, path) == few


def test_empty_pages_say_what_to_do(site: Client, owner: Membership) -> None:
    assert "No patients yet" in site.get(reverse("patients")).content.decode()
    lesion = factories.LesionFactory.create(patient__clinic=owner.clinic)
    assert "No photographs yet" in site.get(reverse("lesion", args=[lesion.public_id])).content.decode()
    lesion.delete()
    assert "No lesions yet" in site.get(reverse("patient", args=[lesion.patient.public_id])).content.decode()


def test_a_new_patient_is_told_with_what_is_odd_about_the_code(site: Client, owner: Membership) -> None:
    factories.PatientFactory.create(clinic=owner.clinic, code="P-1024")
    page = site.post(reverse("patient-create"), {"code": "Р-1024", "sex": "unknown"}, follow=True).content.decode()
    assert "New patient created: Р-1024" in page
    assert "has a code that looks alike: “P-1024”" in page
    response = site.post(reverse("patient-create"), {"code": "Иванова Мария", "sex": "unknown"}, follow=True)
    assert "looks like a name, a date or a personal number" in response.content.decode()
    assert Patient.objects.count() == 3


def test_a_code_changed_for_a_personal_one_is_told(site: Client, patient: Patient) -> None:
    address = reverse("patient-edit", args=[patient.public_id])
    page = site.post(address, {"code": "12.03.1980", "sex": "male"}, follow=True).content.decode()
    assert "looks like a name, a date or a personal number" in page
    page = site.post(address, {"code": "12.03.1980", "sex": "female"}, follow=True).content.decode()
    assert "personal number" not in page


@pytest.mark.parametrize("page", ["lesion", "reading"])
def test_a_page_of_a_lesion_costs_the_same_for_30_photographs_and_for_90_and_has_all_of_them_by_pages(
    site: Client, owner: Membership, page: str
) -> None:
    def ask(photographs: int) -> tuple[int, str]:  # each at an examination of its own
        lesion = factories.LesionFactory.create(patient__clinic=owner.clinic)
        model = factories.ModelVersionFactory.create()
        readings = [
            factories.DonePredictionFactory.create(image__lesion=lesion, model_version=model)
            for _n in range(photographs)
        ]
        for each in readings:
            factories.LesionReadingFactory.create(predictions=[each])
        address = reverse(page, args=[(lesion if page == "lesion" else readings[0]).public_id])
        site.get(address)
        with CaptureQueriesContext(connection) as asked:
            text = site.get(address).content.decode()
        addresses.append(address)
        return len(asked), text

    addresses: list[str] = []
    few, _text = ask(30)
    many, text = ask(90)
    assert few == many
    if page == "lesion":
        assert "1–25 of 90" in text
        pages = [site.get(f"{addresses[1]}?page={number}").content.decode() for number in range(1, 5)]
        assert [each.count("frame-picture") for each in pages] == [25, 25, 25, 15]
    else:
        assert text.count("reading-item") == 25
        assert "Older examinations are on the page of the lesion." in text
