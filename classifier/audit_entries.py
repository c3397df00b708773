"""What an event about a record names beside it: whose it is, and what stood with it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from django.db.models import Model
from django.utils.crypto import salted_hmac

from classifier.models import (
    Examination,
    Lesion,
    LesionImage,
    LesionReading,
    OverviewImage,
    Prediction,
    Review,
    Task,
    Visit,
)
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import Clinic
from skinsite.audit.events import Entry

OWNERS: Mapping[type[Model], Sequence[str]] = {
    Lesion: ["patient"],
    Visit: ["patient"],
    Examination: ["lesion", "visit.patient"],
    LesionImage: ["lesion.patient"],
    OverviewImage: ["visit.patient"],
    Prediction: ["image", "image.lesion.patient"],
    LesionReading: ["examination", "examination.lesion", "examination.lesion.patient"],
    Task: ["patient"],
    Review: ["prediction", "prediction.image", "prediction.image.lesion.patient"],
}
"""What an event about a record of a kind names beside it: from the record to whose it is."""

Filters = Mapping[str, object] | Iterable[str]
"""By what a list was narrowed: names with what was asked for, or names alone."""

SEARCH_SALT = "classifier.audit.searched"
SEARCH_LENGTH = 32


def hash_of_search(clinic: Clinic, filters: Mapping[str, object]) -> str:
    """What stands on the trail for what was searched in vain: the same for the same search in one clinic.

    It is keyed with the site's secret, so that the trail alone gives nobody the words back.
    """
    asked = {name: str(value).casefold() for name, value in sorted(filters.items()) if value}
    value = f"{clinic.public_id} {json.dumps(asked, ensure_ascii=False)}"
    return salted_hmac(SEARCH_SALT, value, algorithm="sha256").hexdigest()[:SEARCH_LENGTH]


def _by(by: str) -> dict[str, str]:
    return {"by": by} if by else {}


def read_entry(
    actor: Actor,
    about: Model,
    *,
    by: str = "",
    photographs: Iterable[LesionImage] = (),
    also: Iterable[Model] = (),
) -> Entry:
    """A record was given out, with these photographs small and these others named on its page."""
    return Entry(actor, about, _by(by), shown=_with_whose_they_are([about, *photographs, *also]))


def change_entry(
    actor: Actor | None,
    about: Model,
    details: Mapping[str, Any] | None = None,
    *,
    clinic: Clinic | None = None,
    also: Iterable[Model] = (),
) -> Entry:
    """A record changed, and these others with it."""
    return Entry(actor, about, details or {}, clinic, shown=_with_whose_they_are([about, *also]))


def listing_entry(
    actor: Actor,
    shown: Iterable[Model],
    filters: Filters,
    *,
    by: str = "",
    photographs: Iterable[LesionImage] = (),
    also: Iterable[Model] = (),
) -> Entry:
    """Which rows were given out, which photographs and other records with them, and by which filters.

    Of filters the names alone: what was asked for may name a patient. Where nothing was found, a keyed hash tells
    whether two people looked for the same.
    """
    rows = list(shown)
    details = {"rows": len(rows), "filters": sorted(filters), **_by(by)}
    if not rows and isinstance(filters, Mapping) and any(filters.values()):
        details["searched"] = hash_of_search(actor.clinic, filters)
    return Entry(actor, actor.clinic, details, shown=_with_whose_they_are([*rows, *photographs, *also]))


def _with_whose_they_are(records: Iterable[Model]) -> list[Model]:
    """Records with the patients that they are of, and readings with their photographs, each once.

    Photographs move between patients: who saw one before it came to its patient is found by the photograph.
    """
    named: list[Model] = []
    for record in records:
        named += [record, *_owners(record)]
    return list(dict.fromkeys(named))


def _owners(record: Model) -> list[Model]:
    return [attrgetter(path)(record) for path in OWNERS.get(type(record), ())]
