"""The share of malignant lesions that a clinic sets: by whom, within which limits, and where pages go by it."""

from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from classifier.models import ClinicPractice, Prediction
from classifier.selectors.practice import practice_of
from classifier.services.practice import set_malignant_percent
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from tests import factories
from tests.classifier.presentation.test_practice import MANIFEST
from tests.classifier.web.conftest import ClientFor


@pytest.fixture
def suspicious(owner: Membership) -> Prediction:
    """A suspicious reading by a model whose test is in its manifest."""
    version = factories.ModelVersionFactory.create(manifest=MANIFEST)
    return factories.DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic, model_version=version)


def test_the_card_says_it_by_the_share_of_the_reader_s_own_clinic(
    site: Client, owner: Membership, suspicious: Prediction
) -> None:
    assert suspicious.model_version is not None
    card = reverse("model", args=[suspicious.model_version.public_id])
    assert "about 11 of 100" in site.get(card).content.decode()
    ClinicPractice.objects.create(clinic=owner.clinic, malignant_percent=10)
    assert "about 30 of 100" in site.get(card).content.decode()


def test_no_page_says_it_beside_a_reading(
    site: Client, client_for: ClientFor, reviewer: Membership, suspicious: Prediction
) -> None:
    """It is equal at 8 % and at 99 %: read beside a lesion, it would be taken for that lesion's own figure."""
    beside = {
        reverse("reading", args=[suspicious.public_id]): site,
        reverse("image-readings", args=[suspicious.image.public_id]): site,
        reverse("home"): site,
        reverse("history"): site,
        reverse("lesion", args=[suspicious.image.lesion.public_id]): site,
        reverse("admin:classifier_prediction_change", args=[suspicious.public_id]): client_for(reviewer),
    }
    for address, reader in beside.items():
        assert "of 100" not in reader.get(address).content.decode(), address


def test_an_administrator_sets_the_share_of_the_clinic_alone(
    administrator: Membership, stranger: Membership, client_for: ClientFor
) -> None:
    response = client_for(administrator).post(reverse("clinic-practice"), {"malignant_percent": "7.5"}, follow=True)

    assert "The share of malignant lesions is set." in response.content.decode()
    assert 'value="7.5"' in response.content.decode()
    assert practice_of(administrator).malignant_percent == Decimal("7.5")
    assert practice_of(stranger).malignant_percent == 3
    event = AuditEvent.objects.get(action="clinic.malignant_percent_set")
    assert (event.clinic, event.details) == (administrator.clinic, {"before": "3.0", "after": "7.5"})


@pytest.mark.parametrize("share", ["0", "0.05", "50.1", "100", "-3", "many", ""])
def test_a_share_out_of_range_is_refused_and_stays_typed(
    share: str, administrator: Membership, client_for: ClientFor
) -> None:
    response = client_for(administrator).post(reverse("clinic-practice"), {"malignant_percent": share})

    assert response.status_code == 422
    assert "Malignant lesions among those photographed here (%)</a>:" in response.content.decode()
    assert f'value="{share}"' in response.content.decode() or not share
    assert practice_of(administrator).malignant_percent == 3


@pytest.mark.parametrize("share", ["0.1", "50"])
def test_the_ends_of_the_range_are_in_it(share: str, administrator: Membership, client_for: ClientFor) -> None:
    assert client_for(administrator).post(reverse("clinic-practice"), {"malignant_percent": share}).status_code == 302
    assert practice_of(administrator).malignant_percent == Decimal(share)


@pytest.mark.parametrize(("language", "typed"), [("ru", "7,5"), ("ru", "7.5"), ("en", "7.5"), ("en", "7,5")])
def test_the_share_is_read_and_written_with_the_reader_s_decimal_sign(
    language: str, typed: str, administrator: Membership, client_for: ClientFor
) -> None:
    client = client_for(administrator)
    client.post(reverse("clinic-practice"), {"malignant_percent": typed}, headers={"accept-language": language})
    assert practice_of(administrator).malignant_percent == Decimal("7.5")
    page = client.get(reverse("clinic"), headers={"accept-language": language}).content.decode()
    assert f'value="{ {"ru": "7,5", "en": "7.5"}[language] }"' in page


def test_only_administrators_set_it(owner: Membership, reviewer: Membership, client_for: ClientFor) -> None:
    for member in (owner, reviewer):
        assert client_for(member).post(reverse("clinic-practice"), {"malignant_percent": "9"}).status_code == 403
        with pytest.raises(PermissionDenied):
            set_malignant_percent(actor=member, malignant_percent=Decimal(9))


def test_the_service_and_the_database_refuse_what_is_out_of_range(administrator: Membership) -> None:
    with pytest.raises(ValidationError) as refusal:
        set_malignant_percent(actor=administrator, malignant_percent=Decimal(51))
    assert refusal.value.message_dict == {"malignant_percent": ["Give a share from 0.1 to 50 per cent."]}
    with pytest.raises(IntegrityError), transaction.atomic():
        ClinicPractice.objects.create(clinic=administrator.clinic, malignant_percent=0)
