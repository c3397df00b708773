"""All that the page of one reading shows."""

import uuid

from django.db.models import Prefetch, QuerySet

from classifier.models import (
    ImageCorrection,
    LesionImage,
    Modality,
    ModelStatus,
    ModelVersion,
    Prediction,
    Review,
    Status,
)
from skinsite.accounts.actors import Actor

PHOTOGRAPHS_SHOWN = 25
"""Photographs of the lesion whose readings stand beside a reading; all of them are on the lesion's page."""


def reading_detail(actor: Actor, public_id: uuid.UUID | str) -> Prediction:
    """Give a reading with everything that its page shows, in a bounded number of queries.

    Prefetched: ``reviews`` (with reviewers), ``image.corrections`` (with who made them), and, as
    ``image.lesion.newest``, the lesion's photographs in use, one more than ``PHOTOGRAPHS_SHOWN``, with their
    ``predictions``, newest first.
    Raises ``Prediction.DoesNotExist`` for one that the actor may not see.
    """
    readings = Prediction.objects.select_related("model_version").order_by("-created_at", "-pk")
    photographs, most = LesionImage.objects.in_use().order_by("-uploaded_at", "-pk"), PHOTOGRAPHS_SHOWN + 1
    found = (
        Prediction.objects.visible_to(actor)
        .select_related(
            "image__examination__lesion__patient__clinic", "image__uploaded_by", "image__uploaded_by_service"
        )
        .select_related("model_version", "requested_by", "requested_by_service")
        .prefetch_related(
            Prefetch("reviews", Review.objects.select_related("reviewer")),
            Prefetch("image__corrections", ImageCorrection.objects.select_related("made_by")),
            Prefetch("image__predictions", readings),
        )
        .get(public_id=public_id)
    )
    of_lesion = photographs.of_lesion(found.image.lesion).prefetch_related(Prefetch("predictions", readings))
    found.image.lesion.newest = list(of_lesion.select_related("examination__lesion__patient")[:most])  # type: ignore[attr-defined] # read by ``other_readings``
    return found


def images_to_compare(actor: Actor) -> QuerySet[LesionImage]:
    """The clinic's photographs with their readings by model, as ``readings_by_model`` takes them."""
    readings = Prediction.objects.select_related("model_version")
    images = LesionImage.objects.visible_to(actor).select_related("examination__lesion__patient__clinic")
    return images.prefetch_related(Prefetch("predictions", readings))


def other_readings(prediction: Prediction) -> tuple[list[Prediction], bool]:
    """The other readings of the lesion's newest photographs, newest first, and whether there are more photographs.

    No query for what ``reading_detail`` gave.
    """
    known: list[LesionImage] = prediction.image.lesion.newest  # type: ignore[attr-defined] # of ``reading_detail``
    photographs = {image.pk: image for image in known[:PHOTOGRAPHS_SHOWN]}
    photographs[prediction.image_id] = prediction.image  # one entered in error is none of those in use
    found = [
        reading for image in photographs.values() for reading in image.predictions.all() if reading.pk != prediction.pk
    ]
    newest_first = sorted(found, key=lambda reading: (reading.created_at, reading.pk), reverse=True)
    return newest_first, len(known) > PHOTOGRAPHS_SHOWN


def readings_by_model(image: LesionImage) -> list[Prediction]:
    """The finished readings of a photograph as what it is known to be now, one a model, newest first.

    No query for what ``reading_detail`` gave.
    """
    finished = [each for each in image.predictions.all() if each.status == Status.DONE and each.model_version_id]
    return sorted((each for each in finished if each.is_as_known), key=lambda each: each.pk, reverse=True)


def model_yet_to_read(image: LesionImage) -> ModelVersion | None:
    """The active model, where others alone have read a photograph; None for one that is not read, or that waits.

    One query beside what ``reading_detail`` gave.
    """
    readings = [each for each in image.predictions.all() if each.is_as_known and each.status != Status.FAILED]
    is_settled = bool(readings) and all(each.status == Status.DONE for each in readings)
    if image.modality == Modality.CLINICAL or not is_settled:
        return None
    known = [each.model_version_id for each in readings if each.model_version_id is not None]
    return ModelVersion.objects.filter(status=ModelStatus.ACTIVE).exclude(pk__in=known).first()
