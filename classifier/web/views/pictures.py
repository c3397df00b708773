"""The one way by which the bytes of photographs leave: visible or 404, recorded, streamed, never kept by others."""

import io
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import IO, Concatenate, ParamSpec

from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.shortcuts import get_object_or_404
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe

from classifier import audit, storage
from classifier.inference import predictor_for
from classifier.models import LesionImage
from classifier.presentation.thumbnails import PARAMETER, is_named
from classifier.selectors.records import images_of, readings_of
from classifier.services.heat_maps import give_heat_map
from ml.serve.image_io import ImageRejected
from skinsite.accounts.access import ActorRequest, member_or_token_required
from skinsite.accounts.limits import counted
from skinsite.audit.models import AuditEvent

P = ParamSpec("P")
View = Callable[Concatenate[ActorRequest, P], HttpResponseBase]

NEVER_KEPT = "private, no-store"
# Dozens are on a page and are kept, but shown only after the site has said again that this person may see them.
ASKED_FOR_ANEW = "private, no-cache"
# Of the training set: no patient of anybody's.
KEPT_FOR_A_DAY = "private, max-age=86400"
CONTENT_TYPES = {"jpg": "image/jpeg", "png": "image/png"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """Under which name, told as what in the audit trail (None: it has been), and kept for how long by the browser."""

    name: str
    event: Callable[..., AuditEvent] | None
    cache_control: str


def _tells_what_is_missing(view: View[P]) -> View[P]:
    """Turn what is raised where the bytes are gone or damaged into errors that people and programs are told of."""

    @wraps(view)
    def told(request: ActorRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except FileNotFoundError as error:
            raise Http404 from error
        except ImageRejected as error:
            raise storage.DamagedPhotographError(str(error)) from error

    return told


@member_or_token_required
@require_safe
@counted("reads")
@_tells_what_is_missing
def image_file(request: ActorRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """The stored photograph."""
    image = get_object_or_404(images_of(request.actor), public_id=public_id)
    delivery = Delivery(image.stored_name, audit.image_viewed, NEVER_KEPT)
    return _deliver(request, image, delivery, io.BytesIO(_read_checked(request, image)))


@member_or_token_required
@require_safe
@_tells_what_is_missing
def image_thumbnail(request: ActorRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """The photograph, small; recorded unless the page that shows it has recorded it."""
    image = get_object_or_404(images_of(request.actor), public_id=public_id)
    named = is_named(request.actor, image, request.GET.get(PARAMETER, ""))
    event = None if named else audit.image_thumbnail_viewed
    delivery = Delivery(image.thumbnail_name, event, ASKED_FOR_ANEW)
    tag = f'"{image.public_id}"'
    if tag in parse_etags(request.headers.get("If-None-Match", "")):
        # The browser shows what it has: as much seen as if it were sent.
        response: HttpResponseBase = HttpResponseNotModified()
        response["Cache-Control"] = delivery.cache_control
        if event is not None:
            event(actor=request.actor, about=image)
    else:
        response = _deliver(request, image, delivery, storage.open_stored(delivery.name))
    response["ETag"] = tag
    return response


@member_or_token_required
@require_safe
@counted("reads")
@_tells_what_is_missing
def heat_map(request: ActorRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Where the network of a reading looked: a PNG to lie over the photograph, computed once and kept."""
    prediction = get_object_or_404(readings_of(request.actor), public_id=public_id)
    if prediction.model_version is None or not prediction.shows_heat_map:
        raise Http404
    _read_checked(request, prediction.image)
    picture = give_heat_map(prediction=prediction)
    delivery = Delivery(f"{prediction.public_id}.png", audit.image_heat_map_viewed, NEVER_KEPT)
    return _deliver(request, prediction.image, delivery, io.BytesIO(picture))


@member_or_token_required
@require_safe
@_tells_what_is_missing
def similar_case(request: ActorRequest, public_id: uuid.UUID, place: int) -> HttpResponseBase:
    """The small picture of one of a reading's similar cases. It is of the training set, so that nobody's access to a
    patient's photograph is recorded."""
    prediction = get_object_or_404(readings_of(request.actor), public_id=public_id)
    cases = prediction.similar_cases or []
    if prediction.model_version is None or not prediction.shows_probabilities or place >= len(cases):
        raise Http404
    known = predictor_for(prediction.model_version).predictor.similar_cases
    picture = None if known is None else known.thumbnail(cases[place]["image_id"])
    if picture is None:
        raise Http404
    response = HttpResponse(picture, content_type="image/webp")
    response["Cache-Control"] = KEPT_FOR_A_DAY
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _read_checked(request: ActorRequest, image: LesionImage) -> bytes:
    """The bytes of a photograph that are those that were kept; that others lie in their place is recorded.

    Raises ``DamagedPhotographError``.
    """
    try:
        return storage.read_checked(image)
    except storage.DamagedPhotographError:
        audit.image_found_altered(actor=request.actor, about=image)
        raise


def _deliver(request: ActorRequest, image: LesionImage, delivery: Delivery, content: IO[bytes]) -> FileResponse:
    """Stream bytes of a photograph that the caller has found visible, and record that somebody saw them."""
    if delivery.event is not None:
        delivery.event(actor=request.actor, about=image)
    response = FileResponse(content, content_type=CONTENT_TYPES[delivery.name.rpartition(".")[2]])
    response["Cache-Control"] = delivery.cache_control
    response["Content-Disposition"] = f'inline; filename="{delivery.name.rpartition("/")[2]}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
