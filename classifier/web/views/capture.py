"""Photographs come in here from people: one or many, each on its own."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from classifier.disclosure.records import offer_lesions, start_with_lesion, suggest_patients
from classifier.models import LesionImage, Prediction
from classifier.models.patient import CODE_LENGTH
from classifier.presentation.problems import problem_of
from classifier.services.codes import CodeWarning, warn_of_code
from classifier.services.intake import DuplicateImageError, receive_upload, require_size
from classifier.services.patients import Expected
from classifier.services.room import ClinicStorageFullError
from classifier.services.shown import note_shown
from classifier.services.upload import Upload
from classifier.storage import StorageUnavailableError
from classifier.web.forms import ACCEPTED, UploadForm
from ml.serve.decode_process import DecoderBusyError
from ml.serve.image_io import LIMITS, ImageRejected
from ml.serve.image_limits import MEGABYTE
from skinsite.accounts.access import MemberRequest, records_required
from skinsite.accounts.actors import Actor
from skinsite.accounts.limits import TooManyRequestsError, counted, spend_on
from skinsite.text import clean_line

SUGGESTIONS = 12
# What a form of many large photographs may take before the rest is answered unread: proxies wait for a minute.
FORM_SECONDS = 30.0
ASKING = ("unknown_patient", "new_patient")  # refusals of a code that a tick at "New patient" answers
ROW_IDS = "row__n___%s"  # the script writes each row's number over __n__


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came of one file: a reading, or the reason why there is none."""

    name: str
    prediction: Prediction | None = None
    created: bool = True
    error: str = ""
    existing: LesionImage | None = None
    asks_for_new_patient: bool = False
    new_patient: bool = False
    warnings: Sequence[CodeWarning] = ()
    of_photograph: Sequence[CodeWarning] = ()


@records_required
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: MemberRequest) -> HttpResponseBase:
    """The page to add photographs on; without JavaScript a plain form, with it a request for each row."""
    if request.method != "POST":
        initial = _initial(request)
        form = UploadForm(initial=initial, actor=request.membership)
        return render(request, "classifier/capture.html", capture_context(request, form, initial=initial))
    form = UploadForm(request.POST, actor=request.membership)
    try:
        spend_on(request, "uploads", cost=max(1, len(request.FILES.getlist("image"))))
    except TooManyRequestsError as error:
        if "HX-Request" not in request.headers:
            raise
        return _refuse_rows(request, form, error)
    arrivals = _receive_all(request, form)
    failed = not arrivals or any(arrival.prediction is None for arrival in arrivals)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if failed else HTTPStatus.OK
    if "HX-Request" in request.headers:
        context = {"arrivals": arrivals, "form": form}
        return render(request, "classifier/includes/arrivals.html", context, status=status)
    if len(arrivals) == 1 and arrivals[0].prediction is not None:
        for warning in arrivals[0].of_photograph:  # those of the code are told by the page of the reading
            messages.warning(request, warning.text)
        address = reverse("reading", args=[arrivals[0].prediction.public_id])
        return redirect(address + ("?new-patient=1" if arrivals[0].new_patient else ""))
    return render(request, "classifier/capture.html", capture_context(request, form, arrivals), status=status)


def _refuse_rows(request: MemberRequest, form: UploadForm, error: TooManyRequestsError) -> HttpResponse:
    """Say in the row of each photograph that it was not taken in, and when to send it again."""
    problem = error.problem()
    names = [file.name or "" for file in request.FILES.getlist("image")]
    context = {"arrivals": [Arrival(name=name, error=str(problem.detail)) for name in names], "form": form}
    response = render(request, "classifier/includes/arrivals.html", context, status=problem.status)
    response["Retry-After"] = str(problem.retry_after)
    return response


