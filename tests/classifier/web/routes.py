"""Every address for people, filled in with the objects of one clinic: walked, so that no route can forget a rule."""

from dataclasses import dataclass
from uuid import UUID

from django.urls import URLPattern, URLResolver, reverse

from classifier.models import Lesion, LesionMerge, ModelVersion, Patient, PatientMerge, Prediction, Task, TaskKind
from classifier.web.urls import urlpatterns
from tests import factories

POST_ONLY = {
    "reading-retry",
    "image-read-again",
    "clinic-practice",
    "lesion-merge-undo",
    "patient-merge-undo",
    "task-done",
}
FOR_ADMINISTRATORS = {"clinic-practice", "trail-patients", "trail-patient"}
# A model belongs to the site, not to a clinic.
SHARED = {"model"}


@dataclass(frozen=True)
class Route:
    """An address and what it is about."""

    name: str
    path: str
    is_object: bool


def all_routes(prediction: Prediction, version: ModelVersion) -> list[Route]:
    """Give every route for the objects of a reading; one without a name, or of an unknown kind, fails here."""
    subjects = {
        "readings": prediction.public_id,
        "images": prediction.image.public_id,
        "lesions": prediction.image.lesion.public_id,
        "patients": prediction.image.lesion.patient.public_id,
        "models": version.public_id,
        "trail": prediction.image.lesion.patient.public_id,
        **_filings(prediction.image.lesion),
    }
    return [_fill_in(pattern, subjects) for pattern in urlpatterns]


def _filings(lesion: Lesion) -> dict[str, UUID]:
    """Merges into the lesion and its patient, and a task about them."""
    patient, person = Patient.objects.get(pk=lesion.patient_id), factories.UserFactory.create()
    said = {"reason": "One and the same.", "made_by": person}
    other_lesion = factories.LesionFactory.create(patient=patient, merged_into=lesion)
    other_patient = factories.PatientFactory.create(clinic=patient.clinic, merged_into=patient)
    kind = TaskKind.TELL_OF_WRONG_FILING
    task = Task.objects.create(kind=kind, patient=patient, lesion=lesion, person=person, because="Filed wrongly.")
    return {
        "lesion-merges": LesionMerge.objects.create(kept=lesion, merged=other_lesion, **said).public_id,
        "patient-merges": PatientMerge.objects.create(kept=patient, merged=other_patient, **said).public_id,
        "tasks": task.public_id,
    }


def _fill_in(pattern: URLPattern | URLResolver, subjects: dict[str, UUID]) -> Route:
    assert isinstance(pattern, URLPattern)
    assert pattern.name, pattern
    route = str(pattern.pattern)
    if "<" not in route:
        return Route(pattern.name, reverse(pattern.name), is_object=False)
    places = [0] * route.count("<int:place>")
    path = reverse(pattern.name, args=[subjects[route.split("/", maxsplit=1)[0]], *places])
    return Route(pattern.name, path, is_object=pattern.name not in SHARED)
