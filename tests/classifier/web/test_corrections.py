"""A photograph put right from its reading's page, each time with a reason."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from classifier.models import Lesion, Outcome, Prediction
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from tests import factories
from tests.trail import given_out


def act(site: Client, name: str, prediction: Prediction, **said: str | list[str]) -> tuple[int, str]:
    """Send a correction; gives the last status and page."""
    response = site.post(reverse(name, args=[prediction.image.public_id]), said, follow=True)
    return response.status_code, response.content.decode()


def test_a_photograph_is_moved_to_another_patient_s_lesion(
    site: Client, owner: Membership, read_photograph: Prediction
) -> None:
    other = factories.LesionFactory.create(patient__clinic=owner.clinic)
    status, page = act(
        site,
        "image-move",
        read_photograph,
        patient_code=other.patient.code,
        lesion=str(other.public_id),
        reason="mixed up",
    )
    read_photograph.image.refresh_from_db()
    assert (status, read_photograph.image.lesion) == (200, other)
    assert "The photograph has been moved." in page
    assert "mixed up" in page


def test_a_photograph_is_moved_to_a_new_lesion(site: Client, read_photograph: Prediction) -> None:
    before = read_photograph.image.lesion
    act(site, "image-move", read_photograph, patient_code="p-1", lesion="", body_site="ear", reason="another mole")
    read_photograph.image.refresh_from_db()
    made = read_photograph.image.lesion
    assert made != before
    assert (made.patient, made.body_site) == (before.patient, "ear")


def test_a_photograph_entered_in_error_still_leads_to_its_earlier_readings(
    site: Client, read_photograph: Prediction
) -> None:
    act(site, "image-modality", read_photograph, modality="clinical", reason="no dermatoscope")
    newest = read_photograph.image.predictions.latest("pk")
    _status, page = act(site, "image-error", read_photograph, reason="another person's skin")
    assert "entered in error" in page
    assert newest != read_photograph
    assert reverse("reading", args=[read_photograph.public_id]) in page


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"patient_code": "nobody", "reason": "kept words"}, "No patient of this clinic has this code"),
        ({"patient_code": "", "reason": "kept words"}, "This field is required"),
        ({"patient_code": "P-1", "reason": ""}, "This field is required"),
        ({"patient_code": "P-1", "reason": "kept words", "lesion": "x"}, "Enter a valid UUID"),
        ({"patient_code": "P-1", "reason": "r" * 501}, "at most 500 characters"),
    ],
)
def test_a_move_that_cannot_be_made_says_why_and_keeps_what_was_typed(
    said: dict[str, str], words: str, site: Client, read_photograph: Prediction
) -> None:
    status, page = act(site, "image-move", read_photograph, **said)
    assert status == 422
    assert words in page
    assert said["reason"] in page
    assert f'value="{said["patient_code"]}"' in page
    assert Lesion.objects.count() == 1


def test_a_lesion_of_another_patient_contradicts_the_code(
    site: Client, owner: Membership, read_photograph: Prediction
) -> None:
    other = factories.LesionFactory.create(patient__clinic=owner.clinic)
    status, page = act(
        site, "image-move", read_photograph, patient_code="P-1", lesion=str(other.public_id), reason="mixed up"
    )
    assert status == 422
    assert "not of that patient" in page
    offered = [str(read_photograph.image.lesion.public_id)]  # to choose from, of the patient whose code was typed
    assert given_out(AuditEvent.objects.get(action="lesion.listed"), Lesion) == offered


def test_moving_to_where_it_is_already_leaves_nothing_behind(site: Client, read_photograph: Prediction) -> None:
    lesion = read_photograph.image.lesion
    status, page = act(
        site, "image-move", read_photograph, patient_code="P-1", lesion=str(lesion.public_id), reason="none"
    )
    assert status == 422
    assert "on this lesion already" in page
    assert Lesion.objects.count() == 1


def test_a_wrong_modality_gets_a_new_reading_and_the_old_one_stays(site: Client, read_photograph: Prediction) -> None:
    outcome = read_photograph.outcome
    status, page = act(site, "image-modality", read_photograph, modality="clinical", reason="no dermatoscope was used")
    new = Prediction.objects.get(image=read_photograph.image, modality="clinical")
    read_photograph.refresh_from_db()
    assert status == 200
    assert (new.outcome, read_photograph.outcome) == (Outcome.NOT_ASSESSABLE, outcome)
    assert "Change to a dermoscopic photograph" in page
    assert reverse("reading", args=[read_photograph.public_id]) in page


def test_the_page_says_which_modality_its_form_corrects_to(site: Client, read_photograph: Prediction) -> None:
    page = site.get(reverse("reading", args=[read_photograph.public_id])).content.decode()
    assert '<input type="hidden" name="modality" value="clinical">' in page


def test_a_correction_of_the_modality_sent_twice_is_not_turned_back(site: Client, read_photograph: Prediction) -> None:
    said = {"modality": "clinical", "reason": "no dermatoscope was used"}
    act(site, "image-modality", read_photograph, **said)
    status, page = act(site, "image-modality", read_photograph, **said)
    read_photograph.image.refresh_from_db()
    assert (status, read_photograph.image.modality) == (200, "clinical")
    status, page = act(site, "image-modality", read_photograph, **said | {"reason": "another reason"})
    assert status == 422
    assert "recorded like this already" in page
    assert Prediction.objects.filter(image=read_photograph.image).count() == 2


def test_a_photograph_entered_in_error_says_so_and_offers_no_more(site: Client, read_photograph: Prediction) -> None:
    status, page = act(site, "image-error", read_photograph, reason="a photograph of the floor")
    assert status == 200
    assert "It and its readings do not count" in page
    assert "a photograph of the floor" in page
    assert 'id="corrections-title"' not in page
    status, page = act(site, "image-modality", read_photograph, modality="clinical", reason="clinical")
    assert status == 422


@pytest.mark.parametrize("name", ["image-modality", "image-declared", "image-error"])
def test_a_correction_needs_a_reason(name: str, site: Client, read_photograph: Prediction) -> None:
    status, page = act(site, name, read_photograph, reason="  ")
    assert status == 422
    assert "This field is required" in page
    assert page.count('<details class="disclosure" open>') == 1
    read_photograph.image.refresh_from_db()
    assert read_photograph.image.entered_in_error_at is None


@pytest.mark.parametrize("name", ["image-move", "image-modality", "image-declared", "image-error"])
def test_the_address_of_a_correction_leads_to_the_reading(name: str, site: Client, read_photograph: Prediction) -> None:
    response = site.get(reverse(name, args=[read_photograph.image.public_id]))
    assert response["Location"] == reverse("reading", args=[read_photograph.public_id])


def test_what_was_not_declared_is_put_right_by_a_new_reading(site: Client, read_photograph: Prediction) -> None:
    status, page = act(site, "image-declared", read_photograph, declared=["tattoo"], reason="under the ink")
    new = Prediction.objects.get(image=read_photograph.image, declared="tattoo")
    assert (status, new.reason) == (200, "tattoo")
    assert "The network has learnt no lesions in tattoos" in page
    assert 'value="tattoo" id="declared_declared_4" checked' in page
    assert reverse("reading", args=[read_photograph.public_id]) in page


def test_a_declaration_that_cannot_be_corrected_keeps_what_was_ticked(
    site: Client, read_photograph: Prediction
) -> None:
    status, page = act(site, "image-declared", read_photograph, declared=["tattoo", "beard"], reason="")
    assert status == 422
    assert "“beard” is not known" in page
    assert re.search('value="tattoo"[^>]* checked', page)
    assert not read_photograph.image.corrections.exists()
