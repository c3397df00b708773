"""A photograph put right: moved, its modality corrected, marked as entered in error. Each with a reason."""

import uuid
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Literal

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from classifier.disclosure.readings import find_photograph, open_reading
from classifier.models import ImageCorrection, LesionImage, Prediction
from classifier.services.corrections.declaration import correct_declared, correct_modality
from classifier.services.corrections.entered_in_error import mark_entered_in_error
from classifier.services.corrections.move import move_image
from classifier.web.forms import DeclaredForm, ModalityForm, MoveForm, ReasonForm
from classifier.web.views.readings import show_reading
from skinsite.accounts.access import MemberRequest, records_required
from skinsite.accounts.limits import counted

Place = Literal["move", "modality", "declared", "error"]

CORRECTION = require_http_methods(["GET", "HEAD", "POST"])
READS_ANEW = counted("uploads", only_unsafe=True)


@records_required
@CORRECTION
def image_move(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Move a photograph to another lesion, known or new; its readings go with it."""
    form = partial(MoveForm, actor=request.membership)
    done = _("The photograph has been moved.")
    return _correct(request, public_id, place="move", make_form=form, service=move_image, done=done)


@records_required
@CORRECTION
@READS_ANEW
def image_modality(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Correct how a photograph was taken; a new reading is made, the old one stays."""
    done = _("The kind of photograph has been corrected. This is the new reading.")
    return _correct(request, public_id, place="modality", make_form=ModalityForm, service=correct_modality, done=done)


@records_required
@CORRECTION
@READS_ANEW
def image_declared(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Correct the sites and states that were declared; a new reading is made, the old one stays."""
    done = _("The special site or state has been corrected. This is the new reading.")
    return _correct(request, public_id, place="declared", make_form=DeclaredForm, service=correct_declared, done=done)


@records_required
@CORRECTION
def image_error(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Mark a photograph as entered in error: it stays on record and counts no more."""
    done = _("The photograph has been marked as entered in error.")
    return _correct(request, public_id, place="error", make_form=ReasonForm, service=mark_entered_in_error, done=done)


def _correct(
    request: MemberRequest,
    public_id: uuid.UUID,
    *,
    place: Place,
    make_form: Callable[..., ReasonForm],
    service: Callable[..., ImageCorrection | Prediction],
    done: str,
) -> HttpResponseBase:
    """Correct as the form says and show the reading, the new one where one was made; else the form with what is wrong.

    ``place`` is where the page of a reading has the form, ``done`` what is said when it went well.
    """
    image, prediction = _find(request, public_id)
    if request.method != "POST":
        return redirect("reading", prediction.public_id)
    form = make_form(request.POST, auto_id=f"{place}_%s")
    if form.is_valid():
        try:
            made = service(actor=request.membership, image=image, **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, done)
            return redirect("reading", (made if isinstance(made, Prediction) else prediction).public_id)
    reading = open_reading(request.membership, prediction.public_id)
    return show_reading(request, reading, status=HTTPStatus.UNPROCESSABLE_ENTITY, **{f"{place}_form": form})


def _find(request: MemberRequest, public_id: uuid.UUID) -> tuple[LesionImage, Prediction]:
    """Give a photograph of the actor's clinic and its latest reading, or raise 404."""
    image = find_photograph(request.membership, public_id)
    prediction = image.predictions.order_by("-created_at", "-pk").first()
    assert prediction is not None  # noqa: S101 intake writes both or neither
    return image, prediction


def add_errors(form: Form, error: ValidationError) -> None:
    """Put a service's errors at the fields that they name, else at the top."""
    if hasattr(error, "error_dict"):
        for name, errors in error.error_dict.items():
            form.add_error(name if name in form.fields else None, errors)
    else:
        form.add_error(None, error)
