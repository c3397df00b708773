"""Every address for people, filled in with the objects of one clinic: walked, so that no route can forget a rule."""

from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, reverse

from classifier.models import ModelVersion, Prediction
from classifier.web.urls import urlpatterns

POST_ONLY = {"reading-retry", "image-read-again", "clinic-practice"}
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
    return [_fill_in(pattern, prediction, version) for pattern in urlpatterns]


def _fill_in(pattern: URLPattern | URLResolver, prediction: Prediction, version: ModelVersion) -> Route:
    assert isinstance(pattern, URLPattern)
    assert pattern.name, pattern
    subjects = {
        "readings": prediction.public_id,
        "images": prediction.image.public_id,
        "lesions": prediction.image.lesion.public_id,
        "patients": prediction.image.lesion.patient.public_id,
        "models": version.public_id,
        "trail": prediction.image.lesion.patient.public_id,
    }
    route = str(pattern.pattern)
    if "<" not in route:
        return Route(pattern.name, reverse(pattern.name), is_object=False)
    places = [0] * route.count("<int:place>")
    path = reverse(pattern.name, args=[subjects[route.split("/", maxsplit=1)[0]], *places])
    return Route(pattern.name, path, is_object=pattern.name not in SHARED)
