"""Readings: their pages, their lists, and how far one is."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.paginator import Page
from django.http import Http404
from django.shortcuts import get_object_or_404

from classifier import audit
from classifier.models import Examination, Lesion, LesionImage, Prediction, Standing
from classifier.models.prediction import WAITING
from classifier.presentation.examination import (
    ExaminationCard,
    card_of,
    readings_in_force,
    readings_of,
)
from classifier.presentation.thumbnails import name_thumbnails
from classifier.selectors import home, reading, records
from classifier.selectors.examinations import find_worse
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


@dataclass(frozen=True, slots=True)
class ReadingPage:
    """A photograph's reading with its ``others`` and the lesion's other examinations, newest first; ``has_more``: there
    are older ones still; ``worst``: of them all, where it is more severe than what is shown. ``card`` is the
    examination's, None where it says no more than the photograph does."""

    prediction: Prediction
    others: list[Prediction]
    card: ExaminationCard | None
    elsewhere: list[Examination]
    worst: Examination | None
    has_more: bool


def open_reading(actor: Actor, public_id: UUID | str, *, by: str = "") -> ReadingPage:
    """A reading with what its page shows. Raises ``Http404``."""
    try:
        found = reading.reading_detail(actor, public_id)
    except Prediction.DoesNotExist as error:
        raise Http404 from error
    others = reading.other_readings(found)
    examination, elsewhere, has_more = reading.examinations_beside(found)
    card = card_of(examination)
    cards = [card] if card.is_of_lesion and found.is_valid else []
    shown = [*others, *readings_of(cards), *readings_in_force(elsewhere)]
    photographs = name_thumbnails(actor, (frame.image for each in cards for frame in each.frames))
    audit.prediction_viewed(actor=actor, about=found, by=by, photographs=photographs, also=shown)
    note_shown(actor=actor, shown=[found, *shown])
    worst = find_worse(elsewhere, than=next((each.reading for each in cards if each.reading), found))
    return ReadingPage(found, others, next(iter(cards), None), elsewhere, worst, has_more)


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
