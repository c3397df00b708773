"""Readings: their pages, their lists, and how far one is."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.core.paginator import Page
from django.http import Http404
from django.shortcuts import get_object_or_404

from classifier import audit
from classifier.models import Lesion, LesionImage, Prediction, Standing
from classifier.models.prediction import WAITING
from classifier.presentation.thumbnails import name_thumbnails
from classifier.selectors import home, reading, records
from classifier.selectors.history import history
from classifier.services.shown import note_shown
from skinsite.accounts.actors import Actor
from skinsite.paging import ROWS_ON_A_PAGE, KeyPaginator


def open_latest(actor: Actor, *, count: int) -> list[Prediction]:
    """The clinic's newest readings."""
    found = home.latest_readings(actor, count=count)
    photographs = name_thumbnails(actor, (each.image for each in found))
    audit.predictions_listed(actor=actor, shown=found, photographs=photographs)
    note_shown(actor=actor, shown=found)
    return found


def open_history(actor: Actor, chosen: Mapping[str, Any], *, page: str) -> "Page[Prediction]":
    """A page of readings, narrowed by what was ``chosen`` of the history's filters."""
    readings = history(
        actor,
        search=chosen.get("q", ""),
        outcome=chosen.get("outcome", ""),
        status=chosen.get("status", ""),
        modality=chosen.get("modality", ""),
        reviewed={"yes": True, "no": False}.get(chosen.get("reviewed", "")),
        since=chosen.get("since"),
        until=chosen.get("until"),
        standing=chosen.get("standing", Standing.VALID),
    )
    found: Page[Prediction] = KeyPaginator(readings, ROWS_ON_A_PAGE).get_page(page)
    photographs = name_thumbnails(actor, (each.image for each in found))
    audit.predictions_listed(actor=actor, shown=found, filters=chosen, photographs=photographs)
    note_shown(actor=actor, shown=found)
    return found


def open_reading(actor: Actor, public_id: UUID | str, *, by: str = "") -> Prediction:
    """A reading with what its page shows, the other readings of its lesion among that. Raises ``Http404``."""
    try:
        found = reading.reading_detail(actor, public_id)
    except Prediction.DoesNotExist as error:
        raise Http404 from error
    others = reading.other_readings(found)[0]
    audit.prediction_viewed(actor=actor, about=found, by=by, also=others)
    note_shown(actor=actor, shown=[found, *others])
    return found


def find_reading(actor: Actor, public_id: UUID) -> Prediction:
    """A reading that a form acts upon, and whose answer shows nothing of it. Raises ``Http404``."""
    return get_object_or_404(records.readings_of(actor), public_id=public_id)


def find_photograph(actor: Actor, public_id: UUID) -> LesionImage:
    """A photograph that a form acts upon, and whose answer shows nothing of it. Raises ``Http404``."""
    return get_object_or_404(records.images_of(actor), public_id=public_id)


def name_lesions(actor: Actor, public_ids: Collection[str]) -> dict[str, Lesion]:
    """Lesions that stand on the page of a reading by its corrections, by their public ids; perhaps of others."""
    found = list(records.lesions_of(actor).filter(public_id__in=public_ids)) if public_ids else []
    if found:
        audit.lesions_listed(actor=actor, shown=found, by="corrections")
    return {str(lesion.public_id): lesion for lesion in found}


def record_overseen(actor: Actor, shown: Iterable[Prediction], *, filters: Mapping[str, object]) -> None:
    """Tell that the admin's list gave out these readings, with their photographs small."""
    readings = list(shown)
    photographs = name_thumbnails(actor, (each.image for each in readings))
    audit.predictions_listed(actor=actor, shown=readings, filters=filters, by="admin", photographs=photographs)
    note_shown(actor=actor, shown=readings)


def open_status(actor: Actor, public_id: UUID, *, with_outcome: bool) -> Prediction:
    """A reading to tell how far it is, and what came of it; while it waits there is nothing to tell. Raises
    ``Http404``."""
    found = get_object_or_404(records.readings_of(actor), public_id=public_id)
    if with_outcome and found.status not in WAITING:
        audit.prediction_viewed(actor=actor, about=found, by="status")
        note_shown(actor=actor, shown=[found])
    return found


def open_comparison(actor: Actor, public_id: UUID) -> tuple[LesionImage, list[Prediction]]:
    """A photograph with its readings by several models. Raises ``Http404``."""
    image = get_object_or_404(reading.images_to_compare(actor), public_id=public_id)
    found = reading.readings_by_model(image)
    photographs = name_thumbnails(actor, [image])
    audit.predictions_listed(actor=actor, shown=found, filters=["image"], photographs=photographs)
    note_shown(actor=actor, shown=found)
    return image, found
