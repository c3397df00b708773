"""Visits, examinations and lesion readings of a clinic, as the API lists and finds them."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from classifier.models import Examination, LesionImage, LesionReading, Prediction, Visit
from classifier.models.prediction import PredictionQuerySet
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import Capability
from skinsite.accounts.policies import may

HEAVY = ("logits", "probabilities", "balanced_scores", "similar_cases", "measures", "signature", "milliseconds")
"""Of readings whose photograph alone is asked for."""


def visits_of(actor: Actor) -> QuerySet[Visit]:
    """The visits of the actor's clinic, each with its patient."""
    return Visit.objects.visible_to(actor).select_related("patient")


def examinations_of(actor: Actor) -> QuerySet[Examination]:
    """The examinations of the actor's clinic with visit, lesion, photographs and lesion readings, the newest first.

    Each has ``is_waiting``: whether one of its photographs is still to be read.
    """
    readings = LesionReading.objects.select_related("model_version").order_by("-pk")
    return (
        Examination.objects.visible_to(actor)
        .select_related("visit__patient", "lesion__patient")
        .prefetch_related(
            Prefetch("images", LesionImage.objects.order_by("pk")),
            Prefetch("readings", readings),
        )
        .annotate(is_waiting=Exists(Prediction.objects.open_of(OuterRef("pk"))))
    )


def lesion_readings_of(actor: Actor) -> QuerySet[LesionReading]:
    """The lesion readings of the actor's clinic, each with visit, lesion, patient and model."""
    whose = ("examination__visit__patient", "examination__lesion__patient")
    return LesionReading.objects.visible_to(actor).select_related(*whose, "model_version")


def with_lesion_reading(readings: PredictionQuerySet) -> PredictionQuerySet:
    """Readings, each with its examination's lesion reading, and ``examination_waits``."""
    return readings.with_examination_waiting().select_related("image__examination__reading__model_version")


def lesion_readings_beside(readings: Iterable[Prediction]) -> dict[int, LesionReading]:
    """By the keys of readings as ``with_lesion_reading`` gives them: what holds of their lesions.

    None while a photograph of the examination waits.
    """
    found = {}
    for each in readings:
        examination = each.image.examination
        if examination.reading is not None and not each.examination_waits:
            examination.reading.examination = examination
            found[each.pk] = examination.reading
    return found


def photographs_read(actor: Actor, readings: Iterable[LesionReading]) -> dict[str, LesionImage]:
    """The photographs that lesion readings are of, with lesion and patient, by the public ids of their readings.

    Photographs move: one of an earlier reading may be of another patient now. What may only send gets its own alone.
    """
    named = {each["prediction"] for reading in readings for each in reading.inputs}
    images = LesionImage.objects
    seen = images.visible_to(actor) if may(actor, Capability.READ_RECORDS) else images.sent_by(actor)
    found = Prediction.objects.filter(public_id__in=named, image__in=seen).defer(*HEAVY)
    return {str(each.public_id): each.image for each in found.select_related("image__examination__lesion__patient")}


def find_visit(actor: Actor, public_id: UUID) -> Visit | None:
    """The clinic's visit of that public id, with its patient."""
    return visits_of(actor).filter(public_id=public_id).first()


def find_examination(actor: Actor, public_id: UUID) -> Examination | None:
    """The clinic's examination of that public id, with visit, lesion and patient."""
    found = Examination.objects.visible_to(actor).select_related("visit__patient", "lesion__patient")
    return found.filter(public_id=public_id).first()
