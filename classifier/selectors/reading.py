"""All that the page of one reading shows."""

import uuid

from django.db.models import Prefetch, QuerySet

from classifier.models import (
    Examination,
    ImageCorrection,
    LesionImage,
    Modality,
    ModelStatus,
    ModelVersion,
    Prediction,
    Review,
    Status,
)
from classifier.selectors.examinations import choose_outcome, examinations_over_time, with_photographs
from skinsite.accounts.actors import Actor

EXAMINATIONS_SHOWN = 25
"""Examinations of the lesion that stand beside a reading; all of them are on the lesion's page."""


def reading_detail(actor: Actor, public_id: uuid.UUID | str) -> Prediction:
    """Give a reading with everything that its page shows, in a bounded number of queries.

    Prefetched: ``reviews`` (with reviewers), ``image.corrections`` (with who made them) and ``image.predictions``.
    Raises ``Prediction.DoesNotExist`` for one that the actor may not see.
    """
    readings = Prediction.objects.select_related("model_version").order_by("-created_at", "-pk")
    return (
        Prediction.objects.visible_to(actor)
        .select_related(
            "image__examination__lesion__patient__clinic", "image__uploaded_by", "image__uploaded_by_service"
        )
        .select_related("image__examination__visit")
        .select_related("model_version", "requested_by", "requested_by_service")
        .prefetch_related(
            Prefetch("reviews", Review.objects.select_related("reviewer")),
            Prefetch("image__corrections", ImageCorrection.objects.select_related("made_by")),
            Prefetch("image__predictions", readings),
        )
        .get(public_id=public_id)
    )


def images_to_compare(actor: Actor) -> QuerySet[LesionImage]:
    """The clinic's photographs with their readings by model, as ``readings_by_model`` takes them."""
    readings = Prediction.objects.select_related("model_version")
    images = LesionImage.objects.visible_to(actor).select_related("examination__lesion__patient__clinic")
    return images.prefetch_related(Prefetch("predictions", readings))


def other_readings(prediction: Prediction) -> list[Prediction]:
    """The other readings of the same photograph, newest first. No query for what ``reading_detail`` gave."""
    return [each for each in prediction.image.predictions.all() if each.pk != prediction.pk]


def examinations_beside(prediction: Prediction) -> tuple[Examination, list[Examination], bool]:
    """The examination of a reading's photograph with all its photographs, the lesion's other examinations that have
    been read, newest first and the worst of all among them, and whether there are more."""
    over_time = examinations_over_time(prediction.image.lesion)
    own = with_photographs(over_time).get(pk=prediction.image.examination_id)
    others = list(over_time.exclude(pk=own.pk).exclude(reading=None))
    shown, worst = others[:EXAMINATIONS_SHOWN], choose_outcome(others)
    if worst is not None and worst not in shown:
        shown.append(worst)
    return own, shown, len(others) > EXAMINATIONS_SHOWN


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
