"""What of the directories' settings only the database can tell; the rest is refused when the settings are read."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import connections

from skinsite.accounts.models import Clinic
from skinsite.directory.configuration import directories_of


@register(Tags.database)
def check_directories(databases: Sequence[str] | None = None, **_options: Any) -> list[CheckMessage]:
    """Directories are of clinics that there are, and no clinic has neither passwords nor a directory."""
    return [message for alias in databases or () if _is_migrated(alias) for message in _messages(alias)]


def _is_migrated(alias: str) -> bool:
    with connections[alias].cursor() as cursor:
        tables = connections[alias].introspection.table_names(cursor)
        if Clinic._meta.db_table not in tables:
            return False
        columns = connections[alias].introspection.get_table_description(cursor, Clinic._meta.db_table)
    return "passwords_allowed" in {column.name for column in columns}


def _messages(alias: str) -> list[CheckMessage]:
    clinics = dict(Clinic.objects.using(alias).filter(is_active=True).values_list("slug", "passwords_allowed"))
    unknown = [
        CheckWarning(
            f"Directory {directory.name} is for the clinic {slug!r}, which there is not.",
            hint="Correct its variable OIDC_…_CLINICS: short names stand under Clinics in the admin.",
            id="skinsite.W030",
        )
        for directory in settings.DIRECTORIES
        for slug in directory.clinics
        if slug not in clinics
    ]
    closed = [
        CheckWarning(
            f"Nobody can enter the clinic {slug!r}: its passwords are off, and no directory is for it.",
            hint="Name it in OIDC_…_CLINICS, or let a superuser allow passwords again under Clinics in the admin.",
            id="skinsite.W031",
        )
        for slug, passwords_allowed in clinics.items()
        if not passwords_allowed and not directories_of(slug)
    ]
    return [*unknown, *closed]
