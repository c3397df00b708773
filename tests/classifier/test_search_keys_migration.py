"""Rows from before the keys: found in every encoding afterwards, and no two patients lost in one."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from classifier.models import Lesion, LesionImage, Patient
from classifier.selectors.history import history
from classifier.services.records import find_patient
from skinsite.accounts.models import Membership
from tests import factories

BEFORE = [("classifier", "0005_defaults_in_the_database")]
AFTER = [("classifier", "0006_search_keys")]


def migrate(target: list[tuple[str, str]]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(target)


@pytest.mark.django_db(transaction=True)
def test_old_rows_are_found_in_every_encoding() -> None:
    actor: Membership = factories.MembershipFactory.create()
    reading = factories.DonePredictionFactory.create(
        image__lesion__patient__clinic=actor.clinic, image__lesion__patient__code="Voß-12"
    )
    twin = factories.PatientFactory.create(clinic=actor.clinic, code="Ключ-и\u0306")
    other = factories.PatientFactory.create(clinic=actor.clinic, code="other")
    migrate(BEFORE)
    try:
        with connection.cursor() as cursor:  # as the release before wrote them
            cursor.execute("UPDATE classifier_patient SET code_key = 'voss-12' WHERE code = 'Voß-12'")
            twins = ("Ключ-и\u0306", "ключ-и\u0306", twin.pk), ("Ключ-й", "ключ-й", other.pk)
            cursor.executemany("UPDATE classifier_patient SET code = %s, code_key = %s WHERE id = %s", twins)
            cursor.execute("UPDATE classifier_lesion SET label = %s", ["вторая и\u0306"])
            cursor.execute("UPDATE classifier_lesionimage SET original_name = %s", ["Родинка и\u0306.jpg"])
    finally:
        migrate(AFTER)

    assert find_patient(actor=actor, code="VOẞ-12") == reading.image.lesion.patient
    assert find_patient(actor=actor, code="Voss-12") is None
    assert find_patient(actor=actor, code="ключ-й") in (twin, other)
    assert Patient.objects.filter(clinic=actor.clinic, code_key__contains="ключ-й").count() == 2
    assert Lesion.objects.get().label == "вторая й"
    assert LesionImage.objects.get().original_name == "Родинка й.jpg"
    for search in ("ВТОРАЯ Й", "родинка и\u0306", "voß"):
        assert list(history(actor, search=search)) == [reading]
