"""A form sent twice is one act, and is answered twice alike."""

import re
import uuid
from datetime import datetime
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from classifier.models import ImageCorrection, Lesion, Patient, Prediction, Review
from classifier.services.reviews import add_review
from skinsite.accounts.models import Invitation, Membership
from skinsite.audit.models import AuditEvent
from tests import factories
from tests.classifier.web.conftest import ClientFor


@pytest.fixture
def reading(owner: Membership) -> Prediction:
    made: Prediction = factories.DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic)
    return made


def mark_of(site: Client, address: str, form: str = "") -> str:
    """The mark of the copy of a form that a page shows; ``form`` is where the form goes."""
    text = site.get(address).content.decode()
    found = re.search(r'name="once" value="([0-9a-f-]{36})"', text[text.index(form) if form else 0 :])
    assert found is not None
    return found[1]


def send_twice(site: Client, address: str, said: dict[str, str]) -> tuple[Any, Any]:
    return site.post(address, said), site.post(address, said)


def test_an_opinion_sent_twice_is_one_and_one_changed_in_between_is_another(
    reading: Prediction, reviewer: Membership, client_for: ClientFor
) -> None:
    site, address = client_for(reviewer), reverse("admin:classifier_prediction_change", args=[reading.public_id])
    said = {"diagnosis": "NV", "certainty": "high", "once": mark_of(site, address)}
    assert [response.status_code for response in send_twice(site, address, said)] == [302, 302]
    assert Review.objects.count() == 1
    assert AuditEvent.objects.filter(action="review.added").count() == 1
    site.post(address, said | {"diagnosis": "MEL"})
    assert set(Review.objects.values_list("diagnosis", flat=True)) == {"NV", "MEL"}
    site.post(address, said | {"once": mark_of(site, address)})
    assert Review.objects.count() == 3


def test_the_mark_of_a_colleagues_form_takes_nothing_of_theirs(reading: Prediction, owner: Membership) -> None:
    once, first, second = (
        uuid.uuid4(),
        *factories.MembershipFactory.create_batch(2, clinic=owner.clinic, role="reviewer"),
    )
    reviews = [
        add_review(actor=actor, prediction=reading, diagnosis="NV", certainty="high", once=once)
        for actor in (first, second, first)
    ]
    assert [review.reviewer for review in reviews] == [first.user, second.user, first.user]
    assert Review.objects.count() == 2


def test_a_patient_without_a_code_sent_twice_is_one(site: Client) -> None:
    address = reverse("patient-create")
    said = {"code": "", "sex": "female", "once": mark_of(site, address)}
    first, second = send_twice(site, address, said)
    assert first["Location"] == second["Location"] == reverse("patient", args=[Patient.objects.get().public_id])
    site.post(address, said | {"once": mark_of(site, address)})
    assert Patient.objects.count() == 2


def test_a_lesion_sent_twice_is_one_and_two_of_one_site_are_two(site: Client, owner: Membership) -> None:
    patient = factories.PatientFactory.create(clinic=owner.clinic)
    address = reverse("lesion-create", args=[patient.public_id])
    said = {"place_site": "upper_back", "place_side": "midline", "label": "", "once": mark_of(site, address)}
    first, second = send_twice(site, address, said)
    assert first["Location"] == second["Location"] == reverse("lesion", args=[Lesion.objects.get().public_id])
    site.post(address, said | {"once": mark_of(site, address)})
    assert patient.lesions.count() == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("image-move", {"patient_code": "", "lesion": "", "body_site": "ear"}),
        ("image-modality", {"modality": "clinical"}),
        ("image-declared", {"declared": "nail"}),
        ("image-error", {}),
    ],
)
def test_a_correction_sent_twice_is_one_and_no_error(
    name: str, said: dict[str, str], site: Client, reading: Prediction
) -> None:
    image = reading.image
    address = reverse(name, args=[image.public_id])
    said = said | {"reason": "mixed up"}
    if name == "image-move":
        said["patient_code"] = image.lesion.patient.code
        said["once"] = mark_of(site, reverse("reading", args=[reading.public_id]), address)
    first, second = send_twice(site, address, said)
    assert (first.status_code, second.status_code) == (302, 302)
    assert first["Location"] == second["Location"]
    assert ImageCorrection.objects.count() == 1
    assert Lesion.objects.count() == (2 if name == "image-move" else 1)
    assert image.predictions.count() == (2 if name in {"image-modality", "image-declared"} else 1)


def links_mailed() -> list[str]:
    """The links of invitations in the letters, in their order."""
    return [re.findall(r"http://[^\s<\"]+/invitations/\w+/", str(letter.body))[0] for letter in mail.outbox]


def test_an_invitation_sent_twice_is_one_whose_link_works(administrator: Membership, client_for: ClientFor) -> None:
    site = client_for(administrator)
    said = {"email": "new@clinic.example", "role": "clinician", "once": mark_of(site, reverse("clinic"))}
    first, second = send_twice(site, reverse("clinic-invite"), said)
    assert (first.status_code, second.status_code) == (200, 200)
    links = links_mailed()
    assert links[0] == links[1]
    assert Client().get(links[1]).status_code == 200
    assert Invitation.objects.count() == 1
    assert len({letter.body for letter in mail.outbox}) == 1
    site.post(reverse("clinic-invite"), said | {"once": mark_of(site, reverse("clinic"))})
    assert Invitation.objects.filter(revoked_at=None).count() == 1
    assert Client().get(links[1]).status_code == 404


@pytest.mark.parametrize("ended", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now()}])
def test_an_invitation_that_has_ended_is_sent_again_as_another(
    ended: dict[str, datetime], administrator: Membership, client_for: ClientFor
) -> None:
    site = client_for(administrator)
    said = {"email": "new@clinic.example", "role": "clinician", "once": mark_of(site, reverse("clinic"))}
    site.post(reverse("clinic-invite"), said)
    [before] = links_mailed()
    Invitation.objects.update(**ended)
    send_twice(site, reverse("clinic-invite"), said)
    _before, first, second = links_mailed()
    assert before != first == second
    assert Client().get(before).status_code == 404
    assert Client().get(first).status_code == 200
    assert Invitation.objects.count() == 2


def test_a_mark_that_is_none_is_refused_in_words(site: Client) -> None:
    response = site.post(reverse("patient-create"), {"code": "A-1", "sex": "female", "once": "x"})
    assert response.status_code == 422
    assert not Patient.objects.exists()
