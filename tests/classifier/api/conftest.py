"""What the tests of the API share: clients with tokens, and no limits."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from classifier.models import Lesion, LesionImage, Patient, Prediction
from skinsite.accounts.models import ApiToken, Membership, Scope

PREDICTIONS = "/api/v1/predictions/"
LISTS = ("patients", "lesions", "visits", "examinations", "images", "predictions", "lesion-readings", "reviews")

ClientFor = Callable[[Membership], APIClient]


@pytest.fixture(autouse=True)
def _no_limits(settings: Settings) -> None:
    """No test is stopped by what another has sent; those of the limits set their own."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS)


def create_token(membership: Membership, lifetime: timedelta = timedelta(days=1), scope: Scope = Scope.WRITE) -> str:
    """A key for the membership."""
    _token, key = ApiToken.objects.create(membership.user, expiry=lifetime, membership=membership, scope=scope)
    return str(key)


@pytest.fixture
def client_for(db: None) -> ClientFor:
    """Gives a client that carries the token of a membership."""

    def build(membership: Membership) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {create_token(membership)}")
        return client

    return build


@pytest.fixture
def api(owner: Membership, client_for: ClientFor) -> APIClient:
    """The client of the clinician whose patients a test is about."""
    return client_for(owner)


def send(api: APIClient, data: bytes, *, name: str = "lesion.jpg", **fields: Any) -> Any:
    """Send a photograph as a form does."""
    file = io.BytesIO(data)
    file.name = name
    return api.post(PREDICTIONS, {"image": file, **fields}, format="multipart")


def kept() -> tuple[int, int, int, int]:
    """How many patients, lesions, photographs and readings there are."""
    return Patient.objects.count(), Lesion.objects.count(), LesionImage.objects.count(), Prediction.objects.count()


def stored_files(folder: Path) -> list[Path]:
    """The files of photographs and thumbnails."""
    return [path for path in folder.rglob("*") if path.is_file()]
