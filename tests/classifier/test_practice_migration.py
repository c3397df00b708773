"""The shares that clinics had set are theirs after the move, and after the way back."""

from decimal import Decimal

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps

from classifier.models import ClinicPractice
from tests import factories
from tests.triggers import lifted_triggers

BEFORE = [("classifier", "0006_search_keys"), ("accounts", "0004_time_zones")]


def migrate(target: list[tuple[str, str]] | None = None) -> StateApps:
    """Migrate to a state before, or to the latest of every application."""
    executor = MigrationExecutor(connection)
    with lifted_triggers():  # as the command does on SQLite
        return executor.migrate(target or executor.loader.graph.leaf_nodes()).apps


@pytest.mark.django_db(transaction=True)
def test_what_clinics_set_goes_with_the_move_and_comes_back() -> None:
    first, second = factories.ClinicFactory.create(), factories.ClinicFactory.create()
    ClinicPractice.objects.create(clinic=first, malignant_percent=Decimal("12.5"))
    former = migrate(BEFORE).get_model("accounts", "Clinic")
    try:
        shares = dict(former.objects.values_list("pk", "malignant_percent"))
        assert shares == {first.pk: Decimal("12.5"), second.pk: Decimal(3)}
        former.objects.filter(pk=second.pk).update(malignant_percent=Decimal("0.5"))
    finally:
        migrate()
    shares = dict(ClinicPractice.objects.values_list("clinic", "malignant_percent"))
    assert shares == {first.pk: Decimal("12.5"), second.pk: Decimal("0.5")}
