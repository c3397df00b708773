"""What is odd about a patient's code."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from classifier.models import Patient
from classifier.services.codes import find_look_alikes, looks_personal, warn_of_code
from classifier.services.patients import Expected, create_patient, find_or_create_patient
from skinsite.accounts.models import Membership
from tests.factories import PatientFactory


@pytest.mark.parametrize(
    "code",
    [
        "Иванова Мария 12.03.1980",
        "Иванова М.А.",
        "Ivanova, Maria",
        "12.03.1980",
        "3.12.1980",
        "12/31/1980",
        "1980-03-12",
        "12.03.80",
        "P-12031980",
        "19800312",
        "１２.０３.１９８０",
        "123-456-789 00",
        "79123456789",
        "+7 (912) 345-67-89",
        "1234 5678 9012 3456",
        "maria@post.example",
    ],
)
def test_a_name_a_date_or_a_personal_number_is_noticed(code: str) -> None:
    assert looks_personal(code)


@pytest.mark.parametrize(
    "code", ["P-1024", "2024-00001", "DEMO-01", "P 1024", "Ключ-17", "20240001", "3.5.12", "P-ABCDEF", "2024-13-40"]
)
def test_a_code_that_says_nothing_is_left_alone(code: str) -> None:
    assert not looks_personal(code)


@pytest.mark.parametrize("code", ["\u0301", "\u0301\u0483", "\u200b", "\u2800", "\ufffc\U000e0100"])
@pytest.mark.parametrize(
    ("language", "words"), [("en", "Give a code that can be read."), ("ru", "Укажите читаемый код.")]
)
def test_a_code_that_shows_nothing_makes_no_patient(owner: Membership, code: str, language: str, words: str) -> None:
    with translation.override(language), pytest.raises(ValidationError) as caught:
        find_or_create_patient(actor=owner, code=code, expected=Expected.EITHER)
    assert caught.value.message_dict == {"patient_code": [words]}
    with pytest.raises(ValidationError):
        create_patient(actor=owner, code=code)
    assert not Patient.objects.exists()


def test_look_alikes_are_those_of_the_clinic_and_never_the_patient_itself(
    owner: Membership, stranger: Membership
) -> None:
    latin = PatientFactory.create(clinic=owner.clinic, code="P-1024")
    cyrillic = PatientFactory.create(clinic=owner.clinic, code="Р-1024")
    PatientFactory.create(clinic=stranger.clinic, code="P-1O24")
    PatientFactory.create(clinic=owner.clinic, code="P-1025")

    assert find_look_alikes(owner, "p-1024") == [cyrillic]
    assert find_look_alikes(owner, "P-1O24") == [latin, cyrillic]
    assert [each.code for each in warn_of_code(owner, cyrillic.code, patient=cyrillic)] == ["look_alike"]
    assert warn_of_code(owner, "B-7") == []
    assert Patient.objects.count() == 4
