"""A photograph put right: moved, its modality corrected, marked as entered in error. Each with a reason."""

import uuid
from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from classifier.models import ImageCorrection, LesionImage, Prediction
from classifier.selectors.records import images_of
from classifier.services import corrections
from classifier.web.forms import DeclaredForm, ModalityForm, MoveForm, ReasonForm
from classifier.web.views.readings import find_reading, show_reading
from skinsite.accounts.access import MemberRequest, member_required

UNPROCESSABLE = 422


CORRECTION = require_http_methods(["GET", "HEAD", "POST"])


@member_required
@CORRECTION
def image_move(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Move a photograph to another lesion, known or new; its readings go with it."""
    form = partial(MoveForm, actor=request.membership)
    return _correct(request, public_id, "move", form, corrections.move_image, _("The photograph has been moved."))


@member_required
@CORRECTION
def image_modality(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Correct how a photograph was taken; a new reading is made, the old one stays."""
    done = _("The kind of photograph has been corrected. This is the new reading.")
    return _correct(request, public_id, "modality", ModalityForm, corrections.correct_modality, done)


@member_required
@CORRECTION
def image_declared(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Correct the sites and states that were declared; a new reading is made, the old one stays."""
    done = _("The special site or state has been corrected. This is the new reading.")
    return _correct(request, public_id, "declared", DeclaredForm, corrections.correct_declared, done)


@member_required
@CORRECTION
def image_error(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Mark a photograph as entered in error: it stays on record and counts no more."""
    done = _("The photograph has been marked as entered in error.")
    return _correct(request, public_id, "error", ReasonForm, corrections.mark_entered_in_error, done)


def _correct(  # noqa: PLR0917
    request: MemberRequest,
    public_id: uuid.UUID,
    name: str,
    make_form: Callable[..., ReasonForm],
    correct: Callable[..., ImageCorrection | Prediction],
    done: str,
) -> HttpResponseBase:
    """Correct as the form says and show the reading, the new one where one was made; or the form, by the ``name`` that
    the page has for it, with what is wrong."""
    image, prediction = _find(request, public_id)
    if request.method != "POST":
        return redirect("reading", prediction.public_id)
    form = make_form(request.POST, auto_id=f"{name}_%s")
    if form.is_valid():
        try:
            made = correct(actor=request.membership, image=image, **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, done)
            return redirect("reading", (made if isinstance(made, Prediction) else prediction).public_id)
    reading = find_reading(request, prediction.public_id)
    return show_reading(request, reading, status=UNPROCESSABLE, **{f"{name}_form": form})


def _find(request: MemberRequest, public_id: uuid.UUID) -> tuple[LesionImage, Prediction]:
    """Give a photograph of the actor's clinic and its latest reading, or raise 404."""
    image = get_object_or_404(images_of(request.membership), public_id=public_id)
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
