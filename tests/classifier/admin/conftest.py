"""What the tests of the admin share: who asks, and readings to look at."""

from collections.abc import Callable

import pytest
from django.test import Client

from classifier.models import Prediction
from skinsite.accounts.models import Membership, User
from tests import factories
from tests.clients import page_client

ClientFor = Callable[[Membership | User], Client]
LIST = "/admin/classifier/prediction/"


@pytest.fixture
def client_for(db: None) -> ClientFor:
    """Gives a browser in which somebody is signed in."""

    def sign_in(who: Membership | User) -> Client:
        client = page_client(who) if isinstance(who, Membership) else Client()
        client.force_login(who if isinstance(who, User) else who.user)
        return client

    return sign_in


@pytest.fixture
def superuser(db: None) -> User:
    """Who runs the site."""
    return User.objects.create_superuser("root@site.example", factories.PASSWORD)


@pytest.fixture
def prediction(owner: Membership) -> Prediction:
    """A finished reading of the owner's clinic."""
    return reading_in(owner)


def reading_in(membership: Membership, code: str = "P-SECRET") -> Prediction:
    """A finished reading in this member's clinic."""
    return factories.DonePredictionFactory.create(
        image__lesion__patient__clinic=membership.clinic, image__lesion__patient__code=code
    )


def page_of(prediction: Prediction) -> str:
    """The address of a reading in the admin."""
    return f"{LIST}{prediction.public_id}/change/"
