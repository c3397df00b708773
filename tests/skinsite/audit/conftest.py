"""What the tests of the trail share."""

from collections.abc import Iterator

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker


@pytest.fixture(params=["sqlite", "postgresql"])
def alias(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Each database, rid of what a test wrote."""
    if request.param == "sqlite":
        request.getfixturevalue("db")
        yield "default"
        return
    alias = request.getfixturevalue("postgres")
    with django_db_blocker.unblock(), transaction.atomic(using=alias):
        yield alias
        transaction.set_rollback(True, using=alias)