def capture_context(
    request: MemberRequest,
    form: UploadForm,
    arrivals: Sequence[Arrival] = (),
    initial: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What the drop zone needs, wherever it stands: the plain form, and the form of a row yet to be."""
    row_form = UploadForm(initial=initial or {}, actor=request.membership, auto_id=ROW_IDS)
    if initial:  # both offer the same lesions, which are given out once
        row_form.find_lesions = lambda _code: form.offered_lesions
    return {
        "form": form,
        "row_form": row_form,
        "arrivals": arrivals,
        "accepted": ACCEPTED,
        "max_bytes": LIMITS.max_bytes,
        "max_megabytes": LIMITS.max_bytes // MEGABYTE,
        "min_side": LIMITS.min_side,
    }


def _initial(request: MemberRequest) -> Mapping[str, str]:
    """Start with the patient, or the lesion, that the page before was about."""
    known = start_with_lesion(request.membership, request.GET.get("lesion", ""))
    return known or {"patient_code": clean_line(request.GET.get("patient_code", ""))[:CODE_LENGTH]}


def _receive_all(request: MemberRequest, form: UploadForm) -> list[Arrival]:
    """Receive each file on its own: the error of one leaves the others alone; a new patient is made once for all."""
    sent = request.FILES.getlist("image")
    if not sent:
        form.add_error(None, _("Choose a photograph first: none came with the form."))
    if not form.is_valid():
        return [Arrival(name=file.name or "", error=_form_error(form)) for file in sent]
    ends = time.monotonic() + FORM_SECONDS
    late = _("Not read: the photographs before it took too long. Send it again.")
    said, arrivals = dict(form.cleaned_data), []
    for file in sent:
        if time.monotonic() > ends:
            arrivals.append(Arrival(name=file.name or "", error=late))
            continue
        arrival = _receive(request.membership, said, file)
        if arrival.new_patient and arrival.prediction is not None:
            said |= {"patient_code": arrival.prediction.image.lesion.patient.code, "new_patient": False}
        arrivals.append(arrival)
    return arrivals


def _receive(actor: Actor, said: dict[str, Any], file: "UploadedFile[Any]") -> Arrival:
    name = file.name or ""
    try:
        receipt = receive_upload(
            actor=actor,
            upload=Upload(
                data=_read(actor, file),
                original_name=name,
                modality=said["modality"],
                declared=said["declared"],
                lesion=said["lesion"],
                patient_code=said["patient_code"],
                expected=Expected.NEW if said["new_patient"] else Expected.KNOWN,
                body_site=said["body_site"],
                attach_anyway=said["attach_anyway"],
            ),
        )
    except DuplicateImageError as error:
        text = _("This photograph is already on another lesion of this clinic.")
        return Arrival(name=name, error=text, existing=error.existing)
    except (ImageRejected, StorageUnavailableError, DecoderBusyError, ClinicStorageFullError) as error:
        known = problem_of(error)
        return Arrival(name=name, error=str(known.detail) if known else str(error))
    except ValidationError as error:
        asks = any(each.code in ASKING for each in getattr(error, "error_dict", {}).get("patient_code", ()))
        return Arrival(name=name, error=" ".join(error.messages), asks_for_new_patient=asks)
    note_shown(actor=actor, shown=[receipt.prediction])
    patient = receipt.prediction.image.lesion.patient
    of_code = warn_of_code(actor, patient.code, patient=patient) if receipt.new_patient else ()
    return Arrival(
        name,
        receipt.prediction,
        receipt.created,
        new_patient=receipt.new_patient,
        warnings=(*of_code, *receipt.warnings),
        of_photograph=receipt.warnings,
    )


def _read(actor: Actor, file: "UploadedFile[Any]") -> bytes:
    """Read an uploaded file into memory unless it is too large for that."""
    size = file.size or 0
    require_size(actor=actor, size=size)
    return bytes(file.read())


def _form_error(form: UploadForm) -> str:
    """All that is wrong with the form, in one line that names the fields."""
    parts = []
    for name, errors in form.errors.items():
        text = " ".join(str(error) for error in errors)
        parts.append(f"{form[name].label}: {text}" if name in form.fields else text)
    return " ".join(parts)


@records_required
@require_safe
@counted("reads")
def patient_search(request: MemberRequest) -> HttpResponse:
    """Codes of the clinic's patients that begin with, or hold, what is typed: options of a list."""
    found = suggest_patients(request.membership, request.GET.get("patient_code", ""), count=SUGGESTIONS)
    context = {"patients": found}
    return render(request, "classifier/includes/patient_options.html", context)


@records_required
@require_safe
@counted("reads")
def lesion_search(request: MemberRequest) -> HttpResponse:
    """The lesions of the patient whose code is typed: options of a list, a new lesion first."""
    lesions = offer_lesions(request.membership, request.GET.get("patient_code", ""))
    context = {"lesions": lesions, "chosen": request.GET.get("lesion", "")}
    return render(request, "classifier/includes/lesion_options.html", context)
