"""Who writes the records of a clinic writes alone."""

from django.db import connection

from skinsite.accounts.models import Clinic


def lock_clinic(clinic: Clinic) -> None:
    """Hold back every other writer of the clinic's records until the transaction ends.

    On PostgreSQL by the clinic's row; SQLite has one writer at a time anyway.
    """
    if connection.features.has_select_for_update:
        Clinic.objects.select_for_update(no_key=True).only("pk").get(pk=clinic.pk)
