"""Patients, lesions, photographs, readings and reviews of a clinic, as pages and the API list and find them."""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet

from classifier.models import Lesion, LesionImage, ModelVersion, Patient, Prediction, Review
from classifier.models.prediction import PredictionQuerySet
from skinsite.accounts.actors import Actor
from skinsite.text import fold_line


def patients_of(actor: Actor) -> QuerySet[Patient]:
    """The patients of the actor's clinic."""
    return Patient.objects.visible_to(actor).select_related("merged_into")


def lesions_of(actor: Actor) -> QuerySet[Lesion]:
    """The lesions of the actor's clinic, each with its patient."""
    return Lesion.objects.visible_to(actor).select_related("patient", "merged_into")


def named_lesions_of(actor: Actor) -> QuerySet[Lesion]:
    """The lesions of the actor's clinic, each with its patient and its former numbers."""
    return lesions_of(actor).prefetch_related("aliases")


def images_of(actor: Actor) -> QuerySet[LesionImage]:
    """The photographs of the actor's clinic, each with lesion and patient."""
    return LesionImage.objects.visible_to(actor).select_related("examination__lesion__patient", "examination__visit")


def readings_of(actor: Actor) -> PredictionQuerySet:
    """The readings of the actor's clinic, each with ``superseded_by``, photograph, lesion, patient and model."""
    readings = Prediction.objects.visible_to(actor).with_successor()
    return readings.select_related("image__examination__lesion__patient", "model_version")


def answers_to(actor: Actor) -> PredictionQuerySet:
    """The readings of the photographs that came under the actor's name, as ``readings_of`` gives them."""
    return readings_of(actor).filter(image__in=LesionImage.objects.sent_by(actor))


def reviews_of(actor: Actor) -> QuerySet[Review]:
    """The reviews of the actor's clinic, each with its reading and reviewer."""
    reviews = Review.objects.visible_to(actor)
    return reviews.select_related("prediction__image__examination__lesion__patient", "reviewer")


def model_versions() -> QuerySet[ModelVersion]:
    """The models of the site, which belong to no clinic."""
    return ModelVersion.objects.all()


def list_patients(actor: Actor, *, search: str = "") -> QuerySet[Patient]:
    """The clinic's patients whose code holds ``search``, or that of one merged into them; photographed last first.

    Each has ``lesion_count`` and ``last_upload``; photographs entered in error do not count.
    """
    photographs = "lesions__examinations__images__"
    found = patients_of(actor).annotate(
        lesion_count=Count("lesions", distinct=True),
        last_upload=Max(f"{photographs}uploaded_at", filter=Q((f"{photographs}entered_in_error_at", None))),
    )
    found = found.filter(merged_into=None)
    if search:
        found = found.filter(_is_found_by(fold_line(search)))
    return found.order_by(F("last_upload").desc(nulls_last=True), "-created_at", "-pk")


def suggest_patients(actor: Actor, typed: str, *, count: int) -> list[Patient]:
    """At most ``count`` of the clinic's patients whose code holds what is typed, by code; none for nothing typed."""
    key = fold_line(typed)
    found = patients_of(actor).filter(merged_into=None)
    return list(found.filter(_is_found_by(key)).order_by("code_key")[:count]) if key else []


def _is_found_by(key: str) -> Q:
    """Whose code holds the key, or the code of one who was merged into them."""
    former = Patient.objects.filter(merged_into=OuterRef("pk"), code_key__contains=key)
    return Q(code_key__contains=key) | Q(Exists(former))


def find_patient(actor: Actor, public_id: UUID) -> Patient | None:
    """The clinic's patient of that public id."""
    return patients_of(actor).filter(public_id=public_id).first()


def find_lesion(actor: Actor, public_id: UUID | str) -> Lesion | None:
    """The clinic's lesion of that public id, with its patient; None also for what is no id."""
    try:
        return lesions_of(actor).filter(public_id=public_id).first()
    except ValidationError:
        return None


def lesions_by_code(actor: Actor, code: str) -> list[Lesion]:
    """The lesions of the clinic's patient of that code, the oldest first."""
    key = fold_line(code)
    if not key:
        return []
    return list(lesions_of(actor).filter(patient__code_key=key, merged_into=None).order_by("created_at", "pk"))
