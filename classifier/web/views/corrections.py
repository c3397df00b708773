"""A photograph put right: moved, its modality corrected, marked as entered in error. Each with a reason."""

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from classifier.models import LesionImage, Prediction
from classifier.services import corrections
from classifier.web.forms import DeclaredForm, ModalityForm, MoveForm, ReasonForm
from classifier.web.views.readings import find_reading, show_reading
from skinsite.accounts.access import MemberRequest, member_required

UNPROCESSABLE = 422


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def image_move(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Move a photograph to another lesion, known or new; its readings go with it."""
    image, prediction = _find(request, public_id)
    if request.method != "POST":
        return redirect("reading", prediction.public_id)
    form = MoveForm(request.POST, actor=request.membership, auto_id="move_%s")
    if form.is_valid():
        try:
            corrections.move_image(actor=request.membership, image=image, **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("The photograph has been moved."))
            return redirect("reading", prediction.public_id)
    return show_reading(request, find_reading(request, prediction.public_id), status=UNPROCESSABLE, move_form=form)


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def image_modality(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Correct how a photograph was taken; a new reading is made, the old one stays."""
    image, prediction = _find(request, public_id)
    if request.method != "POST":
        return redirect("reading", prediction.public_id)
    form = ModalityForm(request.POST, auto_id="modality_%s")
    if form.is_valid():
        try:
            new = corrections.correct_modality(actor=request.membership, image=image, **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("The kind of photograph has been corrected. This is the new reading."))
            return redirect("reading", new.public_id)
    return show_reading(request, find_reading(request, prediction.public_id), status=UNPROCESSABLE, modality_form=form)


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def image_declared(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Correct the sites and states that were declared; a new reading is made, the old one stays."""
    image, prediction = _find(request, public_id)
    if request.method != "POST":
        return redirect("reading", prediction.public_id)
    form = DeclaredForm(request.POST, auto_id="declared_%s")
    if form.is_valid():
        try:
            new = corrections.correct_declared(actor=request.membership, image=image, **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("The special site or state has been corrected. This is the new reading."))
            return redirect("reading", new.public_id)
    return show_reading(request, find_reading(request, prediction.public_id), status=UNPROCESSABLE, declared_form=form)


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def image_error(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Mark a photograph as entered in error: it stays on record and counts no more."""
    image, prediction = _find(request, public_id)
    if request.method != "POST":
        return redirect("reading", prediction.public_id)
    form = ReasonForm(request.POST, auto_id="error_%s")
    if form.is_valid():
        try:
            corrections.mark_entered_in_error(actor=request.membership, image=image, reason=form.cleaned_data["reason"])
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("The photograph has been marked as entered in error."))
            return redirect("reading", prediction.public_id)
    return show_reading(request, find_reading(request, prediction.public_id), status=UNPROCESSABLE, error_form=form)


def _find(request: MemberRequest, public_id: uuid.UUID) -> tuple[LesionImage, Prediction]:
    """Give a photograph of the actor's clinic and its latest reading, or raise 404."""
    image = get_object_or_404(LesionImage.objects.visible_to(request.membership), public_id=public_id)
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
