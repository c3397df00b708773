"""The reading page and the history of readings."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from classifier import audit, policies
from classifier.models import Modality, Outcome, Patient, Prediction, Standing, Status
from classifier.models.prediction import WAITING
from classifier.presentation.comparison import compare
from classifier.presentation.figures import bars_of, similar_cases_of
from classifier.presentation.thumbnails import name_thumbnails
from classifier.presentation.wording import (
    HEAT_MAP_SENTENCE,
    LESION_SENTENCE,
    SAFETY_SENTENCE,
    SEVEN_SENTENCE,
    SIMILAR_SENTENCE,
)
from classifier.selectors.history import history
from classifier.selectors.reading import (
    images_to_compare,
    model_yet_to_read,
    other_readings,
    reading_detail,
    readings_by_model,
)
from classifier.selectors.records import images_of, readings_of
from classifier.services.codes import warn_of_code
from classifier.services.readings.queue import queue_prediction, retry_prediction
from classifier.web.forms import STANDINGS, DeclaredForm, HistoryFilter, ModalityForm, MoveForm, ReasonForm
from skinsite.accounts.access import MemberRequest, member_required
from skinsite.accounts.limits import counted
from skinsite.paging import ROWS_ON_A_PAGE, KeyPaginator


@member_required
@require_safe
def reading(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """One reading with all that belongs to it."""
    prediction = find_reading(request, public_id)
    audit.prediction_viewed(actor=request.membership, about=prediction)
    if "new-patient" in request.GET:  # the upload has just made one
        tell_of_new_patient(request, prediction.image.lesion.patient)
    return show_reading(request, prediction)


def tell_of_new_patient(request: MemberRequest, patient: Patient) -> None:
    """Say on the next page that a patient was created, and what is odd about the code."""
    messages.success(request, _("New patient created: %(code)s") % {"code": patient.code})
    tell_of_code(request, patient)


def tell_of_code(request: MemberRequest, patient: Patient) -> None:
    """Say on the next page what is odd about a patient's code."""
    for warning in warn_of_code(request.membership, patient.code, patient=patient):
        messages.warning(request, warning.text)


def find_reading(request: MemberRequest, public_id: uuid.UUID) -> Prediction:
    """Give a reading of the actor's clinic with what its page shows, or raise 404."""
    try:
        return reading_detail(request.membership, public_id)
    except Prediction.DoesNotExist as error:
        raise Http404 from error


def show_reading(
    request: MemberRequest, prediction: Prediction, *, status: int = 200, **forms: MoveForm | ReasonForm
) -> HttpResponse:
    """Render the page of a reading; ``forms`` are corrections that came back with errors."""
    image = prediction.image
    others, has_more_others = other_readings(prediction)
    may_correct = policies.may_correct(request.membership, image) and image.entered_in_error_at is None
    context: dict[str, Any] = {
        "prediction": prediction,
        "image": image,
        "lesion": image.lesion,
        "patient": image.lesion.patient,
        "bars": bars_of(prediction),
        "similar_cases": similar_cases_of(prediction),
        "similar_sentence": SIMILAR_SENTENCE,
        "lesion_sentence": LESION_SENTENCE,
        "safety_sentence": SAFETY_SENTENCE,
        "seven_sentence": SEVEN_SENTENCE,
        "heat_map_sentence": HEAT_MAP_SENTENCE,
        "waiting": prediction.status in WAITING,
        "other_modality": Modality.CLINICAL if image.modality == Modality.DERMOSCOPIC else Modality.DERMOSCOPIC,
        "others": others,
        "has_more_others": has_more_others,
        "successor": prediction.successor,
        "can_be_compared": len(readings_by_model(image)) > 1,
        "model_yet_to_read": model_yet_to_read(image) if may_correct else None,
        "may_correct": may_correct,
        "may_review": policies.may_review(request.membership),
        "move_form": MoveForm(
            initial={"patient_code": image.lesion.patient.code}, actor=request.membership, auto_id="move_%s"
        ),
        "modality_form": ModalityForm(auto_id="modality_%s"),
        "declared_form": DeclaredForm(initial={"declared": image.declared_codes}, auto_id="declared_%s"),
        "error_form": ReasonForm(auto_id="error_%s"),
    }
    return render(request, "classifier/reading.html", context | forms, status=status)


@member_required
@require_safe
def reading_status(request: MemberRequest, public_id: uuid.UUID) -> HttpResponse:
    """How far a reading is: asked again and again by a page, or by a row of uploads, while it waits."""
    prediction = get_object_or_404(readings_of(request.membership), public_id=public_id)
    if request.GET.get("part") == "row":
        return render(request, "classifier/includes/arrival_reading.html", {"prediction": prediction})
    response = render(request, "classifier/includes/waiting.html", {"prediction": prediction})
    if prediction.status not in WAITING:
        response["HX-Refresh"] = "true"
    return response


@member_required
@require_POST
@counted("uploads")
def reading_retry(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Read again after a failure: a new reading; the failed one stays."""
    prediction = get_object_or_404(readings_of(request.membership), public_id=public_id)
    try:
        again = retry_prediction(actor=request.membership, prediction=prediction)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("reading", prediction.public_id)
    return redirect("reading", again.public_id)


@member_required
@require_safe
def image_readings(request: MemberRequest, public_id: uuid.UUID) -> HttpResponse:
    """The readings of one photograph by several models, side by side."""
    image = get_object_or_404(images_to_compare(request.membership), public_id=public_id)
    readings = readings_by_model(image)
    compared = compare(readings)
    photographs = name_thumbnails(request.membership, [image])
    audit.predictions_listed(actor=request.membership, shown=readings, filters=["image"], photographs=photographs)
    context = {"image": image, "lesion": image.lesion, "patient": image.lesion.patient, "compared": compared}
    return render(request, "classifier/comparison.html", context | {"safety_sentence": SAFETY_SENTENCE})


@member_required
@require_POST
@counted("uploads")
def image_read_again(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Have a photograph read by the model in service; its readings by others stay."""
    image = get_object_or_404(images_of(request.membership), public_id=public_id)
    try:
        reading = queue_prediction(actor=request.membership, image=image)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("image-readings", image.public_id)
    return redirect("reading", reading.public_id)


@member_required
@require_safe
@counted("reads")
def history_page(request: MemberRequest) -> HttpResponse:
    """All readings of the clinic: searched, filtered and paged by the address."""
    form = HistoryFilter(request.GET)
    chosen = form.values()
    readings = history(
        request.membership,
        search=chosen.get("q", ""),
        outcome=chosen.get("outcome", ""),
        status=chosen.get("status", ""),
        modality=chosen.get("modality", ""),
        reviewed={"yes": True, "no": False}.get(chosen.get("reviewed", "")),
        since=chosen.get("since"),
        until=chosen.get("until"),
        standing=chosen.get("standing", Standing.VALID),
    )
    asked_page = request.GET.get("page", "1")
    page = KeyPaginator(readings, ROWS_ON_A_PAGE).get_page(asked_page)
    photographs = name_thumbnails(request.membership, (reading.image for reading in page))
    audit.predictions_listed(actor=request.membership, shown=page, filters=chosen, photographs=photographs)
    context = {
        "misunderstood": form.misunderstood(),
        "other_page": asked_page if asked_page != str(page.number) else "",
        "form": form,
        "chosen": chosen,
        "page": page,
        "outcomes": Outcome.choices,
        "statuses": Status.choices,
        "modalities": Modality.choices,
        "standings": STANDINGS,
        "reviewed_choices": [("yes", _("Reviewed")), ("no", _("Not reviewed"))],
    }
    return render(request, "classifier/history.html", context)
