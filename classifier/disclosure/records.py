"""Patients and lesions: their pages, their lists, and the forms that show whose they are."""

from collections.abc import Mapping
from uuid import UUID

from django.core.paginator import Page
from django.shortcuts import get_object_or_404

from classifier import audit
from classifier.models import Examination, Lesion, Patient, Prediction
from classifier.presentation.examination import ExaminationCard, card_of, photographs_of, readings_of
from classifier.presentation.thumbnails import name_thumbnails
from classifier.selectors import records
from classifier.selectors.examinations import LesionRow, examinations_over_time, lesions_by_severity, with_photographs
from classifier.services.shown import note_shown
from skinsite.accounts.actors import Actor
from skinsite.paging import ROWS_ON_A_PAGE, KeyPaginator
from skinsite.text import fold_line


def open_patient(actor: Actor, public_id: UUID, *, by: str) -> Patient:
    """A patient for a form, ``by``, that shows the code. Raises ``Http404``."""
    found = get_object_or_404(records.patients_of(actor), public_id=public_id)
    audit.patient_viewed(actor=actor, about=found, by=by)
    return found


def open_patient_page(actor: Actor, public_id: UUID) -> tuple[Patient, list[tuple[LesionRow, ExaminationCard | None]]]:
    """A patient with the lesions by severity, each with the examination that is its outcome. Raises ``Http404``."""
    found = get_object_or_404(records.patients_of(actor), public_id=public_id)
    rows = [(row, card_of(row.shown) if row.shown else None) for row in lesions_by_severity(found)]
    cards = [card for _row, card in rows if card]
    first = name_thumbnails(actor, (card.frames[0].image for card in cards if card.frames))
    into = [found.merged_into] if found.merged_into else []
    audit.patient_viewed(actor=actor, about=found, photographs=first, also=into)
    note_shown(actor=actor, shown=readings_of(cards))
    return found, rows


def open_patients(actor: Actor, *, search: str, page: str | None) -> "Page[Patient]":
    """A page of the clinic's patients whose code holds ``search``, those photographed last first."""
    found: Page[Patient] = KeyPaginator(records.list_patients(actor, search=search), ROWS_ON_A_PAGE).get_page(page)
    audit.patients_listed(actor=actor, shown=found, filters={"q": search} if search else {})
    return found


def suggest_patients(actor: Actor, typed: str, *, count: int) -> list[Patient]:
    """Patients whose code holds what is typed, as ``classifier.selectors.records`` finds them."""
    found = records.suggest_patients(actor, typed, count=count)
    if typed.strip():
        audit.patients_listed(actor=actor, shown=found, filters={"patient_code": typed})
    return found


def open_lesion(actor: Actor, public_id: UUID, *, by: str) -> Lesion:
    """A lesion with its patient, for a form, ``by``, that shows both. Raises ``Http404``."""
    found = get_object_or_404(records.lesions_of(actor), public_id=public_id)
    audit.lesion_viewed(actor=actor, about=found, by=by)
    return found


def open_lesion_page(
    actor: Actor, public_id: UUID, *, page: str | None
) -> tuple[Lesion, "Page[Examination]", list[ExaminationCard]]:
    """A lesion with a page of its examinations over time, each with its photographs and readings. Raises
    ``Http404``."""
    found = get_object_or_404(records.lesions_of(actor), public_id=public_id)
    over_time = with_photographs(examinations_over_time(found))
    examinations: Page[Examination] = KeyPaginator(over_time, ROWS_ON_A_PAGE).get_page(page)
    cards = [card_of(each) for each in examinations]
    audit.lesion_viewed(actor=actor, about=found, photographs=name_thumbnails(actor, photographs_of(cards)))
    note_shown(actor=actor, shown=readings_of(cards))
    return found, examinations, cards


def start_with_lesion(actor: Actor, public_id: str) -> Mapping[str, str]:
    """What a form starts with that adds to a lesion: whose it is, and which. Empty for none of the clinic's.

    The form tells the trail, since drawn with a code it offers that patient's lesions.
    """
    found = records.find_lesion(actor, public_id) if public_id else None
    return {"patient_code": found.patient.code, "lesion": str(found.public_id)} if found else {}


def offer_lesions(actor: Actor, code: str) -> list[Lesion]:
    """The lesions of the patient of that code, as a form offers them."""
    found = records.lesions_by_code(actor, code)
    if code.strip():
        audit.lesions_listed(actor=actor, shown=found, filters={"patient_code": code})
    return found


def offer_lesions_beside(actor: Actor, prediction: Prediction, code: str) -> list[Lesion]:
    """The lesions of the patient of that code, for a form on a reading's page; that page has named its own patient."""
    if fold_line(code) == prediction.image.lesion.patient.code_key:
        return records.lesions_by_code(actor, code)
    return offer_lesions(actor, code)
