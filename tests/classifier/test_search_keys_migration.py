"""Rows from before the keys: found in every encoding afterwards, and no two patients lost in one."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from classifier.models import Lesion, LesionImage, Patient
from classifier.selectors.history import history
from classifier.services.patients import find_patient
from classifier.services.sweeping import housekeep
from skinsite.accounts.models import Membership
from tests import factories
from tests.triggers import lifted_triggers

BEFORE = [("classifier", "0005_defaults_in_the_database")]


def migrate(target: list[tuple[str, str]] | None = None) -> None:
    """Migrate to a state before, or to the latest of every application."""
    executor = MigrationExecutor(connection)
    with lifted_triggers():  # as the command does on SQLite
        executor.migrate(target or executor.loader.graph.leaf_nodes())


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
        migrate()

    assert find_patient(actor=actor, code="VOẞ-12") == reading.image.lesion.patient
    assert find_patient(actor=actor, code="Voss-12") is None
    assert find_patient(actor=actor, code="ключ-й") in (twin, other)
    assert Patient.objects.filter(clinic=actor.clinic, code_key__contains="ключ-й").count() == 2
    assert Lesion.objects.get().label == "вторая й"
    assert LesionImage.objects.get().original_name == "Родинка й.jpg"
    for search in ("ВТОРАЯ Й", "родинка и\u0306", "voß"):
        assert list(history(actor, search=search)) == [reading]


@pytest.mark.django_db(transaction=True)
def test_keys_that_change_hands_unseen_codes_and_texts_that_grow() -> None:
    actor: Membership = factories.MembershipFactory.create()
    reading = factories.DonePredictionFactory.create(image__lesion__patient__clinic=actor.clinic)
    grown = reading.image.lesion.patient
    heir, former, unseen = factories.PatientFactory.create_batch(3, clinic=actor.clinic)
    migrate(BEFORE)
    try:
        with connection.cursor() as cursor:
            rows = [
                ("Voss-1", "another", heir.pk),
                ("Voß-1", "voss-1", former.pk),
                ("\u200b\u2060", "\u200b\u2060", unseen.pk),
                ("\u0958" * 40, "\u0958" * 40, grown.pk),  # composed, this letter is two
            ]
            cursor.executemany("UPDATE classifier_patient SET code = %s, code_key = %s WHERE id = %s", rows)
            cursor.execute("UPDATE classifier_lesion SET label = %s", ["\u0958" * 80])
            cursor.execute("UPDATE classifier_lesionimage SET original_name = %s", ["\u0958" * 120])
    finally:
        migrate()

    assert find_patient(actor=actor, code="voss-1") == heir
    assert find_patient(actor=actor, code="VOẞ-1") == former
    unseen.refresh_from_db()
    assert unseen.code.isprintable()
    assert find_patient(actor=actor, code=unseen.code) == unseen
    assert find_patient(actor=actor, code="\u200b") is None
    grown.refresh_from_db()
    assert (len(grown.code), len(grown.code_key) <= 120) == (40, True)
    assert len(Lesion.objects.get().label) == 80
    assert len(LesionImage.objects.get().original_name) == 120


@pytest.mark.django_db
def test_what_the_version_before_writes_after_the_migration_is_found_after_the_night() -> None:
    actor: Membership = factories.MembershipFactory.create()
    reading = factories.DonePredictionFactory.create(image__lesion__patient__clinic=actor.clinic)
    Lesion.objects.update(label="Вторая и\u0306", label_key="")
    LesionImage.objects.update(original_name="Родинка.JPG", name_key="")
    assert list(history(actor, search="вторая й")) == []

    housekeep()

    for search in ("вторая й", "родинка.jpg"):
        assert list(history(actor, search=search)) == [reading]
