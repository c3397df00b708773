"""The reading page and the history of readings."""

import uuid
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from classifier import policies
from classifier.disclosure.readings import (
    ReadingPage,
    find_photograph,
    find_reading,
    open_comparison,
    open_history,
    open_reading,
    open_status,
)
from classifier.disclosure.records import offer_lesions_beside
from classifier.models import Modality, Outcome, Patient, Status
from classifier.models.prediction import WAITING
from classifier.presentation.comparison import compare
from classifier.presentation.figures import bars_of, similar_cases_of
from classifier.presentation.wording import (
    HEAT_MAP_SENTENCE,
    LESION_SENTENCE,
    SAFETY_SENTENCE,
    SEVEN_SENTENCE,
    SIMILAR_SENTENCE,
)
from classifier.selectors.reading import model_yet_to_read, readings_by_model
from classifier.services.codes import warn_of_code
from classifier.services.readings.queue import queue_prediction, retry_prediction
from classifier.web.forms import STANDINGS, DeclaredForm, HistoryFilter, ModalityForm, MoveForm, ReasonForm
from skinsite.accounts.access import MemberRequest, records_required
from skinsite.accounts.limits import counted


@records_required
@require_safe
def reading(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """One reading with all that belongs to it."""
    page = open_reading(request.membership, public_id)
    if "new-patient" in request.GET:  # the upload has just made one
        tell_of_new_patient(request, page.prediction.image.lesion.patient)
    return show_reading(request, page)


def tell_of_new_patient(request: MemberRequest, patient: Patient) -> None:
    """Say on the next page that a patient was created, and what is odd about the code."""
    messages.success(request, _("New patient created: %(code)s") % {"code": patient.code})
    tell_of_code(request, patient)


def tell_of_code(request: MemberRequest, patient: Patient) -> None:
    """Say on the next page what is odd about a patient's code."""
    for warning in warn_of_code(request.membership, patient.code, patient=patient):
        messages.warning(request, warning.text)


def show_reading(
    request: MemberRequest, page: ReadingPage, *, status: int = 200, **forms: MoveForm | ReasonForm
) -> HttpResponse:
    """Render the page of a reading; ``forms`` are corrections that came back with errors."""
    prediction, card = page.prediction, page.card
    image = prediction.image
    may_correct = policies.may_correct(request.membership, image) and image.entered_in_error_at is None
    move_form = MoveForm(
        initial={"patient_code": image.lesion.patient.code}, actor=request.membership, auto_id="move_%s"
    )
    move_form.find_lesions = partial(offer_lesions_beside, request.membership, prediction)
    context: dict[str, Any] = {
        "prediction": prediction,
        "image": image,
        "lesion": image.lesion,
        "patient": image.lesion.patient,
        "card": card,
        "lesion_bars": bars_of(card.reading) if card and card.reading else None,
        "elsewhere": page.elsewhere,
        "worst": page.worst,
        "bars": bars_of(prediction),
        "similar_cases": similar_cases_of(prediction),
        "similar_sentence": SIMILAR_SENTENCE,
        "lesion_sentence": LESION_SENTENCE,
        "safety_sentence": SAFETY_SENTENCE,
        "seven_sentence": SEVEN_SENTENCE,
        "heat_map_sentence": HEAT_MAP_SENTENCE,
        "waiting": prediction.status in WAITING,
        "other_modality": Modality.CLINICAL if image.modality == Modality.DERMOSCOPIC else Modality.DERMOSCOPIC,
        "others": page.others,
        "has_more": page.has_more,
        "successor": prediction.successor,
        "can_be_compared": len(readings_by_model(image)) > 1,
        "model_yet_to_read": model_yet_to_read(image) if may_correct else None,
        "may_correct": may_correct,
        "may_review": policies.may_review(request.membership),
        "move_form": move_form,
        "modality_form": ModalityForm(auto_id="modality_%s"),
        "declared_form": DeclaredForm(initial={"declared": image.declared_codes}, auto_id="declared_%s"),
        "error_form": ReasonForm(auto_id="error_%s"),
    }
    return render(request, "classifier/reading.html", context | forms, status=status)


@records_required
@require_safe
def reading_status(request: MemberRequest, public_id: uuid.UUID) -> HttpResponse:
    """How far a reading is: asked again and again by a page, or by a row of uploads, while it waits."""
    is_row = request.GET.get("part") == "row"
    prediction = open_status(request.membership, public_id, with_outcome=is_row)
    if is_row:
        return render(request, "classifier/includes/arrival_reading.html", {"prediction": prediction})
    response = render(request, "classifier/includes/waiting.html", {"prediction": prediction})
    if prediction.status not in WAITING:
        response["HX-Refresh"] = "true"
    return response


@records_required
@require_POST
@counted("uploads")
def reading_retry(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Read again after a failure: a new reading; the failed one stays."""
    prediction = find_reading(request.membership, public_id)
    try:
        again = retry_prediction(actor=request.membership, prediction=prediction)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("reading", prediction.public_id)
    return redirect("reading", again.public_id)


@records_required
@require_safe
def image_readings(request: MemberRequest, public_id: uuid.UUID) -> HttpResponse:
    """The readings of one photograph by several models, side by side."""
    image, readings = open_comparison(request.membership, public_id)
    compared = compare(readings)
    context = {"image": image, "lesion": image.lesion, "patient": image.lesion.patient, "compared": compared}
    return render(request, "classifier/comparison.html", context | {"safety_sentence": SAFETY_SENTENCE})


@records_required
@require_POST
@counted("uploads")
def image_read_again(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Have a photograph read by the model in service; its readings by others stay."""
    image = find_photograph(request.membership, public_id)
    try:
        reading = queue_prediction(actor=request.membership, image=image)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("image-readings", image.public_id)
    return redirect("reading", reading.public_id)


@records_required
@require_safe
@counted("reads")
def history_page(request: MemberRequest) -> HttpResponse:
    """All readings of the clinic: searched, filtered and paged by the address."""
    form = HistoryFilter(request.GET)
    chosen = form.values()
    asked_page = request.GET.get("page", "1")
    page = open_history(request.membership, chosen, page=asked_page)
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
