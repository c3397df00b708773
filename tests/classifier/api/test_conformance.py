"""Schemathesis asks what the description allows, and what it does not, and holds every answer to it."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from skinsite.accounts.models import Membership
from tests import factories
from tests.classifier.api.conftest import create_token

EXAMPLES = 15
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]


def bounded() -> settings:
    """The same few examples each time."""
    return settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """The requests run in the test's own transaction, as with Django's client: they must not close its connection."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def description(owner: Membership) -> BaseSchema:
    """The description as it is served, with something in every list."""
    image = factories.LesionImageFactory.create(lesion__patient__clinic=owner.clinic)
    review = factories.ReviewFactory.create(prediction__image=image)
    factories.LesionReadingFactory.create(predictions=[review.prediction])
    unread = factories.LesionImageFactory.create(lesion=image.lesion)
    factories.PredictionFactory.create(image=unread, waiting_for="no_model")
    return schemathesis.openapi.from_wsgi("/api/v1/schema/", WSGIHandler(), config=SchemathesisConfig())


@pytest.mark.parametrize("mode", list(GenerationMode), ids=[mode.value for mode in GenerationMode])
def test_every_answer_is_as_described(mode: GenerationMode, description: BaseSchema, owner: Membership) -> None:
    headers = {"Authorization": f"Token {create_token(owner)}"}
    operations = [result.ok() for result in description.get_all_operations() if isinstance(result, Ok)]
    assert len(operations) == 22
    for operation in operations:
        ask(operation, mode, headers)


def ask(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, headers: dict[str, str]) -> None:
    """Send one operation's examples and check the answers."""

    @bounded()
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: schemathesis.Case[Any]) -> None:
        if mode is GenerationMode.POSITIVE:
            # Any string fits the description of a cursor; only those that an answer gave are good.
            (case.query or {}).pop("cursor", None)
        # Not every sequence of bytes is a photograph, nor every UUID a lesion: those answers are tested by themselves.
        excluded: list[Any] = [positive_data_acceptance] if case.method in ("POST", "PATCH") else []
        case.call_and_validate(headers=headers, excluded_checks=excluded)

    send()
