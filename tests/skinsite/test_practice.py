"""The share of malignant lesions that a clinic sets: by whom, within which limits."""

from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse

from skinsite.accounts.models import Clinic, Membership
from skinsite.accounts.services import set_malignant_percent
from skinsite.audit.models import AuditEvent
from tests.skinsite.conftest import SignIn


def test_an_administrator_sets_the_share_of_the_clinic_alone(
    administrator: Membership, stranger: Membership, sign_in: SignIn
) -> None:
    response = sign_in(administrator).post(reverse("clinic-practice"), {"malignant_percent": "7.5"}, follow=True)

    assert "The share of malignant lesions is set." in response.content.decode()
    assert 'value="7.5"' in response.content.decode()
    assert Clinic.objects.get(pk=administrator.clinic_id).malignant_percent == Decimal("7.5")
    assert Clinic.objects.get(pk=stranger.clinic_id).malignant_percent == 3
    event = AuditEvent.objects.get(action="clinic.malignant_percent_set")
    assert (event.clinic, event.details) == (administrator.clinic, {"before": "3.0", "after": "7.5"})


@pytest.mark.parametrize("share", ["0", "0.05", "50.1", "100", "-3", "many", ""])
def test_a_share_out_of_range_is_refused_and_stays_typed(
    share: str, administrator: Membership, sign_in: SignIn
) -> None:
    response = sign_in(administrator).post(reverse("clinic-practice"), {"malignant_percent": share})

    assert response.status_code == 422
    assert "Malignant lesions among those photographed here (%)</a>:" in response.content.decode()
    assert f'value="{share}"' in response.content.decode() or not share
    assert Clinic.objects.get(pk=administrator.clinic_id).malignant_percent == 3


@pytest.mark.parametrize("share", ["0.1", "50"])
def test_the_ends_of_the_range_are_in_it(share: str, administrator: Membership, sign_in: SignIn) -> None:
    assert sign_in(administrator).post(reverse("clinic-practice"), {"malignant_percent": share}).status_code == 302
    assert Clinic.objects.get(pk=administrator.clinic_id).malignant_percent == Decimal(share)


@pytest.mark.parametrize(("language", "typed"), [("ru", "7,5"), ("ru", "7.5"), ("en", "7.5"), ("en", "7,5")])
def test_the_share_is_read_and_written_with_the_reader_s_decimal_sign(
    language: str, typed: str, administrator: Membership, sign_in: SignIn
) -> None:
    client = sign_in(administrator)
    client.post(reverse("clinic-practice"), {"malignant_percent": typed}, headers={"accept-language": language})
    assert Clinic.objects.get(pk=administrator.clinic_id).malignant_percent == Decimal("7.5")
    page = client.get(reverse("clinic"), headers={"accept-language": language}).content.decode()
    assert f'value="{ {"ru": "7,5", "en": "7.5"}[language] }"' in page


def test_an_administrator_renames_the_clinic_and_nobody_else_does(
    administrator: Membership, owner: Membership, stranger: Membership, sign_in: SignIn
) -> None:
    client = sign_in(administrator)
    page = client.post(reverse("clinic-rename"), {"name": "  Skin   centre "}, follow=True).content.decode()
    assert "The clinic has its new name." in page
    assert Clinic.objects.get(pk=administrator.clinic_id).name == "Skin centre"
    assert AuditEvent.objects.get(action="clinic.renamed").details["after"] == "Skin centre"
    taken = client.post(reverse("clinic-rename"), {"name": stranger.clinic.name.upper()})
    assert taken.status_code == 422
    assert "There is a clinic of this name already" in taken.content.decode()
    assert client.post(reverse("clinic-rename"), {"name": " "}).status_code == 422
    assert sign_in(owner).post(reverse("clinic-rename"), {"name": "Mine"}).status_code == 403
    assert Clinic.objects.get(pk=administrator.clinic_id).name == "Skin centre"


def test_only_administrators_set_it(owner: Membership, reviewer: Membership, sign_in: SignIn) -> None:
    for member in (owner, reviewer):
        assert sign_in(member).post(reverse("clinic-practice"), {"malignant_percent": "9"}).status_code == 403
        with pytest.raises(PermissionDenied):
            set_malignant_percent(actor=member, malignant_percent=Decimal(9))


def test_the_service_and_the_database_refuse_what_is_out_of_range(administrator: Membership) -> None:
    with pytest.raises(ValidationError) as refusal:
        set_malignant_percent(actor=administrator, malignant_percent=Decimal(51))
    assert refusal.value.message_dict == {"malignant_percent": ["Give a share from 0.1 to 50 per cent."]}
    with pytest.raises(IntegrityError), transaction.atomic():
        Clinic.objects.filter(pk=administrator.clinic_id).update(malignant_percent=0)
