"""Where pages say what suspicious means at a clinic's own share of malignant lesions."""

import pytest
from django.test import Client
from django.urls import reverse

from classifier.models import Prediction
from skinsite.accounts.models import Clinic, Membership
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
    Clinic.objects.filter(pk=owner.clinic_id).update(malignant_percent=10)
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
