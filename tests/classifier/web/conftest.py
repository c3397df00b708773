"""What the tests of the pages share: signed-in clients, and a photograph that was read."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from classifier.models import ModelVersion, Prediction
from classifier.services.intake import receive_upload
from classifier.services.upload import Upload
from skinsite.accounts.models import Membership
from tests.clients import page_client
from tests.network import put_into_service

ClientFor = Callable[[Membership], Client]


@pytest.fixture
def active_model(store: Path, bundle_with_cases: Path, db: None) -> ModelVersion:
    """The shipped network with a few similar cases, active."""
    return put_into_service(bundle_with_cases)


@pytest.fixture
def client_for(db: None) -> ClientFor:
    """Gives a browser in which a member is signed in."""

    def sign_in(membership: Membership) -> Client:
        client = page_client(membership)
        client.force_login(membership.user)
        return client

    return sign_in


@pytest.fixture
def site(owner: Membership, client_for: ClientFor) -> Client:
    """The browser of the clinician whose patients a test is about."""
    return client_for(owner)


@pytest.fixture
def read_photograph(owner: Membership, active_model: ModelVersion, photograph: bytes) -> Prediction:
    """A photograph of patient P-1 that the shipped network has read."""
    receipt = receive_upload(
        actor=owner, upload=Upload(data=photograph, original_name="mole.jpg", patient_code="P-1", body_site="back")
    )
    return receipt.prediction
